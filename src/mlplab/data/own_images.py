"""The user's own images in the IDX format of MNIST."""

from __future__ import annotations

from mlplab.data import idx
from mlplab.data.own_files import OwnFile
from mlplab.data.own_sets import Rows


def image_pair(images_file: OwnFile, labels_file: OwnFile) -> Rows:
    """Rows of a file of images and the file of their labels."""
    images = idx.images(
        idx.uncompressed(images_file.path, images_file.where), images_file.path, images_file.where
    )
    labels = idx.labels(
        idx.uncompressed(labels_file.path, labels_file.where), labels_file.path, labels_file.where
    )
    idx.require_same_rows(images, labels, images_file.path, labels_file.path, labels_file.where)
    return Rows(
        inputs=images.reshape(len(images), -1),
        labels=tuple(str(label) for label in labels.tolist()),
        image_shape=(images.shape[1], images.shape[2]),
        largest=255.0,
        inputs_file=images_file,
        labels_file=labels_file,
    )
