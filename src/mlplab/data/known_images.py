"""MNIST and the sets made in its image: 60,000 train and 10,000 test images of 28×28 bytes."""

from __future__ import annotations

import numpy as np

from mlplab.data.announcing import Announce
from mlplab.data.dataset import Dataset
from mlplab.data.known_files import KnownFile, read
from mlplab.data.sources import idx
from mlplab.declarations.known_data import KNOWN_SETS

_REPLACE = "put the published file there, or remove it to have it fetched"


def known_images(files: tuple[KnownFile, ...], announce: Announce) -> Dataset:
    """Read a set from its four files, in the order of `mirrors.SOURCES`, in its own division."""
    known = KNOWN_SETS[files[0].set_name]
    classes, parts = len(known.class_names), []
    for at, rows in ((0, known.train_rows), (2, known.test_rows)):
        of_images, of_labels = files[at : at + 2]
        pixels, labels = idx.images_and_labels(
            of_images, of_labels, lambda file: read(file, announce)
        )
        shape = (rows, known.image_side, known.image_side)
        if pixels.shape != shape:
            expected = f"{idx.sizes(shape)} pixels, as {known.name} has"
            of_images.refuse(expected, idx.sizes(pixels.shape), _REPLACE)
        if labels.max() >= classes:
            row = int(np.argmax(labels >= classes))
            received = f"{labels[row]} at row {row}"
            of_labels.refuse(f"labels from 0 to {classes - 1}", received, _REPLACE)
        parts.append((pixels.reshape(rows, -1), labels))
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Dataset(
        inputs=images,
        labels=labels.astype(np.int64),
        class_names=known.class_names,
        train_rows=np.arange(known.train_rows, dtype=np.int64),
        test_rows=np.arange(known.train_rows, len(images), dtype=np.int64),
        image_shape=(known.image_side, known.image_side),
        largest=255.0,
    )
