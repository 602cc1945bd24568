"""What metrics are called on axes, and in which digits a pointer is told them."""

from __future__ import annotations

from mlplab import words
from mlplab.declarations.task import METRICS, Task


def titles_of(task: Task) -> dict[str, str]:
    """The title of everything that curves can show."""
    return {**words.METRICS, **{name: metric.title for name, metric in task.metrics.items()}}


def digits_of(metric: str) -> str:
    """A format of D3."""
    found = METRICS.get(metric)
    return ".4~g" if found is None or found.unit == "target" else ".4f"
