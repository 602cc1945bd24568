"""Training of one stack, from recipes to trained networks.

A network that has done its steps, has stopped early or has diverged leaves the stack; the others
go on in a smaller one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from mlplab.networks.dense_stack import DenseStack, forward
from mlplab.networks.fast_products import fast_float32_products
from mlplab.networks.subnormals import subnormals_as_zero
from mlplab.objectives.objective import Objective
from mlplab.trainer.batches import Batches
from mlplab.trainer.diagnostics import DIAGNOSTICS, dead_units, gradient_size
from mlplab.trainer.early_stopping import EarlyStops
from mlplab.trainer.evaluation import METRICS, EvaluationRows, measure, stack_metric_sums
from mlplab.trainer.history import History
from mlplab.trainer.lean_step import StackState, runs_of_equal_objectives
from mlplab.trainer.recipe import Recipe, TrainedNetwork, TrainingProgress
from mlplab.trainer.repeated_step import step_for
from mlplab.trainer.resident import ResidentData

Watch = Callable[[TrainingProgress], None]
Values = dict[tuple[str, str], np.ndarray]
"""(split, metric) → (network present,) float64."""


def train(
    recipes: Sequence[Recipe], data: ResidentData, watch: Watch | None = None
) -> list[TrainedNetwork]:
    """Train a stack of networks.

    Args:
        recipes: of one shape (`layers`), activation and batch size.
        data: the rows they are trained and measured on.
        watch: called after every evaluation; what it raises ends the training.

    Returns:
        One trained network a recipe, in their order.

    Raises:
        ValueError: recipes that cannot share a stack.
    """
    kinds = {(r.layers, r.activation, r.training.batch_size) for r in recipes}
    if len(kinds) != 1:
        raise ValueError(
            "the networks of a stack have the same layers, activation and batch size; "
            f"came {len(kinds)} kinds: {sorted(kinds)}"
        )
    order = _by_objective(recipes)
    with fast_float32_products(), subnormals_as_zero():
        trained = _Training([recipes[i] for i in order], data, watch).run()
    by_place = dict(zip(order, trained, strict=True))
    return [by_place[place] for place in range(len(recipes))]


def _by_objective(recipes: Sequence[Recipe]) -> list[int]:
    """Places of the recipes, those of equal objectives side by side, so that each is called once.

    Where a network stands in its stack changes nothing of it.
    """
    different: list[Objective] = []
    for recipe in recipes:
        if recipe.objective not in different:
            different.append(recipe.objective)
    return sorted(range(len(recipes)), key=lambda i: different.index(recipes[i].objective))


class _Training:
    """One stack on its way. `present` are the places, among all recipes, of those still in it."""

    def __init__(self, recipes: Sequence[Recipe], data: ResidentData, watch: Watch | None) -> None:
        self.recipes, self.data, self.watch = recipes, data, watch
        self.present = list(range(len(recipes)))
        self.state = StackState.beginning(
            recipes, data.precision, data.device, sparse_inputs=data.sparse
        )
        self.step = step_for(self.state)
        self.batches = Batches(recipes, data, copies=not self.state.workspace.passes_zeros_over)
        self.history = History(len(recipes))
        self.early_stops = EarlyStops(recipes)
        self.seconds = np.zeros(len(recipes))
        self.best_accuracy = float("nan")
        self.trained: dict[int, TrainedNetwork] = {}
        self.rows = self._evaluation_rows(recipes)
        self.due = np.ones(len(recipes), dtype=bool)
        self.measured = self.due
        """(network present,) bool: whose batch held a row of a known class."""
        self.test_logits: np.ndarray | None = None

    def run(self) -> list[TrainedNetwork]:
        while self.present:
            values = self._advance(min(self._next_evaluation(i) for i in self.present))
            self._measure_splits(values)
            self._record(values)
        return [self.trained[place] for place in range(len(self.recipes))]

    def _next_evaluation(self, network: int) -> int:
        training = self.recipes[network].training
        every = training.evaluate_every
        return min((self.state.step // every + 1) * every, training.steps)

    def _advance(self, boundary: int) -> Values:
        """Train up to a step, and measure on its batch: after the update, as the report did."""
        began = time.perf_counter()
        values: Values = {}
        diagnose = any(self.recipes[i].training.diagnostics for i in self.present)
        is_due = [self._next_evaluation(i) == boundary for i in self.present]

        def see_gradient(layer: int, gradient: torch.Tensor) -> None:
            values["batch", f"gradient_size_layer_{layer + 1}"] = gradient_size(gradient)

        for inputs, targets in self.batches.take(boundary - self.state.step):
            at_the_end = self.state.step + 1 == boundary
            self.step(inputs, targets, see_gradient if diagnose and at_the_end else None)
        self.data.synchronise()
        self.seconds[self.present] += (time.perf_counter() - began) / len(self.present)
        self._measure_batch(inputs, targets, values, diagnose)
        values["batch", "seconds"] = self.seconds[self.present]
        self.due = np.array(is_due)
        return values

    def _measure_batch(
        self, inputs: torch.Tensor, targets: torch.Tensor, values: Values, diagnose: bool
    ) -> None:
        logits = forward(self.state.stack, inputs, self.state.workspace)
        known = targets >= 0
        self.measured = known.any(1).cpu().numpy()
        sums = stack_metric_sums(logits, targets, self.state.objectives, known)
        means = (sums / known.sum(1)).cpu().numpy()
        values.update({("batch", m): mean for m, mean in zip(METRICS, means, strict=True)})
        if diagnose:
            for layer, outputs in enumerate(self.state.workspace.outputs[:-1], start=1):
                values["batch", f"dead_units_layer_{layer}"] = dead_units(outputs)

    def _measure_splits(self, values: Values) -> None:
        """Validation and test rows; the logits of a network's last test are kept."""
        all_end = all(self.recipes[i].training.steps == self.state.step for i in self.present)
        self.test_logits = None
        for split, rows in self.rows.items():
            keep = all_end and split == "test"
            measured = measure(self.state.stack, rows, self.state.objectives, keep_logits=keep)
            values.update({(split, m): measured.values[m] for m in METRICS})
            if keep:
                self.test_logits = measured.logits

    def _record(self, values: Values) -> None:
        """Write down what was measured, and let go of the networks that are done."""
        bad = self.due & self._diverged(values)
        undiagnosed = np.array([not self.recipes[i].training.diagnostics for i in self.present])
        for name in values.keys() - {("batch", "seconds")}:
            values[name] = np.where(bad, np.nan, values[name])
            if name[1].startswith(DIAGNOSTICS):
                values[name] = np.where(undiagnosed, np.nan, values[name])
        ended = np.array([self.recipes[i].training.steps == self.state.step for i in self.present])
        stopping = self.early_stops.see(self.present, self.due, values, self.state.stack)
        done = ended | bad | stopping
        logits = self._last_measurements(done, bad, values) if done.any() else {}
        recorded = np.zeros(len(self.recipes), dtype=bool)
        recorded[self.present] = self.due | done
        self.history.add(self.state.step, recorded, values, self.present)
        for place in np.flatnonzero(done).tolist():
            self._hand_over(place, bool(bad[place]), logits[place])
        if done.any():
            self._let_go(done)
        self._tell(values)

    def _diverged(self, values: Values) -> np.ndarray:
        """(network present,) bool: whose loss is no number any more, before this step or after it.

        A network that others of its stack are measured beside is not judged before its own time,
        and none by a batch that holds no row of a known class, of which no loss can be told.
        """
        at = self.state.diverged_at
        lost = ~np.isfinite(values["batch", "loss"]) & self.due & self.measured
        newly = torch.from_numpy(lost).to(at.device) & (at == 0)
        at.copy_(torch.where(newly, self.state.step, at))
        return at.cpu().numpy() > 0

    def _last_measurements(
        self, done: np.ndarray, bad: np.ndarray, values: Values
    ) -> dict[int, np.ndarray]:
        """Measure finished networks on all their training rows; gives their test logits by place.

        Where early stopping goes back to the best weights, these two are measured on those.
        """
        places = np.flatnonzero(done).tolist()
        stack = self._as_handed_over(places, bad)
        own = [self.recipes[self.present[place]] for place in places]
        rows = EvaluationRows([r.train_rows for r in own], [r.label_map for r in own], self.data)
        objectives = runs_of_equal_objectives(own)
        measured = measure(stack, rows, objectives)
        for metric in METRICS:
            column = np.full(len(self.present), np.nan)
            column[places] = np.where(bad[places], np.nan, measured.values[metric])
            values["train", metric] = column
        lengths = [len(r.test_rows) for r in own]
        kept = self.test_logits
        if kept is None:
            rows = EvaluationRows([r.test_rows for r in own], [r.label_map for r in own], self.data)
            kept = measure(stack, rows, objectives, keep_logits=True).logits
        return {
            place: kept[i, :length].copy() if kept is not None else np.empty((0, own[i].layers[-1]))
            for i, (place, length) in enumerate(zip(places, lengths, strict=True))
        }

    def _as_handed_over(self, places: list[int], bad: np.ndarray) -> DenseStack:
        """The finished networks, with their best weights where early stopping asks for those."""
        state = self.state
        best = {
            i: weights
            for i, place in enumerate(places)
            if (weights := self.early_stops.best_weights(self.present[place])) and not bad[place]
        }
        if len(places) == len(self.present) and not best:
            return state.stack
        stack = state.stack.select(torch.tensor(places, device=self.data.device))
        for i, weights in best.items():
            stack.put(i, weights)
            state.stack.put(places[i], weights)
            self.test_logits = None
        return stack

    def _hand_over(self, place: int, bad: bool, test_logits: np.ndarray) -> None:
        network = self.present[place]
        steps, curves = self.history.of(network)
        self.trained[network] = TrainedNetwork(
            steps=steps,
            curves=curves,
            weights=self.state.stack.weights_of(place),
            diverged_at=int(self.state.diverged_at[place]) if bad else None,
            stopped_at=self.state.step,
            test_logits=test_logits,
            seconds=float(self.seconds[network]),
            centres=self._centres_of(place, network),
        )

    def _centres_of(self, place: int, network: int) -> np.ndarray | None:
        objective, centres = self.recipes[network].objective, self.state.centres
        if centres is None or not objective.keeps_centres:
            return None
        return centres[place].float().cpu().numpy().copy()

    def _let_go(self, done: np.ndarray) -> None:
        keep = np.flatnonzero(~done).tolist()
        self.present = [self.present[place] for place in keep]
        if not keep:
            return
        left = [self.recipes[i] for i in self.present]
        del self.step  # its recording, if it has one, holds memory that the smaller stack can use
        self.state = self.state.select(torch.tensor(keep, device=self.data.device), left)
        self.step = step_for(self.state)
        self.batches.select(keep)
        self.rows = self._evaluation_rows(left)

    def _evaluation_rows(self, recipes: Sequence[Recipe]) -> dict[str, EvaluationRows]:
        label_maps = [r.label_map for r in recipes]
        parts = {
            "validation": [r.validation_rows for r in recipes],
            "test": [r.test_rows for r in recipes],
        }
        return {
            split: EvaluationRows(rows, label_maps, self.data)
            for split, rows in parts.items()
            if any(len(own) for own in rows)
        }

    def _tell(self, values: Values) -> None:
        accuracy = values.get(("test", "accuracy"), np.array([np.nan]))
        self.best_accuracy = float(np.fmax.reduce(accuracy, initial=self.best_accuracy))
        if self.watch is not None:
            self.watch(
                TrainingProgress(
                    step=self.state.step,
                    steps=max(r.training.steps for r in self.recipes),
                    finished=len(self.trained),
                    best_accuracy=self.best_accuracy,
                )
            )
