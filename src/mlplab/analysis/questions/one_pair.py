"""What can be said of two networks: what the study asked of them, and which is more accurate."""

from __future__ import annotations

from mlplab.analysis.questions.answers import Answer, answer, answer_questions
from mlplab.declarations.metric import FinalMetric
from mlplab.declarations.question import PairQuestion
from mlplab.records.results import Results


def answers_about(results: Results, first: str, second: str) -> tuple[Answer, ...]:
    """The study's answers about just these two; if it asked nothing of both, whether the first is
    better, beside what it asked of either.

    A question that the study did not ask counts as asked afterwards, and stands for itself.
    """
    both = {first, second}
    asked = [a for a in answer_questions(results) if set(a.question.networks) <= both]
    if any(set(a.question.networks) == both for a in asked):
        return tuple(asked)
    question = PairQuestion(
        ask=f"Does {first} end up more accurate than {second}?",
        compare=(first, second),
        metric=FinalMetric(final="accuracy"),
        expect="greater",
    )
    return (*answer(results, (question,), {}), *asked)
