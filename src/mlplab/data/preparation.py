"""From a declaration to the arrays that a network learns from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np

from mlplab.data.announcing import Announce, to_stderr
from mlplab.data.class_indices import class_indices
from mlplab.data.dataset import Dataset, PreparedData
from mlplab.data.fitted import fit
from mlplab.data.loading import load
from mlplab.data.open_set_rows import with_roles
from mlplab.declarations.data import Data
from mlplab.declarations.problems import refuse
from mlplab.declarations.resolving.classes import data_name
from mlplab.declarations.roles import Roles

_shared_inputs: WeakValueDictionary[str, np.ndarray] = WeakValueDictionary()
"""Scaled inputs that somebody holds, so that networks with equal inputs share one array."""


def prepare(
    declaration: Data,
    folder: Path,
    announce: Announce = to_stderr,
    roles: Roles | None = None,
) -> PreparedData:
    """Read, check, divide, filter and scale the data of a declaration.

    Within a process a set is read once, and equal inputs are one array, however many networks
    declare them and whatever classes or validation part each takes.

    Args:
        declaration: what data, and how they are divided and scaled.
        folder: what the paths of own data are relative to.
        announce: is told, in a line each, of downloads and of anything odd that was mended.
        roles: which classes are known where not all are; None for all that are declared.

    Raises:
        BadInput: one sentence saying what is wrong with the data, where, and how to mend it.
    """
    return _prepare(_Order(load(declaration, folder, announce), declaration, roles))


@dataclass(frozen=True)
class _Order:
    """A declaration of a set; a Dataset is compared by identity, and `load` keeps it."""

    dataset: Dataset
    declaration: Data
    roles: Roles | None = None


# Few are kept, for each may hold inputs of its own; who needs more of them holds them.
@lru_cache(maxsize=2)
def _prepare(order: _Order) -> PreparedData:
    dataset, declaration = order.dataset, order.declaration
    roles, name = order.roles, data_name(order.declaration)
    if dataset.task == "regression" and declaration.classes is not None:
        refuse(
            "data.classes",
            expected="no classes, as a quantity is predicted",
            received="some",
            hint="leave them out",
        )
    outputs = (
        class_indices(dataset.class_names, declaration.classes, "data.classes", name)
        if roles is None
        else class_indices(dataset.class_names, roles.known, "known", name)
    )
    label_map = np.full(len(dataset.class_names), -1, dtype=np.int64)
    label_map[outputs] = np.arange(len(outputs))
    inside = label_map[dataset.labels] >= 0
    train_rows, validation_rows = dataset.divide(
        dataset.train_rows[inside[dataset.train_rows]],
        declaration.validation,
        seed=declaration.split_seed,
        purpose="validation",
        where="data.validation",
    )
    calibration_rows = train_rows[:0]
    if roles is not None:
        train_rows, calibration_rows = with_roles(dataset, train_rows, roles, declaration)
    class_names = tuple(dataset.class_names[c] for c in outputs)
    preparation = fit(declaration.scaling, dataset, train_rows, class_names)
    digest = preparation.identity(dataset.inputs_digest)
    inputs = _shared_inputs.get(digest)
    if inputs is None:
        inputs = preparation.apply(dataset.inputs)
        _shared_inputs[digest] = inputs
    targets = None
    if dataset.targets is not None:
        standard = (dataset.targets - preparation.target_mean) / preparation.target_std
        targets = standard.astype(np.float32)
    return PreparedData(
        inputs=inputs,
        labels=dataset.labels,
        label_map=label_map,
        class_names=class_names,
        train_rows=train_rows,
        validation_rows=validation_rows,
        test_rows=dataset.test_rows[inside[dataset.test_rows]],
        outside_rows=dataset.test_rows[~inside[dataset.test_rows]],
        image_shape=dataset.image_shape,
        digest=dataset.digest,
        inputs_digest=digest,
        calibration_rows=calibration_rows,
        preparation=preparation,
        task=dataset.task,
        targets=targets,
    )
