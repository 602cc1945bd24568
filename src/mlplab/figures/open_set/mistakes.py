"""The most confident mistakes on unknown images, beside the training images they resemble."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from mlplab.analysis.open_set.findings import Mistake
from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure

_CELL, _IMAGE, _ACROSS = 92, 64, 4
"""Four pairs beside one another are as wide as a narrow screen."""
_LINE = 13
_TEXT = (("text", 11, theme.INK), ("more", 11, theme.INK), ("certain", 10, theme.MUTED))
_STEP = _IMAGE + 3 * _LINE + 12
"""From one image to the next below it."""


def mistakes_figure(
    mistakes: Sequence[Mistake],
    image_shape: tuple[int, int],
    network: str,
    seed: int,
    name: str,
) -> Figure:
    """Pairs of images: above the unknown one, below the nearest training image."""
    table = pd.DataFrame(
        [
            {
                "unknown": m.true,
                "taken_for": m.taken_for,
                "probability": m.probability,
                "nearest_training_class": m.nearest_class,
            }
            for m in mistakes
        ]
    )
    agree = sum(m.nearest_class == m.taken_for for m in mistakes)
    return Figure(
        name=name,
        title="The most confident mistakes",
        caption=(
            f"The {len(mistakes)} unknown test images that {network}, seed {seed}, is surest of; "
            "below each the training image nearest to it in the last hidden layer. In "
            f"{agree} of {len(mistakes)} the neighbour is of the class that the image was taken "
            "for."
        ),
        table=table,
        drawing={
            "data": {"values": _cells(mistakes, image_shape)},
            "width": _CELL * min(len(mistakes), _ACROSS),
            "height": _STEP * 2 * -(-len(mistakes) // _ACROSS),
            **_images(),
        },
    )


def _cells(mistakes: Sequence[Mistake], shape: tuple[int, int]) -> list[dict[str, Any]]:
    """Two images a mistake: the unknown one, and below it its neighbour."""
    found = []
    for number, mistake in enumerate(mistakes):
        row, column = divmod(number, _ACROSS)
        x, y = _CELL * (column + 0.5), _STEP * 2 * row + _IMAGE / 2
        unknown = {
            "x": x, "y": y, "image": _url(mistake.image, shape), "text": mistake.true,
            "more": f"taken for {mistake.taken_for}",
            "certain": f"p = {_certain(mistake.probability)}",
        }  # fmt: skip
        neighbour = {
            "x": x, "y": y + _STEP, "image": _url(mistake.nearest, shape),
            "text": mistake.nearest_class, "more": "in training", "certain": "",
        }  # fmt: skip
        found += [unknown, neighbour]
    return found


def _images() -> vega.Spec:
    """Images, each with what is said of it below."""
    at: vega.Spec = {"scale": None, "axis": None}
    tips = vega.tips(("text:N", "class"), ("more:N", "as"), ("certain:N", ""))
    return {
        "encoding": {"x": vega.field("x:Q", **at), "y": vega.field("y:Q", **at)},
        "layer": [
            vega.mark("image", width=_IMAGE, height=_IMAGE,
                      encoding={"url": vega.field("image:N"), "tooltip": tips}),
            *(
                vega.mark("text", dy=_IMAGE / 2 + _LINE * (line + 0.8), fontSize=size, color=colour,
                          limit=_CELL - 6, encoding={"text": vega.field(f"{name}:N")})
                for line, (name, size, colour) in enumerate(_TEXT)
            ),
        ],
    }  # fmt: skip


def _certain(probability: float) -> str:
    if probability >= 0.99995:
        return f"1 − {max(1 - probability, 1e-16):.0e}"
    return f"{probability:.4f}"


def _url(encoded: str, shape: tuple[int, int]) -> str:
    pixels = np.frombuffer(base64.b64decode(encoded), dtype=np.uint8).reshape(shape)
    return "data:image/png;base64," + base64.b64encode(_png(255 - pixels)).decode("ascii")


def _png(grey: np.ndarray) -> bytes:
    """A PNG of (height, width) bytes, each pixel drawn as a small square so that none is blurred."""
    kept = io.BytesIO()
    large = np.kron(grey, np.ones((4, 4), dtype=np.uint8))
    Image.fromarray(large).save(kept, "PNG", optimize=True)
    return kept.getvalue()
