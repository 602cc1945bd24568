"""What is wrong with open-set questions though every single statement in them is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import comb

from mlplab.declarations.checking.other_data_checks import other_data_faults
from mlplab.declarations.network import Network
from mlplab.declarations.objective import USES_NEGATIVES
from mlplab.declarations.open_set import OpenSet, Split
from mlplab.declarations.open_set_detectors import ClassCentre, Detector
from mlplab.declarations.problems import Problem, Where, did_you_mean, listed, shown
from mlplab.declarations.resolving.classes import (
    all_class_names,
    class_names_of,
    data_name,
    index_of,
    name_of,
    no_such_class,
    not_kept,
    twice,
)
from mlplab.declarations.roles import ClassName
from mlplab.declarations.study import Study

_EXACT_ONLY = frozenset({"normalise", "clusters"})
_ROLES = ("known", "negative", "unknown")
MOST_SPLITS = 2_000


def open_set_faults(
    study: Study, declared: Sequence[str], *, in_doubt: bool = False
) -> Iterator[Problem]:
    """Every problem of a study's open-set questions.

    Args:
        study: with the networks that are right.
        declared: the names of all networks, those in doubt too.
        in_doubt: whether the questions that stand in the file could not be read.
    """
    for place, entry in enumerate(study.open_set):
        where = ("open_set", place)
        yield from _network_faults(entry, where, declared)
        networks = _networks(study, entry)
        # Networks on one set have the same faults.
        sets = dict.fromkeys(all_class_names(network.data) for network in networks.values())
        yield from dict.fromkeys(
            fault for names in sets or (None,) for fault in _split_faults(entry, where, names)
        )
        yield from other_data_faults(entry, where, networks, study.folder)
        yield from _detector_faults(entry, where)
        yield from _step_faults(entry, where)
        yield from _negative_faults(entry, where)
        yield from dict.fromkeys(
            fault
            for name, network in networks.items()
            for fault in _class_faults(entry, where, name, network)
        )
    # A name that is no network may have been meant for any of them.
    in_doubt = in_doubt or any(set(e.networks or ()) - set(declared) for e in study.open_set)
    for name, network in study.networks.items():
        used = any(e.networks is None or name in e.networks for e in study.open_set)
        if network.open_set_only and not used and not in_doubt:
            yield Problem(
                ("networks", name, "open_set_only"),
                'a question in "open_set" that uses the network',
                "none",
                'leave "open_set_only" out, or add a question',
            )


def objective_fault(network: Network) -> Problem | None:
    """An objective that needs negative rows, on a network that has none."""
    has = network.roles is not None and network.roles.negative
    if network.objective.name not in USES_NEGATIVES or has or network.open_set_only:
        return None
    return Problem(
        ("objective",),
        f"negative classes, which {network.objective.name} learns from",
        "a network without any",
        f'ask for the detector "{network.objective.name}" in "open_set" instead, '
        'with "negative" classes',
    )


def _networks(study: Study, entry: OpenSet) -> Mapping[str, Network]:
    wanted = entry.networks or tuple(study.networks)
    return {
        name: study.networks[name]
        for name in wanted
        if name in study.networks and study.networks[name].roles is None
    }


def _network_faults(entry: OpenSet, where: Where, declared: Sequence[str]) -> Iterator[Problem]:
    for position, name in enumerate(entry.networks or ()):
        if name not in declared:
            yield Problem(
                (*where, "networks", position),
                "the name of a network of this study",
                shown(name),
                did_you_mean(name, declared) or f"it has {listed(declared)}",
            )
        elif name in (entry.networks or ())[:position]:
            yield Problem(
                (*where, "networks", position),
                "every network once",
                f"{shown(name)} again",
                "remove it",
            )


def _split_faults(entry: OpenSet, where: Where, names: tuple[str, ...] | None) -> Iterator[Problem]:
    """What of the roles is wrong by itself; names: of the set's classes, where they are known."""
    if entry.splits is None:
        if not isinstance(entry.known, tuple):
            yield Problem(
                where,
                'the key "known" (a list of at least two classes) or "splits"',
                "neither" if entry.known is None else f'"known": {entry.known} alone',
                'write "known": [0, 1, 2, 3, 4], or "splits": "all" with "known": 5',
            )
            return
        split = Split(known=entry.known, negative=entry.negative, unknown=entry.unknown)
        yield from _one_split_faults(split, entry, where, names)
        return
    for key in ("negative", "unknown"):
        if getattr(entry, key):
            yield Problem((*where, key), f'no "{key}" beside "splits"', shown(getattr(entry, key)),
                        "say it in the splits")  # fmt: skip
    if entry.splits == "all" and not isinstance(entry.known, int):
        received = "none" if entry.known is None else shown(list(entry.known))
        yield Problem((*where, "known"), "the number of known classes, for all splits", received,
                    'write "known": 5')  # fmt: skip
    elif entry.splits != "all" and entry.known is not None:
        yield Problem((*where, "known"), 'no "known" beside a list of splits', shown(entry.known),
                    "say it in the splits")  # fmt: skip
    if isinstance(entry.splits, tuple):
        for position, split in enumerate(entry.splits):
            yield from _one_split_faults(split, entry, (*where, "splits", position), names)


def _one_split_faults(
    split: Split, entry: OpenSet, where: Where, names: tuple[str, ...] | None
) -> Iterator[Problem]:
    roles = {role: [name_of(c, names) for c in getattr(split, role)] for role in _ROLES}
    for role, classes in roles.items():
        for position, name in enumerate(classes):
            if name in classes[:position]:
                yield replace(twice(name), where=(*where, role, position))
    known, negative, unknown = roles.values()
    for role, classes in (("negative", negative), ("unknown", unknown)):
        both = [c for c in classes if c in known]
        if both:
            yield Problem((*where, role), "no class that is known", f"{listed(both)}, known too",
                        "give each class one role")  # fmt: skip
    if not unknown and entry.unknown_data is None:
        yield Problem((*where, "unknown"), "at least one class, or unknown_data", "none",
                    'add "unknown", or nothing open is tested')  # fmt: skip
    both = [c for c in negative if c in unknown]
    if entry.closed and (set(negative) != set(unknown) or entry.unknown_data is not None):
        yield Problem((*where, "negative"), "the unknown classes themselves, as the task is closed",
                    f"{listed(negative) or 'none'} beside unknown {listed(unknown)}",
                    'leave "closed" out for an open task')  # fmt: skip
    elif both and not entry.closed:
        yield Problem(
            (*where, "negative"),
            "no class that is unknown",
            f"{listed(both)}, unknown too",
            'training on what is tested as unknown is a closed task: say so with "closed": true',
        )


def _detector_faults(entry: OpenSet, where: Where) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, detector in enumerate(entry.detectors):
        place = (*where, "detectors", position)
        if detector.label in seen:
            yield Problem(place, "each detector once", f"{detector.label} again", "remove it")
        seen.add(detector.label)
        yield from _setting_faults(detector, place)


def _step_faults(entry: OpenSet, where: Where) -> Iterator[Problem]:
    """Numbers of steps after which no detector would be tested."""
    if entry.steps and all(detector.method is not None for detector in entry.detectors):
        yield Problem((*where, "steps"), 'a detector after training beside "steps", as the others '
                    "are tested at the end alone", listed(d.label for d in entry.detectors),
                    'leave "steps" out, or add "softmax"')  # fmt: skip


def open_set_notes(study: Study) -> Iterator[str]:
    """What of the open-set questions has no effect with these networks, though with others it may:
    who shortens the training need not shorten the questions."""
    for place, entry in enumerate(study.open_set):
        networks = _networks(study, entry)
        most = max((network.training.steps for network in networks.values()), default=None)
        beyond = [str(steps) for steps in entry.steps if most is not None and steps >= most]
        if beyond:
            yield (
                f"open_set[{place}] asks for tests after {listed(beyond, quote=False)} steps, but "
                f"training has {most}; only the end is tested there."
            )


def _setting_faults(detector: Detector, place: Where) -> Iterator[Problem]:
    if not isinstance(detector, ClassCentre) or detector.centres == "exact":
        return
    if detector.space != "hidden":
        yield Problem((*place, "space"), '"hidden", where running centres are kept',
                      shown(detector.space), "leave it out")  # fmt: skip
    # what training keeps is one mean of activations a class, lengths and all
    for setting in _EXACT_ONLY & detector.given.keys():
        yield Problem((*place, setting), f'no "{setting}" with running centres',
                      shown(detector.given[setting]), "leave it out, or the centres")  # fmt: skip


def _class_faults(entry: OpenSet, where: Where, name: str, network: Network) -> Iterator[Problem]:
    """Classes that the data of a network do not have."""
    names, whole = class_names_of(network.data), all_class_names(network.data)
    if entry.splits == "all":
        yield from _size_faults(entry, where, name, network, names)
        return
    if names is None:
        return
    for place, split in _declared_splits(entry, where):
        for role in _ROLES:
            for position, wanted in enumerate(getattr(split, role)):
                fault = _class_fault(wanted, whole, names, data_name(network.data))
                if fault is not None:
                    yield replace(fault, where=(*place, role, position))
    if entry.splits == "usual 6/4" and tuple(names) != tuple("0123456789"):
        yield Problem((*where, "splits"), "the ten digits, which the usual splits divide",
                    f"{data_name(network.data)} with {listed(names)}")  # fmt: skip


def _class_fault(
    wanted: ClassName, whole: Sequence[str] | None, kept: Sequence[str], of: str
) -> Problem | None:
    if whole is not None and index_of(wanted, whole) is None:
        return no_such_class(wanted, whole, of)
    return None if name_of(wanted, whole) in kept else not_kept(wanted, kept, of)


def _size_faults(
    entry: OpenSet, where: Where, name: str, network: Network, names: tuple[str, ...] | None
) -> Iterator[Problem]:
    if names is None:
        yield Problem(
            (*where, "splits"),
            "data whose classes are declared, to divide them in every way",
            f'the data of "{name}", which do not say',
            'add "classes" to data, or list the splits',
        )
    elif len(names) < 3:
        yield Problem(
            (*where, "splits"),
            "at least three classes, of which two are known and one is not",
            f"{data_name(network.data)} with {listed(names)}",
        )
    elif isinstance(entry.known, int) and not 2 <= entry.known < len(names):
        yield Problem(
            (*where, "known"),
            f"a number of known classes from 2 to {len(names) - 1}",
            str(entry.known),
        )
    elif isinstance(entry.known, int) and comb(len(names), entry.known) > MOST_SPLITS:
        yield Problem(
            (*where, "splits"),
            f"at most {MOST_SPLITS:,} splits",
            f"{comb(len(names), entry.known):,} ways to take {entry.known} of {len(names)} classes",
            "list the splits that matter",
        )


def _declared_splits(entry: OpenSet, where: Where) -> Iterator[tuple[Where, Split]]:
    if isinstance(entry.splits, tuple):
        for position, split in enumerate(entry.splits):
            yield (*where, "splits", position), split
    elif isinstance(entry.known, tuple):
        yield where, Split(known=entry.known, negative=entry.negative, unknown=entry.unknown)


def _negative_faults(entry: OpenSet, where: Where) -> Iterator[Problem]:
    if entry.splits == "all" or entry.splits == "usual 6/4":
        lacking = where
    else:
        without = [place for place, split in _declared_splits(entry, where) if not split.negative]
        if not without:
            return
        lacking = without[0]
    for position, detector in enumerate(entry.detectors):
        if detector.name in USES_NEGATIVES:
            yield Problem(
                (*where, "detectors", position),
                f'"negative" classes, which the training of {detector.name} needs',
                "none" if lacking == where else "a split without any",
                'add "negative", or choose a detector that needs none',
            )
