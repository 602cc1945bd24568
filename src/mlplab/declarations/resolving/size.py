"""What a network costs, from its declaration alone: parameters, arithmetic and memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlplab.declarations.network import Network
from mlplab.declarations.objective import EXTRA_OUTPUTS

BYTES_A_PARAMETER = 16
"""Weight, gradient and two moments in float32: the most that any optimizer here keeps."""
EVALUATION_ROWS = 1_000
"""Rows taken through a network at once in evaluation, at most."""
ALIKE = 0.02
"""Counts that differ by no more than this share of the largest are called matched."""


@dataclass(frozen=True)
class Size:
    """The size of one network; FLOPs count each multiplication and each addition of products."""

    layers: tuple[int, ...]
    """Neurons from the input to the output, both included."""
    batch_size: int
    steps: int
    others: int = 0
    """Parameters besides weights and biases: of normalisations, activations, an input scale."""

    @property
    def weights(self) -> int:
        return sum(before * after for before, after in pairwise(self.layers))

    @property
    def parameters(self) -> int:
        """All that is learned."""
        return self.weights + sum(self.layers[1:]) + self.others

    @property
    def forward_flops_a_row(self) -> int:
        """2 operations a weight."""
        return 2 * self.weights

    @property
    def step_flops(self) -> int:
        """Forward, gradient of the weights, gradient of the inputs of all layers but the first."""
        first = self.layers[0] * self.layers[1]
        return self.batch_size * (6 * self.weights - 2 * first)

    @property
    def training_flops(self) -> int:
        return self.steps * self.step_flops

    def evaluation_flops(self, rows: int) -> int:
        """One pass over so many rows."""
        return rows * self.forward_flops_a_row

    def memory_bytes(self, evaluated_rows: int = 0) -> int:
        """Parameters with all that training keeps of them, activations with their gradients, and
        the outputs of the test rows."""
        held = 2 * self.batch_size * sum(self.layers)
        shown = min(evaluated_rows, EVALUATION_ROWS) * 2 * max(self.layers)
        outputs = evaluated_rows * self.layers[-1]
        return BYTES_A_PARAMETER * self.parameters + 4 * (max(held, shown) + outputs)


def size_of(network: Network, features: int, classes: int) -> Size:
    """The size of a network on data of so many features and classes."""
    layers = (features, *network.hidden, outputs_of(network, classes))
    training, others = network.training, network.form.parameters(layers)
    return Size(layers, training.batch_size, training.steps, others)


def outputs_of(network: Network, classes: int) -> int:
    """Output neurons on data of so many classes: one a known class, and what an objective adds."""
    if network.roles is not None:
        classes = len(network.roles.known)
    return (network.outputs or classes) + EXTRA_OUTPUTS.get(network.objective.name, 0)


def are_alike(counts: Sequence[int]) -> bool:
    """Whether counts of parameters or FLOPs are so near to one another that they are matched."""
    return max(counts) - min(counts) <= ALIKE * max(counts)
