"""How often a verdict over repeated splits of one set of data is false.

    python -m benchmarks.resampling_simulation [--sets 2000]

Data are drawn from a population in which two learners are equally good on average: each is the
nearest class mean in five of ten features, and all ten are alike. For every drawn set both learn
from the same repeated splits, and a verdict says at 95% that one of them is better. It is false
whichever it names. "Plain" takes the splits for independent; "corrected" is
`mlplab.statistics.resampling`.
"""

from __future__ import annotations

import argparse

import numpy as np

from mlplab.statistics.intervals import t_interval
from mlplab.statistics.resampling import resampled_mean

FEATURES, SHIFT = 10, 0.35
ROWS = (100, 500)
SCHEMES = {
    "10 splits, test 0.2": (10, 0.2),
    "30 splits, test 0.2": (30, 0.2),
    "10 splits, test 0.5": (10, 0.5),
    "5 folds, 2 repeats": (5, 2),
    "10 folds, 10 repeats": (10, 10),
}
LEVEL = 0.95


def draw(rows: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(row, feature) inputs and (row,) classes 0 and 1."""
    labels = random.permutation(np.arange(rows) % 2)
    return random.normal(size=(rows, FEATURES)) + SHIFT * (2 * labels[:, None] - 1), labels


def tested(rows: int, scheme: tuple[int, float], random: np.random.Generator) -> np.ndarray:
    """(split, row) whether a row is tested."""
    first, second = scheme
    if isinstance(second, float):
        size = round(second * rows)
        order = np.argsort(random.random((first, rows)), axis=1)
        return order < size
    folds = [np.arange(rows) % first for _ in range(second)]
    shuffled = [random.permutation(own) for own in folds]
    return np.concatenate([own[None] == np.arange(first)[:, None] for own in shuffled])


def accuracies(
    inputs: np.ndarray, labels: np.ndarray, test: np.ndarray, features: slice
) -> np.ndarray:
    """(split,) of the nearest class mean in some features."""
    x = inputs[:, features]
    learned = (~test).astype(float)
    means = [
        (learned * (labels == c)) @ x / (learned * (labels == c)).sum(1, keepdims=True)
        for c in (0, 1)
    ]
    distances = [(x**2).sum(1) - 2 * m @ x.T + (m**2).sum(1, keepdims=True) for m in means]
    right = (distances[1] < distances[0]) == (labels == 1)
    return (right * test).sum(1) / test.sum(1)


def ratio(scheme: tuple[int, float]) -> float:
    """Test rows for each training row."""
    first, second = scheme
    return second / (1 - second) if isinstance(second, float) else 1 / (first - 1)


def false_verdicts(
    rows: int, scheme: tuple[int, float], sets: int, seed: int = 0
) -> tuple[float, float]:
    """The fractions of drawn sets with a false verdict: by plain and by corrected intervals."""
    random = np.random.default_rng([seed, rows])
    plain = corrected = 0
    for _ in range(sets):
        inputs, labels = draw(rows, random)
        test = tested(rows, scheme, random)
        half = FEATURES // 2
        differences = accuracies(inputs, labels, test, slice(half)) - accuracies(
            inputs, labels, test, slice(half, None)
        )
        interval = t_interval(differences, level=LEVEL)
        plain += bool(interval.low > 0 or interval.high < 0)
        low, high = resampled_mean(differences, ratio(scheme)).limits((1 - LEVEL) / 2)
        corrected += bool(low > 0 or high < 0)
    return plain / sets, corrected / sets


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=2000)
    sets = parser.parse_args().sets
    error = 100 * (0.05 * 0.95 / sets) ** 0.5
    print(
        f"False verdicts at {LEVEL:.0%}, of {sets:,} drawn sets (5% have an error of {error:.1f})\n"
    )
    print(f"| {'splits':22} | rows | plain t | corrected |")
    print("| --- | ---: | ---: | ---: |")
    for name, scheme in SCHEMES.items():
        for rows in ROWS:
            plain, corrected = false_verdicts(rows, scheme, sets)
            print(f"| {name:22} | {rows} | {plain:.1%} | {corrected:.1%} |")


if __name__ == "__main__":
    main()
