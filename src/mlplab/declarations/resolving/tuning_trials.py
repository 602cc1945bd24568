"""The trials of a tuning, as networks of a study of their own, and the networks that they choose."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from mlplab.declarations.network import Network
from mlplab.declarations.paths import at, put
from mlplab.declarations.reading.validation import Validated, validate
from mlplab.declarations.resolving.grid import readable
from mlplab.declarations.resolving.open_set_networks import variants_of
from mlplab.declarations.study import Study
from mlplab.declarations.tuning import Range, Tuning

MOST_TRIALS = 10_000
"""Of all networks together."""
LEFT_AT_THE_END = 2
"""Of a successive halving: the last round is a comparison yet."""
_DRAWS_A_TRIAL = 200
_DIGITS = (3, 5, 8, 17)

Settings = Mapping[str, Any]
"""Values by the dotted path of a setting."""


@dataclass(frozen=True)
class Trial:
    """One network with settings that are tried."""

    network: str
    number: int
    """Of the settings among all that are tried, from 0; the same for every network."""
    settings: Settings
    round: int
    """From 0; there is more than one in a successive halving."""
    declared: Network
    """As it is trained."""
    rounds: int = 1

    @cached_property
    def name(self) -> str:
        """Of the network that is trained, in the study of the trials."""
        words = [f"{self.network} · {label(self.settings)}"]
        if self.rounds > 1:
            words.append(f"{self.declared.training.steps:,} steps")
        return " · ".join(words)


@dataclass(frozen=True)
class Round:
    """How many of a network's settings train together for so many steps."""

    settings: int
    steps: int


def label(settings: Settings) -> str:
    """Settings in words: learning_rate 0.001, momentum 0.9."""
    named = [(tuple(path.split(".")), value) for path, value in settings.items()]
    return ", ".join(f"{path[-1]} {readable(path, value)}".strip() for path, value in named)


def tuned_networks(study: Study) -> dict[str, Network]:
    """The networks of a study that are tuned, by name.

    Open-set variants are tuned like other networks, each on validation rows of its own known
    classes: settings chosen with all classes would have seen the unknown ones. A variant with fewer
    steps takes the settings of the one with all steps.
    """
    tune = study.tune
    if tune is None:
        return {}
    shorter = _shorter_variants(study)
    return {
        name: network
        for name, network in study.networks.items()
        if tune.tunes(name) and name not in shorter
    }


def _shorter_variants(study: Study) -> dict[str, str]:
    """Open-set variants with fewer steps → the variant with all steps."""
    if not study.open_set:
        return {}
    variants = variants_of(study)
    whole = {
        (v.entry, v.template, v.split, v.method): v.network for v in variants if v.steps is None
    }
    return {
        v.network: whole[v.entry, v.template, v.split, v.method]
        for v in variants
        if v.steps is not None
    }


def candidates(tune: Tuning, like: Network) -> list[Settings]:
    """The settings that are tried, the same for every network.

    A grid's last path varies fastest. Random trials are drawn with a seed of their own, so that the
    same declaration has the same trials; there are fewer than asked for where a space has no more.
    Values between the ends of a range are rounded to three digits, where that tells them apart.

    like: any tuned network, which says whether a setting is a whole number.
    """
    settings = like.model_dump(mode="json")
    whole = {path: _is_whole(at(settings, path.split("."))) for path in tune.space}
    if tune.trials is not None and tune.search != "grid":
        return _drawn(tune, tune.trials, whole)
    axes = [values_of(values, whole[path]) for path, values in tune.space.items()]
    return [dict(zip(tune.space, chosen, strict=True)) for chosen in itertools.product(*axes)]


def values_of(values: Range | Sequence[Any], whole: bool) -> list[Any]:
    """The values of one path in a grid."""
    if not isinstance(values, Range):
        return list(values)
    between = [_between(values, i / (values.points - 1)) for i in range(values.points)]
    inner = between[1:-1]
    for digits in _DIGITS:
        rounded = [values.low, *(float(f"{value:.{digits}g}") for value in inner), values.high]
        if len(set(rounded)) == len(rounded):
            break
    return list(dict.fromkeys(map(round, rounded))) if whole else rounded


def _between(values: Range, share: float) -> float:
    if values.scale == "linear":
        return values.low + share * (values.high - values.low)
    low, high = math.log(values.low), math.log(values.high)
    return math.exp(low + share * (high - low))


def _drawn(tune: Tuning, trials: int, whole: Mapping[str, bool]) -> list[Settings]:
    draw = random.Random(0)
    found: dict[str, Settings] = {}
    for _ in range(_DRAWS_A_TRIAL * trials):
        settings = {
            path: _drawn_value(values, whole[path], draw) for path, values in tune.space.items()
        }
        found.setdefault(label(settings), settings)
        if len(found) == trials:
            break
    return list(found.values())


def _drawn_value(values: Range | Sequence[Any], whole: bool, draw: random.Random) -> Any:
    if not isinstance(values, Range):
        return values[int(draw.random() * len(values))]
    value = float(f"{_between(values, draw.random()):.3g}")
    value = min(max(value, values.low), values.high)
    return round(value) if whole else value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def rounds_of(tune: Tuning, network: Network, count: int) -> tuple[Round, ...]:
    """The rounds of a network of which so many settings are tried.

    Successive halving (Jamieson and Talwalkar, 2016): each round has the better half of the settings
    of the round before and twice its steps; the last has all steps.
    """
    steps = tune.steps or network.training.steps
    sizes = [count]
    while tune.search == "successive halving" and sizes[-1] > LEFT_AT_THE_END:
        sizes.append(math.ceil(sizes[-1] / 2))
    last = len(sizes) - 1
    return tuple(Round(size, max(1, steps // 2 ** (last - i))) for i, size in enumerate(sizes))


def with_settings(network: Network, settings: Settings) -> Validated[Network]:
    """A network with other settings, or why there is no such network."""
    values = network.model_dump(mode="json")
    for path, value in settings.items():
        put(values, path.split("."), value)
    return validate(Network, values)


def trials_of_round(
    study: Study, round_index: int, entered: Mapping[str, Sequence[int]]
) -> list[Trial]:
    """The trials of one round.

    entered: of each tuned network the numbers of the settings that train in it.
    """
    tune, tuned = study.tune, tuned_networks(study)
    assert tune is not None
    tried = candidates(tune, next(iter(tuned.values())))
    return [
        _trial(name, number, tried, round_index, network, tune)
        for name, network in tuned.items()
        for number in entered[name]
    ]


def _trial(
    name: str, number: int, tried: list[Settings], round_index: int, network: Network, tune: Tuning
) -> Trial:
    rounds = rounds_of(tune, network, len(tried))
    found = with_settings(network, tried[number]).declaration
    if found is None:
        raise ValueError(
            f"{name} cannot have {label(tried[number])}, which a check would have refused"
        )
    training = found.training.model_copy(update={"steps": rounds[round_index].steps})
    declared = found.model_copy(update={"training": training, "seeds": tune.all_seeds})
    return Trial(name, number, tried[number], round_index, declared, len(rounds))


def study_of_trials(study: Study, trials: Sequence[Trial]) -> Study:
    """Trials as a study of their own, which asks nothing."""
    networks = {trial.name: trial.declared for trial in trials}
    return Study(f"{study.name} tuning", networks, folder=study.folder)


def with_chosen(study: Study, chosen: Mapping[str, Settings]) -> Study:
    """The study with the settings that tuning chose in its networks."""
    shorter = _shorter_variants(study)
    its = {**chosen, **{n: chosen[whole] for n, whole in shorter.items() if whole in chosen}}
    networks = dict(study.networks)
    for name, settings in its.items():
        found = with_settings(networks[name], settings).declaration
        assert found is not None, "a trial was trained with these settings"
        networks[name] = found
    return replace(study, networks=networks, tuned={n: dict(s) for n, s in its.items()})
