"""Files of images as rows that a network learned from, whatever their size and polarity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mlplab.declarations.problems import refuse, shortened

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".tif", ".tiff", ".webp"})
_INK = 0.1
"""Of the largest value: what is darker is background."""


@dataclass(frozen=True)
class ImageForm:
    """What images of a set look like, and how others are made alike."""

    height: int
    width: int
    largest: float
    """Of a pixel: 255, or 16 for the bundled digits."""
    preparation: Literal["mnist", "digits", "plain"]
    bright: bool
    """Whether the background is the brighter part."""

    @property
    def in_words(self) -> str:
        """As the end of a sentence."""
        size = f"{self.height}×{self.width}"
        match self.preparation:
            case "mnist":
                return (
                    f"the strokes scaled into 20×20 and centred by mass in {size}, as MNIST's are"
                )
            case "digits":
                return f"the strokes as a 32×32 bitmap, counted in {size} blocks, as UCI's are"
        return f"grey, resized to {size}"

    def row_of(self, path: Path) -> np.ndarray:
        """The row (feature,) uint8 of an image file.

        An image of the set's own size is taken as it is, but for its polarity.

        Raises:
            BadInput: it is no image, or one without any stroke.
        """
        from PIL import Image, ImageOps

        try:
            with Image.open(path) as image:
                if image.width * image.height > 50_000_000:
                    raise ValueError(f"{image.width} by {image.height} pixels")
                seen = image.convert("RGBA")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            received = f"a file that cannot be read ({shortened(str(error), 200)})"
            refuse("", expected="an image", received=received, hint=None, file=path)
        # What is transparent is taken for paper.
        paper = Image.new("RGBA", seen.size, "white")
        grey = Image.alpha_composite(paper, seen).convert("L")
        pixels = np.asarray(grey)
        edge = np.concatenate([pixels[[0, -1]].ravel(), pixels[:, [0, -1]].ravel()])
        if bool(np.median(edge) > 127) != self.bright:
            grey = ImageOps.invert(grey)
        if grey.size != (self.width, self.height) and self.preparation != "plain":
            grey = self._normalised(grey, path)
        elif grey.size != (self.width, self.height):
            grey = grey.resize((self.width, self.height), Image.Resampling.BILINEAR)
        values = np.asarray(grey, dtype=np.float64) * (self.largest / 255)
        return np.rint(values).astype(np.uint8).ravel()

    def _normalised(self, grey: Any, path: Path) -> Any:
        """The strokes of a drawing, of the size and at the place that those of the set have."""
        from PIL import Image

        pixels = np.asarray(grey, dtype=np.float64)
        rows, columns = np.nonzero(pixels > _INK * 255)
        if not len(rows):
            refuse(
                "", expected="an image with strokes", received="an empty one", hint=None, file=path
            )
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        cut = grey.crop(tuple(int(side) for side in box))
        if self.preparation == "digits":
            bitmap = np.asarray(_fitted(cut, 32), dtype=np.float64)
            inked = _placed(bitmap, 32, 32) > 127
            counts = inked.reshape(self.height, 32 // self.height, self.width, -1).sum(axis=(1, 3))
            return Image.fromarray(np.rint(counts * (255 / self.largest)).astype(np.uint8))
        strokes = np.asarray(_fitted(cut, 20), dtype=np.float64)
        return Image.fromarray(
            _placed(strokes, self.height, self.width, by_mass=True).astype(np.uint8)
        )


def _fitted(image: Any, side: int) -> Any:
    """Scaled so that the longer side is `side`, with its proportions."""
    from PIL import Image

    scale = side / max(image.size)
    size = tuple(max(1, round(length * scale)) for length in image.size)
    return image.resize(size, Image.Resampling.LANCZOS)


def _placed(strokes: np.ndarray, height: int, width: int, *, by_mass: bool = False) -> np.ndarray:
    """Strokes (row, column) in the middle of a field, or with their centre of mass there."""
    own_height, own_width = strokes.shape
    top, left = (height - own_height) / 2, (width - own_width) / 2
    if by_mass and strokes.sum() > 0:
        mass = strokes.sum()
        top = height / 2 - 0.5 - (strokes.sum(axis=1) @ np.arange(own_height)) / mass
        left = width / 2 - 0.5 - (strokes.sum(axis=0) @ np.arange(own_width)) / mass
    at = (
        int(np.clip(round(top), 0, height - own_height)),
        int(np.clip(round(left), 0, width - own_width)),
    )
    field = np.zeros((height, width))
    field[at[0] : at[0] + own_height, at[1] : at[1] + own_width] = strokes
    return field
