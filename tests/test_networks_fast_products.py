"""float32 products by the quicker library: still float32, and torch is left as it was found."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from mlplab.networks import fast_products
from mlplab.networks.aligned import aligned_stack
from mlplab.networks.fast_products import fast_float32_products, onednn_is_quicker_and_exact
from mlplab.networks.products import batched_matmul
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.train import train
from test_trainer import CLASSES, assert_same_bits, recipe


def setting() -> str:
    return torch.backends.mkldnn.matmul.fp32_precision


@pytest.fixture
def capabilities(monkeypatch):
    """Pretends a processor; the answer is not remembered beyond the test."""

    def pretend(**able: object) -> None:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
        onednn_is_quicker_and_exact.cache_clear()

    yield pretend
    onednn_is_quicker_and_exact.cache_clear()


def test_products_are_float32_within():
    left, right = torch.rand(3, 200, 300) + 2**-12, torch.rand(3, 300, 50) + 2**-12
    with fast_float32_products():
        found = torch.bmm(left, right)
    torch.testing.assert_close(found.double(), left.double() @ right.double(), rtol=2e-6, atol=0)


def test_the_setting_comes_back_when_the_last_user_leaves():
    before = setting()
    with fast_float32_products():
        within = setting()
        with fast_float32_products():
            assert setting() == within
        assert setting() == within
    assert setting() == before
    assert (within == "bf16") == onednn_is_quicker_and_exact()


def test_the_first_look_is_taken_by_one_thread_and_leaves_nothing_behind():
    before = setting()
    for _ in range(20):
        onednn_is_quicker_and_exact.cache_clear()
        ready = threading.Barrier(4)

        def enter(together=ready) -> str:
            together.wait()
            with fast_float32_products():
                seen = {setting() for _ in range(50)}
            assert len(seen) == 1
            return seen.pop()

        with ThreadPoolExecutor(4) as pool:
            seen = {found.result() for found in [pool.submit(enter) for _ in range(4)]}
        assert len(seen) == 1
        assert setting() == before


def test_the_setting_comes_back_after_an_error():
    before = setting()
    with pytest.raises(KeyError), fast_float32_products():
        raise KeyError
    assert setting() == before


@pytest.mark.parametrize(
    "able",
    [
        {"avx512_f": False, "cpu_name": "AMD EPYC"},
        {"avx512_f": True, "amx_bf16": True, "amx_tile": True, "cpu_name": "AMD EPYC"},
        {"avx512_f": True, "cpu_name": "Intel(R) Xeon(R)"},
    ],
)
def test_no_leave_is_given_where_it_would_be_used_or_gains_nothing(capabilities, able):
    capabilities(**able)
    assert not onednn_is_quicker_and_exact()
    before = setting()
    with fast_float32_products():
        assert setting() == before


def test_a_library_that_rounds_operands_is_found_out(capabilities, monkeypatch):
    capabilities(avx512_f=True, cpu_name="AMD EPYC")
    real = torch.bmm
    rounding = lambda a, b: real(a.bfloat16().float(), b.bfloat16().float())  # noqa: E731
    monkeypatch.setattr(fast_products.torch, "bmm", rounding)
    assert not onednn_is_quicker_and_exact()


@pytest.fixture(params=["high", "medium"])
def lowered(request):
    """What a user's program may have allowed torch; its words for the CPU and the GPU."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(request.param)
    yield setting(), torch.backends.cuda.matmul.fp32_precision
    torch.set_float32_matmul_precision(before)


def test_what_a_user_allowed_lowers_no_product_within(capabilities, lowered):
    capabilities(avx512_f=True, cpu_name="Intel(R) Xeon(R)")
    on_gpu = torch.backends.cuda.matmul
    with fast_float32_products():
        assert (setting(), on_gpu.fp32_precision) == ("ieee", "ieee")
        assert not on_gpu.allow_bf16_reduced_precision_reduction
    assert (setting(), on_gpu.fp32_precision) == lowered
    assert on_gpu.allow_bf16_reduced_precision_reduction
    # Where torch's older and newer names no longer agree, it raises.
    assert on_gpu.allow_tf32


@pytest.mark.parametrize("name", ["AMD EPYC", "Intel(R) Xeon(R)"])
def test_training_gives_the_same_bits_whatever_a_user_allowed(capabilities, name):
    capabilities(avx512_f=True, cpu_name=name)
    generator = np.random.default_rng(1)
    inputs, labels = generator.random((300, 784), dtype=np.float32), np.arange(300) % CLASSES
    data = DeviceDataset(inputs, labels)
    wide = recipe(layers=(784, 128, 256, CLASSES), batch_size=128, steps=3)
    (expected,) = train([wide], data)
    torch.set_float32_matmul_precision("medium")
    try:
        (found,) = train([wide], data)
    finally:
        torch.set_float32_matmul_precision("highest")
    assert_same_bits(found, expected)


TINY = [(16, 20, 10), (8, 5, 3), (1, 1, 1), (32, 2, 1), (1, 64, 10)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("rows", "middle", "columns"), TINY)
def test_tiny_products_have_the_same_bits_in_stacks_of_any_size(rows, middle, columns, dtype):
    left, right = (
        aligned_stack(shape, dtype).copy_(torch.randn(shape))
        for shape in ((64, rows, middle), (64, middle, columns))
    )
    with fast_float32_products():
        together = batched_matmul(left, right, aligned_stack((64, rows, columns), dtype))
        for count in (1, 2, 3, 17):
            out = aligned_stack((count, rows, columns), dtype)
            own = batched_matmul(left[:count], right[:count], out)
            assert torch.equal(own, together[:count])
