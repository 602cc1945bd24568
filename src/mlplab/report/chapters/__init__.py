"""The chapters of a report, in their order. A new chapter is a new module, named here.

Each module has `chapter(context) -> Chapter | None`; None where it has nothing to say.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

from mlplab.report.context import Context
from mlplab.report.document import Chapter

OPEN = ("questions", "overview", "choice", "usual_methods", "study_figures")
"""What was asked and answered, what came out, the choice, other methods, the curves: the page shows
them whole."""
FOLDED = (
    "try_it",
    "open_set",
    "tuning",
    "against_published",
    "evaluation",
    "prediction_errors",
    "columns",
    "trade_off",
    "inside",
    "settings",
    "reproduction",
)
"""Of these the page shows the first sentences, and the rest when a reader opens it."""


def chapters_of(context: Context) -> list[Chapter]:
    """All chapters that have something to say."""
    found = [_chapter(name, context) for name in (*OPEN, *FOLDED)]
    return [chapter for chapter in found if chapter is not None]


def _chapter(name: str, context: Context) -> Chapter | None:
    chapter: Chapter | None = import_module(f"{__name__}.{name}").chapter(context)
    return chapter and replace(chapter, is_folded=name in FOLDED)
