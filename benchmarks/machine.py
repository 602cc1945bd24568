"""The machine a benchmark ran on: hardware, versions, load, and its fastest products."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_PEERS = ("jax", "jaxlib", "scikit-learn")
_PRODUCTS = ((2048, 2048, 2048), (4096, 4096, 4096), (1024, 4096, 1024))
"""(rows, inner, columns): large enough that nothing but multiplying counts."""
_SECONDS_A_PRODUCT = 0.4


def described() -> Mapping[str, str]:
    """Hardware and versions as text; no name of a machine, a person or a folder is in it."""
    from mlplab.networks.precision import has_fast_bfloat16
    from mlplab.runner.environment import describe, resolve_device

    facts = dict(describe(resolve_device("auto")))
    facts["fast bfloat16"] = "yes" if has_fast_bfloat16("cpu") else "no"
    facts |= {name: _version(name) for name in _PEERS}
    return facts


def load() -> str:
    """The load of the last minute, against which a time is to be read; "unknown" on Windows."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def product_limits() -> dict[str, float]:
    """FLOP/s of the best large product on all cores, by precision; bfloat16 only where it is fast.

    Both ways of using the cores are tried: all on one product, and a product on each; and for
    float32 the quicker library.
    """
    import torch

    from mlplab.networks.fast_products import fast_float32_products
    from mlplab.networks.precision import has_fast_bfloat16
    from mlplab.runner.environment import usable_cores

    kinds = {"float32": torch.float32}
    if has_fast_bfloat16("cpu"):
        kinds["bfloat16"] = torch.bfloat16
    cores = usable_cores()
    with fast_float32_products():
        return {
            name: max(
                max(_together(shape, dtype, cores), _side_by_side(shape, dtype, cores))
                for shape in _PRODUCTS
            )
            for name, dtype in kinds.items()
        }


def _together(shape: tuple[int, int, int], dtype: torch.dtype, cores: int) -> float:
    import torch

    torch.set_num_threads(cores)
    return _rate(shape, dtype)


def _side_by_side(shape: tuple[int, int, int], dtype: torch.dtype, cores: int) -> float:
    import torch

    def alone(_: int) -> float:
        torch.set_num_threads(1)
        return _rate(shape, dtype)

    with ThreadPoolExecutor(cores) as pool:
        return cores * min(pool.map(alone, range(cores)))


def _rate(shape: tuple[int, int, int], dtype: torch.dtype) -> float:
    """FLOP/s of the quickest of several products in this thread."""
    import torch

    rows, inner, columns = shape
    left = torch.randn(rows, inner).to(dtype)
    right = torch.randn(inner, columns).to(dtype)
    out = left @ right
    best, end = float("inf"), time.perf_counter() + _SECONDS_A_PRODUCT
    while time.perf_counter() < end:
        began = time.perf_counter()
        torch.mm(left, right, out=out)
        best = min(best, time.perf_counter() - began)
    return 2 * rows * inner * columns / best


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
