"""The usual 6/4 splits beside all splits: among them, beside others, or not all there yet."""

from __future__ import annotations

from itertools import combinations

import pytest

from made_tests import chapter_of, finding, made, texts
from mlplab.declarations.open_set import USUAL_SIX_FOUR
from mlplab.declarations.resolving.open_set_networks import NamedSplit
from mlplab.report.document import Table

DIGITS = tuple("0123456789")
SIX = [frozenset(map(str, known)) for known in USUAL_SIX_FOUR]


def split(known, **more) -> NamedSplit:
    return NamedSplit(tuple(known), unknown=tuple(d for d in DIGITS if d not in known), **more)


def of_size(size: int, **more) -> list[NamedSplit]:
    return [split(known, **more) for known in combinations(DIGITS, size)]


def shown(splits):
    """The table over splits, and how many the figure marks as usual."""
    found = chapter_of([made(finding("softmax"), split=one) for one in splits])
    figure = next(f for f in found.figures if f.name.startswith("open-set-all-splits"))
    table = next(b for b in found.blocks
                 if isinstance(b, Table) and b.caption.startswith("Detectors over"))  # fmt: skip
    return table, int((figure.table["kind"] == "usual 6/4 split").sum()), found


def test_among_all_splits_of_six_they_are_marked():
    table, marked, _ = shown(of_size(6))
    assert marked == 5
    assert "the usual 6/4 splits" in [column.title for column in table.columns]
    assert "The five usual 6/4 splits are among these" in table.caption


def test_beside_splits_of_another_size_they_are_another_task():
    usual = [split(sorted(six)) for six in SIX]
    table, marked, _ = shown([*of_size(9), *usual])
    assert marked == 5
    assert "The five usual 6/4 splits know six of ten classes" in table.caption
    # likewise where they lie within another question of many splits
    _, marked, _ = shown([*of_size(9), *of_size(6)])
    assert marked == 5


@pytest.mark.parametrize("finished", [1, 2, 4])
def test_fewer_than_five_are_said_to_be_fewer(finished):
    usual = [split(sorted(six)) for six in SIX[:finished]]
    table, marked, _ = shown([*of_size(9), *usual])
    assert marked == finished
    assert f"The usual 6/4 splits ({finished} of 5 finished)" in table.caption
    assert "five usual" not in table.caption
    assert ("interval is over them" in table.caption) == (finished > 1)


def test_without_any_nothing_is_said_of_them():
    table, _, found = shown(of_size(9)[:10])
    assert "usual" not in " ".join(texts(found.blocks))
    assert len(table.columns) == 5


def test_six_known_digits_with_other_unknowns_are_not_usual():
    six = sorted(SIX[0])
    rest = tuple(d for d in DIGITS if d not in six)
    others = [
        NamedSplit(tuple(six), negative=rest[:2], unknown=rest[2:]),
        NamedSplit(tuple(six), unknown=rest[:2]),
        NamedSplit(tuple(six), unknown=rest, unknown_set="noise"),
    ]
    found = chapter_of([made(finding("softmax"), split=s) for s in (*of_size(9), *others)])
    assert "usual" not in " ".join(texts(found.blocks))
