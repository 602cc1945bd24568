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
