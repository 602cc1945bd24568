"""A class is given by name or by place: one rule, by which check refuses what run would refuse."""

from __future__ import annotations

import json

import pytest

from mlplab.data.class_indices import class_indices
from mlplab.declarations.known_data import KNOWN_SETS
from mlplab.declarations.loading import load
from mlplab.declarations.problems import BadInput
from mlplab.declarations.resolving.classes import index_of, name_of
from mlplab.declarations.resolving.open_set_networks import variants_of

FASHION = KNOWN_SETS["fashion-mnist"].class_names


@pytest.fixture
def read(tmp_path):
    """Read a study on some data, with some open-set questions."""

    def reading(data, *open_set):
        path = tmp_path / "classes.json"
        network = {"hidden": [4], "optimizer": {"name": "adam", "learning_rate": 0.01}}
        path.write_text(json.dumps({
            "name": "classes", "data": data, "networks": {"small": network},
            "open_set": list(open_set),
        }))  # fmt: skip
        return load(path)

    return reading


def told(error: pytest.ExceptionInfo[BadInput]) -> list[tuple]:
    """All but the file and the line, which only a check knows."""
    return [(p.where, p.expected, p.received, p.hint) for p in error.value.problems]


@pytest.mark.parametrize(
    ("wanted", "names", "place"),
    [
        (1, FASHION, 1), ("Trouser", FASHION, 1), ("1", FASHION, None), (10, FASHION, None),
        (-1, FASHION, None), (3, ("7", "3"), 1), ("3", ("7", "3"), 1), (0, ("7", "3"), None),
        (-1, ("-1", "1"), 0), (0, ("-1", "1"), None), (0, ("-1", "none"), None),
    ],
)  # fmt: skip
def test_a_text_is_a_name_and_a_number_a_place_among_words(wanted, names, place):
    assert index_of(wanted, names) == place
    assert name_of(wanted, names) == (str(wanted) if place is None else names[place])


@pytest.mark.parametrize(
    "classes", [["3", 1], ["Trousers", "Bag"], [0, 10], [1, "Trouser"], [1, 1], ["Bag", -1]]
)
def test_check_refuses_what_run_would_with_the_same_sentence(read, classes):
    with pytest.raises(BadInput) as checked:
        read({"name": "fashion-mnist", "classes": classes})
    with pytest.raises(BadInput) as run:
        class_indices(FASHION, classes, "data.classes", "fashion-mnist")
    assert told(checked) == told(run)


def test_what_check_accepts_are_the_classes_of_the_run(read):
    study = read({"name": "fashion-mnist", "classes": [8, "Trouser"]})
    declared = study.networks["small"].data.classes
    assert class_indices(FASHION, declared, "data.classes", "fashion-mnist") == [8, 1]


def test_a_number_in_quotes_is_told_how_to_be_a_place(read):
    with pytest.raises(BadInput, match="write 3 without quotes"):
        read({"name": "fashion-mnist", "classes": ["3", "Bag"]})


@pytest.mark.parametrize(
    ("roles", "where", "words"),
    [
        ({"known": ["3", 1], "unknown": [2]}, "known[0]", "write 3 without quotes"),
        ({"known": ["Trouser", 1], "unknown": [2]}, "known[1]", "each class once"),
        ({"known": [0, 1], "unknown": ["Trouser"]}, "unknown", "no class that is known"),
    ],
)
def test_open_sets_go_by_the_same_rule(read, roles, where, words):
    with pytest.raises(BadInput) as refused:
        read({"name": "fashion-mnist"}, {**roles, "detectors": ["softmax"]})
    (problem,) = refused.value.problems
    assert problem.where == f"open_set[0].{where}"
    assert words in str(problem)


def test_a_place_is_one_in_the_whole_set_wherever_it_stands(read):
    """Also where only some classes are kept, as it is in data.classes."""
    data = {"name": "fashion-mnist", "classes": [3, 4, 5]}
    roles = {"known": [3, "Coat"], "unknown": [5], "detectors": ["softmax"]}
    (form,) = variants_of(read(data, roles))
    assert (form.split.known, form.split.unknown) == (("Dress", "Coat"), ("Sandal",))
    with pytest.raises(BadInput, match=r'kept of fashion-mnist: "Dress", "Coat", "Sandal"'):
        read(data, {**roles, "known": [0, "Coat"]})


def test_own_data_are_refused_by_run_in_the_same_words():
    with pytest.raises(BadInput) as refused:
        class_indices(("cat", "dog"), ["1", "dog", "dgo"], "data.classes", "the csv data")
    assert [p.where for p in refused.value.problems] == ["data.classes[0]", "data.classes[2]"]
    assert 'a class of the csv data: "cat", "dog"' in str(refused.value)
    assert class_indices(("cat", "dog"), [1], "data.classes", "the csv data") == [1]
