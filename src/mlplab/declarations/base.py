"""What every declaration has in common: frozen, strict, and closed to unknown keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mlplab.declarations.problems import Problem
from mlplab.declarations.reading.names import fault_of_line

BROKEN_RULES = "broken_rules"
"""The type of the pydantic error that carries problems, in its context."""
WITHOUT_RULES = {"rules": False}
"""Validation context in which fields are checked and rules between them are not."""


def broken_rules(problems: Iterable[Problem]) -> PydanticCustomError:
    """The error that a validator raises for problems; their paths start at what is validated."""
    problems = tuple(problems)
    sentences = " ".join(map(str, problems))
    return PydanticCustomError(
        BROKEN_RULES, "{sentences}", {"sentences": sentences, "problems": problems}
    )


class Declaration(BaseModel):
    """A frozen statement of what is wanted; it computes nothing.

    Strict: a boolean is not a number, 3.0 is not a count, NaN and Infinity are nothing at all.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        defer_build=True,  # most inner declarations are never validated by themselves
    )

    def rules(self) -> Iterator[Problem]:
        """What is wrong between fields that are right by themselves; paths start here."""
        yield from ()

    @model_validator(mode="after")
    def _follows_rules(self, info: ValidationInfo) -> Self:
        problems = () if info.context is WITHOUT_RULES else tuple(self.rules())
        if problems:
            raise broken_rules(problems)
        return self

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The JSON Schema, in which each field is described by the words that follow it."""
        from mlplab.declarations.describing import describe

        describe(Declaration)
        return super().model_json_schema(*args, **kwargs)


LARGEST_COUNT = 2**31 - 1
"""So that counts, and sums of a few, fit every integer that computes with them."""

LONGEST_NAME = 200
LONGEST_LINE = 500
"""Characters of a name of a class or network, and of a title or question."""

Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
NonNegativeCount = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
PositiveNumber = Annotated[float, Field(gt=0)]
NonNegativeNumber = Annotated[float, Field(ge=0)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]
PositiveShareBelowOne = Annotated[float, Field(gt=0, lt=1)]


def _one_line(text: str, info: ValidationInfo) -> str:
    fault = None if info.context is WITHOUT_RULES else fault_of_line(text)
    if fault is not None:
        hint = "remove it" if text.strip() else "write one"
        raise broken_rules([Problem((), "a text that reads on one line", fault, hint)])
    return text


Line = Annotated[str, Field(max_length=LONGEST_LINE), AfterValidator(_one_line)]
"""A title or a question, which stands on one line of page and screen."""
ClassName = (
    Annotated[int, Field(ge=-(2**63), lt=2**63)] | Annotated[str, Field(max_length=LONGEST_NAME)]
)
"""A class by its name; a number is the name written so, or the index where names are words."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
