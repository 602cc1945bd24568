"""What was studied, what came out, and what to beware of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mlplab.analysis import trivial
from mlplab.analysis.choice.best import NoChoice
from mlplab.analysis.choice.words import caveats_of_best
from mlplab.analysis.diagnostics import Diagnosis, diagnoses
from mlplab.declarations.data import KnownData, TableData
from mlplab.declarations.network import Network
from mlplab.declarations.resolving.data_size import data_size
from mlplab.declarations.task import METRICS
from mlplab.figures.figure import Figure
from mlplab.figures.final_values import final_figure
from mlplab.report import wording
from mlplab.report.context import Context
from mlplab.report.document import (
    Block,
    Bullets,
    Chapter,
    Fact,
    Facts,
    Heading,
    Paragraph,
    Pictures,
    plain,
)
from mlplab.statistics.intervals import MeanInterval, t_interval
from mlplab.words import by_count, count, duration, listed, listed_classes, number, with_interval


def chapter(context: Context) -> Chapter:
    """The first chapter."""
    blocks: list[Block] = [Paragraph(studied(context), lead=True)]
    if context.leading is None:
        blocks.append(Paragraph(_no_choice(context), lead=True))
    else:
        blocks.append(Paragraph(outcome(context), lead=True))
        blocks.append(Facts(_facts(context)))
    warnings = caveats(context)
    if warnings:
        blocks += [Heading("What to bear in mind"), Bullets(tuple(warnings))]
    if context.ranking is not None and len(context.ranking.networks) > 1:
        blocks.append(Pictures((_final_figure(context),)))
    return Chapter("overview", "What came out", tuple(blocks))


def _final_figure(context: Context) -> Figure:
    assert context.ranking is not None
    figure = final_figure(context.ranking, f"overview-final-{context.metric.name}")
    told = trivial.in_words(context.results, context.metric.name)
    return replace(figure, caption=f"{figure.caption} {told}".rstrip())


def _no_choice(context: Context) -> str:
    if any(context.results.study.networks[name].roles is not None for name in context.runs):
        return (
            "Every network here knows some of the classes only, each its own, so they are not "
            "ranked; the next chapter tells what they do with the others."
        )
    return "No network has finished with a finite result."


def studied(context: Context) -> str:
    """How many networks, on what, for how long, from how many seeds, and how they differ."""
    study = context.results.study
    networks = [n for n in study.networks.values() if n.roles is None]
    forms = len(study.networks) - len(networks) if networks else 0
    networks = networks or list(study.networks.values())
    seeds = f"from {context.seeds_in_words}"
    each = "each trained" if len(networks) > 1 else "trained"
    lengths = {wording.batch(n) for n in networks}
    long = f" for {lengths.pop()}" if len(lengths) == 1 else ""
    titles = list(dict.fromkeys(plain(_sized_title(n)) for n in networks))
    words = (
        f"**{count(len(networks), 'network')}**, {each} {seeds}{long}, on {listed(titles, most=3)}."
    )
    if forms:
        learn = by_count(forms, "{n} more network learns", "{n} more networks learn")
        words += f" {learn} only some of the classes, to be shown the others."
    differences = wording.varied(networks)
    if differences:
        words += f" They differ in {plain(listed(differences, most=8))}."
    return words


def _sized_title(network: Network) -> str:
    """The data with their rows: those that the network learns from, without the validation part."""
    title, data = wording.data_title(network), network.data
    if not isinstance(data, KnownData):
        return title
    roles = network.roles
    if roles is not None:
        data = data.model_copy(update={"classes": (*roles.known, *roles.negative)})
    size, _ = data_size(data, Path())
    parts = [(size.train_rows, "training"), (size.validation_rows, "validation")]
    parts += [] if roles is not None else [(size.test_rows, "test")]
    told = [f"{rows:,} {part}" for rows, part in parts if rows]
    if roles is not None and told:
        return (
            f"{title}: {listed(told)} rows of {listed_classes(list(map(str, data.classes or ())))}"
        )
    return f"{title} ({listed(told)} rows)" if told else title


def outcome(context: Context) -> str:
    """The best network, how good, how sure, and which others may be the best as well."""
    best, value = context.best, _value(context)
    n = int(value.n)
    how = f"mean and 95% t interval of {n} seeds" if n > 1 else "one seed, so without an interval"
    what = context.metric.title

    reached = f"a test {what} of **{with_interval(value, context.metric.name)}** ({how})"
    name = plain(context.leading)
    if best is None:
        return _not_compared(context, name, reached)
    named, among = context.results.study.choice.networks, ""
    if named is not None:
        among = f"Of those that the rule of choice names, {listed(map(plain, named), most=6)}, "
    start = "the best mean is that of" if best.others else "the best is"
    chosen = f" chosen by validation {what}," if best.split == "validation" else ""
    start = f"{among}{start}"
    words = f"{start[0].upper()}{start[1:]} **{name}**,{chosen} with {reached}."
    hsu = f"Hsu's simultaneous 95% comparisons with the best, of {best.seeds:,} paired seeds"
    if not best.others:
        return f"{words} {hsu[0].upper()}{hsu[1:]}, exclude every other network as the best."
    return (
        f"{words} It is not settled which is best: {hsu}, do not exclude "
        f"{listed(map(plain, best.others), most=6)} either."
    )


def _not_compared(context: Context, name: str, reached: str) -> str:
    choice, chosen = context.choice, context.chosen
    assert choice is not None
    if len(choice.networks) == 1 or not isinstance(chosen, NoChoice):
        return f"**{name}** reaches {reached}."
    metric = context.metric
    mean = f"mean validation {metric.title}" if choice.split == "validation" else "mean"
    end = "highest" if metric.higher_is_better else "lowest"
    return (
        f"The {end} {mean} is that of **{name}**, with {reached}; no best is named, as "
        f"{plain(chosen.reason)}."
    )


def _value(context: Context) -> MeanInterval:
    """Test result of the leading network, over the seeds that are compared where it decides."""
    assert context.ranking is not None
    assert context.leading is not None
    if context.best is not None and context.best.split == "test":
        return t_interval(context.best.values_of(context.leading))
    return context.ranking.of(context.leading)


def _facts(context: Context) -> tuple[Fact, ...]:
    best = context.leading
    rows = context.summary[context.summary["network"] == best]
    value = _value(context)
    facts = [
        Fact(
            with_interval(value, context.metric.name),
            f"test {context.metric.title} of {plain(best)}",
        ),
    ]
    if context.metric.name == "accuracy":
        facts.append(Fact(f"{100 * (1 - float(value.mean)):.3g}%", "of its test rows wrong"))
    if "parameters" in rows and rows["parameters"].notna().any():
        facts.append(Fact(f"{int(rows['parameters'].iloc[0]):,}", "parameters in it"))
    seconds = t_interval(context.summary["seconds"].dropna().to_numpy(dtype=float))
    total = float(seconds.mean) * int(seconds.n)
    facts.append(Fact(duration(total), f"training for {count(len(context.results.runs), 'run')}"))
    return tuple(facts)


def caveats(context: Context) -> list[str]:
    """What a careful reader would ask about, answered before it is asked."""
    return [
        *_about_choice(context),
        *_about_seeds(context),
        *_about_rates(context),
        *_about_weights(context),
        *_about_training(context),
        *_about_failures(context),
        *map(plain, context.results.study.notes),
    ]


def _about_choice(context: Context) -> list[str]:
    choice, best = context.choice, context.best
    if choice is None or len(choice.networks) < 2:
        return []
    title = context.metric.title
    about = (
        f"**No validation part:** the best network was found on the test set, so its {title} is "
        "optimistic: the best of several noisy numbers tends to be too good. A `validation` "
        "part in the study's data mends this."
    )
    if (choice if best is None else best).split == "validation":
        about = (
            f"Networks are ranked by validation {title}; the test set had no part in the choice."
        )
    return [about, *([] if best is None else [plain(words) for words in caveats_of_best(best)])]


def _about_seeds(context: Context) -> list[str]:
    low, _ = context.seeds
    resampling = context.results.study.resampling
    if resampling is not None:
        how = (
            f"{resampling.repeats} × {resampling.folds}-fold cross-validation"
            if resampling.folds is not None
            else f"{resampling.splits} drawn splits"
        )
        return [
            f"**Over data and seeds:** {how}; each repetition has its own training and test rows and "
            "its own seed. Training rows overlap, so intervals and verdicts take the variance of a "
            "mean as s²·(1/n + test/train) (Nadeau and Bengio, 2003; Bouckaert and Frank, 2004)."
        ]
    if any(isinstance(n.data, TableData) for n in context.results.study.networks.values()):
        return [
            "**Over seeds, not over data:** intervals tell what other initial weights and orders of "
            "rows would give on this split of the rows; other rows may tell otherwise. "
            '"resampling" splits them repeatedly.',
            *_few_seeds(low),
        ]
    return _few_seeds(low)


_DIAGNOSED = {
    "overfit": (
        "**Overfit:** the {split} loss of {names} was lowest after {other} of training, and ended {amount} "
        "higher. Early stopping, weight decay, dropout or more rows mend this."
    ),
    "too short": (
        "**Trained too short:** over the last fifth of training the {split} loss of {names} still fell by "
        "{amount}. More steps would help."
    ),
    "unstable": (
        "**Unstable seeds:** {names} ended between {amount} and {other} {title} by the seed alone. A lower "
        "rate, a warm-up or other initial weights often mend this; a mean hides it."
    ),
}


def _about_training(context: Context) -> Iterator[str]:
    """What learning curves show of networks, a sentence a kind; the worst is told with its numbers."""
    found = list(diagnoses(context.results, context.runs))
    metric = METRICS[context.results.study.task.main]
    for kind, sentence in _DIAGNOSED.items():
        own = sorted((d for d in found if d.kind == kind), key=lambda d: -_severity(d))
        if not own:
            continue
        first = own[0]
        names = plain(first.network)
        if len(own) > 1:
            names += (
                f" (and, less so, of {count(len(own) - 1, 'other network')})"
                if (kind != "unstable")
                else f" (and {count(len(own) - 1, 'other network')} by less)"
            )
        is_unstable = kind == "unstable"
        yield sentence.format(
            names=names,
            split=first.split,
            amount=number(first.amount, metric.name) if is_unstable else f"{first.amount:.0%}",
            other=number(first.other, metric.name) if is_unstable else f"{first.other:.0%}",
            title=metric.title,
        )


def _severity(diagnosis: Diagnosis) -> float:
    if diagnosis.kind == "unstable":
        return diagnosis.other - diagnosis.amount
    return diagnosis.amount


def _few_seeds(low: int) -> list[str]:
    if low == 1:
        return [
            "**One seed:** nothing here tells a difference between networks from luck. Five seeds "
            "and more do."
        ]
    if low < 5:
        return [
            f"**{count(low, 'seed')}:** the intervals are wide, and honest; a small difference "
            "between networks needs more seeds."
        ]
    return []


def _about_rates(context: Context) -> list[str]:
    rates: dict[str, set[float]] = {}
    study = context.results.study
    if study.tune is not None and "optimizer.learning_rate" in study.tune.space and study.tuned:
        return []
    for network in study.networks.values():
        rates.setdefault(network.optimizer.name, set()).add(network.optimizer.learning_rate)
    alone = {name: next(iter(r)) for name, r in rates.items() if len(r) == 1}
    if len(rates) < 2 or len(alone) < len(rates) or len(set(alone.values())) < 2:
        return []
    tried = [f"{wording.OPTIMIZERS[name]} {rate:g}" for name, rate in alone.items()]
    return [
        f"**One learning rate an optimizer** ({listed(tried)}): a difference between optimizers is "
        "a difference between these settings, not between the methods at their best."
    ]


def _about_weights(context: Context) -> list[str]:
    weighted = {
        name: weights
        for name, network in context.results.study.networks.items()
        if (weights := getattr(network.objective, "class_weights", None)) is not None
    }
    if not weighted:
        return []
    who = (
        "All networks were"
        if len(weighted) == len(context.results.study.networks)
        else f"{listed(map(plain, list(weighted)), most=6)} {'was' if len(weighted) == 1 else 'were'}"
    )
    return [
        f"**Class weights:** {who} trained with rows that count by their class, so the softmax does "
        "not estimate how frequent a class is in the data; every loss and accuracy here is of rows "
        "that count alike."
    ]


def _about_failures(context: Context) -> list[str]:
    results, found = context.results, []
    runs = [
        f"{plain(run.network)} seed {run.seed} at step {run.diverged_at:,}"
        for run in results.runs
        if run.diverged_at is not None
    ]
    if runs:
        found.append(
            f"**{count(len(runs), 'run')} diverged:** {listed(runs, most=8)}. They are in no mean "
            "of final values."
        )
    if results.missing:
        total = len(results.missing) + len(results.runs)
        found.append(
            f"**{len(results.missing):,} of {total:,} runs are missing:** this report speaks of "
            "what is finished."
        )
    for failure in results.failures[:5]:
        found.append(
            f"{plain(failure.network)}, seed {failure.seed}, could not be run: "
            f"{plain(failure.reason)}"
        )
    return found
