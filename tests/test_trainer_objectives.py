"""A stack of several objectives: each is asked once a step, however they alternate."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from mlplab.objectives.cross_entropy import CrossEntropy
from mlplab.objectives.with_centres import CentreLoss, ClassAnchor
from mlplab.objectives.with_negatives import Entropic, Objectosphere
from mlplab.trainer.train import train
from test_trainer import FEATURES, assert_same_bits, problem, recipe

TWO_ARE_KNOWN = np.array([0, 1, -1, -1])
OBJECTIVES = (
    Objectosphere(),
    CentreLoss(),
    Entropic(weight=0.5),
    Entropic(),
    ClassAnchor(),
)
SEEDS = 3
ALTERNATING = [
    recipe(
        seed,
        label_map=TWO_ARE_KNOWN,
        layers=(FEATURES, 17, 11, 2),
        objective=objective,
        steps=10 + seed,
    )
    for seed in range(SEEDS)
    for objective in OBJECTIVES
]


@pytest.fixture
def calls(monkeypatch):
    """How often each objective was asked."""
    counted = Counter()
    for kind in {type(objective) for objective in OBJECTIVES}:

        def count(self, *args, real=kind.value_and_gradients):
            counted[self] += 1
            return real(self, *args)

        monkeypatch.setattr(kind, "value_and_gradients", count)
    return counted


def test_an_objective_is_asked_once_a_step_for_all_its_networks(calls):
    trained = train(ALTERNATING, problem())
    assert calls == dict.fromkeys(OBJECTIVES, 10 + SEEDS - 1)
    for one, result in zip(ALTERNATING, trained, strict=True):
        assert_same_bits(train([one], problem())[0], result)


def test_networks_with_centres_are_given_back_their_own():
    known_rows = np.flatnonzero(problem().labels < 2)[:64]
    one, another = [r for r in ALTERNATING if r.objective == CentreLoss()][:2]
    between = replace(another, objective=CrossEntropy(), train_rows=known_rows)
    mixed = [one, between, another]
    trained = train(mixed, problem())
    assert [result.centres is not None for result in trained] == [True, False, True]
    for alone, result in zip(mixed, trained, strict=True):
        np.testing.assert_array_equal(train([alone], problem())[0].centres, result.centres)
