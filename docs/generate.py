"""Write what the documentation takes from the program: `make docs`.

docs/commands.md is the program's own help, docs/study.md the keys of a study as declared, and the
tree in README.md has the first sentence of every module; the schema that ships beside the studies
is that of the declarations. A test says when they are out of date.
"""

from __future__ import annotations

import ast
from pathlib import Path

from typer.testing import CliRunner

from mlplab.commands.explanation import explain
from mlplab.commands.main import app
from mlplab.declarations.loading import shipped_folder
from mlplab.declarations.schema import schema_text

ROOT = Path(__file__).parent.parent
TREE_START, TREE_END = "<!-- tree -->", "<!-- end of tree -->"
VERBS = ("init", "check", "plan", "run", "status", "report", "compare", "export", "data", "demo")
DATA_VERBS = ("list", "fetch", "describe")


def commands_page() -> str:
    """Return the help of every verb as a Markdown page."""
    calls = [(), *((verb,) for verb in VERBS), *(("data", verb) for verb in DATA_VERBS)]
    parts = ["# The command line", "", "This page is the program's own help."]
    for call in calls:
        parts += ["", f"## {' '.join(('mlplab', *call))}", "", "```text", _help(call), "```"]
    return "\n".join(parts) + "\n"


def _help(call: tuple[str, ...]) -> str:
    shown = CliRunner().invoke(
        app, [*call, "--help"], prog_name="mlplab", env={"COLUMNS": "100", "TERM": "dumb"}
    )
    if shown.exit_code != 0:
        raise SystemExit(f"no help for {' '.join(call)}: {shown.output}")
    return "\n".join(line.rstrip() for line in shown.output.strip().splitlines())


def tree() -> str:
    """Return every file under src/mlplab with the first sentence of what it says it is."""
    package = ROOT / "src" / "mlplab"
    lines = ["src/mlplab/"]
    for folder in (package, *sorted(p for p in package.rglob("*") if p.is_dir())):
        files = [path for path in sorted(folder.iterdir()) if _counts(path)]
        if not files:
            continue
        depth = len(folder.relative_to(package).parts)
        if depth:
            lines.append(f"{'  ' * depth}{folder.name}/")
        indent = "  " * (depth + 1)
        lines += [f"{indent}{path.name}".ljust(34) + f"  {_purpose(path)}" for path in files]
    return "\n".join(line.rstrip() for line in lines)


def _counts(path: Path) -> bool:
    return path.is_file() and path.parent.name != "__pycache__" and path.name[0] != "."


def _purpose(path: Path) -> str:
    if path.suffix != ".py":
        return ""
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(words.split("\n\n")[0].split())


def readme() -> str:
    """Return README.md with its tree brought up to date."""
    before, _, rest = (ROOT / "README.md").read_text(encoding="utf-8").partition(TREE_START)
    after = rest.partition(TREE_END)[2]
    return f"{before}{TREE_START}\n```text\n{tree()}\n```\n{TREE_END}{after}"


if __name__ == "__main__":
    (ROOT / "docs" / "commands.md").write_text(commands_page(), encoding="utf-8")
    (ROOT / "docs" / "study.md").write_text(explain(), encoding="utf-8")
    (shipped_folder() / "study.schema.json").write_text(schema_text(), encoding="utf-8")
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")
