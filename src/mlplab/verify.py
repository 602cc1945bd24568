"""Recorded results checked: by their seals, and by training some of them again, alone.

On a machine of the same kind, with the same versions, weights and curves must have the same bits.
Elsewhere rounding differs, and training lets differences grow: curves are then held against a
tolerance, which says that it is the same network, and no more.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mlplab.analysis.questions.answers import answer_questions
from mlplab.declarations.study import Study
from mlplab.records.database import reading, writing
from mlplab.records.key import difference
from mlplab.records.results import TUNING_FOLDER, Results, Run, open_trials
from mlplab.records.runs import contents, read_evaluation, read_runs
from mlplab.records.seals import broken_seals, unsealed
from mlplab.records.stacks import PlannedStack, store_plan, weights_file
from mlplab.records.studies import Member
from mlplab.records.weights import tensors
from mlplab.runner.environment import describe
from mlplab.runner.events import Event, OnEvent, RunPlanned
from mlplab.runner.run import ignore_event, run
from mlplab.runner.wanted import keys_by_member, wanted_runs

TOLERANCE = 0.05
"""Between kinds of machine: of accuracies as they are, of other curves beside their largest value."""
_KIND = ("processor", "instructions", "kernels", "mkl", "gpu", "cuda", "torch", "numpy")


@dataclass(frozen=True)
class Verified:
    """What a check of recorded results found."""

    problems: tuple[str, ...]
    """Sentences; none if all is as it was recorded."""
    sample: tuple[Member, ...]
    """The networks and seeds that were trained again."""
    unsealed: int
    """Finished runs that have no seal: the study was stopped, or run by an earlier mlplab."""
    other_kind: tuple[str, ...]
    """What of this machine is of another kind than the one that trained; bits are then not held."""


def verify(
    folder: Path,
    sample: int = 5,
    *,
    data: Path = Path(),
    draw: int = 0,
    on_event: OnEvent = ignore_event,
) -> Verified:
    """Check the seals of a results folder, and train some of its networks again.

    Args:
        folder: of the results.
        sample: networks × seeds that are trained again, drawn at random; 0 for none.
        data: what relative paths of own data begin at.
        draw: which sample is drawn.
        on_event: is told of every event of the training.

    Raises:
        BadInput: the folder holds no records, or the data cannot be read.
    """
    problems = [*broken_seals(folder)]
    if open_trials(folder) is not None:
        problems += [f"tuning: {told}" for told in broken_seals(folder / TUNING_FOLDER)]
    results = Results.open(folder)
    problems += [
        f"the question “{answer.question.ask}” is not among those that were written down"
        for answer in (answer_questions(results) if results.study.questions else ())
        if answer.registration is None
    ]
    members = [(one.network, one.seed) for one in results.runs]
    drawn = sorted(random.Random(draw).sample(members, min(sample, len(members))))
    other = _other_kinds(results, drawn)
    with TemporaryDirectory() as temporary:
        again = Path(temporary)
        alone = _trained_again(results, drawn, data, again, on_event) if drawn else {}
        problems += [
            f"{network}, seed {seed}: {told}"
            for network, seed in drawn
            for told in _compared(
                results.folder or folder,
                results.run(network, seed),
                again,
                alone.get((network, seed)),
                is_same=not other[network, seed],
            )
        ]
    told = dict.fromkeys(what for member in drawn for what in other[member])
    return Verified(tuple(problems), tuple(drawn), unsealed(folder), tuple(told))


def _other_kinds(results: Results, members: Sequence[Member]) -> dict[Member, list[str]]:
    """What decides bits, and is not here as it was where each network was trained."""
    assert results.folder is not None
    here = describe(results.environment.get("device", "cpu"))
    query = "SELECT facts FROM run JOIN environment ON id = environment WHERE key = ?"
    found = {}
    with reading(results.folder) as connection:
        for member in members:
            row = connection.execute(query, (results.run(*member).key,)).fetchone()
            there = json.loads(row[0])
            found[member] = [
                f"{name} {here.get(name, 'none')}, there {there.get(name, 'none')}"
                for name in _KIND
                if here.get(name) != there.get(name)
            ]
    return found


def _trained_again(
    results: Results, members: Sequence[Member], data: Path, again: Path, on_event: OnEvent
) -> dict[Member, Run]:
    """The networks trained anew into another folder, each alone, on as many threads as it had."""
    assert results.folder is not None
    study = _study_of(results.study, members, data)
    precision, device = (results.environment[name] for name in ("precision", "device"))
    wanted = wanted_runs(study, precision=precision, device=device, announce=lambda _: None)
    keys = keys_by_member(wanted, study)
    with reading(results.folder) as connection:
        query = "SELECT key, threads FROM stack_member JOIN stack ON stack = id"
        threads = dict(connection.execute(query).fetchall())
    with writing(again) as connection:
        had = {keys[member]: threads.get(results.run(*member).key, 1) for member in members}
        store_plan(connection, [PlannedStack((k,), n, precision, device) for k, n in had.items()])
    found = run(study, again, precision=precision, device=device, on_event=_as_new(on_event))
    return {(one.network, one.seed): one for one in found.runs}


def _compared(
    folder: Path, old: Run, again: Path, new: Run | None, *, is_same: bool
) -> Sequence[str]:
    """What is not as it was, in words."""
    if new is None:
        return ["could not be trained again"]
    contents_of = []
    for place, one in ((folder, old), (again, new)):
        with reading(place) as connection:
            contents_of.append(contents(connection, [one.key])[one.key])
    changed = difference(*contents_of)
    only_kernels = changed.startswith("kernels") and "; " not in changed
    if old.key != new.key and (is_same or not only_kernels):
        return [f"cannot be compared, as another network would be trained here: {changed}"]
    return _other_bits(folder, old, again, new) if is_same else _beyond_tolerance(old, new)


def _as_new(on_event: OnEvent) -> OnEvent:
    """Tell of stacks that were planned here as of any others."""

    def told(event: Event) -> None:
        on_event(replace(event, resumed=0) if isinstance(event, RunPlanned) else event)

    return told


def _study_of(study: Study, members: Sequence[Member], data: Path) -> Study:
    """Only what is trained again."""
    names = dict.fromkeys(name for name, _ in members)
    networks = {
        name: study.networks[name].model_copy(
            update={"seeds": tuple(seed for own, seed in members if own == name)}
        )
        for name in names
    }
    return Study(name=study.name, networks=networks, folder=data)


def _other_bits(old_folder: Path, old: Run, new_folder: Path, new: Run) -> list[str]:
    """What is not the same to the bit."""
    found = []
    sides = []
    for folder, one in ((old_folder, old), (new_folder, new)):
        with reading(folder) as connection:
            stack = read_runs(connection, [one.key])[one.key].stack
            evaluation = read_evaluation(connection, one.key)
        sides.append((tensors(weights_file(folder, stack))[one.key], evaluation))
    (old_weights, old_evaluation), (new_weights, new_evaluation) = sides
    if not _same(old_weights, new_weights):
        found.append("its weights are others")
    curves = [_without_seconds(one.curves) for one in (old, new)]
    if not _same(*curves) or not np.array_equal(old.steps, new.steps):
        parts = [
            " ".join(name) for name in curves[0] if not _equal(curves[0][name], curves[1].get(name))
        ]
        found.append(f"its curves are others: {', '.join(parts) or 'their steps'}")
    if old_evaluation != new_evaluation:
        found.append("its evaluation of the test rows is another")
    return found


def _without_seconds(
    curves: Mapping[tuple[str, str], np.ndarray],
) -> dict[tuple[str, str], np.ndarray]:
    return {name: values for name, values in curves.items() if name[1] != "seconds"}


def _same(one: Mapping, other: Mapping) -> bool:
    return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)


def _equal(one: np.ndarray, other: np.ndarray | None) -> bool:
    return other is not None and one.shape == other.shape and one.tobytes() == other.tobytes()


def _beyond_tolerance(old: Run, new: Run) -> list[str]:
    """Curves that differ by more than another machine's rounding usually makes them."""
    found = []
    for (split, metric), values in _without_seconds(old.curves).items():
        other = new.curves.get((split, metric))
        if split == "batch":  # of one batch, or of gradients: they differ soonest
            continue
        if other is None or other.shape != values.shape:
            found.append(f"its curve of {split} {metric} has another length")
            continue
        size = 1.0 if metric == "accuracy" else float(np.nanmax(np.abs(values), initial=1e-9))
        difference = float(np.nanmax(np.abs(values - other), initial=0.0)) / size
        if difference > TOLERANCE:
            found.append(
                f"its {split} {metric} differs by up to {difference:.3g}, more than the "
                f"{TOLERANCE:g} that other machines are given"
            )
    return found
