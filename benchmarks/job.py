"""What every contender is given: the networks of a study, the rows, and what is to be measured."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlplab.declarations.loading import load
from mlplab.declarations.network import Network
from mlplab.declarations.optimizer import Optimizer
from mlplab.declarations.resolving.size import Size
from mlplab.declarations.study import Study

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Order:
    """A job in words that another process understands."""

    study: str
    """A study file, or the name of a shipped study. All its networks have one protocol."""
    seeds: int
    networks: tuple[str, ...] = ()
    """Names; none for all."""
    overrides: tuple[str, ...] = ()

    def job(self) -> Job:
        """Read the study, without its questions and figures: only training is compared.

        What it asks about unknown classes goes too, with the networks made for that: they train on
        some of the classes, of which the peers know nothing.
        """
        study = load(
            self.study, overrides=self.overrides, select=self.networks or None, seeds=self.seeds
        )
        networks = {name: n for name, n in study.networks.items() if n.roles is None}
        asked_nothing = replace(study, questions=(), figures=(), compare_with=None, open_set=())
        return Job(replace(asked_nothing, networks=networks, templates={}))


@dataclass(frozen=True)
class Member:
    """One network and seed."""

    name: str
    seed: int
    layers: tuple[int, ...]
    """Units from input to output."""
    network: Network

    @property
    def optimizer(self) -> Optimizer:
        """How it is trained."""
        return self.network.optimizer


@dataclass(frozen=True)
class Job:
    """Networks to be trained and evaluated."""

    study: Study
    features: int = 0
    classes: int = 0

    def on(self, rows: Rows) -> Job:
        """The job with the layers' ends as the data have them."""
        return replace(self, features=rows.train_inputs.shape[1], classes=rows.classes)

    def shortened(self, steps: int) -> Job:
        """The same networks for fewer steps, evaluated at their end only."""
        networks = {
            name: network.model_copy(
                update={"training": network.training.model_copy(update={"steps": steps})}
            )
            for name, network in self.study.networks.items()
        }
        return replace(self, study=replace(self.study, networks=networks))

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """Every network and seed, in the study's order."""
        return tuple(
            Member(name, seed, (self.features, *network.hidden, self.classes), network)
            for name, network in self.study.networks.items()
            for seed in network.seeds
        )

    @property
    def steps(self) -> int:
        """Of every network."""
        return self._first.training.steps

    @property
    def batch_size(self) -> int:
        """Of every network."""
        return self._first.training.batch_size

    def stretches(self) -> list[int]:
        """How many steps lie before each evaluation."""
        every = self._first.training.evaluate_every
        full, rest = divmod(self.steps, every)
        return [every] * full + [rest] * (rest > 0)

    def flops(self, member: Member, rows: Rows) -> int:
        """Of the products of training and evaluating one network."""
        size = Size(member.layers, self.batch_size, self.steps)
        tests = len(self.stretches()) * size.evaluation_flops(len(rows.test_labels))
        return size.training_flops + tests + size.evaluation_flops(len(rows.train_labels))

    def flops_of_a_stretch(self, member: Member, rows: Rows) -> int:
        """Of the products between two evaluations and of one: the same for a job shortened."""
        size = Size(member.layers, self.batch_size, member.network.training.evaluate_every)
        return size.training_flops + size.evaluation_flops(len(rows.test_labels))

    @property
    def _first(self) -> Network:
        return next(iter(self.study.networks.values()))


@dataclass(frozen=True, eq=False)
class Rows:
    """The data as all contenders get them: scaled, in memory, no batch drawn yet."""

    train_inputs: torch.Tensor
    """(row, feature) float32."""
    train_labels: torch.Tensor
    """(row,) int64."""
    test_inputs: torch.Tensor
    test_labels: torch.Tensor
    classes: int

    @classmethod
    def of(cls, study: Study) -> Rows:
        """Read and scale the rows of a study's first network, by mlplab's own readers."""
        import torch

        from mlplab.data.preparation import prepare

        network = next(iter(study.networks.values()))
        data = prepare(network.data, study.folder)
        inputs, labels = torch.from_numpy(data.inputs), torch.from_numpy(data.labels)
        train, test = torch.from_numpy(data.train_rows), torch.from_numpy(data.test_rows)
        return cls(inputs[train], labels[train], inputs[test], labels[test], len(data.class_names))


@dataclass(frozen=True)
class Ended:
    """What a contender must show of a network, so that nobody wins by not doing the work."""

    name: str
    seed: int
    evaluations: int
    accuracy: float
    """On the test rows, at the last step; likewise the next."""
    loss: float
    train_accuracy: float
    """On all training rows, measured once, at the last step."""


@dataclass(frozen=True)
class Outcome:
    """One job done."""

    seconds: float
    """Of training and evaluation."""
    ended: Sequence[Ended]
    apart: Mapping[str, float] = field(default_factory=dict)
    """Seconds of what is no training and no evaluation, by name."""

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "seconds": self.seconds,
            "apart": dict(self.apart),
            "ended": [vars(ended) for ended in self.ended],
        }


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def read(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self._began
