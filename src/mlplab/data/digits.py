"""scikit-learn's digits: 1,797 images of 8×8, values 0 to 16, bundled with a dependency."""

from __future__ import annotations

import numpy as np

from mlplab.data.dataset import Dataset
from mlplab.data.division import divide
from mlplab.declarations.known_data import KNOWN_SETS

LARGEST = 16.0
"""Each value counts the dark ones among 4×4 pixels of the original, so it is 0 to 16."""


def digits(split_seed: int) -> Dataset:
    """The digits, divided by `split_seed` into the declared 1,437 train and 360 test rows."""
    # scikit-learn takes a second to import, and the other sets do not need it.
    from sklearn.datasets import load_digits

    known = KNOWN_SETS["digits"]
    bundle = load_digits()
    labels = bundle.target.astype(np.int64)
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
        inputs=bundle.data.astype(np.uint8),
        labels=labels,
        class_names=known.class_names,
        train_rows=train_rows,
        test_rows=test_rows,
        image_shape=(known.image_side, known.image_side),
        largest=LARGEST,
    )
