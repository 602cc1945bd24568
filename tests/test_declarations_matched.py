"""Networks as large as another: the widths that are found, what is told of them, and what is not
one."""

from __future__ import annotations

import json
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplab.declarations.checking.audit import audit_study
from mlplab.declarations.loading import load
from mlplab.declarations.problems import BadInput
from mlplab.declarations.resolving.data_size import headers_only
from mlplab.declarations.resolving.size import Size
from mlplab.declarations.resolving.widths import nearest_widths
from mlplab.declarations.writing import study_json

ADAM = {"name": "adam", "learning_rate": 0.001}
FINAL = {"final": "accuracy"}


@pytest.fixture
def read(tmp_path):
    """Read a study of some networks on MNIST, or with other settings."""

    def reading(networks, **changes):
        study = {"name": "m", "data": {"name": "mnist"}, "optimizer": ADAM, "networks": networks}
        path = tmp_path / "study.json"
        path.write_text(json.dumps(study | changes))
        return load(path)

    return reading


def parameters(*widths, features=784, classes=10):
    return Size((features, *widths, classes), 1, 1).parameters


def test_one_hidden_layer_by_hand(read):
    """784·h + h + h·10 + 10 = 795·h + 10 is to be 136,074: h = 171.15, so 171."""
    study = read({"two": {"hidden": [128, 256]}, "one": {"hidden": [1], "matched": {"to": "two"}}})
    assert study.networks["one"].hidden == (171,)
    assert study.notes == (
        "one is matched to two with hidden layers of 171: 135,955 parameters beside 136,074.",
    )


def test_flops_are_those_of_the_whole_training(read):
    """A tenth of the steps leaves FLOPs for a network that is larger."""
    study = read(
        {
            "long": {"hidden": [64], "training": {"steps": 1000}},
            "short": {
                "hidden": [1],
                "training": {"steps": 100},
                "matched": {"to": "long", "by": "flops"},
            },
        }
    )
    assert study.networks["short"].hidden == (640,)


@settings(deadline=None)
@given(
    proportions=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    target=st.integers(1, 200_000),
    features=st.integers(1, 800),
)
def test_no_neighbour_in_these_proportions_is_nearer(proportions, target, features):
    """One neuron more or less along the proportions is no nearer, and none is a neuron off them."""

    def count(widths):
        return parameters(*widths, features=features)

    found = nearest_widths(proportions, target, count)
    scale = _common_scale(found, proportions)
    for width, part in zip(found, proportions, strict=True):
        assert width == 1 or abs(width - scale * part) < 1
    distance = abs(count(found) - target)
    for change in (-1, 1):
        together = _along(proportions, found, change)
        assert abs(count(together) - target) >= distance


def _common_scale(widths, proportions):
    """The middle of the scales that every layer of more than one neuron lies within a neuron of."""
    many = [(w, p) for w, p in zip(widths, proportions, strict=True) if w > 1]
    if not many:
        return 0.0
    low = max((w - 1) / p for w, p in many)
    high = min((w + 1) / p for w, p in many)
    assert low < high
    return (low + high) / 2


def _along(proportions, widths, change):
    """The next of the chain, straight from its definition: all its members up to there."""
    steps = sorted(
        ((2 * k - 1) / part, layer, k)
        for layer, part in enumerate(proportions)
        for k in range(2, widths[layer] + 3)
    )
    chain = [[1] * len(proportions)]
    for _, layer, k in steps:
        following = list(chain[-1])
        following[layer] = k
        chain.append(following)
    place = chain.index(list(widths))
    return tuple(chain[max(place + change, 0)])


def test_small_shapes_against_every_member_of_the_chain():
    """Equal layers: the chain is every (w+1, …, w+1, w, …, w), and the nearest of all is found."""
    for layers, target in product((1, 2, 3), range(30, 3000, 37)):
        chain = [
            tuple(w + (place < more) for place in range(layers))
            for w in range(1, 120)
            for more in range(layers)
        ]
        nearest = min(abs(parameters(*w, features=20) - target) for w in chain)
        found = nearest_widths([7] * layers, target, lambda w: parameters(*w, features=20))
        assert abs(parameters(*found, features=20) - target) == nearest
        assert found in chain


def test_the_audit_tells_that_networks_are_matched(read):
    question = {"ask": "?", "compare": ["deep", "two"], "factor": "depth", "metric": FINAL,
                "expect": "greater"}  # fmt: skip
    study = read(
        {"two": {"hidden": [128, 256]},
         "deep": {"hidden": [1, 2, 2, 2], "matched": {"to": "two"}}},
        questions=[question],
    )  # fmt: skip
    (audit,) = audit_study(study)
    assert audit.is_controlled
    assert [d.what for d in audit.matched] == ["parameters"]
    assert "They are matched in parameters (136,036, 136,074)" in audit.sentences[-1]
    assert "had to differ in widest layer (166, 256)" in audit.sentences[-1]


def test_equal_shapes_are_not_called_matched(read):
    question = {"ask": "?", "compare": ["a", "b"], "factor": "optimizer", "metric": FINAL,
                "expect": "greater"}  # fmt: skip
    study = read({"a": {"hidden": [8]}, "b": {"hidden": [8], "dropout": 0.1}}, questions=[question])
    (audit,) = audit_study(study)
    assert audit.matched == ()


def test_the_resolved_study_holds_the_widths(read, tmp_path):
    matched = read({"a": {"hidden": [64]}, "b": {"hidden": [1, 1], "matched": {"to": "a"}}})
    declared = read({"a": {"hidden": [64]}, "b": {"hidden": list(matched.networks["b"].hidden)}})
    assert matched == declared
    path = tmp_path / "resolved.json"
    path.write_text(study_json(matched))
    assert load(path) == matched


def test_a_shared_setting_reaches_the_grid_and_can_be_taken_back(read):
    study = read(
        {"base": {"hidden": [64], "matched": None}},
        matched={"to": "base"},
        grid={"hidden": [[1, 1], [1, 1, 1]], "dropout": [0.1]},
    )
    target = parameters(64)
    for name in ("1-1", "1-1-1"):
        assert parameters(*study.networks[name].hidden) == pytest.approx(target, rel=0.01)


CSV = {"format": "csv", "path": "own.csv", "label": "y"}


@pytest.mark.parametrize(
    ("networks", "where", "words"),
    [
        ({"b": {"hidden": [1], "matched": {"to": "A"}}}, "networks.b.matched.to", 'mean "a"?'),
        ({"b": {"hidden": [1], "matched": {"to": "b"}}}, "networks.b.matched.to", "itself"),
        (
            {"b": {"hidden": [1], "matched": {"to": "a"}},
             "c": {"hidden": [1], "matched": {"to": "b"}}},
            "networks.c.matched.to", 'write "a" here too',
        ),
        (
            {"b": {"hidden": [1], "matched": {"to": "c"}},
             "c": {"hidden": [1], "matched": {"to": "b"}}},
            "networks.b.matched.to", "match both to another one",
        ),
        ({"b": {"hidden": [1], "matched": {"to": "a", "by": "size"}}}, "networks.b.matched.by",
         '"parameters", "flops"'),
        ({"b": {"hidden": [1], "matched": {"by": "flops"}}}, "networks.b.matched", '"to"'),
        ({"b": {"hidden": [1], "matched": "a"}}, "networks.b.matched", '"to"'),
        ({"b": {"hidden": [1] * 30, "matched": {"to": "tiny"}}}, "networks.b.matched",
         "at the nearest, with hidden layers of 1-1-"),
        ({"b": {"hidden": [], "matched": {"to": "a"}}}, "networks.b.matched",
         "a network with hidden layers"),
    ],
)  # fmt: skip
def test_what_cannot_be_matched(read, networks, where, words):
    others = {"a": {"hidden": [8]}, "tiny": {"hidden": [1]}}
    with pytest.raises(BadInput) as refused:
        read({**others, **networks})
    assert where in [problem.where for problem in refused.value.problems]
    assert words in str(refused.value)


def test_own_data_tell_their_size_unless_only_headers_are_read(read, tmp_path):
    (tmp_path / "own.csv").write_text("p,q,y\n" + "1,2,3\n4,5,6\n" * 400)
    networks = {
        "own": {"hidden": [4, 4], "data": CSV},
        "b": {"hidden": [1], "data": CSV, "matched": {"to": "own"}},
    }
    found = read(networks).networks["b"].hidden
    wanted = parameters(4, 4, features=2, classes=2)
    assert abs(parameters(*found, features=2, classes=2) - wanted) <= 3
    with headers_only(), pytest.raises(BadInput, match="features and classes are known before"):
        read(networks)


def test_a_network_in_doubt_is_told_once(read):
    with pytest.raises(BadInput) as refused:
        read({"a": {"hidden": [0]}, "b": {"hidden": [1], "matched": {"to": "a"}}})
    assert [problem.where for problem in refused.value.problems] == ["networks.a.hidden[0]"]
