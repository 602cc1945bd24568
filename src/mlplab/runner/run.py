"""Run a study: find what is missing, plan it, train it, record it stack by stack.

Killed at any moment, all stacks that were finished are kept, and another run trains the others
just as they were planned, so that both together end in the bits of one.
"""

from __future__ import annotations

import gc
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mlplab.declarations.problems import BadInput, Problem
from mlplab.declarations.study import Study
from mlplab.records.atomic import remove_unfinished, writable
from mlplab.records.database import has_records, reading, writing
from mlplab.records.key import difference
from mlplab.records.lock import only_run
from mlplab.records.preparations import save_preparations
from mlplab.records.questions import LookMade, record_looks, register
from mlplab.records.results import Results
from mlplab.records.runs import contents, finished_stacks
from mlplab.records.seals import seal_runs
from mlplab.records.stacks import WEIGHTS_FOLDER, store_plan, unfinished, weights_file
from mlplab.records.studies import (
    Member,
    keep_study_folder,
    known_members,
    record_environment,
    record_study,
)
from mlplab.runner.cluster import Cluster
from mlplab.runner.environment import (
    Placement,
    check_precision,
    describe,
    resolve_device,
    usable_cores,
)
from mlplab.runner.events import (
    DataAnnounced,
    OnEvent,
    PhaseStarted,
    Rerun,
    RunEnded,
    RunPlanned,
    Waiting,
)
from mlplab.runner.live import watched
from mlplab.runner.planning import make_plan, work
from mlplab.runner.stack_room import stack_room
from mlplab.runner.training import Training, train_plan
from mlplab.runner.wanted import WantedRun, keys_by_member, wanted_runs

PRECISIONS = ("float32", "bfloat16")


def run(
    study: Study,
    folder: str | Path,
    *,
    only: Collection[str] | None = None,
    device: str = "auto",
    precision: str = "float32",
    fail_fast: bool = False,
    cluster: Cluster | None = None,
    on_event: OnEvent | None = None,
) -> Results:
    """Train what is missing of a study and return all that is known of it.

    A network that diverges is a result. One that cannot be trained leaves its neighbours, and is
    among the `failures` of the results.

    Args:
        folder: the study's results folder; created where there is none.
        only: the names of the networks to train, where not all; the others keep what they have.
        device: auto, cpu or cuda.
        precision: of products, float32 or bfloat16.
        fail_fast: stop at the first network that cannot be trained.
        cluster: whose workers train; None for threads of this process.
        on_event: is told of everything that happens, in the thread that called.

    Raises:
        BadInput: before anything is trained, if data, device or folder cannot be used; or when the
            folder can no longer be written to.
        KeyboardInterrupt: what was finished until then is kept.
    """
    on_event = on_event or ignore_event
    if precision not in PRECISIONS:
        raise BadInput(Problem("--precision", " or ".join(PRECISIONS), repr(str(precision))))
    device = resolve_device(str(device)) if cluster is None else cluster.device(str(device))
    precision = str(precision)
    check_precision(precision, device)
    folder = Path(folder)
    with _results_folder(folder, lambda process: on_event(Waiting(process))) as connection:
        names = frozenset(study.networks if only is None else only)
        with watched(folder, on_event) as tell, _what_is_there_left_alone():
            return _Run(
                study, folder, connection, names, device, precision, fail_fast, cluster, tell
            ).run()


def write_down_questions(study: Study, folder: Path, seen: Set[str]) -> None:
    """Register a study's questions before anything at all is trained for it.

    seen: its networks of which something is known already.

    Raises:
        BadInput: the folder cannot be written to.
    """
    with _results_folder(folder, ignore_event) as connection:
        register(connection, study, seen)


def write_down_looks(folder: Path, looks: Iterable[tuple[str, LookMade]]) -> None:
    """Record that questions were judged; looks are by the digests of their questions.

    Raises:
        BadInput: the folder cannot be written to.
    """
    with _results_folder(folder, ignore_event) as connection:
        record_looks(connection, looks)


def finished_networks(study: Study, folder: Path, *, precision: str, device: str) -> set[str]:
    """Return the networks of a study of which a folder's records hold a finished seed.

    Raises:
        BadInput: data, device or records that cannot be used.
    """
    if not has_records(folder):
        return set()
    device = resolve_device(str(device))
    wanted = wanted_runs(study, precision=str(precision), device=device, announce=ignore_event)
    with reading(folder) as connection:
        present = present_runs(connection, folder)
    return {name for run in wanted if run.key in present for name, _ in run.members}


def ignore_event(event: object) -> None:
    """Hear nothing."""


@contextmanager
def _what_is_there_left_alone() -> Iterator[None]:
    """Have the collector of garbage look at new objects only.

    Imported libraries are hundreds of thousands, and a run of many networks makes it look often.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _results_folder(
    folder: Path, wait: Callable[[int | None], None]
) -> Iterator[sqlite3.Connection]:
    """Yield the records of a folder, made where there is none, with nobody else writing there.

    Args:
        wait: told of the other run (its process, where known) that has to end first.

    Raises:
        BadInput: the folder cannot be written to.
    """
    with ExitStack() as opened:
        with writable(
            folder,
            expected="a results folder that can be written to",
            hint="choose another with --out, or make room there",
        ):
            (folder / WEIGHTS_FOLDER).mkdir(parents=True, exist_ok=True)
            opened.enter_context(only_run(folder, wait))
            remove_unfinished(folder / WEIGHTS_FOLDER)
            connection = opened.enter_context(writing(folder))
        yield connection


@dataclass(frozen=True)
class _Run:
    """One run on its way, with the folder's lock held and its records open."""

    study: Study
    folder: Path
    connection: sqlite3.Connection
    only: frozenset[str]
    """The networks to train."""
    device: str
    precision: str
    fail_fast: bool
    cluster: Cluster | None
    on_event: OnEvent

    def run(self) -> Results:
        began = time.monotonic()
        self.on_event(PhaseStarted("reading data"))
        wanted = wanted_runs(
            self.study,
            precision=self.precision,
            device=self.device,
            announce=lambda text: self.on_event(DataAnnounced(text)),
        )
        present = present_runs(self.connection, self.folder)
        missing = [run for run in wanted if run.key not in present and self._is_to_train(run)]
        keys = keys_by_member(wanted, self.study)
        for rerun in why_rerun(self.connection, keys, missing, present):
            self.on_event(rerun)
        training = self._planned(wanted, missing, keys)
        interrupted = True
        try:
            train_plan(training)
            interrupted = False
        finally:
            seal_runs(self.connection, self.folder)
            results = replace(Results.open(self.folder), study=self.study)
            self._tell_the_end(results, time.monotonic() - began, interrupted)
        return results

    def _is_to_train(self, run: WantedRun) -> bool:
        return any(name in self.only for name, _ in run.members)

    def _planned(
        self,
        wanted: tuple[WantedRun, ...],
        missing: list[WantedRun],
        keys: Mapping[Member, str],
    ) -> Training:
        """Write down study and plan before anything is trained."""
        cores = usable_cores() if self.cluster is None else self.cluster.cores()
        environment = record_environment(self.connection, describe(self.device))
        left = {run.key for run in missing}
        seen = {network for (network, _), key in keys.items() if key not in left}
        register(self.connection, self.study, seen)
        record_study(
            self.connection,
            self.study,
            keys,
            precision=self.precision,
            device=self.device,
            environment=environment,
        )
        keep_study_folder(self.folder, self.study)
        on = Placement(self.device, self.precision, cores)
        plan = make_plan(missing, unfinished(self.connection), on, stack_room(on))
        if self.cluster is not None:
            for text in self.cluster.notes:
                self.on_event(DataAnnounced(text))
            plan = plan.within(self.cluster.cores_of_a_worker())
        store_plan(self.connection, plan.stacks, plan.given_up)
        save_preparations(self.folder, ((run.content, run.data.preparation) for run in wanted))
        by_key = {run.key: run for run in missing}
        total = sum(name in self.only for name, _ in keys)
        todo = sum(name in self.only for run in missing for name, _ in run.members)
        self.on_event(
            RunPlanned(
                total=total,
                already=total - todo,
                stacks=len(plan.stacks),
                resumed=plan.resumed,
                flops=sum(work(stack, by_key) for stack in plan.stacks),
            )
        )
        return Training(
            stacks=plan.stacks,
            wanted=by_key,
            folder=self.folder,
            study_folder=self.study.folder,
            connection=self.connection,
            environment=environment,
            cores=cores,
            fail_fast=self.fail_fast,
            on_event=self.on_event,
            cluster=self.cluster,
        )

    def _tell_the_end(self, results: Results, seconds: float, interrupted: bool) -> None:
        self.on_event(
            RunEnded(
                finished=len(results.runs),
                missing=len(results.missing),
                failed=len(results.failures),
                seconds=seconds,
                interrupted=interrupted,
            )
        )


def present_runs(connection: sqlite3.Connection, folder: Path) -> set[str]:
    """Return the keys of all runs that are recorded and whose weights are there."""
    files = {path.name for path in (folder / WEIGHTS_FOLDER).glob("*.safetensors")}
    return {
        key
        for key, stack in finished_stacks(connection).items()
        if weights_file(folder, stack).name in files
    }


def why_rerun(
    connection: sqlite3.Connection,
    keys: Mapping[Member, str],
    missing: list[WantedRun],
    present: set[str],
) -> Iterator[Rerun]:
    """Say of all that was finished before, and yet must be trained, why that is so."""
    before = known_members(connection)
    content = {run.key: run.content for run in missing}
    changed = {
        member: before[member] for member in keys if keys[member] in content and member in before
    }
    known = contents(connection, changed.values())
    for member, old in changed.items():
        if old in known and old != keys[member]:
            yield Rerun(*member, difference(known[old], content[keys[member]]))
        elif old in known and old not in present:
            yield Rerun(*member, "its weights are gone")
