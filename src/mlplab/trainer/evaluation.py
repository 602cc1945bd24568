"""How good networks are on some rows, by operations of torch, and metrics of either task from sums.

Rows are taken in large slices, each a batched product over the whole stack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mlplab.networks.dense_stack import DenseStack, Workspace, forward
from mlplab.objectives.objective import Objective
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.recipe import Recipe

SLICE_ROWS = 1000
"""Rows computed at once: enough for products at full speed, few enough to stay near the cache."""

METRICS = ("loss", "accuracy", "softmaxed_loss")
"""Of classes: sums over rows, of which the means are the metrics of these names."""
QUANTITY_SUMS = ("loss", "absolute_error", "pinball_loss", "target", "target_square")
"""Sums over rows for the metrics of a quantity, standardised; loss is e², e the error."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """Metrics of every network on its rows."""

    values: dict[str, np.ndarray]
    """Metric → (network,) float64, those that the task always measures; NaN for a network without
    rows, or without rows of a known class."""
    rows: np.ndarray
    """(network,) rows that were measured: of a known class, where there are classes."""
    logits: list[np.ndarray] | None = None
    """Of every network, (row, output) float32, if asked for."""


class EvaluationRows:
    """The rows on which each network of a stack is measured.

    Networks with equally many rows are measured together. Others are not: the height of a product
    decides how it rounds, so a network measured beside longer rows would not be what it is alone.

    Args:
        rows: of each network, (row,) int64.
        recipes: of each network.
    """

    def __init__(
        self, rows: Sequence[np.ndarray], recipes: Sequence[Recipe], data: DeviceDataset
    ) -> None:
        lengths = [len(own) for own in rows]
        self.groups: list[tuple[list[int], _EqualRows]] = []
        """Networks and their rows; who has none is in no group."""
        for length in sorted(set(lengths) - {0}):
            members = [network for network, own in enumerate(lengths) if own == length]
            group = _EqualRows([rows[i] for i in members], [recipes[i] for i in members], data)
            self.groups.append((members, group))


class _EqualRows:
    """Equally many rows of each network; where all have the same they are read once for all."""

    def __init__(
        self, rows: Sequence[np.ndarray], recipes: Sequence[Recipe], data: DeviceDataset
    ) -> None:
        self._data = data
        self.length = len(rows[0])
        shared = all(r is rows[0] for r in rows) and len({r.targets_id for r in recipes}) == 1
        distinct = 1 if shared else len(rows)
        index = np.stack(rows[:distinct])
        whose = zip(recipes[:distinct], index, strict=True)
        targets = np.stack([recipe.targets(data.labels, own) for recipe, own in whose])
        valid = targets >= 0 if targets.dtype == np.int64 else np.ones(targets.shape, dtype=bool)
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
    recipes: Sequence[Recipe],
    *,
    keep_logits: bool = False,
) -> Measurement:
    """The metrics of every network on its rows.

    Args:
        recipes: of every network.
    """
    names = METRICS if recipes[0].quantity is None else QUANTITY_SUMS
    sums = np.full((len(names), stack.networks), np.nan)
    counts = np.zeros(stack.networks, dtype=np.int64)
    none = np.empty((0, stack.biases[-1].shape[2]), dtype=np.float32)
    logits = [none] * stack.networks
    for members, group in rows.groups:
        part = stack
        if len(members) < stack.networks:
            part = stack.select(torch.tensor(members, device=stack.kernels[0].device))
        runs = runs_of_equal_objectives([recipes[i].objective for i in members])
        sums[:, members], found = _sum_equal(part, group, runs, len(names), keep_logits=keep_logits)
        counts[members] = group.counts
        for network, own in zip(members, found, strict=False):
            logits[network] = own
    values = metrics_of(recipes, dict(zip(names, sums, strict=True)), counts)
    return Measurement(values, counts, logits if keep_logits else None)


def metrics_of(
    recipes: Sequence[Recipe], sums: Mapping[str, np.ndarray], rows: np.ndarray
) -> dict[str, np.ndarray]:
    """Metrics of networks of one task from sums over their rows, METRICS or QUANTITY_SUMS.

    Args:
        sums: name → (network,) float64.
        rows: (network,) that were summed over.
    """
    counts = np.where(rows > 0, rows, np.nan)
    if recipes[0].quantity is None:
        return {metric: sums[metric] / counts for metric in METRICS}
    std = np.array([r.quantity.std for r in recipes if r.quantity is not None])
    loss = sums["loss"] / counts
    about_mean = sums["target_square"] - np.square(sums["target"]) / counts
    with np.errstate(divide="ignore", invalid="ignore"):
        # Targets that are all equal leave nothing to explain.
        r2 = np.where(about_mean > 1e-12 * counts, 1 - sums["loss"] / about_mean, np.nan)
    return {
        "loss": loss,
        "rmse": std * np.sqrt(loss),
        "mae": std * sums["absolute_error"] / counts,
        "r2": r2,
        "pinball_loss": std * sums["pinball_loss"] / counts,
    }


def _sum_equal(
    stack: DenseStack,
    rows: _EqualRows,
    objectives: Sequence[tuple[Objective, slice]],
    names: int,
    *,
    keep_logits: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Sums over rows, (name, network) float64, and the logits if asked for."""
    sums = torch.zeros(names, stack.networks, dtype=torch.float64)
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
    return sums.numpy(), found


def metric_sums(
    logits: torch.Tensor,
    targets: torch.Tensor,
    objectives: Sequence[tuple[Objective, slice]],
    valid: torch.Tensor,
) -> torch.Tensor:
    """Sums over valid rows: (network, row, output) → (name, network) float64.

    The names are METRICS, or with targets that are no whole numbers QUANTITY_SUMS.

    softmaxed_loss is the 2023 report's: cross-entropy taken of an output that is a softmax
    already, log Σ exp p − p_y; it starts near 2.30 for ten classes and cannot pass below 1.4612.

    Args:
        objectives: with the networks that have them; their class scores are measured.
    """
    if logits.dtype.itemsize < 4:
        logits = logits.float()
    parts = [
        _quantity_sums(objective, logits[own], targets[own])
        if targets.is_floating_point()
        else _sums(objective.class_scores(logits[own]), targets[own], valid[own])
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


def _quantity_sums(
    objective: Objective, outputs: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    target = targets.double()
    error = outputs.squeeze(2).double() - target
    quantile = getattr(objective, "quantile", 0.5)
    pinball = torch.maximum(-quantile * error, (1 - quantile) * error)
    values = [error.square(), error.abs(), pinball, target, target.square()]
    return torch.stack(values).sum(2)


def runs_of_equal_objectives(objectives: Sequence[Objective]) -> list[tuple[Objective, slice]]:
    """Neighbours with equal objectives, each computed together."""
    runs: list[tuple[Objective, slice]] = []
    for network, objective in enumerate(objectives):
        if runs and runs[-1][0] == objective:
            runs[-1] = objective, slice(runs[-1][1].start, network + 1)
        else:
            runs.append((objective, slice(network, network + 1)))
    return runs
