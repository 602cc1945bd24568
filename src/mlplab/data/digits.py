"""scikit-learn's digits: 1,797 images of 8×8, values 0 to 16, bundled with a dependency."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mlplab.data.dataset import Dataset
from mlplab.data.division import divide
from mlplab.declarations.known_data import KNOWN_SETS

LARGEST = 16.0
"""Each value counts the dark ones among 4×4 pixels of the original, so it is 0 to 16."""


def digits(split_seed: int) -> Dataset:
    """The digits, divided by `split_seed` into the declared 1,437 train and 360 test rows."""
    known = KNOWN_SETS["digits"]
    table = _table()
    labels = table[:, -1].astype(np.int64)
    train_rows, test_rows = divide(
        labels,
        np.arange(len(labels), dtype=np.int64),
        known.test_rows,
        seed=split_seed,
        purpose="test",
        class_names=known.class_names,
        where="data",
    )
    return Dataset(
        inputs=table[:, :-1].astype(np.uint8),
        labels=labels,
        class_names=known.class_names,
        train_rows=train_rows,
        test_rows=test_rows,
        image_shape=(known.image_side, known.image_side),
        largest=LARGEST,
    )


def _table() -> np.ndarray:
    """(row, 65): values and label, from the file that scikit-learn ships."""
    package = find_spec("sklearn")
    if package is not None and package.origin is not None:
        path = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            # scikit-learn itself takes a second to import.
            return np.loadtxt(path, delimiter=",")
    from sklearn.datasets import load_digits

    bundle = load_digits()
    return np.column_stack([bundle.data, bundle.target])
