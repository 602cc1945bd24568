"""The idea of ParallelMLPs (arXiv 2206.08369), written out: many one-hidden-layer networks as one.

The first layers stand side by side in one wide product; the second layers multiply every hidden
unit by its own outgoing weights, and a segmented sum adds what belongs to a network. All networks
see the same batches and have one learning rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from benchmarks.contenders import Train
from benchmarks.contenders.torch_networks import ended, optimizer_of
from benchmarks.contenders.torch_tuned import Held
from benchmarks.job import Clock, Ended, Job, Member, Outcome, Rows
from mlplab.networks.initial_weights import draw_kernels

_LARGEST_PRODUCT = 2**26
"""Numbers of (row, unit, output) at once in evaluation."""


class Segmented:
    """The parameters of all networks, and their forward pass."""

    def __init__(self, members: Sequence[Member]) -> None:
        drawn = [draw_kernels(m.network.initial_weights, m.seed, m.layers) for m in members]
        widths = [m.layers[1] for m in members]
        self.first = _parameter(np.concatenate([first for first, _ in drawn], axis=1))
        self.second = _parameter(np.concatenate([second for _, second in drawn], axis=0))
        outputs = members[0].layers[-1]
        self.first_bias = torch.zeros(sum(widths), requires_grad=True)
        self.second_bias = torch.zeros(len(members), outputs, requires_grad=True)
        self.network_of_unit = torch.repeat_interleave(
            torch.arange(len(members)), torch.tensor(widths)
        )

    @property
    def parameters(self) -> list[torch.Tensor]:
        """All that is trained."""
        return [self.first, self.first_bias, self.second, self.second_bias]

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(row, feature) → logits (network, row, output)."""
        hidden = torch.relu(torch.addmm(self.first_bias, inputs, self.first))
        # (unit, row, output): what every unit adds to the outputs of its network.
        parts = hidden.T.unsqueeze(2) * self.second.unsqueeze(1)
        networks, outputs = self.second_bias.shape
        logits = self.second_bias.unsqueeze(1).expand(networks, len(inputs), outputs)
        return logits.index_add(0, self.network_of_unit, parts)


@contextmanager
def session(rows: Rows, precision: str) -> Iterator[Train]:
    """Nothing needs to be made ready."""
    held = Held(rows, precision)

    def train(job: Job) -> Outcome:
        clock = Clock()
        shown = _train_all(job, held, rows)
        return Outcome(clock.read(), shown)

    yield train


def _train_all(job: Job, held: Held, rows: Rows) -> list[Ended]:
    """Train all networks of a job.

    Raises:
        ValueError: networks of several optimizers, or of more than one hidden layer.
    """
    declared = {member.optimizer for member in job.members}
    if len(declared) > 1 or any(len(member.layers) != 3 for member in job.members):
        raise ValueError("these networks have one hidden layer, and one optimizer among them")
    torch.manual_seed(0)
    stack = Segmented(job.members)
    optimizer = optimizer_of(declared.pop(), stack.parameters, tuned=True)
    batches = held.batches(job.batch_size)
    stretches = job.stretches()
    for steps in stretches:
        for _ in range(steps):
            inputs, labels = next(batches)
            logits = stack.forward(inputs)
            each = labels.expand(len(logits), -1).flatten()
            # A sum over networks: each one's gradient is that of its own mean.
            loss = cross_entropy(logits.flatten(0, 1), each, reduction="sum") / len(labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        accuracies, losses = _evaluate(stack, rows.test_inputs, rows.test_labels)
    known, _ = _evaluate(stack, rows.train_inputs, rows.train_labels)
    return [
        ended(
            member,
            len(stretches),
            (float(accuracies[place]), float(losses[place])),
            float(known[place]),
        )
        for place, member in enumerate(job.members)
    ]


def _evaluate(
    stack: Segmented, inputs: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Accuracy and loss of every network, (network,)."""
    units, outputs = stack.second.shape
    networks, count = len(stack.second_bias), len(labels)
    at_once = max(1, _LARGEST_PRODUCT // (units * outputs))
    right, loss = torch.zeros(networks), torch.zeros(networks)
    with torch.inference_mode():
        for start in range(0, count, at_once):
            logits = stack.forward(inputs[start : start + at_once])
            own = labels[start : start + at_once]
            right += (logits.argmax(2) == own).sum(1)
            each = own.expand(networks, -1)
            loss += cross_entropy(logits.transpose(1, 2), each, reduction="none").sum(1)
    return right / count, loss / count


def _parameter(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).requires_grad_()
