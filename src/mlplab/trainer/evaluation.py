"""How good the networks of a stack are on some rows: loss, accuracy, and the report's loss.

Rows are taken in large slices, each a batched product over the whole stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mlplab.networks.dense_stack import DenseStack, Workspace, forward
from mlplab.objectives.objective import Objective
from mlplab.trainer.resident import ResidentData

SLICE_ROWS = 1000
"""Rows computed at once: enough for products at full speed, few enough to stay near the cache."""

METRICS = ("loss", "accuracy", "softmaxed_loss")


@dataclass(frozen=True, eq=False)
class Measurement:
    """Metrics of every network on its rows."""

    values: dict[str, np.ndarray]
    """Metric → (network,) float64."""
    logits: np.ndarray | None
    """(network, row, output) float32 if asked for; rows beyond a network's own mean nothing."""


class EvaluationRows:
    """The rows on which each network of a stack is measured.

    Networks with equally many rows are measured together. Others are not: the height of a product
    decides how it rounds, so a network measured beside longer rows would not be what it is alone.

    Args:
        rows: of each network, (row,) int64.
        label_maps: of each network, (class,) int64.
    """

    def __init__(
        self, rows: Sequence[np.ndarray], label_maps: Sequence[np.ndarray], data: ResidentData
    ) -> None:
        lengths = [len(own) for own in rows]
        self.longest = max(lengths)
        self.groups: list[tuple[list[int], _EqualRows]] = []
        """Places in the stack, and their rows; who has none is in no group."""
        for length in sorted(set(lengths) - {0}):
            places = [place for place, own in enumerate(lengths) if own == length]
            group = _EqualRows([rows[p] for p in places], [label_maps[p] for p in places], data)
            self.groups.append((places, group))


class _EqualRows:
    """Equally many rows of each network; where all have the same they are read once for all."""

    def __init__(
        self, rows: Sequence[np.ndarray], label_maps: Sequence[np.ndarray], data: ResidentData
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
        self._first = index[0, 0] if shared and _consecutive(rows[0]) else None
        self._memory = data.memory(distinct, min(SLICE_ROWS, self.length))

    def from_row(
        self, start: int, networks: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Inputs (network, row, feature), targets and validity (network, row) from `start` on."""
        part = slice(start, min(start + SLICE_ROWS, self.length))
        return (
            self._inputs(part).expand(networks, -1, -1),
            self._targets[:, part].expand(networks, -1),
            self._valid[:, part].expand(networks, -1),
        )

    def _inputs(self, part: slice) -> torch.Tensor:
        """(network or 1, row, feature): a view where the rows lie one after the other."""
        if self._first is not None:
            return self._data.inputs[self._first + part.start : self._first + part.stop].unsqueeze(
                0
            )
        rows = self._index[:, part]
        memory = self._memory
        if memory.shape[1] != rows.shape[1]:
            memory = self._data.memory(*rows.shape)
        return self._data.gather(rows, memory)


def _consecutive(rows: np.ndarray) -> bool:
    return len(rows) > 0 and bool((np.diff(rows) == 1).all())


def measure(
    stack: DenseStack,
    rows: EvaluationRows,
    objectives: Sequence[tuple[Objective, slice]],
    *,
    keep_logits: bool = False,
) -> Measurement:
    """The metrics of every network on its rows; NaN for a network that has none.

    Args:
        objectives: with the networks that have them; they say what classes are told apart by.
    """
    values = {metric: np.full(stack.networks, np.nan) for metric in METRICS}
    logits = None
    if keep_logits:
        logits = np.zeros(
            (stack.networks, rows.longest, stack.biases[-1].shape[-1]), dtype=np.float32
        )
    for places, group in rows.groups:
        part, own_objectives = stack, objectives
        if len(places) < stack.networks:
            part = stack.select(torch.tensor(places, device=stack.kernels[0].device))
            own_objectives = _of_places(objectives, places)
        means, found = _measure_equal(part, group, own_objectives, keep_logits=keep_logits)
        for metric, mean in zip(METRICS, means, strict=True):
            values[metric][places] = mean
        if logits is not None:
            logits[places, : group.length] = found
    return Measurement(values, logits)


def _measure_equal(
    stack: DenseStack,
    rows: _EqualRows,
    objectives: Sequence[tuple[Objective, slice]],
    *,
    keep_logits: bool,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Means of METRICS, (metric, network) float64, and the logits if asked for."""
    counts = torch.from_numpy(rows.counts.copy())
    sums = torch.zeros(len(METRICS), stack.networks, dtype=torch.float64)
    kept = []
    workspace = None
    for start in range(0, rows.length, SLICE_ROWS):
        inputs, targets, valid = rows.from_row(start, stack.networks)
        if workspace is None or workspace.rows != inputs.shape[1]:
            workspace = Workspace(stack, inputs.shape[1], backward=False)
        logits = forward(stack, inputs, workspace)
        sums += stack_metric_sums(logits, targets, objectives, valid).cpu()
        if keep_logits:
            # A copy: the next slice is computed in the same memory.
            kept.append(logits.to("cpu", torch.float32, copy=True))
    return (sums / counts).numpy(), torch.cat(kept, 1).numpy() if kept else None


def _of_places(
    objectives: Sequence[tuple[Objective, slice]], places: Sequence[int]
) -> list[tuple[Objective, slice]]:
    """The objectives of some networks of a stack, which stand side by side in their own."""
    of_place = {
        place: objective for objective, own in objectives for place in range(own.start, own.stop)
    }
    return [(of_place[place], slice(i, i + 1)) for i, place in enumerate(places)]


def stack_metric_sums(
    logits: torch.Tensor,
    targets: torch.Tensor,
    objectives: Sequence[tuple[Objective, slice]],
    valid: torch.Tensor | None = None,
) -> torch.Tensor:
    """`metric_sums` of what each network's objective tells classes apart by."""
    if logits.dtype.itemsize < 4:
        logits = logits.float()
    parts = [
        metric_sums(
            objective.class_scores(logits[own]),
            targets[own],
            None if valid is None else valid[own],
        )
        for objective, own in objectives
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts, 1)


def metric_sums(
    logits: torch.Tensor, targets: torch.Tensor, valid: torch.Tensor | None = None
) -> torch.Tensor:
    """Sums over rows of METRICS: (network, row, output) → (metric, network) float64.

    softmaxed_loss is the 2023 report's: cross-entropy taken of an output that is a softmax
    already, log Σ exp p − p_y; it starts near 2.30 for ten classes and cannot pass below 1.4612.
    """
    if logits.dtype.itemsize < 4:
        logits = logits.float()
    if logits.device.type != "cpu":
        return metric_sums_by_tensor_operations(logits, targets, valid)
    from mlplab.trainer.fused_metrics import fused_metric_sums

    sums = torch.zeros(len(METRICS), len(logits), dtype=torch.float64)
    shares = logits.new_empty(logits.shape[2])
    usable = None if valid is None else valid.numpy()
    fused_metric_sums(logits.numpy(), targets.numpy(), usable, shares.numpy(), sums.numpy())
    return sums


def metric_sums_by_tensor_operations(
    logits: torch.Tensor, targets: torch.Tensor, valid: torch.Tensor | None
) -> torch.Tensor:
    """`metric_sums` for devices other than the CPU."""
    log_shares = torch.log_softmax(logits, 2)
    right = targets.clamp(min=0).unsqueeze(2)
    loss = -log_shares.gather(2, right).squeeze(2)
    hits = log_shares.argmax(2) == targets
    shares = log_shares.exp_()
    softmaxed = torch.logsumexp(shares, 2) - shares.gather(2, right).squeeze(2)
    values = torch.stack([loss.double(), hits.double(), softmaxed.double()])
    if valid is not None:
        values = torch.where(valid, values, 0.0)
    return values.sum(2)
