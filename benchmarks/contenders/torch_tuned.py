"""PyTorch by somebody who knows it: rows as one tensor, fused updates, evaluation in one piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.contenders import Train
from benchmarks.contenders.torch_networks import ended, network_of, optimizer_of
from benchmarks.job import Clock, Ended, Job, Member, Outcome, Rows


@contextmanager
def session(rows: Rows, precision: str) -> Iterator[Train]:
    """Rows go into the type of the products once, before training."""
    held = Held(rows, precision)

    def train(job: Job) -> Outcome:
        clock = Clock()
        shown = train_each(job, job.members, held)
        return Outcome(clock.read(), shown)

    yield train


class Held:
    """The rows in the type that products take, and batches gathered from them."""

    def __init__(self, rows: Rows, precision: str) -> None:
        self.dtype = getattr(torch, precision)
        self.train_inputs = rows.train_inputs.to(self.dtype)
        self.test_inputs = rows.test_inputs.to(self.dtype)
        self.train_labels, self.test_labels = rows.train_labels, rows.test_labels

    def autocast(self) -> torch.autocast:
        """Products in bfloat16 where that was asked for; otherwise nothing."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def batches(self, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Batches for ever, each in the memory of the one before."""
        rows = len(self.train_inputs)
        inputs = self.train_inputs.new_empty(size, self.train_inputs.shape[1])
        labels = self.train_labels.new_empty(size)
        while True:
            order = torch.randperm(rows)
            for start in range(0, rows - size + 1, size):
                places = order[start : start + size]
                torch.index_select(self.train_inputs, 0, places, out=inputs)
                torch.index_select(self.train_labels, 0, places, out=labels)
                yield inputs, labels


def train_each(job: Job, members: Sequence[Member], held: Held) -> list[Ended]:
    """Train networks one after another."""
    return [_train_one(job, member, held) for member in members]


def _train_one(job: Job, member: Member, held: Held) -> Ended:
    torch.manual_seed(member.seed)
    network = network_of(member)
    optimizer = optimizer_of(member.optimizer, network.parameters(), tuned=True)
    batches = held.batches(job.batch_size)
    stretches = job.stretches()
    for steps in stretches:
        for _ in range(steps):
            inputs, labels = next(batches)
            with held.autocast():
                loss = cross_entropy(network(inputs), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        last = _evaluate(network, held, held.test_inputs, held.test_labels)
    train_accuracy, _ = _evaluate(network, held, held.train_inputs, held.train_labels)
    return ended(member, len(stretches), last, train_accuracy)


def _evaluate(
    network: nn.Sequential, held: Held, inputs: torch.Tensor, labels: torch.Tensor
) -> tuple[float, float]:
    with torch.inference_mode(), held.autocast():
        logits = network(inputs).float()
        right = (logits.argmax(1) == labels).float().mean()
        return float(right), float(cross_entropy(logits, labels))
