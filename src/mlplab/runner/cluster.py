"""Stacks trained by the workers of a Dask cluster; this process alone writes records.

Dask sends a stack whose worker is lost to another one, three times unless its scheduler is set
otherwise, and then it is a failure. What is sent is loaded by pickle on both sides, so a scheduler of
another machine is to be reached by tls:// only.
"""

from __future__ import annotations

import hashlib
import queue
import time
import traceback
import uuid
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from mlplab.declarations.problems import BadInput, Problem
from mlplab.runner.environment import compute_on, describe
from mlplab.runner.executor import Failed, Job, Message, Progressed, next_of
from mlplab.runner.worker_pool import finish, kept
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.recipe import Recipe, TrainedNetwork, TrainingProgress
from mlplab.trainer.train import train

if TYPE_CHECKING:
    from distributed import Client, Future

_MUST_AGREE = ("mlplab", "kernels")
"""Part of what a content key promises."""
_TOLD = ("python", "torch", "numpy", "platform", "processor", "instructions", "mkl")
_LEFT_TO_THIS_PROCESS = """import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
"""
"""Ctrl-C reaches all processes of a terminal; the run ends its workers itself."""
_FIRST_WORKER_SECONDS = 60
_COUNTED_EVERY_SECONDS = 1.0
_INPUTS_KEPT = 3
_AS_TOLD = ("step", "steps", "finished", "best", "metric")
_SENT_AGAIN = 3
"""How often, where all workers that held the data were lost together."""


@contextmanager
def connected(
    cluster: Client | str | None, *, unencrypted: bool = False
) -> Iterator[Cluster | None]:
    """Yield a cluster with a worker at least; None for None. What was begun here is ended.

    Args:
        cluster: a client, the address of a scheduler, or local:N for N processes of this machine.
        unencrypted: take a tcp:// address of another machine all the same.

    Raises:
        BadInput: no such cluster, or one that would not give the same results.
    """
    if cluster is None:
        yield None
        return
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise _refused(
            "the extra `cluster`", "an installation without it", 'pip install "mlplab[cluster]"'
        ) from None
    if isinstance(cluster, Client):
        yield Cluster(cluster)
    elif cluster.startswith("local:"):
        count = cluster.removeprefix("local:")
        if not (count.isdecimal() and int(count) > 0):
            raise _refused("local: and a number from 1 on", repr(cluster), "such as local:2")
        with (
            LocalCluster(
                n_workers=int(count),
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",
                preload=[_LEFT_TO_THIS_PROCESS],
            ) as here,
            Client(here) as client,
        ):
            yield Cluster(client)
    else:
        note = _unencrypted_note(cluster, unencrypted)
        try:
            client = Client(cluster, timeout=_FIRST_WORKER_SECONDS / 4)
        except (OSError, TypeError, ValueError, ImportError) as error:
            raise _refused("a Dask scheduler that answers", str(error), "") from None
        with client:
            yield Cluster(client, note)


def _unencrypted_note(address: str, unencrypted: bool) -> tuple[str, ...]:
    try:
        url = urlsplit(address)
        known = url.scheme in ("tls", "tcp") and url.hostname and url.port
    except ValueError:
        known = None
    if not known:
        hint = "tls://HOST:PORT, or local:2 for two processes of this machine"
        raise _refused("the address of a scheduler", repr(address), hint)
    if url.scheme == "tls" or _is_loopback(url.hostname or ""):
        return ()
    if not unencrypted:
        raise _refused(
            "tls:// for another machine",
            f"{address}: whoever reaches it runs programs as you do",
            "set up TLS as the documentation says, or add --unencrypted in a network you trust",
        )
    return (f"{address} is not encrypted: whoever reaches it runs programs as you do",)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _refused(expected: str, received: str, hint: str) -> BadInput:
    return BadInput(Problem("--cluster", expected, received, hint))


class Cluster:
    """Workers, compared with this machine when the cluster is first seen."""

    def __init__(self, client: Client, notes: Sequence[str] = ()) -> None:
        self.client = client
        try:
            client.wait_for_workers(1, timeout=_FIRST_WORKER_SECONDS)
        except TimeoutError:
            received = f"none within {_FIRST_WORKER_SECONDS} seconds"
            raise _refused("a worker", received, "start one: dask worker ADDRESS") from None
        self.notes = (*notes, *_differences(client))
        self._counted = (float("-inf"), [1])

    def device(self, wanted: str) -> str:
        """cpu, on which a cluster trains.

        Raises:
            BadInput: another device was asked for.
        """
        if wanted not in ("auto", "cpu"):
            hint = "leave --cluster or --device out"
            raise BadInput(Problem("--device", "cpu, as workers of a cluster", repr(wanted), hint))
        return "cpu"

    def cores(self) -> int:
        """Of all workers there are now."""
        return max(1, sum(self._each()))

    def cores_of_a_worker(self) -> int:
        """Of the smallest worker."""
        return max(1, min(self._each(), default=1))

    def _each(self) -> list[int]:
        then, counted = self._counted
        if time.monotonic() - then > _COUNTED_EVERY_SECONDS:
            counted = list(self.client.nthreads().values())
            self._counted = (time.monotonic(), counted)
        return counted

    def executor(self) -> ClusterPool:
        """One for a plan."""
        return ClusterPool(self)


def _differences(client: Client) -> list[str]:
    """Say in what workers differ from this machine.

    Raises:
        BadInput: in what decides the bits of every network.
    """
    try:
        found: Mapping[str, Any] = client.run(describe, "cpu")
    except ImportError as error:
        hint = "install the same mlplab there"
        raise _refused("workers that have mlplab", str(error), hint) from None
    here, notes = describe("cpu"), []
    for address, facts in found.items():
        for name in _MUST_AGREE:
            if facts.get(name) != here[name]:
                raise _refused(
                    f"workers with the {name} of this machine, {here[name]}",
                    f"{facts.get(name)} on {address}",
                    "install the same version; MLPLAB_KERNELS=baseline everywhere runs on all",
                )
        other = [
            f"{name} {facts.get(name)} instead of {here.get(name)}"
            for name in _TOLD
            if facts.get(name) != here.get(name)
        ]
        if other:
            text = f"worker {address} differs: {', '.join(other)}; equal bits are not promised"
            notes.append(text)
    return notes


@dataclass(frozen=True, eq=False)
class _Rows:
    """A data set as it is sent."""

    inputs: np.ndarray
    labels: np.ndarray
    digest: str

    @classmethod
    def of(cls, data: DeviceDataset) -> _Rows:
        # What bfloat16 rounds stays the same there and back.
        inputs = data.inputs.float().numpy()
        return cls(inputs, data.labels, _digest(inputs, data.labels))


def _digest(inputs: np.ndarray, labels: np.ndarray) -> str:
    found = hashlib.sha256(str((inputs.shape, inputs.dtype, labels.shape)).encode())
    for array in (inputs, labels):
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


class ClusterPool:
    """The executor of a cluster, for one plan."""

    def __init__(self, cluster: Cluster) -> None:
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._cluster, self._client = cluster, cluster.client
        self._name = f"mlplab-{uuid.uuid4().hex}"
        self._given: dict[str, tuple[Job, Future]] = {}
        self._sent: OrderedDict[int, tuple[DeviceDataset, Future]] = OrderedDict()
        self._client.subscribe_topic(self._name, self._hear)

    @property
    def cores(self) -> int:
        """Of the workers there are now."""
        return self._cluster.cores()

    def give(self, job: Job, attempt: int = 1) -> None:
        """Have a job done by a free worker."""
        future = self._client.submit(
            _train_here,
            self._rows(job.data, again=attempt > 1),
            [run.recipe for run in job.runs],
            (self._name, job.stack.id),
            (job.stack.threads, job.stack.precision),
            {name: describe("cpu")[name] for name in _MUST_AGREE},
            key=f"{self._name}-{job.stack.id}-{attempt}",
            pure=False,
        )
        self._given[job.stack.id] = job, future
        future.add_done_callback(lambda done: self._end(job, done, attempt))

    def next_message(self) -> Message:
        """Wait for a message.

        Raises:
            KeyboardInterrupt: a stop was asked for.
        """
        return next_of(self.messages)

    def shutdown(self, patience: float) -> None:
        """Stop what still trains."""
        left = [future for _, future in self._given.values()]
        self._given = {}
        with suppress(Exception):  # A cluster that is gone has stopped.
            self._client.unsubscribe_topic(self._name)
            if left:
                self._client.cancel(left)
                self._client.run(_stop, self._name, on_error="ignore")

    def _rows(self, data: DeviceDataset, *, again: bool) -> Future:
        """The rows as they lie with every worker, sent once."""
        known = None if again else self._sent.pop(id(data), None)
        if known is None:
            known = data, self._client.scatter(_Rows.of(data), broadcast=True, hash=False)
        self._sent[id(data)] = known
        while len(self._sent) > _INPUTS_KEPT:
            self._sent.popitem(last=False)
        return known[1]

    def _hear(self, event: tuple[float, Any]) -> None:
        _, told = event
        given = self._given.get(told["stack"])
        if given is not None:
            progress = TrainingProgress(
                **{name: told[name] for name in _AS_TOLD},
                networks=tuple(told["networks"]),
                diverged=tuple(told["diverged"]),
                values={(split, name): np.array(own) for split, name, own in told["values"]},
            )
            self.messages.put(Progressed(given[0], progress))

    def _end(self, job: Job, done: Future, attempt: int) -> None:
        """Take what a worker gives back; in a thread of Dask's."""
        if job.stack.id not in self._given:
            return
        try:
            if done.status == "cancelled" and attempt < _SENT_AGAIN:
                self.give(job, attempt + 1)
                return
            networks, machine = done.result()
            message: Message = kept(job, finish(job.runs, networks), networks, machine)
        except Exception as error:
            log = "".join(traceback.format_exception(error))
            # Cancelled by nobody: the data it waits for were lost with the workers that held them.
            if type(error).__name__ in ("KilledWorker", "FutureCancelledError"):
                log += (
                    "\nevery worker that trained it was lost: killed, out of memory, or cut off\n"
                )
            message = Failed(job, log)
        self._given.pop(job.stack.id, None)
        self.messages.put(message)


_datasets: OrderedDict[tuple[str, str], DeviceDataset] = OrderedDict()
_only_one = Lock()
_stopped: set[str] = set()


def _stop(name: str) -> None:
    """On a worker: leave all training of one plan at its next evaluation."""
    _stopped.add(name)


def _train_here(
    rows: _Rows,
    recipes: Sequence[Recipe],
    name: tuple[str, str],
    how: tuple[int, str],
    must_agree: Mapping[str, str],
) -> tuple[list[TrainedNetwork], Mapping[str, str]]:
    """On a worker: train a stack; returns it, and the machine."""
    from distributed import get_worker

    machine = describe("cpu")
    for fact, expected in must_agree.items():
        if machine[fact] != expected:
            raise RuntimeError(f"this worker has {fact} {machine[fact]} instead of {expected}")
    (plan, stack), (threads, precision), worker = name, how, get_worker()

    def tell(progress: TrainingProgress) -> None:
        if plan in _stopped:
            raise RuntimeError("stopped")
        told = {
            "stack": stack,
            "step": int(progress.step),
            "steps": int(progress.steps),
            "finished": progress.finished,
            "best": float(progress.best),
            "metric": progress.metric,
            "networks": [int(place) for place in progress.networks],
            "values": [[*which, own.tolist()] for which, own in progress.values.items()],
            "diverged": [int(place) for place in progress.diverged],
        }
        worker.log_event(plan, told)

    compute_on(threads)
    return train(recipes, _resident(rows, precision), tell), machine


def _resident(rows: _Rows, precision: str) -> DeviceDataset:
    """The rows as training takes them, checked when they come."""
    with _only_one:
        data = _datasets.pop((rows.digest, precision), None)
        if data is None:
            if _digest(rows.inputs, rows.labels) != rows.digest:
                raise RuntimeError("the data came to this worker otherwise than they were sent")
            # Memory of a message may not be written to, and torch warns of that.
            data = DeviceDataset(rows.inputs.copy(), rows.labels.copy(), precision)
        _datasets[rows.digest, precision] = data
        while len(_datasets) > _INPUTS_KEPT:
            _datasets.popitem(last=False)
        return data
