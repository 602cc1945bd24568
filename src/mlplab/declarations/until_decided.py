"""As many seeds as the questions of a study need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from mlplab.declarations.base import Declaration
from mlplab.declarations.problems import Problem

MOST = 10_000
"""Seeds of one network."""


class UntilDecided(Declaration):
    """Seeds are added in rounds until each question is decided, or is not worth more of them.

    The chance of any false verdict stays that of a fixed number of seeds, whenever a run ends.
    """

    until_decided: bool
    """true."""
    at_least: Annotated[int, Field(ge=2, le=MOST)] = 10
    """Seeds of every network, 0 to N-1, at the first look; more where fewer cannot decide."""
    at_most: Annotated[int, Field(ge=2, le=MOST)] = 200
    """Seeds that no network is given more of."""

    def rules(self) -> Iterator[Problem]:
        """At most is not less than at least."""
        if not self.until_decided:
            hint = 'write a count instead, such as "seeds": 10'
            yield Problem(("until_decided",), "true", "false", hint)
        if self.at_most < self.at_least:
            expected = f'at least the {self.at_least} seeds of "at_least"'
            hint = 'make it larger, or "at_least" smaller'
            yield Problem(("at_most",), expected, str(self.at_most), hint)
