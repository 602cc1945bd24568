"""A network whose widths are found, so that it is as large as another."""

from __future__ import annotations

from typing import Literal

from mlplab.declarations.base import Declaration


class Matched(Declaration):
    """Widths are scaled until a count is as near to another network's as whole neurons allow;
    `hidden` says how many layers there are, and in which proportion they stand."""

    to: str
    """The name of the other network, which has widths of its own."""
    by: Literal["parameters", "flops"] = "parameters"
    """What is to be alike: the number of parameters, or the FLOPs of the whole training."""
