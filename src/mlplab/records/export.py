"""Results as files for other programs: CSV, or Parquet where the file's ending says so.

A spreadsheet computes a text that begins like a formula, whoever wrote it. In CSV such texts get an
apostrophe in front (the usual remedy: https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

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
    is_parquet = path.suffix.lower() in _PARQUET
    if not is_parquet and path.suffix.lower() not in (".csv", ".gz"):
        expected = "a file that ends in .csv, .csv.gz or .parquet"
        refuse("", expected=expected, received=f"“{path.name}”", file=path)
    table = make_table()
    with writable(path), replacing(path) as temporary:
        if is_parquet:
            table.to_parquet(temporary, index=False)
        else:
            without_formulas(table).to_csv(temporary, index=False, lineterminator="\n")


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
