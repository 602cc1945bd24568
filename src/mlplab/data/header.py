"""What the first bytes of own data tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Header:
    """Sizes as far as headers tell; None for what only the whole data could."""

    train_rows: int | None = None
    """All rows where the test part is to be drawn from them."""
    test_rows: int | None = None
    features: int | None = None
