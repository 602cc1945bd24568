"""Where a user's programs keep what can be made again, and their logs.

A user without a home (a container that is run under a bare number) has neither, and must do
without: a folder that everyone shares would let another user put files in their place.
"""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_folder() -> Path | None:
    """The folder for what can be computed or fetched again; None for a user without a home."""
    try:
        return platformdirs.user_cache_path("mlplab", appauthor=False)
    except RuntimeError:
        return None


def log_folder() -> Path | None:
    """The folder for logs; None for a user without a home."""
    try:
        return platformdirs.user_log_path("mlplab", appauthor=False)
    except RuntimeError:
        return None
