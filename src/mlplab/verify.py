"""Recorded results checked: by their seals, and by training some of them again, alone.

On a machine of the same kind, with the same versions, weights and curves must have the same bits.
Elsewhere rounding differs, and training lets differences grow: curves are then held against a
tolerance, which says that it is the same network, and no more.
"""

from __future__ import annotations

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
"""Between kinds of machine: of fractions as they are, of other measures beside their size."""
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
    other = _other_kind(results)
    if drawn:
        problems += _trained_again(results, drawn, data, is_same=not other, on_event=on_event)
    return Verified(tuple(problems), tuple(drawn), unsealed(folder), tuple(other))


def _other_kind(results: Results) -> list[str]:
    """What decides bits and is not here as it was there."""
    there = results.environment
    here = describe(there.get("device", "cpu"))
    return [
        f"{name} {here.get(name, 'none')}, there {there.get(name, 'none')}"
        for name in _KIND
        if here.get(name) != there.get(name)
    ]


def _trained_again(
    results: Results, members: Sequence[Member], data: Path, *, is_same: bool, on_event: OnEvent
) -> list[str]:
    assert results.folder is not None
    study = _study_of(results.study, members, data)
    precision, device = (results.environment[name] for name in ("precision", "device"))
    with TemporaryDirectory() as temporary:
        again = Path(temporary)
        keys = keys_by_member(
            wanted_runs(study, precision=precision, device=device, announce=lambda _: None), study
        )
        with reading(results.folder) as connection:
            before = {member: results.run(*member).key for member in members}
            known = contents(connection, before.values())
            threads = dict(
                connection.execute("SELECT key, threads FROM stack_member JOIN stack ON stack = id")
            )
        # Each alone, on as many threads as it had.
        alone = {
            keys[member]: PlannedStack(
                (keys[member],), threads.get(before[member], 1), precision, device
            )
            for member in members
        }
        with writing(again) as connection:
            store_plan(connection, list(alone.values()))
        found = run(study, again, precision=precision, device=device, on_event=_as_new(on_event))
        new = {(one.network, one.seed): one for one in found.runs}
        with reading(again) as connection:
            content = contents(connection, keys.values())
        problems: list[str] = []
        for member in members:
            told = f"{member[0]}, seed {member[1]}"
            old, one = results.run(*member), new.get(member)
            if one is None:
                problems.append(f"{told}: could not be trained again")
                continue
            changed = difference(known[old.key], content[one.key])
            if old.key != one.key and not (not is_same and changed.startswith("kernels")):
                problems.append(f"{told}: it is another network now: {changed}")
            elif is_same:
                problems += [
                    f"{told}: {what}" for what in _other_bits(results.folder, old, again, one)
                ]
            else:
                problems += [f"{told}: {what}" for what in _beyond_tolerance(old, one)]
        return problems


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
        if split == "batch" or metric not in ("loss", "accuracy"):
            continue
        if other is None or other.shape != values.shape:
            found.append(f"its curve of {split} {metric} has another length")
            continue
        size = 1.0 if metric == "accuracy" else np.maximum(1.0, np.abs(values))
        difference = np.nanmax(np.abs(values - other) / size, initial=0.0)
        if difference > TOLERANCE:
            found.append(
                f"its {split} {metric} differs by up to {difference:.3g}, more than the "
                f"{TOLERANCE:g} that other machines are given"
            )
    return found
