"""Which network to take: the cheapest that is not worse than the best by more than a margin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlplab.analysis.questions.values import metric_values, runs_by_network, sizes_known
from mlplab.declarations.metric import FinalMetric, Split
from mlplab.records.results import Results
from mlplab.statistics.best import CheapestGoodEnough, cheapest_good_enough

MARGIN = 0.002
"""Of accuracy: 0.2 points."""
FEWEST_SEEDS = 3
MOST_NETWORKS = 200
"""Beyond so many networks only the best of them by their means are compared."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One network that could be chosen."""

    network: str
    parameters: int
    accuracy: float
    low: float
    """Limits of its accuracy less that of the best other, all networks together at 95%."""
    high: float
    qualifies: bool
    """Whether it is shown to be within the margin of the best."""


@dataclass(frozen=True, eq=False)
class Choice:
    """The outcome of the rule."""

    split: Split
    """On which it was decided."""
    seeds: int
    candidates: tuple[Candidate, ...]
    """From cheap to dear."""
    chosen: str | None

    @property
    def best(self) -> Candidate:
        """The candidate of the highest mean accuracy."""
        return max(self.candidates, key=lambda candidate: candidate.accuracy)


def choose(results: Results) -> Choice | None:
    """Apply the rule to final accuracy; None with fewer than two networks or three paired seeds.

    It is decided on validation data where every network has them, else on the test set. The best
    is found in the same data, so differences from it are Hsu's simultaneous comparisons with the
    best (1984). Networks of which a run diverged are out.
    """
    by_network = runs_by_network(results)
    split: Split = "validation"
    if any(n.data.validation == 0 for n in results.study.networks.values() if n.roles is None):
        split = "test"
    metric = FinalMetric(final="accuracy", split=split)
    fine = [
        name
        for name, runs in by_network.items()
        # A network that knows some classes only is right about other test rows.
        if results.study.networks[name].roles is None
        and len(runs) >= FEWEST_SEEDS
        and all(run.diverged_at is None for run in runs.values())
    ]
    sizes = sizes_known(results, fine, by_network)
    fine = [name for name in fine if name in sizes]
    if len(fine) < 2:
        return None
    measured = metric_values(results, metric, fine, by_network)
    values = measured.values
    if len(values) < FEWEST_SEEDS or not np.isfinite(values).all():
        return None
    if len(fine) > MOST_NETWORKS:
        kept = np.argsort(-values.mean(axis=0), kind="stable")[:MOST_NETWORKS]
        fine, values = [fine[i] for i in kept], values[:, kept]
    cost = np.array([sizes[name].parameters for name in fine], dtype=float)
    found = cheapest_good_enough(values, cost, MARGIN)
    return _choice(split, fine, cost, found)


def _choice(split: Split, names: list[str], cost: np.ndarray, found: CheapestGoodEnough) -> Choice:
    compared = found.comparisons
    order = np.lexsort((-compared.means, cost))
    candidates = tuple(
        Candidate(
            names[i],
            int(cost[i]),
            float(compared.means[i]),
            float(compared.low[i]),
            float(compared.high[i]),
            int(i) in found.qualifying,
        )
        for i in order
    )
    chosen = None if found.chosen is None else names[found.chosen]
    return Choice(split, compared.n, candidates, chosen)
