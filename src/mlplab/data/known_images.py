"""MNIST and the sets made in its image: 60,000 train and 10,000 test images of 28×28 bytes."""

from __future__ import annotations

import numpy as np

from mlplab.data.announcing import Announce
from mlplab.data.dataset import Dataset
from mlplab.data.known_files import WHERE, FoundFile, read
from mlplab.data.mirrors import SOURCES
from mlplab.data.refusal import refuse
from mlplab.data.sources import idx
from mlplab.declarations.known_data import KNOWN_SETS, KnownSet


def known_images(name: str, found: tuple[FoundFile, ...], announce: Announce) -> Dataset:
    """Read a set from its four files, in the order of `mirrors.SOURCES`, in its own division."""
    known = KNOWN_SETS[name]
    files = SOURCES[name].files
    pairs = []
    for first, rows in ((0, known.train_rows), (2, known.test_rows)):
        content, images_path = read(name, files[first], found[first], announce)
        images = idx.images(content, images_path, WHERE)
        content, labels_path = read(name, files[first + 1], found[first + 1], announce)
        labels = idx.labels(content, labels_path, WHERE)
        idx.require_same_rows(len(images), len(labels), images_path, labels_path, WHERE)
        _require_declared(known, images, labels, rows, found[first], found[first + 1])
        pairs.append((images, labels))
    images = np.concatenate([images for images, _ in pairs])
    labels = np.concatenate([labels for _, labels in pairs])
    return Dataset(
        inputs=images.reshape(len(images), -1),
        labels=labels.astype(np.int64),
        class_names=known.class_names,
        train_rows=np.arange(known.train_rows, dtype=np.int64),
        test_rows=np.arange(known.train_rows, len(images), dtype=np.int64),
        image_shape=(known.image_side, known.image_side),
        largest=255.0,
    )


def _require_declared(
    known: KnownSet,
    images: np.ndarray,
    labels: np.ndarray,
    rows: int,
    images_file: FoundFile,
    labels_file: FoundFile,
) -> None:
    shape = (rows, known.image_side, known.image_side)
    if images.shape != shape:
        refuse(
            WHERE,
            expected=f"{'×'.join(map(str, shape))} pixels, as {known.name} has",
            received="×".join(map(str, images.shape)),
            hint="put the published file there, or remove it to have it fetched",
            file=images_file.path,
        )
    classes = len(known.class_names)
    if labels.max() >= classes:
        row = int(np.argmax(labels >= classes))
        refuse(
            WHERE,
            expected=f"labels from 0 to {classes - 1}",
            received=f"{labels[row]} at row {row}",
            hint="put the published file there, or remove it to have it fetched",
            file=labels_file.path,
        )
