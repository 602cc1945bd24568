"""`mlplab data`: the sets that mlplab knows, where they lie, and what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlplab.commands import options
from mlplab.commands.failure import complain
from mlplab.declarations.table_options import TableOptions

NameArgument = Annotated[str, options.argument("NAME", "A set, for example mnist.")]

app = typer.Typer(
    name="data",
    help="""List, fetch and describe the data sets that mlplab knows by name; describe tables.

\b
Examples:
  mlplab data list
  mlplab data fetch mnist
  mlplab data describe digits
  mlplab data describe adult.csv --target Salary

Sets are looked for in $MLPLAB_DATA/<name>/, then in the cache, then downloaded.
""",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_() -> None:
    """List the known sets, their sizes and licences, and where they lie."""
    from mlplab.commands.output import print_table
    from mlplab.data.describe import list_sets

    print_table(
        ("name", "train", "test", "features", "classes", "licence", "where"),
        [
            (
                known.name,
                f"{known.train_rows:,}",
                f"{known.test_rows:,}",
                str(known.features),
                str(len(known.class_names)),
                known.licence,
                ", ".join(found_at) or "not here: mlplab data fetch",
            )
            for known, found_at in list_sets()
        ],
        texts=("licence", "where"),
    )


@app.command()
def fetch(name: NameArgument) -> None:
    """Download a set where it is not here yet, and check it against its published sums."""
    from mlplab.data.describe import fetch as fetched

    files = fetched(name, complain)
    for file in files:
        print(file)
    if not files:
        print(f"{name} needs no files: it comes with scikit-learn")


@app.command()
def describe(
    name: Annotated[str, options.argument("NAME|FILE", "A known set, or a table.")],
    target: options.TargetOption = None,
    ignore: options.IgnoreOption = None,
    missing: options.MissingOption = None,
    task: options.TaskOption = None,
) -> None:
    """Say what a set holds, or what a table's columns are and what a network will see of them.

    \b
    Examples:
      mlplab data describe mnist
      mlplab data describe adult.csv --target Salary
      mlplab data describe air-quality.csv --target "CO(GT)" --missing=-200 --ignore Date
    """
    from mlplab.declarations.known_data import KNOWN_SETS

    path = (
        Path(name).expanduser() if not name.startswith("~") or name.startswith("~/") else Path(name)
    )
    if name in KNOWN_SETS or (not path.exists() and not path.suffix and target is None):
        _describe_known(name)
    else:
        _describe_table(path, TableOptions(target, ignore or (), missing or (), task))


def _describe_table(path: Path, table: TableOptions) -> None:
    from mlplab.commands.output import print_table
    from mlplab.data.describe_table import describe_table
    from mlplab.declarations.problems import BadInput

    one = describe_table(path, table)
    print(f"{path.name}: {one.rows:,} rows, {len(one.columns) + one.columns_left_out:,} columns\n")
    print_table(
        ("", "column", "kind", "different", "missing", "inputs", "for example"),
        [
            (
                str(line.position),
                line.name,
                "target" if line.name == one.target else line.kind,
                f"{line.distinct:,}",
                f"{line.missing:,}",
                "" if line.features is None or line.name == one.target else f"{line.features:,}",
                ", ".join(line.examples),
            )
            for line in one.columns
        ],
        texts=("column", "kind", "for example"),
    )
    if one.columns_left_out:
        print(f"and {one.columns_left_out:,} more columns")
    if one.target is None:
        print("\n--target COLUMN says what is to be predicted")
    else:
        print(f"\ntarget {one.target}, {one.task}: {one.target_in_words}")
    if one.inputs is not None:
        print(f"a network gets {one.inputs:,} inputs, {one.train_rows:,} training rows and "
              f"{one.test_rows:,} test rows")  # fmt: skip
    for note in one.notes:
        print(f"note: {note}")
    if one.problems:
        raise BadInput(one.problems)


def _describe_known(name: str) -> None:
    from mlplab.data.describe import describe as described

    one = described(name, complain)
    known, side = one.known, one.known.image_side
    for label, text in (
        (known.name, known.title),
        ("rows", f"{known.train_rows:,} train, {known.test_rows:,} test"),
        ("inputs", f"{known.features} ({side} × {side} pixels), {one.values}"),
        ("licence", known.licence),
        ("source", known.source),
        ("mirrors", ", ".join(one.mirrors)),
        ("checked by", one.checked_by),
        ("lies in", ", ".join(one.found_at) or f"not here: mlplab data fetch {known.name}"),
        ("digest", one.digest or ""),
    ):
        if text:
            print(f"{label:<12} {text}")
    if one.classes is not None:
        from mlplab.commands.output import print_table

        print()
        print_table(
            ("class", "train", "test"),
            [(c.name, f"{c.train:,}", f"{c.test:,}") for c in one.classes],
        )
