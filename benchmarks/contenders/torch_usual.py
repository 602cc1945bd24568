"""The script that most people write: a DataLoader, nn.Sequential, an optimizer as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.contenders import Train
from benchmarks.contenders.torch_networks import ended, network_of, optimizer_of
from benchmarks.job import Clock, Ended, Job, Member, Outcome, Rows

_TEST_BATCH = 1000


@contextmanager
def session(rows: Rows, precision: str) -> Iterator[Train]:
    """Nothing needs to be made ready."""
    train_set = TensorDataset(rows.train_inputs, rows.train_labels)
    test_set = TensorDataset(rows.test_inputs, rows.test_labels)

    def train(job: Job) -> Outcome:
        clock = Clock()
        shown = [_train_one(job, member, train_set, test_set) for member in job.members]
        return Outcome(clock.read(), shown)

    yield train


def _train_one(
    job: Job, member: Member, train_set: TensorDataset, test_set: TensorDataset
) -> Ended:
    torch.manual_seed(member.seed)
    network = network_of(member)
    optimizer = optimizer_of(member.optimizer, network.parameters(), tuned=False)
    loss_of = nn.CrossEntropyLoss()
    loader = DataLoader(train_set, job.batch_size, shuffle=True, drop_last=True)
    batches = _for_ever(loader)
    stretches = job.stretches()
    for steps in stretches:
        network.train()
        for inputs, labels in islice(batches, steps):
            optimizer.zero_grad()
            loss = loss_of(network(inputs), labels)
            loss.backward()
            optimizer.step()
        last = _evaluate(network, test_set)
    return ended(member, len(stretches), last, _evaluate(network, train_set)[0])


def _for_ever(loader: DataLoader) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    while True:
        yield from loader


def _evaluate(network: nn.Sequential, rows: TensorDataset) -> tuple[float, float]:
    network.eval()
    loss_of = nn.CrossEntropyLoss(reduction="sum")
    right, loss = 0, 0.0
    with torch.no_grad():
        for inputs, labels in DataLoader(rows, _TEST_BATCH):
            logits = network(inputs)
            right += int((logits.argmax(1) == labels).sum())
            loss += float(loss_of(logits, labels))
    return right / len(rows), loss / len(rows)
