"""The rows of a split, scaled as a network sees them, and the network's outputs for rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlplab.analysis.open_set.other_set import WHERE, OtherSet, other_set, silent
from mlplab.data.announcing import Announce
from mlplab.data.class_indices import class_indices
from mlplab.data.dataset import Dataset, PreparedData
from mlplab.data.loading import load
from mlplab.data.open_set_rows import TestedRows, tested_rows
from mlplab.data.preparation import prepare
from mlplab.declarations.data import Data
from mlplab.declarations.network import Network
from mlplab.declarations.open_set import OpenSet
from mlplab.declarations.problems import BadInput, Problem
from mlplab.declarations.resolving.classes import data_name
from mlplab.declarations.resolving.open_set_networks import NamedSplit, variants_of
from mlplab.declarations.study import Study
from mlplab.openset.activations import Activations, OutputLayer
from mlplab.openset.from_weights import activations_from_weights
from mlplab.statistics.rows_and_seeds import GROUPS, groups_of_rows
from mlplab.words import quoted


@dataclass(frozen=True, eq=False)
class Unknowns:
    """Test rows of unknown classes, of this data set and of another."""

    inputs: np.ndarray
    """(row, feature), scaled as the network's."""
    classes: np.ndarray
    """(row,) an index into `class_names`."""
    class_names: tuple[str, ...]
    groups: np.ndarray
    """(row,) the group in which a row is left out when intervals over rows are made."""


@dataclass(frozen=True, eq=False)
class OpenSetRows:
    """Data of one network, divided by what they serve."""

    data: PreparedData
    rows: TestedRows
    unknowns: Unknowns
    groups: np.ndarray
    """(row,) the groups of the known test rows, as those of the unknown ones."""

    def inputs(self, rows: np.ndarray) -> np.ndarray:
        """(row, feature) of rows of the data set."""
        return self.data.inputs[rows]

    def outputs(self, rows: np.ndarray) -> np.ndarray:
        """(row,): the output that is right."""
        return self.data.label_map[self.data.labels[rows]]


def open_set_rows(network: Network, split: NamedSplit, entry: OpenSet, folder: Path) -> OpenSetRows:
    """Prepare the rows of a split as a network sees them.

    Raises:
        BadInput: an unknown class that the data do not have, another set of other features, or no
            unknown test rows.
    """
    data = prepare(network.data, folder, silent, network.roles)
    dataset = load(network.data, folder, silent)
    unknown = class_indices(dataset.class_names, split.unknown, "unknown", data_name(network.data))
    rows = tested_rows(data, unknown, entry.fit_on)
    group_of = np.zeros(len(dataset.labels), dtype=np.int64)
    group_of[dataset.test_rows] = _groups(len(dataset.test_rows))
    parts, groups = [data.inputs[rows.unknown]], [group_of[rows.unknown]]
    order = {c: number for number, c in enumerate(unknown)}
    classes = [np.array([order[c] for c in data.labels[rows.unknown].tolist()], dtype=np.int64)]
    names = [dataset.class_names[c] for c in unknown]
    if entry.unknown_data is not None:
        other = other_set(entry.unknown_data, folder)
        more = _scaled_alike(other, entry.unknown_data, network, data, folder)
        parts.append(more)
        groups.append(_groups(len(more)))
        classes.append(other.classes + len(names))
        names += other.class_names
    unknowns = Unknowns(
        np.concatenate(parts), np.concatenate(classes), tuple(names), np.concatenate(groups)
    )
    if not len(unknowns.inputs):
        raise _no_unknown_rows(split)
    return OpenSetRows(data, rows, unknowns, group_of[rows.known])


def _groups(rows: int) -> np.ndarray:
    """(row,) the group of each row of a test part."""
    groups = min(GROUPS, rows)
    return groups_of_rows(rows, groups) if groups > 1 else np.zeros(rows, dtype=np.int64)


def _scaled_alike(
    other: OtherSet, declared: Data, network: Network, data: PreparedData, folder: Path
) -> np.ndarray:
    """Test rows of another set, scaled as the network's own rows are."""
    own = load(network.data, folder, silent)
    _check_features(other, own.inputs.shape[1], declared, network.data)
    columns = load(declared, folder, silent, fewest_classes=1).columns
    return data.preparation.apply(data.preparation.as_read_here(other.inputs, columns, WHERE))


def _check_features(there: OtherSet, features: int, other: Data, own: Data) -> None:
    if there.inputs.shape[1] != features:
        expected = f"a set of {features} features, as {data_name(own)} has"
        received = f"{data_name(other)} with {there.inputs.shape[1]}"
        raise BadInput(Problem(WHERE, expected, received))


def check_unknowns(study: Study, announce: Announce) -> None:
    """Refuse, before anything is trained, what only data tell of the rows to be tested as unknown.

    announce: is told of downloads.

    Raises:
        BadInput: an unknown class that the data do not have or that has no test rows, or another
            set that cannot be used.
    """
    asked = {
        (study.networks[variant.network].data, variant.split, variant.entry): None
        for variant in variants_of(study)
        if variant.network in study.networks
    }
    sets: dict[Data, Dataset] = {}
    for data, split, entry in asked:
        if data not in sets:
            sets[data] = load(data, study.folder, announce)
        dataset, other = sets[data], study.open_set[entry].unknown_data
        where = f"open_set[{entry}].unknown"
        is_usual = study.open_set[entry].splits == "usual 6/4"
        if is_usual and dataset.class_names != tuple("0123456789"):
            expected = "the ten digits, which the usual splits divide"
            received = f"{data_name(data)} with {quoted(dataset.class_names)}"
            raise BadInput(Problem(f"open_set[{entry}].splits", expected, received))
        classes = class_indices(dataset.class_names, split.unknown, where, data_name(data))
        if other is not None:
            there = other_set(other, study.folder, announce)
            _check_features(there, dataset.inputs.shape[1], other, data)
        elif not np.isin(dataset.labels[dataset.test_rows], classes).any():
            raise _no_unknown_rows(split)


def _no_unknown_rows(split: NamedSplit) -> BadInput:
    classes = ", ".join(split.unknown)
    return BadInput(Problem("open_set", f"test rows of the unknown classes ({classes})", "none"))


def activations(
    inputs: np.ndarray,
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    network: Network,
    classes: int,
) -> Activations:
    """Outputs of a trained network, the extra one apart from those of the classes."""
    whole = activations_from_weights(inputs, layers, network.form)
    extra = {"sigmoid output": "sigmoid_logit", "background class": "background_logit"}
    beside = extra.get(network.objective.name)
    kernel, bias = layers[-1]
    return Activations(
        logits=whole.logits[:, :classes],
        hidden=whole.hidden,
        inputs=whole.inputs,
        output_layer=OutputLayer(kernel=kernel[:, :classes], bias=bias[:classes]),
        **({beside: whole.logits[:, classes]} if beside else {}),
    )
