"""Write docs/detectors.md from a finished run of the shipped study open-set.

    mlplab run open-set --seeds 10
    python benchmarks/detectors_table.py runs/open-set [docs/detectors.md]

Formulas and sources are the detectors' own; what each scored is read from the records.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mlplab.analysis.open_set.evaluating import tests_of
from mlplab.analysis.open_set.tasks import DetectorSeries, Task, tasks_of
from mlplab.openset.detectors.registry import DETECTORS
from mlplab.records.key import NUMERICS
from mlplab.records.results import Results
from mlplab.study import open_results

PAGE = Path(__file__).parent.parent / "docs" / "detectors.md"
OPEN = "0-4 known, 5-9 unknown"
WITH_NEGATIVES = "0-4 known, 5-7 negative, 8, 9 unknown"
HEAD = """# Detectors of unknown classes

A detector turns a network's outputs for an input into a score; a higher score means more unknown.
Those after training work on any network; the others belong to networks trained by the method of the
same name, and most of these need *negative* classes: seen in training, and not known. All are
usable by themselves, on arrays from any library. A network of mlplab:

```python
from sklearn.datasets import load_digits

from mlplab.openset.detectors.registry import make
from mlplab.openset.from_weights import activations_from_weights
from mlplab.openset.threshold import calibrate
from mlplab.study import Study

inputs, labels = load_digits(return_X_y=True)
results = Study.load("study.json").run()
seen = activations_from_weights(inputs / 16, results.weights("one", seed=0), "relu")

fitted = make("nearest neighbours", k=5).fit(seen.take(slice(0, 1200)), labels[:1200])
threshold = calibrate(fitted.score(seen.take(slice(1200, 1600))), reject_at_most=0.05)
rejected = threshold.rejects(fitted.score(seen.take(slice(1600, None))))
print(threshold.guarantee)
```

One of torch, whose tensors are taken as they are:

```python
import torch
from sklearn.datasets import load_digits

from mlplab.openset.activations import Activations
from mlplab.openset.detectors.registry import make

inputs, labels = load_digits(return_X_y=True)
network = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
x, y = torch.tensor(inputs / 16, dtype=torch.float32), torch.tensor(labels)
optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
for _ in range(50):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(network(x), y).backward()
    optimizer.step()

hidden = network[:-1](x)
seen = Activations(inputs=x, hidden=hidden, logits=network[-1](hidden))
scores = make("mahalanobis").fit(seen, y).score(seen)
```

One of scikit-learn:

```python
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from mlplab.openset.detectors.registry import make
from mlplab.openset.from_weights import activations_from_weights

inputs, labels = load_digits(return_X_y=True)
network = MLPClassifier((32,), max_iter=200, random_state=0).fit(inputs / 16, labels)
layers = list(zip(network.coefs_, network.intercepts_))
seen = activations_from_weights(inputs / 16, layers, network.activation)
scores = make("energy").fit(seen, labels).score(seen)
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

A network with `"open_set_only": true` is a template: only its open-set variants are trained. `splits`
takes the place of the three roles: a list of them, `"all"` with `known` a number, or
`"usual 6/4"`. `mlplab run open-set` is the study that the tables below come from;
`mlplab run open-set-all-splits` divides the ten digits in all 252 ways.
"""


def main(folder: str, page: str | Path = PAGE) -> None:
    """Write the page."""
    Path(page).write_text(text_of(open_results(folder)), encoding="utf-8")


def text_of(results: Results) -> str:
    """The page, from the study's finished results."""
    shares = [question.reject_at_most for question in results.study.open_set]
    tasks = {task.split.title: task for task in tasks_of(tests_of(results), shares)}
    missing = [title for title in (OPEN, WITH_NEGATIVES) if title not in tasks]
    if missing:
        raise SystemExit(f"no finished tests of “{missing[0]}” among {list(tasks)}")
    steps = results.study.networks[tasks[OPEN].plain.network].training.steps
    data = getattr(results.study.networks[tasks[OPEN].plain.network].data, "name", "the data")
    parts = [HEAD, _after_training(tasks[OPEN], steps, data), _trained(tasks)]
    return "\n".join(parts)


def _after_training(task: Task, steps: int, data: str) -> str:
    seeds = len(task.plain.findings)
    lines = [
        f"## After training: {OPEN}, {seeds} seeds",
        "",
        f"{task.template} on {data}, {steps:,} steps (numerics {NUMERICS}). AUROC over {seeds} seeds "
        "with its 95% interval for other seeds and other test rows. “Rejected” is the share of "
        "unknown inputs refused by a threshold that promises to reject at most "
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
        detector = DETECTORS[name]()
        if detector.method is not None:
            task = tasks[WITH_NEGATIVES if detector.needs_negatives else OPEN]
            lines.append(_line(task.of(name), "yes" if detector.needs_negatives else "no"))
    return "\n".join([*lines, ""])


def _line(series: DetectorSeries | None, *more: str) -> str:
    assert series is not None
    known = DETECTORS[series.detector.split(" (")[0]]
    rejected = f"{float(series.mean('recall_of_unknown').mean):.0%}"
    cells = (series.detector, known.formula, known.source, *more, _area(series), rejected)
    return f"| {' | '.join(cell.replace('|', '¦') for cell in cells)} |"


def _area(series: DetectorSeries | None) -> str:
    assert series is not None
    value, low, high = series.auroc()
    return f"{value:.3f} ({low:.3f}-{high:.3f})"


if __name__ == "__main__":
    main(*sys.argv[1:3])
