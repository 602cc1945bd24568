"""Networks of many fits, trained together on every core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from mlplab.declarations.base import Count, Declaration, PositiveShareBelowOne, ShareBelowOne
from mlplab.declarations.initial_weights import Glorot
from mlplab.declarations.network import MOST_LAYERS, Activation
from mlplab.declarations.objective import Objective
from mlplab.declarations.optimizer import Optimizer
from mlplab.declarations.reading.validation import validate
from mlplab.declarations.training import EarlyStopping, Training
from mlplab.networks.fast_products import fast_float32_products
from mlplab.objectives.declared import objective_of
from mlplab.runner.environment import usable_cores
from mlplab.runner.on_every_core import on_every_core
from mlplab.sklearn.rows import PreparedRows
from mlplab.trainer.recipe import Quantity, Recipe, TrainedNetwork
from mlplab.trainer.train import train


class Settings(Declaration):
    """What an estimator declares, as a study would declare it."""

    early_stopping: bool
    validation_fraction: PositiveShareBelowOne
    n_seeds: Count
    hidden_layer_sizes: Annotated[tuple[Count, ...], Field(max_length=MOST_LAYERS)]
    activation: Activation
    dropout: ShareBelowOne
    optimizer: Optimizer
    objective: Objective
    batch_size: Count | None
    max_iter: Count
    n_iter_no_change: Count


def settings_of(values: dict[str, Any]) -> Settings:
    """Checked settings.

    Raises:
        ValueError: one that cannot be, in a sentence.
    """
    found = validate(Settings, {name: _plain(value) for name, value in values.items()})
    if found.declaration is None:
        raise ValueError("; ".join(str(fault) for fault in found.faults))
    if found.declaration.activation == "prelu":
        raise ValueError(
            "activation: expected one without weights of its own, but received 'prelu'"
        )
    return found.declaration


def _plain(value: Any) -> Any:
    """Plain values for those of NumPy, which a declaration does not take, and for sequences."""
    if isinstance(value, Mapping):
        return {str(key): _plain(own) for key, own in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    return value if value is None or isinstance(value, str | bool | int | float) else repr(value)


@dataclass(frozen=True, eq=False)
class Fit:
    """One estimator's networks, of which there is one for each seed."""

    rows: PreparedRows
    recipes: tuple[Recipe, ...]


def fit_of(
    rows: PreparedRows, settings: Settings, seeds: Sequence[int], weights: tuple[float, ...]
) -> Fit:
    """What is to be trained.

    weights: of the classes; () where they have none.
    """
    outputs = len(rows.preparation.class_names)
    count = len(rows.train_rows)
    batch = min(settings.batch_size or default_batch(count), count)
    an_epoch = -(-count // batch)
    stopping = (
        EarlyStopping(patience=settings.n_iter_no_change) if len(rows.validation_rows) else None
    )
    training = Training(
        steps=settings.max_iter * an_epoch,
        batch_size=batch,
        evaluate_every=an_epoch,
        early_stopping=stopping,
    )
    quantity = None
    if rows.targets is not None:
        quantity = Quantity(rows.targets, rows.preparation.target_std)
    objective = objective_of(settings.objective, weights)
    nothing = rows.train_rows[:0]
    recipes = tuple(
        Recipe(
            layers=(rows.data.inputs.shape[1], *settings.hidden_layer_sizes, outputs),
            activation=settings.activation,
            dropout=settings.dropout,
            initial_weights=Glorot(distribution="glorot"),
            optimizer=settings.optimizer,
            training=training,
            seed=seed,
            label_map=np.arange(outputs),
            train_rows=rows.train_rows,
            validation_rows=rows.validation_rows,
            test_rows=nothing,
            objective=objective,
            quantity=quantity,
        )
        for seed in seeds
    )
    return Fit(rows, recipes)


def default_batch(rows: int) -> int:
    """256, or of few rows the largest power of two of at most a quarter of them."""
    return min(256, 2 ** max(0, (rows // 4).bit_length() - 1))


def train_together(
    fits: Sequence[Fit], tell: Callable[[int], None] = lambda trained: None
) -> list[list[TrainedNetwork]]:
    """The trained networks of each fit, one a seed. What each is does not depend on the others.

    tell: called with how many networks are trained, as they are.
    """
    stacks = _stacks(fits)
    trained: dict[tuple[int, int], TrainedNetwork] = {}

    def one(stack: list[tuple[int, int]]) -> list[TrainedNetwork]:
        recipes = [fits[fit].recipes[seed] for fit, seed in stack]
        return train(recipes, fits[stack[0][0]].rows.data)

    with fast_float32_products():
        for stack, networks in on_every_core(one, stacks, len(stacks)):
            trained.update(zip(stack, networks, strict=True))
            tell(len(trained))
    return [
        [trained[number, seed] for seed in range(len(fit.recipes))]
        for number, fit in enumerate(fits)
    ]


def _stacks(fits: Sequence[Fit]) -> list[list[tuple[int, int]]]:
    """(fit, seed) in groups of one shape on the same rows, divided so that every core has some."""
    groups: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
    for number, fit in enumerate(fits):
        for seed, recipe in enumerate(fit.recipes):
            shape = (recipe.layers, recipe.activation, recipe.training.batch_size)
            groups.setdefault((id(fit.rows), *shape), []).append((number, seed))
    parts = -(-2 * usable_cores() // len(groups)) if len(groups) < 2 * usable_cores() else 1
    return [
        group[part::parts] for group in groups.values() for part in range(min(parts, len(group)))
    ]
