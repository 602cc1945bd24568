"""What every declaration has in common: frozen, strict, and closed to unknown keys."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


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

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The JSON Schema, in which each field is described by the words that follow it."""
        from mlplab.declarations.describing import describe

        describe(Declaration)
        return super().model_json_schema(*args, **kwargs)


LARGEST_COUNT = 2**31 - 1
"""So that counts, and sums of a few, fit every integer that computes with them."""

Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
NonNegativeCount = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
PositiveNumber = Annotated[float, Field(gt=0)]
NonNegativeNumber = Annotated[float, Field(ge=0)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]
PositiveShareBelowOne = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
