"""What is said of diverged runs is what was done with their values, for each kind of metric."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlplab.analysis.questions.answers import answer
from mlplab.declarations import metric as m
from mlplab.declarations.question import LevelQuestion
from simulated_questions import ACCURACY, pair, results, run, trend

SEEDS = 8
TARGET = m.StepsToMetric(steps_to=m.TARGETS["accuracy"](accuracy=0.8))


def gradients(values):
    return {("batch", "gradient_size_layer_1"): np.array(values)}


def seen(question, **diverging):
    """Runs of four evaluations; of each network named, some seeds diverge at a step."""
    found = results({name: [0.9] * SEEDS for name in "abc"}, (question,))
    runs = []
    for one in found.runs:
        curve = [0.5, 0.7, 0.8, 0.9 + one.seed / 1000]
        at = diverging.get(one.network, {}).get(one.seed)
        steps = np.arange(100, 401, 100)
        gone = steps >= (at or math.inf)
        curve = np.where(gone, np.nan, curve)
        known = run(one.network, one.seed, curve, diverged_at=at)
        sizes = gradients(np.where(gone, np.nan, [4e-3, 3e-3, 2e-3, 1e-3]))
        curves = dict(known.curves) | sizes
        if at:
            curves = {
                key: np.where(gone, np.nan, curve)
                for key, curve in curves.items()
                if key[0] != "train"
            }
        stopped = int(steps[gone][0]) if at else 400
        runs.append(run(one.network, one.seed, curve, diverged_at=at, stopped_at=stopped,
                        curves=curves))  # fmt: skip
    found = type(found)(found.study, tuple(runs), (), found.environment)
    (answered,) = answer(found, (question,), {})
    return answered


def said(answered):
    return [text for text in answered.caveats if "diverged" in text or "left out" in text]


LATE, EARLY = {0: 350, 5: 350}, {3: 50}


@pytest.mark.parametrize("metric", [ACCURACY, m.FinalMetric(final="loss")])
def test_final_values_of_diverged_runs_are_the_worst(metric):
    found = seen(pair(metric=metric), a=LATE, b=EARLY)
    assert said(found) == [
        "2 of 8 runs of a diverged, and count as the worst.",
        "1 of 8 runs of b diverged, and counts as the worst.",
    ]
    assert found.finding.seeds == SEEDS
    assert np.isinf(found.measured.values).sum() == 3


@pytest.mark.parametrize(
    ("metric", "phrase"),
    [
        (m.GapMetric(train_test_gap="accuracy"), "gap between training and test accuracy"),
        (m.GradientMetric(gradient_size="first"), "gradient size of the first layer at the end"),
    ],
)
def test_gaps_and_gradients_of_diverged_runs_are_none_and_their_seeds_drop_out(metric, phrase):
    found = seen(pair(metric=metric), a=LATE, b=EARLY)
    assert said(found) == [
        f"2 of 8 runs of a diverged, and have no {phrase}.",
        f"1 of 8 runs of b diverged, and has no {phrase}.",
        "3 of 8 seeds are left out, as a value is missing there: the verdict is about the others "
        "alone, and says nothing of runs that diverge.",
    ]
    assert found.finding.seeds == SEEDS - 3


def test_a_gradient_from_before_a_run_diverged_counts_and_one_from_after_does_not():
    """At step 300, seeds 0 and 5 of a had not diverged yet, and seed 3 of b had."""
    metric = m.GradientMetric(gradient_size="first", at_step=300)
    found = seen(pair(metric=metric), a=LATE, b=EARLY)
    assert said(found) == [
        "2 of 8 runs of a diverged later, and count with what was measured before.",
        "1 of 8 runs of b diverged, and has no gradient size of the first layer at step 300.",
        "1 of 8 seeds is left out, as a value is missing there: the verdict is about the others "
        "alone, and says nothing of runs that diverge.",
    ]
    assert found.finding.seeds == SEEDS - 1
    after = m.GradientMetric(gradient_size="first", at_step=400)
    assert seen(pair(metric=after), a={0: 150}).finding.seeds == SEEDS - 1


def test_times_of_diverged_runs_count_if_they_got_there_and_rank_last_if_not():
    found = seen(trend(metric=TARGET), a=LATE, b=EARLY, c={2: 150, 4: 350})
    assert said(found) == [
        "2 of 8 runs of a diverged after they got there, and count with their times.",
        "1 of 8 runs of b never gets there in the steps that it has, as it diverged, and ranks "
        "last.",
        "1 of 8 runs of c never gets there in the steps that it has, as it diverged, and ranks "
        "last.",
        "1 of 8 runs of c diverged after it got there, and counts with its time.",
    ]
    assert found.finding.seeds == SEEDS


def test_where_diverged_runs_are_counted_they_are_neither_worst_nor_left_out():
    found = seen(pair(metric=m.DivergedMetric(share_of="diverged")), a=LATE)
    assert said(found) == ["2 of 8 runs of a diverged."]


def test_one_network_alone_loses_its_own_seeds():
    gap = m.GapMetric(train_test_gap="accuracy")
    question = LevelQuestion(ask="?", level_of="a", than=0.0, expect="less", metric=gap)
    found = seen(question, a=LATE, b=EARLY)
    assert found.finding.seeds == SEEDS - 2
    assert "2 of 8 seeds are left out" in " ".join(said(found))


def test_a_value_that_was_never_measured_is_told_without_a_word_on_divergence():
    metric = m.AtStepMetric(at_step=50, value="accuracy")
    found = seen(pair(metric=metric))
    assert said(found) == [
        "8 of 8 seeds are left out, as a value is missing there: there is nothing to judge."
    ]
