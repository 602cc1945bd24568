"""The unknown images that a network is surest of, beside the training images they resemble."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlplab.analysis.open_set.findings import Mistake
from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure

_CELL, _IMAGE = 84, 64


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
            "width": _CELL * len(mistakes),
            "height": 232,
            **_pairs(len(mistakes)),
        },
    )


def _cells(mistakes: Sequence[Mistake], shape: tuple[int, int]) -> list[dict[str, Any]]:
    """Two images a mistake: on line 0 the unknown one, on line 1 its neighbour."""
    found = []
    for place, mistake in enumerate(mistakes):
        unknown = {
            "place": place, "line": 0, "image": _url(mistake.image, shape),
            "text": f"{mistake.true}, taken for {mistake.taken_for}",
            "more": f"p = {_certain(mistake.probability)}",
        }  # fmt: skip
        neighbour = {
            "place": place, "line": 1, "image": _url(mistake.nearest, shape),
            "text": f"a {mistake.nearest_class} of training", "more": "",
        }  # fmt: skip
        found += [unknown, neighbour]
    return found


def _pairs(across: int) -> vega.Spec:
    """Images in two lines, with what is said of them."""
    columns: dict[str, Any] = {"domain": [-0.5, across - 0.5], "nice": False}
    lines: dict[str, Any] = {"domain": [1.62, -0.5], "nice": False}
    under = _IMAGE / 2
    return {
        "encoding": {
            "x": vega.field("place:Q", scale=columns, axis=None),
            "y": vega.field("line:Q", scale=lines, axis=None),
        },
        "layer": [
            vega.mark("image", width=_IMAGE, height=_IMAGE,
                      encoding={"url": vega.field("image:N")}),
            vega.mark("text", dy=under + 10, fontSize=10, color=theme.INK,
                      encoding={"text": vega.field("text:N")}),
            vega.mark("text", dy=under + 22, fontSize=9, color=theme.MUTED,
                      encoding={"text": vega.field("more:N")}),
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
    large = np.kron(grey, np.ones((4, 4), dtype=np.uint8))
    height, width = large.shape
    lines = b"".join(b"\0" + line.tobytes() for line in large)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)

    def chunk(kind: bytes, content: bytes) -> bytes:
        whole = kind + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
