"""Which settings trials choose, from scores written by hand: on validation rows, round by round."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from mlplab.analysis.tuning import TuningOutcome, tuning_of
from mlplab.declarations.resolving.tuning_trials import study_of_trials
from mlplab.declarations.study import Study
from mlplab.declarations.tuning import Range, Tuning
from mlplab.figures.tuning import sensitivity_figures
from mlplab.records.results import Failure, Results, Run
from small_studies import ADAM, SGD, network, study

RATES = {"optimizer.learning_rate": (0.001, 0.01, 0.1, 1.0)}
DATA = {"name": "digits", "validation": 0.2}
DIVERGED, FAILED = "diverged", "failed"


def tuned(**tune) -> Study:
    steps = {"steps": 80, "batch_size": 32, "evaluate_every": 20}
    made = study(
        adam=network(data=DATA, optimizer=ADAM, training=steps),
        sgd=network(data=DATA, optimizer=SGD, training=steps),
    )
    return replace(made, tune=Tuning(**{"space": RATES, "seeds": 2, **tune}))


def trained(asked: Study, scores, *, losses=None, tests=None) -> Results:
    """Results of the trials that are known to be wanted now.

    scores: network → for each number of settings the validation accuracy of every seed.
    """
    wanted = tuning_of(asked, None)
    runs: list[Run] = []
    failures: list[Failure] = []
    while True:
        made = study_of_trials(asked, wanted.trials)
        for trial in wanted.trials:
            for place, seed in enumerate(trial.declared.seeds):
                score = scores[trial.network][trial.number][place]
                if any((run.network, run.seed) == (trial.name, seed) for run in runs):
                    continue
                if score == FAILED:
                    failures.append(Failure(trial.name, seed, "out of memory"))
                    continue
                loss = 1.0 if losses is None else losses[trial.network][trial.number]
                test = 0.5 if tests is None else tests[trial.network][trial.number]
                runs.append(_run(trial, seed, score, loss, test))
        results = Results(made, tuple(runs), (), {}, failures=tuple(failures))
        known = tuning_of(asked, results)
        if known.is_complete or len(known.trials) == len(wanted.trials):
            return results
        wanted = known


def _run(trial, seed, score, loss, test) -> Run:
    steps = trial.declared.training.steps
    lost = score == DIVERGED
    curves = {
        ("validation", "accuracy"): np.array([0.9 if lost else score]),
        ("validation", "loss"): np.array([loss]),
        ("test", "accuracy"): np.array([test]),
    }
    return Run(trial.name, seed, trial.name, np.array([steps]), curves, 3 if lost else None, steps,
               2.0, None, (64, 16, 10))  # fmt: skip


def rates(known: TuningOutcome) -> dict[str, float]:
    return {name: settings["optimizer.learning_rate"] for name, settings in known.chosen.items()}


def constant(*values):
    return [(value, value) for value in values]


def test_the_best_mean_on_validation_rows_is_taken_and_the_test_set_has_no_say():
    asked = tuned()
    scores = {
        "adam": [(0.5, 0.5), (0.9, 0.6), (0.7, 0.7), (0.1, 0.1)],  # means .5 .75 .7 .1
        "sgd": constant(0.1, 0.2, 0.3, 0.2),
    }
    upside_down = {"adam": [0.9, 0.1, 0.2, 0.99], "sgd": [0.9, 0.8, 0.1, 0.95]}
    first = tuning_of(asked, trained(asked, scores))
    second = tuning_of(asked, trained(asked, scores, tests=upside_down))
    assert rates(first) == rates(second) == {"adam": 0.01, "sgd": 0.1}
    adam = first.networks[0]
    assert adam.chosen.mean.mean == pytest.approx(0.75)
    assert adam.chosen.spread == (0.6, 0.9)


def test_the_lowest_loss_is_taken_where_loss_decides_and_where_accuracies_tie():
    losses = {"adam": [0.5, 0.4, 0.3, 0.9], "sgd": [0.1, 0.4, 0.3, 0.9]}
    scores = {"adam": constant(0.9, 0.9, 0.8, 0.9), "sgd": constant(0.5, 0.6, 0.7, 0.7)}
    asked = tuned()
    assert rates(tuning_of(asked, trained(asked, scores, losses=losses))) == {
        "adam": 0.01, "sgd": 0.1,
    }  # fmt: skip
    asked = tuned(metric="loss")
    assert rates(tuning_of(asked, trained(asked, scores, losses=losses))) == {
        "adam": 0.1, "sgd": 0.001,
    }  # fmt: skip


@pytest.mark.parametrize("fate", [DIVERGED, FAILED])
def test_one_seed_that_is_lost_makes_a_trial_the_worst(fate):
    scores = {
        "adam": [(0.3, 0.3), (0.9, fate), (0.2, 0.2), (fate, fate)],
        "sgd": [(fate, fate)] * 4,
    }
    asked = tuned()
    known = tuning_of(asked, trained(asked, scores))
    assert rates(known) == {"adam": 0.001, "sgd": 0.001}
    adam, sgd = known.networks
    assert [outcome.is_usable for outcome in adam.outcomes] == [True, False, True, False]
    assert adam.outcomes[1].diverged == (fate == DIVERGED)
    assert not sgd.chosen.is_usable


def test_halving_keeps_the_better_half_of_each_network():
    scores = {"adam": constant(0.1, 0.4, 0.3, 0.2), "sgd": constant(0.4, 0.1, 0.2, 0.3)}
    asked = tuned(search="successive halving")
    known = tuning_of(asked, trained(asked, scores))
    assert [(r.settings, r.steps) for r in known.rounds] == [(4, 40), (2, 80)]
    second = {n.network: [o.trial.number for o in n.rounds[1]] for n in known.networks}
    assert second == {"adam": [1, 2], "sgd": [0, 3]}
    assert {o.trial.declared.training.steps for n in known.networks for o in n.rounds[1]} == {80}
    assert rates(known) == {"adam": 0.01, "sgd": 0.001}
    # 4 of 40 and 2 of 80 steps, 2 seeds; a step of 64-16-10 and 32 rows by hand:
    # 32 · (6·(64·16 + 16·10) − 2·64·16) FLOPs.
    step = 32 * (6 * 1184 - 2 * 1024)
    assert [n.flops for n in known.networks] == [2 * (4 * 40 + 2 * 80) * step] * 2
    assert known.networks[0].seconds == 2 * (4 + 2) * 2.0


def test_the_last_round_decides_though_the_first_saw_it_otherwise():
    asked = tuned(search="successive halving")
    first = {"adam": constant(0.1, 0.4, 0.3, 0.2), "sgd": constant(0.4, 0.1, 0.2, 0.3)}
    results = trained(asked, first)
    late = [
        replace(run, curves={**run.curves, ("validation", "accuracy"): np.array([0.99])})
        if run.network == "adam · learning_rate 0.1 · 80 steps" else run
        for run in results.runs
    ]  # fmt: skip
    assert rates(tuning_of(asked, replace(results, runs=tuple(late))))["adam"] == 0.1


def test_nothing_is_chosen_before_every_trial_is_tried():
    asked = tuned()
    assert not tuning_of(asked, None).is_complete
    results = trained(asked, {"adam": constant(*[0.1] * 4), "sgd": constant(*[0.1] * 4)})
    known = tuning_of(asked, replace(results, runs=results.runs[1:]))
    assert not known.is_complete
    assert known.chosen == {}


def test_trials_of_another_declaration_do_not_count():
    asked = tuned()
    results = trained(asked, {"adam": constant(*[0.1] * 4), "sgd": constant(*[0.1] * 4)})
    wider = asked.networks["adam"].model_copy(update={"hidden": (32,)})
    other = replace(asked, networks={**asked.networks, "adam": wider})
    adam, sgd = tuning_of(other, results).networks
    assert all(run is None for outcome in adam.outcomes for run in outcome.runs)
    assert all(run is not None for outcome in sgd.outcomes for run in outcome.runs)


def test_a_choice_at_the_edge_is_told_and_sensitivity_is_counted():
    scores = {"adam": constant(0.9, 0.89, 0.85, 0.5), "sgd": constant(0.1, 0.5, 0.9, 0.6)}
    asked = tuned()
    adam, sgd = tuning_of(asked, trained(asked, scores)).networks
    assert adam.at_edge == ("optimizer.learning_rate",)
    assert sgd.at_edge == ()
    assert (adam.fraction_close, sgd.fraction_close) == (2 / 4, 1 / 4)


def test_each_value_of_two_settings_is_shown_with_the_best_of_the_other():
    space = {"optimizer.learning_rate": (0.1, 0.01), "dropout": (0.0, 0.2, 0.5)}
    asked = tuned(space=space, networks=("adam",))
    # In the order of the grid: rate 0.1 with each dropout, then 0.01.
    known = tuning_of(asked, trained(asked, {"adam": constant(0.3, 0.6, 0.1, 0.5, 0.4, 0.2)}))
    (adam,) = known.networks
    by_rate = adam.marginal_best("optimizer.learning_rate")
    assert [o.trial.settings["optimizer.learning_rate"] for o in by_rate] == [0.01, 0.1]
    assert [float(o.mean.mean) for o in by_rate] == [0.5, 0.6]
    assert [float(o.mean.mean) for o in adam.marginal_best("dropout")] == [0.5, 0.6, 0.2]


def test_the_figure_marks_what_was_chosen_and_what_diverged():
    scores = {"adam": [(0.3, 0.3), (0.8, 0.9), (0.2, 0.2), (DIVERGED, 0.9)],
              "sgd": constant(0.1, 0.1, 0.5, 0.6)}  # fmt: skip
    asked = tuned()
    (figure,) = sensitivity_figures(tuning_of(asked, trained(asked, scores)), next(iter(RATES)))
    table = figure.table.set_index(["network", "value"])
    assert table["chosen"][table["chosen"]].index.tolist() == [("adam", 0.01), ("sgd", 1.0)]
    assert table.loc[("adam", 0.01), "mean"] == pytest.approx(0.85)
    assert (table.loc[("adam", 0.01), "low"], table.loc[("adam", 0.01), "high"]) == (0.8, 0.9)
    assert table.loc[("adam", 1.0), "diverged"] == 1
    assert "adam 0.01 (0.8500) and sgd 1 (0.6000)" in figure.caption
    assert "a seed diverged or could not be trained, adam at 1." in figure.caption
    scale = figure.drawing["layer"][0]["encoding"]["x"]["scale"]
    assert scale["type"] == "log"
    figure.chart.to_dict()  # Altair's own schema has nothing against it


def test_many_networks_have_a_figure_an_optimizer_and_words_an_axis_of_their_own():
    networks = {f"{o['name']}-{i}": network(data=DATA, optimizer=o) for o in (ADAM, SGD)
                for i in range(5)}  # fmt: skip
    space = {"activation": ("relu", "tanh")}
    asked = replace(study(networks), tune=Tuning(space=space, seeds=1))
    scores = {name: [(0.5,), (0.6,)] for name in networks}
    figures = sensitivity_figures(tuning_of(asked, trained(asked, scores)), "activation")
    assert [figure.name for figure in figures] == [
        "tuning-activation-adam",
        "tuning-activation-sgd",
    ]
    assert figures[0].drawing["layer"][0]["encoding"]["x"]["type"] == "nominal"
    assert all(len(figure.keys) == 5 for figure in figures)
    figures[0].chart.to_dict()


def test_an_axis_of_one_range_is_logarithmic_and_a_narrow_one_is_not():
    for space, kind in ((Range(low=0.1, high=10, points=4), "log"),
                        (Range(low=0.1, high=0.4, points=4), "linear")):  # fmt: skip
        asked = tuned(space={"optimizer.learning_rate": space}, networks=("adam",))
        known = tuning_of(asked, trained(asked, {"adam": constant(0.1, 0.2, 0.3, 0.1)}))
        (figure,) = sensitivity_figures(known, "optimizer.learning_rate")
        assert figure.drawing["layer"][0]["encoding"]["x"]["scale"]["type"] == kind


def test_a_lost_trial_has_no_finite_score():
    asked = tuned(seeds=1, networks=("adam",))
    known = tuning_of(asked, trained(asked, {"adam": [(DIVERGED,), (0.2,), (0.3,), (0.1,)]}))
    assert known.networks[0].outcomes[0].scores.tolist() == [-math.inf]
