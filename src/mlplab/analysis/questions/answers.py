"""The questions of a study, answered from its results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from mlplab.analysis.open_set.evaluating import tests_of
from mlplab.analysis.questions.divergence_caveats import divergence_caveats
from mlplab.analysis.questions.finding import FALSE_VERDICTS, Finding, corrected
from mlplab.analysis.questions.finite_rows import CountedRows, NotMeasured, RowsPart, rows_part
from mlplab.analysis.questions.finite_unknowns import unknowns_part
from mlplab.analysis.questions.judging import judge
from mlplab.analysis.questions.looks import Looks, in_words, judge_in_looks, planned_looks
from mlplab.analysis.questions.methods import Method, method_of
from mlplab.analysis.questions.open_set_values import TestsByForm, open_set_values, tests_by_form
from mlplab.analysis.questions.sentence import Wording, wording_of
from mlplab.analysis.questions.units import Unit, unit_of
from mlplab.analysis.questions.values import (
    MetricValues,
    RunsByNetwork,
    metric_values,
    runs_by_network,
    sizes_known,
)
from mlplab.declarations.checking.audit import Audit, audit_question
from mlplab.declarations.metric import FinalMetric, OpenSetMetric, SecondsToMetric
from mlplab.declarations.question import LevelQuestion, PairQuestion, Question
from mlplab.declarations.resolving.arms import Arm, arms_of
from mlplab.declarations.task import METRICS
from mlplab.declarations.tuning import tuned_together
from mlplab.records.questions import Registration, question_digest, registrations
from mlplab.records.results import Results
from mlplab.statistics.verdict_rules import Verdict
from mlplab.words import by_count

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """One question with everything that is known to answer it."""

    question: Question
    finding: Finding
    measured: MetricValues
    audit: Audit
    registration: Registration | None
    """None if the question was not among those written down before or at a run."""
    rows: RowsPart | None
    """What the rows leave open; None where no held-out rows were looked at."""
    questions: int
    """Asked together: their intervals and p-values hold for all of them at once."""
    arms: tuple[Arm, ...] = field(default=())
    """The trained networks of its sides, and how each is tested on unknown classes."""
    looks: Looks | None = None
    """Where seeds are added until it is decided: what was seen at every look, the last of which
    gave the finding."""

    def __repr__(self) -> str:
        effect = "" if self.effect is None else f", effect={self.effect:.6g}"
        if self.interval is not None:
            effect += ", interval=({:.6g}, {:.6g})".format(*self.interval)
        return (
            f"Answer({self.question.ask!r}, verdict={self.verdict!r}{effect}, "
            f"p_value={self.p_value:.4g}, seeds={self.seeds})"
        )

    @property
    def verdict(self) -> Verdict:
        """supported, refuted, same, inconclusive or undecidable."""
        return self.finding.verdict

    @property
    def effect(self) -> float | None:
        """First less second, in the metric's own numbers: 0.005 of accuracy is half a point. Of a
        trend the last less the first, of a level the mean less the number; None of a ranking."""
        return self.finding.effect

    @property
    def interval(self) -> tuple[float, float] | None:
        """Limits of the effect, which hold for all questions together; None of a ranking."""
        return None if self.finding.effect is None else (self.finding.low, self.finding.high)

    @property
    def seeds(self) -> int:
        """Paired seeds that have a value."""
        return self.finding.seeds

    @property
    def is_registered(self) -> bool:
        """Whether it was asked before any of its networks had a result."""
        return self.registration is not None and not self.registration.after_results

    @cached_property
    def sentence(self) -> str:
        """The answer in words."""
        return self.wording.sentence

    @cached_property
    def wording(self) -> Wording[Question]:
        """The answer in words, part by part."""
        return wording_of(self.question, self.finding, self.questions)

    @property
    def p_value(self) -> float:
        """Corrected for all questions: it is decided exactly if this is at most `FALSE_VERDICTS`."""
        return corrected(self.finding.p_value, self.correction)

    @property
    def correction(self) -> float:
        """By which p-values are multiplied: questions, and more at one of several looks."""
        return self.questions / self.finding.fraction

    @property
    def tested(self) -> str:
        """What a small p-value speaks for, in words."""
        return self.wording.tested

    @property
    def method(self) -> Method:
        """The test that decided."""
        return method_of(self.finding, of_level=isinstance(self.question, LevelQuestion))

    @cached_property
    def unit(self) -> Unit:
        """In which effect and interval are told."""
        return self.wording.unit

    @cached_property
    def caveats(self) -> tuple[str, ...]:
        """What a reader must know beside the sentence."""
        return tuple(_caveats(self))


class Answers(tuple[Answer, ...]):
    """The answers of a study, in the order of its questions."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Each question with its answer in words."""
        told = [f"{i}. {one.question.ask}\n   {one.sentence}" for i, one in enumerate(self, 1)]
        return "\n".join(told) or "no questions"

    def _repr_html_(self) -> str:
        """The same in a notebook."""
        told = (
            f"<li><p>{escape(one.question.ask)}</p><p><b>{one.verdict}</b>: {escape(one.sentence)}</p></li>"
            for one in self
        )
        return f"<ol>{''.join(told)}</ol>"

    def to_frame(self) -> pd.DataFrame:
        """A row a question: ask, verdict, effect, low, high, p_value, seeds, is_registered, test."""
        import pandas as pd

        columns = (
            "ask", "verdict", "effect", "low", "high", "p_value", "seeds", "is_registered", "test",
        )  # fmt: skip
        rows = [
            (
                one.question.ask, one.verdict, one.effect, *(one.interval or (None, None)),
                one.p_value, one.seeds, one.is_registered, one.method.name,
            )
            for one in self
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(columns))


def answer_questions(results: Results) -> Answers:
    """Every question of the study, in its order."""
    asked = registrations(results.folder) if results.folder and results.study.questions else {}
    return Answers(answer(results, results.study.questions, asked))


def questions_given_up(results: Results) -> int:
    """How many questions were asked in the results folder and are not in the study any more.

    Answers hold for the questions of the study together; who asks, looks and drops the others has
    asked more than these.
    """
    if results.folder is None or not results.study.questions:
        return 0
    present = {question_digest(one, results.study) for one in results.study.questions}
    return len(registrations(results.folder).keys() - present)


def answer(
    results: Results,
    questions: Sequence[Question],
    asked: Mapping[str, Registration],
    together: int | None = None,
) -> tuple[Answer, ...]:
    """Some questions together, as if they were the study's.

    asked: registrations by digest; a question that is not among them was asked afterwards.
    together: how many questions share the level, if more than these.
    """
    seen = ResultsView(results)
    count = max(1, together or len(questions))
    alpha = FALSE_VERDICTS / count
    return tuple(_answer(question, seen, asked, alpha, count) for question in questions)


def answers_about(results: Results, first: str, second: str) -> tuple[Answer, ...]:
    """The study's answers about just these two; if it asked nothing of both, whether the first is
    better, beside what it asked of either.

    A question that the study did not ask counts as asked afterwards, and stands for itself.
    """
    both = {first, second}
    asked = [a for a in answer_questions(results) if set(a.question.networks) <= both]
    if any(set(a.question.networks) == both for a in asked):
        return tuple(asked)
    main = METRICS[results.study.task.main]
    question = PairQuestion(
        ask=f"Is {first} better than {second} in test {main.title}?",
        compare=(first, second),
        metric=FinalMetric(final=main.name),
        expect="greater" if main.higher_is_better else "less",
    )
    return (*answer(results, (question,), {}), *asked)


@dataclass(frozen=True, eq=False)
class ResultsView:
    """Results as questions look at them, each arranged once."""

    results: Results

    @cached_property
    def runs(self) -> RunsByNetwork:
        return runs_by_network(self.results)

    @cached_property
    def tests(self) -> TestsByForm:
        return tests_by_form(tests_of(self.results))

    def values(self, question: Question, arms: tuple[Arm, ...]) -> MetricValues:
        metric = question.metric
        if isinstance(metric, OpenSetMetric):
            return open_set_values(metric, question.arms, arms, self.runs, self.tests)
        return metric_values(self.results, metric, question.networks, self.runs)

    def rows(
        self, question: Question, arms: tuple[Arm, ...], measured: MetricValues
    ) -> RowsPart | None:
        if isinstance(question.metric, OpenSetMetric):
            return unknowns_part(question, measured, arms, self.tests)
        return rows_part(question, measured, self.runs, self.results.study)


def _answer(
    question: Question,
    seen: ResultsView,
    asked: Mapping[str, Registration],
    alpha: float,
    questions: int,
) -> Answer:
    study = seen.results.study
    arms = arms_of(question, study)
    measured = seen.values(question, arms)
    looks: Looks | None = None
    rows: RowsPart | None = None
    if study.resampling is not None:
        finding = judge(question, measured, alpha, resampling=study.resampling)
    elif study.until_decided is None:
        rows = seen.rows(question, arms, measured)
        finding = judge(question, measured, alpha, rows)
    else:
        trained = min(len(study.networks[arm.network].seeds) for arm in arms)
        judged = judge_in_looks(
            question,
            measured,
            alpha,
            lambda some: seen.rows(question, arms, some),
            planned_looks(study),
            trained,
        )
        finding, measured, rows, looks = judged.finding, judged.measured, judged.rows, judged.looks
    sizes = sizes_known(seen.results, [arm.network for arm in arms], seen.runs)
    return Answer(
        question=question,
        finding=finding,
        measured=measured,
        audit=audit_question(
            question, arms, study.networks, sizes, tuned_together(study, question.networks)
        ),
        registration=asked.get(question_digest(question, study)) if asked else None,
        rows=rows,
        questions=questions,
        arms=arms,
        looks=looks,
    )


def _caveats(answer: Answer) -> Iterator[str]:
    measured, finding = answer.measured, answer.finding
    if not answer.is_registered:
        yield (
            "Asked afterwards: there were results already when this question was first written "
            "down, so the p-value does not count what else might have been asked."
        )
    if answer.looks is not None:
        yield from in_words(answer.looks, answer.registration.looks if answer.registration else ())
    elif answer.registration and answer.is_registered and answer.registration.seeds < finding.seeds:
        yield (
            f"It was asked with {answer.registration.seeds} seeds, and {finding.seeds} are used: "
            "seeds that are added after a look at the results make false verdicts likelier."
        )
    if isinstance(answer.question.metric, SecondsToMetric):
        yield (
            "Networks that train in one stack share its time evenly, so seeds that trained "
            "together are one measurement of time and not several: the verdict is surer of seconds "
            "than it should be. Steps and FLOPs to the target do not depend on the machine."
        )
    yield from divergence_caveats(answer.question.metric, measured)
    if measured.unpaired and answer.looks is None:
        yield by_count(measured.unpaired, _UNPAIRED_ONE, _UNPAIRED)
    yield from _tests(answer)
    if finding.test == "resampled":
        yield (
            "The verdict is about other data of the same source and other seeds: each of the "
            f"{finding.seeds} repetitions has its own training and test rows and its own seed."
        )
    if answer.rows is not None:
        yield _rows_in_words(answer, answer.rows)


_COUNTED = (
    "The verdict is about other seeds and other rows: its interval counts the {rows} beside the "
    "seeds, which all share them."
)
_COUNTED_AS_FEW = (
    "Which rows were right is not recorded, so the difference is taken to come from as few rows as "
    "it can."
)
_NOT_MEASURED = (
    "The verdict is about seeds, on this very test set; how much another test set would move the "
    "{what} is not measured, as {why}."
)
_AT_MOST = (
    "The verdict is about seeds, on this very test set. Another test set of {rows} would move the "
    "{what} by a standard error of at most {size}."
)
_ABOUT = (
    "The verdict is about seeds, on this very test set. Another test set of {rows} would move the "
    "{what} by a standard error of about {size}."
)


def _rows_in_words(answer: Answer, part: RowsPart) -> str:
    if isinstance(part, CountedRows):
        if answer.finding.effect_is != "mean":
            return _NOT_MEASURED.format(what="median", why="a run diverged")
        counted = _COUNTED.format(rows=part.rows)
        return counted if part.each_known else f"{counted} {_COUNTED_AS_FEW}"
    what = "mean" if isinstance(answer.question, LevelQuestion) else "difference"
    if isinstance(part, NotMeasured):
        return _NOT_MEASURED.format(what=what, why=part.why)
    size = unit_of(answer.question.metric, [part.size]).amount(part.size)
    template = _AT_MOST if part.is_bound else _ABOUT
    return template.format(rows=part.rows, what=what, size=size)


_UNPAIRED_ONE = "1 seed is left out, as not every network has finished it."
_UNPAIRED = "{n} seeds are left out, as not every network has finished them."
_UNTESTED_ONE = (
    "1 seed is left out, as a test on unknown classes is not made yet, or has no such number."
)
_UNTESTED = (
    "{n} seeds are left out, as a test on unknown classes is not made yet, or has no such number."
)


def _tests(answer: Answer) -> Iterator[str]:
    """On which classes a network was tested, and where a test is missing."""
    forms = [arm.variant for arm in answer.arms if arm.variant is not None]
    if not forms:
        return
    titles = dict.fromkeys(form.split.title for form in forms)
    yield f"Tested on: {'; '.join(titles)}."
    untested = int(np.isnan(answer.measured.values).any(axis=1).sum())
    if untested:
        yield by_count(untested, _UNTESTED_ONE, _UNTESTED)
