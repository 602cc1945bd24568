"""What a study wants to have run: every network and seed as a recipe, with its content key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mlplab.data.announcing import Announce
from mlplab.data.dataset import PreparedData
from mlplab.data.preparation import prepare
from mlplab.declarations.data import Data
from mlplab.declarations.network import Network
from mlplab.declarations.problems import BadInput, Problem, did_you_mean, quoted, shown
from mlplab.declarations.resolving.size import Size, outputs_of
from mlplab.declarations.roles import Roles
from mlplab.declarations.study import Study
from mlplab.networks import kernels
from mlplab.networks.weights import LayerWeights
from mlplab.objectives.declared import objective_of
from mlplab.objectives.weighted_cross_entropy import balanced_weights
from mlplab.records.key import key_content, key_of
from mlplab.records.studies import Member
from mlplab.runner.kind import kind_of
from mlplab.runner.parents import Parents
from mlplab.trainer.compiled_networks import is_compiled
from mlplab.trainer.recipe import Quantity, Recipe


@dataclass(frozen=True, eq=False)
class WantedRun:
    """One content that is to be trained; several names may stand for it."""

    key: str
    content: str
    members: tuple[Member, ...]
    recipe: Recipe
    declaration: Data
    data: PreparedData
    """Without its inputs, which are prepared again when they are needed: a study may have more
    differently scaled inputs than fit into memory."""
    roles: Roles | None = None
    """Which classes are known where not all are."""
    device: str = "cpu"
    """On which it is to train, cpu or cuda."""

    @property
    def seed(self) -> int:
        """Of its initial weights and its batches."""
        return self.recipe.seed

    @property
    def size(self) -> Size:
        """What it costs."""
        training = self.recipe.training
        recipe = self.recipe
        others = recipe.form.parameters(recipe.layers)
        return Size(recipe.layers, training.batch_size, training.steps, others)

    @property
    def kind(self) -> tuple:
        """Runs of equal kind train in one stack."""
        recipe = self.recipe
        return kind_of(
            recipe.layers,
            recipe.form,
            recipe.training,
            recipe.objective,
            recipe.dropout,
            (self.data.inputs_digest, self.data.digest),
            self.device,
        )


def wanted_runs(
    study: Study, *, precision: str, device: str, announce: Announce
) -> tuple[WantedRun, ...]:
    """Return every distinct content that a study wants, in its order.

    Raises:
        BadInput: data that cannot be used, or networks that do not fit them.
    """
    prepared = _prepare_all(study, announce)
    problems = [
        problem
        for name, network in study.networks.items()
        for data in dict.fromkeys(network.data_of(seed) for seed in network.seeds)
        for problem in _misfits(name, network, prepared[data, network.roles])
    ]
    if problems:
        raise BadInput(dict.fromkeys(problems))
    by_key: dict[str, WantedRun] = {}
    parents = Parents(study.folder)
    for name, network in study.networks.items():
        for seed in network.seeds:
            data = prepared[network.data_of(seed), network.roles]
            run = _wanted(name, network, seed, data, precision, device, parents)
            known = by_key.get(run.key)
            by_key[run.key] = replace(known, members=known.members + run.members) if known else run
    return tuple(by_key.values())


def keys_by_member(wanted: tuple[WantedRun, ...], study: Study) -> Mapping[Member, str]:
    """Return the key of every network and seed, in the study's order."""
    keys = {member: run.key for run in wanted for member in run.members}
    return {
        (name, seed): keys[name, seed]
        for name, network in study.networks.items()
        for seed in network.seeds
    }


def _prepare_all(study: Study, announce: Announce) -> dict[tuple[Data, Roles | None], PreparedData]:
    prepared: dict[tuple[Data, Roles | None], PreparedData] = {}
    for network in study.networks.values():
        for number, seed in enumerate(network.seeds):
            wanted = network.data_of(seed), network.roles
            if wanted not in prepared:
                told = _silent if number else announce
                data = prepare(wanted[0], study.folder, told, network.roles)
                nothing = np.empty((0, data.inputs.shape[1]), dtype=np.float32)
                prepared[wanted] = replace(data, inputs=nothing)
    return prepared


def _silent(line: str) -> None:
    """What is doubtful of a table is told of its first split."""


def _wanted(
    name: str,
    network: Network,
    seed: int,
    data: PreparedData,
    precision: str,
    device: str,
    parents: Parents,
) -> WantedRun:
    outputs = outputs_of(network, len(data.class_names))
    objective = objective_of(network.objective, _class_weights(network, data, outputs))
    compiled = is_compiled(network.form, network.dropout, objective, device)
    layers = (data.inputs.shape[1], *network.hidden, outputs)
    parent = parents.of(name, network, seed, layers)
    content = key_content(
        network,
        outputs=outputs,
        data_digest=data.digest,
        seed=seed,
        precision=precision,
        device_kind=device,
        kernels=kernels.loaded().kind if compiled else None,
        parent=None if parent is None else parent.key,
    )
    recipe = Recipe(
        layers=layers,
        activation=network.activation,
        normalization=network.normalization,
        residual=network.residual,
        input_scale=network.input_scale,
        dropout=network.dropout,
        initial_weights=network.initial_weights if parent is None else parent.distribution,
        optimizer=network.optimizer,
        training=network.training,
        seed=seed,
        label_map=data.label_map,
        train_rows=data.train_rows,
        validation_rows=data.validation_rows,
        test_rows=data.test_rows,
        objective=objective,
        start=LayerWeights(()) if parent is None else parent.weights,
        quantity=None
        if data.targets is None
        else Quantity(data.targets, data.preparation.target_std),
    )
    member = (name, seed)
    return WantedRun(
        key_of(content),
        content,
        (member,),
        recipe,
        network.data_of(seed),
        data,
        network.roles,
        device,
    )


def _class_weights(network: Network, data: PreparedData, outputs: int) -> tuple[float, ...]:
    """The weight of each output, where the objective has class weights; () where it has none."""
    declared = getattr(network.objective, "class_weights", None)
    if declared is None:
        return ()
    if declared == "balanced":
        labels = data.label_map[data.labels[data.train_rows]]
        counts = np.bincount(labels[labels >= 0], minlength=len(data.class_names))
        weights = balanced_weights(tuple(counts.tolist()))
    else:
        by_name = dict(declared)
        weights = tuple(by_name.get(name, 1.0) for name in data.class_names)
    return weights + (1.0,) * (outputs - len(weights))


def _misfits(name: str, network: Network, data: PreparedData) -> list[Problem]:
    """Say what of own data can only be known once they are read."""
    training = network.training
    problems = []
    if training.batch_size > len(data.train_rows):
        problems.append(
            Problem(
                f"networks.{name}.training.batch_size",
                expected=f"at most the {len(data.train_rows)} training rows",
                received=str(training.batch_size),
                hint="make it smaller",
            )
        )
    if network.outputs is not None and network.outputs < len(data.class_names):
        problems.append(
            Problem(
                f"networks.{name}.outputs",
                expected=f"at least one for each of the {len(data.class_names)} classes",
                received=str(network.outputs),
                hint='leave "outputs" out',
            )
        )
    weights = getattr(network.objective, "class_weights", None) or ()
    for class_name, _ in () if weights == "balanced" else weights:
        if class_name not in data.class_names:
            problems.append(
                Problem(
                    f"networks.{name}.objective.class_weights",
                    expected=f"names of classes: {quoted(data.class_names, limit=20)}",
                    received=shown(class_name),
                    hint=did_you_mean(class_name, data.class_names) or "correct the name",
                )
            )
    if training.early_stopping is not None and not len(data.validation_rows):
        problems.append(
            Problem(
                f"networks.{name}.training.early_stopping",
                expected="validation rows to stop by",
                received="data without any",
                hint='give "data" a "validation" part, for example 0.1',
            )
        )
    return problems
