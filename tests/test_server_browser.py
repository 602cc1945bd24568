"""The live page in a real browser, while a real run of 200 networks goes on."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlplab.runner.live import LIVE_FILE

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to show pages"),
]
HEARD = 'main[data-shown]:not([data-shown="0"])'
STUDY = {
    "name": "many",
    "data": {"name": "digits"},
    "training": {"steps": 30_000, "batch_size": 32, "evaluate_every": 200, "diagnostics": True},
    "optimizer": {"name": "adam", "learning_rate": 0.002},
    "seeds": 4,
    "networks": {
        **{f"wide-{width}": {"hidden": [width, 16]} for width in range(8, 57)},
        "wild": {"hidden": [80, 80], "optimizer": {"name": "sgd", "learning_rate": 1e30}},
    },
}


def started(*arguments: object, **more: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "mlplab", *map(str, arguments)], text=True,
                            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, **more)  # fmt: skip


@pytest.fixture
def page():
    with playwright.sync_playwright() as program:
        browser = program.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme="dark")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: errors.append(message.text) if message.type == "error" else None,
        )
        yield page
        assert not errors
        browser.close()


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "many.json").write_text(json.dumps(STUDY))
    return tmp_path


def told_until(live: Path) -> float:
    """When the last evaluation was told; the last line may be half written."""
    lines = live.read_bytes().splitlines() if live.exists() else []
    times = [re.search(rb'"at": ([\d.]+)}$', line) for line in lines[-4:]]
    return max((float(found[1]) for found in times if found), default=0.0)


def test_a_run_of_200_networks_is_watched_reloaded_and_stopped(folder, page):
    runs = folder / "runs"
    run = started("run", folder / "many.json", "--out", runs, "--no-report", "--serve")
    try:
        address = next(line.split()[-1] for line in run.stderr if line.startswith("Live page"))
        page.goto(address)
        page.wait_for_selector(HEARD, timeout=60_000)
        page.wait_for_selector("text=50 of 50", timeout=20_000)
        late, looks = [], 0
        live, began = runs / "many" / LIVE_FILE, time.time()
        pending: list[float] = []
        while time.time() - began < 8:
            pending.append(told_until(live))
            shown = float(page.locator("main").get_attribute("data-shown"))
            now = time.time()
            late += [at for at in pending if at > shown and now - at > 1.0]
            pending = [at for at in pending if at > shown]
            looks += 1
            time.sleep(0.05)
        assert looks > 20
        assert not late
        assert "about" in page.locator("dl.facts").inner_text()
        page.get_by_text("wild, seed 0, diverged at step").wait_for()
        page.reload()
        page.wait_for_selector(HEARD, timeout=10_000)
        # By keyboard alone: to the button, through the question, and it stops.
        page.locator("button", has_text="Stop the run").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        assert run.wait(60) == 130
        assert "are finished and kept" in run.stderr.read()
    finally:
        run.kill()


def test_what_a_killed_run_left_is_shown_to_a_narrow_screen(folder, page):
    runs = folder / "runs"
    run = started("run", folder / "many.json", "--out", runs, "--no-report")
    live = runs / "many" / LIVE_FILE
    while not (live.exists() and b"stack_progressed" in live.read_bytes()):
        assert run.poll() is None
        time.sleep(0.1)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    server = started("serve", runs, "--port", 0)
    try:
        address = next(line.split()[-1] for line in server.stderr)
        page.set_viewport_size({"width": 400, "height": 800})
        page.goto(address)
        page.get_by_role("link", name="many").click()
        page.wait_for_selector("dd:text-is('unfinished')")
        page.wait_for_selector("text=50 of 50")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        canvas = page.locator("canvas").first
        canvas.focus()
        page.keyboard.press("ArrowRight")
        page.get_by_text(re.compile(r"step [\d,]+: [\d.]+")).wait_for()
        search = page.get_by_role("searchbox")
        search.fill("optimizer.name=sgd")
        page.wait_for_selector("text=1 of 50")
        page.get_by_role("button", name="network").click()
        assert page.locator("th[aria-sort=ascending]").count() == 1
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 130
