"""Which classes a network learns from where not all are known, and what it must not learn from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mlplab.declarations.base import ClassName, Declaration
from mlplab.declarations.data import Part

__all__ = ["ClassName", "Roles"]


class Roles(Declaration):
    """What training sees of an open-set split; `open_set` makes these, one for each split."""

    known: Annotated[tuple[ClassName, ...], Field(min_length=2)]
    """The classes that are told apart, in the order of the outputs."""
    negative: tuple[ClassName, ...] = ()
    """Classes that are seen in training and are not known."""
    calibration: Part = 0.1
    """Known training rows (or a share of them) held out for thresholds; they serve nothing else."""
