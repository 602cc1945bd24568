"""New rows for a model, in pieces, so that a file may be larger than memory."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlplab.data.files import DataFile, is_packed, own_file
from mlplab.data.sources.delimited import Layout, layout_of
from mlplab.declarations.problems import BadInput, did_you_mean, quoted, refuse, shortened, shown
from mlplab.model.images import ENDINGS
from mlplab.model.model import Model

if TYPE_CHECKING:
    import pandas as pd

ROWS_AT_ONCE = 20_000
_PARQUET = (".parquet", ".pq")


@dataclass(frozen=True, eq=False)
class Piece:
    """Some rows, in the order of the file."""

    rows: Any
    """What `Model.predict` takes."""
    names: tuple[str, ...] | None = None
    """Of files of images."""


@dataclass(frozen=True, eq=False)
class NewRows:
    """Rows to be predicted, read when they are asked for."""

    pieces: Iterator[Piece]
    total: int | None
    """How many there are, None where it is not known beforehand."""
    notes: tuple[str, ...] = ()


def new_rows(model: Model, path: Path) -> NewRows:
    """The rows of a table, of an array (.npy), of one image or of a folder of images.

    Raises:
        BadInput: nothing that suits the model lies there.
    """
    if path.is_dir() or path.suffix.lower() in ENDINGS:
        return _of_images(model, path)
    file = replace(own_file(Path(), str(path), "path"), where="")
    if path.suffix.lower() == ".npy":
        return _of_array(file)
    if path.suffix.lower() in _PARQUET:
        return _of_parquet(model, file)
    if path.suffix.lower() in (".xlsx", ".feather", ".arrow"):
        return _of_whole(model, file)
    layout = layout_of(file)
    notes = _column_notes(model, layout.names, file)
    return NewRows(_of_text(file, layout), None, notes)


def _of_images(model: Model, path: Path) -> NewRows:
    form = model.images
    if form is None:
        refuse(
            "",
            expected="a table or numbers, as the model learned from",
            received="images",
            hint="give a file with the columns that its card names",
            file=path,
        )
    files = [path]
    if path.is_dir():
        files = sorted(
            one
            for one in path.rglob("*")
            if one.suffix.lower() in ENDINGS and one.is_file() and not one.name.startswith(".")
        )
    if not files:
        refuse("", expected="a folder with images", received="none", hint=None, file=path)

    def pieces() -> Iterator[Piece]:
        for start in range(0, len(files), 1000):
            part = files[start : start + 1000]
            names = tuple(str(f.relative_to(path)) if path.is_dir() else f.name for f in part)
            yield Piece(np.stack([form.row_of(one) for one in part]), names)

    return NewRows(pieces(), len(files), (f"images: {form.in_words}",))


def _of_array(file: DataFile) -> NewRows:
    try:
        array = np.load(file.path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        file.refuse("an array of numbers (.npy)", shortened(str(error), 200), "write it again")
    starts = range(0, len(array), ROWS_AT_ONCE) if array.ndim else ()
    pieces = (Piece(np.asarray(array[start : start + ROWS_AT_ONCE])) for start in starts)
    return NewRows(pieces, len(array) if array.ndim else 0)


def _of_parquet(model: Model, file: DataFile) -> NewRows:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(file.path)
    except (pa.ArrowException, OSError, ValueError) as error:
        file.refuse("a Parquet file", shortened(str(error), 200), "write it again")
    names = tuple(opened.schema_arrow.names)
    notes = _column_notes(model, tuple(name.strip() for name in names), file)
    wanted = {column.name for column in model.preparation.columns or ()}
    columns = [name for name in names if name.strip() in wanted] if wanted else None

    def pieces() -> Iterator[Piece]:
        try:
            for batch in opened.iter_batches(ROWS_AT_ONCE, columns=columns):
                yield Piece(batch.to_pandas())
        except (pa.ArrowException, OSError) as error:
            file.refuse("a whole Parquet file", shortened(str(error), 200), "write it again")

    return NewRows(pieces(), opened.metadata.num_rows, notes)


def _of_whole(model: Model, file: DataFile) -> NewRows:
    import pandas as pd

    from mlplab.data.sources.frames import read_arrow, read_workbook

    is_workbook = file.path.suffix.lower() == ".xlsx"
    table = read_workbook(file, None) if is_workbook else read_arrow(file)
    notes = _column_notes(model, table.names, file)
    frame = pd.DataFrame(dict(zip(table.names, table.columns, strict=True)))
    parts = (
        Piece(frame.iloc[start : start + ROWS_AT_ONCE])
        for start in range(0, len(frame), ROWS_AT_ONCE)
    )
    return NewRows(parts, len(frame), notes)


def _of_text(file: DataFile, layout: Layout) -> Iterator[Piece]:
    open_file: Any = gzip.open if is_packed(file) else open
    with open_file(file.path, "rb") as opened:
        text = io.TextIOWrapper(opened, encoding=layout.encoding, newline="")
        reader = csv.reader(text, delimiter=layout.separator, skipinitialspace=True)
        rows: list[list[str]] = []
        is_header = layout.has_header
        try:
            for fields in reader:
                if not fields or (len(fields) == 1 and not fields[0].strip()):
                    continue
                if is_header:
                    is_header = False
                    continue
                if len(fields) != len(layout.names):
                    file.refuse(
                        f"{len(layout.names)} fields in every line",
                        f"{len(fields)}",
                        "put quotes around text that contains a separator",
                        line=reader.line_num,
                    )
                rows.append(fields)
                if len(rows) == ROWS_AT_ONCE:
                    yield Piece(_frame(rows, layout))
                    rows = []
        except (csv.Error, UnicodeError, OSError, EOFError) as error:
            file.refuse(
                "a whole table of text",
                f"one that cannot be read ({shortened(str(error), 200)})",
                "write it again",
                line=reader.line_num,
            )
        if rows:
            yield Piece(_frame(rows, layout))


def _frame(rows: list[list[str]], layout: Layout) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=[name.strip() for name in layout.names], dtype=object)


def _column_notes(model: Model, names: tuple[str, ...], file: DataFile) -> tuple[str, ...]:
    """What is said of columns that are not used; one that is needed and is not there is refused."""
    columns = model.preparation.columns
    if columns is None:
        return ()
    wanted = [column.name for column in columns]
    missing = [name for name in wanted if name not in names]
    others = [name for name in names if name not in wanted]
    if missing:
        likely = (did_you_mean(name, others) for name in missing)
        hint = next(
            (f"for {shown(m)}: {h}" for m, h in zip(missing, likely, strict=True) if h), None
        )
        file.refuse(
            f"the columns {quoted(wanted)}",
            f"a table without {quoted(missing)}",
            hint or "name the columns as in the training data",
            line=1,
        )
    if not others:
        return ()
    target = " (the target among them)" if model.target in others else ""
    return (f"not used: {quoted(others)}{target}",)


def located(error: BadInput, start: int, path: Path) -> BadInput:
    """The problem of a piece, told as of the file that the piece begins at row `start` of."""
    of_piece = f", in the piece that begins after {start:,} rows" if start else ""
    return BadInput(
        replace(problem, received=problem.received + of_piece, file=str(path))
        for problem in error.problems
    )
