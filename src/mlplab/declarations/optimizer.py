"""The optimizers a study may name, each with the defaults of the 2023 report (Keras' own)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mlplab.declarations.base import (
    Count,
    Declaration,
    NonNegativeCount,
    NonNegativeNumber,
    PositiveNumber,
    ShareBelowOne,
)

EpsilonPlacement = Literal["inside_root", "outside_root"]
AdamEpsilonPlacement = Literal["before_correction", "inside_root", "outside_root"]


class _Schedule(Declaration):
    name: str
    """The schedule; the other keys depend on it."""
    warmup_steps: NonNegativeCount = 0
    """Steps over which the rate rises linearly to its declared value."""


class ConstantSchedule(_Schedule):
    """The declared rate throughout, after the warm-up."""

    name: Literal["constant"]


class StepSchedule(_Schedule):
    """The rate times `factor` after every `every` steps."""

    name: Literal["step"]
    every: Count
    """Steps from one change of the rate to the next, counted from the end of the warm-up."""
    factor: PositiveNumber = 0.1
    """What the rate is multiplied by at every change."""


class CosineSchedule(_Schedule):
    """Half a cosine from the declared rate down to `final` times it at the last step."""

    name: Literal["cosine"]
    final: ShareBelowOne = 0.0
    """The rate at the last step, as a share of the declared one."""


Schedule = Annotated[ConstantSchedule | StepSchedule | CosineSchedule, Field(discriminator="name")]


class _Optimizer(Declaration):
    name: str
    """The optimizer; the other keys depend on it."""
    learning_rate: PositiveNumber
    """The step's scale, α in the formulas."""
    schedule: Schedule = ConstantSchedule(name="constant")
    """How the learning rate changes over the steps."""
    weight_decay: NonNegativeNumber = 0.0
    """λ: adds λ·w to the gradient of every weight (not bias); for adamw it is decoupled."""


class Sgd(_Optimizer):
    """w ← w − α·g; with momentum μ: b ← μ·b + g, w ← w − α·b."""

    name: Literal["sgd"]
    momentum: ShareBelowOne = 0.0
    """μ, the share of b that is kept from step to step; 0 for none."""


class _WithEpsilon(_Optimizer):
    epsilon: PositiveNumber = 1e-7
    """ε, which keeps the divisor from being zero."""


class _RootOfSquares(_WithEpsilon):
    epsilon_placement: EpsilonPlacement = "inside_root"
    """Whether ε is added to v within the root, or to the root itself."""


class Adagrad(_RootOfSquares):
    """v ← v + g²; w ← w − α·g/√(v + ε), or g/(√v + ε) with ε outside the root."""

    name: Literal["adagrad"]
    initial_accumulator: NonNegativeNumber = 0.1
    """v of every weight and bias before the first step."""


class RmsProp(_RootOfSquares):
    """v ← ρ·v + (1−ρ)·g²; w ← w − α·g/√(v + ε), or g/(√v + ε) with ε outside the root."""

    name: Literal["rmsprop"]
    decay: ShareBelowOne = 0.9
    """ρ, the share of v that is kept from step to step."""


class _AdamFamily(_WithEpsilon):
    beta1: ShareBelowOne = 0.9
    """β1, the share of m that is kept from step to step."""
    beta2: ShareBelowOne = 0.999
    """β2, the share of v that is kept from step to step."""
    epsilon_placement: AdamEpsilonPlacement = "before_correction"
    """`before_correction`: √(1−β2ᵗ)/(1−β1ᵗ)·m/(√v + ε), Keras; `outside_root`: m̂/(√v̂ + ε),
    torch; `inside_root`: m̂/√(v̂ + ε), the report's formula."""


class Adam(_AdamFamily):
    """m ← β1·m + (1−β1)·g; v ← β2·v + (1−β2)·g²; a step along m̂/√v̂."""

    name: Literal["adam"]


class AdamW(_AdamFamily):
    """Adam with decoupled weight decay: w ← w − α·λ·w beside the step."""

    name: Literal["adamw"]
    weight_decay: NonNegativeNumber = 0.01


Optimizer = Annotated[Sgd | Adagrad | RmsProp | Adam | AdamW, Field(discriminator="name")]
