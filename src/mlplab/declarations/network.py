"""One network with everything that decides its result, except its seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from mlplab.declarations.base import Count, Declaration, Seed, ShareBelowOne
from mlplab.declarations.data import Data
from mlplab.declarations.initial_weights import Glorot, InitialWeights
from mlplab.declarations.matched import Matched
from mlplab.declarations.objective import CrossEntropy, Objective
from mlplab.declarations.optimizer import Optimizer
from mlplab.declarations.problems import Problem
from mlplab.declarations.resampling import Resampling
from mlplab.declarations.roles import Roles
from mlplab.declarations.task import TASKS, Task
from mlplab.declarations.training import Training

Activation = Literal["relu", "leaky_relu", "tanh", "sigmoid", "gelu", "identity"]


MOST_LAYERS = 1_000
"""Hidden layers."""


class Network(Declaration):
    """A resolved network: shared settings of the study and its own, merged."""

    hidden: Annotated[tuple[Count, ...], Field(max_length=MOST_LAYERS)]
    """Neurons in each hidden layer, from input to output; [] for a linear network."""
    optimizer: Optimizer
    """How weights are changed at every step."""
    data: Data
    """What it learns from and is tested on, and how that is divided and scaled."""
    activation: Activation = "relu"
    """After every hidden layer; the output layer has none."""
    dropout: ShareBelowOne = 0.0
    """Share of each hidden layer's outputs that is dropped in training."""
    outputs: Count | None = None
    """Output neurons; None for as many as there are classes."""
    initial_weights: InitialWeights = Glorot(distribution="glorot")
    """What weights are drawn from before the first step; biases begin at zero."""
    training: Training = Training()
    """How long it trains, on what batches, and how often it is evaluated."""
    seeds: tuple[Seed, ...] = Field(default=(0, 1, 2), min_length=1)
    """A list, or a count N for 0 to N-1; a seed decides initial weights, batches and dropout. Where
    all networks share it, also {"until_decided": true, "at_least": 10, "at_most": 200}: seeds are
    added until the questions are decided."""
    resampling: Resampling | None = None
    """Repeated splits of the data instead of seeds on one split; None for one split."""
    objective: Objective = CrossEntropy()
    """What training makes small; those that need rows of negative classes need `roles`. Where none
    is given, cross_entropy for classes and mse for a quantity."""
    roles: Roles | None = None
    """Which classes are known where not all are; `open_set` makes networks with it."""
    open_set_only: bool = False
    """Only its open-set forms are trained, not the network on all classes."""
    matched: Matched | None = None
    """Makes the network as large as another: its widths are then found, and `hidden` says only how
    many layers there are and in which proportion they stand."""

    @property
    def task(self) -> Task:
        """What it is to do, as far as its data are declared; loading finds it for tables."""
        return TASKS[getattr(self.data, "task", None) or "classification"]

    def rules(self) -> Iterator[Problem]:
        """Repetitions of a resampling take the place of seeds."""
        resampling = self.resampling
        if resampling is not None and self.seeds != tuple(range(resampling.repetitions)):
            yield Problem(
                ("seeds",),
                f'none beside "resampling", whose {resampling.repetitions} repetitions have their own',
                f"{len(self.seeds)} seeds",
                "remove it",
            )

    def data_of(self, seed: int) -> Data:
        """The data of one seed: those declared, or the split of a repetition."""
        resampling = self.resampling
        if resampling is None:
            return self.data
        changes: dict[str, Any]
        if resampling.folds is not None:
            repeat, fold = divmod(seed, resampling.folds)
            changes = {"fold": (fold, resampling.folds), "test": None}
            changes["split_seed"] = self.data.split_seed + repeat
        else:
            changes = {"test": resampling.test, "split_seed": self.data.split_seed + seed}
        return self.data.model_copy(update=changes)
