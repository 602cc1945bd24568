"""What the trainer is given for one network, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mlplab.declarations.form import Activation, Form, Normalization, Residual
from mlplab.declarations.initial_weights import InitialWeights
from mlplab.declarations.optimizer import Optimizer
from mlplab.declarations.task import CLASSIFICATION, REGRESSION, MetricName, Task
from mlplab.declarations.training import Training
from mlplab.networks.initial_weights import draw_kernels
from mlplab.networks.weights import LayerWeights
from mlplab.objectives.cross_entropy import CrossEntropy
from mlplab.objectives.objective import Objective

_DRAWN = LayerWeights(())


@dataclass(frozen=True, eq=False)
class Quantity:
    """What a network of regression is to predict."""

    targets: np.ndarray
    """(row,) float32 of the whole set: mean 0 and standard deviation 1 on training rows."""
    std: float
    """That standard deviation, in the unit of the target."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """Everything that decides one network's result.

    Recipes of one stack agree in `layers`, `form` and batch size, and in nothing else.
    """

    layers: tuple[int, ...]
    """(in, hidden…, out)."""
    activation: Activation
    dropout: float
    initial_weights: InitialWeights
    optimizer: Optimizer
    training: Training
    seed: int
    label_map: np.ndarray
    """(class,) int64: the output that stands for a class, −1 for none."""
    train_rows: np.ndarray
    """(row,) int64 into the data set; likewise the next two, which may be empty."""
    validation_rows: np.ndarray
    test_rows: np.ndarray
    objective: Objective = field(default_factory=CrossEntropy)
    start: LayerWeights = _DRAWN
    """The first layers, where they begin with weights of another run; the others are drawn."""
    quantity: Quantity | None = None
    """None for classes, which `label_map` gives."""
    normalization: Normalization | None = None
    residual: Residual | None = None
    input_scale: bool = False

    @property
    def form(self) -> Form:
        """What it computes between its dense layers."""
        return Form(self.activation, self.normalization, self.residual, self.input_scale)

    @property
    def task(self) -> Task:
        """What it is to do."""
        return CLASSIFICATION if self.quantity is None else REGRESSION

    def initial_layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Kernel (in, out) and bias (out,) of each layer before the first step, float32."""
        kernels = draw_kernels(self.initial_weights, self.seed, self.layers)
        drawn = [(kernel, np.zeros(kernel.shape[1], np.float32)) for kernel in kernels]
        return [*self.start, *drawn[len(self.start) :]]

    def targets(self, labels: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """What outputs are held against: of `rows` the output of the class, int64 and −1 for none;
        or the standardised quantity, float32.

        Args:
            labels: (row,) of the whole set.
        """
        if self.quantity is not None:
            return self.quantity.targets[rows]
        return self.label_map[labels[rows]]

    @property
    def targets_id(self) -> tuple[int, int]:
        """Equal for recipes whose targets are, of the same rows."""
        return id(self.label_map), 0 if self.quantity is None else id(self.quantity.targets)

    @property
    def extra_metrics(self) -> frozenset[str]:
        """Metrics that every evaluation measures beside those that the task always does."""
        asked = {*self.training.metrics}
        if self.training.early_stopping is not None:
            asked.add(self.training.early_stopping.metric)
        return frozenset(asked.intersection(self.task.measured_on_request))


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """What became of one network."""

    steps: np.ndarray
    """(evaluation,) int64."""
    curves: Mapping[tuple[str, str], np.ndarray]
    """(split, metric) → (evaluation,) float64; NaN where not measured."""
    weights: LayerWeights
    diverged_at: int | None
    """The first step at which the loss was not finite; None if it never was."""
    stopped_at: int
    """The last step trained."""
    test_logits: np.ndarray
    """(test row, output) float32, of the weights given back."""
    seconds: float
    """Training time attributed to this network: the stack's, divided among those in it."""
    centres: np.ndarray | None = None
    """(class, unit) running class centres of the last hidden activations, if any were kept."""


@dataclass(frozen=True)
class TrainingProgress:
    """What a watcher is told after every evaluation."""

    step: int
    """The step reached by the networks still in training."""
    steps: int
    """The largest number of steps of any network of the stack."""
    finished: int
    """Networks of the stack that are done."""
    best: float
    """The best value of the task's main metric on test rows so far, NaN if none was measured."""
    metric: MetricName
    """That metric."""
    networks: tuple[int, ...]
    """Those that were evaluated, by their place among the recipes."""
    values: Mapping[tuple[str, str], np.ndarray]
    """(split, metric) → (evaluated network,) float64; NaN where not measured."""
    diverged: tuple[int, ...]
    """Of the evaluated, those that were found to diverge."""
