"""Running a study: what is trained, what is not, what is told, and what becomes of failures."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from mlplab.declarations.problems import BadInput
from mlplab.records.database import DATABASE_FILE
from mlplab.records.results import Results
from mlplab.runner import worker_pool
from mlplab.runner.estimate import estimate
from mlplab.runner.events import (
    Rerun,
    RunEnded,
    RunPlanned,
    StackFailed,
    StackFinished,
    StackProgressed,
    StackStarted,
    to_json,
)
from mlplab.runner.run import run
from small_studies import ADAM, SGD, network, study

TWO = {"a": network(), "b": network(optimizer=SGD)}


class Told(list):
    """Every event of a run, in order."""

    def of(self, kind):
        return [event for event in self if isinstance(event, kind)]


def run_and_hear(declared, folder, **options):
    told = Told()
    return run(declared, folder, on_event=told.append, **options), told


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder in which networks a and b are finished for seeds 0 and 1."""
    folder = tmp_path_factory.mktemp("done")
    declared = study({name: n.model_copy(update={"seeds": (0, 1)}) for name, n in TWO.items()})
    return declared, folder, *run_and_hear(declared, folder)


def test_results_hold_every_run_in_the_order_of_the_study(done):
    declared, _, results, _ = done
    assert [(r.network, r.seed) for r in results.runs] == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert results.missing == ()
    assert results.study == declared
    for one in results.runs:
        assert one.steps.tolist() == [10, 20]
        assert one.stopped_at == 20
        assert one.layers == (64, 16, 10)
        final = one.curves["test", "accuracy"][-1]
        assert one.evaluation.accuracy == pytest.approx(final, abs=1e-12)


def test_results_are_read_back_from_the_folder_alone(done):
    _, folder, results, _ = done
    again = Results.open(folder)
    assert [r.key for r in again.runs] == [r.key for r in results.runs]
    assert list(again.study.networks) == ["a", "b"]
    for one, other in zip(again.runs, results.runs, strict=True):
        assert one.curves.keys() == other.curves.keys()
        assert one.evaluation == other.evaluation


def test_predictions_are_those_that_were_evaluated(done):
    from mlplab.data.preparation import prepare

    declared, _, results, _ = done
    data = prepare(declared.networks["a"].data, declared.folder)
    targets = data.label_map[data.labels[data.test_rows]]
    logits = results.predict("b", 1, data.inputs[data.test_rows], prepared=True)
    assert logits.shape == (len(targets), 10)
    accuracy = float((logits.argmax(1) == targets).mean())
    assert accuracy == results.run("b", 1).evaluation.accuracy


def test_prediction_is_the_forward_pass_of_the_weights(done):
    _, _, results, _ = done
    inputs = np.random.default_rng(0).random((7, 64))
    (kernel, bias), (last_kernel, last_bias) = results.weights("a", 0)
    hidden = np.maximum(inputs @ kernel.astype(np.float64) + bias, 0)
    expected = hidden @ last_kernel + last_bias
    found = results.predict("a", 0, inputs, prepared=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    raw = results.predict("a", 0, inputs * 16)  # unit scaling divides the digits by 16
    np.testing.assert_allclose(raw, expected, rtol=1e-4, atol=1e-5)


def test_predicting_from_inputs_of_another_shape_says_which_are_expected(done):
    with pytest.raises(ValueError, match="64 features"):
        done[2].predict("a", 0, np.zeros((3, 5)), prepared=True)
    with pytest.raises(BadInput, match="64 in a row"):
        done[2].predict("a", 0, np.zeros((3, 5)))


def test_asking_for_what_is_not_there_is_a_sentence(done):
    with pytest.raises(BadInput, match="a network of the study"):
        done[2].weights("c", 0)
    with pytest.raises(BadInput, match="a finished seed"):
        done[2].weights("a", 7)


def test_events_tell_the_whole_run(done):
    *_, told = done
    assert told.of(RunPlanned)[0].total == 4
    assert told.of(RunPlanned)[0].already == 0
    started = {event.stack: event.members for event in told.of(StackStarted)}
    assert sorted(member for members in started.values() for member in members) == [
        ("a", 0), ("a", 1), ("b", 0), ("b", 1),
    ]  # fmt: skip
    assert {event.stack for event in told.of(StackFinished)} == set(started)
    assert {event.step for event in told.of(StackProgressed)} == {10, 20}
    assert isinstance(told[-1], RunEnded)
    assert (told[-1].finished, told[-1].missing, told[-1].interrupted) == (4, 0, False)


def test_events_are_json(done):
    for event in done[3]:
        assert json.loads(to_json(event))["event"]
    odd = StackProgressed("s", 1, 2, math.nan)
    assert json.loads(to_json(odd)) == {
        "event": "stack_progressed", "stack": "s", "step": 1, "steps": 2, "best_accuracy": None,
        "members": [], "values": {}, "diverged": [],
    }  # fmt: skip


def test_a_second_run_trains_nothing(done):
    declared, folder, first, _ = done
    before = everything_in(folder)
    results, told = run_and_hear(declared, folder)
    assert told.of(StackStarted) == []
    assert told.of(RunPlanned)[0].already == 4
    assert [r.key for r in results.runs] == [r.key for r in first.runs]
    assert everything_in(folder) == before


def everything_in(folder):
    with sqlite3.connect(folder / DATABASE_FILE) as connection:
        return list(connection.iterdump())


def test_names_and_figures_are_wording_and_rerun_nothing(done):
    declared, folder, _, _ = done
    renamed = study(A=declared.networks["a"], B=declared.networks["b"])
    _, told = run_and_hear(replace(renamed, name="renamed"), folder)
    assert told.of(StackStarted) == []
    run_and_hear(declared, folder)


def test_a_folder_says_what_it_would_take_and_what_is_there(done):
    declared, folder, _, _ = done
    longer = declared.networks["a"].model_copy(update={"seeds": (0, 1, 2)})
    foreseen = estimate(replace(declared, networks={**declared.networks, "a": longer}), folder)
    assert (foreseen.total, foreseen.finished) == (5, 4)
    assert [s.members for s in foreseen.stacks] == [(("a", 2),)]
    assert [(n.network, n.seeds, n.finished) for n in foreseen.networks] == [
        ("a", 3, 2), ("b", 2, 2),
    ]  # fmt: skip
    # 64·16 + 16 + 16·10 + 10 parameters
    assert foreseen.networks[0].parameters == 1210
    assert foreseen.seconds > 0
    assert foreseen.disk_bytes > 4 * 1210


def test_an_estimate_without_records_needs_no_data(tmp_path):
    far = network(data={"name": "kmnist"})
    foreseen = estimate(study(far=far), tmp_path / "none")
    assert (foreseen.total, foreseen.finished) == (1, 0)
    assert foreseen.networks[0].layers == (784, 16, 10)


def test_adding_a_seed_and_a_network_reruns_nothing_else(tmp_path):
    run(study(TWO), tmp_path)
    more = study(TWO | {"a": network(seeds=[0, 5]), "c": network(hidden=[8])})
    results, told = run_and_hear(more, tmp_path)
    trained = sorted(m for event in told.of(StackStarted) for m in event.members)
    assert trained == [("a", 5), ("c", 0)]
    assert told.of(Rerun) == []
    assert len(results.runs) == 4


def test_a_changed_setting_reruns_that_network_and_says_why(tmp_path):
    run(study(TWO), tmp_path)
    changed = study(TWO | {"a": network(optimizer={**ADAM, "learning_rate": 0.02})})
    _, told = run_and_hear(changed, tmp_path)
    reason = "optimizer.learning_rate was 0.01, is now 0.02"
    assert told.of(Rerun) == [Rerun("a", 0, reason)]
    assert [event.members for event in told.of(StackStarted)] == [(("a", 0),)]
    _, told = run_and_hear(study(TWO), tmp_path)
    assert told.of(StackStarted) == []


def test_lost_weights_are_trained_anew_and_it_is_said_why(tmp_path):
    before = run(study(a=network()), tmp_path)
    kept = before.weights("a", 0)
    (file,) = (tmp_path / "weights").glob("*.safetensors")
    file.unlink()
    after, told = run_and_hear(study(a=network()), tmp_path)
    assert told.of(Rerun) == [Rerun("a", 0, "its weights are gone")]
    for layer, expected in zip(after.weights("a", 0), kept, strict=True):
        for array, other in zip(layer, expected, strict=True):
            assert array.tobytes() == other.tobytes()


def test_names_for_the_same_content_share_one_training(tmp_path):
    results, told = run_and_hear(study(a=network(), twin=network()), tmp_path)
    (started,) = told.of(StackStarted)
    assert started.members == (("a", 0), ("twin", 0))
    assert [r.network for r in results.runs] == ["a", "twin"]
    assert results.runs[0].key == results.runs[1].key


def test_a_network_that_diverges_is_a_result(tmp_path):
    wild = network(optimizer={"name": "sgd", "learning_rate": 1e30})
    results, told = run_and_hear(study(wild=wild, tame=network()), tmp_path)
    diverged = results.run("wild", 0)
    assert diverged.diverged_at is not None
    assert diverged.evaluation is None
    assert results.run("tame", 0).diverged_at is None
    assert [m for event in told.of(StackFinished) for m in event.diverged] == [("wild", 0)]
    assert results.missing == ()
    table = results.summary().set_index("network")
    assert table.loc["wild", "status"] == "diverged"
    _, told = run_and_hear(study(wild=wild, tame=network()), tmp_path)
    assert told.of(StackStarted) == []


@pytest.fixture
def bad_seed_13(monkeypatch):
    """Training raises for any stack that holds seed 13, as if memory had run out."""
    real = worker_pool.train

    def train(recipes, data, watch=None):
        if any(recipe.seed == 13 for recipe in recipes):
            raise RuntimeError("out of memory")
        return real(recipes, data, watch)

    monkeypatch.setattr(worker_pool, "train", train)


def test_a_network_that_cannot_be_trained_leaves_its_neighbours(tmp_path, bad_seed_13, monkeypatch):
    declared = study(a=network(seeds=[1, 2, 13, 4, 5]))
    results, told = run_and_hear(declared, tmp_path)
    assert [r.seed for r in results.runs] == [1, 2, 4, 5]
    (failure,) = results.failures
    assert (failure.network, failure.seed) == ("a", 13)
    assert failure.reason == "RuntimeError: out of memory"
    assert "Traceback" in failure.log
    assert told.of(StackFailed)[0].tried_again
    assert not told.of(StackFailed)[-1].tried_again
    assert (told[-1].failed, told[-1].missing) == (1, 1)
    statuses = results.summary().set_index("seed")["status"]
    assert statuses[13] == "failed"
    monkeypatch.undo()
    results = run(declared, tmp_path)
    assert (results.missing, results.failures) == ((), ())


def test_fail_fast_stops_at_the_first_failure(tmp_path, bad_seed_13):
    # The failing network is the largest, so it comes first; the rest are many stacks.
    networks = {"first": network(hidden=[64, 64], seeds=[13])}
    networks |= {f"n{width}": network(hidden=[width]) for width in range(4, 12)}
    results, told = run_and_hear(study(networks), tmp_path, fail_fast=True)
    assert len(told.of(StackFailed)) == 1
    assert len(results.runs) < 8
    assert ("first", 13) in results.missing


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_interruption_keeps_what_is_finished_and_ends_in_the_same_bits(tmp_path, precision):
    declared = study(a=network(seeds=range_of(4)), b=network(hidden=[24], seeds=range_of(4)))
    told = Told()

    def interrupt(event):
        told.append(event)
        if isinstance(event, StackFinished):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(declared, tmp_path / "stopped", precision=precision, on_event=interrupt)
    ended = told[-1]
    assert isinstance(ended, RunEnded)
    assert ended.interrupted
    assert ended.finished >= 1
    kept = {r.key for r in Results.open(tmp_path / "stopped").runs}
    assert len(kept) == ended.finished
    resumed, told = run_and_hear(declared, tmp_path / "stopped", precision=precision)
    assert told.of(RunPlanned)[0].resumed == told.of(RunPlanned)[0].stacks
    whole = run(declared, tmp_path / "whole", precision=precision)
    assert bits(resumed) == bits(whole)


def range_of(count):
    return list(range(count))


def bits(results):
    """Everything of results that must not depend on when they were made, seconds aside."""
    return {
        (r.network, r.seed): (
            r.key,
            r.steps.tobytes(),
            {n: c.tobytes() for n, c in r.curves.items() if n != ("batch", "seconds")},
            r.evaluation,
            tuple(a.tobytes() for layer in results.weights(r.network, r.seed) for a in layer),
        )
        for r in results.runs
    }


def test_the_same_study_run_twice_has_the_same_bits(tmp_path, done):
    declared, _, first, _ = done
    assert bits(run(declared, tmp_path)) == bits(first)


def test_a_folder_that_cannot_be_written_to_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInput, match="can be written to"):
        run(study(TWO), tmp_path / "file" / "small")


def test_a_full_disk_is_a_sentence_and_keeps_what_was_finished(tmp_path, monkeypatch):
    declared = study(a=network(), b=network(hidden=[24]), c=network(hidden=[8]))
    real = worker_pool.weights.save
    saved = []

    def save(path, *tensors):
        if saved:
            raise OSError(28, "No space left on device")
        saved.append(path)
        real(path, *tensors)

    monkeypatch.setattr(worker_pool.weights, "save", save)
    with pytest.raises(BadInput, match="no space left on device"):
        run(declared, tmp_path)
    assert len(Results.open(tmp_path).runs) == 1
    monkeypatch.undo()
    assert run(declared, tmp_path).missing == ()


def test_an_error_of_the_listener_ends_the_run_and_is_not_swallowed(tmp_path):
    def listen(event):
        if isinstance(event, StackStarted):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(study(TWO), tmp_path, on_event=listen)
    assert run(study(TWO), tmp_path).missing == ()


@pytest.mark.parametrize(
    ("options", "told"),
    [({"device": "tpu"}, "auto, cpu or cuda"), ({"precision": "float16"}, "bfloat16")],
)
def test_a_wrong_option_is_a_sentence(tmp_path, options, told):
    with pytest.raises(BadInput, match=told):
        run(study(TWO), tmp_path, **options)


def test_networks_that_do_not_fit_own_data_are_told_before_training(tmp_path):
    rows = "\n".join(f"{i},{i % 7},{'ab'[i % 2]}" for i in range(40))
    (tmp_path / "own.csv").write_text(f"x,y,kind\n{rows}\n")
    own = {"format": "csv", "path": "own.csv", "label": "kind", "classes": ["a", "b"]}
    greedy = network(data=own, training={"steps": 5, "batch_size": 100, "evaluate_every": 5})
    few = network(data=own, outputs=1, training={"steps": 5, "batch_size": 4, "evaluate_every": 5})
    declared = replace(study(greedy=greedy, few=few), folder=tmp_path)
    with pytest.raises(BadInput) as error:
        run(declared, tmp_path / "out")
    wheres = [problem.where for problem in error.value.problems]
    assert wheres == ["networks.greedy.training.batch_size", "networks.few.outputs"]


def test_a_machine_without_fast_bfloat16_refuses_it(tmp_path, monkeypatch):
    monkeypatch.setattr("mlplab.networks.precision.has_fast_bfloat16", lambda device: False)
    with pytest.raises(BadInput, match="use --precision float32"):
        run(study(a=network()), tmp_path / "small", precision="bfloat16")
    assert not (tmp_path / "small").exists()
