"""Test rows of another data set, all of which are unknown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlplab.data.announcing import Announce
from mlplab.data.class_indices import class_indices
from mlplab.data.loading import load
from mlplab.declarations.data import Data
from mlplab.declarations.problems import BadInput, Problem
from mlplab.declarations.resolving.classes import data_name
from mlplab.words import quoted

WHERE = "open_set.unknown_data"


def silent(text: str) -> None:
    """Say nothing: what there is to say was said when the data were prepared for training."""


@dataclass(frozen=True, eq=False)
class OtherSet:
    """What is tested of another data set."""

    inputs: np.ndarray
    """(row, feature) as read, of test rows of the classes that are taken."""
    classes: np.ndarray
    """(row,) an index into `class_names`."""
    class_names: tuple[str, ...]
    """Of the classes that are taken, each with the name of the set."""
    digest: str
    """Equal for the same rows of the same set."""


def other_set(other: Data, folder: Path, announce: Announce = silent) -> OtherSet:
    """Read another set, and take its test rows of the declared classes.

    folder: what paths are relative to. announce: is told of downloads.

    Raises:
        BadInput: data that cannot be read, a class that they do not have, or no test rows.
    """
    dataset, name = load(other, folder, announce, fewest_classes=1), data_name(other)
    own = class_indices(dataset.class_names, other.classes, f"{WHERE}.classes", name)
    taken = [dataset.class_names[c] for c in own]
    labels = dataset.labels[dataset.test_rows]
    rows = dataset.test_rows[np.isin(labels, own)]
    if not len(rows):
        raise BadInput(Problem(f"{WHERE}.classes", f"classes with test rows of {name}",
                               f"{quoted(taken)} without any"))  # fmt: skip
    order = np.full(len(dataset.class_names), -1, dtype=np.int64)
    order[own] = np.arange(len(own))
    return OtherSet(
        dataset.inputs[rows],
        order[dataset.labels[rows]],
        tuple(f"{name} {one}" for one in taken),
        dataset.digest if other.classes is None else f"{dataset.digest} {taken}",
    )
