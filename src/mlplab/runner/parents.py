"""Runs that others begin from: their weights, checked against the network that is to have them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

from mlplab.declarations.initial_weights import Glorot, InitialWeights, Recorded
from mlplab.declarations.network import Network
from mlplab.declarations.problems import did_you_mean, quoted, refuse, shown
from mlplab.networks.weights import LayerWeights
from mlplab.records.results import Results, Run
from mlplab.words import from_to


@dataclass(frozen=True, eq=False)
class Parent:
    """What a network takes over from a recorded run."""

    key: str
    """The run's, which stands for all that made it."""
    weights: LayerWeights
    """Of the first layers."""
    distribution: InitialWeights
    """From which the other layers are drawn."""


class Parents:
    """Opens each results folder once. folder: what their paths are relative to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: dict[str, Results] = {}

    def of(self, name: str, network: Network, seed: int, layers: tuple[int, ...]) -> Parent | None:
        """What a network of these layers (in, hidden…, out) begins with; None where it is drawn.

        Raises:
            BadInput: there is no such run, it diverged, or its layers are others.
        """
        declared = network.initial_weights
        if not isinstance(declared, Recorded):
            return None
        where = f"networks.{name}.initial_weights"
        if declared.run not in self._opened:
            self._opened[declared.run] = Results.open(self._folder / declared.run)
        results = self._opened[declared.run]
        recorded = declared.network or _same_or_only(where, name, results)
        run = _finished(where, results, recorded, seed)
        weights = results.weights(recorded, seed)
        kept = _kept(where, declared, weights, layers)
        theirs = results.study.networks[recorded].form
        names = network.form.tensors(kept)
        if theirs.tensors(kept) != names or theirs.residual != network.form.residual:
            refuse(
                where,
                expected=f"a network of the recorded form: {theirs.described()}",
                received=network.form.described(),
                hint='give it the same "normalization", "residual" and "input_scale"',
            )
        others = {own: a for own, a in weights.others.items() if own in names}
        drawn = results.study.networks[recorded].initial_weights
        if isinstance(drawn, Recorded):
            drawn = Glorot(distribution="glorot")
        return Parent(run.key, LayerWeights(weights[:kept], others), drawn)


def _same_or_only(where: str, name: str, results: Results) -> str:
    networks = list(results.study.networks)
    if name in networks:
        return name
    if len(networks) == 1:
        return networks[0]
    refuse(
        f"{where}.network",
        expected=f"a network of that run: {quoted(networks)}",
        received=f"none named, and no {shown(name)} there",
        hint=did_you_mean(name, networks) or 'name one, "network": …',
    )


def _finished(where: str, results: Results, network: str, seed: int) -> Run:
    if network not in results.study.networks:
        refuse(
            f"{where}.network",
            expected=f"one of {quoted(results.study.networks)}",
            received=shown(network),
            hint=did_you_mean(network, results.study.networks),
        )
    fine = {
        run.seed: run for run in results.runs if run.network == network and run.diverged_at is None
    }
    if seed not in fine:
        refuse(
            where,
            expected=f"seeds that finished there: {from_to(fine) if fine else 'there are none'}",
            received=f"seed {seed} of {network}",
            hint="take these seeds, or run that study with more",
        )
    return fine[seed]


def _kept(where: str, declared: Recorded, weights: LayerWeights, layers: tuple[int, ...]) -> int:
    """How many layers are taken over."""
    theirs = [kernel.shape for kernel, _ in weights]
    ours = list(pairwise(layers))
    fitting = 0
    while fitting < min(len(ours), len(theirs)) and theirs[fitting] == ours[fitting]:
        fitting += 1
    wanted = declared.layers
    if wanted is None:
        # Other classes have other outputs, and so a last layer of their own.
        wanted = len(ours) if len(theirs) == len(ours) == fitting else len(ours) - 1
    if not 0 < wanted <= fitting:
        sizes = [theirs[0][0], *(out for _, out in theirs)]
        _unfitting(where, sizes, layers, wanted)
    return wanted


def _unfitting(where: str, theirs: list[int], ours: tuple[int, ...], wanted: int) -> NoReturn:
    layers = "layer is" if wanted == 1 else f"{wanted} layers are"
    refuse(
        where,
        expected=f"a network whose first {layers} as recorded: {'-'.join(map(str, theirs))}",
        received="-".join(map(str, ours)),
        hint='give it the same "hidden", or keep fewer layers by "layers"',
    )
