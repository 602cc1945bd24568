"""Training of networks of one shape, from recipes to trained networks.

A network that has done its steps, has stopped early or has diverged leaves; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from mlplab.metrics.scores import score_metrics_of_many
from mlplab.networks.fast_products import fast_float32_products
from mlplab.networks.subnormals import subnormals_as_zero
from mlplab.objectives.objective import Objective
from mlplab.trainer.compiled_networks import CompiledNetworks, is_compiled
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.diagnostics import DIAGNOSTICS
from mlplab.trainer.eager_networks import EagerNetworks
from mlplab.trainer.early_stopping import EarlyStops
from mlplab.trainer.history import History
from mlplab.trainer.recipe import Recipe, TrainedNetwork, TrainingProgress

OnProgress = Callable[[TrainingProgress], None]
Values = dict[tuple[str, str], np.ndarray]
"""(split, metric) → (network present,) float64."""
_NOT_TOLD = ("seconds", "softmaxed_loss")
"""Recorded, but of no interest to a watcher."""


def train(
    recipes: Sequence[Recipe], data: DeviceDataset, on_progress: OnProgress | None = None
) -> list[TrainedNetwork]:
    """Train a stack of networks.

    Args:
        recipes: of one shape (`layers`), form and batch size.
        data: the rows they are trained and measured on.
        on_progress: called after every evaluation; what it raises ends the training.

    Returns:
        One trained network a recipe, in their order.

    Raises:
        ValueError: recipes that cannot share a stack.
    """
    kinds = {(r.layers, r.form, r.training.batch_size) for r in recipes}
    if len(kinds) != 1:
        raise ValueError(
            "the networks of a stack have the same layers, form and batch size; "
            f"received {len(kinds)} kinds: {sorted(map(str, kinds))}"
        )
    compiled = [
        is_compiled(r.form, r.dropout, r.objective, data.device.type)
        and data.inputs.dtype.itemsize <= 4
        for r in recipes
    ]
    trained: dict[int, TrainedNetwork] = {}
    with fast_float32_products(), subnormals_as_zero():
        for form, is_of_form in ((CompiledNetworks, True), (EagerNetworks, False)):
            own = [i for i in _by_objective(recipes) if compiled[i] == is_of_form]
            if own:
                mine = [recipes[i] for i in own]
                watcher = _placed(on_progress, own)
                done = _Training(form(mine, data), mine, data.labels, watcher).run()
                trained.update(zip(own, done, strict=True))
    return [trained[i] for i in range(len(recipes))]


def _placed(on_progress: OnProgress | None, places: Sequence[int]) -> OnProgress | None:
    """Tell of networks by their place among all recipes, where only some of these train together."""
    if on_progress is None:
        return None

    def tell(progress: TrainingProgress) -> None:
        networks = tuple(places[i] for i in progress.networks)
        diverged = tuple(places[i] for i in progress.diverged)
        on_progress(replace(progress, networks=networks, diverged=diverged))

    return tell


def _by_objective(recipes: Sequence[Recipe]) -> list[int]:
    """Indices of the recipes, those of equal objectives side by side, so that each is called once.

    Where a network stands in its stack changes nothing of it.
    """
    different: list[Objective] = []
    for recipe in recipes:
        if recipe.objective not in different:
            different.append(recipe.objective)
    return sorted(range(len(recipes)), key=lambda i: different.index(recipes[i].objective))


class _Training:
    """One stack on its way. `present` are the networks still in it, by index among all recipes."""

    def __init__(
        self,
        networks: CompiledNetworks | EagerNetworks,
        recipes: Sequence[Recipe],
        labels: np.ndarray,
        on_progress: OnProgress | None,
    ) -> None:
        self.networks, self.recipes, self.on_progress = networks, recipes, on_progress
        self.labels, self.task = labels, recipes[0].task
        self.present = list(range(len(recipes)))
        self.history = History(len(recipes))
        self.early_stops = EarlyStops(recipes)
        self.best = float("nan")
        self.trained: dict[int, TrainedNetwork] = {}
        self.due = np.ones(len(recipes), dtype=bool)
        self.diverged = np.zeros(len(recipes), dtype=np.int64)
        """(network present,) the step at which each diverged, 0 for none."""
        self.test_logits: list[np.ndarray] | None = None

    def run(self) -> list[TrainedNetwork]:
        while self.present:
            values = self._advance(min(self._next_evaluation(i) for i in self.present))
            self._measure_splits(values)
            self._record(values)
        return [self.trained[i] for i in range(len(self.recipes))]

    def _next_evaluation(self, network: int) -> int:
        training = self.recipes[network].training
        every = training.evaluate_every
        return min((self.networks.step // every + 1) * every, training.steps)

    def _advance(self, boundary: int) -> Values:
        """Train up to a step, and measure on its batch: after the update, as the report did."""
        diagnose = any(self.recipes[i].training.diagnostics for i in self.present)
        self.due = np.array([self._next_evaluation(i) == boundary for i in self.present])
        steps = boundary - self.networks.step
        batch, diagnostics = self.networks.advance(steps, diagnose=diagnose)
        values: Values = {("batch", name): own for name, own in batch.values.items()}
        if diagnose:
            layers = diagnostics.shape[2]
            for kind, name in enumerate(DIAGNOSTICS):
                for layer in range(layers - kind):  # the last layer has no hidden units
                    values["batch", f"{name}_layer_{layer + 1}"] = diagnostics[:, kind, layer]
        values["batch", "seconds"] = self.networks.seconds.copy()
        # A batch that held no row of a known class has no loss, and is no sign of divergence.
        lost = ~np.isfinite(values["batch", "loss"]) & self.due & (batch.rows > 0)
        before = self.networks.diverged_at
        self.diverged = np.where(lost & (before == 0), self.networks.step, before)
        return values

    def _rows(self, split: str) -> list[np.ndarray]:
        return [getattr(self.recipes[i], f"{split}_rows") for i in self.present]

    def _measure_splits(self, values: Values) -> None:
        """Validation and test rows; the logits of a network's last test are kept."""
        all_end = all(self.recipes[i].training.steps == self.networks.step for i in self.present)
        self.test_logits = None
        everyone = range(len(self.present))
        for split in ("validation", "test"):
            rows = self._rows(split)
            if not any(len(own) for own in rows):
                continue
            wanted = [
                self.recipes[i].extra_metrics if self.due[place] else frozenset[str]()
                for place, i in enumerate(self.present)
            ]
            keep = all_end and split == "test"
            measured = self.networks.measure(rows, everyone, keep_logits=keep or any(wanted))
            values.update({(split, name): own for name, own in measured.values.items()})
            if any(wanted):
                self._add_score_metrics(values, split, everyone, measured.logits, wanted)
            if keep:
                self.test_logits = measured.logits

    def _add_score_metrics(
        self,
        values: Values,
        split: str,
        places: Sequence[int],
        logits: Sequence[np.ndarray] | None,
        wanted: Sequence[frozenset[str]],
    ) -> None:
        """Measure from outputs what some networks are to have besides; NaN for the others.

        Args:
            places: of networks among those present.
            logits, wanted: of each of these its outputs on the split, and the metrics.
        """
        alike: dict[tuple[int, ...], list[tuple[int, np.ndarray, frozenset[str]]]] = {}
        for place, own, names in zip(places, logits or (), wanted, strict=True):
            recipe = self.recipes[self.present[place]]
            rows = getattr(recipe, f"{split}_rows")
            if names and len(rows):
                scores = recipe.objective.class_scores(torch.from_numpy(own)).numpy()
                key = (*recipe.targets_id, id(rows), scores.shape[1])
                alike.setdefault(key, []).append((place, scores, names))
        for group in alike.values():
            recipe = self.recipes[self.present[group[0][0]]]
            targets = recipe.targets(self.labels, getattr(recipe, f"{split}_rows"))
            found = score_metrics_of_many(np.stack([scores for _, scores, _ in group]), targets)
            for name, own in found.items():
                asked = [i for i, (_, _, names) in enumerate(group) if name in names]
                if asked:
                    nothing = np.full(len(self.present), np.nan)
                    column = values.setdefault((split, name), nothing)
                    column[[group[i][0] for i in asked]] = own[asked]

    def _record(self, values: Values) -> None:
        """Record what was measured, and hand over the networks that are done.

        A network is judged at its own evaluations only, not at those of others of its stack.
        """
        step = self.networks.step
        bad = self.due & (self.diverged > 0)
        undiagnosed = np.array([not self.recipes[i].training.diagnostics for i in self.present])
        for name in values.keys() - {("batch", "seconds")}:
            values[name] = np.where(bad, np.nan, values[name])
            if name[1].startswith(DIAGNOSTICS):
                values[name] = np.where(undiagnosed, np.nan, values[name])
        ended = np.array([self.recipes[i].training.steps == step for i in self.present])
        stopping = self.early_stops.update(self.present, self.due, values, self.networks.weights_of)
        done = ended | bad | stopping
        logits = self._last_measurements(done, bad, values) if done.any() else {}
        recorded = np.zeros(len(self.recipes), dtype=bool)
        recorded[self.present] = self.due | done
        self.history.add(step, recorded, values, self.present)
        evaluated = np.flatnonzero(self.due | done)
        networks = [self.present[place] for place in evaluated]
        diverged = [self.present[place] for place in np.flatnonzero(bad)]
        leaving = np.flatnonzero(done).tolist()
        histories = self.history.of([self.present[place] for place in leaving]) if leaving else []
        for place, history in zip(leaving, histories, strict=True):
            self._hand_over(place, bool(bad[place]), logits[place], *history)
        if done.any():
            self._let_go(done)
        self._tell(values, evaluated, networks, diverged)

    def _last_measurements(
        self, done: np.ndarray, bad: np.ndarray, values: Values
    ) -> dict[int, np.ndarray]:
        """Measure finished networks on all their training rows; gives their test logits.

        Where early stopping restores the best weights, these two are measured on those.
        """
        finished = np.flatnonzero(done).tolist()
        for place in finished:
            best = self.early_stops.best_weights(self.present[place])
            if best is not None and not bad[place]:
                self.networks.put(place, best)
                self.test_logits = None
        rows = self._rows("train")
        measured = self.networks.measure([rows[place] for place in finished], finished)
        for metric, own in measured.values.items():
            column = np.full(len(self.present), np.nan)
            column[finished] = np.where(bad[finished], np.nan, own)
            values["train", metric] = column
        if self.test_logits is not None:
            logits = {place: self.test_logits[place] for place in finished}
        else:
            logits = self._logits("test", finished)
        if self.task.measured_on_request:
            fine = [place for place in finished if not bad[place]]
            self._add_last_metrics(values, fine, logits)
        return logits

    def _logits(self, split: str, places: Sequence[int]) -> dict[int, np.ndarray]:
        rows = self._rows(split)
        measured = self.networks.measure(
            [rows[place] for place in places], places, keep_logits=True
        )
        return dict(zip(places, measured.logits or (), strict=True))

    def _add_last_metrics(
        self, values: Values, places: Sequence[int], test: Mapping[int, np.ndarray]
    ) -> None:
        """What only the end has: every metric of the task on the weights that are kept."""
        every = frozenset(self.task.measured_on_request)
        recipes = [self.recipes[self.present[place]] for place in places]
        for split, logits in (
            ("test", test),
            ("validation", None),
            ("train", None),
        ):
            # All training rows only for whom they were asked.
            wanted = [every if split != "train" else r.extra_metrics for r in recipes]
            its = [p for p, names, r in zip(places, wanted, recipes, strict=True)
                   if names and len(getattr(r, f"{split}_rows"))]  # fmt: skip
            if its:
                own = logits or self._logits(split, its)
                names = [n for p, n in zip(places, wanted, strict=True) if p in its]
                self._add_score_metrics(values, split, its, [own[p] for p in its], names)

    def _hand_over(
        self,
        place: int,
        bad: bool,
        test_logits: np.ndarray,
        steps: np.ndarray,
        curves: dict[tuple[str, str], np.ndarray],
    ) -> None:
        network = self.present[place]
        self.trained[network] = TrainedNetwork(
            steps=steps,
            curves=curves,
            weights=self.networks.weights_of(place),
            diverged_at=int(self.diverged[place]) if bad else None,
            stopped_at=self.networks.step,
            test_logits=test_logits,
            seconds=float(self.networks.seconds[place]),
            centres=self.networks.centres_of(place),
        )

    def _let_go(self, done: np.ndarray) -> None:
        keep = np.flatnonzero(~done).tolist()
        self.present = [self.present[place] for place in keep]
        if keep:
            self.networks.select(keep)

    def _tell(
        self,
        values: Values,
        evaluated: np.ndarray,
        networks: Sequence[int],
        diverged: Sequence[int],
    ) -> None:
        """Tell the watcher; `evaluated` are the places in `values` of the `networks`."""
        metric = self.task.metrics[self.task.main]
        better = np.fmax if metric.higher_is_better else np.fmin
        own = values.get(("test", metric.name), np.array([np.nan]))
        self.best = float(better.reduce(own, initial=self.best))
        if self.on_progress is not None:
            self.on_progress(
                TrainingProgress(
                    step=self.networks.step,
                    steps=max(r.training.steps for r in self.recipes),
                    finished=len(self.trained),
                    best=self.best,
                    metric=self.task.main,
                    networks=tuple(networks),
                    values={
                        name: each[evaluated]
                        for name, each in values.items()
                        if name[1] not in _NOT_TOLD and np.isfinite(each).any()
                    },
                    diverged=tuple(diverged),
                )
            )
