"""How good networks are on some rows, by operations of torch: loss, accuracy, and the report's loss.

Rows are taken in large slices, each a batched product over the whole stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mlplab.networks.dense_stack import DenseStack, Workspace, forward
from mlplab.objectives.objective import Objective
from mlplab.trainer.dataset import DeviceDataset

SLICE_ROWS = 1000
"""Rows computed at once: enough for products at full speed, few enough to stay near the cache."""

METRICS = ("loss", "accuracy", "softmaxed_loss")


@dataclass(frozen=True, eq=False)
class Measurement:
    """Metrics of every network on its rows."""

    values: dict[str, np.ndarray]
    """Metric → (network,) float64; NaN for a network without rows of a known class."""
    rows: np.ndarray
    """(network,) rows of a known class."""
    logits: list[np.ndarray] | None = None
    """Of every network, (row, output) float32, if asked for."""


class EvaluationRows:
    """The rows on which each network of a stack is measured.

    Networks with equally many rows are measured together. Others are not: the height of a product
    decides how it rounds, so a network measured beside longer rows would not be what it is alone.

    Args:
        rows: of each network, (row,) int64.
        label_maps: of each network, (class,) int64.
    """

    def __init__(
        self, rows: Sequence[np.ndarray], label_maps: Sequence[np.ndarray], data: DeviceDataset
    ) -> None:
        lengths = [len(own) for own in rows]
        self.groups: list[tuple[list[int], _EqualRows]] = []
        """Networks and their rows; who has none is in no group."""
        for length in sorted(set(lengths) - {0}):
            members = [network for network, own in enumerate(lengths) if own == length]
            group = _EqualRows([rows[i] for i in members], [label_maps[i] for i in members], data)
            self.groups.append((members, group))


class _EqualRows:
    """Equally many rows of each network; where all have the same they are read once for all."""

    def __init__(
        self, rows: Sequence[np.ndarray], label_maps: Sequence[np.ndarray], data: DeviceDataset
    ) -> None:
        self._data = data
        self.length = len(rows[0])
        shared = all(r is rows[0] for r in rows) and all(m is label_maps[0] for m in label_maps)
        distinct = 1 if shared else len(rows)
        index = np.stack(rows[:distinct])
        maps = zip(label_maps[:distinct], index, strict=True)
        targets = np.stack([label_map[data.labels[own]] for label_map, own in maps])
        valid = targets >= 0
        self.counts = np.broadcast_to(valid.sum(1), len(rows))
        """(network,) rows that are measured: those of a known class."""
        self._index, self._targets, self._valid = (
            torch.from_numpy(array).to(data.device) for array in (index, targets, valid)
        )
        self._memory = data.memory(distinct, min(SLICE_ROWS, self.length))

    def from_row(
        self, start: int, networks: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Inputs (network, row, feature), targets and validity (network, row) from `start` on."""
        part = slice(start, min(start + SLICE_ROWS, self.length))
        rows, memory = self._index[:, part], self._memory
        if memory.shape[1] != rows.shape[1]:
            memory = self._data.memory(*rows.shape)
        return (
            self._data.gather(rows, memory).expand(networks, -1, -1),
            self._targets[:, part].expand(networks, -1),
            self._valid[:, part].expand(networks, -1),
        )


def measure(
    stack: DenseStack,
    rows: EvaluationRows,
    objectives: Sequence[Objective],
    *,
    keep_logits: bool = False,
) -> Measurement:
    """The metrics of every network on its rows.

    Args:
        objectives: of every network.
    """
    values = {metric: np.full(stack.networks, np.nan) for metric in METRICS}
    counts = np.zeros(stack.networks, dtype=np.int64)
    none = np.empty((0, stack.biases[-1].shape[2]), dtype=np.float32)
    logits = [none] * stack.networks
    for members, group in rows.groups:
        part = stack
        if len(members) < stack.networks:
            part = stack.select(torch.tensor(members, device=stack.kernels[0].device))
        runs = runs_of_equal_objectives([objectives[i] for i in members])
        means, found = _measure_equal(part, group, runs, keep_logits=keep_logits)
        for metric, mean in zip(METRICS, means, strict=True):
            values[metric][members] = mean
        counts[members] = group.counts
        for network, own in zip(members, found, strict=False):
            logits[network] = own
    return Measurement(values, counts, logits if keep_logits else None)


def _measure_equal(
    stack: DenseStack,
    rows: _EqualRows,
    objectives: Sequence[tuple[Objective, slice]],
    *,
    keep_logits: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Means of METRICS, (metric, network) float64, and the logits if asked for."""
    counts = np.where(rows.counts > 0, rows.counts, np.nan)
    sums = torch.zeros(len(METRICS), stack.networks, dtype=torch.float64)
    logits, workspace = [], None
    for start in range(0, rows.length, SLICE_ROWS):
        inputs, targets, valid = rows.from_row(start, stack.networks)
        if workspace is None or workspace.rows != inputs.shape[1]:
            workspace = Workspace(stack, inputs.shape[1], backward=False)
        own = forward(stack, inputs, workspace)
        sums += metric_sums(own, targets, objectives, valid).cpu()
        if keep_logits:
            # A copy: the next slice is computed in the same memory.
            logits.append(own.to("cpu", torch.float32, copy=True))
    found = torch.cat(logits, 1).numpy() if logits else np.empty(0)
    return sums.numpy() / counts, found


def metric_sums(
    logits: torch.Tensor,
    targets: torch.Tensor,
    objectives: Sequence[tuple[Objective, slice]],
    valid: torch.Tensor,
) -> torch.Tensor:
    """Sums over valid rows of METRICS: (network, row, output) → (metric, network) float64.

    softmaxed_loss is the 2023 report's: cross-entropy taken of an output that is a softmax
    already, log Σ exp p − p_y; it starts near 2.30 for ten classes and cannot pass below 1.4612.

    Args:
        objectives: with the networks that have them; their class scores are measured.
    """
    if logits.dtype.itemsize < 4:
        logits = logits.float()
    parts = [
        _sums(objective.class_scores(logits[own]), targets[own], valid[own])
        for objective, own in objectives
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts, 1)


def _sums(scores: torch.Tensor, targets: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    log_softmax = torch.log_softmax(scores, 2)
    target = targets.clamp(min=0).unsqueeze(2)
    loss = -log_softmax.gather(2, target).squeeze(2)
    hits = log_softmax.argmax(2) == targets
    softmax = log_softmax.exp_()
    softmaxed = torch.logsumexp(softmax, 2) - softmax.gather(2, target).squeeze(2)
    values = torch.stack([loss.double(), hits.double(), softmaxed.double()])
    return torch.where(valid, values, 0.0).sum(2)


def runs_of_equal_objectives(objectives: Sequence[Objective]) -> list[tuple[Objective, slice]]:
    """Neighbours with equal objectives, each computed together."""
    runs: list[tuple[Objective, slice]] = []
    for network, objective in enumerate(objectives):
        if runs and runs[-1][0] == objective:
            runs[-1] = objective, slice(runs[-1][1].start, network + 1)
        else:
            runs.append((objective, slice(network, network + 1)))
    return runs
