"""What stands behind an answer: p-values, levels and seeds in words."""

from __future__ import annotations

from mlplab.analysis.questions.finding import Finding
from mlplab.words import p_value

FALSE_VERDICTS = 0.05
"""The chance of any false verdict among all questions of a study."""


def corrected(p: float, questions: int) -> float:
    """A p-value of one of several questions, corrected for their number as their intervals are
    (Bonferroni): a question is decided exactly if it is at most `FALSE_VERDICTS`."""
    return min(1.0, p * questions)


def corrected_p_in_words(p: float, questions: int) -> str:
    """The corrected p-value, and that it is one where there is something to correct for."""
    told = p_value(corrected(p, questions), FALSE_VERDICTS)
    return told if questions == 1 else f"corrected {told}"


def level_in_words(questions: int) -> str:
    """95% interval, simultaneous over the questions if there are several."""
    return (
        "95% interval"
        if questions == 1
        else f"simultaneous 95% interval over {questions} questions"
    )


def more_seeds_in_words(finding: Finding) -> str:
    """How many seeds would decide what is open, or why no number is named: "; about 34 seeds …"."""
    if finding.seeds_needed is not None:
        return f"; about {finding.seeds_needed:,} seeds would probably decide"
    return f"; {finding.why_no_number}" if finding.why_no_number else ""
