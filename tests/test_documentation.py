"""The documentation is run: its studies are checked, its commands parsed, its Python executed."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[pytest.param]:
    """Return every fenced block of a language, named by its page and place."""
    found = []
    for page in PAGES:
        for number, match in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8"))):
            if match[1] == language:
                found.append(pytest.param(match[2], id=f"{page.name}-{number}"))
    return found


def documented_commands() -> list[str]:
    """Return every command line of mlplab in a shell block, without its remark."""
    lines = [line for block in blocks("sh") for line in block.values[0].splitlines()]
    return [line for line in lines if line.startswith("mlplab ")]


@pytest.fixture(scope="module")
def generated():
    return runpy.run_path(str(ROOT / "docs" / "generate.py"))


@pytest.mark.parametrize("study", blocks("json"))
def test_documented_studies_are_fine(study, tmp_path):
    if "networks" not in json.loads(study):
        pytest.skip("no whole study")
    (tmp_path / "study.json").write_text(study)
    ended = subprocess.run(
        [sys.executable, "-m", "mlplab", "check", "study.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert "fine:" in ended.stdout


@pytest.mark.parametrize("line", documented_commands())
def test_documented_commands_are_ones(line):
    from mlplab.commands.main import app

    command, arguments = typer.main.get_command(app), shlex.split(line, comments=True)[1:]
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    command.make_context("mlplab", arguments)


@pytest.mark.parametrize(
    "code", [block for block in blocks("python") if not block.id.startswith("ARCHITECTURE")]
)
def test_documented_python_runs(code, tmp_path, monkeypatch):
    study = {
        "name": "tiny",
        "data": {"name": "digits"},
        "training": {"steps": 20, "batch_size": 32, "evaluate_every": 10},
        "seeds": 2,
        "networks": {
            "one": {"hidden": [8], "optimizer": {"name": "adam", "learning_rate": 0.01}},
            "two": {"hidden": [8, 8], "optimizer": {"name": "sgd", "learning_rate": 0.1}},
        },
    }
    (tmp_path / "study.json").write_text(json.dumps(study))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "documentation", "exec"), {})


def test_help_in_the_documentation_is_the_programs(generated):
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert page == generated["commands_page"](), "run `make docs`"


def test_keys_in_the_documentation_are_the_declarations(generated):
    page = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
    assert page == generated["explain"](), "run `make docs`"


def names_in_tree(tree: str) -> set[str]:
    """Return the paths in a printed tree, from its indentation."""
    folders: list[str] = []
    paths = set()
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        del folders[depth:]
        if name.endswith("/"):
            folders.append(name)
        else:
            paths.add("".join(folders) + name)
    return paths


def test_readme_names_every_file_and_no_other(generated):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.partition(generated["TREE_START"])[2].partition(generated["TREE_END"])[0]
    told = names_in_tree(block.strip().removeprefix("```text\n").removesuffix("```").rstrip())
    there = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src" / "mlplab").rglob("*")
        if path.is_file() and path.parent.name != "__pycache__" and path.name[0] != "."
    }
    assert told == there, "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#]+)\)", prose)
    missing = [
        target
        for target in targets
        if not target.startswith("http") and not (page.parent / target).exists()
    ]
    assert not missing
