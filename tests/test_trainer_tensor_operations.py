"""What a GPU computes, against the CPU.

Where there is no GPU, the same operations are done on the CPU, and on torch's device that has only
shapes and types: there an operand that was left on the CPU is found out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mlplab.networks.activations import ACTIVATIONS
from mlplab.networks.dense_stack import forward
from mlplab.networks.dropout import Dropout
from mlplab.objectives import with_centres
from mlplab.objectives.with_centres import CentreLoss, ClassAnchor
from mlplab.objectives.with_negatives import (
    BackgroundClass,
    EnergyMargin,
    Entropic,
    Objectosphere,
    SigmoidOutput,
)
from mlplab.trainer import eager_networks, eager_step, evaluation
from mlplab.trainer import train as training
from mlplab.trainer.captured_step import CapturedStep, can_be_captured
from mlplab.trainer.eager_step import StackState
from mlplab.trainer.train import train
from test_trainer import DIFFERENT, FEATURES, STOPPING, VALIDATION, problem, recipe
from test_trainer_captured_step import eager

TWO_ARE_KNOWN = np.array([0, 1, -1, -1])


def open_set(seed: int, which: str, objective, outputs: int = 2, **changes):
    return recipe(
        seed,
        which,
        label_map=TWO_ARE_KNOWN,
        layers=(FEATURES, 17, 11, outputs),
        objective=objective,
        **changes,
    )


STACKS = {name: [replace(r, activation=name) for r in DIFFERENT] for name in ACTIVATIONS} | {
    "hidden and centres": [
        open_set(0, "adam", Entropic(), dropout=0.2),
        open_set(1, "sgd", Objectosphere()),
        open_set(1, "sgd", CentreLoss()),
        open_set(2, "rmsprop", ClassAnchor()),
        open_set(2, "adagrad", EnergyMargin()),
    ],
    "a further output": [
        open_set(0, "adam", SigmoidOutput(), outputs=3, dropout=0.2),
        open_set(3, "adamw", BackgroundClass(), outputs=3),
    ],
    "early stopping": [
        recipe(0, steps=120, evaluate_every=10, validation_rows=VALIDATION,
               early_stopping=STOPPING),
        recipe(1, "sgd", steps=75, evaluate_every=50, validation_rows=VALIDATION,
               diagnostics=True),
    ],
}  # fmt: skip
TOLERANCE = {
    "float32": {"rtol": 1e-4, "atol": 2e-5},
    # Rounded to eight bits, what differs in a last place is another operand.
    "bfloat16": {"rtol": 0.05, "atol": 0.02},
}


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Everything as on a GPU, but for where it is computed."""

    def step_for(state):
        if can_be_captured(state):
            return CapturedStep(state, eager(state))
        return lambda *batch: eager_step.eager_step(state, *batch)

    def switch() -> None:
        monkeypatch.setattr(training, "is_compiled", lambda *_: False)
        monkeypatch.setattr(with_centres, "_scattered", with_centres.by_product)
        monkeypatch.setattr(eager_networks, "step_for", step_for)

    return switch


@pytest.mark.parametrize("precision", list(TOLERANCE))
@pytest.mark.parametrize("stack", list(STACKS))
def test_a_captured_step_with_a_gpus_operations_trains_as_the_cpu_does(
    stack, precision, as_on_a_gpu
):
    data = problem(precision)
    expected = train(STACKS[stack], data)
    as_on_a_gpu()
    for one, other in zip(train(STACKS[stack], data), expected, strict=True):
        assert (one.stopped_at, one.diverged_at) == (other.stopped_at, other.diverged_at)
        assert one.curves.keys() == other.curves.keys()
        for name in one.curves.keys() - {("batch", "seconds")}:
            if name[1].endswith("loss"):
                np.testing.assert_allclose(
                    one.curves[name], other.curves[name], **TOLERANCE[precision], err_msg=str(name)
                )
        for ours, theirs in zip(one.weights, other.weights, strict=True):
            for part, same in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(part, same, **TOLERANCE[precision])
        assert (one.centres is None) == (other.centres is None)
        if one.centres is not None:
            np.testing.assert_allclose(one.centres, other.centres, **TOLERANCE[precision])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("stack", list(STACKS))
def test_nothing_of_a_step_is_left_on_the_cpu(stack, dtype, monkeypatch):
    monkeypatch.setattr(eager_step, "_dropout", dropout_without_a_look)
    device, recipes = torch.device("meta"), STACKS[stack]
    state = StackState.init(recipes, dtype, device)
    inputs = torch.zeros(1, 32, FEATURES, dtype=dtype, device=device)
    targets = torch.zeros(1, 32, dtype=torch.int64, device=device)
    batch = inputs.expand(len(recipes), -1, -1), targets.expand(len(recipes), -1)
    repeated = CapturedStep(state, eager(state))
    for _ in range(4):
        repeated(*batch)
    assert state.step == 4

    fewer = state.select(torch.tensor([0, 1], device=device), recipes[:2])
    eager_step.eager_step(fewer, *(part[:2] for part in batch))
    logits = forward(fewer.stack, batch[0][:2], fewer.workspace)
    targets = batch[1][:2]
    sums = evaluation.metric_sums(logits, targets, fewer.objectives, targets >= 0)
    assert sums.device == logits.device == device
    assert sums.shape == (len(evaluation.METRICS), 2)


def dropout_without_a_look(recipes, dtype, device) -> Dropout | None:
    """`_dropout`, which asks the device whether any rate is above zero: here it cannot answer."""
    rates = [r.dropout for r in recipes]
    if not any(rates):
        return None
    seeds = torch.tensor([r.seed for r in recipes], device=device)
    return Dropout(torch.tensor(rates, dtype=dtype, device=device), seeds)
