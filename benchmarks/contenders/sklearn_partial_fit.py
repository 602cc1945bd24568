"""scikit-learn's MLPClassifier, a batch at a time; it knows SGD and Adam only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from benchmarks.contenders import Train
from benchmarks.job import Clock, Ended, Job, Member, Outcome, Rows
from mlplab.declarations.optimizer import Adam, Sgd
from mlplab.networks.initial_weights import draw_kernels


@contextmanager
def session(rows: Rows, precision: str) -> Iterator[Train]:
    """Nothing needs to be made ready."""

    def train(job: Job) -> Outcome:
        clock = Clock()
        able = [m for m in job.members if isinstance(m.optimizer, Sgd | Adam)]
        shown = [_train_one(job, member, rows) for member in able]
        return Outcome(clock.read(), shown)

    yield train


def _train_one(job: Job, member: Member, rows: Rows) -> Ended:
    inputs, labels = rows.train_inputs.numpy(), rows.train_labels.numpy()
    classes = np.arange(rows.classes)
    network = _network_of(job, member)
    batches = _batches(member.seed, len(labels), job.batch_size)
    stretches = job.stretches()
    # Its weights cannot be chosen before it has any: one step is done and undone.
    network.partial_fit(inputs[: job.batch_size], labels[: job.batch_size], classes=classes)
    _begin_again(network, member)
    for steps in stretches:
        for _ in range(steps):
            places = next(batches)
            network.partial_fit(inputs[places], labels[places])
        shares = network.predict_proba(rows.test_inputs.numpy())
        truth = rows.test_labels.numpy()
        accuracy = float((shares.argmax(1) == truth).mean())
        loss = float(log_loss(truth, shares, labels=classes))
    known = float((network.predict(inputs) == labels).mean())
    return Ended(member.name, member.seed, len(stretches), accuracy, loss, known)


def _network_of(job: Job, member: Member) -> MLPClassifier:
    optimizer = member.optimizer
    adam = (
        {
            "solver": "adam",
            "beta_1": optimizer.beta1,
            "beta_2": optimizer.beta2,
            "epsilon": optimizer.epsilon,
        }
        if isinstance(optimizer, Adam)
        else {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}
    )
    return MLPClassifier(
        hidden_layer_sizes=member.layers[1:-1],
        learning_rate_init=optimizer.learning_rate,
        batch_size=job.batch_size,
        alpha=0.0,
        random_state=member.seed,
        **adam,
    )


def _begin_again(network: MLPClassifier, member: Member) -> None:
    kernels = draw_kernels(member.network.initial_weights, member.seed, member.layers)
    for own, kernel in zip(network.coefs_, kernels, strict=True):
        own[...] = kernel
    for bias in network.intercepts_:
        bias[...] = 0.0
    del network._optimizer


def _batches(seed: int, rows: int, size: int) -> Iterator[np.ndarray]:
    random = np.random.default_rng(seed)
    while True:
        order = random.permutation(rows)
        for start in range(0, rows - size + 1, size):
            yield order[start : start + size]
