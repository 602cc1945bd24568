"""What a benchmark found: printed, and kept as Markdown and JSON in results/."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Table:
    """Rows under a heading; the first column is text, the others are as they are to be read."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """The table as it stands in a page."""
        head = [f"## {self.heading}", "", _line(self.columns)]
        align = _line(["---", *["---:"] * (len(self.columns) - 1)])
        tail = ["", self.note] if self.note else []
        return "\n".join([*head, align, *map(_line, self.rows), *tail])


@dataclass(frozen=True)
class Findings:
    """All that one run of a benchmark has to say."""

    name: str
    """Of the files, too."""
    title: str
    protocol: str
    """What was done, in a few sentences."""
    tables: Sequence[Table]
    data: Mapping[str, Any]
    """Every measured value, for programs."""
    machine: Mapping[str, str] = field(default_factory=machine.described)
    load_at_start: str = "unknown"


def keep(findings: Findings, folder: Path = RESULTS) -> Path:
    """Print the findings and write NAME.md and NAME.json; returns the path of the page."""
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    load = f"load at the start {findings.load_at_start}, at the end {machine.load()}"
    facts = ", ".join(f"{key} {value}" for key, value in findings.machine.items())
    parts = [f"# {findings.title}", findings.protocol, f"Measured {when}; {load}.", facts + "."]
    text = "\n\n".join([*parts, *(table.markdown() for table in findings.tables)]) + "\n"
    print("\n" + text)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{findings.name}.md"
    page.write_text(text, encoding="utf-8")
    values = {"date": when, "load": load, "machine": findings.machine, **findings.data}
    as_json = json.dumps(values, indent=1, ensure_ascii=False)
    page.with_suffix(".json").write_text(as_json + "\n", encoding="utf-8")
    return page


def spread(seconds: Sequence[float]) -> str:
    """The median, and the lowest and highest where there are several."""
    middle = shown(median(seconds))
    if len(seconds) == 1:
        return middle
    return f"{middle} ({shown(min(seconds))}-{shown(max(seconds))})"


def shown(value: float) -> str:
    """A number with three figures or so, thousands apart."""
    if value != value:
        return "-"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 4
    return f"{value:,.{digits}f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
