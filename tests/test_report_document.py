"""What a page is made of: words from elsewhere stay words, in HTML and in Markdown."""

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplab.declarations.data import NpzData
from mlplab.declarations.loading import load
from mlplab.declarations.roles import Roles
from mlplab.declarations.study import Study
from mlplab.figures.drawing import Drawing
from mlplab.figures.figure import Figure
from mlplab.metrics.classification import evaluate
from mlplab.report import html, markdown, wording
from mlplab.report.chapters import chapters_of, evaluation, overview, reproduction
from mlplab.report.context import Context
from mlplab.report.document import (
    Chapter,
    Details,
    Note,
    Paragraph,
    Pictures,
    Table,
    columns,
    plain,
)
from mlplab.report.inline import bounded, to_html, to_text
from mlplab.report.write import write
from mlplab.words import number
from simulated_results import network, report_study, simulated

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'
HOSTILE = "</script><b onload=alert(1)>*|`_\\[x](y)"


class Text(HTMLParser):
    """The text of a fragment, and the elements in it."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.text, self.tags = "", []
        self.feed(fragment)
        self.close()

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_words_from_elsewhere_stay_words(words):
    assert to_text(plain(words)) == words
    read = Text(to_html(plain(words)))
    assert read.text == words
    assert read.tags == []


def test_the_few_marks_are_marks():
    assert to_html("**a `b` \\*c** *d* < e") == (
        "<strong>a <code>b</code> *c</strong> <em>d</em> &lt; e"
    )
    assert to_text("**a `b` \\*c** *d*") == "a b *c d"


def figure(name="a"):
    drawing = {"data": {"values": [{"x": HOSTILE}]}, "mark": "point"}
    table = pd.DataFrame({"x": [1]})
    return Figure(name, HOSTILE, f"About {HOSTILE}", table, drawing)


def page(*blocks, drawings=None, files=None, is_folded=False):
    chapter = Chapter("c", f"Chapter {HOSTILE}", blocks, is_folded)
    return html.page("Title", [chapter], drawings, files)


def test_hostile_names_do_no_harm():
    text = page(
        Paragraph(plain(HOSTILE)),
        Table(plain(HOSTILE), columns("a", HOSTILE), ((plain(HOSTILE), plain(HOSTILE)),)),
        Pictures((figure(),)),
        Note(plain(HOSTILE)),
    )
    assert "<b onload" not in text
    (specification,) = re.findall(
        r'<script type="application/json" data-specification="a">(.*?)</script>', text
    )
    assert json.loads(specification)["data"]["values"][0]["x"] == HOSTILE
    whole = markdown.document(HOSTILE, [Chapter("c", HOSTILE, (Paragraph(plain(HOSTILE)),))])
    assert "<b" not in whole
    assert "<script" not in markdown.render(Pictures((figure(),)))
    folded = markdown.render(Details(plain(HOSTILE), (Paragraph("within"),)))
    assert "<b" not in folded
    assert unescape(folded).count(HOSTILE) == 1
    table = markdown.render(Table("", columns("a", "b"), ((plain("x|y"), "z"),)))
    assert table.splitlines()[-1] == "| x\\|y | z |"


def test_every_figure_has_words_and_a_number_and_links_to_the_files_there_are():
    text = page(Pictures((figure("one"), figure("two"))), files={"two": ["png", "csv"]})
    assert len(re.findall(r'role="img"[^>]*aria-label="About ', text)) == 2
    assert "<b>Figure 2.</b>" in text
    assert set(re.findall(r'href="(figures/[^"]+)"', text)) == {
        "figures/two.png",
        "figures/two.csv",
    }
    assert "A script within this page draws its figures" in text


def test_a_page_with_drawings_shows_them_without_scripts():
    drawn = {"one": Drawing(PICTURE, PICTURE, b"")}
    text = page(Pictures((figure("one"),)), drawings=drawn)
    assert text.count(PICTURE) == 1
    assert "<noscript>" not in text


def test_a_folded_chapter_shows_its_answer_and_says_what_is_behind():
    lead, rest = Paragraph("The answer.", lead=True), Paragraph("The rest.")
    text = page(lead, rest, Pictures((figure("one"), figure("two"))), is_folded=True)
    before, _, behind = text.partition('<details class="chapter">')
    assert "The answer." in before
    assert "The rest." in behind
    assert "2 figures" in behind.partition("</summary>")[0]
    without = page(rest, is_folded=True)
    assert "The rest." in without.partition('<details class="chapter">')[2]


def test_a_very_long_name_fills_no_page():
    name = "a" * 100_000 + "z"
    table = Table("", columns("x", "y"), ((plain(name), "1"),))
    text = page(Paragraph(plain(name)), table, Pictures((figure("one"),)))
    body = text.partition("<main>")[2].partition("</main>")[0]
    assert len(body) < 5000
    assert "…" in body
    assert bounded("short words " * 1000) == "short words " * 1000


def test_the_first_sentences_say_what_was_studied_and_what_came_out():
    results = simulated(report_study(seeds=3, numbers=(1, 2, 16)), diverging=("config1",))
    text = markdown.document("x", [overview.chapter(Context(results))])
    best = np.mean(
        [r.curves["test", "accuracy"][-1] for r in results.runs if r.network == "config2"]
    )
    assert "**3 networks**, each trained from 3 seeds for 2,000 steps of 256 rows" in text
    assert "60,000 training and 10,000 test rows" in text
    assert f"**config2**, with a test accuracy of **{best:.4f} ±" in text
    assert "95% t interval of 3 seeds" in text
    assert "No validation part" in text
    assert "optimistic" in text
    assert "1 run diverged:** config1 seed 2 at step 1,100" in text
    assert "SGD 0.1, Adam 0.001 and Adagrad 0.01" in text


def with_validation(study):
    """The same study, with a validation part declared for every network."""
    networks = {
        name: one.model_copy(update={"data": one.data.model_copy(update={"validation": 0.1})})
        for name, one in study.networks.items()
    }
    return replace(study, networks=networks)


def test_with_a_validation_part_the_choice_is_made_there():
    results = simulated(with_validation(report_study(seeds=3, numbers=(1, 2))))
    runs = tuple(
        replace(
            run,
            layers=(784, 10),
            curves={
                **run.curves,
                # The test set prefers config2, the validation part config1.
                ("validation", "accuracy"): run.curves["test", "accuracy"]
                - (0.05 if run.network == "config1" else 0.3),
            },
        )
        for run in results.runs
    )
    text = markdown.document("x", [overview.chapter(Context(replace(results, runs=runs)))])
    assert "**config1**, chosen by validation accuracy," in text
    assert "No validation part" not in text
    assert "the test set had no part in the choice" in text


def test_what_is_missing_and_what_never_finished_is_said():
    study = report_study(seeds=2, numbers=(1, 2))
    none = replace(simulated(study), runs=(), missing=(("config1", 0), ("config1", 1)))
    chapters = chapters_of(Context(none))
    text = markdown.document("x", chapters)
    assert "No network has finished" in text
    assert "2 of 2 runs are missing" in text


def test_one_seed_is_called_luck():
    text = markdown.document(
        "x", [overview.chapter(Context(simulated(report_study(seeds=1, numbers=(1, 2)))))]
    )
    assert "One seed" in text
    assert "without an interval" in text
    assert "±" not in text


@pytest.mark.parametrize(
    ("study", "environment", "command"),
    [
        (load("report-2023", seeds=4), {}, "mlplab run report-2023 --seeds 4"),
        # The shipped one with a setting changed, or but a part of it, is another study.
        (
            load("report-2023", seeds=4, overrides=["training.batch_size=128"]),
            {},
            "mlplab run runs/report-2023/study.json",
        ),
        (
            load("report-2023", seeds=4, select=["config10"]),
            {},
            "mlplab run runs/report-2023/study.json",
        ),
        (
            Study("own", {"a": network((8,), "sgd", 0.1).model_copy(update={"seeds": (3, 7)})}),
            {"precision": "bfloat16"},
            "mlplab run runs/own/study.json --precision bfloat16",
        ),
    ],
)
def test_the_command_gives_the_same_again(study, environment, command):
    results = replace(simulated(study), environment=environment)
    assert reproduction.command(Context(results)) == command


def test_folded_text_shows_no_markup_of_its_own():
    folded = Details(plain("<img src=x onerror=alert(1)>"), (Paragraph("inside"),))
    text = markdown.document("x", [Chapter("a", "A", (folded,))])
    assert "<img" not in text
    assert "&lt;img" in text


def test_chapters_come_in_their_order():
    results = simulated(report_study(seeds=3, numbers=(1, 2, 3, 16), diagnostics=True))
    anchors = [c.anchor for c in chapters_of(Context(results))]
    expected = ["overview", "figures", "published", "evaluation", "inside", "settings"]
    assert [a for a in anchors if a in expected] == expected
    assert anchors[-1] == "reproduction"


def test_training_rows_do_not_count_the_validation_part():
    base = network((8,), "sgd", 0.1, data="mnist")
    held = base.model_copy(update={"data": base.data.model_copy(update={"validation": 10_000})})
    text = overview.studied(Context(simulated(Study("x", {"a": held}))))
    assert "50,000 training, 10,000 validation and 10,000 test rows" in text


def test_a_network_of_some_classes_has_the_rows_of_these():
    base = network((8,), "sgd", 0.1, data="mnist")
    some = base.model_copy(update={"roles": Roles(known=("0", "1", "2", "3", "4"))})
    text = overview.studied(Context(simulated(Study("x", {"a": some}))))
    # 5,923 + 6,742 + 5,958 + 6,131 + 5,842 training images of 0 to 4
    assert "30,596 training" in text
    assert "60,000" not in text


def test_scaling_is_told_as_it_is_done():
    base = network((8,), "sgd", 0.1)
    archive = base.model_copy(update={"data": NpzData(format="npz", path="x.npz")})
    assert wording.scaling(base).startswith("unit")
    assert "bytes" in wording.scaling(archive)
    assert "standard" in wording.scaling(archive)


def test_a_class_without_test_rows_has_no_recall():
    logits = np.eye(3)[[0, 1, 0, 1]] * 9
    never = evaluate(logits, np.array([0, 1, 0, 1]), ("x", "y", "never"))
    results = simulated(Study("x", {"a": network((8,), "sgd", 0.1, seeds=2)}))
    results = replace(results, runs=tuple(replace(r, evaluation=never) for r in results.runs))
    text = markdown.document("x", [evaluation.chapter(Context(results))])
    (line,) = [line for line in text.splitlines() if line.startswith("| never")]
    assert "0.0000" in line.split("|")[3]  # never predicted either: a precision of 0
    assert [cell.strip() for cell in line.split("|")[4:6]] == ["–", "–"]
    assert "without test rows" in text


@pytest.mark.slow
def test_a_report_of_very_many_networks_and_classes_is_small(tmp_path):
    names = tuple(f"class {i}" for i in range(2000))
    targets = np.arange(4000) % 2000
    logits = np.random.default_rng(0).normal(size=(4000, 2000)).astype(np.float32)
    many = evaluate(logits, targets, ("x" * 100_000, *names[1:]))
    networks = {f"n{i}": network((8,), "sgd", 0.1, seeds=2, steps=200) for i in range(60)}
    results = simulated(Study("x", networks))
    results = replace(results, runs=tuple(replace(r, evaluation=many) for r in results.runs))
    page = write(results, tmp_path)
    assert page.stat().st_size < 4_000_000
    assert (tmp_path / "report.md").stat().st_size < 1_000_000
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "Of 2,000 classes" in text
    assert "Of 60 networks" in text


@pytest.mark.parametrize(
    ("value", "metric", "told"),
    [
        (-0.0004, "r2", "−0.0004"),
        (-0.00000001, "r2", "0.0000"),
        (-0.0, "rmse", "0"),
        (-1234.5, "rmse", "−1,234"),
        (-1.2e-8, "gradient_size", "−1.20e-08"),
    ],
)
def test_numbers_below_zero_have_a_true_minus_and_zero_has_none(value, metric, told):
    assert number(value, metric) == told
