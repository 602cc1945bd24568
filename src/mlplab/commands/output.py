"""Results on stdout: small tables that read well on a terminal and in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PIPE_WIDTH = 200
"""Columns where no terminal says how many: enough that nothing is cut."""


@dataclass(frozen=True)
class Table:
    """A small table: the first column and those named in `texts` to the left, others right."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: tuple[str, ...] = ()


Block = str | Table
"""A line, or a table."""


def print_blocks(blocks: Iterable[Block]) -> None:
    """Print lines and tables in their order."""
    for block in blocks:
        if isinstance(block, str):
            print(block)
        else:
            print_table(block.headers, block.rows, texts=block.texts)


def print_table(
    headers: Sequence[str], rows: Iterable[Sequence[str]], *, texts: Sequence[str] = ()
) -> None:
    """Print rows under their headers: the first column and `texts` to the left, others right."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for place, header in enumerate(headers):
        table.add_column(
            header,
            justify="left" if place == 0 or header in texts else "right",
            overflow="fold",
            no_wrap=place > 0 and header not in texts,
        )
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if terminal else PIPE_WIDTH, highlight=False).print(table)


def in_words(seconds: float) -> str:
    """Write a duration: 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 0.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def scaled(number: float, unit: str = "") -> str:
    """Write a count with a decimal prefix: 1.63 M, 37.2 TFLOP, 12.5 MB."""
    for limit, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.3g} {prefix}{unit}"
    return f"{number:.0f} {unit}".rstrip()
