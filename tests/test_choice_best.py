"""Which network is the best: overview, choice and export have one answer, where they had several."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mlplab.analysis.choice.best import Best, NoChoice, find_best
from mlplab.analysis.choice.export import choice_json
from mlplab.analysis.choice.rule import choose
from mlplab.analysis.choice.words import caveats_of, outcome_in_words
from mlplab.declarations.choice import ChoiceRule
from mlplab.declarations.training import EarlyStopping
from mlplab.records.results import Results, Run
from mlplab.report import markdown
from mlplab.report.chapters import choice, overview
from mlplab.report.context import Context
from mlplab.statistics.best import comparisons_with_best
from simulated_questions import results

SHARED = np.array([0.03, -0.03, 0.02, -0.02, 0.01, -0.01])
"""Of every network alike in a seed: as large as this, it hides differences from unpaired looks."""
OWN = np.array([0.0002, -0.0001, 0.0001, -0.0002, 0.0001, -0.0001])


def made(rule: ChoiceRule | None = None, **finals) -> Results:
    found = results({name: list(values) for name, values in finals.items()})
    return replace(found, study=replace(found.study, choice=rule or ChoiceRule()))


def lost(found: Results, name: str, seed: int = 5) -> Results:
    """The same where one run of a network diverged."""

    def worse(run: Run) -> Run:
        hit = run.network == name and run.seed == seed
        return replace(run, diverged_at=50) if hit else run

    return replace(found, runs=tuple(worse(run) for run in found.runs))


def without(found: Results, name: str, seeds: set[int]) -> Results:
    """The same where some seeds of a network are not finished."""
    kept = tuple(r for r in found.runs if r.network != name or r.seed not in seeds)
    return replace(found, runs=kept)


# The overview held unpaired t intervals beside each other, which overlap here.
PAIRED = made(a=0.90 + SHARED, b=0.91 + SHARED + OWN, c=0.89 + SHARED - OWN)
# It took the mean of the seeds that did not diverge, where the choice leaves the network out.
DIVERGED = lost(made(a=0.90 + OWN, b=0.91 - OWN, c=0.95 + OWN), "c")
# And it took each network's own seeds, where the choice has those in common: a is better in them.
UNPAIRED = without(
    made(a=[0.80, 0.81, 0.92, 0.93, 0.92, 0.93], b=[0.90, 0.90, 0.91, 0.92, 0.91, 0.92]),
    "b",
    {0, 1},
)
NAMED = made(ChoiceRule(networks=("a", "b")), a=0.90 + OWN, b=0.91 - OWN, c=0.95 + OWN)
EVEN = made(a=0.91 + SHARED, b=0.91 - SHARED, c=0.80 + OWN)


@pytest.mark.parametrize(
    ("found", "leader", "others"),
    [
        (PAIRED, "b", ()),
        (DIVERGED, "b", ()),
        (UNPAIRED, "a", ()),
        (NAMED, "b", ()),
        (EVEN, "a", ("b",)),
    ],
)
def test_overview_choice_and_export_never_contradict(found, leader, others):
    context, chosen = Context(found), choose(found)
    assert (context.best.leader, context.best.others) == (leader, others)
    assert chosen.best.network == leader
    pareto_front = {c.network for c in chosen.candidates if c.high > 0}
    assert pareto_front == {leader, *others}
    assert json.loads(choice_json(chosen))["may_be_best"] == [leader, *others]
    first = markdown.document("x", [overview.chapter(context)])
    start = "best mean is that of" if others else "best is"
    mean = np.mean(context.best.values_of(leader))
    assert f"{start} **{leader}**, with a test accuracy of **{mean:.4f} ±" in first
    assert f"test accuracy of {leader}: **{mean:.4f} ±" in first
    assert ("It is not settled which is best" in first) == bool(others)
    last = markdown.document("x", [choice.chapter(context)])
    if chosen.chosen != leader:
        assert f"the best mean is that of {leader}, {100 * mean:.2f}%" in last
    elif chosen.chosen is not None:
        assert f"It takes {leader} (" in last


def test_comparisons_are_hsus():
    found = find_best(EVEN)
    assert isinstance(found, Best)
    values = np.stack([0.91 + SHARED, 0.91 - SHARED, 0.80 + OWN], axis=1)
    expected = comparisons_with_best(values)
    np.testing.assert_allclose(found.values, values)
    np.testing.assert_allclose(found.compared.high, expected.high)
    assert expected.may_be_best.tolist() == [True, True, False]


def test_what_is_not_compared_is_told_in_both_chapters():
    for found, words in (
        (DIVERGED, "Not compared with the best, as a run diverged or too few seeds are finished: c."),
        (UNPAIRED, "Networks are compared over 4 seeds; 2 seeds that not all of them have are left out."),
    ):  # fmt: skip
        assert words in list(caveats_of(choose(found)))
        assert words in markdown.document("x", [overview.chapter(Context(found))])


def test_the_overview_says_among_which_networks_if_the_rule_names_some():
    text = markdown.document("x", [overview.chapter(Context(NAMED))])
    assert "Of those that the rule of choice names, a and b, the best is **b**" in text


def test_of_equal_means_none_is_called_the_better():
    same = made(a=0.9 + SHARED, b=0.9 + SHARED, c=0.8 + OWN)
    context, chosen = Context(same), choose(same)
    assert context.best.leaders == ("a", "b")
    assert context.best.others == ("b",)
    assert outcome_in_words(chosen).endswith("which also has the best mean")


def test_without_comparisons_no_best_is_named():
    few = made(a=0.90 + OWN[:2], b=0.91 + OWN[:2])
    assert isinstance(find_best(few), NoChoice)
    context = Context(few)
    assert context.best is None
    text = markdown.document("x", [overview.chapter(context)])
    assert "The highest mean is that of **b**, with a test accuracy of" in text
    assert f"no best is named, as {choose(few).reason}." in text
    assert "The best is" not in text


def on_validation(rows: int, metric: str | None = None, **finals) -> Results:
    """Networks that were compared on so many validation rows."""
    found = made(**finals)
    networks = {}
    for name, declared in found.study.networks.items():
        training = declared.training
        if metric is not None:
            stopping = EarlyStopping(metric=metric)
            training = training.model_copy(update={"early_stopping": stopping})
        data = declared.data.model_copy(update={"validation": rows})
        networks[name] = declared.model_copy(update={"data": data, "training": training})
    for run in found.runs:
        run.curves["validation", "accuracy"] = run.curves["test", "accuracy"]
    return replace(found, study=replace(found.study, networks=networks))


def test_a_choice_on_eleven_rows_is_said_to_be_of_these_rows():
    """100% on eleven validation rows, in every seed alike."""
    few = on_validation(11, a=[1.0] * 6, b=[10 / 11] * 6)
    best = find_best(few)
    assert (best.rows, best.leader, best.others) == (11, "a", ("b",))
    chosen = choose(few)
    assert (chosen.chosen, chosen.holds_for_other_rows) == ("a", False)
    assert chosen.best.value.low == pytest.approx(0.025 ** (1 / 11))  # Clopper and Pearson
    assert "11 validation rows" in " ".join(caveats_of(chosen))
    assert "of which one is 9.1 points" in " ".join(caveats_of(chosen))
    many = on_validation(1100, a=[1.0] * 6, b=[10 / 11] * 6)
    assert find_best(many).others == ()
    assert choose(many).chosen == "a"
    assert list(caveats_of(choose(many))) == []


def test_restored_and_ranked_by_the_same_number_is_said():
    told = " ".join(caveats_of(choose(on_validation(1000, "accuracy", a=[0.9] * 6, b=[0.8] * 6))))
    assert "a and b were restored by their best validation accuracy" in told
    assert '"metric": "loss"' in told
    other = " ".join(caveats_of(choose(on_validation(1000, "loss", a=[0.9] * 6, b=[0.8] * 6))))
    assert "restored" not in other
