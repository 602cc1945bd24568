"""The rule of choice, from results of known values to its words, and through a real run."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from command_line import mlplab_here
from mlplab.analysis.calibration import calibration_over_seeds
from mlplab.analysis.choice.best import NoChoice
from mlplab.analysis.choice.export import choice_json
from mlplab.analysis.choice.rule import Choice, choose
from mlplab.analysis.choice.words import caveats_of, outcome_in_words, rule_in_words
from mlplab.analysis.timing import measured_once
from mlplab.data.preparation import prepare
from mlplab.declarations.choice import ChoiceRule
from mlplab.declarations.loading import load
from mlplab.declarations.problems import BadInput
from mlplab.declarations.study import Study
from mlplab.declarations.writing import study_json
from mlplab.figures.calibration import reliability_figure
from mlplab.metrics.calibration import BINS
from mlplab.metrics.classification import Evaluation
from mlplab.records.results import Results, Run
from mlplab.report import markdown
from mlplab.report.chapters.choice import chapter
from mlplab.report.context import Context
from mlplab.runner.run import run
from mlplab.statistics.best import comparisons_with_best
from small_studies import ADAM, network, study

NOISE = np.array([0.001, -0.001, 0.0005, -0.0005, 0.0])
SEEDS = len(NOISE)


def made(split: str = "validation", choice: ChoiceRule | None = None, **of) -> Results:
    """Results of networks by name: (hidden units, mean accuracy, seconds), five seeds each."""
    part = 0.1 if split == "validation" else 0
    networks, runs = {}, []
    for name, (units, accuracy, seconds) in of.items():
        networks[name] = network(
            hidden=[units], seeds=list(range(SEEDS)), data={"name": "digits", "validation": part}
        )
        for seed in range(SEEDS):
            # Networks are noisy in their own ways: the noise is turned round by the width.
            curve = np.array([0.1, accuracy + np.roll(NOISE, units)[seed]])
            runs.append(
                Run(name, seed, f"{name}{seed}", np.array([10, 20]),
                    {(s, "accuracy"): curve for s in ("test", split)}, None, 20,
                    seconds + 0.01 * seed, None, (64, units, 10))
            )  # fmt: skip
    declared = Study("made", networks, choice=choice or ChoiceRule())
    return Results(declared, tuple(runs), (), {})


def chosen(results: Results) -> Choice:
    found = choose(results)
    assert isinstance(found, Choice)
    return found


def test_the_cheapest_within_the_margin_is_taken():
    found = chosen(
        made(small=(8, 0.90, 1), middle=(16, 0.95, 2), large=(64, 0.95, 3),
             choice=ChoiceRule(within=0.01))
    )  # fmt: skip
    assert found.chosen == "middle"
    assert [c.network for c in found.candidates] == ["small", "middle", "large"]
    # 64·16 + 16 + 16·10 + 10 parameters, the same for every seed.
    cost = found.shown.costs["parameters"]
    assert (cost.mean, cost.low, cost.high) == (1210, 1210, 1210)
    assert found.split == "validation"
    assert not found.has_seen_test_data
    (of_rows,) = caveats_of(found)
    assert "144 validation rows" in of_rows


@pytest.mark.parametrize(
    ("cost", "taken"), [("parameters", "narrow"), ("flops", "narrow"), ("seconds", "wide")]
)
def test_what_is_cheap_is_what_the_rule_says(cost, taken):
    rule = ChoiceRule(within=0.01, cost=cost)
    found = chosen(made(narrow=(16, 0.95, 5), wide=(21, 0.95, 2), choice=rule))
    assert found.chosen == taken
    assert [c.costs[cost].mean for c in found.candidates] == sorted(
        c.costs[cost].mean for c in found.candidates
    )


def test_the_front_is_told_for_every_cost():
    found = chosen(made(cheap=(8, 0.90, 9), slow=(16, 0.89, 8), good=(32, 0.95, 7)))
    fronts = {c.network: c.pareto_front for c in found.candidates}
    assert fronts == {
        "cheap": {"parameters", "flops"},
        "slow": frozenset(),
        "good": {"parameters", "flops", "seconds"},
    }


def test_only_networks_that_the_rule_names_are_compared():
    rule = ChoiceRule(networks=("a", "b"))
    found = chosen(made(a=(8, 0.9, 1), b=(16, 0.91, 1), c=(32, 0.99, 1), choice=rule))
    assert {c.network for c in found.candidates} == {"a", "b"}


def test_a_choice_on_test_data_is_warned_of():
    found = chosen(made(split="test", a=(8, 0.9, 1), b=(16, 0.95, 1)))
    assert found.has_seen_test_data
    assert any("The test set chose" in words for words in caveats_of(found))
    assert json.loads(choice_json(found))["has_seen_test_data"] is True


def test_one_network_without_validation_moves_the_decision_to_the_test_set():
    results = made(a=(8, 0.9, 1), b=(16, 0.95, 1))
    networks = dict(results.study.networks)
    networks["b"] = networks["b"].model_copy(
        update={"data": networks["b"].data.model_copy(update={"validation": 0})}
    )
    mixed = replace(results, study=replace(results.study, networks=networks))
    assert chosen(mixed).has_seen_test_data


def test_what_the_seeds_do_not_show_is_not_taken():
    """Two networks that differ less than their noise: neither is shown to be within 0.001%."""
    found = chosen(made(a=(9, 0.95, 1), b=(16, 0.95, 1), choice=ChoiceRule(within=0.00001)))
    assert found.chosen is None
    assert found.shown is found.best
    assert "none is shown to be" in outcome_in_words(found)


def test_no_candidate_of_many_is_cut_by_the_data_that_test_it():
    """Of 220 networks all are compared: limits over a cut to the best 200 would be too short."""
    accuracy = 0.9 + np.random.default_rng(5).normal(scale=0.001, size=220)
    many = {f"n{i}": (8 + i % 7, float(a), 1) for i, a in enumerate(accuracy)}
    found = chosen(made(**many))
    names = [c.network for c in found.candidates]
    assert sorted(names) == sorted(many)
    place = {name: i for i, name in enumerate(many)}
    values = np.array([[a + np.roll(NOISE, units)[s] for units, a, _ in many.values()]
                       for s in range(SEEDS)])  # fmt: skip
    expected = comparisons_with_best(values)
    order = [place[name] for name in names]
    np.testing.assert_allclose([c.low for c in found.candidates], expected.low[order], atol=1e-12)
    np.testing.assert_allclose([c.high for c in found.candidates], expected.high[order], atol=1e-12)
    assert "hold for all 220 candidates together" in json.loads(choice_json(found))["decided_by"]


def test_the_table_shows_the_chosen_one_among_more_accurate_ones():
    """30 dearer networks are a little more accurate than the one that is near enough."""
    rule = ChoiceRule(within=0.02)
    dearer = {f"n{i}": (16 + i, 0.95 + i * 1e-5, 1) for i in range(30)}
    words = markdown.document(
        "x", [chapter(Context(made(cheap=(8, 0.949, 1), **dearer, choice=rule)))]
    )
    assert "| **cheap** |" in words
    assert "Only the best 25 of 31 and the chosen one are shown." in words


def test_words_hold_the_numbers():
    found = chosen(
        made(small=(16, 0.949, 1), large=(64, 0.95, 1), choice=ChoiceRule(within=0.01))
    )  # fmt: skip
    assert rule_in_words(found).startswith(
        "the cheapest network (by parameters) that is shown to be less than 1 point worse"
    )
    # 4,810 parameters of the large one beside 1,210.
    assert outcome_in_words(found) == (
        "It takes small (1,210 parameters, 94.90%); the best mean is that of large, 95.00%, "
        "at 3.98 times the cost"
    )


def test_where_nothing_can_be_chosen_the_reason_is_told():
    alone = choose(made(a=(8, 0.9, 1)))
    assert isinstance(alone, NoChoice)
    assert "fewer than two networks" in alone.reason
    results = made(a=(8, 0.9, 1), b=(16, 0.95, 1))
    few = choose(replace(results, runs=tuple(r for r in results.runs if r.seed < 2)))
    assert isinstance(few, NoChoice)
    diverged = [replace(r, diverged_at=10) if r.network == "a" else r for r in results.runs]
    lost = choose(replace(results, runs=tuple(diverged)))
    assert isinstance(lost, NoChoice)
    assert json.loads(choice_json(lost)) == {
        "chosen": None,
        "sentence": f"No choice: {lost.reason}.",
    }


def test_a_diverged_network_is_left_out_and_named():
    results = made(a=(8, 0.9, 1), b=(16, 0.95, 1), wild=(32, 0.99, 1))
    runs = [replace(r, diverged_at=10) if r.network == "wild" else r for r in results.runs]
    found = chosen(replace(results, runs=tuple(runs)))
    assert found.found.left_out == ("wild",)
    assert any("wild" in words for words in caveats_of(found))


def test_seconds_of_one_stack_are_one_measurement():
    seconds = np.array([[2.0, 2.0, 3.0, 3.0], [1.0, 1.0, 1.0, 1.0]])
    np.testing.assert_array_equal(
        measured_once(seconds), [[2.0, np.nan, 3.0, np.nan], [1.0, np.nan, np.nan, np.nan]]
    )


@pytest.fixture
def read(tmp_path):
    """Read a study of two networks with a rule of choice."""

    def reading(choice):
        path = tmp_path / "study.json"
        networks = {"small": {"hidden": [8]}, "large": {"hidden": [16]}}
        path.write_text(json.dumps({
            "name": "s", "data": {"name": "digits"}, "optimizer": ADAM, "networks": networks,
            "choice": choice,
        }))  # fmt: skip
        return load(path)

    return reading


def test_a_declared_rule_survives_its_writing(read, tmp_path):
    declared = read({"within": 0.01, "cost": "seconds", "networks": ["small", "large"]})
    assert declared.choice == ChoiceRule(within=0.01, cost="seconds", networks=("small", "large"))
    path = tmp_path / "again.json"
    path.write_text(study_json(declared))
    assert load(path) == declared
    assert load(path, select=["small"]).choice.networks is None


@pytest.mark.parametrize(
    ("choice", "where", "words"),
    [
        ({"within": 0}, "choice.within", "a number above 0"),
        ({"cost": "money"}, "choice.cost", '"parameters", "flops", "seconds"'),
        ({"networks": ["small"]}, "choice.networks", "at least 2"),
        ({"networks": ["small", "larg"]}, "choice.networks[1]", 'did you mean "large"?'),
        ({"networks": ["small", "small"]}, "choice.networks[1]", "every network once"),
        ({"margin": 0.1}, "choice.margin", "unknown key"),
        ("cheapest", "choice", "an object"),
    ],
)
def test_bad_rules_are_told_with_their_place(read, choice, where, words):
    with pytest.raises(BadInput) as refused:
        read(choice)
    (problem,) = refused.value.problems
    assert problem.where == where
    assert words in str(problem)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two networks of four seeds on digits, with a validation part."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    settings = {
        "data": {"name": "digits", "validation": 0.2},
        "seeds": [0, 1, 2, 3],
        "training": {"steps": 60, "batch_size": 32, "evaluate_every": 20},
    }
    declared = study(
        little=network(hidden=[8], **settings), much=network(hidden=[32], **settings)
    )  # fmt: skip
    run(replace(declared, choice=ChoiceRule(within=0.5)), folder, device="cpu")
    return folder


def test_the_recorded_calibration_is_scikit_learns(folder):
    """Bins and rates from predictions that are made again, by scikit-learn's calibration_curve."""
    results = Results.open(folder)
    data = prepare(results.study.networks["much"].data, results.study.folder)
    logits = results.predict("much", 1, data.inputs[data.test_rows], prepared=True).astype(float)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    confidence = (odds / odds.sum(axis=1, keepdims=True)).max(axis=1)
    right = logits.argmax(axis=1) == data.labels[data.test_rows]
    accuracy, mean = calibration_curve(right, confidence, n_bins=BINS, strategy="uniform")
    recorded = results.run("much", 1).evaluation.calibration
    np.testing.assert_allclose(recorded.accuracy, accuracy, atol=1e-6)
    np.testing.assert_allclose(recorded.confidence, mean, atol=1e-6)
    counts, _ = np.histogram(confidence, bins=BINS, range=(0, 1))
    assert list(recorded.rows) == counts[counts > 0].tolist()
    expected = np.abs(accuracy - mean) @ counts[counts > 0] / counts.sum()
    assert recorded.expected_error == pytest.approx(expected, abs=1e-6)


def test_older_records_are_measured_again_to_the_same_numbers(folder):
    results = Results.open(folder)
    recorded = calibration_over_seeds(results, "much")
    for one in results.runs:
        older = json.loads(one.evaluation.to_json())
        del older["calibration"]
        one.__dict__["evaluation"] = Evaluation.from_json(json.dumps(older))
        assert one.evaluation.calibration is None
    again = calibration_over_seeds(results, "much")
    assert float(again.expected_error.mean) == pytest.approx(float(recorded.expected_error.mean))
    np.testing.assert_allclose(again.curve, recorded.curve, atol=1e-6)


def test_the_reliability_figure_tells_error_and_lean(folder):
    found = calibration_over_seeds(Results.open(folder), "much")
    figure = reliability_figure(found, "calibration")
    assert f"{100 * float(found.expected_error.mean):.2f} points" in figure.caption
    assert figure.table["share"].sum() == pytest.approx(1)
    curve = figure.table
    gap = float(((curve["accuracy"] - curve["confidence"]) * curve["share"]).sum())
    assert ("less sure" if gap > 0 else "more sure") in figure.caption


def test_the_command_line_tells_the_choice(folder):
    ended = mlplab_here("export", str(folder), "--choice", "choice.json", cwd=folder.parent)
    assert ended.returncode == 0, ended.stderr
    told = json.loads((folder.parent / "choice.json").read_text())
    assert told["chosen"] == "little"
    assert told["split"] == "validation"
    assert {c["network"] for c in told["candidates"]} == {"little", "much"}
    ended = mlplab_here("report", str(folder), "--png", cwd=folder.parent)
    assert ended.returncode == 0, ended.stderr
    text = (folder / "report.md").read_text()
    assert "It takes little (" in text
    for name in ("confusion", "roc", "learning-curve", "calibration"):
        assert (folder / "figures" / f"choice-{name}.png").is_file()
    for words in ("F1, macro", "F1, weighted", "log loss", "expected calibration error (ECE)"):
        assert words in text
