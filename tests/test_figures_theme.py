"""Text on shaded cells can be read: of white and ink, the one that stands out more is taken."""

import numpy as np

from mlplab.figures import theme


def luminance(colour: np.ndarray) -> float:
    """Relative luminance of sRGB in 0 to 1 (WCAG 2.2)."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """From 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def test_text_on_shares_stands_out():
    stops = np.array([rgb(colour) for colour in theme.SHARES])
    white, ink = np.ones(3), rgb(theme.INK)
    for place in np.linspace(0, 1, 101):
        at = place * (len(stops) - 1)
        cell = np.array([np.interp(at, range(len(stops)), stops[:, i]) for i in range(3)])
        taken = white if place > theme.WHITE_FROM else ink
        assert contrast(cell, taken) > 3.9
