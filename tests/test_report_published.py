"""What is said of a published run: within, outside, or nothing; and of whom nothing can be said."""

from dataclasses import replace

import numpy as np
import pytest

from mlplab.declarations.loading import load
from mlplab.declarations.optimizer import RmsProp
from mlplab.declarations.training import Training
from mlplab.figures import published
from mlplab.figures.against_published import compare
from mlplab.figures.ensemble import Ensemble
from mlplab.report.chapters import against_published
from mlplab.report.chapters.against_published import differences
from mlplab.report.context import Context
from mlplab.report.markdown import document
from simulated_results import FACTS, network, report_study, simulated


def written(results) -> str:
    return document("x", [against_published.chapter(Context(results))])


def ensemble(steps, values) -> Ensemble:
    values = np.array(values, dtype=float)
    return Ensemble("config2", tuple(range(len(values))), np.array(steps), values)


def test_the_facts_are_the_reports_own():
    assert published.names() == ("report-2023",)
    assert published.load("another") is None
    assert sorted(f.number for f in FACTS.figures.values()) == [1, 2, 3, 4, 5, 6, 10]
    assert FACTS.figure("figure_1") is FACTS.figure("figure_1_accuracy_by_depth")
    assert FACTS.figure("figure_10").curves.keys() == {
        ("config10", "batch"),
        ("config10", "test"),
    }
    assert FACTS.figure("Figure 7") is None
    for figure in FACTS.figures.values():
        for (name, _), curve in figure.curves.items():
            assert name in FACTS.settings
            assert curve.shape == figure.steps.shape == (20,)
        # A loss of softmaxed outputs cannot fall below log(e + 9) - 1 = 1.4612.
        floor = np.log(np.e + 9) - 1
        low = min(curve.min() for curve in figure.curves.values())
        assert (low > floor) == (figure.metric == "softmaxed_loss")


def test_within_and_outside_are_told_at_common_steps_only():
    theirs = FACTS.figure("figure_1")
    curve = theirs.curves["config2", "test"]
    noise = np.array([[-0.004], [0.0], [0.004], [0.001]])
    near = ensemble(theirs.steps[:10], curve[:10] + noise)
    (agrees,) = compare(theirs, {("config2", "test"): near})
    assert agrees.steps.tolist() == list(range(100, 1001, 100))
    assert len(agrees.outside) == 0
    away = curve.copy()
    away[3] -= 0.2
    (differs,) = compare(theirs, {("config2", "test"): ensemble(theirs.steps, away + noise)})
    assert differs.outside.tolist() == [400]
    assert compare(theirs, {("config2", "test"): ensemble([50, 150], [[0.5, 0.6]] * 3)}) == []


def test_two_seeds_allow_no_statement():
    theirs = FACTS.figure("figure_1")
    two = ensemble(theirs.steps, [theirs.curves["config2", "test"]] * 2)
    (silent,) = compare(theirs, {("config2", "test"): two})
    assert silent.comparison is None
    text = written(simulated(report_study(seeds=2, numbers=(2, 3))))
    assert "No statement from 2 seeds" in text
    assert "no statement from 2 seeds" in text
    assert "prediction band" not in text.split("No statement")[0]
    assert "does it lie within our bands?" not in text


def test_network_by_network_and_figure_by_figure():
    results = simulated(report_study(seeds=5, numbers=(1, 2, 3, 10, 16)))
    text = written(results)
    for heading in ("The table of config10", "The ROC areas of config10", "went wrong"):
        assert heading in text
    assert "| config16 | 5 | 2,000 | 0.9149 |" in text
    assert "Figure 5 of the 2023 report, accuracy by optimizer" in text
    assert "1.4612" in text
    chapter = against_published.chapter(Context(results))
    assert {f.name for f in chapter.figures} >= {
        "published-figure-10-learning-curve-config10-accuracy"
    }


def test_a_run_that_is_elsewhere_is_said_to_be():
    results = simulated(report_study(seeds=4, numbers=(1, 2)))
    runs = tuple(
        replace(
            run, curves={k: v - 0.3 if k[1] == "accuracy" else v for k, v in run.curves.items()}
        )
        if run.network == "config2"
        else run
        for run in results.runs
    )
    text = written(replace(results, runs=runs))
    line = next(x for x in text.splitlines() if x.startswith("| config2 | 4 | 2,000 | 0.9768"))
    assert "0 of 20" in line
    assert "outside at 100" in line


def declared(name="config6", **changes):
    settings = FACTS.settings[name]
    rate = settings.optimizer.learning_rate
    made = network(settings.hidden, settings.optimizer.name, rate, data="mnist")
    return made.model_copy(update=changes)


@pytest.mark.parametrize("study", ["report-2023", "config17"])
def test_the_shipped_studies_have_the_published_settings(study):
    whole = {n: network for n, network in load(study).networks.items() if network.roles is None}
    for name, shipped in whole.items():
        assert differences(shipped, FACTS.settings[name]) == [], name
        assert shipped.training.steps == FACTS.settings[name].training.steps


def test_other_settings_are_another_network():
    base = declared()
    assert differences(base, FACTS.settings["config6"]) == []
    fewer = base.model_copy(update={"training": Training(steps=500)})
    assert differences(fewer, FACTS.settings["config6"]) == []
    outside = RmsProp(name="rmsprop", learning_rate=0.001, epsilon_placement="outside_root")
    assert differences(declared(optimizer=outside), FACTS.settings["config6"]) == ["place of ε"]
    other = base.optimizer.model_copy(update={"epsilon": 0.01})
    assert differences(declared(optimizer=other), FACTS.settings["config6"]) == [
        "other settings of the optimizer"
    ]
    changed = base.model_copy(
        update={"training": Training(batch_size=128), "activation": "tanh", "hidden": (5,)}
    )
    assert differences(changed, FACTS.settings["config6"]) == [
        "hidden layers",
        "activation",
        "batch size",
    ]
    results = simulated(report_study(seeds=3, numbers=(2, 3), batch_size=128))
    text = written(results)
    assert "No network here has the published settings" in text
    assert "batch size" in text


def test_without_a_published_study_there_is_no_chapter():
    results = simulated(report_study(seeds=3, numbers=(2,)))
    alone = replace(results, study=replace(results.study, compare_with=None))
    assert against_published.chapter(Context(alone)) is None


SECOND = {
    "title": "a made-up study",
    "steps": [10, 20],
    "shared": {"data": {"name": "digits"}, "training": {"batch_size": 16}},
    "networks": {"a": {"hidden": [8], "optimizer": {"name": "sgd", "learning_rate": 0.1}}},
    "figures": {
        "first": {
            "number": 7,
            "title": "accuracy of a",
            "metric": "accuracy",
            "curves": [{"network": "a", "split": "test", "values": [0.5, 0.6]}],
        }
    },
}


def test_a_second_published_study_is_another_file(tmp_path, monkeypatch):
    import json

    (tmp_path / "second.json").write_text(json.dumps(SECOND))
    monkeypatch.setattr(published, "_folder", lambda: tmp_path)
    published.load.cache_clear()
    try:
        assert published.names() == ("second",)
        declared = network((8,), "sgd", 0.1, steps=20, seeds=4, batch_size=16, evaluate_every=10)
        declared = declared.model_copy(update={"initial_weights": default_weights()})
        study = replace(report_study(), networks={"a": declared}, figures=(), compare_with="second")
        results = simulated(study)
        curves = {("test", "accuracy"): np.array([0.5, 0.6])}
        runs = tuple(replace(run, curves={**run.curves, **curves}) for run in results.runs)
        chapter = against_published.chapter(Context(replace(results, runs=runs)))
        text = document("x", [chapter])
        assert "**1 of 1** published curves" in text
        assert "Figure 7 of a made-up study" in text
        assert "2023" not in text
        assert "went wrong" not in text
    finally:
        published.load.cache_clear()


def default_weights():
    """The initial weights of a network that names none."""
    from mlplab.declarations.network import Network

    return Network.model_fields["initial_weights"].default
