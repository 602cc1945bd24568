"""A network's outputs for some rows, which all detectors use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlplab.openset.errors import refuse


@dataclass(frozen=True, eq=False, kw_only=True)
class OutputLayer:
    """The dense output layer: logits = hidden · kernel + bias."""

    kernel: np.ndarray
    """(unit, class)"""
    bias: np.ndarray
    """(class,)"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Activations:
    """A network's outputs for some rows; every array has one entry a row.

    Only the logits must be there; a detector that needs more says so. Integers become float32;
    a torch tensor may still be part of a graph, or lie on another device.

    Raises:
        ValueError: an array has the wrong shape, is empty, or holds NaN or infinity.
    """

    logits: np.ndarray
    """(row, class), at least two classes; the known classes only."""
    hidden: np.ndarray | None = None
    """(row, unit): of the last hidden layer, after its activation function."""
    inputs: np.ndarray | None = None
    """(row, feature): what the network was given, scaled as it was."""
    sigmoid_logit: np.ndarray | None = None
    """(row,): a of a sigmoid output σ(a) that stands for "known"; the logit, for σ saturates."""
    background_logit: np.ndarray | None = None
    """(row,): the extra output of a network trained with a background class."""
    output_layer: OutputLayer | None = None
    """Where it is not given, ViM and ReAct recover it from hidden and logits."""

    def __post_init__(self) -> None:
        for name, value in self._arrays.items():
            object.__setattr__(self, name, _checked(name, value, _AXES[name]))
        if self.logits.shape[1] < 2:
            refuse(
                "logits",
                "at least two classes (row, class)",
                "one",
                "a classifier of one class has nothing to confuse",
            )
        for name, value in self._arrays.items():
            if len(value) != len(self.logits):
                refuse(name, f"{len(self.logits)} rows as in the logits", f"{len(value)}")
        self._check_output_layer()

    def _check_output_layer(self) -> None:
        layer = self.output_layer
        if layer is None or self.hidden is None:
            return
        expected = (self.hidden.shape[1], self.logits.shape[1])
        if layer.kernel.shape != expected or layer.bias.shape != expected[1:]:
            refuse(
                "output_layer",
                f"kernel {expected} and bias {expected[1:]}",
                f"{layer.kernel.shape} and {layer.bias.shape}",
            )

    @property
    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: a for name in _AXES if (a := getattr(self, name)) is not None}

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def predicted(self) -> np.ndarray:
        """(row,) int64: the known class with the largest logit."""
        return self.logits.argmax(axis=1)

    @property
    def widths(self) -> dict[str, int]:
        """The size of every row's array that is there."""
        return {n: 1 if a.ndim == 1 else a.shape[1] for n, a in self._arrays.items()}

    def take(self, rows: Any) -> Activations:
        """The activations of some rows only (indices, a mask or a slice)."""
        return replace(self, **{n: a[rows] for n, a in self._arrays.items()})

    def array(self, name: str) -> np.ndarray:
        """The array of that name.

        Raises:
            ValueError: it was not given.
        """
        value: np.ndarray | None = getattr(self, name)
        if value is None:
            needed = f"an array of shape ({', '.join(_AXES[name])})"
            refuse(name, needed, "none", f"give Activations(..., {name}=...)")
        return value


_AXES = {
    "logits": ("row", "class"),
    "hidden": ("row", "unit"),
    "inputs": ("row", "feature"),
    "sigmoid_logit": ("row",),
    "background_logit": ("row",),
}


def as_array(value: Any) -> np.ndarray:
    """Anything as a NumPy array; a torch tensor is taken from its graph and its device."""
    detach = getattr(value, "detach", None)
    return np.asarray(value if detach is None else detach().cpu())


def _checked(name: str, value: Any, axes: tuple[str, ...]) -> np.ndarray:
    array = as_array(value)
    shape = "(row,)" if len(axes) == 1 else f"({', '.join(axes)})"
    if array.dtype.kind not in "fiu":
        refuse(name, f"numbers of shape {shape}", f"values of type {array.dtype}")
    if array.ndim != len(axes):
        refuse(name, f"an array of shape {shape}", f"one of shape {array.shape}")
    if array.size == 0:
        refuse(name, f"at least one entry along each axis of {shape}", f"shape {array.shape}")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32)
    finite = np.isfinite(array) if array.ndim == 1 else np.isfinite(array).all(axis=1)
    if not finite.all():
        bad = np.flatnonzero(~finite)
        refuse(
            name,
            "finite numbers",
            f"NaN or infinity in {len(bad)} of {len(array)} rows (first in row {bad[0]})",
            "a network that diverged cannot be scored",
        )
    return array


def checked_labels(activations: Activations, labels: Any) -> np.ndarray:
    """Labels (row,) as int64, each the index of a logit; at least two classes among them.

    Raises:
        ValueError: another shape, no whole numbers, no such class, or one class only.
    """
    array = as_array(labels)
    rows, classes = activations.logits.shape
    if array.shape != (rows,):
        refuse("labels", f"one a row, shape ({rows},)", f"shape {array.shape}")
    if array.dtype.kind not in "iu":
        refuse(
            "labels",
            "whole numbers, the index of each row's class",
            f"values of type {array.dtype}",
        )
    array = array.astype(np.int64)
    outside = (array < 0) | (array >= classes)
    if outside.any():
        refuse(
            "labels",
            f"the index of a logit, 0 to {classes - 1}",
            f"{array[outside][0]}",
            "detectors are fitted on known rows only",
        )
    if (array == array[0]).all():
        refuse(
            "labels",
            "at least two known classes",
            f"{rows} rows of class {array[0]} only",
            "with one known class a classifier has nothing to say",
        )
    return array
