"""Threads that train stacks side by side, each on its own cores.

They only train, and write weights; everything else happens in the thread that called `run`, which
hears of them through one queue. Training spends its time in products, which release Python's lock.
"""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import numpy as np
import torch

from mlplab.metrics.classification import evaluate_many
from mlplab.metrics.regression import evaluate_regression
from mlplab.records import weights
from mlplab.records.runs import FinishedRun
from mlplab.records.stacks import PlannedStack
from mlplab.runner.environment import COMPUTING, compute_on
from mlplab.runner.executor import Failed, Job, Message, Progressed, Trained, Unwritable, next_of
from mlplab.runner.wanted import WantedRun
from mlplab.trainer.recipe import TrainedNetwork, TrainingProgress
from mlplab.trainer.train import train

_EVALUATED_ALONE = 2**24
"""Pairs of test row and output beyond which one thread evaluates at a time, to spare memory."""
_evaluating = threading.Lock()


class WorkerPool:
    """Some threads, the jobs they are given and the messages they send."""

    def __init__(self, workers: int, cores: int) -> None:
        self.cores = cores
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._threads_here = torch.get_num_threads()
        # Daemons: a program that is told to end does not wait for a step of training.
        self._threads = [
            threading.Thread(target=self._work, name=f"{COMPUTING}training-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def give(self, job: Job) -> None:
        """Have a job done by the next free thread."""
        self._jobs.put(job)

    def next_message(self) -> Message:
        """Wait for a message.

        Raises:
            KeyboardInterrupt: a stop was asked for.
        """
        return next_of(self.messages)

    def shutdown(self, patience: float) -> None:
        """Stop all threads at their next evaluation, and wait for that so many seconds at most."""
        self._stopping.set()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(patience / len(self._threads))
        # Some libraries take the number that any thread set last for all threads.
        torch.set_num_threads(self._threads_here)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None and not self._stopping.is_set():
            try:
                self.messages.put(self._do(job))
            except _StoppedError:
                return
            except Exception:
                self.messages.put(Failed(job, traceback.format_exc()))

    def _do(self, job: Job) -> Message:
        def on_event(progress: TrainingProgress) -> None:
            if self._stopping.is_set():
                raise _StoppedError
            self.messages.put(Progressed(job, progress))

        compute_on(job.stack.threads)
        if job.stack.device == "cuda":
            # What the last stack held, all the more one that failed for want of memory, is free.
            torch.cuda.empty_cache()
        networks = train([run.recipe for run in job.runs], job.data, on_event)
        finished = finish(job.runs, networks)
        return kept(job, finished, networks)


class _StoppedError(Exception):
    """Raised inside training to leave it."""


def kept(
    job: Job,
    finished: tuple[FinishedRun, ...],
    networks: Sequence[TrainedNetwork],
    machine: Mapping[str, str] | None = None,
) -> Trained | Unwritable:
    """Write the weights of a trained stack; machine: what is recorded of another that trained it."""
    trained = dict(zip((run.key for run in job.runs), networks, strict=True))
    try:
        weights.save(
            job.weights,
            {key: network.weights for key, network in trained.items()},
            {key: n.centres for key, n in trained.items() if n.centres is not None},
        )
    except OSError as error:
        return Unwritable(job, error)
    return Trained(job, finished, machine)


def finish(
    runs: Sequence[WantedRun], networks: Sequence[TrainedNetwork]
) -> tuple[FinishedRun, ...]:
    """Return what is recorded of the trained networks of a stack."""
    return tuple(
        FinishedRun(
            key=run.key,
            content=run.content,
            seed=run.recipe.seed,
            layers=run.recipe.layers,
            steps=network.steps,
            curves=network.curves,
            diverged_at=network.diverged_at,
            stopped_at=network.stopped_at,
            seconds=network.seconds,
            evaluation=evaluation,
        )
        for run, network, evaluation in zip(
            runs, networks, _evaluations(runs, networks), strict=True
        )
    )


def _evaluations(runs: Sequence[WantedRun], networks: Sequence[TrainedNetwork]) -> list[str | None]:
    """The evaluation of each network as JSON, None for one that diverged or has no test rows."""
    evaluations: list[str | None] = [None] * len(runs)
    alike: dict[tuple[int, int], list[int]] = {}
    for place, (run, network) in enumerate(zip(runs, networks, strict=True)):
        logits = network.test_logits
        if network.diverged_at is not None or not len(logits) or not np.isfinite(logits).all():
            continue
        if run.recipe.quantity is not None:
            evaluations[place] = _of_quantity(run, run.recipe.quantity.targets, logits)
        else:
            alike.setdefault((id(run.data), id(run.recipe.train_rows)), []).append(place)
    for places in alike.values():
        run = runs[places[0]]
        data = run.data
        scores = [
            runs[place].recipe.objective.class_scores(torch.from_numpy(networks[place].test_logits))
            for place in places
        ]
        targets = data.label_map[data.labels[run.recipe.test_rows]]
        learned = data.label_map[data.labels[run.recipe.train_rows]]
        counts = np.bincount(learned[learned >= 0], minlength=len(data.class_names))
        # Objectives differ in how many outputs they add to those of the classes.
        for outputs in {own.shape[1] for own in scores}:
            own = [i for i, one in enumerate(scores) if one.shape[1] == outputs]
            large = len(targets) * outputs > _EVALUATED_ALONE
            with _evaluating if large else nullcontext():
                of_classes = [scores[i].numpy() for i in own]
                found = evaluate_many(of_classes, targets, data.class_names, counts)
            for i, evaluation in zip(own, found, strict=True):
                evaluations[places[i]] = evaluation.to_json()
    return evaluations


def _of_quantity(run: WantedRun, targets: np.ndarray, outputs: np.ndarray) -> str:
    preparation = run.data.preparation
    return evaluate_regression(
        preparation.in_unit(outputs[:, 0].astype(np.float64)),
        preparation.in_unit(targets[run.recipe.test_rows].astype(np.float64)),
        run.data.class_names[0],
        preparation.target_mean,
    ).to_json()


def workers_for(stacks: Sequence[PlannedStack], cores: int) -> int:
    """Return how many threads a plan can keep busy; a GPU is driven by one."""
    if not stacks or stacks[0].device == "cuda":
        return 1
    return max(1, min(cores, len(stacks)))
