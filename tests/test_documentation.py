"""The documentation is followed: commands are run, studies checked, Python executed, links opened."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "benchmarks" / "README.md"])
FOLLOWED = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
"""The others show signatures and benchmarks, which are no examples."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    title: str | None
    """The file that the reader is to write."""
    run: bool
    """No comment before it says "not run"."""
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """Read the fenced blocks of a page in their order."""
    before = None
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "fence":
            language, _, options = token.info.partition(" ")
            title = re.search(r'title="(.+?)"', options)
            held_back = before is not None and "<!-- not run:" in before
            yield Block(
                language, token.content, title and title[1], not held_back, token.map[0] + 1
            )
        before = token.content if token.type == "html_block" else None


def ids(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder in which `mlplab` and `python` are those of the tests."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, call in {"mlplab": '-m mlplab "$@"', "python": '"$@"'}.items():
        (tools / name).write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {call}\n")
        (tools / name).chmod(0o755)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("place")
@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in FOLLOWED if any(b.run for b in blocks(page))], ids=ids
)
def test_a_page_can_be_followed_from_top_to_bottom(page):
    # Pages without a study of their own use that of the Python page.
    (tiny,) = (b for b in blocks(ROOT / "docs" / "python.md") if b.title == "study.json")
    Path("study.json").write_text(tiny.text, encoding="utf-8")
    names: dict = {"__name__": "__main__"}
    for block in blocks(page):
        where = f"{ids(page)}, line {block.line}"
        if block.title is not None:
            Path(block.title).write_text(block.text, encoding="utf-8")
        if block.language == "json":
            follow_json(block, where)
        elif block.language == "python":
            exec(compile(block.text, where, "exec"), names)
        elif block.language == "sh" and block.run:
            follow(["sh", "-e", "-c", block.text], where)


def follow_json(block: Block, where: str) -> None:
    """Check what is a whole study; a part of one is JSON at least."""
    if "networks" not in json.loads(block.text):
        return
    path = Path(block.title or "study.json")
    path.write_text(block.text, encoding="utf-8")
    ended = follow(["mlplab", "check", str(path)], where)
    assert "fine:" in ended.stdout


def follow(call: list[str], where: str) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(call, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, f"{where}\n{ended.stdout}\n{ended.stderr}"
    return ended


def documented_commands() -> list[pytest.param]:
    """Every command line of mlplab that is not run, from shell blocks, lines that go on joined."""
    return [
        pytest.param(line, id=f"{page.name}-{line[:60]}")
        for page in PAGES
        for block in blocks(page)
        if block.language == "sh" and not block.run
        for line in block.text.replace("\\\n", " ").splitlines()
        if line.startswith("mlplab ")
    ]


@pytest.mark.parametrize("line", documented_commands())
def test_documented_commands_are_ones(line):
    from mlplab.commands.main import app

    command, arguments = typer.main.get_command(app), shlex.split(line, comments=True)[1:]
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    command.make_context("mlplab", arguments)


def test_the_answer_in_the_readme_has_the_verdict_of_its_study(tmp_path):
    from mlplab.analysis.questions.answers import answer_questions
    from mlplab.study import Study

    page = ROOT / "README.md"
    study = next(block for block in blocks(page) if block.title == "depth.json")
    (tmp_path / "depth.json").write_text(study.text, encoding="utf-8")
    (answer,) = answer_questions(Study.load(tmp_path / "depth.json").run(tmp_path))
    assert f"> **{answer.finding.verdict.capitalize()}.**" in page.read_text(encoding="utf-8")


GENERATE = ROOT / "docs" / "generate.py"


@pytest.mark.parametrize("path", runpy.run_path(str(GENERATE))["WRITTEN"], ids=ids)
def test_what_the_documentation_takes_from_the_program_is_the_programs(path):
    text = runpy.run_path(str(GENERATE))["WRITTEN"][path]()
    assert path.read_text(encoding="utf-8") == text, "run `make docs`"


def test_the_tree_has_every_folder_and_each_has_a_purpose():
    folders = runpy.run_path(str(GENERATE))["folders"]()
    lines = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()
    rows = dict(re.findall(r"^\| `src/mlplab/(.+?)/` \| (.+) \|$", "\n".join(lines), re.MULTILINE))
    assert list(rows) == folders
    assert all(len(purpose) > 20 for purpose in rows.values())


def test_files_that_the_architecture_names_exist():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.(?:py|json|h|cpp))`", text))
    there = [
        f"/{path.relative_to(ROOT).as_posix()}"
        for folder in ("src", "cpp", "tests", "benchmarks", "docs")
        for path in (ROOT / folder).rglob("*.*")
    ] + [f"/{path.name}" for path in ROOT.iterdir()]
    missing = [name for name in named if not any(path.endswith(f"/{name}") for path in there)]
    assert not [name for name in missing if not name.endswith("NAME.py")]


def links(page: Path) -> list[str]:
    """Return what the links and images of a page lead to."""
    tokens = [t for t in MarkdownIt().parse(page.read_text(encoding="utf-8")) if t.children]
    children = [child for token in tokens for child in token.children]
    found = [child.attrGet("href") or child.attrGet("src") for child in children]
    return [str(target) for target in found if target]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page):
    local = [target for target in links(page) if not re.match(r"https?:", target)]
    missing = [
        target
        for target in local
        if not (page.parent / target.partition("#")[0]).exists()
        or not has_heading(page.parent / target.partition("#")[0], target.partition("#")[2], page)
    ]
    assert not missing


def has_heading(target: Path, anchor: str, page: Path) -> bool:
    """Is there a heading of that anchor, as GitHub and the site make them?"""
    text = (target if target.is_file() else page).read_text(encoding="utf-8") if anchor else ""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return not anchor or anchor in slugs


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built from a copy, since its folder is named relative to its configuration."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    for name in ("mkdocs.yml", "ARCHITECTURE.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder)
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert (folder / "site" / "index.html").exists()
    return folder / "site"


def test_the_site_has_every_page_and_its_links_lead_somewhere(site):
    pages = {path.name: path.read_text(encoding="utf-8") for path in site.glob("*.html")}
    assert {f"{page.stem}.html" for page in ROOT.glob("docs/*.md")} <= set(pages)
    anchors = {name: set(re.findall(r'id="([^"]+)"', text)) for name, text in pages.items()}
    for name, text in pages.items():
        for target in re.findall(r'<a [^>]*href="([^"]+)"', text):
            if re.match(r"[a-z]+:", target) or name == "404.html":
                continue
            path, _, anchor = target.partition("#")
            there = (site / (path or name)).resolve()
            assert there.exists(), f"{name}: {target}"
            if anchor and there.suffix == ".html":
                assert anchor in anchors[there.name], f"{name}: {target}"


def test_the_site_asks_no_other_machine_for_anything(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)"', text)
        assert not [url for url in fetched if "sitemap" not in url], page.name


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SEARCH = """<script>
const all = (root, wanted) => [root, ...[...root.querySelectorAll("*")].map(e => e.shadowRoot)]
  .filter(Boolean).flatMap(r => [...r.querySelectorAll(wanted)]);
setTimeout(() => document.querySelector("[data-md-component=search] button").click(), 1000);
setTimeout(() => {
  const input = all(document, "input[aria-label=Search]")[0];
  input.value = "early_stopping";
  input.dispatchEvent(new Event("input", {bubbles: true}));
}, 2000);
setTimeout(() => {
  document.title = "found: " + all(document, "a").map(a => a.href).filter(h => h.includes("#"));
}, 4000);
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_the_search_works_on_pages_that_are_opened_as_files(site, tmp_path):
    text = (site / "index.html").read_text(encoding="utf-8")
    (site / "searching.html").write_text(text.replace("</body>", SEARCH), encoding="utf-8")
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    shown = subprocess.run(
        [
            str(CHROMIUM),
            *flags.split(),
            f"--user-data-dir={tmp_path}",
            "--virtual-time-budget=10000",
            "--dump-dom",
            (site / "searching.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    (site / "searching.html").unlink()
    assert re.search(r"<title>found: .*study\.html#training", shown.stdout)


def test_the_site_shows_what_it_includes(site):
    assert "Where the next thing goes" in (site / "architecture.html").read_text(encoding="utf-8")
    assert "What changed" in (site / "changelog.html").read_text(encoding="utf-8")


def test_the_readme_is_short_and_shows_a_picture():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text) < 6000
    assert (ROOT / "docs" / "report.png").read_bytes()[:4] == b"\x89PNG"
    assert "docs/report.png" in links(ROOT / "README.md")
