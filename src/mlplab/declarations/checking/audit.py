"""What differs between the networks of a question besides what is meant to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlplab.declarations.network import Network
from mlplab.declarations.paths import KINDS, entries
from mlplab.declarations.problems import dotted
from mlplab.declarations.question import Question
from mlplab.declarations.resolving.arms import Arm, arms_of
from mlplab.declarations.resolving.data_size import data_size
from mlplab.declarations.resolving.factor import in_words, settings_of
from mlplab.declarations.resolving.size import Size, are_alike, size_of
from mlplab.declarations.study import Study
from mlplab.declarations.tuning import TunedTogether, tuned_together
from mlplab.words import large_count, listed

_OF_NO_EFFECT = ("seeds", "training.diagnostics")
_NONE = "none"
NOTHING_TUNED = TunedTogether()


@dataclass(frozen=True)
class Difference:
    """One setting or count in which networks differ."""

    what: str
    """In words, for example learning rate."""
    path: str
    """The setting, for example optimizer.learning_rate; the bare word of a count."""
    values: tuple[str, ...]
    """Of each network, in the question's order."""


@dataclass(frozen=True)
class Audit:
    """What differs between the networks of one question."""

    factor: str | None
    networks: tuple[str, ...]
    """As they are trained: of questions about unknown classes, their open-set forms."""
    declared: tuple[Difference, ...]
    """What differs because the factor does; empty if none was declared, or if it does not."""
    others: tuple[Difference, ...]
    """What else differs: the effect may be due to it."""
    counts: tuple[Difference, ...]
    """Parameters and training FLOPs, where they are not alike."""
    matched: tuple[Difference, ...] = ()
    """Parameters and training FLOPs that are alike though the hidden layers are not."""
    follows: tuple[Difference, ...] = ()
    """The width, where depth differs and sizes are matched: it could not have stayed the same."""
    tuned: tuple[Difference, ...] = ()
    """Settings that every one of them has tuned over the same space with the same budget: that they
    differ is part of what is compared, each network at its best. Without values before tuning."""

    @property
    def is_controlled(self) -> bool:
        """Whether the declared factor differs, and no other setting does."""
        return bool(self.declared) and not self.others

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, for a reader."""
        return tuple(_sentences(self))


def audit_question(
    question: Question,
    arms: Sequence[Arm],
    networks: Mapping[str, Network],
    sizes: Mapping[str, Size],
    together: TunedTogether = NOTHING_TUNED,
) -> Audit:
    """Compare the settings and sizes of a question's networks.

    arms: the sides of the question. sizes: of the networks of which they are known. together: what
    all of them have tuned. Raises KeyError for networks that are not given.
    """
    names = tuple(arm.network for arm in arms)
    found = [*_detectors(arms), *_differences([networks[name] for name in names])]
    # What kind of thing differs comes before the settings that both kinds have.
    differences = tuple(sorted(found, key=lambda d: d.path.split(".")[-1] not in KINDS))
    factor = "detector" if question.is_of_detectors else question.factor
    paths = settings_of(factor) if factor else ()
    tuned = tuple(_tuned(together, differences, paths))
    of_choice = together.paths
    declared = tuple(d for d in differences if _belongs(d.path, paths))
    others = [d for d in differences if not _belongs(d.path, (*paths, *of_choice))]
    shapes = [networks[name].hidden for name in names]
    known = [size for name in names if (size := sizes.get(name)) is not None]
    counts = tuple(_counts(known)) if len(known) == len(names) else ()
    matched = tuple(
        _difference_of_counts(*c) for c in counts if are_alike(c[1]) and len(set(shapes)) > 1
    )
    follows: tuple[Difference, ...] = ()
    if factor in ("depth", "width"):
        declared, more = _of_shape(factor, declared, shapes)
        if matched and factor == "depth":
            follows = tuple(more)
        else:
            others += more
    return Audit(
        factor,
        names,
        declared,
        tuple(others),
        tuple(_difference_of_counts(*c) for c in counts if not are_alike(c[1])),
        matched,
        follows,
        tuned,
    )


def audit_study(study: Study) -> tuple[Audit, ...]:
    """The audits of all questions of a study that has not been run, in their order."""
    sizes: dict[str, Size] = {}
    arms = [arms_of(question, study) for question in study.questions]
    for name in {arm.network for own in arms for arm in own}:
        network = study.networks[name]
        data, _ = data_size(network.data, study.folder)
        if data.features is not None and (data.classes or network.outputs) is not None:
            sizes[name] = size_of(network, data.features, data.classes or 0)
    asked = zip(study.questions, arms, strict=True)
    return tuple(
        audit_question(q, own, study.networks, sizes, tuned_together(study, q.networks))
        for q, own in asked
    )


def _tuned(
    together: TunedTogether, differences: tuple[Difference, ...], factor: tuple[str, ...]
) -> Iterator[Difference]:
    """The tuned settings, those of the declared factor left to it; once chosen, where they differ."""
    for path in together.paths:
        if _belongs(path, factor):
            continue
        if not together.is_done:
            yield Difference(in_words(path), path, ())
        else:
            yield from (d for d in differences if _belongs(d.path, (path,)))


def _belongs(path: str, factors: tuple[str, ...]) -> bool:
    return any(path == factor or path.startswith(f"{factor}.") for factor in factors)


def _detectors(arms: Sequence[Arm]) -> Iterator[Difference]:
    """By what unknown classes are told, where that differs."""
    labels = tuple(arm.detector or _NONE for arm in arms)
    if len(set(labels)) > 1:
        yield Difference("detector", "detector", labels)


def _differences(networks: list[Network]) -> Iterator[Difference]:
    """Settings in which networks differ; what only another kind has belongs to the kind."""
    settings = [_settings(network) for network in networks]
    paths = dict.fromkeys(path for one in settings for path in one)
    other_kinds = [
        path.rpartition(".")[0]
        for path in paths
        if path.rpartition(".")[2] in KINDS and len({one.get(path) for one in settings}) > 1
    ]
    for path in paths:
        values = [one.get(path, _NONE) for one in settings]
        shared = all(path in one for one in settings)
        if len(set(values)) == 1 or path in _OF_NO_EFFECT:
            continue
        if shared or path.rpartition(".")[0] not in other_kinds or path.split(".")[-1] in KINDS:
            yield Difference(in_words(path), path, tuple(values))


def _settings(network: Network) -> dict[str, str]:
    """Every setting of a network in words, by its dotted path."""
    every = entries(network.model_dump(mode="json"))
    return {dotted(path): _shown(value) for path, value in every if not isinstance(value, dict)}


def _shown(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(item, int) for item in value):
        return "-".join(map(str, value))
    if value is None or value == []:
        return _NONE
    return value if isinstance(value, str) else json.dumps(value)


def _of_shape(
    factor: str, declared: tuple[Difference, ...], shapes: list[tuple[int, ...]]
) -> tuple[tuple[Difference, ...], list[Difference]]:
    """Depth and width are one setting, so what each of them is must be told apart."""
    depths = tuple(str(len(shape) + 1) for shape in shapes)
    widths = tuple(str(max(shape)) if shape else _NONE for shape in shapes)
    depth = Difference("number of layers", "hidden", depths)
    width = Difference("widest layer", "hidden", widths)
    meant, other = (depth, width) if factor == "depth" else (width, depth)
    if len(set(meant.values)) == 1:
        return (), list(declared)
    # A linear network has no width that could have stayed the same.
    return (meant,), [other] if len({*other.values} - {_NONE}) > 1 else []


def _counts(sizes: list[Size]) -> Iterator[tuple[str, list[int]]]:
    yield "parameters", [size.parameters for size in sizes]
    yield "training FLOPs", [size.training_flops for size in sizes]


def _difference_of_counts(what: str, counts: list[int]) -> Difference:
    return Difference(what, what, tuple(large_count(count) for count in counts))


def _sentences(audit: Audit) -> Iterator[str]:
    if len(audit.networks) == 1:
        yield "One network, held against a number: there is nothing to compare."
    elif audit.factor is None:
        yield _without_factor(audit.others)
    elif not audit.declared:
        yield (
            f"The declared factor, {in_words(audit.factor)}, is the same in all of them"
            + (f"; what differs is {_in_a_list(audit.others)}." if audit.others else ".")
        )
    elif audit.others:
        yield (
            f"Besides {_in_a_list(audit.declared)} they differ in {_in_a_list(audit.others)}: "
            "the effect may be due to that."
        )
    elif audit.tuned:
        yield f"Besides what was tuned, the only setting that differs is {_in_a_list(audit.declared)}."
    else:
        yield f"The only setting that differs is {_in_a_list(audit.declared)}."
    if audit.tuned:
        yield (
            f"Each has its own {_in_a_list(audit.tuned)}, tuned over the same space with the same budget, "
            "which is what makes the comparison fair."
        )
    if audit.counts:
        yield f"They also differ in {_in_a_list(audit.counts)}."
    if audit.matched:
        words = f"They are matched in {_in_a_list(audit.matched)}"
        if audit.follows:
            words += f", for which they had to differ in {_in_a_list(audit.follows)}"
        yield f"{words}."


def _without_factor(others: tuple[Difference, ...]) -> str:
    if not others:
        return "The networks are alike in every setting."
    if len(others) == 1:
        return f"The only setting that differs is {_in_a_list(others)}; no factor was declared."
    return (
        f"They differ in {_in_a_list(others)}, and no factor was declared: "
        "the effect belongs to all of these together."
    )


def _in_a_list(differences: tuple[Difference, ...]) -> str:
    parts = [f"{d.what} ({_values(d.values)})" if d.values else d.what for d in differences]
    return listed(parts, most=len(parts))


def _values(values: tuple[str, ...]) -> str:
    if len(values) > 6:
        values = (*values[:5], f"… {len(values) - 5} more")
    return ", ".join(values)
