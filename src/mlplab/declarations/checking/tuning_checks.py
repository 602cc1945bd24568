"""What is wrong with a tuning though every single statement in it is right."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mlplab.declarations.network import Network
from mlplab.declarations.problems import Where, did_you_mean, listed, shown
from mlplab.declarations.reading.validation import Fault
from mlplab.declarations.resolving.open_set_networks import base_networks
from mlplab.declarations.resolving.resolution import TAGS
from mlplab.declarations.resolving.tuning_trials import (
    MOST_TRIALS,
    Settings,
    candidates,
    rounds_of,
    tuned_networks,
    with_settings,
)
from mlplab.declarations.study import Study
from mlplab.declarations.tuning import Range, Tuning, setting_at

Check = Callable[[str, Network], Iterator[Fault]]
"""What is wrong with a network that stands in place of the named one."""

_FIXED = {
    "data": "choices must be compared on the same rows",
    "seeds": 'the seeds of trials are "seeds" in "tune"',
    "roles": "choices must be compared on the same rows",
    "outputs": "it follows from the classes",
    "open_set_only": "it says what is trained, not how",
    "training.steps": 'how long a trial trains is "steps" in "tune"',
}
"""Settings that cannot be tuned, and why."""


def tuning_faults(study: Study, declared: Sequence[str], check: Check) -> Iterator[Fault]:
    """Every problem of a study's tuning.

    Args:
        study: with the networks that are right.
        declared: the names of all networks, those in doubt too.
        check: is asked about every network that a trial would train.
    """
    tune = study.tune
    if tune is None:
        return
    yield from _name_faults(tune, declared)
    yield from _search_faults(tune)
    tuned = tuned_networks(study)
    yield from _open_set_faults(study, tuned)
    yield from _validation_faults(tuned)
    yield from _step_faults(tune, tuned)
    seed = seed_fault(tune, study.networks)
    if seed is not None:
        yield seed
    faults = [*_space_faults(tune), *_path_faults(tune, tuned)]
    yield from faults
    if not faults and tuned:
        yield from _trial_faults(tune, tuned, check)


def seed_fault(tune: Tuning, networks: Mapping[str, Network]) -> Fault | None:
    """A tuning seed that a network is run with too, or that is listed twice."""
    seeds = tune.all_seeds
    twice = [seed for place, seed in enumerate(seeds) if seed in seeds[:place]]
    if twice:
        return Fault(("tune", "seeds"), "seeds that differ", f"{twice[0]} twice", "remove one")
    for name, network in networks.items():
        shared = sorted(set(seeds) & set(network.seeds))
        if shared:
            return Fault(
                ("tune", "seeds"),
                "seeds with which no network is run, as it would be judged where it was chosen",
                f"{shared[0]}, a seed of {name}",
                "give tuning other seeds, or a count of them",
            )
    return None


def _name_faults(tune: Tuning, declared: Sequence[str]) -> Iterator[Fault]:
    names = tune.networks or ()
    for place, name in enumerate(names):
        where = ("tune", "networks", place)
        if name not in declared:
            yield Fault(
                where,
                "the name of a network of this study",
                shown(name),
                did_you_mean(name, declared) or f"it has {listed(declared)}",
            )
        elif name in names[:place]:
            yield Fault(where, "every network once", f"{shown(name)} again", "remove it")


def _search_faults(tune: Tuning) -> Iterator[Fault]:
    if tune.search == "grid" and tune.trials is not None:
        yield Fault(
            ("tune", "trials"),
            'no such key beside "search": "grid", which tries every combination',
            str(tune.trials),
            'remove it, or write "search": "random"',
        )
    if tune.search == "random" and tune.trials is None:
        yield Fault(
            ("tune",),
            'the key "trials", how many settings are drawn',
            '"search": "random" without it',
            'add "trials", for example 10',
        )


def _open_set_faults(study: Study, tuned: Mapping[str, Network]) -> Iterator[Fault]:
    for entry in study.open_set:
        both = [name for name in base_networks(study, entry) if name in tuned]
        if both:
            yield Fault(
                ("tune",),
                "networks that no question about unknown classes takes",
                f"{listed(both, limit=4)}, whose open-set forms would keep the untuned settings",
                'name others in "networks", or tune in a study of its own',
            )
            return


def _validation_faults(tuned: Mapping[str, Network]) -> Iterator[Fault]:
    without = [name for name, network in tuned.items() if network.data.validation == 0]
    if without:
        yield Fault(
            ("tune",),
            "a validation part, on which settings are chosen",
            f"{listed(without, limit=4)} without one",
            'add "validation": 0.1 to data',
        )


def _step_faults(tune: Tuning, tuned: Mapping[str, Network]) -> Iterator[Fault]:
    for name, network in tuned.items():
        if tune.steps is not None and tune.steps > network.training.steps:
            yield Fault(
                ("tune", "steps"),
                f"at most {network.training.steps}, the training steps of {name}",
                str(tune.steps),
                "make trials shorter",
            )
            return


def _space_faults(tune: Tuning) -> Iterator[Fault]:
    for path, values in tune.space.items():
        where = ("tune", "space", path)
        inside = [other for other in tune.space if path.startswith(other + ".")]
        if inside:
            yield Fault(
                where,
                f'a setting that lies outside "{inside[0]}", which is tuned as a whole',
                shown(path),
                "tune one of the two",
            )
        yield from _fixed_faults(path, where)
        if isinstance(values, Range):
            yield from _range_faults(values, where)
        else:
            yield from _repeated_faults(values, where)


def _fixed_faults(path: str, where: Where) -> Iterator[Fault]:
    reason = _FIXED.get(path) or _FIXED.get(path.split(".")[0])
    if reason is not None:
        yield Fault(where, "a setting that can be tuned", shown(path), reason)
    elif path.split(".")[-1] in TAGS:
        yield Fault(
            where,
            "a setting that can be tuned",
            f"{shown(path)}, a kind with other settings than another",
            "declare a network of each kind: all of them are tuned alike",
        )


def _range_faults(values: Range, where: Where) -> Iterator[Fault]:
    if values.low >= values.high:
        yield Fault(where, "a low end below the high one", f"{values.low:g} and {values.high:g}")
    elif values.scale == "log" and values.low <= 0:
        yield Fault(
            (*where, "low"),
            "a number above 0 on a log scale",
            f"{values.low:g}",
            'write "scale": "linear", or another end',
        )


def _repeated_faults(values: Sequence[Any], where: Where) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, value in enumerate(values):
        text = json.dumps(value, sort_keys=True)
        if text in seen:
            yield Fault((*where, place), "different values", f"{shown(value)} again", "remove it")
        seen.add(text)


def _path_faults(tune: Tuning, tuned: Mapping[str, Network]) -> Iterator[Fault]:
    told: set[str] = set()
    for name, network in tuned.items():
        settings = network.model_dump(mode="json")
        for path in tune.space:
            try:
                setting_at(settings, path)
            except KeyError:
                if path not in told:
                    told.add(path)
                    yield Fault(
                        ("tune", "space", path),
                        "the path of a setting that every tuned network has",
                        f"{shown(path)}, which {name} has not",
                        did_you_mean(path, _paths(settings)) or "such as optimizer.learning_rate",
                    )


def _paths(settings: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in settings.items():
        yield f"{before}{key}"
        if isinstance(value, dict):
            yield from _paths(value, f"{before}{key}.")


def _trial_faults(tune: Tuning, tuned: Mapping[str, Network], check: Check) -> Iterator[Fault]:
    """What is wrong with the networks that would be tried."""
    like = next(iter(tuned.values()))
    lengths = (v.points if isinstance(v, Range) else len(v) for v in tune.space.values())
    count = math.prod(lengths) if tune.trials is None else tune.trials
    if count * len(tuned) > MOST_TRIALS:
        yield Fault(
            ("tune",),
            f"at most {MOST_TRIALS} trials of all networks together",
            str(count * len(tuned)),
            "try fewer values, or draw some at random",
        )
        return
    tried = candidates(tune, like)
    if len(tried) < count and tune.trials is not None:
        yield Fault(
            ("tune", "trials"),
            f"at most {len(tried)}, the different settings that the space has",
            str(tune.trials),
            "draw fewer, or make the space larger",
        )
    for network in tuned.values():
        rounds = rounds_of(tune, network, len(tried))
        steps = tune.steps or network.training.steps
        if steps < 2 ** (len(rounds) - 1):
            yield Fault(
                ("tune", "steps"),
                f"at least {2 ** (len(rounds) - 1)} steps, which {len(rounds)} rounds halve",
                str(steps),
                "train longer, or try fewer settings",
            )
            break
    seen: set[tuple[Where, str]] = set()
    for name, network in tuned.items():
        for settings in tried:
            for fault in _faults_of(name, network, settings, check):
                where = _in_space(fault.where, settings, tune)
                if (where, fault.expected) not in seen:
                    seen.add((where, fault.expected))
                    yield Fault(where, fault.expected, fault.received, fault.hint)


def _faults_of(name: str, network: Network, settings: Settings, check: Check) -> Iterator[Fault]:
    validated = with_settings(network, settings)
    yield from validated.faults
    if validated.declaration is not None:
        yield from check(name, validated.declaration)


def _in_space(where: Where, settings: Settings, tune: Tuning) -> Where:
    """Where in the space the value stands that is wrong in a network."""
    for path, value in settings.items():
        way = tuple(path.split("."))
        if where[: len(way)] == way:
            values = tune.space[path]
            if isinstance(values, Range):
                return ("tune", "space", path)
            return ("tune", "space", path, values.index(value), *where[len(way) :])
    return ("tune", "space")
