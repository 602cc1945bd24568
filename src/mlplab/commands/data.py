"""`mlplab data`: the sets that mlplab knows, where they lie, and what is in them."""

from __future__ import annotations

from typing import Annotated

import typer

from mlplab.commands.failure import complain

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A set, for example mnist.", show_default=False)
]

app = typer.Typer(
    name="data",
    help="""List, fetch and describe the data sets that mlplab knows by name.

\b
Examples:
  mlplab data list
  mlplab data fetch mnist
  mlplab data describe digits

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
                one.name,
                f"{one.train_rows:,}",
                f"{one.test_rows:,}",
                str(one.features),
                str(one.classes),
                one.licence,
                ", ".join(one.found_at) or "not here: mlplab data fetch",
            )
            for one in list_sets()
        ],
        texts=("licence", "where"),
    )


@app.command()
def fetch(name: NameArgument) -> None:
    """Download a set where it is not here yet, and check it against its published sums."""
    from mlplab.data.describe import fetch as fetched

    files = fetched(name, complain).files
    for file in files:
        print(file)
    if not files:
        print(f"{name} needs no files: it comes with scikit-learn")


@app.command()
def describe(name: NameArgument) -> None:
    """Say what a set holds: sizes, classes, licence, source and sums."""
    from mlplab.data.describe import describe as described

    one = described(name, complain)
    height, width = one.image_shape
    for label, text in (
        (one.name, one.title),
        ("rows", f"{one.train_rows:,} train, {one.test_rows:,} test"),
        ("inputs", f"{one.features} ({height} × {width} pixels), {one.values}"),
        ("licence", one.licence),
        ("source", one.source),
        ("mirrors", ", ".join(one.mirrors)),
        ("checked by", one.checked_by),
        ("lies in", ", ".join(one.found_at) or f"not here: mlplab data fetch {one.name}"),
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
