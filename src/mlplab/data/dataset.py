"""What is known of data: as read (Dataset), and as a network sees them (PreparedData)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np


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
    digest: str = field(init=False)
    """SHA-256 of all that decides what a network is given: inputs, their shape and largest value,
    labels, class names and division."""
    inputs_digest: str = field(init=False)
    """SHA-256 of the inputs alone."""

    def __post_init__(self) -> None:
        inputs_digest = _digest(self.inputs)
        names = "\n".join(self.class_names)
        seen_as = f"{self.image_shape} {self.largest}"
        object.__setattr__(self, "inputs_digest", inputs_digest)
        object.__setattr__(
            self,
            "digest",
            _digest(
                self.labels, self.train_rows, self.test_rows, text=inputs_digest + names + seen_as
            ),
        )


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
    resident: str
    """Equal for two PreparedData exactly if their inputs are equal."""
    calibration_rows: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """(row,) int64, ascending: known training rows that serve thresholds and nothing else; empty
    unless some classes are unknown."""


def _digest(*arrays: np.ndarray, text: str = "") -> str:
    """SHA-256 of arrays with their shapes and types; the same on every platform."""
    digest = hashlib.sha256(text.encode())
    for array in arrays:
        portable = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"|{portable.dtype.str}{portable.shape}|".encode())
        digest.update(portable.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
