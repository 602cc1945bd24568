"""From a declaration to the arrays that a network learns from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np

from mlplab.data.announcing import Announce, to_stderr
from mlplab.data.dataset import Dataset, PreparedData
from mlplab.data.division import divide
from mlplab.data.loading import load
from mlplab.data.refusal import refuse
from mlplab.data.scaling import default_scaling, fit_scaling
from mlplab.declarations.data import Data
from mlplab.declarations.problems import did_you_mean, listed, shown

_resident_inputs: WeakValueDictionary[str, np.ndarray] = WeakValueDictionary()
"""Scaled inputs that somebody holds, so that networks with equal inputs share one array."""


def prepare(declaration: Data, folder: Path, announce: Announce = to_stderr) -> PreparedData:
    """Read, check, divide, filter and scale the data of a declaration.

    Within a process a set is read once, and equal inputs are one array, however many networks
    declare them and whatever classes or validation part each takes.

    Args:
        declaration: what data, and how they are divided and scaled.
        folder: what the paths of own data are relative to.
        announce: is told, in a line each, of downloads and of anything odd that was mended.

    Raises:
        BadInput: one sentence saying what is wrong with the data, where, and how to mend it.
    """
    dataset = load(declaration, folder, announce)
    return _prepare(_Order(dataset, declaration))


@dataclass(frozen=True)
class _Order:
    """A declaration of a set; a Dataset is compared by identity, and `load` keeps it."""

    dataset: Dataset
    declaration: Data


# Few are kept, for each may hold inputs of its own; who needs more of them holds them.
@lru_cache(maxsize=2)
def _prepare(order: _Order) -> PreparedData:
    dataset, declaration = order.dataset, order.declaration
    outputs = _outputs(dataset.class_names, declaration.classes)
    label_map = np.full(len(dataset.class_names), -1, dtype=np.int64)
    label_map[outputs] = np.arange(len(outputs))
    inside = label_map[dataset.labels] >= 0
    train_rows, validation_rows = divide(
        dataset.labels,
        dataset.train_rows[inside[dataset.train_rows]],
        declaration.validation,
        seed=declaration.split_seed,
        purpose="validation",
        class_names=dataset.class_names,
        where="data.validation",
    )
    scaling = declaration.scaling or default_scaling(dataset)
    fitted = fit_scaling(scaling, dataset, train_rows)
    resident = fitted.identity(dataset.inputs_digest)
    inputs = _resident_inputs.get(resident)
    if inputs is None:
        inputs = fitted.apply(dataset.inputs)
        _resident_inputs[resident] = inputs
    return PreparedData(
        inputs=inputs,
        labels=dataset.labels,
        label_map=label_map,
        class_names=tuple(dataset.class_names[c] for c in outputs),
        train_rows=train_rows,
        validation_rows=validation_rows,
        test_rows=dataset.test_rows[inside[dataset.test_rows]],
        outside_rows=dataset.test_rows[~inside[dataset.test_rows]],
        image_shape=dataset.image_shape,
        digest=dataset.digest,
        resident=resident,
    )


def _outputs(class_names: tuple[str, ...], classes: tuple[int | str, ...] | None) -> list[int]:
    """The class of each output, in the declared order.

    A class is declared by its name; a number is the name written so, or, in a set whose class
    names are words, the position counted from 0.
    """
    if classes is None:
        return list(range(len(class_names)))
    by_name = {name: c for c, name in enumerate(class_names)}
    numbered = any(name.lstrip("-").isdecimal() for name in class_names)
    outputs: list[int] = []
    for position, wanted in enumerate(classes):
        where = f"data.classes[{position}]"
        output = by_name.get(str(wanted))
        if output is None and isinstance(wanted, int) and not numbered:
            output = wanted if 0 <= wanted < len(class_names) else None
        if output is None:
            refuse(
                where,
                expected=f"a class of the set: {listed(class_names)}",
                came=shown(wanted),
                mend=did_you_mean(wanted, class_names) or "choose among these",
            )
        if output in outputs:
            refuse(
                where,
                expected="each class once",
                came=f"{shown(class_names[output])} a second time",
                mend="leave it out",
            )
        outputs.append(output)
    return outputs
