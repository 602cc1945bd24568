"""How long each detector takes to be fitted and to score, and how much memory it takes.

Activations are random: 30,000 known training rows, 10,000 scored ones, 512 units, five classes.
Beside the neighbours stands the exact search of scikit-learn.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks import machine
from benchmarks.findings import RESULTS, Findings, Table, keep, shown, spread
from mlplab.openset.activations import Activations, OutputLayer
from mlplab.openset.detectors.registry import DETECTORS, make

CLASSES = 5
PEER = "scikit-learn's NearestNeighbors, brute force"
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Asked:
    """What is to be measured."""

    detector: str
    settings: tuple[tuple[str, object], ...] = ()
    training: int = 30_000
    scored: int = 10_000
    units: int = 512

    @property
    def label(self) -> str:
        told = ", ".join(f"{key} {value}" for key, value in self.settings)
        return f"{self.detector} ({told})" if told else self.detector


@dataclass(frozen=True)
class Cost:
    """What one detector took, in a process of its own."""

    fit_seconds: float
    score_seconds: float
    megabytes: float
    """The largest memory beside the activations themselves and what was imported for them."""


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


def measured(asked: Asked) -> Cost:
    """Fit and score once."""
    known, labels = random_activations(asked.training, asked.units, seed=1)
    others, _ = random_activations(asked.scored, asked.units, seed=2)
    fit = _peer if asked.detector == PEER else make(asked.detector, **dict(asked.settings)).fit
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    fitted = fit(known, labels)
    between = time.perf_counter()
    fitted.score(others)
    end = time.perf_counter()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Cost(between - start, end - between, (after - before) * _RSS_UNIT / 1e6)


class _Neighbours:
    """The score of the neighbours, by scikit-learn."""

    def __init__(self, search: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]) -> None:
        self._search = search

    def score(self, activations: Activations) -> np.ndarray:
        """(row,) the distance to the tenth neighbour."""
        distances: np.ndarray = self._search(_directions(activations))[0][:, -1]
        return distances


def _peer(known: Activations, labels: np.ndarray) -> _Neighbours:
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=10, algorithm="brute", n_jobs=-1)
    return _Neighbours(search.fit(_directions(known)).kneighbors)


def _directions(activations: Activations) -> np.ndarray:
    hidden = activations.array("hidden", PEER)
    directions: np.ndarray = hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
    return directions


def in_a_process(asked: Asked) -> Cost:
    """`measured` in a fresh process, whose memory nothing else has touched."""
    # No pool of multiprocessing's: its processes are daemons, in which the peer keeps to one core.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measured, asked).result()


def findings(costs: dict[str, list[Cost]], asked: Iterable[Asked], load: str) -> Findings:
    """The costs in words."""
    first = next(iter(asked))
    rows = [
        [
            label,
            spread([cost.fit_seconds for cost in own]),
            spread([cost.score_seconds for cost in own]),
            shown(max(cost.megabytes for cost in own)),
        ]
        for label, own in costs.items()
    ]
    return Findings(
        name="detectors_speed",
        title="What detectors cost",
        protocol=(
            f"{first.training:,} known training rows, {first.scored:,} scored ones, {first.units} "
            f"units, {CLASSES} classes, random. Each in a process of its own, by turns. Memory: the "
            "largest that a process held beside the activations and what was loaded before."
        ),
        tables=[Table("Costs", ["detector", "fit, s", "score, s", "memory, MB"], rows)],
        data={"costs": {label: [asdict(c) for c in own] for label, own in costs.items()}},
        load_at_start=load,
    )


def main(arguments: list[str]) -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser("detectors_speed", description=__doc__)
    parser.add_argument("--training", type=int, default=30_000, help="rows")
    parser.add_argument("--scored", type=int, default=10_000, help="rows")
    parser.add_argument("--units", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results are kept")
    given = parser.parse_args(arguments)
    load = machine.load()
    size = {"training": given.training, "scored": given.scored, "units": given.units}
    asked = [Asked(name, **size) for name in DETECTORS]
    asked.append(Asked("class centre", (("normalise", True), ("clusters", 100)), **size))
    asked.append(Asked(PEER, **size))
    costs: dict[str, list[Cost]] = {one.label: [] for one in asked}
    for _ in range(given.repeats):
        for one in asked:
            costs[one.label].append(in_a_process(one))
    keep(findings(costs, asked, load), given.out)
