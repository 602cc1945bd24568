"""How weights begin; biases always begin at zero."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mlplab.declarations.base import Declaration, PositiveNumber


class Uniform(Declaration):
    """Uniform in [low, high]; the report used ±0.05, which is also Keras' RandomUniform."""

    distribution: Literal["uniform"]
    low: float = -0.05
    high: float = 0.05


class Normal(Declaration):
    """Normal with the given mean and standard deviation."""

    distribution: Literal["normal"]
    mean: float = 0.0
    deviation: PositiveNumber = 0.05


class Glorot(Declaration):
    """Variance 2/(in + out) (Glorot and Bengio, 2010); Keras' default for dense layers."""

    distribution: Literal["glorot"]
    shape: Literal["uniform", "normal"] = "uniform"


class He(Declaration):
    """Variance 2/in (He et al., 2015), made for ReLU."""

    distribution: Literal["he"]
    shape: Literal["uniform", "normal"] = "uniform"


InitialWeights = Annotated[Uniform | Normal | Glorot | He, Field(discriminator="distribution")]
