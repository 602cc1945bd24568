"""The content key: what changes it, what does not, and the words for the difference."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplab.declarations.network import Network
from mlplab.records.key import NUMERICS, difference, key_content, key_of
from small_studies import ADAM, network

AROUND = {
    "outputs": 10,
    "data_digest": "d1",
    "seed": 0,
    "precision": "float32",
    "device_kind": "cpu",
}


def content(declared: Network, **changes: object) -> str:
    return key_content(declared, **{**AROUND, **changes})


def test_key_is_the_sha256_of_canonical_json():
    text = content(network())
    assert json.loads(text)["numerics"] == NUMERICS
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert key_of(text) == hashlib.sha256(text.encode()).hexdigest()


CHANGES = {
    "hidden": {"hidden": [17]},
    "depth": {"hidden": [16, 16]},
    "activation": {"activation": "tanh"},
    "normalization": {"normalization": "layer"},
    "residual": {"hidden": [16, 16], "residual": True},
    "input scale": {"input_scale": True},
    "dropout": {"dropout": 0.1},
    "rate": {"optimizer": {**ADAM, "learning_rate": 0.02}},
    "optimizer": {"optimizer": {"name": "sgd", "learning_rate": 0.01}},
    "epsilon": {"optimizer": {**ADAM, "epsilon_placement": "outside_root"}},
    "weights": {"initial_weights": {"distribution": "he"}},
    "validation": {"data": {"name": "digits", "validation": 0.1}},
    "classes": {"data": {"name": "digits", "classes": [0, 1]}},
    "steps": {"training": {"steps": 21, "batch_size": 32, "evaluate_every": 10}},
    "evaluations": {"training": {"steps": 20, "batch_size": 32, "evaluate_every": 5}},
    "diagnostics": {
        "training": {"steps": 20, "batch_size": 32, "evaluate_every": 10, "diagnostics": True}
    },
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_setting_is_in_the_key(change):
    assert content(network(**CHANGES[change])) != content(network())


@pytest.mark.parametrize(
    "around",
    [
        {"seed": 1},
        {"data_digest": "d2"},
        {"precision": "bfloat16"},
        {"device_kind": "cuda"},
        {"outputs": 11},
    ],
)
def test_what_surrounds_a_network_is_in_the_key(around):
    assert content(network(), **around) != content(network())


def test_a_default_that_is_written_out_is_the_same_content():
    written = network(activation="relu", dropout=0.0, data={"name": "digits", "validation": 0})
    assert content(written) == content(network())


def test_the_list_of_seeds_is_not_in_the_key_of_one_seed():
    assert content(network(seeds=[0, 1, 2])) == content(network(seeds=[0]))


def test_where_data_lie_is_not_in_the_key_since_their_digest_is():
    here = network(data={"format": "csv", "path": "a.csv", "label": "y"})
    there = network(data={"format": "csv", "path": "b/c.csv", "label": "y"})
    assert content(here) == content(there)


@given(
    rate=st.floats(1e-6, 1.0),
    other=st.floats(1e-6, 1.0),
    seeds=st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
)
def test_keys_are_equal_exactly_if_settings_are(rate, other, seeds):
    one = content(network(optimizer={**ADAM, "learning_rate": rate}), seed=seeds[0])
    two = content(network(optimizer={**ADAM, "learning_rate": other}), seed=seeds[1])
    assert (key_of(one) == key_of(two)) == (rate == other and seeds[0] == seeds[1])


def test_difference_names_the_setting_and_both_values():
    told = difference(content(network()), content(network(**CHANGES["steps"])))
    assert told == "training.steps was 20, is now 21"


def test_difference_names_a_default_that_was_never_written():
    told = difference(content(network()), content(network(**CHANGES["epsilon"])))
    assert told == ('optimizer.epsilon_placement was "before_correction", is now "outside_root"')


def test_difference_of_another_optimizer_lists_what_both_have():
    told = difference(content(network()), content(network(**CHANGES["optimizer"])))
    assert told == 'optimizer.name was "adam", is now "sgd"'


def test_difference_tells_of_data_device_and_numerics():
    old = content(network())
    assert "data" in difference(old, content(network(), data_digest="d2"))
    assert 'device was "cpu", is now "cuda"' in difference(
        old, content(network(), device_kind="cuda")
    )
    newer = json.dumps({**json.loads(old), "numerics": NUMERICS + 1})
    assert difference(old, newer) == "mlplab has computed differently since"


def test_difference_copes_with_settings_that_this_version_does_not_know():
    strange = json.loads(content(network()))
    strange["network"]["flavour"] = "sweet"
    assert difference(json.dumps(strange), content(network())) == 'flavour was "sweet"'
