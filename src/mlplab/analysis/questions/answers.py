"""The questions of a study, answered from its results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mlplab.analysis.questions.finding import Finding
from mlplab.analysis.questions.finite_rows import RowsError, rows_error
from mlplab.analysis.questions.judging import judge
from mlplab.analysis.questions.methods import METHODS, Method
from mlplab.analysis.questions.sentence import sentence_of, unit_for
from mlplab.analysis.questions.units import Unit, unit_of
from mlplab.analysis.questions.values import (
    MetricValues,
    RunsByNetwork,
    metric_values,
    runs_by_network,
    sizes_known,
)
from mlplab.declarations.audit import Audit, audit_question
from mlplab.declarations.metric import SecondsToMetric
from mlplab.declarations.question import Question
from mlplab.declarations.tuning import tuned_together
from mlplab.records.questions import Registration, question_digest, registrations
from mlplab.records.results import Results

FALSE_VERDICTS = 0.05
"""The chance of any false verdict among all questions of a study."""


@dataclass(frozen=True, eq=False)
class Answer:
    """One question with everything that is known to answer it."""

    question: Question
    finding: Finding
    measured: MetricValues
    audit: Audit
    registration: Registration | None
    """None if the question was not among those written down before or at a run."""
    rows_error: RowsError | None
    questions: int
    """Asked together: their intervals hold for all of them at once."""

    @property
    def is_registered(self) -> bool:
        """Whether it was asked before any of its networks had a result."""
        return self.registration is not None and not self.registration.after_results

    @cached_property
    def sentence(self) -> str:
        """The answer in words."""
        return sentence_of(self.question, self.finding, self.questions)

    @property
    def method(self) -> Method:
        """The test that decided."""
        return METHODS[self.finding.test]

    @cached_property
    def unit(self) -> Unit:
        """In which effect and interval are told."""
        return unit_for(self.question, self.finding)

    @cached_property
    def caveats(self) -> tuple[str, ...]:
        """What a reader must know beside the sentence."""
        return tuple(_caveats(self))


def answer_questions(results: Results) -> tuple[Answer, ...]:
    """Every question of the study, in its order."""
    asked = registrations(results.folder) if results.folder and results.study.questions else {}
    return answer(results, results.study.questions, asked)


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
    by_network = runs_by_network(results)
    count = max(1, together or len(questions))
    alpha = FALSE_VERDICTS / count
    return tuple(
        _answer(question, results, by_network, asked, alpha, count) for question in questions
    )


def _answer(
    question: Question,
    results: Results,
    by_network: RunsByNetwork,
    asked: Mapping[str, Registration],
    alpha: float,
    questions: int,
) -> Answer:
    measured = metric_values(results, question.metric, question.networks, by_network)
    networks = results.study.networks
    sizes = sizes_known(results, question.networks, by_network)
    return Answer(
        question=question,
        finding=judge(question, measured, alpha),
        measured=measured,
        audit=audit_question(
            question, networks, sizes, tuned_together(results.study, question.networks)
        ),
        registration=asked.get(question_digest(question, results.study)) if asked else None,
        rows_error=rows_error(question.metric, measured, by_network),
        questions=questions,
    )


def _caveats(answer: Answer) -> Iterator[str]:
    measured, finding = answer.measured, answer.finding
    if not answer.is_registered:
        yield (
            "Asked afterwards: there were results already when this question was first written "
            "down, so the p-value does not count what else might have been asked."
        )
    elif answer.registration is not None and answer.registration.seeds < finding.seeds:
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
    yield from _fates(measured)
    if measured.unpaired:
        one = measured.unpaired == 1
        yield (
            f"{measured.unpaired} {'seed is' if one else 'seeds are'} left out, as not every "
            "network has finished them."
        )
    if answer.rows_error is not None:
        error = unit_of(answer.question.metric, [answer.rows_error.at_most])
        yield (
            f"The verdict is about seeds, on this very test set. Another test set of "
            f"{answer.rows_error.rows:,} rows would move the difference by a standard error of at "
            f"most {error.amount(answer.rows_error.at_most)}."
        )


def _fates(measured: MetricValues) -> Iterator[str]:
    n = len(measured.seeds)
    for name, diverged, unreached in zip(
        measured.networks, measured.diverged, measured.unreached, strict=True
    ):
        if unreached:
            yield (
                f"{unreached} of {n} runs of {name} never {'gets' if unreached == 1 else 'get'} "
                "there in the steps that they have, and rank last."
            )
        elif diverged:
            yield f"{diverged} of {n} runs of {name} diverged" + (
                "." if measured.counts_divergence else ", and count as the worst."
            )
