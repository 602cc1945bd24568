"""Tables that a library reads: Parquet, Feather or Arrow, workbooks, and frames in memory."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlplab.data.columns import Cells, text_of
from mlplab.data.files import DataFile, require_memory
from mlplab.data.sources.raw_table import RawTable, named
from mlplab.declarations.problems import BadInput, did_you_mean, quoted, refuse, shortened, shown

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_MOST_CELLS = 20_000_000
"""Of a workbook, whose cells are read one by one."""


def read_arrow(file: DataFile, *, head_only: bool = False) -> RawTable:
    """Read a Parquet, Feather or Arrow file, whichever its bytes say it is."""
    # Both take a tenth of a second to import, and text tables do not need them.
    import pyarrow as pa
    from pyarrow import feather, ipc, parquet

    def read_all() -> pa.Table:
        with file.path.open("rb") as stream:
            start = stream.read(8)
        if start[:4] == b"PAR1":
            found = parquet.ParquetFile(file.path)
            columns, rows = found.schema_arrow.names, found.metadata.num_rows
            require_memory(rows * len(columns) * 8, file, "a table")
            if head_only:
                batch = next(found.iter_batches(1000), None)
                return (
                    found.schema_arrow.empty_table()
                    if batch is None
                    else pa.Table.from_batches([batch])
                )
            return found.read()
        if start[:6] == b"ARROW1":
            return feather.read_table(file.path, memory_map=False)
        with file.path.open("rb") as stream:
            return ipc.open_stream(stream).read_all()

    def read() -> pd.DataFrame:
        table = read_all()
        # Offsets of a damaged file may point anywhere.
        table.validate(full=True)
        return table.to_pandas()

    # pyarrow lets through whatever its parts raise.
    frame = _or_refused(read, file, "a Parquet, Feather or Arrow file")
    return table_of(frame, file)


def table_of(frame: pd.DataFrame, file: DataFile) -> RawTable:
    """A frame as a table; of its index only one with a name is a column."""
    import pandas as pd

    if isinstance(frame.index, pd.MultiIndex) or frame.index.name is not None:
        frame = frame.reset_index()
    names = tuple(shortened(str(name).strip(), 10_000) for name in frame.columns)
    columns = tuple(cells_of(frame.iloc[:, place]) for place in range(frame.shape[1]))
    if not names or not len(frame):
        file.refuse(
            "a table of at least one row and one column",
            f"{len(frame)} rows and {len(names)} columns",
            "give a table that holds data",
        )
    return named(RawTable(file, names, columns))


def cells_of(column: pd.Series) -> Cells:
    """The cells of a frame's column."""
    kind = column.dtype.kind
    if kind in "iuf" or str(column.dtype).lower().startswith(("int", "uint", "float")):
        return column.to_numpy(np.float64, na_value=np.nan)
    return _days([_text(value) for value in column.astype(object).tolist()])


def _days(cells: list[str]) -> list[str]:
    """Cells that are days, which libraries give as their midnights, as days."""
    midnight = " 00:00:00"
    if all(cell.endswith(midnight) for cell in cells if cell):
        return [cell.removesuffix(midnight) for cell in cells]
    return cells


def _text(value: Any) -> str:
    """A cell as text; nothing for one without a value."""
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return text_of(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    return str(value).strip()


def read_workbook(file: DataFile, sheet: str | None, *, head_only: bool = False) -> RawTable:
    """Read a sheet of an Excel workbook (.xlsx), its first unless another is named."""
    try:
        import openpyxl
    except ImportError:
        file.refuse(
            "openpyxl, which reads workbooks",
            "a Python without it",
            "pip install 'mlplab[excel]', or save the sheet as CSV",
        )

    def read() -> list[list[Any]]:
        with zipfile.ZipFile(file.path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            require_memory(size * 4, file, "a workbook")
        book = openpyxl.load_workbook(file.path, read_only=True, data_only=True)
        if sheet is not None and sheet not in book.sheetnames:
            file.refuse(
                f"a sheet of the workbook: {quoted(book.sheetnames)}",
                shown(sheet),
                did_you_mean(sheet, book.sheetnames),
                where="data.sheet",
            )
        found = book[sheet] if sheet is not None else book.worksheets[0]
        rows, cells = [], 0
        for row in found.iter_rows(values_only=True):
            rows.append(list(row))
            cells += max(len(row), 1)
            if cells > _MOST_CELLS:
                file.refuse(
                    f"a sheet of at most {_MOST_CELLS:,} cells", "more", "save it as CSV or Parquet"
                )
            if head_only and len(rows) > 1000:
                break
        return rows

    # openpyxl lets through whatever its parts raise.
    rows = _or_refused(read, file, "an Excel workbook (.xlsx)")
    texts = [[_text(cell) for cell in row] for row in rows]
    texts = [row for row in texts if any(row)]
    width = max((place + 1 for row in texts for place, cell in enumerate(row) if cell), default=0)
    even = [[*row[:width], *[""] * (width - len(row))] for row in texts]
    if len(even) < 2:
        file.refuse(
            "a sheet with a line of names and rows below",
            f"{len(even)} lines with cells",
            'name another "sheet", or give one that holds data',
        )
    columns = tuple(_days(list(cells)) for cells in zip(*even[1:], strict=True))
    return named(RawTable(file, tuple(even[0]), columns))


def _or_refused(read: Callable[[], Any], file: DataFile, expected: str) -> Any:
    try:
        return read()
    except BadInput:
        raise
    except Exception as error:
        reason = shortened(str(error) or type(error).__name__, 200)
        file.refuse(
            expected,
            f"one that cannot be read ({reason})",
            "it is damaged or of another kind: write it again",
        )


def keep_frame(frame: pd.DataFrame | pa.Table, folder: Path) -> Path:
    """Write a frame in memory as Parquet, so that a study can name it, and give the file's path.

    The file is named by its contents: the same frame is written once.

    Args:
        frame: of pandas or Arrow; an index with a name becomes a column, and cells of a column of
            several types become text.
        folder: made where there is none.

    Raises:
        BadInput: what is no frame or Parquet cannot hold, or a folder that cannot be written to.
    """
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet

    if not isinstance(frame, pd.DataFrame | pa.Table):
        refuse(
            "table",
            expected="the path of a file, or a pandas or Arrow table",
            received=type(frame).__name__,
            hint="make a DataFrame of it",
        )
    try:
        table = frame if isinstance(frame, pa.Table) else _arrow_of(frame)
        stream = pa.BufferOutputStream()
        parquet.write_table(table, stream)
        content = stream.getvalue().to_pybytes()
        path = folder / f"{hashlib.sha256(content).hexdigest()[:16]}.parquet"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            temporary.write_bytes(content)
            temporary.replace(path)
    except (pa.ArrowException, TypeError, ValueError, OSError) as error:
        refuse(
            "table",
            expected="a frame that can be kept as Parquet",
            received=f"one that cannot ({shortened(str(error), 200)})",
            hint="give columns of one type each, or a folder that can be written to",
        )
    return path


def _arrow_of(frame: pd.DataFrame) -> pa.Table:
    import pandas as pd
    import pyarrow as pa

    if frame.index.name is not None:
        frame = frame.reset_index()
    frame = frame.rename(columns=str)
    for column in frame.columns:
        present = frame[column].dropna()
        if pd.api.types.is_object_dtype(frame[column].dtype) and present.map(type).nunique() > 1:
            frame[column] = present.map(str).reindex(frame.index)
    return pa.Table.from_pandas(frame, preserve_index=False)
