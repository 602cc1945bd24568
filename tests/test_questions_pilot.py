"""How many seeds questions need, by a pilot: the sentence, what is censored, and the power itself."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from command_line import mlplab_here
from mlplab.analysis.questions.answers import answer
from mlplab.analysis.questions.pilot import sample_size_of
from mlplab.declarations.metric import TARGETS, FinalMetric, StepsToMetric
from mlplab.declarations.question import PairQuestion, RankingQuestion, TrendQuestion
from mlplab.declarations.study import Study
from mlplab.records.results import Results, Run
from mlplab.statistics.logrank_power import Claim, seeds_for_log_rank
from mlplab.statistics.power import (
    seeds_for_difference,
    seeds_for_ranking,
    seeds_for_sign,
    upper_limit_of_std,
)
from small_studies import network

FINAL = FinalMetric(final="accuracy")
STEPS = StepsToMetric(steps_to=TARGETS["accuracy"](accuracy=0.9))


def pilot(seeds: int, **accuracies) -> Results:
    """Networks of some final accuracies, or with the evaluation (from 1) that first reaches 0.9."""
    networks, runs = {}, []
    for name, values in accuracies.items():
        networks[name] = network(hidden=[4], seeds=list(range(seeds)))
        for seed in range(seeds):
            value = values[seed]
            if isinstance(value, int):
                curve = np.where(np.arange(1, 11) >= value, 0.95, 0.5)
            else:
                curve = np.append(np.full(9, 0.2), value)
            steps = np.arange(10, 110, 10)
            runs.append(Run(name, seed, "", steps, {("test", "accuracy"): curve}, None, 100, 1.0,
                            None, (64, 4, 10)))  # fmt: skip
    return Results(Study("pilot", networks), tuple(runs), (), {})


def needed_for(results, question):
    return sample_size_of(answer(results, (question,), {})[0])


def pair(metric=FINAL, **changes):
    asked = {"ask": "?", "compare": ("a", "b"), "metric": metric, "expect": "greater"}
    return PairQuestion(**asked | changes)


def test_a_pair_is_told_in_one_sentence():
    found = needed_for(pilot(3, a=[0.90, 0.93, 0.91], b=[0.88, 0.90, 0.90]), pair())
    likely, cautious = found.wanted.likely, found.wanted.cautious
    assert found.fewest == 6
    assert 6 <= likely < cautious
    assert found.sentence == (
        f"Needs {likely} to {cautious} seeds for a power of 80%, if the effect is what the pilot "
        "of 3 seeds shows (the larger number is for a standard deviation at its upper 80% limit)."
    )


def test_targets_that_are_never_reached_count_by_the_log_rank_test():
    """It decides them, so it foresees them: a is later in all of three seeds, once without end.
    For the larger number (1 - 1/f)/2 of seeds speak for b, f the 80% limit of a standard deviation."""
    values = np.array([[50.0, 20], [math.inf, 30], [60, 40]])
    found = needed_for(pilot(3, a=[5, 11, 6], b=[2, 3, 4]), pair(STEPS))
    either = [[Claim(0.0, above=True)], [Claim(0.0, above=False)]]
    swapped = (1 - 1 / upper_limit_of_std(1.0, 3)) / 2
    likely = seeds_for_log_rank(*values.T, either, fewest=6)
    cautious = seeds_for_log_rank(*values.T, either, swapped=swapped, fewest=6)
    assert (found.wanted.likely, found.wanted.cautious) == (likely, cautious)
    assert found.fewest == 6 <= likely < cautious
    assert f"Needs {likely} to {cautious} seeds" in found.sentence
    assert "for an effect as much smaller as a standard deviation may be larger)." in found.sentence


def test_the_range_of_seeds_reaches_up():
    differences = np.array([0.02, 0.03, 0.01, 0.0])
    found = needed_for(pilot(4, a=list(0.9 + differences), b=[0.9] * 4), pair()).wanted
    std = differences.std(ddof=1)
    limit = std * np.sqrt(3 / stats.chi2.ppf(0.2, 3))
    assert found.likely == seeds_for_difference(0.015, std, fewest=6)
    assert found.cautious == seeds_for_difference(0.015, limit, fewest=6) > found.likely


def test_trends_of_targets_count_by_their_ranks():
    question = TrendQuestion(ask="?", along=("a", "b", "c"), metric=STEPS, expect="increasing")
    found = needed_for(pilot(3, a=[2, 3, 2], b=[4, 5, 6], c=[11, 11, 8]), question)
    assert found.wanted.likely >= found.fewest
    assert found.sentence.startswith("Needs ")
    # Falling is refuted with as many: that is a verdict as well.
    downwards = question.model_copy(update={"expect": "decreasing"})
    assert needed_for(pilot(3, a=[2, 3, 2], b=[4, 5, 6], c=[11, 11, 8]), downwards) == found
    level = needed_for(pilot(2, a=[2, 11], b=[4, 4], c=[11, 2]), question)
    assert "no affordable number" in level.sentence


@pytest.mark.parametrize("never", [False, True])
def test_rankings_have_a_range(never):
    question = RankingQuestion(ask="?", rank=("a", "b", "c"), metric=STEPS)
    last = [9, 11, 10] if never else [9, 8, 10]
    found = needed_for(pilot(3, a=[2, 3, 5], b=[3, 2, 6], c=last), question)
    assert found.fewest <= found.wanted.likely <= found.wanted.cautious


def test_one_seed_is_no_pilot():
    found = needed_for(pilot(1, a=[0.9], b=[0.8]), pair())
    assert found.sentence == (
        "Needs at least 6 seeds, as fewer cannot reach its level; one seed is finished for all of "
        "its networks, two would tell more."
    )


@pytest.mark.parametrize("share", [0.6, 0.75, 0.9, 1.0])
def test_the_sign_test_has_its_power_at_the_seeds_told_and_not_far_below(share):
    n = seeds_for_sign(share, fewest=6)

    def power(n):
        critical = stats.binom.isf(0.025, n, 0.5) + 1
        return stats.binom.sf(critical - 1, n, share)

    assert power(n) >= 0.8
    assert n == 6 or power(math.floor(0.8 * n)) < 0.8
    assert seeds_for_sign(0.5) is None


def test_friedmans_power_is_as_foreseen():
    """Normal values about known means: simulated power at the seeds told is about 80%."""
    means, rng = np.array([0.0, 0.5, 1.0, 1.2]), np.random.default_rng(3)
    gaps = (means[:, None] - means) / math.sqrt(2)
    expected = stats.norm.cdf(gaps).sum(axis=1) + 0.5
    n = seeds_for_ranking(float(((expected - 2.5) ** 2).sum()), 4)
    samples = rng.normal(means, 1.0, size=(400, n, 4))
    found = np.mean([stats.friedmanchisquare(*sample.T).pvalue <= 0.05 for sample in samples])
    assert found == pytest.approx(0.8, abs=0.1)


STUDY = {
    "name": "p",
    "data": {"name": "digits"},
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "training": {"steps": 20, "batch_size": 32, "evaluate_every": 10},
    "seeds": 2,
    "networks": {"a": {"hidden": [8]}, "b": {"hidden": [16]}},
    "questions": [
        {"ask": "?", "compare": ["a", "b"], "metric": {"final": "accuracy"}, "expect": "less"}
    ],
}


def plan(folder, **changes):
    (folder / "p.json").write_text(json.dumps(STUDY | changes))
    ended = mlplab_here("plan", "p.json", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout


def test_plan_says_what_the_records_hold_whatever_they_are(tmp_path):
    assert "A run of a few seeds" in plan(tmp_path)
    assert mlplab_here("run", "p.json", cwd=tmp_path).returncode == 0
    assert "question 1: Needs " in plan(tmp_path)
    more = {**STUDY["networks"], "c": {"hidden": [32]}}
    asked = [STUDY["questions"][0] | {"compare": ["a", "c"]}]
    assert "No pilot yet: c is not in the records" in plan(tmp_path, networks=more, questions=asked)
    other = {"a": {"hidden": [9]}, "b": {"hidden": [16]}}
    assert "No pilot yet: a had other settings" in plan(tmp_path, networks=other)
