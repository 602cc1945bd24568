"""What detectors take in: checked activations, weights, and the health of scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mlplab.openset.activations import Activations, OutputLayer, checked_labels
from mlplab.openset.detectors.detector import Fitted
from mlplab.openset.detectors.registry import make
from mlplab.openset.from_weights import activations_from_weights
from mlplab.openset.health import health

Z = np.arange(8.0).reshape(4, 2)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (
            {"logits": np.where(Z == 3, math.nan, Z)},
            r"logits: expected finite numbers, but got NaN .* in 1 of 4 rows \(first in row 1\)",
        ),
        ({"logits": np.full((4, 2), -math.inf)}, "logits: expected finite"),
        ({"logits": Z[:0]}, r"logits: expected at least one entry .* got shape \(0, 2\)"),
        ({"logits": Z[:, :1]}, "logits: expected at least two classes"),
        ({"logits": Z[0]}, r"logits: expected an array of shape \(row, class\)"),
        ({"logits": Z.astype(str)}, "logits: expected numbers"),
        ({"logits": Z, "hidden": Z[:3]}, "hidden: expected 4 rows as in the logits, but got 3"),
        ({"logits": Z, "hidden": np.full((4, 3), math.nan)}, "hidden: expected finite"),
        ({"logits": Z, "sigmoid_logit": Z}, r"sigmoid_logit: expected an array of shape \(row,\)"),
        (
            {
                "logits": Z,
                "hidden": Z,
                "output_layer": OutputLayer(kernel=np.eye(3), bias=np.ones(2)),
            },
            r"output_layer: expected kernel \(2, 2\)",
        ),
    ],
)
def test_activations_that_cannot_be_used(arrays, said):
    with pytest.raises(ValueError, match=said):
        Activations(**arrays)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 1], r"labels: expected one a row, shape \(4,\)"),
        ([0.0, 1.0, 0.0, 1.0], "labels: expected whole numbers"),
        ([0, 1, 2, 0], "labels: expected the index of a logit, 0 to 1, but got 2"),
        ([0, 1, -1, 0], "got -1"),
        ([1, 1, 1, 1], "at least two known classes, but got 4 rows of class 1 only"),
    ],
)
def test_labels_that_cannot_be_used(labels, said):
    with pytest.raises(ValueError, match=said):
        checked_labels(Activations(logits=Z), labels)


def test_taking_rows_takes_them_of_every_array():
    layer = OutputLayer(kernel=np.eye(2), bias=np.zeros(2))
    a = Activations(logits=Z, hidden=Z, inputs=Z.astype(np.uint8), output_layer=layer)
    assert a.inputs.dtype == np.float32
    some = a.take([2, 0])
    np.testing.assert_array_equal(some.hidden, Z[[2, 0]])
    np.testing.assert_array_equal(some.inputs, Z[[2, 0]])
    assert some.sigmoid_logit is None
    assert some.output_layer is layer
    assert (len(a), len(some)) == (4, 2)


# --------------------------------------------------------------------- weights

TORCH = {
    "relu": torch.nn.ReLU,
    "leaky_relu": torch.nn.LeakyReLU,
    "tanh": torch.nn.Tanh,
    "sigmoid": torch.nn.Sigmoid,
    "gelu": torch.nn.GELU,
    "identity": torch.nn.Identity,
}


@pytest.mark.parametrize("activation", TORCH)
def test_activations_from_weights_against_torch(activation):
    torch.manual_seed(0)
    dense = [torch.nn.Linear(6, 5), torch.nn.Linear(5, 4), torch.nn.Linear(4, 3)]
    body = torch.nn.Sequential(
        dense[0], TORCH[activation](), dense[1], TORCH[activation]()
    ).double()
    head = dense[2].double()
    x = torch.randn(11, 6, dtype=torch.float64)
    layers = [(d.weight.T.detach().numpy(), d.bias.detach().numpy()) for d in dense]
    got = activations_from_weights(x.numpy(), layers, activation, rows_at_once=4)
    with torch.no_grad():
        hidden = body(x)
        np.testing.assert_allclose(got.hidden, hidden.numpy(), atol=1e-12)
        np.testing.assert_allclose(got.logits, head(hidden).numpy(), atol=1e-12)


@pytest.mark.parametrize(
    ("layers", "activation", "said"),
    [
        ([(np.ones((2, 3)), np.ones(3))], "swish", "activation: expected one of relu"),
        ([], "relu", "layers: expected at least the output layer"),
        ([(np.ones((3, 2)), np.ones(2))], "relu", r"layer 1: expected a kernel \(2, out\)"),
        ([(np.ones((2, 4)), np.ones(4)), (np.ones((4, 2)), np.ones(3))], "relu", "layer 2"),
    ],
)
def test_weights_that_do_not_fit(layers, activation, said):
    with pytest.raises(ValueError, match=said):
        activations_from_weights(Z, layers, activation)


# ---------------------------------------------------------------------- health


def _train() -> tuple[Activations, np.ndarray]:
    draw = np.random.default_rng(0)
    labels = np.arange(60) % 3
    hidden = np.maximum(3 * np.eye(3)[labels] + draw.normal(size=(60, 3)), 0)
    hidden = np.column_stack([hidden, np.zeros(60)])
    return Activations(hidden=hidden, logits=hidden[:, :3]), labels


def test_health_of_a_sound_score():
    train, labels = _train()
    got = health(make("mahalanobis").fit(train, labels), train)
    assert (got.tied, got.saturated, got.dead_units, got.units) == (0.0, 0.0, 1, 4)
    assert got.alone_equals_batch
    assert got.line == (
        "ties 0%; saturated 0%; dead units 1 of 4; covariance singular (rank 3 of 4); "
        "alone as in a batch"
    )


def test_health_sees_ties_saturation_and_constants():
    train, labels = _train()
    detector = make("max logit").fit(train, labels)
    z = np.zeros((10, 3))
    # largest logits: 1 five times (the highest score), 2 twice, 7, 8, 9
    z[:, 0] = [1, 1, 1, 1, 1, 2, 2, 7, 8, 9]
    got = health(detector, Activations(logits=z))
    assert (got.tied, got.saturated, got.dead_units) == (0.7, 0.5, None)
    beside = health(detector, Activations(logits=z), beside=np.array([-8.0, -11.0]))
    assert beside.rows == 12
    assert (beside.tied, beside.saturated) == (pytest.approx(9 / 12), pytest.approx(5 / 12))
    flat = health(detector, Activations(logits=np.ones((5, 3))))
    assert flat.constant
    assert flat.line == "all scores are equal: nothing can be told apart; alone as in a batch"


def test_health_sees_a_score_that_depends_on_the_batch():
    by_rank = Fitted("rank", lambda a: a.logits[:, 0].argsort().argsort().astype(float), {})
    got = health(by_rank, Activations(logits=np.random.default_rng(0).normal(size=(20, 2))))
    assert not got.alone_equals_batch
    assert "DEPENDS ON THE BATCH" in got.line


def test_scores_that_overflow_are_no_scores():
    broken = Fitted("broken", lambda a: np.full(len(a), math.inf), {})
    with pytest.raises(
        ValueError, match="broken: expected finite scores, but got NaN or infinity for 4 of 4 rows"
    ):
        broken.score(Activations(logits=Z))
