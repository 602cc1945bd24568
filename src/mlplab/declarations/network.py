"""One network with everything that decides its result, except its seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from mlplab.declarations.base import Count, Declaration, Seed, ShareBelowOne
from mlplab.declarations.data import Data
from mlplab.declarations.form import (
    Activation,
    Form,
    Normalization,
    Residual,
    residual_layers,
)
from mlplab.declarations.initial_weights import Glorot, InitialWeights
from mlplab.declarations.matched import Matched
from mlplab.declarations.objective import CrossEntropy, Objective
from mlplab.declarations.optimizer import Optimizer
from mlplab.declarations.problems import Problem
from mlplab.declarations.resampling import Resampling
from mlplab.declarations.roles import Roles
from mlplab.declarations.task import TASKS, Task
from mlplab.declarations.training import Training


def _residual(value: Any) -> Any:
    if isinstance(value, bool):
        return "pre_normalized" if value else None
    return value


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
    normalization: Normalization | None = None
    """Of the sums of every hidden layer, before its activation: over the rows of a batch, or over the
    units of a row (layer; rms without mean and bias). ε is 1e-5; batch keeps running means with
    momentum 0.1, which evaluations use. None for none."""
    residual: Annotated[
        Residual | None,
        BeforeValidator(_residual),
        WithJsonSchema({"enum": ["plain", "pre_normalized", True, False, None]}),
    ] = None
    """Added in hidden layers that have as many units as the one before: plain adds its outputs to
    the layer's, a + f(norm(W·a + b)); pre_normalized, or true, its sums to the layer's,
    z + W·f(norm(z)) + b. None, or false, for none."""
    input_scale: bool = False
    """Whether each input is multiplied by a learned weight, which begins at 1."""
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
    def form(self) -> Form:
        """What it computes between its dense layers."""
        return Form(self.activation, self.normalization, self.residual, self.input_scale)

    @property
    def task(self) -> Task:
        """What it is to do, as far as its data are declared; loading finds it for tables."""
        return TASKS[getattr(self.data, "task", None) or "classification"]

    def rules(self) -> Iterator[Problem]:
        """Repetitions take the place of seeds, residuals have layers, batches a variance."""
        yield from self._form_rules()
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

    def _form_rules(self) -> Iterator[Problem]:
        if self.residual is not None and not residual_layers((0, *self.hidden, 0)):
            expected = "two neighbouring hidden layers of one width, between which it is added"
            given = f"hidden layers of {list(self.hidden)}"
            yield Problem(("residual",), expected, given, 'write "hidden": [64, 64]')
        if self.initial_weights.zero_residuals and self.residual != "pre_normalized":
            hint = 'add "residual": "pre_normalized"'
            where = ("initial_weights", "zero_residuals")
            yield Problem(where, "pre_normalized residuals", f"{self.residual or 'none'}", hint)
        if self.normalization == "batch" and self.training.batch_size == 1:
            hint = 'take "layer" or "rms"'
            yield Problem(("normalization",), "batches of 2 rows at the least", "1", hint)
