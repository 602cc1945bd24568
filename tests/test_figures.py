"""Figures say what was measured: their numbers, their words, and one definition for all forms."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from mlplab.analysis.questions.answers import answer
from mlplab.declarations.figure import CurveFigure
from mlplab.declarations.metric import GapMetric
from mlplab.declarations.study import Study
from mlplab.figures import theme
from mlplab.figures.against_published import band_figure, compare
from mlplab.figures.confusion import confusion_figure
from mlplab.figures.curves import curve_figures
from mlplab.figures.drawing import draw
from mlplab.figures.effects import _trend_chart, effect_figure
from mlplab.figures.ensemble import gather
from mlplab.figures.final_values import final_figure, finals
from mlplab.figures.gradient_size import layer_figure
from mlplab.figures.many import MOST_SERIES
from mlplab.figures.of_study import declared_figures, slug
from mlplab.figures.open_set.areas import clipped
from mlplab.figures.roc import _cut, roc_figure
from mlplab.figures.trade_off import trade_off_figure
from mlplab.metrics.classification import evaluate
from mlplab.metrics.roc import roc_curves
from mlplab.statistics.pareto import pareto_front
from simulated_questions import results as results_of
from simulated_questions import trend
from simulated_results import FACTS, evaluation, network, report_study, simulated

NUMBERS = (1, 2, 3, 10, 16)


@pytest.fixture(scope="module")
def results():
    return simulated(report_study(seeds=3, numbers=NUMBERS, diagnostics=True))


def one(declared, results, published=None):
    (figure,) = curve_figures(declared, results, "figure", published)
    return figure


def summary_of(accuracies: dict[str, list[float]], parameters: dict[str, int]) -> pd.DataFrame:
    rows = [
        {
            "network": name,
            "seed": seed,
            "diverged_at": pd.NA,
            "parameters": parameters[name],
            "seconds": 1.0 + seed,
            "test_accuracy": value,
        }
        for name, values in accuracies.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_every_kind_of_figure_is_valid_vega_lite(results):
    runs = [r for r in results.runs if r.network == "config10"]
    evaluations = [r.evaluation for r in runs]
    summary, found = results.summary(), finals(results.summary())
    published = FACTS.figure("figure_5")
    ensembles = {("config1", "test"): gather(results.runs[:3], "test", "accuracy")}
    figures = [
        one(CurveFigure(title="x", networks=("config1",)), results, published),
        final_figure(found, "final"),
        trade_off_figure(summary.assign(parameters=7), found, "seconds", "cost"),
        layer_figure(results, "gradient_size", "g", "Gradients", networks=("config2",)),
        confusion_figure("config10", evaluations, "c"),
        roc_figure("config10", evaluations, evaluations[0].curves, 0, "r"),
        band_figure(published, compare(published, ensembles), "band"),
    ]
    for figure in figures:
        figure.chart.to_dict()  # raises where a channel, scale or mark is none


def test_a_declared_figure_has_files_of_its_own_name(results):
    groups = declared_figures(results)
    names = [figure.name for group in groups for figure in group]
    assert len(groups) == len(results.study.figures)
    assert len(set(names)) == len(names)
    assert "test-accuracy-by-depth" in names
    assert "test-loss-by-depth-real-loss" in names


def test_means_and_intervals_are_students(results):
    figure = one(CurveFigure(title="x", networks=("config2",)), results)
    runs = [r.curves["test", "accuracy"] for r in results.runs if r.network == "config2"]
    mean = figure.table[figure.table["kind"] == "mean"]
    np.testing.assert_allclose(mean["value"], np.mean(runs, axis=0))
    low, high = stats.t.interval(
        0.95, len(runs) - 1, np.mean(runs, axis=0), stats.sem(runs, axis=0)
    )
    np.testing.assert_allclose(mean["low"], low)
    np.testing.assert_allclose(mean["high"], high)
    assert set(mean["n"]) == {3}
    assert "n = 3" in figure.caption
    assert figure.keys[0].note.endswith("n = 3")


def test_one_run_has_no_interval_and_is_not_drawn_twice():
    single = simulated(report_study(seeds=1, numbers=(1, 2)))
    figure = one(CurveFigure(title="x"), single)
    assert set(figure.table["kind"]) == {"mean"}
    assert figure.table["low"].isna().all()
    assert "n = 1" in figure.caption


def test_published_curves_stand_in_the_figure_and_the_real_loss_beside_it(results):
    published = FACTS.figure("figure_6")
    declared = CurveFigure(title="Loss", metric="loss", networks=("config1", "config16"))
    theirs, real = curve_figures(declared, results, "loss", published)
    rows = theirs.table[(theirs.table["kind"] == "published")]
    np.testing.assert_array_equal(
        rows[rows["network"] == "config16"]["value"], published.curves["config16", "test"]
    )
    own = [r.curves["test", "softmaxed_loss"] for r in results.runs if r.network == "config1"]
    mean = theirs.table[(theirs.table["kind"] == "mean") & (theirs.table["network"] == "config1")]
    np.testing.assert_allclose(mean["value"], np.mean(own, axis=0))
    assert any("1.4612" in note for note in theirs.notes)
    assert real.name == "loss-real-loss"
    assert "published" not in set(real.table["kind"])


def test_a_network_that_was_only_published_is_drawn_as_such(results):
    declared = CurveFigure(title="x", networks=("config2", "config10"), steps=(1600, 2000))
    whole = simulated(report_study(seeds=1))
    figure = one(declared, whole, FACTS.figure("figure_3"))
    only = figure.table[figure.table["network"] == "config17"]
    assert set(only["kind"]) == {"published"}
    assert figure.table["step"].min() == 1600
    # config11 is published too, but it is a network of the study that is not asked for here.
    assert "config11" not in set(figure.table["network"])
    (key,) = [k for k in figure.keys if k.label == "config17"]
    assert key.note == "published only"
    part = one(declared, results, FACTS.figure("figure_3"))
    assert set(part.table["network"]) == {"config2", "config10"}


def test_a_published_figure_of_another_metric_is_not_drawn(results):
    figure = one(CurveFigure(title="x", networks=("config2",)), results, FACTS.figure("figure_2"))
    assert "published" not in set(figure.table["kind"])
    assert "not drawn" in figure.notes[0]


def test_a_learning_curve_has_a_series_a_split(results):
    declared = CurveFigure(title="x", networks=("config10",), split=("batch", "test"))
    figure = one(declared, results, FACTS.figure("figure_10"))
    assert [k.label for k in figure.keys] == ["current batch", "test"]
    published = figure.table[figure.table["kind"] == "published"]
    assert set(published["split"]) == {"batch", "test"}


def test_a_diverged_run_ends_and_the_mean_is_of_those_that_go_on():
    results = simulated(report_study(seeds=3, numbers=(1, 2)), diverging=("config2",))
    figure = one(CurveFigure(title="x"), results)
    mean = figure.table[(figure.table["kind"] == "mean") & (figure.table["network"] == "config2")]
    assert mean["n"].iloc[0] == 3
    assert mean["n"].iloc[-1] == 2
    assert "config2" in figure.caption.rpartition("Not every run of")[2]


def test_a_metric_that_was_not_measured_gives_no_figure(results):
    assert curve_figures(CurveFigure(title="x", split="validation"), results, "x") == []


def test_of_many_networks_bands_and_the_notable_few_are_drawn():
    networks = {f"n{i}": network((8,), "sgd", 0.1, seeds=2) for i in range(MOST_SERIES + 10)}
    results = simulated(Study(name="many", networks=networks))
    figure = one(CurveFigure(title="x"), results)
    assert len({k.label for k in figure.keys if k.switch}) <= 7
    means = np.array(
        [
            np.mean([r.curves["test", "accuracy"] for r in results.runs if r.network == name], 0)
            for name in networks
        ]
    )
    band = figure.table[figure.table["series"] == "middle 90% of networks"]
    np.testing.assert_allclose(band["low"], np.quantile(means, 0.05, axis=0))
    np.testing.assert_allclose(band["high"], np.quantile(means, 0.95, axis=0))
    named = set(figure.table["network"].dropna())
    assert f"n{means[:, -1].argmax()}" in named
    assert f"n{means[:, -1].argmin()}" in named
    assert len(str(figure.specification)) < 60_000


@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(0, 6)).map(lambda p: (p[0], p[1] / 7)),
        min_size=1,
        max_size=12,
    )
)
def test_the_front_holds_those_that_none_beats(points):
    cost, value = np.array(points, dtype=float).T
    front = pareto_front(cost, value)
    for i in range(len(points)):
        beaten = any(
            (cost[j] <= cost[i] and value[j] >= value[i])
            and (cost[j] < cost[i] or value[j] > value[i])
            for j in range(len(points))
        )
        # Of equals one is enough.
        twin = any(front[j] for j in range(len(points)) if j != i and points[j] == points[i])
        assert front[i] == (not beaten) or (not beaten and twin)


def test_trade_off_and_final_values_tell_the_numbers():
    summary = summary_of(
        {"small": [0.90, 0.92], "large": [0.95, 0.97], "wasteful": [0.91, 0.91]},
        {"small": 10, "large": 1000, "wasteful": 5000},
    )
    found = finals(summary)
    assert found.networks[0] == "large"
    assert found.of("small").mean == pytest.approx(0.91)
    figure = trade_off_figure(summary, found, "parameters", "cost")
    assert figure.table[figure.table["front"]]["network"].tolist() == ["small", "large"]
    # 1000 / 10 parameters, 0.96 - 0.91 accuracy
    assert "costs 100 times" in figure.caption
    assert "5.00 points" in figure.caption
    assert trade_off_figure(summary.drop(columns="parameters"), found, "parameters", "x") is None


def test_diverged_runs_are_in_no_final_value():
    summary = summary_of({"a": [0.9, 0.1]}, {"a": 1})
    summary.loc[1, "diverged_at"] = 5
    assert finals(summary).of("a").n == 1


def test_the_confusion_matrix_adds_up_over_seeds():
    rng = np.random.default_rng(0)
    evaluations = [evaluation(0.9, rng), evaluation(0.5, rng)]
    figure = confusion_figure("a", evaluations, "c")
    assert figure.table["count"].sum() == 1200
    row = figure.table[figure.table["true"] == "3"]
    assert row["share"].sum() == pytest.approx(1)
    wrong = sum(round(600 * (1 - e.accuracy)) for e in evaluations)
    assert f"{wrong:,} of 1,200 decisions are wrong" in figure.caption


def test_roc_areas_are_means_over_seeds():
    rng = np.random.default_rng(1)
    evaluations = [evaluation(0.6, rng), evaluation(0.7, rng)]
    figure = roc_figure("a", evaluations, evaluations[0].curves, 4, "r")
    area = np.mean([e.areas.classes[2] for e in evaluations])
    assert figure.table[figure.table["curve"] == "2"]["area"].iloc[0] == pytest.approx(area)
    assert "seed 4" in figure.caption
    drawn = figure.table[figure.table["curve"] == "2"]["true_positive_rate"]
    assert drawn.tolist() == list(evaluations[0].curves.classes[2].true_positive_rate)


def test_roc_of_a_test_part_of_one_class_is_drawn():
    logits = np.random.default_rng(0).normal(size=(30, 2))
    targets = np.zeros(30, dtype=np.int64)
    only = evaluate(logits, targets, ("x", "rare"))
    figure = roc_figure("a", [only], roc_curves(logits, targets), 0, "r")
    assert "No class has both rows of it and rows of others" in figure.caption
    assert figure.table["curve"].unique().tolist() == ["micro average"]


def test_runs_that_never_arrive_lie_on_a_line_across_the_figure():
    table = pd.DataFrame({"network": ["a", "b"], "seed": [0, 0], "drawn": [20.0, 66.0]})
    rule = _trend_chart(table, ["a", "b"], "steps", [66.0])["layer"][-1]
    assert rule["encoding"] == {"x": {"value": 0}, "x2": {"value": "width"}}


@settings(max_examples=40)
@example(xs=[0.0, 0.25], ys=[0.5, 0.5], right=0.3, bottom=0.5)  # level along the bottom
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=8),
    st.lists(st.floats(0, 1), min_size=1, max_size=8),
    st.sampled_from([0.05, 0.3, 1.0]),
    st.sampled_from([0.0, 0.5, 0.9]),
)
def test_the_enlarged_corner_holds_the_curve_within_it_and_nothing_else(xs, ys, right, bottom):
    size = min(len(xs), len(ys))
    x = np.array([0, *sorted(xs)[:size], 1])
    y = np.array([0, *sorted(ys)[:size], 1])
    table = pd.DataFrame({"curve": "c", "false_positive_rate": x, "true_positive_rate": y})
    part = _cut(table, right, bottom)
    across, up = part["false_positive_rate"], part["true_positive_rate"]
    assert ((across >= 0) & (across <= right)).all()
    assert ((up >= bottom) & (up <= 1)).all()
    assert (np.diff(across) >= 0).all()
    assert (np.diff(up) >= -1e-12).all()


def test_gradients_are_geometric_means_over_seeds(results):
    figure = layer_figure(results, "gradient_size", "g", "Gradients", networks=("config2",))
    runs = [
        r.curves["batch", "gradient_size_layer_1"] for r in results.runs if r.network == "config2"
    ]
    first = figure.table[figure.table["layer"] == 1]
    np.testing.assert_allclose(first["value"], stats.gmean(runs, axis=0))
    assert layer_figure(simulated(report_study(1, (1,))), "dead_units", "d", "Dead") is None


def test_gradients_that_are_all_zero_are_told_and_do_not_fail(results):
    dead = [
        replace(run, curves={k: np.zeros_like(v) if k[1].startswith("gradient") else v
                             for k, v in run.curves.items()})
        for run in results.runs
    ]  # fmt: skip
    figure = layer_figure(
        replace(results, runs=tuple(dead)), "gradient_size", "g", "G", networks=("config2",)
    )
    assert "every gradient is exactly zero" in figure.caption


def test_one_definition_gives_svg_png_and_numbers(results):
    figure = one(CurveFigure(title="A & B <c>", networks=("config2",)), results)
    drawing = draw(figure.job)
    root = ET.fromstring(drawing.svg)
    text = "".join(root.itertext())
    assert "A & B <c>" in text
    assert "config2" in text
    width, height = (int(drawing.png[i : i + 4].hex(), 16) for i in (16, 20))
    assert width == pytest.approx(2 * float(root.get("width")), abs=2)
    assert height == pytest.approx(2 * float(root.get("height")), abs=2)
    assert "clip-path" not in drawing.picture
    assert figure.csv().splitlines()[0].startswith("kind,series,network,split,seed,step,value")


def test_a_figure_shows_itself_in_a_notebook(results):
    figure = one(CurveFigure(title="x", networks=("config2",)), results)
    bundle = figure._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["application/vnd.vegalite.v6+json"]["title"] == "x"
    assert figure.caption in bundle["text/plain"]


def with_curves(results, network, **curves):
    """The results, with other test curves of one network's first seed."""
    runs = list(results.runs)
    index = next(i for i, run in enumerate(runs) if run.network == network)
    own = {("test", metric): np.asarray(values, float) for metric, values in curves.items()}
    runs[index] = replace(runs[index], curves={**runs[index].curves, **own})
    return replace(results, runs=tuple(runs))


def text_of(figure) -> list[str]:
    return list(ET.fromstring(draw(figure.job).svg).itertext())


def test_one_evaluation_stands_at_its_value():
    whole = simulated(report_study(seeds=1, numbers=(1,)))
    (run,) = whole.runs
    run = replace(run, steps=np.array([100]), curves={("test", "accuracy"): np.array([0.4969])})
    figure = one(CurveFigure(title="x"), replace(whole, runs=(run,)))
    labels = [float(text) for text in text_of(figure) if re.fullmatch(r"0\.\d+", text)]
    assert min(labels) < 0.4969 < max(labels)
    assert "0" not in text_of(figure)


def test_a_run_that_explodes_does_not_hide_the_others(results):
    steps = len(results.runs[0].steps)
    wild = with_curves(results, "config2", loss=[2.3, *np.geomspace(10, 110_000, steps - 1)])
    figure = one(CurveFigure(title="x", metric="loss"), wild)
    scale = figure.specification["encoding"]["y"]["scale"]
    assert scale["type"] == "log"
    assert any("logarithmic" in note and "110" in note for note in figure.notes)
    calm = one(CurveFigure(title="x", metric="loss"), results)
    assert calm.specification["encoding"]["y"]["scale"] == {"zero": False}


def test_seconds_are_not_written_in_thousandths():
    summary = summary_of({"a": [0.9, 0.91], "b": [0.95, 0.96]}, {"a": 10, "b": 10_000})
    summary["seconds"] = [0.02, 0.02, 0.3, 0.3]
    figure = trade_off_figure(summary, finals(summary), "seconds", "cost")
    labels = text_of(figure)
    assert not any(re.fullmatch(r"\d+m", text) for text in labels)
    assert "0.1" in labels


def test_sixteen_series_have_sixteen_colours_and_each_its_own_on_a_dark_page():
    assert len({theme.colour(i) for i in range(16)}) == 16
    assert len({(theme.colour(i), theme.shape(i)) for i in range(50)}) == 50
    assert len({theme.DARK[theme.colour(i)] for i in range(16)}) == 16


def test_labels_of_layers_do_not_overprint(results):
    flat = [
        replace(run, curves={k: np.full_like(v, 0.5) if k[1].startswith("gradient") else v
                             for k, v in run.curves.items()})
        for run in results.runs
    ]  # fmt: skip
    figure = layer_figure(
        replace(results, runs=tuple(flat)), "gradient_size", "g", "G", networks=("config2",)
    )
    texts = text_of(figure)
    assert "1-3" in texts


def test_names_that_differ_at_their_ends_are_told_apart():
    names = {f"{'network-' * 12}{end}": 10 for end in ("first", "other")}
    summary = summary_of({name: [0.9, 0.91] for name in names}, names)
    texts = "".join(text_of(final_figure(finals(summary), "final")))
    assert "…" in texts
    assert "first" in texts
    assert "other" in texts


def test_no_superlative_is_told_of_ties():
    summary = summary_of({"a": [0.9, 0.9], "b": [0.9, 0.9]}, {"a": 1, "b": 1})
    caption = final_figure(finals(summary), "final").caption
    assert "all at 0.9000" in caption
    logits, targets = np.eye(3) * 20, np.arange(3)
    perfect = evaluate(logits, targets, ("x", "y", "z"))
    caption = roc_figure("a", [perfect], roc_curves(logits, targets), 0, "r").caption
    assert "largest" not in caption
    assert "All areas of classes are 1.0000" in caption


def test_two_thousand_classes_are_bounded_and_told():
    rng = np.random.default_rng(0)
    targets = np.arange(4000) % 2000
    logits = rng.normal(size=(4000, 2000)).astype(np.float32)
    logits[np.arange(4000), targets] += 3
    many = evaluate(logits, targets, tuple(f"class {i} of many" for i in range(2000)))
    confusion = confusion_figure("a", [many], "c")
    roc = roc_figure("a", [many], roc_curves(logits, targets), 0, "r")
    assert confusion.table["count"].sum() == 4000
    assert len(confusion.table) <= 4000
    for figure in (confusion, roc):
        assert "Of 2,000 classes" in figure.caption
        assert len(str(figure.specification)) < 2_000_000


def test_names_of_files_are_plain():
    assert slug("Ten layers, RMSprop: where ε stands") == "ten-layers-rmsprop-where-epsilon-stands"
    assert slug("../../etc") == "etc"
    assert slug("؟") == "figure"
    assert slug("CON") == "figure-con"


def test_signs_that_no_svg_may_hold_are_drawn_as_replaced(results):
    """They come with the class names of a user's own data, and would end the whole program."""
    bad = "a\x01b\ufffe"
    figure = one(CurveFigure(title="t", networks=("config2",)), results)
    specification = {
        "data": {"values": [{bad: bad, "y": 1}]},
        "mark": "point",
        "encoding": {"x": {"field": bad, "type": "nominal"}, "y": {"field": "y"}},
    }
    keys = tuple(replace(key, label=bad, note=bad) for key in figure.keys)
    job = replace(figure.job, title=bad, keys=keys, specification=specification)
    drawing = draw(job)
    text = "".join(ET.fromstring(drawing.svg).itertext())
    assert text.count("a\ufffdb\ufffd") == 2 + 2 * len(keys) + 2  # two titles, the legend, the axis
    assert drawing.png.startswith(b"\x89PNG")


# Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB.
SEEN_BY = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
               [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    x = XYZ @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eyes", SEEN_BY)
@pytest.mark.parametrize(
    ("colours", "least"), [(theme.HUES, 18), (theme.COLOURS, 7), (theme.HUES_ON_DARK, 18)]
)
def test_colours_differ_for_all_eyes(eyes, colours, least):
    seen = [lab(np.array(SEEN_BY[eyes]) @ linear(c)) for c in colours]
    distances = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(distances) >= least


def contrast(one: str, other: str) -> float:
    light, dark = sorted((XYZ[1] @ linear(colour) for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colours_stand_out_from_light_and_dark_paper():
    for colour in (*theme.COLOURS, theme.GREY, *theme.LAYERS):
        assert contrast(colour, "#ffffff") > 2.4, colour
        assert contrast(theme.DARK.get(colour, colour), "#15171c") > 2.4, colour


def test_up_to_fifty_series_differ_in_colour_or_shape():
    looks = {(theme.colour(i), theme.shape(i)) for i in range(MOST_SERIES)}
    assert len(looks) == MOST_SERIES


def test_the_axis_of_a_ranking_holds_every_seed_and_no_endless_interval():
    seeds = pd.Series([0.72, 0.77])
    narrow = pd.DataFrame({"low": [0.735], "high": [0.76]})
    low, high = clipped(narrow, seeds)[1]
    assert low < seeds.min()
    assert high > seeds.max()
    wide = pd.DataFrame({"low": [-3.0], "high": [4.0]})
    low, high = clipped(wide, seeds)[1]
    assert (low, high) == pytest.approx((0.695, 0.795))


def test_a_trend_shows_and_counts_the_seeds_that_its_test_uses():
    """A diverged run has no gap, so its seed is left out of the test, and of the figure."""
    question = trend(metric=GapMetric(train_test_gap="accuracy"))
    found = results_of({"a": [0.9] * 5, "b": [0.8] * 5, "c": [0.7] * 5}, (question,))
    runs = [replace(r, diverged_at=50) if (r.network, r.seed) == ("b", 2) else r
            for r in found.runs]  # fmt: skip
    (asked,) = answer(replace(found, runs=tuple(runs)), (question,), {})
    figure = effect_figure(asked, "trend")
    assert asked.finding.seeds == 4
    assert figure.caption == "Thin: 4 seeds; thick: the medians."
    assert sorted(set(figure.table["seed"])) == [0, 1, 3, 4]
