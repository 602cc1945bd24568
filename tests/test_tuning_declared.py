"""Fair tuning as it is declared: the space, the trials of every network, and what is refused."""

from __future__ import annotations

import json

import pytest

from mlplab.declarations.checking.audit import audit_study
from mlplab.declarations.loading import load
from mlplab.declarations.problems import BadInput
from mlplab.declarations.resolving.tuning_trials import (
    candidates,
    rounds_of,
    study_of_trials,
    trials_of_round,
    tuned_networks,
    values_of,
    with_chosen,
)
from mlplab.declarations.tuning import Range, Tuning
from mlplab.declarations.writing import study_json
from small_studies import network

RATES = {"optimizer.learning_rate": [0.001, 0.01, 0.1]}


def declared(tune=None, **more):
    return {
        "name": "tuned",
        "data": {"name": "digits", "validation": 0.2},
        "training": {"steps": 40, "batch_size": 32, "evaluate_every": 20},
        "seeds": 3,
        "networks": {
            "adam": {"hidden": [16], "optimizer": {"name": "adam", "learning_rate": 0.001}},
            "sgd": {"hidden": [16], "optimizer": {"name": "sgd", "learning_rate": 0.1}},
        },
        "questions": [
            {
                "ask": "Is Adam better?", "compare": ["adam", "sgd"], "factor": "optimizer",
                "metric": {"final": "accuracy"}, "expect": "greater",
            }
        ],
        "tune": {"space": RATES, **(tune or {})},
        **more,
    }  # fmt: skip


def loaded(folder, tune=None, more=None, **how):
    path = folder / "tuned.json"
    path.write_text(json.dumps(declared(tune, **(more or {}))))
    return load(path, **how)


def test_a_range_is_a_grid_of_equal_ratios_or_differences():
    assert values_of(Range(low=0.001, high=1, points=4), False) == [0.001, 0.01, 0.1, 1]
    # Ten to the power of -4, -3.5, … rounded to three digits.
    assert values_of(Range(low=1e-4, high=1e-2, points=5), False) == [
        1e-4, 0.000316, 0.001, 0.00316, 0.01,
    ]  # fmt: skip
    assert values_of(Range(low=0, high=1, points=5, scale="linear"), False) == [
        0, 0.25, 0.5, 0.75, 1,
    ]  # fmt: skip
    assert values_of(Range(low=16, high=64, points=3), True) == [16, 32, 64]
    # Three digits would make these the same, so more are kept.
    close = values_of(Range(low=1, high=1.001, points=3), False)
    assert len(set(close)) == 3


def test_a_grid_tries_every_combination():
    tune = Tuning(space={"optimizer.learning_rate": (0.1, 0.2), "dropout": (0.0, 0.5)})
    tried = candidates(tune, network())
    assert tried == [
        {"optimizer.learning_rate": rate, "dropout": dropout}
        for rate in (0.1, 0.2)
        for dropout in (0.0, 0.5)
    ]


def test_random_trials_are_the_same_every_time_and_lie_in_the_space():
    space = {"optimizer.learning_rate": Range(low=0.001, high=1), "training.batch_size": (16, 32)}
    tune = Tuning(space=space, search="random", trials=20)
    tried = candidates(tune, network())
    assert tried == candidates(tune, network())
    assert len({json.dumps(settings) for settings in tried}) == 20
    rates = [settings["optimizer.learning_rate"] for settings in tried]
    assert min(rates) >= 0.001
    assert max(rates) <= 1
    # On a log scale half of them lie below the middle, 0.0316: 3 to 17 of 20 with p > 0.9995.
    assert 3 <= sum(rate < 0.0316 for rate in rates) <= 17
    assert {settings["training.batch_size"] for settings in tried} == {16, 32}


@pytest.mark.parametrize(
    ("search", "count", "expected"),
    [
        ("grid", 8, [(8, 500)]),
        ("successive halving", 8, [(8, 125), (4, 250), (2, 500)]),
        ("successive halving", 7, [(7, 125), (4, 250), (2, 500)]),
        ("successive halving", 2, [(2, 500)]),
    ],
)
def test_rounds_of_halving_by_hand(search, count, expected):
    tune = Tuning(space={"dropout": tuple(range(count))}, search=search, steps=500)
    rounds = rounds_of(tune, network(), count)
    assert [(one.settings, one.steps) for one in rounds] == expected


def test_every_network_has_the_same_trials(tmp_path):
    study = loaded(tmp_path, {"steps": 20, "seeds": 2})
    trials = trials_of_round(study, 0, dict.fromkeys(study.networks, range(3)))
    of = {
        name: [
            (t.number, t.settings, t.declared.seeds, t.declared.training)
            for t in trials
            if t.network == name
        ]
        for name in study.networks
    }
    assert len(of["adam"]) == 3
    assert of["adam"] == of["sgd"]
    made = study_of_trials(study, trials)
    assert len(made.networks) == 6
    assert {n.seeds for n in made.networks.values()} == {(999_999, 999_998)}
    assert {n.training.steps for n in made.networks.values()} == {20}
    assert made.networks["sgd · learning_rate 0.01"].optimizer.learning_rate == 0.01
    assert made.networks["sgd · learning_rate 0.01"].optimizer.name == "sgd"


def test_tuning_seeds_are_none_of_the_study_whatever_the_command_line_says(tmp_path):
    study = loaded(tmp_path, seeds=7)
    assert study.networks["adam"].seeds == tuple(range(7))
    assert set(study.tune.all_seeds).isdisjoint(range(100_000))
    with pytest.raises(BadInput, match="5, a seed of adam"):
        loaded(tmp_path, {"seeds": [5]}, seeds=7)
    assert loaded(tmp_path, {"seeds": [5]}).tune.all_seeds == (5,)


def test_settings_of_tuning_from_the_command_line(tmp_path):
    study = loaded(tmp_path, overrides=["tune.steps=10", "tune.space.optimizer.learning_rate=[1]"])
    assert study.tune.steps == 10
    assert study.tune.space == {"optimizer.learning_rate": (1,)}


def test_a_selected_network_is_tuned_alone(tmp_path):
    assert list(tuned_networks(loaded(tmp_path, select=["sgd"]))) == ["sgd"]
    some = loaded(tmp_path, {"networks": ["adam"]}, select=["sgd"])
    assert some.tune is None


def test_a_tuned_study_reads_as_the_same_and_tunes_again(tmp_path):
    study = loaded(tmp_path)
    (tmp_path / "again.json").write_text(study_json(study))
    assert load(tmp_path / "again.json") == study
    chosen = with_chosen(study, {"adam": {"optimizer.learning_rate": 0.1}})
    assert chosen.networks["adam"].optimizer.learning_rate == 0.1
    assert chosen.networks["sgd"] == study.networks["sgd"]
    assert chosen.tuned == {"adam": {"optimizer.learning_rate": 0.1}}
    (tmp_path / "again.json").write_text(study_json(chosen))
    entered = dict.fromkeys(study.networks, range(3))
    again = load(tmp_path / "again.json")
    assert trials_of_round(again, 0, entered) == trials_of_round(study, 0, entered)


def test_a_tuned_rate_is_no_confounder(tmp_path):
    study = loaded(tmp_path)
    (audit,) = audit_study(study)
    assert audit.is_controlled
    assert audit.sentences[0].startswith("Besides what was tuned, the only setting")
    assert "Each has its own learning rate, tuned over the same space" in audit.sentences[1]
    rates = {"adam": {"optimizer.learning_rate": 0.01}, "sgd": {"optimizer.learning_rate": 0.1}}
    (audit,) = audit_study(with_chosen(study, rates))
    assert audit.is_controlled
    assert "learning rate (0.01, 0.1), tuned" in audit.sentences[1]


def test_a_rate_that_only_one_of_them_tuned_is_a_confounder(tmp_path):
    (audit,) = audit_study(loaded(tmp_path, {"networks": ["adam"]}))
    assert not audit.is_controlled
    assert audit.tuned == ()
    assert [one.path for one in audit.others] == ["optimizer.learning_rate"]


REFUSED = {
    "misspelt path": (
        {"space": {"optimizer.lerning_rate": [1]}},
        'did you mean "optimizer.learning_rate"?',
    ),
    "path of one network only": (
        {"space": {"optimizer.momentum": [0.5, 0.9]}},
        "which adam has not",
    ),
    "impossible value": ({"space": {"optimizer.learning_rate": [0.1, -1]}}, "rate[1]: expected a"),
    "impossible batch": (
        {"space": {"training.batch_size": [32, 5000]}},
        "batch_size[1]: expected at most 1150",
    ),
    "range of words": ({"space": {"activation": {"low": 1, "high": 2}}}, "space.activation: expec"),
    "ends that cross": (
        {"space": {"optimizer.learning_rate": {"low": 1, "high": 0.1}}},
        "a low end below the high one",
    ),
    "log from nothing": (
        {"space": {"dropout": {"low": 0, "high": 0.5}}},
        'write "scale": "linear"',
    ),
    "misspelt key of a range": (
        {"space": {"dropout": {"low": 0, "hgh": 0.5}}},
        'did you mean "high"?',
    ),
    "value twice": ({"space": {"dropout": [0.5, 0.5]}}, "0.5 again"),
    "no value": ({"space": {"dropout": []}}, "a non-empty list"),
    "no space": ({"space": {}}, "at least one key"),
    "setting within another": (
        {"space": {"training.batch_size": [32], "training": [{"steps": 40}]}},
        'lies outside "training"',
    ),
    "the data": ({"space": {"data.validation": [0.1, 0.2]}}, "on the same rows"),
    "the steps": ({"space": {"training.steps": [10, 20]}}, 'is "steps" in "tune"'),
    "a kind": ({"space": {"optimizer.name": ["sgd", "adam"]}}, "a network of each kind"),
    "too long": ({"steps": 41}, "at most 40, the training steps of adam"),
    "too short to halve": (
        {"search": "successive halving", "steps": 1},
        "at least 2 steps, which 2 rounds halve",
    ),
    "unknown network": ({"networks": ["adm"]}, 'did you mean "adam"?'),
    "network twice": ({"networks": ["sgd", "sgd"]}, '"sgd" again'),
    "seed of the study": ({"seeds": [1]}, "1, a seed of adam"),
    "seed twice": ({"seeds": [9, 9]}, "9 twice"),
    "grid with trials": ({"trials": 3}, 'write "search": "random"'),
    "random without": ({"search": "random"}, 'add "trials"'),
    "more than there are": ({"search": "random", "trials": 9}, "at most 3, the different settings"),
    "unknown search": ({"search": "gird"}, 'did you mean "grid"?'),
    "far too many": (
        {"space": {"dropout": {"low": 0.1, "high": 0.5, "points": 1000},
                   "optimizer.learning_rate": {"low": 0.1, "high": 1, "points": 6}}},
        "at most 10000 trials",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("tune", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_tuned_is_told_in_a_sentence(tmp_path, tune, told):
    with pytest.raises(BadInput) as caught:
        loaded(tmp_path, tune)
    (problem,) = caught.value.problems
    assert told in str(problem)
    assert "\n" not in str(problem)


def test_tuning_needs_a_validation_part(tmp_path):
    with pytest.raises(BadInput, match=r'a validation part, .*add "validation": 0\.1 to data'):
        loaded(tmp_path, more={"data": {"name": "digits"}})


def test_open_set_variants_are_tuned_on_their_own_known_classes(tmp_path):
    asked = [
        {"known": [0, 1, 2], "unknown": [3], "networks": ["adam"], "steps": [10],
         "detectors": ["softmax", "class anchor"]}
    ]  # fmt: skip
    study = loaded(tmp_path, {"networks": ["adam"]}, {"open_set": asked})
    tuned = tuned_networks(study)
    assert "sgd" not in tuned
    with_roles = [name for name, network in tuned.items() if network.roles]
    assert len(with_roles) == 2  # cross-entropy and class anchor; not the one of 10 steps
    assert all(tuned[name].roles.known == ("0", "1", "2") for name in with_roles)
    chosen = {name: {"optimizer.learning_rate": 0.5} for name in tuned}
    done = with_chosen(study, chosen)
    changed = {n for n, network in done.networks.items() if network.optimizer.learning_rate == 0.5}
    assert changed == set(done.networks) - {"sgd"}
    assert sum(network.training.steps == 10 for network in done.networks.values()) == 1


def test_the_trials_of_all_variants_together_have_a_bound(tmp_path):
    asked = [{"splits": "all", "known": 5, "detectors": ["softmax", "class anchor"]}]
    with pytest.raises(BadInput, match=r"at most 10000 trials .* variants among them"):
        loaded(tmp_path, {"space": {"dropout": [k / 100 for k in range(30)]}}, {"open_set": asked})


@pytest.mark.parametrize("tuned", ["adam", "sgd"])
def test_widths_of_a_matched_pair_are_not_tuned(tmp_path, tuned):
    networks = declared()["networks"]
    networks["sgd"]["matched"] = {"to": "adam"}
    tune = {"space": {"hidden": [[8], [32]]}, "networks": [tuned]}
    with pytest.raises(BadInput, match="matched networks as large as one another"):
        loaded(tmp_path, tune, {"networks": networks})
    assert loaded(tmp_path, {"networks": [tuned]}, {"networks": networks}).tune is not None
