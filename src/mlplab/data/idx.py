"""The IDX format of MNIST (LeCun, Cortes and Burges): images and labels, gzipped or not.

A file is: two zero bytes, the element type (8 for unsigned bytes), the number of dimensions, each
dimension as a big-endian 32-bit count, then the elements.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from mlplab.data.refusal import refuse

_UNSIGNED_BYTE = 8
_KINDS = {1: "labels", 3: "images"}


def uncompressed(path: Path, where: str) -> bytes:
    """The bytes of a file, unpacked when it is gzipped, whatever its name says."""
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = "a folder" if path.is_dir() else (error.strerror or "an unreadable file").lower()
        refuse(
            where,
            expected="a file that can be read",
            received=reason,
            hint="correct the path, which is relative to the study's own folder",
            file=path,
        )
    if not content:
        refuse(
            where,
            expected="an IDX file",
            received="an empty file",
            hint="fetch or write the file again",
            file=path,
        )
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        refuse(
            where,
            expected="a whole gzip file",
            received=f"one that cannot be unpacked ({error})",
            hint="it is cut short or damaged: fetch or write it again",
            file=path,
        )


def images(content: bytes, path: Path, where: str) -> np.ndarray:
    """The images of an IDX file, (row, height, width) uint8; `content` is uncompressed."""
    return _elements(content, 3, path, where)


def labels(content: bytes, path: Path, where: str) -> np.ndarray:
    """The labels of an IDX file, (row,) uint8; `content` is uncompressed."""
    return _elements(content, 1, path, where)


def require_same_rows(
    images: np.ndarray, labels: np.ndarray, path: Path, labels_path: Path, where: str
) -> None:
    """Refuse a pair of files that do not hold the same number of rows."""
    if len(images) != len(labels):
        refuse(
            where,
            expected=f"{len(images)} labels, one for each image in {path.name}",
            received=f"{len(labels)}",
            hint="give the two files that belong together",
            file=labels_path,
        )


def _elements(content: bytes, dimensions: int, path: Path, where: str) -> np.ndarray:
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
            received=f"the sizes {'×'.join(map(str, shape))}",
            hint="give a file that holds data",
            file=path,
        )
    wanted, received = math.prod(shape), len(content) - head
    if received != wanted:
        refuse(
            where,
            expected=f"{wanted} bytes after the header, as its sizes "
            f"{'×'.join(map(str, shape))} say",
            received=f"{received}",
            hint="it is cut short: fetch or write it again"
            if received < wanted
            else "it has bytes too many: fetch or write it again",
            file=path,
        )
    return np.frombuffer(content, np.uint8, wanted, offset=head).reshape(shape)


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
