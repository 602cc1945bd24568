"""The network in the report's page: what the page holds, and that its script computes as Python does."""

import base64
import json
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from drawings import DIGITS, OTHERS
from mlplab.data.loading import load
from mlplab.data.preparation import prepare
from mlplab.networks.probabilities import log_softmax
from mlplab.openset.activations import Activations
from mlplab.openset.detectors.registry import make
from mlplab.report.chapters.try_it import chapter
from mlplab.report.context import Context
from mlplab.report.document import Paragraph, Trial
from mlplab.report.try_it import reduced as reducing
from mlplab.report.try_it import unknown
from mlplab.report.try_it.reduced import reduced
from mlplab.runner.run import run
from mlplab.study import Study, StudyResults, open_results
from small_studies import ADAM, network, study

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to show pages"),
]


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> StudyResults:
    folder = tmp_path_factory.mktemp("digits") / "small"
    training = {"steps": 300, "batch_size": 32, "evaluate_every": 100}
    run(study(one=network(hidden=[32], training=training, seeds=[0, 1])), folder)
    return open_results(folder)


def record_of(results: StudyResults) -> tuple[Mapping, str]:
    """What the page's script is given, and what is said beside it."""
    found = chapter(Context(results))
    assert found is not None
    (trial,) = [block for block in found.blocks if isinstance(block, Trial)]
    return trial.data, " ".join(b.text for b in found.blocks if isinstance(b, Paragraph))


def unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)


def test_weights_are_as_exact_as_their_bits():
    rng = np.random.default_rng(0)
    layers = (
        (rng.normal(size=(30, 20)).astype(np.float32), rng.normal(size=20).astype(np.float32)),
    )
    small = reduced(layers)
    assert small.bits == 16
    largest = np.abs(layers[0][0]).max(axis=0)
    assert (np.abs(small.layers[0][0] - layers[0][0]) <= 0.51 * largest / 32767).all()
    assert (small.layers[0][1] == layers[0][1]).all()
    (record,) = small.record
    kernel = unpacked(record["kernel"], "<i2").reshape(30, 20) * unpacked(record["factor"], "<f4")
    assert (kernel == small.layers[0][0]).all()


def test_a_network_too_large_for_a_page_is_said_to_be(digits, monkeypatch):
    monkeypatch.setattr(reducing, "MOST_AT_16_BITS", 100)
    assert record_of(digits)[0]["layers"][0]["outputs"] == 32
    assert "weights of 8 bits" in record_of(digits)[1]
    monkeypatch.setattr(reducing, "MOST_AT_8_BITS", 1000)
    found = chapter(Context(digits))
    assert "too many parameters" in found.blocks[0].text


def test_no_network_to_try_is_no_chapter(digits):
    from dataclasses import replace

    assert chapter(Context(replace(digits, folder=None))) is None


def test_at_most_the_stated_share_of_held_out_rows_is_refused(digits):
    record, words = record_of(digits)
    declared = digits.study.networks["one"].data
    data, dataset = prepare(declared, Path()), load(declared, Path(), lambda line: None)
    examples = unpacked(record["examples"]["images"], np.uint8).reshape(-1, 64)
    classes = np.bincount(record["examples"]["classes"])
    assert classes.max() - classes.min() < 20
    test = dataset.inputs[data.test_rows].astype(float) / 16
    nearest = [np.sqrt(((row - examples / 16) ** 2).sum(1)).min() for row in test]
    refused = (np.array(nearest) > record["unknown"]["threshold"]).mean()
    assert 0.03 < refused <= 0.05
    assert "360 test rows" in words
    assert "5%" in words


def test_a_study_s_own_detector_decides(tmp_path):
    declared = {
        "name": "open", "data": {"name": "digits"}, "seeds": 3,
        "training": {"steps": 200, "batch_size": 32, "evaluate_every": 100},
        "networks": {"one": {"hidden": [32], "optimizer": ADAM}},
        "open_set": [{"known": ["0", "1", "2", "3"], "unknown": ["4", "5"], "reject_at_most": 0.1,
                      "detectors": ["energy", "mahalanobis"]}],
    }  # fmt: skip
    (tmp_path / "open.json").write_text(json.dumps(declared))
    record, words = record_of(Study.load(tmp_path / "open.json").run(tmp_path / "runs"))
    assert record["unknown"]["name"] == "energy"
    assert record["unknown"]["temperature"] == 1
    assert "10%" in words


@pytest.mark.parametrize("space", ["inputs", "hidden", "logits"])
def test_distances_are_those_of_the_detector(space):
    rng = np.random.default_rng(0)
    known, asked = (
        Activations(
            logits=rng.normal(size=(rows, 3)),
            hidden=rng.normal(size=(rows, 8)),
            inputs=rng.normal(size=(rows, 20)),
        )
        for rows in (200, 1100)
    )
    for settings in ({"k": 1, "normalise": False}, {"k": 7}):
        detector = make("nearest neighbours", space=space, **settings)
        expected = detector.fit(known, np.arange(200) % 3).score(asked)
        found = unknown._distances(detector.settings, known, asked)
        assert found == pytest.approx(expected, rel=1e-5)


@pytest.fixture
def page():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    with playwright.sync_playwright() as program:
        browser = program.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 900}, has_touch=True)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: request.url.startswith(("file:", "data:", "blob:"))
                or errors.append(request.url))  # fmt: skip
        yield page
        assert not errors
        browser.close()


def opened(page, report: Path) -> None:
    assert report.stat().st_size < 5_000_000
    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.locator(".trial").scroll_into_view_if_needed()
    page.wait_for_selector(".trial[data-ready]", timeout=20_000)


def said_of(page, strokes) -> str:
    """Draw with the mouse, stroke by stroke; returns what the page says."""
    page.get_by_role("button", name="Clear").click()
    box = page.locator("canvas.paper").bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.locator(".trial .answer").inner_text()


class TestInChromium:
    pytestmark = needs_browser

    def test_drawn_digits_are_read_and_other_drawings_refused(self, tmp_path, page, mnist_folder):
        declared = {
            "name": "drawn", "data": {"name": "mnist", "validation": 5000}, "seeds": 1,
            "optimizer": {"name": "adam", "learning_rate": 0.001},
            "training": {"steps": 3000, "batch_size": 100, "evaluate_every": 1000},
            "networks": {"one": {"hidden": [256, 128]}},
        }  # fmt: skip
        (tmp_path / "drawn.json").write_text(json.dumps(declared))
        results = Study.load(tmp_path / "drawn.json").run(tmp_path)
        opened(page, results.report())
        said = {(name, i): said_of(page, drawing)
                for name, two in DIGITS.items() for i, drawing in enumerate(two)}  # fmt: skip
        right = [name for (name, _), answer in said.items() if answer.startswith(f"{name},")]
        assert len(said) == 20
        assert len(right) >= 18, said
        others = {name: said_of(page, drawing) for name, drawing in OTHERS.items()}
        assert len(others) == 20
        assert sum(answer.startswith("Unknown") for answer in others.values()) >= 12, others
        # The answer is read from the drawing as it is taken back and cleared.
        page.get_by_role("button", name="Take back").click()
        page.wait_for_function("document.querySelector('.trial .answer').textContent === ''")
        images = load(results.study.networks["one"].data, Path(), lambda line: None)
        self.agrees_on_images(page, results, "one", images)

    def agrees_on_images(self, page, results, name, dataset) -> None:
        rows = dataset.test_rows[:1000]
        said = page.evaluate(
            "(rows) => { const { look } = document.querySelector('.trial').trial;"
            " return rows.map((row) => [...look(row).probabilities]); }",
            dataset.inputs[rows].tolist(),
        )
        logits = results.predict(name, 0, dataset.inputs[rows])
        assert np.abs(np.array(said) - np.exp(log_softmax(logits))).max() < 1e-2

    def test_keyboard_and_touch_draw_too(self, digits, page):
        opened(page, digits.report())
        self.agrees_on_images(
            page, digits, "one", load(digits.study.networks["one"].data, Path(), lambda line: None)
        )
        answer = page.locator(".trial .answer")
        page.locator("canvas.paper").focus()
        for key in (" ", *["ArrowDown"] * 9, " "):
            page.keyboard.press(key)
        page.wait_for_function("document.querySelector('.trial .answer').textContent !== ''")
        page.wait_for_selector(".trial .seen figure:nth-child(6)")
        page.keyboard.press("Delete")
        page.wait_for_function("document.querySelector('.trial .answer').textContent === ''")
        box = page.locator("canvas.paper").bounding_box()
        page.touchscreen.tap(box["x"] + 100, box["y"] + 100)
        page.wait_for_function("document.querySelector('.trial .answer').textContent !== ''")
        assert answer.inner_text()

    @pytest.mark.parametrize(
        ("scaling", "activation", "task"),
        [
            ("standard", "relu", "classification"),
            ("quantile", "gelu", "classification"),
            ("robust", "tanh", "classification"),
            ("standard", "leaky_relu", "regression"),
        ],
    )
    def test_fields_of_a_table_give_what_python_gives(
        self, tmp_path, page, scaling, activation, task
    ):
        rng = np.random.default_rng(0)
        rows = 1000
        import pandas as pd

        frame = pd.DataFrame(
            {
                "length": np.where(rng.random(rows) < 0.1, np.nan, rng.gamma(2, 3, rows).round(2)),
                "kind": rng.choice(["plain", "b, \"quoted\"", "<i>", None], rows),
                "open": rng.choice(["yes", "no"], rows),
                "day": pd.date_range("2020-01-01 03:00", periods=rows, freq="37h").strftime("%Y-%m-%dT%H:%M"),
                "flat": 3,
            }
        )  # fmt: skip
        far = frame["length"].fillna(0) + 4 * (frame["kind"] == "plain") + rng.normal(size=rows)
        is_classes = task == "classification"
        frame["target"] = np.where(far > far.median(), "far", "near") if is_classes else far
        frame.to_csv(tmp_path / "made.csv", index=False)
        declared = {
            "name": "made", "seeds": 1, "optimizer": ADAM,
            "data": {"format": "table", "path": "made.csv", "target": "target", "scaling": scaling},
            "training": {"epochs": 5, "batch_size": 32},
            "networks": {"one": {"hidden": [16], "activation": activation}},
        }  # fmt: skip
        (tmp_path / "made.json").write_text(json.dumps(declared))
        results = Study.load(tmp_path / "made.json").run(tmp_path / "runs")
        opened(page, results.report())
        record, _ = record_of(results)
        places = {
            f["name"]: {o: i for i, o in enumerate(f.get("options", ()))} for f in record["fields"]
        }
        values = [
            [
                None
                if pd.isna(value)
                else places[name].get(value, value)
                if places[name]
                else value
                for name, value in zip(row._fields, row, strict=True)
                if name in places
            ]
            for row in frame.itertuples(index=False)
        ]
        said = page.evaluate(
            "(rows) => { const { ask } = document.querySelector('.trial').trial;"
            " return rows.map((row) => { const a = ask(row); return [...a.probabilities ?? [a.value]]; }); }",
            values,
        )
        outputs = results.predict("one", 0, frame.drop(columns="target"))
        answers = np.exp(log_softmax(outputs)) if is_classes else outputs[:, None]
        assert np.abs(np.array(said) - answers).max() < 1e-2
        before = page.locator(".trial .answer").inner_text()
        page.get_by_label("length").fill("40")
        page.get_by_label("kind").select_option("plain")
        page.wait_for_function(
            "(was) => document.querySelector('.trial .answer').textContent !== was", arg=before
        )
        assert page.locator(".trial .fields svg").count() == len(record["fields"])
