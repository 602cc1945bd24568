"""What is wrong with open-set questions though every single statement in them is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb

from mlplab.declarations.checking.names import list_problems
from mlplab.declarations.checking.other_data_checks import other_data_problems
from mlplab.declarations.network import Network
from mlplab.declarations.objective import USES_NEGATIVES
from mlplab.declarations.open_set import OpenSet, Split
from mlplab.declarations.open_set_detectors import ClassCentre, Detector
from mlplab.declarations.problems import Problem, Where, quoted, shown
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
from mlplab.declarations.resolving.open_set_networks import base_networks
from mlplab.declarations.roles import ClassName
from mlplab.declarations.study import Study

_EXACT_ONLY = frozenset({"normalise", "clusters"})
_ROLES = ("known", "negative", "unknown")
MOST_SPLITS = 2_000


def open_set_problems(
    study: Study, declared: Sequence[str], *, in_doubt: bool = False
) -> Iterator[Problem]:
    """Every problem of a study's open-set questions.

    Args:
        study: with the networks that are right.
        declared: the names of all networks, those in doubt too.
        in_doubt: whether the questions that stand in the file could not be read.
    """
    for index, entry in enumerate(study.open_set):
        # Networks on one set have the same problems.
        for problem in dict.fromkeys(_entry_problems(study, entry, declared)):
            yield problem.within("open_set", index)
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


def objective_problems(network: Network, data: object = None) -> Iterator[Problem]:
    """An objective that needs negative rows, on a network that has none."""
    name, roles = network.objective.name, network.roles
    if name in USES_NEGATIVES and not (roles and roles.negative) and not network.open_set_only:
        yield Problem(
            ("objective",),
            f"negative classes, which {name} learns from",
            "a network without any",
            f'ask for the detector "{name}" in "open_set" instead, with "negative" classes',
        )


def _entry_problems(study: Study, entry: OpenSet, declared: Sequence[str]) -> Iterator[Problem]:
    """The problems of one question; their paths start at it."""
    yield from list_problems(("networks",), entry.networks or (), declared)
    networks = base_networks(study, entry)
    for names in dict.fromkeys(all_class_names(n.data) for n in networks.values()) or (None,):
        yield from _split_problems(entry, names)
    yield from other_data_problems(entry, networks, study.folder)
    yield from _detector_problems(entry)
    yield from _negative_problems(entry)
    for name, network in networks.items():
        yield from _class_problems(entry, name, network)
    linear = [name for name, network in networks.items() if not network.hidden]
    if linear:
        yield Problem(
            (),
            "networks with a hidden layer, whose outputs detectors look at",
            quoted(linear, limit=4),
            'name others in "networks", or give these a hidden layer',
        )


def _split_problems(entry: OpenSet, names: tuple[str, ...] | None) -> Iterator[Problem]:
    """What of the roles is wrong by itself; names: of the set's classes, where they are known."""
    if entry.splits is None and not isinstance(entry.known, tuple):
        yield Problem(
            (),
            'the key "known" (a list of at least two classes) or "splits"',
            "neither" if entry.known is None else f'"known": {entry.known} alone',
            'write "known": [0, 1, 2, 3, 4], or "splits": "all" with "known": 5',
        )
    for key in ("negative", "unknown") if entry.splits is not None else ():
        if getattr(entry, key):
            received = shown(getattr(entry, key))
            yield Problem((key,), f'no "{key}" beside "splits"', received, "say it in the splits")
    if entry.splits == "all" and not isinstance(entry.known, int):
        received = "none" if entry.known is None else shown(list(entry.known))
        expected = "the number of known classes, for all splits"
        yield Problem(("known",), expected, received, 'write "known": 5')
    elif entry.splits not in (None, "all") and entry.known is not None:
        expected, received = 'no "known" beside a list of splits', shown(entry.known)
        yield Problem(("known",), expected, received, "say it in the splits")
    for where, split in _declared_splits(entry):
        for problem in _role_problems(split, entry, names):
            yield problem.within(*where)


def _declared_splits(entry: OpenSet) -> Iterator[tuple[Where, Split]]:
    if isinstance(entry.splits, tuple):
        for index, split in enumerate(entry.splits):
            yield ("splits", index), split
    elif entry.splits is None and isinstance(entry.known, tuple):
        yield (), Split(known=entry.known, negative=entry.negative, unknown=entry.unknown)


def _role_problems(
    split: Split, entry: OpenSet, names: tuple[str, ...] | None
) -> Iterator[Problem]:
    roles = {role: [name_of(c, names) for c in getattr(split, role)] for role in _ROLES}
    for role, classes in roles.items():
        for index, name in enumerate(classes):
            if name in classes[:index]:
                yield twice(name).within(role, index)
    known, negative, unknown = roles.values()
    for role, classes in (("negative", negative), ("unknown", unknown)):
        both = [c for c in classes if c in known]
        if both:
            received = f"{quoted(both)}, known too"
            yield Problem((role,), "no class that is known", received, "give each class one role")
    if not unknown and entry.unknown_data is None:
        expected, hint = (
            "at least one class, or unknown_data",
            'add "unknown", or nothing open is tested',
        )
        yield Problem(("unknown",), expected, "none", hint)
    both = [c for c in negative if c in unknown]
    if entry.closed and (set(negative) != set(unknown) or entry.unknown_data is not None):
        expected = "the unknown classes themselves, as the task is closed"
        received = f"{quoted(negative) or 'none'} beside unknown {quoted(unknown)}"
        yield Problem(("negative",), expected, received, 'leave "closed" out for an open task')
    elif both and not entry.closed:
        hint = 'training on what is tested as unknown is a closed task: say so with "closed": true'
        received = f"{quoted(both)}, unknown too"
        yield Problem(("negative",), "no class that is unknown", received, hint)


def _detector_problems(entry: OpenSet) -> Iterator[Problem]:
    labels = [detector.label for detector in entry.detectors]
    for index, detector in enumerate(entry.detectors):
        if detector.label in labels[:index]:
            again = f"{detector.label} again"
            yield Problem(("detectors", index), "each detector once", again, "remove it")
        for problem in _setting_problems(detector):
            yield problem.within("detectors", index)
    if entry.steps and all(detector.method is not None for detector in entry.detectors):
        expected = (
            'a detector after training beside "steps", as the others are tested at the end alone'
        )
        yield Problem(("steps",), expected, quoted(labels), 'leave "steps" out, or add "softmax"')


def _setting_problems(detector: Detector) -> Iterator[Problem]:
    if not isinstance(detector, ClassCentre) or detector.centres == "exact":
        return
    if detector.space != "hidden":
        expected = '"hidden", where running centres are kept'
        yield Problem(("space",), expected, shown(detector.space), "leave it out")
    # what training keeps is one mean of activations a class, lengths and all
    for setting in _EXACT_ONLY & detector.given.keys():
        expected, received = f'no "{setting}" with running centres', shown(detector.given[setting])
        yield Problem((setting,), expected, received, "leave it out, or the centres")


def _class_problems(entry: OpenSet, name: str, network: Network) -> Iterator[Problem]:
    """Classes that the data of a network do not have."""
    names, whole = class_names_of(network.data), all_class_names(network.data)
    of = data_name(network.data)
    if entry.splits == "all":
        yield from _count_problems(entry, name, of, names)
    elif names is not None:
        for where, split in _declared_splits(entry):
            for role in _ROLES:
                for index, wanted in enumerate(getattr(split, role)):
                    if problem := _class_problem(wanted, whole, names, of):
                        yield problem.within(*where, role, index)
        if entry.splits == "usual 6/4" and tuple(names) != tuple("0123456789"):
            expected = "the ten digits, which the usual splits divide"
            yield Problem(("splits",), expected, f"{of} with {quoted(names)}")


def _class_problem(
    wanted: ClassName, whole: Sequence[str] | None, kept: Sequence[str], of: str
) -> Problem | None:
    if whole is not None and index_of(wanted, whole) is None:
        return no_such_class(wanted, whole, of)
    return None if name_of(wanted, whole) in kept else not_kept(wanted, kept, of)


def _count_problems(
    entry: OpenSet, name: str, of: str, names: tuple[str, ...] | None
) -> Iterator[Problem]:
    """Numbers of classes that cannot be divided in every way."""
    if names is None:
        expected = "data whose classes are declared, to divide them in every way"
        hint = 'add "classes" to data, or list the splits'
        yield Problem(("splits",), expected, f'the data of "{name}", which do not say', hint)
    elif len(names) < 3:
        expected = "at least three classes, of which two are known and one is not"
        yield Problem(("splits",), expected, f"{of} with {quoted(names)}")
    elif isinstance(entry.known, int) and not 2 <= entry.known < len(names):
        expected = f"a number of known classes from 2 to {len(names) - 1}"
        yield Problem(("known",), expected, str(entry.known))
    elif isinstance(entry.known, int) and (ways := comb(len(names), entry.known)) > MOST_SPLITS:
        received = f"{ways:,} ways to take {entry.known} of {len(names)} classes"
        expected, hint = f"at most {MOST_SPLITS:,} splits", "list the splits that matter"
        yield Problem(("splits",), expected, received, hint)


def _negative_problems(entry: OpenSet) -> Iterator[Problem]:
    """Detectors whose training needs negative classes, where there are none."""
    without = [where for where, split in _declared_splits(entry) if not split.negative]
    if isinstance(entry.splits, str):
        without = [()]
    for index, detector in enumerate(entry.detectors) if without else ():
        if detector.needs_negatives:
            yield Problem(
                ("detectors", index),
                f'"negative" classes, which the training of {detector.name} needs',
                "a split without any" if without[0] else "none",
                'add "negative", or choose a detector that needs none',
            )


def open_set_notes(study: Study) -> Iterator[str]:
    """What of the open-set questions has no effect with these networks, though with others it may:
    who shortens the training need not shorten the questions."""
    for index, entry in enumerate(study.open_set):
        networks = base_networks(study, entry).values()
        most = max((network.training.steps for network in networks), default=None)
        beyond = [str(steps) for steps in entry.steps if most is not None and steps >= most]
        if beyond:
            yield (
                f"open_set[{index}] asks for tests after {quoted(beyond, quote=False)} steps, but "
                f"training has {most}; only the end is tested there."
            )
