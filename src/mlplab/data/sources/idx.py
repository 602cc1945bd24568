"""The IDX format of MNIST (LeCun, Cortes and Burges): images and labels, gzipped or not.

A file is: two zero bytes, the element type (8 for unsigned bytes), the number of dimensions, each
dimension as a big-endian 32-bit count, then the elements.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from mlplab.data.header import Header
from mlplab.data.own_files import GZIP, OwnFile, content_of
from mlplab.data.own_sets import Rows
from mlplab.data.refusal import refuse

_UNSIGNED_BYTE = 8
_KINDS = {1: "labels", 3: "images"}


def images(content: bytes, path: Path, where: str) -> np.ndarray:
    """The images of an IDX file, (row, height, width) uint8; `content` is uncompressed."""
    return _elements(content, 3, path, where)


def labels(content: bytes, path: Path, where: str) -> np.ndarray:
    """The labels of an IDX file, (row,) uint8; `content` is uncompressed."""
    return _elements(content, 1, path, where)


def image_pair(images_file: OwnFile, labels_file: OwnFile) -> Rows:
    """Rows of a file of images and the file of their labels."""
    pixels = images(content_of(images_file), images_file.path, images_file.where)
    kinds = labels(content_of(labels_file), labels_file.path, labels_file.where)
    require_same_rows(
        len(pixels), len(kinds), images_file.path, labels_file.path, labels_file.where
    )
    return Rows(
        inputs=pixels.reshape(len(pixels), -1),
        labels=tuple(str(label) for label in kinds.tolist()),
        image_shape=(pixels.shape[1], pixels.shape[2]),
        largest=255.0,
        inputs_file=images_file,
        labels_file=labels_file,
    )


def header(files: tuple[OwnFile, ...]) -> Header:
    """The sizes of a training pair and, where it is given, a test pair."""
    shapes = [_shape_in(file, 1 if place % 2 else 3) for place, file in enumerate(files)]
    for images_at in range(0, len(files), 2):
        of_images, of_labels = files[images_at : images_at + 2]
        require_same_rows(
            shapes[images_at][0],
            shapes[images_at + 1][0],
            of_images.path,
            of_labels.path,
            of_labels.where,
        )
    if len(files) == 4 and shapes[0][1:] != shapes[2][1:]:
        refuse(
            files[2].where,
            expected=f"images of {_sizes(shapes[0][1:])}, as the training rows have",
            received=f"images of {_sizes(shapes[2][1:])}",
            hint="give test rows of the same shape",
            file=files[2].path,
        )
    test = shapes[2][0] if len(files) == 4 else None
    return Header(shapes[0][0], test, math.prod(shapes[0][1:]))


def require_same_rows(images: int, labels: int, path: Path, labels_path: Path, where: str) -> None:
    """Refuse a pair of files that do not hold the same number of rows."""
    if images != labels:
        refuse(
            where,
            expected=f"{images} labels, one for each image in {path.name}",
            received=f"{labels}",
            hint="give the two files that belong together",
            file=labels_path,
        )


def _shape_in(file: OwnFile, dimensions: int) -> tuple[int, ...]:
    first = content_of(file, at_most=4 + 4 * dimensions)
    shape = _shape(first, dimensions, file.path, file.where)
    with file.path.open("rb") as stream:
        packed = stream.read(2) == GZIP
    if not packed:
        _require_length(shape, file.size - len(first), file.path, file.where)
    return shape


def _elements(content: bytes, dimensions: int, path: Path, where: str) -> np.ndarray:
    shape = _shape(content, dimensions, path, where)
    head = 4 + 4 * dimensions
    _require_length(shape, len(content) - head, path, where)
    return np.frombuffer(content, np.uint8, math.prod(shape), offset=head).reshape(shape)


def _shape(content: bytes, dimensions: int, path: Path, where: str) -> tuple[int, ...]:
    _require_kind(content, dimensions, path, where)
    head = 4 + 4 * dimensions
    if len(content) < head:
        refuse(
            where,
            expected=f"a header of {head} bytes",
            received=f"a file of {len(content)} bytes",
            hint="it is cut short: fetch or write it again",
            file=path,
        )
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", dimensions, offset=4))
    if 0 in shape:
        refuse(
            where,
            expected="at least one row of at least one pixel",
            received=f"the sizes {_sizes(shape)}",
            hint="give a file that holds data",
            file=path,
        )
    return shape


def _require_length(shape: tuple[int, ...], received: int, path: Path, where: str) -> None:
    wanted = math.prod(shape)
    if received != wanted:
        refuse(
            where,
            expected=f"{wanted} bytes after the header, as its sizes {_sizes(shape)} say",
            received=f"{received}",
            hint="it is cut short: fetch or write it again"
            if received < wanted
            else "it has bytes too many: fetch or write it again",
            file=path,
        )


def _sizes(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _require_kind(content: bytes, dimensions: int, path: Path, where: str) -> None:
    axes = "one dimension" if dimensions == 1 else f"{dimensions} dimensions"
    expected = f"an IDX file of {_KINDS[dimensions]} ({axes} of unsigned bytes)"
    if len(content) < 4 or content[:2] != b"\0\0":
        refuse(
            where,
            expected=expected,
            received=f"a file that begins with {content[:4].hex(' ')}",
            hint="give a file in the format of MNIST",
            file=path,
        )
    kind, received = content[2], content[3]
    if kind != _UNSIGNED_BYTE:
        refuse(
            where,
            expected=expected,
            received=f"elements of type 0x{kind:02x}",
            hint="write the elements as unsigned bytes (type 0x08), or use an NPZ file",
            file=path,
        )
    if received != dimensions:
        other = _KINDS.get(received)
        refuse(
            where,
            expected=expected,
            received=f"a file of {other}" if other else f"{received} dimensions",
            hint="exchange the paths of images and labels" if other else "write it anew",
            file=path,
        )
