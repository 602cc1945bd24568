"""The chapters of a report, in their order. A new chapter is a new module, named here.

Each module has `chapter(context) -> Chapter | None`; None where it has nothing to say.
"""

from __future__ import annotations

from importlib import import_module

from mlplab.report.context import Context
from mlplab.report.document import Chapter

ORDER = (
    "questions",
    "overview",
    "open_set",
    "study_figures",
    "tuning",
    "against_published",
    "evaluation",
    "trade_off",
    "choice",
    "inside",
    "settings",
    "reproduction",
)


def chapters_of(context: Context) -> list[Chapter]:
    """All chapters that have something to say."""
    modules = [import_module(f"{__name__}.{name}") for name in ORDER]
    found = [module.chapter(context) for module in modules]
    return [chapter for chapter in found if chapter is not None]
