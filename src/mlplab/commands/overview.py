"""What came out of a study, in one small table: each network's test accuracy over its seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlplab.commands.output import Block, Table

if TYPE_CHECKING:
    from mlplab.records.results import Results

MOST_ROWS = 30
MOST_TASKS = 12
MOST_QUESTIONS = 10


def overview(results: Results) -> list[Block]:
    """Say what came out: every network's accuracy, the choice, detectors of unknown classes, and the
    answers to the study's questions."""
    blocks = [*_accuracies(results), *_usual_methods(results), *_choice(results)]
    if results.study.open_set:
        blocks += _open_set(results)
    return [*blocks, *_answers(results)]


def _accuracies(results: Results) -> Iterator[Block]:
    """Network, seeds and test accuracy (mean ± half of the 95% t interval).

    Beyond `MOST_ROWS` networks only the best are shown, and how many are not.
    """
    rows = _rows(results)
    shown = rows
    if len(rows) > MOST_ROWS:
        shown = sorted(rows, key=lambda row: -row[1] if row[1] == row[1] else math.inf)[:MOST_ROWS]
    yield Table(
        ("network", "seeds", "test accuracy", "diverged"),
        tuple((name, str(n), told, str(diverged or "")) for name, _, n, told, diverged in shown),
    )
    if len(rows) > MOST_ROWS:
        yield (f"The best {MOST_ROWS} of {len(rows):,} networks; the report has all.")
    if rows:
        yield _quantity(results)


def _quantity(results: Results) -> str:
    """Which accuracy of a run it is, and what stands beside it."""
    restored = any(
        network.training.early_stopping is not None and network.training.early_stopping.restore_best
        for network in results.study.networks.values()
    )
    where = "with the weights that early stopping restored" if restored else "after the last step"
    return f"Test accuracy {where}: mean over seeds ± half of its 95% interval."


def _answers(results: Results) -> Iterator[Block]:
    """The first questions with their answers."""
    if not results.study.questions:
        return
    from mlplab.analysis.questions.answers import answer_questions

    answers = answer_questions(results)
    yield ""
    for number, answer in enumerate(answers[:MOST_QUESTIONS], start=1):
        yield f"{number}. {answer.question.ask}"
        yield f"   {answer.sentence}"
    if len(answers) > MOST_QUESTIONS:
        yield (f"{len(answers) - MOST_QUESTIONS:,} more questions; the report has all.")


def _rows(results: Results) -> list[tuple[str, float, int, str, int]]:
    """Return (network, mean, seeds, mean ± half interval in words, diverged), as in the study."""
    from mlplab.statistics.intervals import t_interval
    from mlplab.words import with_interval

    summary = results.summary()
    rows = []
    for name, of_network in summary.groupby("network", sort=False):
        done = of_network[of_network["status"].isin(("finished", "diverged"))]
        fine = done[done["status"] == "finished"]
        diverged = len(done) - len(fine)
        accuracies = fine["test_accuracy"].dropna().to_numpy()
        if not len(accuracies):
            rows.append((str(name), math.nan, len(done), "none", diverged))
            continue
        interval = t_interval(accuracies)
        told = with_interval(interval)
        rows.append((str(name), float(interval.mean), len(done), told, diverged))
    return rows


def _usual_methods(results: Results) -> Iterator[Block]:
    """Test accuracy of the usual methods of scikit-learn on the rows of tables."""
    from mlplab.records.usual_methods import usual_results

    rows = []
    for found in usual_results(results).values():
        methods = dict.fromkeys(one.method for one in found)
        for method in methods:
            values = [
                one.metrics.get("test_accuracy", math.nan) for one in found if one.method == method
            ]
            known = [value for value in values if value == value]
            rows.append((method, f"{sum(known) / len(known):.4f}" if known else "none"))
    if rows:
        yield ""
        yield Table(("on the same rows", "test accuracy"), tuple(rows))


def _choice(results: Results) -> Iterator[Block]:
    """Which network the study's rule takes, and what to bear in mind of that."""
    from mlplab.analysis.choice.best import NoChoice
    from mlplab.analysis.choice.rule import choose
    from mlplab.analysis.choice.words import caveats_of, outcome_in_words, rule_in_words

    choice = choose(results)
    if isinstance(choice, NoChoice):
        if len(results.study.networks) > 1 and not results.study.open_set:
            yield (f"\nNo network is chosen: {choice.reason}.")
        return
    yield (f"\nThe rule: {rule_in_words(choice.rule, choice.split)}.")
    yield (f"{outcome_in_words(choice)}.")
    for caveat in caveats_of(choice):
        yield f"  {caveat}"


def _open_set(results: Results) -> Iterator[Block]:
    """For each split, the best detector of unknown classes and the softmax beside it."""
    from mlplab.analysis.open_set.evaluating import tests_of
    from mlplab.analysis.open_set.tasks import failures_in_words, tasks_of

    shares = [question.reject_at_most for question in results.study.open_set]
    tests = tests_of(results)
    for line in failures_in_words(tests):
        print(line)
    tasks = tasks_of(tests, shares)
    if not tasks:
        return
    rows = []
    for task in tasks[:MOST_TASKS]:
        softmax = task.of("softmax")
        best = f"{task.best.detector} {task.best.auroc()[0]:.3f}"
        rejected = f"{float(task.best.mean('recall_of_unknown').mean):.0%}"
        beside = f"{softmax.auroc()[0]:.3f}" if softmax else ""
        rows.append((f"{task.template}: {task.split.title}", best, rejected, beside))
    yield ""
    yield Table(("unknown classes", "best AUROC", "rejected", "softmax"), tuple(rows))
    if len(tasks) > MOST_TASKS:
        yield (f"{len(tasks) - MOST_TASKS:,} more splits; the report has all.")
