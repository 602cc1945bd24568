"""Results as files for other programs: CSV, or Parquet where the file's ending says so.

A spreadsheet computes a text that begins like a formula, whoever wrote it. In CSV such texts get an
apostrophe in front (the usual remedy: https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from mlplab.declarations.problems import refuse
from mlplab.records.atomic import replacing, writable
from mlplab.records.results import Results

if TYPE_CHECKING:
    import pandas as pd

_PARQUET = (".parquet", ".pq")
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_curves(results: Results, path: str | Path) -> None:
    """Write every measured value: study,network,seed,step,split,metric,value.

    Raises:
        BadInput: the file cannot be written.
    """
    _write(results.curves, Path(path))


def export_summary(results: Results, path: str | Path) -> None:
    """Write one row a network and seed.

    Raises:
        BadInput: the file cannot be written.
    """
    _write(results.summary, Path(path))


def export_table(make_table: Callable[[], pd.DataFrame], path: str | Path) -> None:
    """Write any tidy table.

    Raises:
        BadInput: the file cannot be written.
    """
    _write(make_table, Path(path))


def _write(make_table: Callable[[], pd.DataFrame], path: Path) -> None:
    TableWriter.require_ending(path)
    table = make_table()
    with writable(path), replacing(path) as temporary, TableWriter.opened(temporary) as writer:
        writer.write(table)


class TableWriter:
    """Writes tables of the same columns one below the other: as CSV, or as Parquet."""

    def __init__(self, place: Path | TextIO) -> None:
        self._place, self._is_first = place, True
        self._parquet: Any = None

    @staticmethod
    def require_ending(path: Path) -> None:
        """Refuse a file of a kind that cannot be written.

        Raises:
            BadInput: its ending is another.
        """
        if path.suffix.lower() not in (*_PARQUET, ".csv", ".gz"):
            expected = "a file that ends in .csv, .csv.gz or .parquet"
            refuse("", expected=expected, received=f"“{path.name}”", file=path)

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[TableWriter]:
        """A writer to a file, of the kind that its ending says."""
        if path.suffix.lower() in _PARQUET:
            writer = cls(path)
            try:
                yield writer
            finally:
                if writer._parquet is not None:
                    writer._parquet.close()
            return
        opened = gzip.open if path.suffix.lower() == ".gz" else open
        with opened(path, "wt", encoding="utf-8", newline="") as text:
            yield cls(text)

    def write(self, table: pd.DataFrame) -> None:
        """Write the rows of a table, and before the first ones the names of its columns."""
        if isinstance(self._place, Path):
            import pyarrow as pa
            from pyarrow import parquet

            rows = pa.Table.from_pandas(table, preserve_index=False)
            if self._parquet is None:
                self._parquet = parquet.ParquetWriter(self._place, rows.schema)
            self._parquet.write_table(rows.cast(self._parquet.schema))
        else:
            plain = without_formulas(table)
            plain.to_csv(self._place, index=False, lineterminator="\n", header=self._is_first)
        self._is_first = False


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which no text, column names included, is a formula to a spreadsheet."""
    texts = table.select_dtypes(include=["object", "string", "category"]).columns
    changed = {column: table[column].map(_plain_text, na_action="ignore") for column in texts}
    return table.assign(**changed).rename(columns=_plain_text)


def _plain_text(value: object) -> object:
    if not isinstance(value, str) or not value.startswith(_BEGINS_A_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
