"""How long each detector takes to be fitted and to score, and how much memory it takes.

    python benchmarks/detectors_speed.py [training rows] [scored rows] [units]

Activations are random: 30,000 known training rows, 10,000 scored ones, 512 units, five classes.
Seconds are of this machine as busy as it is; memory is what a detector needs at most beside the
activations themselves.
"""

from __future__ import annotations

import sys
import time
import tracemalloc

import numpy as np

from mlplab.openset.activations import Activations, OutputLayer
from mlplab.openset.detectors.registry import DETECTORS, make

CLASSES = 5


def random_activations(rows: int, units: int, seed: int) -> tuple[Activations, np.ndarray]:
    """Rectified activations of five classes, what a dense layer makes of them, and the classes."""
    draw = np.random.default_rng(seed)
    labels = np.arange(rows) % CLASSES
    places = np.random.default_rng(0).normal(size=(CLASSES, units), scale=2.0)
    hidden = np.maximum(places[labels] + draw.normal(size=(rows, units)), 0).astype(np.float32)
    kernel, bias = (places.T / units).astype(np.float32), np.zeros(CLASSES, dtype=np.float32)
    beside = draw.normal(size=rows).astype(np.float32)
    return Activations(
        hidden=hidden,
        logits=hidden @ kernel,
        sigmoid_logit=beside,
        background_logit=beside,
        output_layer=OutputLayer(kernel=kernel, bias=bias),
    ), labels


def main(training: int = 30_000, scored: int = 10_000, units: int = 512) -> None:
    """Print a table, a detector a line."""
    known, labels = random_activations(training, units, seed=1)
    others, _ = random_activations(scored, units, seed=2)
    print(f"{training:,} training rows, {scored:,} scored, {units} units")
    print("| detector | fit, s | score, s | memory, MB |\n| :--- | ---: | ---: | ---: |")
    asked = [(name, {}) for name in DETECTORS]
    asked += [("class centre", {"normalise": True, "clusters": 100})]
    for name, settings in asked:
        tracemalloc.start()
        start = time.perf_counter()
        fitted = make(name, **settings).fit(known, labels)
        between = time.perf_counter()
        fitted.score(others)
        end = time.perf_counter()
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        told = ", ".join(f"{key} {value}" for key, value in settings.items())
        label = f"{name} ({told})" if told else name
        print(f"| {label} | {between - start:.2f} | {end - between:.2f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
