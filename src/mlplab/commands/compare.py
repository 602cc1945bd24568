"""`mlplab compare`: two networks of a results folder, paired by seed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from mlplab.commands import options
from mlplab.commands.failure import complain
from mlplab.words import count

if TYPE_CHECKING:
    import pandas as pd

    from mlplab.records.results import Results

FEWEST_SEEDS = 3
"""Below this no interval is shown: it would say more about luck than about networks."""

COMPARED = ("test", "validation", "train")
"""Splits whose main metric and loss are compared; the last batch alone is too noisy."""

NetworkArgument = Annotated[str, options.argument("NETWORK", "A network of the study.")]


def compare(run: options.ResultsArgument, one: NetworkArgument, other: NetworkArgument) -> None:
    """Compare two networks of a results folder, by seed.

    \b
    Example:
      mlplab compare runs/report-2023 config10 config6

    Networks of equal seed saw the same batches, so their difference (the first minus the second)
    has less noise than either. Shown are its mean, and interval and p-value of the sign-flip test,
    which assumes no distribution. Both are corrected for all metrics together that have them: an
    interval excludes 0 exactly if p is at most 0.05. Below stand the study's questions about the
    two, or else whether the first is better, with the verdict and what differs
    between them; those are corrected for the questions instead.
    """
    from mlplab.commands.output import print_table
    from mlplab.declarations.problems import BadInput, Problem
    from mlplab.study import open_results

    if one == other:
        raise BadInput(Problem("", "two different networks", f'"{one}" twice'))
    results = open_results(run)
    pairs = _pairs(results, one, other)
    if pairs.empty:
        print(f"{one} and {other} have no seed in common that both finished without diverging.")
        return
    metrics = [metric for metric in pairs[one].columns if metric in pairs[other].columns]
    tested = [metric for metric in metrics if _is_tested(pairs, one, other, metric)]
    print_table(
        ("metric", one, other, "difference", "95% interval", "p"),
        [
            _row(metric, pairs[one][metric], pairs[other][metric], len(tested) * (metric in tested))
            for metric in metrics
        ],
    )
    print(f"\nPaired over {count(len(pairs), 'seed')}; {one} minus {other}.")
    if len(pairs) < FEWEST_SEEDS:
        print(f"Fewer than {FEWEST_SEEDS} seeds support no interval: run more with --seeds.")
    else:
        print(_correction(len(tested), len(pairs)))
    _print_answers(results, one, other)


def _print_answers(results: Results, one: str, other: str) -> None:
    from mlplab.analysis.questions.answers import answers_about

    for found in answers_about(results, one, other):
        asked = "registered before training" if found.is_registered else "asked afterwards"
        print(f"\n{found.question.ask} ({asked})")
        print(found.sentence)
        for sentence in (*found.audit.sentences, *found.caveats):
            print(f"  {sentence}")
        print(f"  Test: {found.method.name}. Read: {found.method.read}.")


def _pairs(results: Results, one: str, other: str) -> pd.DataFrame:
    """Return the final values of both networks: a row a seed, columns (network, metric)."""
    import pandas as pd

    from mlplab.declarations.problems import BadInput, Problem, did_you_mean
    from mlplab.words import quoted

    known = tuple(results.study.networks)
    unknown = [name for name in dict.fromkeys((one, other)) if name not in known]
    if unknown:
        raise BadInput(
            Problem(
                "",
                expected=f"networks of this study: {quoted(known)}",
                received=f'"{name}"',
                hint=did_you_mean(name, known),
                file=str(results.folder),
            )
            for name in unknown
        )
    summary, main = results.summary(), results.study.task.main
    compared = [f"{split}_{metric}" for split in COMPARED for metric in (main, "loss")]
    tables = {}
    for name in (one, other):
        of_network = summary[summary["network"] == name]
        fine = of_network[of_network["status"] == "finished"].set_index("seed")
        left_out = len(of_network) - len(fine)
        if left_out:
            complain(f"note: {name} diverged or is missing for {count(left_out, 'seed')}")
        tables[name] = fine[[*compared, "seconds"]]
    return pd.concat(tables, axis=1, join="inner").dropna(axis=1, how="all")


def _is_tested(pairs: pd.DataFrame, one: str, other: str, metric: str) -> bool:
    """Whether enough seeds have the metric, and as many measurements of it."""
    # Networks that train in one stack share its time, so their seeds are no several measurements.
    if metric == "seconds":
        return False
    return int((pairs[one][metric] - pairs[other][metric]).notna().sum()) >= FEWEST_SEEDS


def _row(metric: str, one: pd.Series, other: pd.Series, together: int) -> tuple[str, ...]:
    """Means and difference of one metric, its interval and p corrected for `together` metrics.

    together: 0 of a metric that is not tested.
    """
    from mlplab.analysis.questions.finding import FALSE_VERDICTS, corrected
    from mlplab.statistics.sign_flip import sign_flip_interval, sign_flip_test
    from mlplab.words import p_in_column

    differences = (one - other).to_numpy(dtype=float)
    told = (
        metric.replace("_", " ", 1),
        f"{one.mean():.4f}",
        f"{other.mean():.4f}",
        f"{(one - other).mean():+.4f}",
    )
    if not together:
        return (*told, "", "")
    level = 1 - FALSE_VERDICTS / together
    interval = sign_flip_interval(differences, level=level)
    p = corrected(float(sign_flip_test(differences).p_two_sided), together)
    within = f"{interval.low:+.4f} to {interval.high:+.4f}"
    if math.isinf(interval.low):
        within = "excludes nothing"
    return (*told, within, p_in_column(p))


def _correction(metrics: int, seeds: int) -> str:
    """What interval and p are, what they are corrected for, and whether so few seeds can decide."""
    from mlplab.analysis.questions.finding import FALSE_VERDICTS
    from mlplab.declarations.seeds_needed import seeds_of_pair

    words = "Interval and p are those of the sign-flip test"
    if metrics > 1:
        words += (
            f", corrected for the {metrics} metrics together (Bonferroni): all intervals hold at "
            "95% at once"
        )
    words += f". An interval excludes 0 exactly if p is at most {FALSE_VERDICTS}."
    fewest = seeds_of_pair(FALSE_VERDICTS / max(1, metrics))
    if seeds < fewest:
        words += f" With {count(seeds, 'seed')} none can; {fewest} seeds could."
    return words + "\nQuestions below are corrected for their own number."
