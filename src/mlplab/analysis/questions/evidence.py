"""What stands behind an answer: p-values, levels and seeds in words."""

from __future__ import annotations

from mlplab.analysis.questions.finding import Finding

FALSE_VERDICTS = 0.05
"""The chance of any false verdict among all questions of a study."""


def corrected(p: float, questions: int) -> float:
    """A p-value of one of several questions, corrected for their number as their intervals are
    (Bonferroni): a question is decided exactly if it is at most `FALSE_VERDICTS`."""
    return min(1.0, p * questions)


def p_in_words(p: float) -> str:
    """p = 0.031, p < 0.0001; never p = 0, and never rounded onto the level or across it."""
    if p < 0.0001:
        return "p < 0.0001"
    if p >= 0.9995:
        return "p = 1"
    text = f"{p:.2g}" if p < 0.1 else f"{p:.2f}"
    for digits in range(3, 9):
        if (float(text) > FALSE_VERDICTS) == (p > FALSE_VERDICTS * (1 + 1e-9)):
            break
        text = f"{p:.{digits}g}"
    return f"p = {text}"


def corrected_p_in_words(p: float, questions: int) -> str:
    """The corrected p-value, and that it is one where there is something to correct for."""
    words = p_in_words(corrected(p, questions))
    return words if questions == 1 else f"corrected {words}"


def level_in_words(questions: int) -> str:
    """95% interval, simultaneous over the questions if there are several."""
    return (
        "95% interval"
        if questions == 1
        else f"simultaneous 95% interval over {questions} questions"
    )


def seeds_in_words(count: int, *, paired: bool = True) -> str:
    """1 seed, 8 paired seeds, 8 seeds."""
    return "1 seed" if count == 1 else f"{count:,} {'paired ' if paired else ''}seeds"


def more_seeds_in_words(finding: Finding) -> str:
    """How many seeds would decide what is open, or why no number is named: "; about 34 seeds …"."""
    if finding.seeds_needed is not None:
        return f"; about {finding.seeds_needed:,} seeds would probably decide"
    return f"; {finding.why_no_number}" if finding.why_no_number else ""
