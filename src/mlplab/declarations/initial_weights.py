"""How weights begin; biases always begin at zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from mlplab.declarations.base import Count, Declaration, PositiveNumber
from mlplab.declarations.problems import Problem


class _Distribution(Declaration):
    distribution: str
    """The distribution; the other keys depend on it."""
    zero_residuals: bool = False
    """Whether kernels of layers with a pre_normalized residual begin at zero, so that each of these
    passes on what it receives until it has learned (Goyal et al., 2017)."""


class Uniform(_Distribution):
    """Uniform in [low, high]; the report used ±0.05, which is also Keras' RandomUniform."""

    distribution: Literal["uniform"]
    low: float = -0.05
    """The lower end, below `high`."""
    high: float = 0.05
    """The upper end."""

    def rules(self) -> Iterator[Problem]:
        """The ends differ, and stand in their order."""
        if self.low >= self.high:
            received = f"low {self.low:g} and high {self.high:g}"
            hint = "exchange them" if self.low > self.high else "set them apart"
            yield Problem((), "low below high", received, hint)


class Normal(_Distribution):
    """Normal with the given mean and standard deviation."""

    distribution: Literal["normal"]
    mean: float = 0.0
    """The mean of the weights."""
    deviation: PositiveNumber = 0.05
    """The standard deviation of the weights."""


class _ByVariance(_Distribution):
    shape: Literal["uniform", "normal"] = "uniform"
    """Uniform between ±√(3 · variance), or normal; the mean is 0."""


class Glorot(_ByVariance):
    """Variance 2/(in + out) (Glorot and Bengio, 2010); Keras' default for dense layers."""

    distribution: Literal["glorot"]


class He(_ByVariance):
    """Variance 2/in (He et al., 2015), made for ReLU."""

    distribution: Literal["he"]


class LeCun(_ByVariance):
    """Variance 1/in (LeCun et al., Efficient backprop, 1998), which SELU is made for."""

    distribution: Literal["lecun"]


class Orthogonal(_Distribution):
    """`gain` times a matrix with orthonormal rows or columns, whichever are fewer (Saxe et al., 2014)."""

    distribution: Literal["orthogonal"]
    gain: PositiveNumber = 1.0
    """√2 suits ReLU."""


class Recorded(_Distribution):
    """The weights that another run ended with: training goes on, or begins anew on other data.

    Seeds begin with the weights of the same seed. Optimizer and schedule begin anew, and batches are
    those of the seed. Layers that are not kept are drawn as those of the recorded network were.
    """

    distribution: Literal["recorded"]
    run: Annotated[str, Field(min_length=1)]
    """The results folder that holds them, relative to the study's own folder."""
    network: str | None = None
    """The recorded network; None for the one of the same name, or the only one there."""
    layers: Count | None = None
    """How many layers are kept, from the first; None for all that fit: all, or with other outputs
    all but the last."""


InitialWeights = Annotated[
    Uniform | Normal | Glorot | He | LeCun | Orthogonal | Recorded,
    Field(discriminator="distribution"),
]
