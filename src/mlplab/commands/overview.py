"""What came out of a study, in one small table: each network's test result over its seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlplab.commands.output import Block, Table
from mlplab.declarations.task import METRICS, Metric
from mlplab.words import number

if TYPE_CHECKING:
    from mlplab.records.results import Results

MOST_ROWS = 30
MOST_TASKS = 12
MOST_QUESTIONS = 10


def overview(results: Results) -> list[Block]:
    """Say what came out: every network's result, the choice, detectors of unknown classes, and the
    answers to the study's questions."""
    from mlplab.statistics.intervals import overlapping

    with overlapping(results.study.test_over_train):
        blocks = [*_finals(results), *_usual_methods(results), *_choice(results)]
    if results.study.open_set:
        blocks += _open_set(results)
    return [*blocks, *_answers(results)]


def _finals(results: Results) -> Iterator[Block]:
    """Network, seeds and the test metric that decides (mean ± half of the 95% t interval).

    Beyond `MOST_ROWS` networks only the best are shown, and how many are not.
    """
    study = results.study
    metric = METRICS[study.choice.metric or study.task.main]
    rows = _rows(results, metric)
    shown = rows
    if len(rows) > MOST_ROWS:
        shown = sorted(
            rows,
            key=lambda row: -metric.sign * sum(row[1]) / len(row[1]) if row[1] else math.inf,
        )[:MOST_ROWS]
    yield Table(
        ("network", "seeds", f"test {metric.title}", "diverged"),
        (
            *(
                (name, str(done), _told(values, metric), str(diverged or ""))
                for name, values, done, diverged in shown
            ),
            *_trivial(results, metric),
        ),
    )
    if len(rows) > MOST_ROWS:
        yield (f"The best {MOST_ROWS} of {len(rows):,} networks; the report has all.")
    if rows:
        yield _quantity(results, metric)


def _quantity(results: Results, metric: Metric) -> str:
    """Which value of a run it is, and what stands beside it."""
    restored = any(
        network.training.early_stopping is not None and network.training.early_stopping.restore_best
        for network in results.study.networks.values()
    )
    where = "with the weights that early stopping restored" if restored else "after the last step"
    return f"Test {metric.title} {where}: mean over seeds ± half of its 95% interval."


def _answers(results: Results) -> Iterator[Block]:
    """The first questions with their answers."""
    if not results.study.questions:
        return
    from mlplab.analysis.questions.answers import answer_questions

    answers = answer_questions(results)
    yield ""
    for place, answer in enumerate(answers[:MOST_QUESTIONS], start=1):
        yield f"{place}. {answer.question.ask}"
        yield f"   {answer.sentence}"
    if len(answers) > MOST_QUESTIONS:
        yield (f"{len(answers) - MOST_QUESTIONS:,} more questions; the report has all.")


def _trivial(results: Results, metric: Metric) -> Iterator[tuple[str, ...]]:
    """What the trivial prediction comes to, where the records tell."""
    from mlplab.analysis.trivial import NAMES, trivial_baseline

    value = trivial_baseline(results, metric.name)
    if value is not None:
        yield f"({NAMES[results.study.task.name]})", "", number(value, metric.name), ""


def _rows(results: Results, metric: Metric) -> list[tuple[str, list[float], int, int]]:
    """Return (network, finite test values, seeds that are done, diverged), as in the study."""
    summary = results.summary()
    rows: dict[str, tuple[list[float], list[str]]] = {}
    columns = (summary[name].tolist() for name in ("network", "status", f"test_{metric.name}"))
    for name, status, value in zip(*columns, strict=True):
        values, done = rows.setdefault(str(name), ([], []))
        if status in ("finished", "diverged"):
            done.append(status)
        if status == "finished" and value == value:
            values.append(value)
    return [
        (name, values, len(done), done.count("diverged")) for name, (values, done) in rows.items()
    ]


def _told(values: list[float], metric: Metric) -> str:
    """Mean ± half interval in words."""
    from mlplab.statistics.intervals import t_interval
    from mlplab.words import with_interval

    return with_interval(t_interval(values), metric.name) if values else "none"


def _usual_methods(results: Results) -> Iterator[Block]:
    """Test results of the usual methods of scikit-learn on the rows of tables."""
    from mlplab.records.usual_methods import usual_results

    rows, metric = [], METRICS[results.study.task.main]
    for found in usual_results(results).values():
        methods = dict.fromkeys(one.method for one in found)
        for method in methods:
            values = [
                one.metrics.get(f"test_{metric.name}", math.nan)
                for one in found
                if one.method == method
            ]
            known = [value for value in values if value == value]
            rows.append((method, number(sum(known) / len(known), metric.name) if known else "none"))
    if rows:
        yield ""
        yield Table(("on the same rows", f"test {metric.title}"), tuple(rows))


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
    yield (f"\nThe rule: {rule_in_words(choice)}.")
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
