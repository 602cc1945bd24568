"""Folders of images, one folder a class."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from mlplab.data.files import DataFile, own_path, require_memory
from mlplab.data.own_sets import Header, Rows
from mlplab.declarations.data import ImageFolderData
from mlplab.declarations.problems import quoted, refuse, shortened

_ENDINGS = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp"}
)
_MOST_FILES = 2_000_000
_WHERE = "data.path"


def files_in(folder: Path, path: str) -> tuple[DataFile, ...]:
    """The images in the folders of classes, by path; of `train/` and `test/` where there are both."""
    root = own_path(folder, path, _WHERE)
    try:
        if not root.is_dir():
            refuse(_WHERE, expected="a folder of folders of images",
                   received="a file" if root.is_file() else "a path where nothing is",
                   hint="the path is relative to the study's own folder", file=root)  # fmt: skip
        found = sorted(
            file
            for file in islice(root.rglob("*"), _MOST_FILES)
            if file.suffix.lower() in _ENDINGS and file.is_file()
            if not any(part.startswith(".") for part in file.relative_to(root).parts)
        )
        states = [file.stat() for file in found]
    except (OSError, ValueError) as error:
        refuse(_WHERE, expected="a folder that can be read", received=shortened(str(error), 200),
               hint="correct the path or the rights", file=root)  # fmt: skip
    files = tuple(
        DataFile(file, _WHERE, state.st_size, state.st_mtime_ns)
        for file, state in zip(found, states, strict=True)
    )
    if not files:
        refuse(_WHERE, expected=f"images ({quoted(sorted(_ENDINGS), quote=False)}) in folders "
               "named by class", received="none", hint=None, file=root)  # fmt: skip
    return files


def header(declaration: ImageFolderData, files: tuple[DataFile, ...]) -> Header:
    """Nothing: how many images a class has is not told without opening them."""
    return Header()


def read(declaration: ImageFolderData, files: tuple[DataFile, ...]) -> tuple[Rows, Rows | None]:
    """Training images and, where there are folders `train` and `test`, test images."""
    root = replace(files[0], path=files[0].path.parent.parent)
    parts = {file.path.parent.parent.name for file in files}
    train: tuple[DataFile, ...] = files
    test: tuple[DataFile, ...] = ()
    if parts == {"train", "test"}:
        train, test = (
            tuple(f for f in files if f.path.parent.parent.name == part)
            for part in ("train", "test")
        )
    elif len({file.path.parent.parent for file in files}) > 1:
        root.refuse(
            "folders named by class, or train/ and test/ with such folders",
            f"images below {quoted(sorted(parts)[:5])}",
            "put the images of each class into one folder",
        )
    first_color, first_size = _form_of(train[0])
    color, size = declaration.color or first_color, declaration.size or first_size
    pixels = size[0] * size[1] * (3 if color == "rgb" else 1)
    require_memory(pixels * len(files) * 5, root, "images")
    return _rows(train, color, size), _rows(test, color, size) if test else None


def _form_of(file: DataFile) -> tuple[str, tuple[int, int]]:
    with _opened(file) as image:
        colored = image.mode not in ("1", "L", "LA", "I", "I;16", "F")
        return "rgb" if colored else "grey", (image.height, image.width)


def _opened(file: DataFile):  # type: ignore[no-untyped-def]  # Pillow is imported where it is used
    from PIL import Image

    try:
        return Image.open(file.path)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        _refuse_image(file, error)


def _refuse_image(file: DataFile, error: Exception) -> None:
    file.refuse(
        "an image",
        f"a file that cannot be read ({shortened(str(error), 200)})",
        "it is damaged or of another kind: write it again, or take it out of the folder",
        where=_WHERE,
    )


def _rows(files: tuple[DataFile, ...], color: str, size: tuple[int, int]) -> Rows:
    channels = 3 if color == "rgb" else 1
    inputs = np.empty((len(files), size[0] * size[1] * channels), dtype=np.uint8)
    resized = 0
    for row, file in enumerate(files):
        try:
            with _opened(file) as image:
                pixels = image.convert("RGB" if channels == 3 else "L")
                if (pixels.height, pixels.width) != size:
                    pixels = pixels.resize((size[1], size[0]))
                    resized += 1
                inputs[row] = np.asarray(pixels, dtype=np.uint8).reshape(-1)
        except (OSError, ValueError, SyntaxError, MemoryError) as error:
            _refuse_image(file, error)
    notes = (
        (f"{resized:,} of {len(files):,} images were resized to {size[0]}×{size[1]}",)
        if resized
        else ()
    )
    return Rows(
        inputs=inputs,
        labels=tuple(file.path.parent.name for file in files),
        image_shape=size if channels == 1 else None,
        largest=255.0,
        inputs_file=files[0],
        labels_file=files[0],
        notes=notes,
    )
