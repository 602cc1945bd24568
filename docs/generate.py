"""Write what the documentation takes from the program: `make docs`.

docs/commands.md is the program's own help, docs/study.md the keys of a study as declared, and the
tree in ARCHITECTURE.md has the first sentence of every package; the schema that ships beside the
studies is that of the declarations. A test says when they are out of date.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import typer.main
from typer.testing import CliRunner

from mlplab.commands.explanation import explain
from mlplab.commands.main import app
from mlplab.declarations.schema import schema_text
from mlplab.declarations.source import shipped_folder

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "mlplab"
TREE_START, TREE_END = "<!-- tree -->", "<!-- end of tree -->"
PURPOSES = {
    "published": "The numbers of published studies, as data.",
    "server/web": "The live page itself: HTML, CSS and JavaScript that need nothing else.",
    "studies": "The studies that ship, and the JSON Schema of all studies.",
}
"""Of folders that hold no Python."""


def commands_page() -> str:
    """Return the help of every command as a Markdown page."""
    parts = ["# Every command", "", "This page is the program's own help."]
    for call in _calls(typer.main.get_command(app)):
        parts += ["", f"## {' '.join(('mlplab', *call))}", "", "```text", _help(call), "```"]
    return "\n".join(parts) + "\n"


def _calls(command: object, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    for word, below in getattr(command, "commands", {}).items():
        yield from _calls(below, (*words, word))


def _help(call: tuple[str, ...]) -> str:
    shown = CliRunner().invoke(
        app, [*call, "--help"], prog_name="mlplab", env={"COLUMNS": "100", "TERM": "dumb"}
    )
    if shown.exit_code != 0:
        raise SystemExit(f"no help for {' '.join(call)}: {shown.output}")
    return "\n".join(line.rstrip() for line in shown.output.strip().splitlines())


def tree() -> str:
    """Return every folder under src/mlplab with the first sentence of what it says it is."""
    lines = [f"| `src/mlplab/{name}/` | {_purpose(name)} |" for name in folders()]
    return "\n".join(["| folder | what it is |", "| --- | --- |", *lines])


def folders() -> list[str]:
    """Return the folders under src/mlplab that hold files, relative to it."""
    made = {"__pycache__", "built"}
    found = {p.parent for p in PACKAGE.rglob("*") if p.is_file() and not made & set(p.parts)}
    return sorted(p.relative_to(PACKAGE).as_posix() for p in found if p != PACKAGE)


def _purpose(folder: str) -> str:
    module = PACKAGE / folder / "__init__.py"
    text = module.read_text(encoding="utf-8") if module.exists() else ""
    words = ast.get_docstring(ast.parse(text)) or PURPOSES.get(folder)
    if words is None:
        raise SystemExit(f"src/mlplab/{folder}: it has no docstring, nor a line in {__file__}")
    return " ".join(words.split("\n\n")[0].split())


def architecture() -> str:
    """Return ARCHITECTURE.md with its tree brought up to date."""
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    before, _, rest = page.partition(TREE_START)
    after = rest.partition(TREE_END)[2]
    return f"{before}{TREE_START}\n\n{tree()}\n\n{TREE_END}{after}"


WRITTEN = {
    ROOT / "docs" / "commands.md": commands_page,
    ROOT / "docs" / "study.md": explain,
    ROOT / "ARCHITECTURE.md": architecture,
    shipped_folder() / "study.schema.json": schema_text,
}


if __name__ == "__main__":
    for path, text in WRITTEN.items():
        path.write_text(text(), encoding="utf-8")
