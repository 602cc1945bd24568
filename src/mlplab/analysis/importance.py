"""Permutation importance: how much worse a network predicts when a column is shuffled.

Breiman (2001), Random forests, Mach. Learn. 45, 5-32; of a model's columns: Fisher, Rudin and Dominici
(2019), J. Mach. Learn. Res. 20(177). A column that says the same as another loses little by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlplab.analysis.test_part import class_scores, data_of
from mlplab.data.dataset import PreparedData
from mlplab.declarations.network import Network
from mlplab.declarations.task import Metric
from mlplab.networks.dense_stack import LayerWeights
from mlplab.openset.from_weights import outputs_from_weights
from mlplab.records.results import Results, Run

MOST_ROWS = 1000
MOST_COLUMNS = 200
MOST_SEEDS = 10
_REPEATS = 5
_SEED = 20_240_501
"""The same rows are shuffled alike for every seed, so that seeds differ by their networks alone."""


@dataclass(frozen=True, eq=False)
class Importance:
    """What shuffling each column of a table costs a network."""

    metric: Metric
    columns: tuple[str, ...]
    losses: np.ndarray
    """(seed, column): how much worse the metric becomes, at least 0 for a column of any use; a mean
    over shufflings, in the metric's unit."""
    whole: np.ndarray
    """(seed,) the metric with no column shuffled."""
    rows: int


def column_importance(results: Results, runs: Sequence[Run]) -> Importance | None:
    """Shuffle each column of the test rows in turn; None where the data are no table of some columns.

    At most `MOST_ROWS` rows and `MOST_SEEDS` seeds, by the task's main metric.

    Args:
        runs: of one network, finished.

    Raises:
        BadInput: weights or data are not there, or the data have changed since.
    """
    network = results.study.networks[runs[0].network]
    losses, whole = list[np.ndarray](), list[float]()
    names: tuple[str, ...] = ()
    rows = 0
    for run in runs[:MOST_SEEDS]:
        data = data_of(results, run)
        groups = data.preparation.features_by_column
        if data.preparation.columns is None or not 1 < len(groups) <= MOST_COLUMNS:
            return None
        names, rows = tuple(groups), min(MOST_ROWS, len(data.test_rows))
        own = _Shuffled(network, data, results.weights(run.network, run.seed))
        losses.append(own.losses(tuple(groups.values())))
        whole.append(own.whole)
    metric = network.task.metrics[network.task.main]
    return Importance(metric, names, np.array(losses), np.array(whole), rows)


class _Shuffled:
    """One network on some test rows, of which columns are shuffled."""

    def __init__(self, network: Network, data: PreparedData, layers: LayerWeights) -> None:
        every = data.test_rows
        # Evenly over the test part, which may be sorted.
        rows = every[np.linspace(0, len(every) - 1, min(MOST_ROWS, len(every))).astype(np.int64)]
        self._network, self._layers = network, layers
        self._inputs = data.inputs[rows]
        if data.targets is not None:
            self._targets = data.targets[rows]
            self._std = data.preparation.target_std
        else:
            self._targets = data.label_map[data.labels[rows]]
        self._sign = network.task.metrics[network.task.main].sign
        self.whole = self._metric(self._inputs)

    def losses(self, widths: Sequence[int]) -> np.ndarray:
        """(column,) by how much worse the metric is; widths: inputs of each column, in their order."""
        random = np.random.default_rng(_SEED)
        orders = [random.permutation(len(self._inputs)) for _ in range(_REPEATS)]
        found, start = [], 0
        for width in widths:
            its, shuffled = slice(start, start + width), self._inputs.copy()
            values = []
            for order in orders:
                shuffled[:, its] = self._inputs[order, its]
                values.append(self._sign * (self.whole - self._metric(shuffled)))
            found.append(np.mean(values))
            start += width
        return np.array(found)

    def _metric(self, inputs: np.ndarray) -> float:
        outputs = outputs_from_weights(inputs, self._layers, self._network.activation)
        if self._network.task.name == "regression":
            errors = outputs[:, 0].astype(np.float64) - self._targets
            return float(np.sqrt(np.mean(errors**2)) * self._std)
        scores = class_scores(self._network.objective, outputs)
        return float(np.mean(scores.argmax(axis=1) == self._targets))
