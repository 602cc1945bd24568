"""Captions on unknown classes: what intervals are said to tell of, and verdicts by the evidence."""

from __future__ import annotations

import re

import numpy as np
import pytest

from made_tests import OPEN, chapter_of, finding, made, task, texts
from mlplab.declarations.resolving.open_set_networks import NamedSplit
from mlplab.figures.open_set.accuracy import accuracy_figure, correlation_in_words
from mlplab.figures.open_set.areas import interval_tells_of, mean_areas, means_and_intervals

COVERED = {
    ((3, 3), True): "means over 3 seeds with 95% intervals for other seeds and other test rows",
    ((3, 3), False): "means over 3 seeds with 95% intervals for other seeds on these rows",
    ((1, 1), True): "values of one seed with 95% intervals for other test rows",
    ((1, 1), False): "values of one seed, without intervals",
    ((1, 3), True): "means over 1 to 3 seeds with 95% intervals for other test rows, and for other "
    "seeds where there are several",
    (
        (2, 3),
        True,
    ): "means over 2 to 3 seeds with 95% intervals for other seeds and other test rows",
}


@pytest.mark.parametrize("case", COVERED)
def test_an_interval_is_said_to_tell_of_what_it_does(case):
    assert means_and_intervals(*case) == COVERED[case]
    assert interval_tells_of(*case) in COVERED[case]


def several_ways(seeds: int, rows: float | None):
    """Detectors, training lengths and negatives enough for every figure."""
    negative = NamedSplit(known=OPEN.known, negative=("5",), unknown=OPEN.unknown)
    more = NamedSplit(known=OPEN.known, negative=("5", "6"), unknown=OPEN.unknown)
    labels = ("softmax", "class centre", "class centre (one-sided)", "class centre (directions)")
    for seed in range(seeds):
        own = [finding(d, {"auroc": 0.8 + 0.01 * i + 0.001 * seed}, rows=rows)
               for i, d in enumerate(labels)]  # fmt: skip
        for steps in (10, 20, None):
            yield made(*own, seed=seed, steps=steps, accuracy=0.9 + 0.001 * (steps or 40))
        for split in (negative, more):
            yield made(own[0], seed=seed, split=split)
            sigmoid = finding("sigmoid output", {"auroc": 0.85 + 0.001 * seed}, rows=rows)
            yield made(sigmoid, seed=seed, split=split, method="sigmoid output")


@pytest.mark.parametrize("rows", [None, 0.001])
def test_one_seed_tells_nothing_of_other_seeds(rows):
    found = chapter_of(list(several_ways(1, rows)))
    captions = [figure.caption for figure in found.figures]
    kinds = {figure.name.split("-")[2] for figure in found.figures}
    assert {"absorbed", "ranking", "remedy", "steps", "negatives"} <= kinds
    for text in texts(found.blocks):
        assert "other seeds" not in text
        assert not re.search(r"means over (1 seed|seeds)\b", text, re.IGNORECASE)
    # AUROC has DeLong's interval, absorption Wilson's; other measures only that of groups of rows
    assert sum("95% intervals for other test rows" in caption for caption in captions) >= 5
    tables = [text for text in texts(found.blocks) if text.startswith("All detectors")]
    expected = "values of one seed" + (", without" if rows is None else " with 95%")
    assert tables
    assert all(expected in text for text in tables)


def test_several_seeds_tell_of_both():
    found = chapter_of(list(several_ways(3, 0.001)))
    told = " ".join(texts(found.blocks)).lower()
    both = "means over 3 seeds with 95% intervals for other seeds and other test rows"
    assert told.count(both) >= 5
    assert "95% intervals for other seeds and other test rows (wilson's for rows)" in told


def test_one_seed_of_auroc_has_an_interval_over_rows_without_groups():
    found = task(made(finding("softmax", rows=None)))
    assert (
        mean_areas(found.detectors) == "values of one seed with 95% intervals for other test rows"
    )


def related(sign: float, n: int):
    """A task whose accuracy and AUROC rise together, or against one another, but for a little."""
    rng = np.random.default_rng(3)
    for seed in range(n):
        accuracy = 0.9 + 0.005 * seed / n
        area = 0.8 + sign * 0.05 * seed / n + 0.005 * rng.standard_normal()
        yield made(finding("softmax", {"auroc": area}), seed=seed, accuracy=accuracy)


EVIDENCE = {
    "together": (1.0, 40, "A better classifier is mostly the better detector"),
    "against": (-1.0, 40, "A better classifier is mostly the worse detector"),
    "neither": (0.0, 40, "These points do not tell whether"),
    "few": (1.0, 6, "Too few points to tell whether"),
}


@pytest.mark.parametrize("case", EVIDENCE)
def test_a_better_classifier_is_a_better_detector_only_where_it_is(case):
    sign, n, words = EVIDENCE[case]
    caption = accuracy_figure([task(*related(sign, n))], "accuracy").caption
    assert words in caption
    assert f"n = {n}" in caption
    others = [other for _, _, other in EVIDENCE.values() if other != words]
    assert not any(other in caption for other in others)


def test_a_rank_correlation_in_words_goes_by_sign_size_and_number():
    assert correlation_in_words(-0.66, 30) == "A better classifier is often the worse detector"
    assert correlation_in_words(0.66, 30) == "A better classifier is often the better detector"
    assert "do not tell" in correlation_in_words(0.2, 30)
    assert "slightly more often the better" in correlation_in_words(0.2, 300)
    assert "hardly" in correlation_in_words(0.02, 300)
    assert "Too few" in correlation_in_words(1.0, 9)
    assert "mostly the worse" in correlation_in_words(-1.0, 10)
    assert "does not vary" in correlation_in_words(float("nan"), 30)
