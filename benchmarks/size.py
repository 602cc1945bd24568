"""Lines of the source by folder: code, documentation and blank. `python -m benchmarks.size`."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "mlplab"
KINDS = ("files", "lines", "code", "documentation", "blank")


def lines_of(path: Path) -> dict[str, int]:
    """A file's lines: docstrings and comments are documentation, all else that is not blank is code."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    told = {number for number, line in enumerate(lines, 1) if line.strip().startswith("#")}
    for node in ast.walk(ast.parse(text)):
        value = getattr(node, "value", None)
        is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
        if isinstance(node, ast.Expr) and is_text:
            told |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    blank = sum(not line.strip() for number, line in enumerate(lines, 1) if number not in told)
    code = len(lines) - len(told) - blank
    return dict(zip(KINDS, (1, len(lines), code, len(told), blank), strict=True))


def main() -> None:
    """Print the table, the largest folder first."""
    folders: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(KINDS, 0))
    for path in PACKAGE.rglob("*.py"):
        for name in (path.parent.relative_to(PACKAGE.parent).as_posix(), "in all"):
            for kind, count in lines_of(path).items():
                folders[name][kind] += count
    print(f"| folder | {' | '.join(KINDS)} |\n| --- |{' ---: |' * len(KINDS)}")
    for name, counts in sorted(folders.items(), key=lambda each: -each[1]["lines"]):
        print(f"| {name} | {' | '.join(f'{counts[kind]:,}' for kind in KINDS)} |")


if __name__ == "__main__":
    main()
