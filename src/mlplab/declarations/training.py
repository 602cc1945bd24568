"""How long a network trains, on what batches, and how often it is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from mlplab.declarations.base import Count, Declaration
from mlplab.declarations.problems import Problem
from mlplab.declarations.task import MetricName

MOST_EVALUATIONS = 100_000
"""Of a run: its curves are held in memory and drawn."""


class EarlyStopping(Declaration):
    """Stop when the validation metric has not improved for `patience` evaluations."""

    metric: MetricName = "loss"
    """What is watched on validation rows, any metric of the task: the lower loss or RMSE, the higher
    accuracy or AUROC is better."""
    patience: Count = 5
    """Evaluations in a row without a better value after which training stops."""
    restore_best: bool = True
    """Keep the weights of the best evaluation rather than those of the last."""


class Training(Declaration):
    """Steps of mini-batch training; batches are drawn without replacement across epochs' ends."""

    steps: Count = 2000
    """Updates of the weights, each on one batch."""
    epochs: Annotated[int, Field(ge=1, le=MOST_EVALUATIONS)] | None = None
    """Passes over the training rows, instead of steps; None for a length in steps."""
    batch_size: Count = 256
    """Rows of each step, at most as many as there are training rows; where the default is more than
    these, a power of two of at most a quarter of them."""
    evaluate_every: Count = 100
    """Steps from one evaluation to the next, an epoch where the length is in epochs; the last step
    is always evaluated."""
    early_stopping: EarlyStopping | None = None
    """None trains all steps; otherwise a validation part is needed."""
    diagnostics: bool = False
    """Also record, by layer, the size of gradients and the share of dead units."""
    metrics: tuple[MetricName, ...] = ()
    """Metrics that every evaluation measures besides those that it always does, such as auroc; at
    the end all are measured."""

    def rules(self) -> Iterator[Problem]:
        """The length is told once, and evaluations have a bound."""
        if self.epochs is not None and "steps" in self.model_fields_set:
            yield Problem(
                ("epochs",),
                'a length in "steps" or in "epochs"',
                "both",
                'remove one; "epochs": null takes back what is shared',
            )
        fewest = -(-self.steps // MOST_EVALUATIONS)
        if self.evaluate_every < fewest:
            yield Problem(
                ("evaluate_every",),
                f"at least {fewest}, as {self.steps:,} steps have at most {MOST_EVALUATIONS:,} "
                "evaluations",
                str(self.evaluate_every),
                f'write "evaluate_every": {fewest}',
            )
