"""The IDX format of MNIST (LeCun, Cortes and Burges): images and labels, gzipped or not.

A file is: two zero bytes, the element type (8 for unsigned bytes), the number of dimensions, each
dimension as a big-endian 32-bit count, then the elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from mlplab.data.files import DataFile, content_of, is_packed
from mlplab.data.own_sets import Header, Rows
from mlplab.declarations.data import IdxData

File = TypeVar("File", bound=DataFile)
_UNSIGNED_BYTE = 8
_KINDS = {1: "labels", 3: "images"}


def images_and_labels(
    images: File, labels: File, content: Callable[[File], bytes | bytearray] = content_of
) -> tuple[np.ndarray, np.ndarray]:
    """The images (row, height, width) uint8 and labels (row,) uint8 of two files.

    content: gives the uncompressed bytes of a file.
    """
    pixels = _elements(content(images), 3, images)
    kinds = _elements(content(labels), 1, labels)
    _require_same_rows(len(pixels), len(kinds), images, labels)
    return pixels, kinds


def read(declaration: IdxData, files: Sequence[DataFile]) -> tuple[Rows, Rows | None]:
    """Training rows and, where there are four files, test rows."""
    return _rows(*files[:2]), _rows(*files[2:]) if files[2:] else None


def _rows(images: DataFile, labels: DataFile) -> Rows:
    pixels, kinds = images_and_labels(images, labels)
    return Rows(
        inputs=pixels.reshape(len(pixels), -1),
        labels=tuple(str(label) for label in kinds.tolist()),
        inputs_file=images,
        labels_file=labels,
        image_shape=(pixels.shape[1], pixels.shape[2]),
        largest=255.0,
    )


def header(declaration: IdxData, files: Sequence[DataFile]) -> Header:
    """The sizes of a training pair and, where it is given, a test pair."""
    shapes = [_shape_in(file, 1 if place % 2 else 3) for place, file in enumerate(files)]
    for at in range(0, len(files), 2):
        _require_same_rows(shapes[at][0], shapes[at + 1][0], files[at], files[at + 1])
    if len(files) == 4 and shapes[0][1:] != shapes[2][1:]:
        files[2].refuse(
            f"images of {sizes(shapes[0][1:])}, as the training rows have",
            f"images of {sizes(shapes[2][1:])}",
            "give test rows of the same shape",
        )
    test = shapes[2][0] if len(files) == 4 else None
    return Header(shapes[0][0], test, math.prod(shapes[0][1:]))


def sizes(shape: Sequence[int]) -> str:
    """A shape in words: 60000×28×28."""
    return "×".join(map(str, shape))


def _require_same_rows(
    rows: int, labels: int, images_file: DataFile, labels_file: DataFile
) -> None:
    if rows != labels:
        labels_file.refuse(
            f"{rows} labels, one for each image in {images_file.path.name}",
            f"{labels}",
            "give the two files that belong together",
        )


def _shape_in(file: DataFile, dimensions: int) -> tuple[int, ...]:
    first = content_of(file, at_most=4 + 4 * dimensions)
    shape = _shape(first, dimensions, file)
    if not is_packed(file):
        _require_length(shape, file.size - len(first), file)
    return shape


def _elements(content: bytes | bytearray, dimensions: int, file: DataFile) -> np.ndarray:
    shape = _shape(content, dimensions, file)
    head = 4 + 4 * dimensions
    _require_length(shape, len(content) - head, file)
    return np.frombuffer(content, np.uint8, math.prod(shape), offset=head).reshape(shape)


def _shape(content: bytes | bytearray, dimensions: int, file: DataFile) -> tuple[int, ...]:
    _require_kind(content, dimensions, file)
    head = 4 + 4 * dimensions
    if len(content) < head:
        file.refuse(
            f"a header of {head} bytes",
            f"a file of {len(content)} bytes",
            "it is cut short: fetch or write it again",
        )
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", dimensions, offset=4))
    if 0 in shape:
        expected = "at least one row of at least one pixel"
        file.refuse(expected, f"the sizes {sizes(shape)}", "give a file that holds data")
    return shape


def _require_length(shape: tuple[int, ...], received: int, file: DataFile) -> None:
    wanted = math.prod(shape)
    if received != wanted:
        fault = "is cut short" if received < wanted else "has bytes too many"
        expected = f"{wanted} bytes after the header, as its sizes {sizes(shape)} say"
        file.refuse(expected, f"{received}", f"it {fault}: fetch or write it again")


def _require_kind(content: bytes | bytearray, dimensions: int, file: DataFile) -> None:
    axes = "one dimension" if dimensions == 1 else f"{dimensions} dimensions"
    expected = f"an IDX file of {_KINDS[dimensions]} ({axes} of unsigned bytes)"
    if len(content) < 4 or content[:2] != b"\0\0":
        received = f"a file that begins with {content[:4].hex(' ')}"
        file.refuse(expected, received, "give a file in the format of MNIST")
    kind, received_dimensions = content[2], content[3]
    if kind != _UNSIGNED_BYTE:
        hint = "write the elements as unsigned bytes (type 0x08), or use an NPZ file"
        file.refuse(expected, f"elements of type 0x{kind:02x}", hint)
    if received_dimensions != dimensions:
        other = _KINDS.get(received_dimensions)
        file.refuse(
            expected,
            f"a file of {other}" if other else f"{received_dimensions} dimensions",
            "exchange the paths of images and labels" if other else "write it anew",
        )
