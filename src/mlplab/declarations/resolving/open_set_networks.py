"""The networks that open-set questions need: one for each network × split × training method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from mlplab.declarations.data import Data
from mlplab.declarations.network import Network
from mlplab.declarations.objective import (
    BY_NAME,
    USES_NEGATIVES,
    CentreLoss,
    CrossEntropy,
    Objective,
)
from mlplab.declarations.open_set import USUAL_SIX_FOUR, OpenSet
from mlplab.declarations.open_set_detectors import RUNNING_CENTRES, Detector
from mlplab.declarations.resolving.classes import (
    all_class_names,
    class_names_of,
    data_name,
    name_of,
)
from mlplab.declarations.resolving.open_set_apart import set_apart
from mlplab.declarations.roles import ClassName, Roles
from mlplab.declarations.study import Study
from mlplab.words import listed_classes, number_word

DEFAULT_CALIBRATION = OpenSet.model_fields["calibration"].default


@dataclass(frozen=True)
class NamedSplit:
    """A split with its classes named as the data name them."""

    known: tuple[str, ...]
    negative: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    closed: bool = False
    unknown_set: str | None = None
    """What another data set is called whose rows are unknown."""
    apart: str = ""
    """What sets it apart from other questions on the same roles."""

    @property
    def title(self) -> str:
        """What the task is, in words, and what sets it apart from others."""
        return f"{self.roles_in_words} · {self.apart}" if self.apart else self.roles_in_words

    @property
    def roles_in_words(self) -> str:
        """The role of each class; a closed task is never called open."""
        known, unknown = listed_classes(self.known), listed_classes(self.unknown)
        if self.closed:
            return (
                f"closed {number_word(len(self.known) + 1)}-way task: {known} and "
                f"“others” ({unknown}, seen in training)"
            )
        negative = f", {listed_classes(self.negative)} negative" if self.negative else ""
        others = [text for text in (unknown, self.unknown_set or "") if text]
        return f"{known} known{negative}, {' and '.join(others)} unknown"


@dataclass(frozen=True)
class OpenSetVariant:
    """One network to be trained for a question, and the detectors that are tested on it."""

    entry: int
    """The question, counted from 0."""
    template: str
    """The network whose settings it has."""
    network: str
    """The network that is trained."""
    split: NamedSplit
    method: str | None
    """The training method; None for the template's own."""
    steps: int | None
    """Fewer training steps than the template's; None for as many."""
    detectors: tuple[Detector, ...] = field(compare=False)


def splits_of(entry: OpenSet, data: Data) -> Iterator[NamedSplit]:
    """Every split that a question asks about, on the data of a network."""
    names = all_class_names(data)

    def named(classes: Sequence[ClassName]) -> tuple[str, ...]:
        return tuple(name_of(c, names) for c in classes)

    other = None if entry.unknown_data is None else _set_in_words(entry.unknown_data)
    for known, negative, unknown in _plain_splits(entry, class_names_of(data) or ()):
        yield NamedSplit(named(known), named(negative), named(unknown), entry.closed, other)


def _set_in_words(data: Data) -> str:
    """What another set is called, with the classes that are taken of it where not all are."""
    if data.classes is None:
        return data_name(data)
    return f"{data_name(data)} ({listed_classes(class_names_of(data) or ())})"


def _plain_splits(entry: OpenSet, names: Sequence[str]) -> Iterator[tuple[Sequence, ...]]:
    if entry.splits == "all" and isinstance(entry.known, int):
        for known in combinations(names, entry.known):
            yield known, (), [name for name in names if name not in known]
    elif entry.splits == "usual 6/4":
        for six in USUAL_SIX_FOUR:
            yield six, (), [digit for digit in range(10) if digit not in six]
    elif isinstance(entry.splits, tuple):
        for split in entry.splits:
            yield split.known, split.negative, split.unknown
    elif isinstance(entry.known, tuple):
        yield entry.known, entry.negative, entry.unknown


def base_networks(study: Study, entry: OpenSet) -> Mapping[str, Network]:
    """The networks whose settings a question takes."""
    every = {**study.templates, **study.networks}
    if entry.networks is None:
        return {name: n for name, n in every.items() if n.roles is None}
    return {name: every[name] for name in entry.networks if name in every}


def variants_of(study: Study) -> tuple[OpenSetVariant, ...]:
    """All networks that a study's open-set questions need, question by question.

    Questions on one network and the same roles are one task, unless they test in different ways:
    then their splits say in which.
    """
    variants = [
        variant
        for number, entry in enumerate(study.open_set)
        for name, network in base_networks(study, entry).items()
        for variant in _variants(number, entry, name, network)
    ]
    asking: dict[tuple[str, str], dict[int, str]] = {}
    for variant in variants:
        task = variant.template, variant.split.roles_in_words
        asking.setdefault(task, {})[variant.entry] = ""
    for entries in asking.values():
        words = set_apart([study.open_set[entry] for entry in entries])
        entries.update(zip(list(entries), words, strict=True))
    return tuple(
        replace(variant, split=replace(variant.split, apart=apart)) if apart else variant
        for variant in variants
        for apart in [asking[variant.template, variant.split.roles_in_words][variant.entry]]
    )


def _variants(number: int, entry: OpenSet, name: str, network: Network) -> Iterator[OpenSetVariant]:
    by_method: dict[str | None, list[Detector]] = {}
    for detector in entry.detectors:
        by_method.setdefault(detector.method, []).append(detector)
    all_steps = [s for s in sorted(set(entry.steps)) if s < network.training.steps]
    for split in splits_of(entry, network.data):
        for method, detectors in by_method.items():
            for steps in (*(all_steps if method is None else ()), None):
                variant = OpenSetVariant(number, name, "", split, method, steps, tuple(detectors))
                derived = derived_network(variant, network, entry)
                yield replace(variant, network=_name(variant, derived))


def derived_network(variant: OpenSetVariant, template: Network, entry: OpenSet) -> Network:
    """The network that is trained for a variant."""
    objective = _objective(variant.method, template)
    negative = variant.split.negative if objective.name in USES_NEGATIVES else ()
    training = template.training
    if variant.steps is not None:
        training = training.model_copy(update={"steps": variant.steps})
    return template.model_copy(
        update={
            "objective": objective,
            "outputs": None,
            "open_set_only": False,
            "training": training,
            "roles": Roles(
                known=variant.split.known, negative=negative, calibration=entry.calibration
            ),
        }
    )


def _objective(method: str | None, template: Network) -> Objective:
    own = template.objective
    if method == RUNNING_CENTRES:
        return CentreLoss(name="centre loss", weight=0.0)
    if method is None:
        return CrossEntropy() if own.name in USES_NEGATIVES else own
    made: Objective = own if own.name == method else BY_NAME[method](name=method)  # type: ignore[assignment, call-arg]
    return made


def _name(variant: OpenSetVariant, derived: Network) -> str:
    assert derived.roles is not None
    known = f"{listed_classes(variant.split.known)} known"
    if derived.roles.negative:
        known += f", {listed_classes(variant.split.negative)} negative"
    parts = [variant.template, known]
    if variant.method:
        parts.append(variant.method)
    if variant.steps is not None:
        parts.append(f"{variant.steps} steps")
    if derived.roles.calibration != DEFAULT_CALIBRATION:
        parts.append(f"calibration {derived.roles.calibration}")
    return " · ".join(parts)


def with_open_set(study: Study) -> Study:
    """The study with the networks that its questions need, and without those that serve only as
    templates. A study that has them already stays as it is."""
    networks = {name: n for name, n in study.networks.items() if not n.open_set_only}
    templates = {name: n for name, n in study.networks.items() if n.open_set_only}
    study = replace(study, networks=networks, templates={**study.templates, **templates})
    every = {**study.templates, **study.networks}
    variants = variants_of(study)
    for variant in variants:
        derived = derived_network(variant, every[variant.template], study.open_set[variant.entry])
        networks.setdefault(variant.network, derived)
    tune = study.tune
    if tune is not None and tune.networks is not None:
        # Who tunes a network tunes its variants too.
        its = (variant.network for variant in variants if tune.tunes(variant.template))
        names = tuple(dict.fromkeys((*tune.networks, *its)))
        tune = tune.model_copy(update={"networks": names})
    return replace(study, networks=networks, tune=tune)
