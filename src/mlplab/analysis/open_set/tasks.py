"""Tests of one network on one split gathered: detectors over their seeds, ranked and compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from mlplab.analysis.open_set.evaluating import Tested
from mlplab.analysis.open_set.findings import DetectorFinding, RunFinding
from mlplab.declarations.open_set_measures import MEASURES
from mlplab.declarations.resolving.open_set_networks import NamedSplit
from mlplab.openset.intervals import wilson
from mlplab.statistics.intervals import MeanInterval, t_interval
from mlplab.statistics.rows_and_seeds import groups_of_all, over_rows_and_seeds
from mlplab.words import count, listed

REJECTED = "rejected"
LEVEL = 0.95
"""Of every interval."""


@dataclass(frozen=True, eq=False)
class DetectorSeries:
    """One detector over the seeds of its network."""

    detector: str
    method: str | None
    """The training method of its network; None for plain training."""
    network: str
    findings: Mapping[int, DetectorFinding]
    """By seed."""
    runs: Mapping[int, RunFinding]

    def values(self, metric: str) -> np.ndarray:
        """(seed,) of a measure, by its name in exports; NaN where a seed has none."""
        return np.array([f.metrics.get(metric, np.nan) for f in self.findings.values()])

    def mean(self, metric: str) -> MeanInterval:
        """The mean over seeds, with an interval for other seeds and other test rows."""
        having = [f for f in self.findings.values() if metric in f.metrics]
        return over_rows_and_seeds(
            [f.metrics[metric] for f in having],
            [f.without_groups.get(metric, ()) for f in having],
            rows=self._rows(metric),
        )

    def _rows(self, metric: str) -> int | None:
        """How many test rows of one seed a measure between 0 and 1 is of; of both sides the fewer."""
        measure = MEASURES[metric]
        if not measure.is_bounded:
            return None
        run = next(iter(self.runs.values()))
        sides = {"known": run.known_rows, "unknown": run.unknown_rows}
        return sides.get(measure.rows, min(sides.values()))

    def covers_rows(self, metric: str = "auroc") -> bool:
        """Whether the interval of a measure's mean also tells of other test rows."""
        return groups_of_all([f.without_groups.get(metric, ()) for f in self.findings.values()]) > 0

    def auroc(self) -> tuple[float, float, float]:
        """Mean with its interval over seeds and test rows; with one seed DeLong's, over rows."""
        mean = self.mean("auroc")
        if int(mean.n) == 1:
            (only,) = self.findings.values()
            return only.auroc.value, only.auroc.low, only.auroc.high
        return float(mean.mean), max(float(mean.low), 0.0), min(float(mean.high), 1.0)

    def absorbed(self) -> Absorption:
        """Where unknown rows end after rejection, by seed."""
        first = next(iter(self.runs.values()))
        counts = np.array([f.absorbed for f in self.findings.values()])
        return Absorption(first.unknown, (*first.known, REJECTED), counts)

    @property
    def accuracies(self) -> np.ndarray:
        """(seed,) on known test rows, nothing being rejected."""
        return np.array([self.accuracy_of(seed) for seed in self.runs])

    def accuracy_of(self, seed: int) -> float:
        """Of one seed; a network that has a result has an accuracy."""
        accuracy = self.runs[seed].accuracy
        assert accuracy is not None
        return accuracy.value


@dataclass(frozen=True, eq=False)
class Absorption:
    """Rows of unknown classes by what they were taken for."""

    unknown: tuple[str, ...]
    taken_for: tuple[str, ...]
    by_seed: np.ndarray
    """(seed, unknown, taken_for) rows; every seed is tested on the same ones."""

    @property
    def counts(self) -> np.ndarray:
        """(unknown, taken_for), added up over seeds."""
        return self.by_seed.sum(axis=0)

    @property
    def fractions(self) -> np.ndarray:
        """(unknown, taken_for); each line adds up to 1."""
        return self.counts / self.counts.sum(axis=1, keepdims=True)

    @property
    def intervals(self) -> tuple[np.ndarray, np.ndarray]:
        """For other test rows and other seeds: Wilson's of the rows of one seed, for the seeds
        share them, and Student's over seeds, added as variances are."""
        rows = self.by_seed[0].sum(axis=1, keepdims=True)
        low, high = wilson(self.fractions * rows, rows)
        if len(self.by_seed) < 2:
            return low, high
        over = t_interval(self.by_seed / rows)
        half = np.square(over.high - over.mean)
        low = self.fractions - np.sqrt(np.square(self.fractions - low) + half)
        high = self.fractions + np.sqrt(np.square(high - self.fractions) + half)
        return np.clip(low, 0, 1), np.clip(high, 0, 1)

    @property
    def rejected(self) -> float:
        """Fraction of all unknown rows that is rejected; 0 before rejection."""
        if self.taken_for[-1] != REJECTED:
            return 0.0
        return float(self.counts[:, -1].sum() / self.counts.sum())

    def largest(self, most: int = 3) -> list[tuple[str, str, float]]:
        """The commonest (unknown class, known class, fraction), largest first."""
        known = [i for i, name in enumerate(self.taken_for) if name != REJECTED]
        fractions = self.fractions[:, known]
        order = np.argsort(-fractions, axis=None, kind="stable")[:most]
        pairs = [np.unravel_index(at, fractions.shape) for at in order]
        return [
            (self.unknown[i], self.taken_for[known[j]], float(fractions[i, j])) for i, j in pairs
        ]


@dataclass(frozen=True, eq=False)
class Task:
    """One network of the study file on one split: all its detectors, trained and not."""

    template: str
    split: NamedSplit
    reject_at_most: float
    detectors: tuple[DetectorSeries, ...]
    """As in the study."""
    failures: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    """Why detectors have no result, by label and seed."""

    @cached_property
    def ranked(self) -> tuple[DetectorSeries, ...]:
        """By mean AUROC, the best first."""
        return tuple(sorted(self.detectors, key=lambda d: -float(d.mean("auroc").mean)))

    @property
    def best(self) -> DetectorSeries:
        """The detector of the largest mean AUROC; of several, the first in the study."""
        return self.ranked[0]

    @cached_property
    def level_with_best(self) -> tuple[DetectorSeries, ...]:
        """The detectors of the largest mean AUROC, as it is told to three decimals."""
        most = round(float(self.best.mean("auroc").mean), 3)
        return tuple(d for d in self.ranked if round(float(d.mean("auroc").mean), 3) == most)

    def of(self, detector: str) -> DetectorSeries | None:
        """A detector by its label."""
        return next((d for d in self.detectors if d.detector == detector), None)

    @cached_property
    def plain(self) -> DetectorSeries:
        """A detector of the plainly trained network, of the softmax where there is one."""
        own = [d for d in self.detectors if d.method is None] or list(self.detectors)
        return self.of("softmax") or own[0]

    def before(self) -> Absorption:
        """Where unknown rows end in the plain network when nothing is rejected."""
        runs = list(self.plain.runs.values())
        by_seed = np.array([run.absorbed for run in runs])
        return Absorption(runs[0].unknown, runs[0].known, by_seed)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that every detector has."""
        sets = [set(d.findings) for d in self.detectors]
        return tuple(sorted(set.intersection(*sets))) if sets else ()

    def difference(
        self, detector: DetectorSeries, other: DetectorSeries, level: float = LEVEL
    ) -> MeanInterval:
        """AUROC of the first less that of the other, on the same seeds and the same rows."""
        pairs = [
            (finding, other.findings[seed])
            for seed, finding in detector.findings.items()
            if seed in other.findings
        ]
        left_out = [[f.without_groups.get("auroc", ()) for f in pair] for pair in pairs]
        both = all(len(one) == len(two) for one, two in left_out)
        found = over_rows_and_seeds(
            [one.metrics["auroc"] - two.metrics["auroc"] for one, two in pairs],
            [np.subtract(one, two) if both else () for one, two in left_out],
            level,
        )
        if float(found.high) > float(found.low) or not np.isfinite(float(found.low)):
            return found
        # Where no seed and no group of rows changes the difference, that is no certainty: the
        # intervals of both give its limits (Newcombe, Statistics in Medicine 1998, method 10).
        one, two = detector.mean("auroc"), other.mean("auroc")
        low = found.mean - np.hypot(one.mean - one.low, two.high - two.mean)
        high = found.mean + np.hypot(one.high - one.mean, two.mean - two.low)
        return replace(found, low=low, high=high)

    @cached_property
    def may_be_best(self) -> tuple[str, ...]:
        """Detectors that other seeds and other test rows may well show as the best.

        One is excluded where its difference from the best found lies below 0, in intervals that
        hold for all others together (Bonferroni): so none is excluded whose own `difference` holds
        0. Where `covers_rows` is false they are of these test rows alone; one seed excludes none.
        """
        others = len(self.detectors) - 1
        if len(self.seeds) < 2 or not others:
            return tuple(series.detector for series in self.ranked)
        level = 1 - (1 - LEVEL) / others
        return tuple(
            series.detector
            for series in self.ranked
            # limits that are not known exclude nothing
            if series is self.best or not self.difference(series, self.best, level).high < 0
        )

    @cached_property
    def covers_rows(self) -> bool:
        """Whether comparisons of detectors also tell of other test rows."""
        return all(series.covers_rows() for series in self.detectors)


def tasks_of(
    tests: Iterable[Tested], shares: Sequence[float], steps: bool = False
) -> tuple[Task, ...]:
    """Gather tests by network and split, in the study's order.

    A split on which every detector failed with every seed makes no task.

    Args:
        tests: of all questions.
        shares: the fraction of known inputs that each question's threshold may reject.
        steps: gather by steps instead those tests that were trained fewer.
    """
    found: dict[tuple, dict[str, list[Tested]]] = {}
    failures: dict[tuple, dict[str, dict[int, str]]] = {}
    for test in tests:
        variant = test.variant
        if (variant.steps is not None) != steps:
            continue
        key = (variant.template, variant.split, shares[variant.entry], variant.steps)
        for detector in test.finding.detectors:
            found.setdefault(key, {}).setdefault(detector.detector, []).append(test)
        for label, reason in test.finding.failures.items():
            failures.setdefault(key, {}).setdefault(label, {})[test.seed] = reason
    return tuple(
        Task(
            key[0],
            key[1],
            key[2],
            tuple(_series(label, its) for label, its in series.items()),
            failures.get(key, {}),
        )
        for key, series in found.items()
    )


def failures_in_words(tests: Iterable[Tested], most: int = 20) -> list[str]:
    """One line for each network, detector and reason, with the seeds; of many the first."""
    seeds: dict[tuple[str, str, str], list[int]] = {}
    for test in tests:
        for label, reason in test.finding.failures.items():
            seeds.setdefault((test.variant.network, label, reason.rstrip(".")), []).append(
                test.seed
            )
    lines = [
        f"{label} has no result on {network}, {count(len(its), 'seed')} ({listed(map(str, its))}): "
        f"{reason}."
        for (network, label, reason), its in seeds.items()
    ]
    more = len(lines) - most
    return lines[:most] + [f"{count(more, 'more detector')} without a result."] * (more > 0)


def _series(label: str, tests: Sequence[Tested]) -> DetectorSeries:
    variant = tests[0].variant
    findings: dict = {}
    for test in tests:
        finding = test.finding.of(label)
        assert finding is not None
        findings.setdefault(test.seed, finding)
    return DetectorSeries(
        label, variant.method, variant.network, findings, {t.seed: t.finding for t in tests}
    )
