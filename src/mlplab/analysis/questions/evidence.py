"""What stands in brackets behind an answer: p-values, levels and seeds in words."""

from __future__ import annotations


def p_in_words(p: float) -> str:
    """p = 0.031, p < 0.0001; never p = 0."""
    if p < 0.0001:
        return "p < 0.0001"
    if p >= 0.9995:
        return "p = 1"
    return f"p = {p:.2g}" if p < 0.1 else f"p = {p:.2f}"


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
