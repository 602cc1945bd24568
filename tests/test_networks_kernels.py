"""Operations of the compiled loop, in every build that this processor runs, against float64."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from mlplab.declarations.optimizer import Adagrad, Adam, AdamW, RmsProp, Sgd
from mlplab.networks import kernels
from mlplab.networks.aligned import aligned_stack
from mlplab.objectives.cross_entropy import CrossEntropy
from mlplab.objectives.objective import BatchOutputs
from mlplab.objectives.regression import Huber, MeanAbsoluteError, MeanSquaredError, Pinball
from mlplab.objectives.weighted_cross_entropy import WeightedCrossEntropy
from mlplab.optimizers.coefficients import coefficients
from mlplab.optimizers.update import CoefficientTables, OptimizerState
from mlplab.trainer.compiled_objective import CompiledObjectives
from mlplab.trainer.evaluation import metric_sums
from mlplab.trainer.recipe import Quantity
from test_trainer_captured_step import recipe

CLASSES = np.zeros(1, dtype=kernels.OBJECTIVE)
NO_LIBRARY = (ctypes.c_void_p * 3)()
COMPILED = kernels.loaded().library is not None
needs_kernels = pytest.mark.skipif(not COMPILED, reason="mlplab is installed without its kernels")


@pytest.fixture(params=kernels.KINDS)
def library(request) -> ctypes.CDLL:
    if not COMPILED or not kernels.runs(request.param):
        pytest.skip(f"there is no build {request.param}, or this processor does not run it")
    return kernels.open_library(request.param)


def drawn(*shape: int, share: float = 1.0) -> np.ndarray:
    generator = np.random.default_rng(list(shape))
    values = generator.standard_normal(shape, dtype=np.float32)
    values[generator.random(shape) >= share] = 0
    return values


def address(array: np.ndarray | None) -> int | None:
    return None if array is None else array.ctypes.data


SHAPES = [(256, 784, 10), (32, 64, 32), (33, 17, 65), (7, 20, 40), (1, 1, 1), (3, 200, 5)]
LARGE = (256, 200, 130)


@pytest.mark.parametrize("transposed", [(0, 0), (1, 0), (0, 1)])
@pytest.mark.parametrize(("height", "depth", "columns"), [*SHAPES, LARGE])
def test_products_are_those_of_double_precision(library, height, depth, columns, transposed):
    left, right = drawn(height, depth), drawn(depth, columns)
    stored = [
        np.ascontiguousarray(m.T) if t else m
        for m, t in zip((left, right), transposed, strict=True)
    ]
    exact = left.astype(float) @ right.astype(float)
    for products in (NO_LIBRARY, kernels.torch_products()):
        out = np.full((height, columns), np.nan, dtype=np.float32)
        status = library.mlplab_product(
            products, address(stored[0]), transposed[0], address(stored[1]), transposed[1],
            height, depth, columns, address(out),
        )  # fmt: skip
        kernels.check(status)
        np.testing.assert_allclose(out, exact, rtol=0, atol=1e-6 * (depth + 10))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2, 1.0])
@pytest.mark.parametrize(
    ("rows", "features", "columns"),
    [(256, 784, 128), (33, 65, 100), (130, 129, 70), (5, 3, 7), (1, 200, 1)],
)
def test_products_that_pass_zeros_over_are_those_of_double_precision(
    library, rows, features, columns, share
):
    inputs = drawn(rows, features, share=share)
    for transposed, right in ((0, drawn(features, columns)), (1, drawn(rows, columns))):
        left = inputs.T if transposed else inputs
        out = np.full((len(left), columns), np.nan, dtype=np.float32)
        sizes = transposed, rows, features, columns
        kernels.check(
            library.mlplab_sparse_product(address(inputs), address(right), *sizes, address(out))
        )
        exact = left.astype(float) @ right.astype(float)
        np.testing.assert_allclose(out, exact, rtol=0, atol=1e-6 * max(rows, features, 10))


def test_a_zero_may_meet_any_number_but_nan_and_infinity_spread_from_others(library):
    inputs, right, out = drawn(32, 64), drawn(64, 64), np.empty((32, 64), dtype=np.float32)
    inputs[:, 5:7] = 0
    inputs[3, 6] = 1
    right[5], right[6] = np.inf, np.nan
    library.mlplab_sparse_product(address(inputs), address(right), 0, 32, 64, 64, address(out))
    assert np.isnan(out[3]).all()
    assert np.isfinite(out[4:]).all()


@pytest.mark.parametrize("classes", [2, 10, 33])
@pytest.mark.parametrize("scale", [0.1, 5.0, 1000.0])
def test_the_loss_its_gradient_and_metrics_are_those_of_torch(library, classes, scale):
    rows = 45
    logits, gradient = scale * drawn(rows, classes), np.empty((rows, classes), dtype=np.float32)
    targets = np.random.default_rng(1).integers(0, classes, rows)
    metrics = np.zeros(1, dtype=kernels.METRICS)
    loss = library.mlplab_loss(
        address(CLASSES),
        address(logits),
        address(targets),
        rows,
        classes,
        address(gradient),
        address(metrics),
    )
    exact = torch.from_numpy(logits).double().unsqueeze(0)
    right, slopes = torch.from_numpy(targets).unsqueeze(0), torch.empty_like(exact)
    value = CrossEntropy().value_and_gradients(BatchOutputs(exact, exact, right), slopes)
    assert loss == pytest.approx(value.item(), rel=3e-6)
    np.testing.assert_allclose(gradient, slopes[0], rtol=1e-4, atol=1e-6 / rows)
    sums = metric_sums(exact, right, [(CrossEntropy(), slice(None))], right >= 0)[:, 0]
    assert metrics["rows"][0] == rows
    assert metrics["sums"][0, 1] == sums[1]
    assert metrics["sums"][0, 0] == pytest.approx(sums[0].item(), rel=3e-6)
    assert metrics["sums"][0, 2] == pytest.approx(sums[2].item(), rel=3e-6)


def test_rows_of_no_known_class_are_not_measured_and_ties_go_to_the_first_class(library):
    logits = np.zeros((3, 4), dtype=np.float32)
    logits[1] = np.nan
    targets, metrics = np.array([0, -1, 1]), np.zeros(1, dtype=kernels.METRICS)
    library.mlplab_loss(
        address(CLASSES), address(logits), address(targets), 3, 4, None, address(metrics)
    )
    assert metrics["rows"][0] == 2
    assert metrics["sums"][0, 1] == 1
    assert metrics["sums"][0, 0] == pytest.approx(2 * np.log(4), rel=1e-6)


def objective_struct(objective, targets: np.ndarray | None = None) -> tuple[np.ndarray, object]:
    """As the loop is given it, and what has to live as long."""
    quantity = None if targets is None else Quantity(targets, 2.0)
    objectives = CompiledObjectives([recipe(0, None, objective=objective, quantity=quantity)])
    return objectives.structs, objectives


def test_rows_count_by_the_weights_of_their_classes(library):
    logits, weights = 3 * drawn(45, 4), (0.2, 3.0, 1.0, 0.7)
    targets = np.random.default_rng(1).integers(0, 4, 45)
    gradient, metrics = np.empty_like(logits), np.zeros(1, dtype=kernels.METRICS)
    struct, _kept = objective_struct(WeightedCrossEntropy(weights))
    loss = library.mlplab_loss(
        address(struct), address(logits), address(targets), 45, 4, address(gradient),
        address(metrics),
    )  # fmt: skip
    exact = torch.from_numpy(logits).double().requires_grad_()
    value = torch.nn.functional.cross_entropy(
        exact, torch.from_numpy(targets), weight=torch.tensor(weights, dtype=torch.float64)
    )
    value.backward()
    assert loss == pytest.approx(value.item(), rel=3e-6)
    np.testing.assert_allclose(gradient, exact.grad, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    "objective",
    [MeanSquaredError(), MeanAbsoluteError(), Huber(0.5), Pinball(0.9)],
    ids=lambda one: type(one).__name__,
)
def test_losses_of_a_quantity_are_those_of_torch(library, objective):
    outputs, targets = drawn(45, 1), drawn(45)
    outputs[3, 0] = targets[3]
    gradient, metrics = np.empty_like(outputs), np.zeros(1, dtype=kernels.METRICS)
    struct, _kept = objective_struct(objective, targets)
    loss = library.mlplab_loss(
        address(struct), address(outputs), None, 45, 1, address(gradient), address(metrics)
    )
    exact, right = torch.from_numpy(outputs).double()[None], torch.from_numpy(targets)[None]
    slopes = torch.empty_like(exact)
    value = objective.value_and_gradients(BatchOutputs(exact, exact, right.double()), slopes)
    assert loss == pytest.approx(value.item(), rel=1e-6)
    np.testing.assert_allclose(gradient, slopes[0], rtol=1e-5, atol=1e-8)
    sums = metric_sums(exact, right, [(objective, slice(None))], torch.ones(1, 45))[:, 0]
    assert metrics["rows"][0] == 45
    np.testing.assert_allclose(metrics["sums"][0], sums, rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 4, 9])
def test_a_logit_that_is_no_number_makes_the_loss_none(library, bad, place):
    logits = drawn(20, 10)
    logits[7, place] = bad
    targets, metrics = np.zeros(20, dtype=np.int64), np.zeros(1, dtype=kernels.METRICS)
    gradient = np.empty_like(logits)
    loss = library.mlplab_loss(
        address(CLASSES),
        address(logits),
        address(targets),
        20,
        10,
        address(gradient),
        address(metrics),
    )
    assert not np.isfinite(loss)


OPTIMIZERS = [
    Sgd(name="sgd", learning_rate=0.1),
    Sgd(name="sgd", learning_rate=0.1, momentum=0.9, weight_decay=0.01),
    Adagrad(name="adagrad", learning_rate=0.05),
    RmsProp(name="rmsprop", learning_rate=0.003),
    Adam(name="adam", learning_rate=0.01, weight_decay=0.1),
    AdamW(name="adamw", learning_rate=0.01, weight_decay=0.1),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o.name)
@pytest.mark.parametrize("count", [1, 40, 67])
def test_ten_updates_are_those_of_the_eager_path(library, optimizer, count):
    c = coefficients([optimizer], [10])
    device = torch.device("cpu")
    tables = CoefficientTables(c, torch.float32, device)
    stack = aligned_stack((1, 1, count), torch.float32)
    stack.copy_(torch.from_numpy(drawn(1, 1, count)))
    state = OptimizerState.init(stack, torch.empty_like(stack), tables.initial_second, decays=True)
    weights, first = stack.numpy().reshape(-1).copy(), np.zeros(count, dtype=np.float32)
    second = np.full(count, c.initial_second[0], dtype=np.float32)
    constants = c.constants().T.ravel()
    has_first, has_second = constants[:2].tolist() != [0, 1], constants[2:].any()
    for step in range(1, 11):
        gradient = drawn(count + step)[:count].copy()
        state.gradient.copy_(torch.from_numpy(gradient))
        state.update(tables.at(step))
        by = np.concatenate([constants, c.by_step()[step - 1, :, 0]]).astype(np.float32)
        library.mlplab_update(
            address(weights), address(gradient), address(first if has_first else None),
            address(second if has_second else None), count, address(by),
        )  # fmt: skip
    np.testing.assert_allclose(weights, stack.numpy().ravel(), rtol=2e-6, atol=2e-6)


def test_sgd_squares_no_gradient_that_would_overflow(library):
    weights, gradient = np.zeros(3, dtype=np.float32), np.full(3, 3e30, dtype=np.float32)
    by = np.array([0, 1, 0, 0, 0.1, 1, 0, 1, 0], dtype=np.float32)
    library.mlplab_update(address(weights), address(gradient), None, None, 3, address(by))
    np.testing.assert_allclose(weights, -3e29, rtol=1e-6)


@needs_kernels
def test_a_product_that_torch_refuses_is_told():
    refuses = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(lambda *_: 1)
    real = kernels.torch_products()
    products = (ctypes.c_void_p * 3)(ctypes.cast(refuses, ctypes.c_void_p).value, *real[1:])
    left, right, out = drawn(256, 200), drawn(200, 200), np.empty((256, 200), dtype=np.float32)
    status = kernels.loaded().library.mlplab_product(
        products, address(left), 0, address(right), 0, 256, 200, 200, address(out)
    )
    with pytest.raises(RuntimeError, match="could not compute"):
        kernels.check(status)
    with pytest.raises(MemoryError):
        kernels.check(1)


def described(**environment: str) -> str:
    code = "from mlplab.networks import kernels; import sys; print(kernels.describe()); "
    code += "assert 'torch' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, **environment}, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()


def test_the_build_can_be_chosen_and_is_told_without_torch():
    assert described(MLPLAB_KERNELS="none").startswith("none")
    if COMPILED:
        assert described(MLPLAB_KERNELS="baseline").startswith("baseline")


@needs_kernels
def test_a_library_older_than_its_source_is_not_used(monkeypatch):
    monkeypatch.setattr(kernels, "_digest", lambda: "of another source")
    found = kernels.loaded.__wrapped__()
    assert (found.kind, found.library) == (None, None) or not kernels.SOURCE.exists()


def test_a_build_that_lacks_a_newer_function_is_opened_to_be_told_older(monkeypatch):
    if not (kernels.BUILT / "baseline.so").exists():
        pytest.skip("nothing was compiled")
    monkeypatch.setitem(kernels._FUNCTIONS, "mlplab_of_tomorrow", (None,))
    assert kernels.open_library.__wrapped__("baseline").mlplab_digest()
