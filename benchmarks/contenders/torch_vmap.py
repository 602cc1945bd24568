"""torch.func: networks of one shape and optimizer stacked, their forward pass vmapped.

The update is one fused step over the stacked parameters, so it is tuned too.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.functional import cross_entropy

from benchmarks.contenders import Train
from benchmarks.contenders.stacks import stacks_of
from benchmarks.contenders.torch_networks import ended, network_of, optimizer_of
from benchmarks.job import Clock, Ended, Job, Member, Outcome, Rows

_LARGEST_STACK = 128
"""Of thousands in one stack a network takes longer than of a hundred."""
_LARGEST_OUTPUT = 2**25
"""Numbers that one layer may give in evaluation; more rows are evaluated in turn."""


@contextmanager
def session(rows: Rows, precision: str) -> Iterator[Train]:
    """Nothing needs to be made ready."""

    def train(job: Job) -> Outcome:
        clock = Clock()
        stacks = stacks_of(job.members, _LARGEST_STACK)
        shown = [one for stack in stacks for one in _train_stack(job, stack, rows)]
        return Outcome(clock.read(), shown)

    yield train


def _train_stack(job: Job, members: Sequence[Member], rows: Rows) -> list[Ended]:
    torch.manual_seed(members[0].seed)
    networks = [network_of(member) for member in members]
    parameters, _ = stack_module_state(networks)
    skeleton = copy.deepcopy(networks[0]).to("meta")

    def forward(own: dict[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        return functional_call(skeleton, own, (inputs,))

    on_own_rows, on_same_rows = vmap(forward), vmap(forward, in_dims=(0, None))
    optimizer = optimizer_of(members[0].optimizer, parameters.values(), tuned=True)
    batches = _batches(rows, len(members), job.batch_size)
    stretches = job.stretches()
    for steps in stretches:
        for _ in range(steps):
            inputs, labels = next(batches)
            logits = on_own_rows(parameters, inputs)
            # A sum over networks: each one's gradient is that of its own mean.
            loss = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
            optimizer.zero_grad(set_to_none=True)
            (loss / job.batch_size).backward()
            optimizer.step()
        accuracies, losses = _evaluate(
            on_same_rows, parameters, members[0], rows.test_inputs, rows.test_labels
        )
    known, _ = _evaluate(on_same_rows, parameters, members[0], rows.train_inputs, rows.train_labels)
    return [
        ended(
            member,
            len(stretches),
            (float(accuracies[place]), float(losses[place])),
            float(known[place]),
        )
        for place, member in enumerate(members)
    ]


def _batches(rows: Rows, networks: int, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(network, batch, feature) and (network, batch), every network in an order of its own."""
    count = len(rows.train_labels)
    while True:
        orders = torch.rand(networks, count).argsort(1)
        for start in range(0, count - size + 1, size):
            places = orders[:, start : start + size]
            yield rows.train_inputs[places], rows.train_labels[places]


def _evaluate(
    forward: Callable[[dict[str, torch.Tensor], torch.Tensor], torch.Tensor],
    parameters: dict[str, torch.Tensor],
    member: Member,
    inputs: torch.Tensor,
    labels: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Accuracy and loss of every network, (network,)."""
    networks, count = len(next(iter(parameters.values()))), len(labels)
    at_once = max(1, _LARGEST_OUTPUT // (networks * max(member.layers)))
    right, loss = torch.zeros(networks), torch.zeros(networks)
    with torch.no_grad():
        for start in range(0, count, at_once):
            own = labels[start : start + at_once]
            logits = forward(parameters, inputs[start : start + at_once])
            right += (logits.argmax(2) == own).sum(1)
            each = own.expand(networks, -1)
            loss += cross_entropy(logits.transpose(1, 2), each, reduction="none").sum(1)
    return right / count, loss / count
