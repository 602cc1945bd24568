"""Which data a network learns from, and how they are divided and scaled."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    WithJsonSchema,
)

from mlplab.declarations.base import (
    ClassName,
    Count,
    Declaration,
    NonNegativeCount,
    PositiveShareBelowOne,
    Seed,
    ShareBelowOne,
)
from mlplab.declarations.task import TaskName


def _none_is_a_count(part: float) -> float:
    return part or 0


Part = Count | PositiveShareBelowOne
"""A number of rows, or a share of them."""
ValidationPart = Annotated[NonNegativeCount | ShareBelowOne, AfterValidator(_none_is_a_count)]
"""The same, or 0 for none; 0.0 is the same 0, and makes the same content key."""
Scaling = Literal["unit", "standard", "minmax", "robust", "quantile", "none"]
ColumnKind = Literal[
    "number", "category", "boolean", "date", "identifier", "text", "constant", "ignore"
]
"""What a column of a table holds. A network is given numbers, categories, booleans and dates;
identifiers, texts, constants and what is to be ignored are left out."""
ColumnName = str | int
"""A column by its name, or by its position from 1 where no column has that name."""


def _pairs(kinds: Any) -> Any:
    return tuple(kinds.items()) if isinstance(kinds, dict) else kinds


ColumnKinds = Annotated[
    tuple[tuple[str, ColumnKind], ...],
    # Pairs, so that a declaration can be hashed; an object in JSON.
    BeforeValidator(_pairs),
    PlainSerializer(dict),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"enum": list(get_args(ColumnKind))},
        }
    ),
]


class _Data(Declaration):
    validation: ValidationPart = 0
    """Rows (or a share of them) taken from the training rows, stratified by class; 0 for none."""
    classes: tuple[ClassName, ...] | None = Field(default=None, min_length=1)
    """Only these classes, in all parts; None for all."""
    split_seed: Seed = 0
    """The seed of every drawn split; it is not the seed of a network."""
    fold: tuple[NonNegativeCount, Count] | None = None
    """(f, k): the rows are divided into k parts, of which the f-th, from 0, is tested; what
    `resampling` sets for each repetition. None for a drawn test part."""
    scaling: Scaling | None = None
    """unit: divided by the largest possible value (255 for bytes, 16 for digits), or in a table by
    each column's range on training rows; standard: mean 0 and standard deviation 1; minmax: each
    column's range becomes 0 to 1; robust: median 0 and quartiles 1 apart, outliers drawn in
    smoothly to ±3; quantile: each column's ranks as those of a normal distribution; all of them on
    training rows. None: unit for images, standard for tables."""


class KnownData(_Data):
    """A set that mlplab knows by name."""

    name: Literal["digits", "mnist", "fashion-mnist", "kmnist"]
    """The set; digits is bundled, the others are downloaded where they are not found."""


class _OwnData(_Data):
    format: str
    """The format of files of one's own; the other keys depend on it."""
    test: Part | None = None
    """Rows (or a share of them) drawn as the test part, classes in equal shares, where no test rows
    are given; None for 0.2, a fifth."""


class IdxData(_OwnData):
    """Four files in the IDX format of MNIST, gzipped or not; the test pair may be drawn instead.

    Their elements are unsigned bytes: (row, height, width) of images, (row,) of labels, whose
    numbers are the classes. Paths are relative to the folder of the study file.
    """

    format: Literal["idx"]
    train_images: str
    """The images of the training rows; test rows are drawn from them where none are given."""
    train_labels: str
    """The class of each of these images, in their order."""
    test_images: str | None = None
    """The images of the test rows, of the same height and width; None to have them drawn."""
    test_labels: str | None = None
    """Their classes, all of which training rows have; given together with `test_images`."""


class NpzData(_OwnData):
    """A NumPy archive: arrays x and y to be divided, or x_train, y_train, x_test, y_test.

    x has finite numbers, (row, feature) or (row, height, width), at most 3.4e38 in size; y has the
    class of each row, a whole number or text. Python objects are never loaded.
    """

    format: Literal["npz"]
    path: str
    """The archive (.npz); the path is relative to the folder of the study file."""


class CsvData(_OwnData):
    """A table with a header line; every column but the label is a feature.

    It is text in UTF-8, separated by commas. Every feature is a finite number, at most 3.4e38 in
    size; no cell is empty. Any other table is read with `"format": "table"`.
    """

    format: Literal["csv"]
    path: str
    """The table; paths are relative to the folder of the study file."""
    label: str
    """The name of the column that holds the class of each row, a number or text."""
    header: Literal["auto"] | bool = "auto"
    """Whether the first line names the columns; auto refuses a table whose first line seems not
    to, false names the columns by position."""
    test_path: str | None = None
    """A table of test rows with the same columns and no other classes; None to have them drawn."""


class TableData(_OwnData):
    """A table of any columns: CSV or TSV (also gzipped), Parquet, Feather, Arrow or Excel.

    What each column holds is found from the table (`mlplab data describe FILE` shows it); whatever
    is in doubt is told in a note, with the key that settles it.
    """

    format: Literal["table"]
    path: str
    """The table; paths are relative to the folder of the study file."""
    target: ColumnName
    """The column to be predicted: its name, or its position from 1."""
    task: TaskName | None = None
    """classification or regression; None to tell from the target: text, booleans and at most ten
    whole numbers are classes, more numbers are measured."""
    ignore: tuple[ColumnName, ...] = ()
    """Columns to leave out, by name or position."""
    missing: tuple[str | int | float, ...] = ()
    """Values that stand for a missing one, such as -200, besides the usual words (an empty cell, ?,
    NA, null, None, -)."""
    columns: ColumnKinds = ()
    """Kinds of columns that are to be taken otherwise than found, as {"zip": "category"}."""
    header: Literal["auto"] | bool = "auto"
    """Whether the first line names the columns; columns without a name are named by position."""
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    """What separates the cells of a text file; None to find it."""
    decimal: Literal[".", ","] | None = None
    """The decimal sign of a text file; None to find it, column by column."""
    encoding: str | None = None
    """The encoding of a text file; None for UTF-8 or what its first bytes say, else Windows-1252."""
    sheet: str | None = None
    """The sheet of a workbook; None for the first."""
    groups: ColumnName | None = None
    """A column whose equal values stay together: none has rows both in training and in another
    part. It is no input."""
    order: ColumnName | None = None
    """A column (a date or a number) by which rows are divided: the last of them are tested, those
    before validate. Needed for data in the order of time."""
    test_path: str | None = None
    """A table of test rows with the same columns; None to have them drawn."""


class ImageFolderData(_OwnData):
    """Images in folders named by class (`cat/1.png`), or in `train/` and `test/` folders of such.

    PNG, JPEG, BMP, GIF (its first picture), PGM, TIFF and WebP are read.
    """

    format: Literal["images"]
    path: str
    """The folder; paths are relative to the folder of the study file."""
    size: tuple[Count, Count] | None = None
    """Height and width to which every image is brought; None for those of the first."""
    color: Literal["grey", "rgb"] | None = None
    """How pixels are read; None for rgb where the first image has colours, else grey."""


OwnData = IdxData | NpzData | CsvData | TableData | ImageFolderData


def part_size(part: float, rows: int) -> int:
    """Rows in a part declared as a count (int) or as a share (float) of `rows`."""
    if isinstance(part, int):
        return part
    return max(1, round(part * rows)) if part > 0 else 0


def declared_scaling(data: Data) -> Scaling | None:
    """How inputs are scaled, as far as a declaration tells: of an archive only its contents do."""
    if data.scaling is not None or isinstance(data, NpzData):
        return data.scaling
    return "unit" if isinstance(data, KnownData | IdxData | ImageFolderData) else "standard"


def data_kind(value: Any) -> str | None:
    """The tag of the kind of data that a declaration, or its JSON, means; None if it is not told."""
    if isinstance(value, dict):
        return str(value.get("format", "known")) if value.keys() & {"name", "format"} else None
    return str(getattr(value, "format", "known")) if isinstance(value, Declaration) else "known"


Data = Annotated[
    Annotated[KnownData, Tag("known")]
    | Annotated[IdxData, Tag("idx")]
    | Annotated[NpzData, Tag("npz")]
    | Annotated[CsvData, Tag("csv")]
    | Annotated[TableData, Tag("table")]
    | Annotated[ImageFolderData, Tag("images")],
    Discriminator(data_kind),
]
