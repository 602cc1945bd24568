"""Which rows a network sees where not all classes are known, and which it is tested on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlplab.data.class_indices import class_indices
from mlplab.data.dataset import Dataset, PreparedData
from mlplab.declarations.data import Data
from mlplab.declarations.resolving.classes import data_name
from mlplab.declarations.roles import Roles


def with_roles(
    dataset: Dataset, known_rows: np.ndarray, roles: Roles, declaration: Data
) -> tuple[np.ndarray, np.ndarray]:
    """Take the calibration rows out of the known training rows, and add the negative ones.

    Args:
        known_rows: (row,) ascending training rows of known classes.
        roles: which classes are known and negative, and how many rows calibrate.
        declaration: of the data; its `split_seed` decides which rows calibrate.

    Returns:
        Training rows and calibration rows, both ascending.
    """
    stay, calibration = dataset.divide(
        known_rows,
        roles.calibration,
        seed=declaration.split_seed,
        purpose="calibration",
        where="calibration",
    )
    name = data_name(declaration)
    negative = class_indices(dataset.class_names, roles.negative, "negative", name)
    its = dataset.train_rows[np.isin(dataset.labels[dataset.train_rows], negative)]
    return np.sort(np.concatenate([stay, its])), calibration


@dataclass(frozen=True, eq=False)
class TestedRows:
    """The rows of a set that an open-set evaluation looks at, each (row,) int64, ascending."""

    fitted: np.ndarray
    """Known training rows, which detectors are fitted on."""
    calibration: np.ndarray
    known: np.ndarray
    """Known rows of the test part."""
    unknown: np.ndarray
    """Test rows of unknown classes."""


def tested_rows(data: PreparedData, unknown: list[int], fit_on: int | None) -> TestedRows:
    """Divide the rows of prepared data by what they serve.

    Args:
        data: prepared with roles.
        unknown: indices of the unknown classes.
        fit_on: at most so many training rows, drawn once for all networks on the data; None for
            all.
    """
    known = data.train_rows[data.label_map[data.labels[data.train_rows]] >= 0]
    if fit_on is not None and fit_on < len(known):
        known = np.sort(np.random.default_rng(0).choice(known, fit_on, replace=False))
    tested = data.outside_rows
    return TestedRows(
        fitted=known,
        calibration=data.calibration_rows,
        known=data.test_rows,
        unknown=tested[np.isin(data.labels[tested], unknown)],
    )
