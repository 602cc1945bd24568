"""Write docs/detectors.md from a finished run of the shipped study open-set.

    mlplab run open-set --seeds 10
    python benchmarks/detectors_table.py runs/open-set

Formulas and sources are the detectors' own; what each scored is read from the records.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mlplab.analysis.open_set.evaluating import tests_of
from mlplab.analysis.open_set.tasks import DetectorSeries, Task, tasks_of
from mlplab.openset.detectors.registry import DETECTORS, facts
from mlplab.study import open_results

PAGE = Path(__file__).parent.parent / "docs" / "detectors.md"
OPEN = "0-4 known, 5-9 unknown"
WITH_NEGATIVES = "0-4 known, 5-7 negative, 8, 9 unknown"
HEAD = """# Detectors of unknown classes

A detector turns what a network gives for an input into a score; a higher score means more unknown.
Those after training work on any network; the others belong to networks trained by the method of the
same name, and most of these need *negative* classes: seen in training, and not known. All are
usable by themselves, on arrays from any library:

```python
import numpy as np

from mlplab.openset.activations import Activations
from mlplab.openset.detectors.registry import make
from mlplab.openset.threshold import calibrate

rng = np.random.default_rng(0)
labels = np.repeat([0, 1], 200)
hidden = rng.normal(size=(400, 8)) + 4 * labels[:, None]
known = Activations(logits=hidden[:, :2], hidden=hidden)
fitted = make("nearest neighbours", k=5).fit(known.take(slice(0, None, 2)), labels[::2])
threshold = calibrate(fitted.score(known.take(slice(1, None, 2))), reject_at_most=0.05)
print(threshold.guarantee)
```

In a study they are asked for by name:

```json
{
  "name": "unknown-digits",
  "data": {"name": "digits"},
  "networks": {
    "small": {"hidden": [64], "optimizer": {"name": "adam", "learning_rate": 0.001}, "open_set_only": true}
  },
  "open_set": [
    {
      "known": [0, 1, 2, 3, 4],
      "unknown": [5, 6, 7, 8, 9],
      "detectors": ["softmax", {"name": "nearest neighbours", "k": 5}],
      "reject_at_most": 0.05
    },
    {"known": [0, 1, 2, 3, 4], "negative": [5, 6, 7], "unknown": [8, 9], "detectors": ["sigmoid output"]}
  ]
}
```

A network with `"open_set_only": true` is a template: only its open-set forms are trained. `splits`
takes the place of the three roles: a list of them, `"all"` with `known` a number, or
`"usual 6/4"`. `mlplab run open-set` is the study that the tables below come from;
`mlplab run open-set-all-splits` divides the ten digits in all 252 ways.
"""


def main(folder: str) -> None:
    """Write the page."""
    results = open_results(folder)
    shares = [question.reject_at_most for question in results.study.open_set]
    tasks = {task.split.title: task for task in tasks_of(tests_of(results), shares)}
    parts = [HEAD, _after_training(tasks[OPEN]), _trained(tasks)]
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def _after_training(task: Task) -> str:
    seeds = len(task.plain.findings)
    lines = [
        f"## After training: {OPEN}, {seeds} seeds",
        "",
        f"config10 on MNIST; AUROC with its 95% t interval over {seeds} seeds. “Rejected” is the "
        f"share of unknown inputs refused by a threshold that promises to reject at most "
        f"{task.reject_at_most:.0%} of known ones.",
        "",
        "| detector | score | source | AUROC | rejected |",
        "| :--- | :--- | :--- | ---: | ---: |",
    ]
    for series in task.detectors:
        if series.method is None or series.detector.startswith("class centre ("):
            lines.append(_line(series))
    return "\n".join([*lines, ""])


def _trained(tasks: dict[str, Task]) -> str:
    lines = [
        "## In training",
        "",
        f"Those that need negatives were tested on “{WITH_NEGATIVES}”, where the plain softmax has "
        f"{_area(tasks[WITH_NEGATIVES].of('softmax'))}; the others on “{OPEN}”.",
        "",
        "| detector | score | source | negatives | AUROC | rejected |",
        "| :--- | :--- | :--- | :--- | ---: | ---: |",
    ]
    for name in DETECTORS:
        known = facts(name)
        if known.needs_training:
            task = tasks[WITH_NEGATIVES if known.needs_negatives else OPEN]
            lines.append(_line(task.of(name), "yes" if known.needs_negatives else "no"))
    return "\n".join([*lines, ""])


def _line(series: DetectorSeries | None, *more: str) -> str:
    assert series is not None
    known = facts(series.detector.split(" (")[0])
    rejected = f"{float(series.mean('recall_of_unknown').mean):.0%}"
    cells = (series.detector, known.formula, known.source, *more, _area(series), rejected)
    return f"| {' | '.join(cell.replace('|', '¦') for cell in cells)} |"


def _area(series: DetectorSeries | None) -> str:
    assert series is not None
    value, low, high = series.auroc()
    return f"{value:.3f} ({low:.3f}-{high:.3f})"


if __name__ == "__main__":
    main(sys.argv[1])
