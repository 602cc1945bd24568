"""The level at which a study's questions are decided together."""

from __future__ import annotations

FALSE_VERDICTS = 0.05
"""The chance of any false verdict among all questions of a study."""


def corrected(p: float, questions: int) -> float:
    """A p-value of one of several questions, corrected for their number as their intervals are
    (Bonferroni): a question is decided exactly if it is at most `FALSE_VERDICTS`."""
    return min(1.0, p * questions)
