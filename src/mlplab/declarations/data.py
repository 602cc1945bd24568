"""Which data a network learns from, and how they are divided and scaled."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from mlplab.declarations.base import (
    ClassName,
    Count,
    Declaration,
    NonNegativeCount,
    PositiveShareBelowOne,
    Seed,
    ShareBelowOne,
)


def _none_is_a_count(part: float) -> float:
    return part or 0


Part = Count | PositiveShareBelowOne
"""A number of rows, or a share of them."""
ValidationPart = Annotated[NonNegativeCount | ShareBelowOne, AfterValidator(_none_is_a_count)]
"""The same, or 0 for none; 0.0 is the same 0, and makes the same content key."""
Scaling = Literal["unit", "standard", "none"]


class _Data(Declaration):
    validation: ValidationPart = 0
    """Rows (or a share of them) taken from the training rows, stratified by class; 0 for none."""
    classes: tuple[ClassName, ...] | None = Field(default=None, min_length=1)
    """Only these classes, in all parts; None for all."""
    split_seed: Seed = 0
    """The seed of every drawn split; it is not the seed of a network."""
    scaling: Scaling | None = None
    """unit: divided by the largest possible value (255 for bytes, 16 for digits), or in a table by
    each column's range on training rows; standard: mean 0 and deviation 1 on training rows; None:
    unit for images, standard for tables."""


class KnownData(_Data):
    """A set that mlplab knows by name."""

    name: Literal["digits", "mnist", "fashion-mnist", "kmnist"]
    """The set; digits is bundled, the others are downloaded where they are not found."""


class IdxData(_Data):
    """Four files in the IDX format of MNIST, gzipped or not; the test pair may be drawn instead.

    Their elements are unsigned bytes: (row, height, width) of images, (row,) of labels, whose
    numbers are the classes. Paths are relative to the folder of the study file.
    """

    format: Literal["idx"]
    """The format of files of one's own; the other keys depend on it."""
    train_images: str
    """The images of the training rows; test rows are drawn from them where none are given."""
    train_labels: str
    """The class of each of these images, in their order."""
    test_images: str | None = None
    """The images of the test rows, of the same height and width; None to have them drawn."""
    test_labels: str | None = None
    """Their classes, all of which training rows have; given together with `test_images`."""
    test: Part | None = None
    """Rows (or a share of them) drawn as the test part, stratified by class, where no test files
    are given; None for 0.2, a fifth."""


class NpzData(_Data):
    """A NumPy archive: arrays x and y to be divided, or x_train, y_train, x_test, y_test.

    x has finite numbers, (row, feature) or (row, height, width), at most 3.4e38 in size; y has the
    class of each row, a whole number or text. Python objects are never loaded.
    """

    format: Literal["npz"]
    """The format of files of one's own; the other keys depend on it."""
    path: str
    """The archive (.npz); the path is relative to the folder of the study file."""
    test: Part | None = None
    """Rows (or a share of them) drawn as the test part, stratified by class, where the archive has
    none; None for 0.2, a fifth."""


class CsvData(_Data):
    """A table with a header line; every column but the label is a feature.

    It is text in UTF-8, separated by commas. Every feature is a finite number, at most 3.4e38 in
    size; no cell is empty.
    """

    format: Literal["csv"]
    """The format of files of one's own; the other keys depend on it."""
    path: str
    """The table; paths are relative to the folder of the study file."""
    label: str
    """The name of the column that holds the class of each row, a number or text."""
    test_path: str | None = None
    """A table of test rows with the same columns and no other classes; None to have them drawn."""
    test: Part | None = None
    """Rows (or a share of them) drawn as the test part, stratified by class, where no `test_path`
    is given; None for 0.2, a fifth."""


def part_size(part: float, rows: int) -> int:
    """Rows in a part declared as a count (int) or as a share (float) of `rows`."""
    if isinstance(part, int):
        return part
    return max(1, round(part * rows)) if part > 0 else 0


def data_kind(value: Any) -> str | None:
    """The tag of the kind of data that a declaration, or its JSON, means; None if it is not told."""
    if isinstance(value, dict):
        return str(value.get("format", "known")) if value.keys() & {"name", "format"} else None
    return str(getattr(value, "format", "known")) if isinstance(value, Declaration) else "known"


Data = Annotated[
    Annotated[KnownData, Tag("known")]
    | Annotated[IdxData, Tag("idx")]
    | Annotated[NpzData, Tag("npz")]
    | Annotated[CsvData, Tag("csv")],
    Discriminator(data_kind),
]
