"""Train a plan: give stacks to the worker pool as cores become free, and record what comes back."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlplab.data.preparation import prepare
from mlplab.declarations.problems import BadInput, Problem
from mlplab.records.runs import record_stack
from mlplab.records.stacks import PlannedStack, record_failure, store_plan, weights_file
from mlplab.records.studies import Member, record_environment
from mlplab.runner.cluster import Cluster
from mlplab.runner.events import (
    OnEvent,
    StackFailed,
    StackFinished,
    StackProgressed,
    StackStarted,
)
from mlplab.runner.executor import (
    Executor,
    Failed,
    Job,
    Message,
    Progressed,
    Trained,
    Unwritable,
)
from mlplab.runner.live import stop_is_asked
from mlplab.runner.planning import halves, work
from mlplab.runner.stopping import stop_requests_heeded
from mlplab.runner.wanted import WantedRun
from mlplab.runner.worker_pool import WorkerPool, workers_for
from mlplab.trainer.dataset import DeviceDataset

_INPUTS_KEPT = 3
"""Differently scaled inputs held at once beside those in use."""
_PATIENCE_SECONDS = 5.0
"""How long an interrupted run waits for its threads to reach their next evaluation."""


@dataclass(frozen=True, eq=False)
class Training:
    """What training a plan needs."""

    stacks: Sequence[PlannedStack]
    wanted: Mapping[str, WantedRun]
    """By key; every key of the plan."""
    folder: Path
    """The results folder."""
    study_folder: Path
    """What paths of own data are relative to."""
    connection: sqlite3.Connection
    environment: int
    cores: int
    fail_fast: bool
    on_event: OnEvent
    cluster: Cluster | None = None
    """Whose workers train it; None for threads of this process."""


def train_plan(training: Training) -> None:
    """Train all stacks of a plan; returns when each is recorded as finished or failed.

    Raises:
        BadInput: weights cannot be written.
        KeyboardInterrupt: stacks in training are given up, finished ones are recorded.
    """
    if training.stacks:
        with stop_requests_heeded(lambda: stop_is_asked(training.folder)):
            Scheduler(training).work_through()


class Scheduler:
    """Knows what waits, what is in training, and how many cores are free."""

    def __init__(self, training: Training) -> None:
        self.t = training
        self.waiting = deque(training.stacks)
        self.busy: dict[str, PlannedStack] = {}
        self.pool: Executor = (
            WorkerPool(workers_for(training.stacks, training.cores), training.cores)
            if training.cluster is None
            else training.cluster.executor()
        )
        self.resident = _Resident(training.study_folder)

    def work_through(self) -> None:
        try:
            while self.waiting or self.busy:
                self._give_jobs()
                self._hear(self.pool.next_message())
        finally:
            self.pool.shutdown(_PATIENCE_SECONDS if self.busy else 0.1)
            self._keep_the_last()

    def _give_jobs(self) -> None:
        """Start stacks in their order while there are cores; a large one waits for all of its."""
        while self.waiting:
            taken = sum(stack.threads for stack in self.busy.values())
            if self.busy and taken + self.waiting[0].threads > self.pool.cores:
                return
            stack = self.waiting.popleft()
            self.busy[stack.id] = stack
            runs = tuple(self.t.wanted[key] for key in stack.keys)
            self.t.on_event(
                StackStarted(
                    stack=stack.id,
                    members=_members(runs),
                    steps=max(run.recipe.training.steps for run in runs),
                    flops=work(stack, self.t.wanted),
                )
            )
            data = self.resident.of(runs[0], stack)
            self.pool.give(Job(stack, runs, data, weights_file(self.t.folder, stack.id)))

    def _hear(self, message: Message) -> None:
        if isinstance(message, Progressed):
            progress, runs = message.progress, message.job.runs
            members = [runs[i].members for i in progress.networks]
            self.t.on_event(
                StackProgressed(
                    stack=message.job.stack.id,
                    step=progress.step,
                    steps=progress.steps,
                    best=progress.best,
                    metric=progress.metric,
                    members=tuple(member for its in members for member in its),
                    values={
                        f"{split}_{metric}": [
                            value
                            for value, its in zip(own.tolist(), members, strict=True)
                            for _ in its
                        ]
                        for (split, metric), own in progress.values.items()
                    },
                    diverged=_members(runs[i] for i in progress.diverged),
                )
            )
            return
        if isinstance(message, Unwritable):
            raise _unwritable(message)
        if isinstance(message, Trained):
            self._record(message)
        elif isinstance(message, Failed):
            self._fail(message)
        # Only what is recorded is no longer in work: an interruption in between keeps it here.
        del self.busy[message.job.stack.id]

    def _record(self, trained: Trained) -> None:
        job = trained.job
        self._write(trained)
        diverged = {run.key for run in trained.runs if run.diverged_at is not None}
        self.t.on_event(
            StackFinished(
                stack=job.stack.id,
                members=_members(job.runs),
                seconds=sum(run.seconds for run in trained.runs),
                diverged=_members(run for run in job.runs if run.key in diverged),
            )
        )

    def _fail(self, failed: Failed) -> None:
        """Record a failure; a larger stack is tried in halves, to find out which of it can."""
        stack = failed.job.stack
        again = len(stack.keys) > 1 and not self.t.fail_fast
        if again:
            parts = halves(stack)
            store_plan(self.t.connection, parts, given_up=[stack])
            self.waiting.extendleft(reversed(parts))
        else:
            record_failure(self.t.connection, stack, failed.log)
        if self.t.fail_fast:
            self.waiting.clear()
        reason = failed.log.strip().splitlines()[-1]
        self.t.on_event(StackFailed(stack.id, _members(failed.job.runs), reason, again))

    def _keep_the_last(self) -> None:
        """Record what was finished while the pool was shutting down."""
        while not self.pool.messages.empty():
            message = self.pool.messages.get()
            if isinstance(message, Trained):
                self._write(message)

    def _write(self, trained: Trained) -> None:
        machine, connection = trained.machine, self.t.connection
        made_on = record_environment(connection, machine) if machine else self.t.environment
        record_stack(connection, trained.job.stack, trained.runs, made_on)


class _Resident:
    """Inputs on the device, shared by all stacks that learn from them."""

    def __init__(self, study_folder: Path) -> None:
        self._study_folder = study_folder
        self._kept: OrderedDict[tuple, DeviceDataset] = OrderedDict()

    def of(self, run: WantedRun, stack: PlannedStack) -> DeviceDataset:
        """Return the inputs that a run of a stack learns from, prepared again where let go."""
        name = (run.data.inputs_digest, run.data.digest, stack.precision, stack.device)
        data = self._kept.pop(name, None)
        if data is None:
            again = prepare(run.declaration, self._study_folder, _silent, run.roles)
            if (again.inputs_digest, again.digest) != (run.data.inputs_digest, run.data.digest):
                raise _changed_meanwhile(run)
            data = DeviceDataset(again.inputs, run.data.labels, stack.precision, stack.device)
        self._kept[name] = data
        while len(self._kept) > _INPUTS_KEPT:
            self._kept.popitem(last=False)
        return data


def _changed_meanwhile(run: WantedRun) -> BadInput:
    return BadInput(
        Problem(
            f"data of {run.members[0][0]}",
            expected="the contents that were read when the run began",
            received="others: the files were changed meanwhile",
            hint="run again; what is finished is kept under the contents it was trained on",
        )
    )


def _silent(text: str) -> None:
    """Say nothing: what there is to say about the data was said when they were first prepared."""


def _members(runs: Iterable[WantedRun]) -> tuple[Member, ...]:
    return tuple(member for run in runs for member in run.members)


def _unwritable(message: Unwritable) -> BadInput:
    return BadInput(
        Problem(
            "",
            expected="to write trained weights there",
            received=str(message.error.strerror or message.error).lower(),
            hint="make room and run again: what is finished is kept",
            file=str(message.job.weights),
        )
    )
