"""What a chapter is made of. The page and the Markdown file are two renderings of the same blocks.

Text is inline Markdown: `**strong**`, `*emphasis*` and backticks for code; `plain` escapes text
from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mlplab.figures.figure import Figure
from mlplab.report.inline import plain as plain


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str
    lead: bool = False
    """Set larger: the sentences that someone in a hurry reads."""


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Note:
    """A caveat, or a mistake of a published study, where it matters."""

    text: str
    title: str = "Note"


@dataclass(frozen=True)
class Heading:
    """A heading within a chapter."""

    text: str
    anchor: str | None = None


@dataclass(frozen=True)
class Fact:
    """One number that the page shows large."""

    value: str
    label: str


@dataclass(frozen=True)
class Facts:
    """A few numbers side by side."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    title: str
    align: Literal["left", "right"] = "right"


@dataclass(frozen=True)
class Table:
    """A table; cells are inline Markdown."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    sortable: bool = False

    @property
    def is_wide(self) -> bool:
        """Whether the page sets intervals below their means, so that it fits."""
        return len(self.columns) > 7


@dataclass(frozen=True, eq=False)
class Pictures:
    """Figures that belong beside one another; small ones share a line where there is room."""

    figures: tuple[Figure, ...]
    small: bool = False


@dataclass(frozen=True, eq=False)
class Details:
    """Blocks that are folded away until someone asks."""

    summary: str
    blocks: tuple[Block, ...]
    open: bool = False


@dataclass(frozen=True)
class Code:
    """Text as it is typed."""

    text: str
    language: str = ""


@dataclass(frozen=True, eq=False)
class Trial:
    """A network that the page lets its reader try."""

    title: str
    data: Mapping[str, Any]
    """What `try_it.js` is given."""


Block = Paragraph | Bullets | Note | Heading | Facts | Table | Pictures | Details | Code | Trial


@dataclass(frozen=True, eq=False)
class Chapter:
    """A chapter of the report."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    is_folded: bool = False
    """Whether the page shows only its first sentences until a reader opens it."""

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All figures, in the order in which they are shown."""
        return figures_of(self.blocks)

    @property
    def lead(self) -> int:
        """How many blocks at its beginning are its answer: lead sentences and large numbers."""
        for index, block in enumerate(self.blocks):
            if not isinstance(block, Facts) and not (isinstance(block, Paragraph) and block.lead):
                return index
        return len(self.blocks)


def within(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks in their order, those that are folded away too."""
    for block in blocks:
        if isinstance(block, Details):
            yield from within(block.blocks)
        else:
            yield block


def figures_of(blocks: Sequence[Block]) -> tuple[Figure, ...]:
    """The figures within blocks, folded ones too."""
    return tuple(f for b in within(blocks) if isinstance(b, Pictures) for f in b.figures)


def columns(*titles: str, left: int = 1) -> tuple[Column, ...]:
    """Columns of which the first `left` hold words and the others numbers."""
    return tuple(Column(t, "left" if i < left else "right") for i, t in enumerate(titles))
