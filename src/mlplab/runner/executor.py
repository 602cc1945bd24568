"""Where stacks are trained: what an executor is given, what it tells, and what each one can do.

Threads of this process are one (`worker_pool.py`), the workers of a cluster another (`cluster.py`).
Neither writes records; the thread that called `run` does, from their messages.
"""

from __future__ import annotations

import queue
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlplab.records.runs import FinishedRun
from mlplab.records.stacks import PlannedStack
from mlplab.runner.stopping import check_stop_request
from mlplab.runner.wanted import WantedRun
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.recipe import TrainingProgress


@dataclass(frozen=True, eq=False)
class Job:
    """A stack with all that training it needs."""

    stack: PlannedStack
    runs: tuple[WantedRun, ...]
    data: DeviceDataset
    weights: Path
    """Where its weights are written."""


@dataclass(frozen=True, eq=False)
class Progressed:
    """A stack was evaluated."""

    job: Job
    progress: TrainingProgress


@dataclass(frozen=True, eq=False)
class Trained:
    """A stack is trained, and its weights are on disk."""

    job: Job
    runs: tuple[FinishedRun, ...]
    machine: Mapping[str, str] | None = None
    """Versions and hardware of the machine that trained it, where that is another one."""


@dataclass(frozen=True, eq=False)
class Failed:
    """A stack could not be trained."""

    job: Job
    log: str


@dataclass(frozen=True, eq=False)
class Unwritable:
    """The weights of a stack could not be written, so no other's could."""

    job: Job
    error: OSError


Message = Progressed | Trained | Failed | Unwritable


class Executor(Protocol):
    """Trains stacks and tells of them through one queue."""

    messages: queue.SimpleQueue[Message]

    @property
    def cores(self) -> int:
        """On which stacks train side by side, now."""

    def give(self, job: Job) -> None:
        """Have a job done; one message at its end, Progressed before."""

    def next_message(self) -> Message:
        """Wait for a message.

        Raises:
            KeyboardInterrupt: a stop was asked for.
        """

    def shutdown(self, patience: float) -> None:
        """Stop all training at its next evaluation, and wait for that so many seconds at most."""


def next_of(messages: queue.SimpleQueue[Message]) -> Message:
    """Wait for a message.

    Raises:
        KeyboardInterrupt: a stop was asked for.
    """
    while True:
        check_stop_request()
        try:
            # Without a limit a wait cannot be interrupted from the keyboard on Windows.
            return messages.get(timeout=0.2)
        except queue.Empty:
            continue
