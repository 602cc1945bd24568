"""What is known of data: as read (Dataset), and as a network sees them (PreparedData)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mlplab.data import division
from mlplab.data.columns import Column
from mlplab.data.division import Purpose
from mlplab.declarations.task import TaskName

if TYPE_CHECKING:
    from mlplab.data.fitted import Preparation


@dataclass(frozen=True, eq=False)
class Dataset:
    """A set as read and divided into train and test, before anything else is done to it."""

    inputs: np.ndarray
    """(row, feature) uint8 for images, float64 for tables; every value is finite."""
    labels: np.ndarray
    """(row,) int64, an index into `class_names`."""
    class_names: tuple[str, ...]
    train_rows: np.ndarray
    """(row,) int64, ascending; every class has at least one."""
    test_rows: np.ndarray
    """(row,) int64, ascending; disjoint from `train_rows`."""
    image_shape: tuple[int, int] | None
    """(height, width) when a row is an image of one channel."""
    largest: float | None
    """The largest value an input can have (255 for bytes), which `unit` scaling divides by; None
    when that is not known beforehand, as in a table."""
    columns: tuple[Column, ...] | None = None
    """Of a table: which inputs are numbers, categories and dates. NaN stands for a missing value,
    -1 for a category that training rows do not have."""
    target_name: str = ""
    """Of a table."""
    targets: np.ndarray | None = None
    """(row,) float64, in the target's own unit, where it is a quantity; None for classes. Labels
    are then all 0, and the one output is named after the target."""
    groups: np.ndarray | None = None
    """(row,) int64: rows of equal number stay in one part."""
    order: np.ndarray | None = None
    """(row,) float64 by which rows are divided; the later ones are tested."""
    notes: tuple[str, ...] = ()
    """What is doubtful of own data, a sentence each."""

    @property
    def task(self) -> TaskName:
        """What there is to predict."""
        return "classification" if self.targets is None else "regression"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that decides what a network is given: inputs, their shape and largest
        value, kinds of columns, labels or targets, class names and division."""
        names = "\n".join(self.class_names)
        seen_as = f"{self.image_shape} {self.largest}"
        categories = [p for p, c in enumerate(self.columns or ()) if c.kind == "category"]
        if categories:
            seen_as += f" categories {categories}"
        arrays = [self.labels, self.train_rows, self.test_rows]
        if self.targets is not None:
            arrays.append(self.targets)
        return _digest(*arrays, text=self.inputs_digest + names + seen_as)

    @cached_property
    def inputs_digest(self) -> str:
        """SHA-256 of the inputs alone."""
        return _digest(self.inputs)

    def divide(
        self, rows: np.ndarray, part: float, *, seed: int, purpose: Purpose, where: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Take a part out of rows, by order, by groups or stratified; see `division`."""
        return division.divide(
            self._strata,
            rows,
            part,
            seed=seed,
            purpose=purpose,
            class_names=self.class_names,
            where=where,
            groups=self.groups,
            order=self.order,
        )

    def take_fold(self, fold: int, folds: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows outside and inside one of so many folds; see `division.take_fold`."""
        return division.take_fold(
            self._strata,
            self.train_rows,
            fold,
            folds,
            seed=seed,
            class_names=self.class_names,
            groups=self.groups,
        )

    @cached_property
    def _strata(self) -> np.ndarray:
        """(row,) int64: what a drawn part is stratified by, classes or tenths of the targets."""
        if self.targets is None:
            return self.labels
        edges = np.quantile(self.targets, np.linspace(0, 1, 11)[1:-1])
        return np.searchsorted(edges, self.targets).astype(np.int64)


@dataclass(frozen=True, eq=False)
class PreparedData:
    """Data as one network learns from them: scaled, filtered by class, with a validation part."""

    inputs: np.ndarray
    """(row, feature) float32, scaled, every row of the set; shared, so not to be written to."""
    labels: np.ndarray
    """(row,) int64, class as in the set."""
    label_map: np.ndarray
    """(class,) int64: the output that stands for a class, -1 for none."""
    class_names: tuple[str, ...]
    """Of the outputs, in their order."""
    train_rows: np.ndarray
    """(row,) int64, ascending."""
    validation_rows: np.ndarray
    """(row,) int64, ascending; empty when no validation part is asked for."""
    test_rows: np.ndarray
    """(row,) int64, ascending."""
    outside_rows: np.ndarray
    """(row,) int64, ascending: rows of the test part whose class no output stands for."""
    image_shape: tuple[int, int] | None
    digest: str
    """Of the Dataset."""
    inputs_digest: str
    """Equal for two PreparedData exactly if their inputs are equal."""
    preparation: Preparation
    """How rows of the set become inputs, as fitted on the training rows."""
    calibration_rows: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """(row,) int64, ascending: known training rows that serve thresholds and nothing else; empty
    unless some classes are unknown."""
    task: TaskName = "classification"
    targets: np.ndarray | None = None
    """(row,) float32 of regression: mean 0 and standard deviation 1 on training rows."""


def _digest(*arrays: np.ndarray, text: str = "") -> str:
    """SHA-256 of arrays with their shapes and types; the same on every platform."""
    digest = hashlib.sha256(text.encode())
    for array in arrays:
        portable = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"|{portable.dtype.str}{portable.shape}|".encode())
        digest.update(portable.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
