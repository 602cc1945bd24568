"""What a run would do, before it does it: sizes, time, disk, and what is already there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from mlplab.data.announcing import Announce, to_stderr
from mlplab.data.loading import load
from mlplab.declarations.data import Data
from mlplab.declarations.network import Network
from mlplab.declarations.resolving.data_size import DataSize, data_size
from mlplab.declarations.resolving.size import Size, size_of
from mlplab.declarations.study import Study
from mlplab.objectives.declared import objective_of
from mlplab.records.database import has_records, reading
from mlplab.records.stacks import PlannedStack, unfinished
from mlplab.records.studies import Member, members_of
from mlplab.runner.environment import (
    Placement,
    check_precision,
    resolve_device,
    usable_cores,
)
from mlplab.runner.kind import declared_data, kind_of
from mlplab.runner.planning import Plannable, make_plan, side_by_side
from mlplab.runner.rates import Rates, measured_rates
from mlplab.runner.run import present_runs
from mlplab.runner.stack_room import stack_room
from mlplab.runner.wanted import keys_by_member, wanted_runs

_RECORD_BYTES = 12_000
"""Settings, evaluation and ROC curves of a run in the database."""
_CURVE_VALUE_BYTES = 20
_CURVES = 10
"""Loss, accuracy and softmaxed loss on two or three splits, and seconds."""


@dataclass(frozen=True)
class NetworkEstimate:
    """What one network costs."""

    network: str
    layers: tuple[int, ...]
    """Units from input to output."""
    seeds: int
    finished: int
    """Of the seeds, those that are already there."""
    parameters: int
    flops: int
    """Of training one seed."""


@dataclass(frozen=True)
class StackEstimate:
    """One stack of the plan."""

    members: tuple[Member, ...]
    threads: int
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """What a run would do."""

    networks: tuple[NetworkEstimate, ...]
    stacks: tuple[StackEstimate, ...]
    """In the order in which they would be trained."""
    total: int
    """Networks × seeds."""
    finished: int
    flops: int
    """Of the training that is missing."""
    seconds: float
    """For what is missing, from this machine's measured rates."""
    disk_bytes: int
    """That what is missing would take."""
    rates: Rates
    device: str
    cores: int
    tuning: Estimate | None = None
    """Of the trials that come before, for a study that is tuned."""


@dataclass(frozen=True)
class _Foreseen:
    """A run as far as it is known without its data."""

    key: str
    seed: int
    size: Size
    kind: tuple


def estimate(
    study: Study,
    folder: str | Path,
    *,
    device: str = "auto",
    precision: str = "float32",
    announce: Announce = to_stderr,
) -> Estimate:
    """Foresee what `run` would do in a results folder.

    The data are only opened where the folder holds records already, as what is finished can be told
    by the data's contents alone, and where nothing else tells how many classes there are.

    Raises:
        BadInput: data, device or records that cannot be used.
    """
    device, cores, folder = resolve_device(str(device)), usable_cores(), Path(folder)
    check_precision(str(precision), device)
    sizes = {
        data: _size(data, study.folder, announce)
        for data in dict.fromkeys(network.data for network in study.networks.values())
    }
    keys, present, recorded, kinds = _already(study, folder, str(precision), device, announce)
    foreseen = _foresee(study, sizes, keys, kinds, device)
    missing = [run for run in foreseen.values() if run.key not in present]
    flops = sum(run.size.training_flops for run in missing)
    on = Placement(device, str(precision), cores)
    plan = make_plan(missing, recorded, on, stack_room(on))
    rates = measured_rates(on)
    by_key = {run.key: run for run in missing}
    evaluated = _evaluated_rows(study, sizes, keys)
    members: dict[str, list[Member]] = {}
    for member, key in keys.items():
        members.setdefault(key, []).append(member)
    stacks = tuple(
        StackEstimate(
            members=tuple(member for key in stack.keys for member in members[key]),
            threads=stack.threads,
            seconds=_stack_seconds(stack, by_key, evaluated, rates),
        )
        for stack in plan.stacks
    )
    done = Counter(name for (name, _), key in keys.items() if key in present)
    return Estimate(
        networks=tuple(
            _network_estimate(name, network, foreseen[keys[name, network.seeds[0]]].size, done)
            for name, network in study.networks.items()
        ),
        stacks=stacks,
        total=len(keys),
        finished=sum(done.values()),
        flops=flops,
        seconds=max(side_by_side([(s.seconds, s.threads) for s in stacks], cores), default=0.0),
        disk_bytes=_disk_bytes(study, missing, keys),
        rates=rates,
        device=device,
        cores=cores,
    )


def _size(data: Data, folder: Path, announce: Announce) -> DataSize:
    size, _ = data_size(data, folder)
    if size.classes is not None:
        return size
    return replace(size, classes=len(load(data, folder, announce).class_names))


def _already(
    study: Study, folder: Path, precision: str, device: str, announce: Announce
) -> tuple[Mapping[Member, str], set[str], list[PlannedStack], Mapping[str, tuple]]:
    """Return every member's key, the keys that are finished, the stacks that are not, and kinds.

    The kinds are those of keys whose data were read.
    """
    if not has_records(folder):
        # Without records nothing is finished, and equal settings do for a key.
        settings = {
            name: network.model_dump_json(exclude={"seeds"})
            for name, network in study.networks.items()
        }
        keys = {(name, seed): f"{settings[name]} {seed}" for name, seed in members_of(study)}
        return keys, set(), [], {}
    wanted = wanted_runs(study, precision=precision, device=device, announce=announce)
    with reading(folder) as connection:
        present, recorded = present_runs(connection, folder), unfinished(connection)
    kinds = {run.key: run.kind for run in wanted}
    return keys_by_member(wanted, study), present, recorded, kinds


def _foresee(
    study: Study,
    sizes: Mapping[Data, DataSize],
    keys: Mapping[Member, str],
    kinds: Mapping[str, tuple],
    device: str,
) -> dict[str, _Foreseen]:
    foreseen: dict[str, _Foreseen] = {}
    for (name, seed), key in keys.items():
        network = study.networks[name]
        data = sizes[network.data]
        size = size_of(network, data.features or 1, data.classes or 1)
        kind = kinds.get(key) or kind_of(
            size.layers,
            network.form,
            network.training,
            objective_of(network.objective),
            network.dropout,
            declared_data(network.data, network.roles),
            device,
        )
        foreseen.setdefault(key, _Foreseen(key, seed, size, kind))
    return foreseen


def _evaluated_rows(
    study: Study, sizes: Mapping[Data, DataSize], keys: Mapping[Member, str]
) -> dict[str, int]:
    """Return the rows that each run is evaluated on, all evaluations together."""
    rows = {}
    for (name, _), key in keys.items():
        network = study.networks[name]
        data, training = sizes[network.data], network.training
        often = (data.test_rows or 0) + (data.validation_rows or 0)
        times = ceil(training.steps / training.evaluate_every)
        rows[key] = times * often + (data.train_rows or 0)
    return rows


def _stack_seconds(
    stack: PlannedStack,
    wanted: Mapping[str, Plannable],
    evaluated: Mapping[str, int],
    rates: Rates,
) -> float:
    """Return the time of a stack: on a CPU a network after the other, on a GPU all at once."""
    sizes = [wanted[key].size for key in stack.keys]
    steps = [size.steps for size in sizes]
    rows = sum(evaluated[key] for key in stack.keys)
    return rates.seconds(
        steps=max(steps) if stack.device == "cuda" else sum(steps),
        layers=len(sizes[0].layers) - 1,
        flops=sum(size.training_flops for size in sizes) + sizes[0].evaluation_flops(rows),
        threads=stack.threads,
    )


def _network_estimate(
    name: str, network: Network, size: Size, done: Mapping[str, int]
) -> NetworkEstimate:
    return NetworkEstimate(
        network=name,
        layers=size.layers,
        seeds=len(network.seeds),
        finished=done.get(name, 0),
        parameters=size.parameters,
        flops=size.training_flops,
    )


def _disk_bytes(study: Study, missing: Sequence[_Foreseen], keys: Mapping[Member, str]) -> int:
    often = {key: study.networks[name].training.evaluate_every for (name, _), key in keys.items()}
    return sum(
        4 * run.size.parameters
        + _RECORD_BYTES
        + _CURVES * _CURVE_VALUE_BYTES * ceil(run.size.steps / often[run.key])
        for run in missing
    )
