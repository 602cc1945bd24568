"""What a GPU computes, by tensor operations alone, against the passes compiled for the CPU.

Where there is no GPU, the same operations are done on the CPU, and on torch's device that has only
shapes and types: there an operand that was left on the CPU is found out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from mlplab.trainer.lean_step import StackState
from mlplab.trainer.repeated_step import RepeatedStep, can_be_recorded

from mlplab.networks import dense_stack
from mlplab.networks.activations import ACTIVATIONS
from mlplab.networks.dense_stack import forward
from mlplab.networks.dropout import Dropout
from mlplab.networks.precision import Precision
from mlplab.objectives import cross_entropy, with_centres
from mlplab.objectives.with_centres import CentreLoss, ClassAnchor
from mlplab.objectives.with_negatives import (
    BackgroundClass,
    EnergyMargin,
    Entropic,
    Objectosphere,
    SigmoidOutput,
)
from mlplab.optimizers.update import Optimized
from mlplab.trainer import evaluation, lean_step
from mlplab.trainer import train as training
from mlplab.trainer.train import train
from test_trainer import DIFFERENT, FEATURES, STOPPING, VALIDATION, problem, recipe
from test_trainer_repeated_step import eager

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

    def cross_entropy_gradients(self, outputs, logits_gradient, hidden_gradient=None):
        return cross_entropy.by_tensor_operations(outputs, logits_gradient)

    def metric_sums(logits, targets, valid=None):
        logits = logits.float() if logits.dtype.itemsize < 4 else logits
        return evaluation.metric_sums_by_tensor_operations(logits, targets, valid)

    def step_for(state):
        if can_be_recorded(state):
            return RepeatedStep(state, eager(state))
        return lambda *batch: lean_step.lean_step(state, *batch)

    def switch() -> None:
        plain = cross_entropy.CrossEntropy
        monkeypatch.setattr(dense_stack, "_fused_passes", lambda *_: None)
        monkeypatch.setattr(Optimized, "update", Optimized.update_by_tensor_operations)
        monkeypatch.setattr(plain, "value_and_gradients", cross_entropy_gradients)
        monkeypatch.setattr(plain, "takes_bfloat16", property(lambda _: False))
        monkeypatch.setattr(with_centres, "_scattered", with_centres.by_product)
        monkeypatch.setattr(evaluation, "metric_sums", metric_sums)
        monkeypatch.setattr(training, "step_for", step_for)

    return switch


@pytest.mark.parametrize("precision", list(TOLERANCE))
@pytest.mark.parametrize("stack", list(STACKS))
def test_tensor_operations_train_as_the_fused_passes_do(stack, precision, as_on_a_gpu):
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


def test_metrics_are_those_of_the_fused_pass():
    draw = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(3, 50, 7, generator=draw)
    targets = torch.randint(-1, 7, (3, 50), generator=draw)
    fused = evaluation.metric_sums(logits, targets, targets >= 0)
    operations = evaluation.metric_sums_by_tensor_operations(logits, targets, targets >= 0)
    torch.testing.assert_close(fused, operations, rtol=1e-5, atol=1e-5)
    assert torch.equal(fused[1], operations[1])


@pytest.mark.parametrize(
    "precision",
    [
        Precision(torch.float32),
        Precision(torch.bfloat16),
        Precision(torch.float32, rounds=True),
    ],
    ids=["float32", "bfloat16", "rounded to bfloat16"],
)
@pytest.mark.parametrize("stack", list(STACKS))
def test_nothing_of_a_step_is_left_on_the_cpu(stack, precision, monkeypatch):
    monkeypatch.setattr(lean_step, "_dropout", dropout_without_a_look)
    device, recipes = torch.device("meta"), STACKS[stack]
    state = StackState.beginning(recipes, precision, device)
    inputs = torch.zeros(1, 32, FEATURES, dtype=precision.dtype, device=device)
    targets = torch.zeros(1, 32, dtype=torch.int64, device=device)
    batch = inputs.expand(len(recipes), -1, -1), targets.expand(len(recipes), -1)
    repeated = RepeatedStep(state, eager(state))
    for _ in range(4):
        repeated(*batch)
    assert state.step == 4
    assert state.workspace.passes is None

    fewer = state.select(torch.tensor([0, 1], device=device), recipes[:2])
    lean_step.lean_step(fewer, *(part[:2] for part in batch))
    logits = forward(fewer.stack, batch[0][:2], fewer.workspace)
    targets = batch[1][:2]
    sums = evaluation.stack_metric_sums(logits, targets, fewer.objectives, targets >= 0)
    assert sums.device == logits.device == device
    assert sums.shape == (len(evaluation.METRICS), 2)


def dropout_without_a_look(recipes, dtype, device) -> Dropout | None:
    """`_dropout`, which asks the device whether any rate is above zero: here it cannot answer."""
    rates = [r.dropout for r in recipes]
    if not any(rates):
        return None
    seeds = torch.tensor([r.seed for r in recipes], device=device)
    return Dropout(torch.tensor(rates, dtype=dtype, device=device), seeds)
