"""Workers of a cluster: the bits of threads, also where one is killed."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from mlplab.declarations.problems import BadInput
from mlplab.records.results import Results
from mlplab.runner import cluster as clusters
from mlplab.runner.cluster import connected
from mlplab.runner.events import StackFailed, StackProgressed
from mlplab.runner.run import run
from small_studies import ADAM, SGD, network, study

STEPS = {"steps": 300, "batch_size": 32, "evaluate_every": 100}
SMALL = study({
    f"n{width}": network(hidden=[width], optimizer=optimizer, training=STEPS, seeds=[0, 1])
    for width, optimizer in ((6, ADAM), (8, SGD), (10, ADAM))
})  # fmt: skip
LONG = study({
    f"n{width}": network(
        hidden=[width], training={**STEPS, "steps": 30_000, "evaluate_every": 2000}, seeds=[0, 1]
    )
    for width in (16, 24, 32)
})  # fmt: skip
MNIST = study({
    f"n{width}": network(
        hidden=[width],
        data={"name": "mnist"},
        training={"steps": 1500, "batch_size": 64, "evaluate_every": 250},
        seeds=[0, 1, 2, 3],
    )
    for width in (32, 64)
})  # fmt: skip


@pytest.fixture(scope="module")
def two():
    """Two processes, one core each."""
    with connected("local:2") as cluster:
        yield cluster


def bits(results: Results):
    """All that must not depend on where a network is trained."""
    found = {}
    for one in results.runs:
        curves = {k: v.tobytes() for k, v in one.curves.items() if "seconds" not in k}
        weights = results.weights(one.network, one.seed)
        arrays = [np.asarray(a).tobytes() for layer in weights for a in layer]
        found[one.network, one.seed] = curves, arrays
    return found


def test_the_bits_of_threads(tmp_path, two):
    told = []
    there = run(SMALL, tmp_path / "cluster", cluster=two, on_event=told.append)
    here = run(SMALL, tmp_path / "threads", device="cpu")
    assert len(here.runs) == 6
    assert bits(there) == bits(here)
    assert any(isinstance(event, StackProgressed) and event.values for event in told)
    assert not any(isinstance(event, StackFailed) for event in told)


def test_records_say_the_machine_of_the_worker(tmp_path, two, monkeypatch):
    monkeypatch.setattr("mlplab.runner.run.describe", lambda device: {"mlplab": "driver"})
    run(SMALL, tmp_path, cluster=two)
    from mlplab.records.database import reading

    with reading(tmp_path) as connection:
        facts = connection.execute(
            "SELECT DISTINCT facts FROM run JOIN environment ON environment.id = run.environment"
        ).fetchall()
    assert facts
    assert all("processor" in text for (text,) in facts)


@pytest.mark.slow
@pytest.mark.parametrize("trained", [LONG, MNIST])
def test_a_killed_worker_changes_no_bit(tmp_path, two, trained):
    killed = []

    def kill(event):
        if isinstance(event, StackProgressed) and not killed:
            pids = two.client.run(os.getpid)
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    there = run(trained, tmp_path / "cluster", cluster=two, on_event=kill)
    here = run(trained, tmp_path / "threads", device="cpu")
    assert killed
    assert not there.missing
    assert bits(there) == bits(here)


@pytest.mark.slow
def test_a_network_that_loses_every_worker_is_a_failure(tmp_path, two):
    def kill(event):
        if isinstance(event, StackProgressed) and event.step == STEPS["evaluate_every"]:
            busy = [address for address, tasks in two.client.processing().items() if tasks]
            for pid in two.client.run(os.getpid, workers=busy).values():
                os.kill(pid, signal.SIGKILL)

    endless = network(training={**STEPS, "steps": 300_000})
    results = run(study(n=endless), tmp_path, cluster=two, on_event=kill)
    assert "worker that trained it was lost" in results.failures[0].reason


def test_workers_leave_ctrl_c_to_the_run(two):
    two.client.wait_for_workers(2, timeout=30)
    assert {*two.client.run(lambda: signal.getsignal(signal.SIGINT)).values()} == {signal.SIG_IGN}


@pytest.mark.slow
def test_a_stopped_run_goes_on_from_what_is_finished(tmp_path, two):
    def stop(event):
        if isinstance(event, StackProgressed):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(LONG, tmp_path, cluster=two, on_event=stop)
    assert len(run(SMALL, tmp_path, cluster=two).runs) == 6


def test_what_a_worker_cannot_train_is_a_failure_with_its_log(tmp_path, two, monkeypatch):
    monkeypatch.setattr(clusters, "_digest", lambda inputs, labels: "another")
    results = run(study(n=network()), tmp_path, cluster=two)
    assert "otherwise than they were sent" in results.failures[0].reason


@pytest.mark.parametrize("address", ["tcp://192.0.2.1:8786", "nowhere", "local:0", "tls://x"])
def test_addresses_that_are_refused(address):
    with pytest.raises(BadInput, match="--cluster"), connected(address):
        pass


def test_workers_of_another_build_are_refused(two, monkeypatch):
    here = clusters.describe("cpu")
    monkeypatch.setattr(
        clusters, "describe", _Other({**here, "kernels": "another build"}, two.client)
    )
    with pytest.raises(BadInput, match="another build"):
        clusters.Cluster(two.client)


class _Other:
    """Describes another machine here, and workers as they are."""

    def __init__(self, facts, client):
        self.facts, self.client = facts, client

    def __call__(self, device):
        return self.facts

    def __reduce__(self):
        from mlplab.runner.environment import describe

        return (_itself, (describe,))


def _itself(value):
    return value


def test_a_cluster_trains_on_cpus(tmp_path, two):
    with pytest.raises(BadInput, match="--device"):
        run(SMALL, tmp_path, cluster=two, device="cuda")
