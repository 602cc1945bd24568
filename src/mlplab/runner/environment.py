"""The machine and the versions a run is made on: what is recorded, and how many cores there are.

No name of a machine, a person or a folder is in it, so that results can be passed on.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from mlplab.networks import kernels
from mlplab.reproducible_products import MKL_MODE

COMPUTING = "mlplab-computing-"
"""How the names of threads begin that train networks or test trained ones."""
_CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class Placement:
    """Where training computes, and how: all that its speed depends on beside its work."""

    device: str
    """cpu or cuda."""
    precision: str
    cores: int
    """How many this process may use."""


def usable_cores() -> int:
    """Cores that the machine, its container and OMP_NUM_THREADS allow this process."""
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(1, min(cores, _container_cores() or cores, _requested_threads() or cores))


def compute_on(cores: int) -> None:
    """Have torch compute on so many cores in this thread.

    torch first asks for a thread's number when it needs one, and then takes what any thread set
    last; so it is asked first.
    """
    import torch

    torch.get_num_threads()
    torch.set_num_threads(cores)


def is_computing() -> bool:
    """Whether a thread that trains networks, or tests trained ones, has not ended."""
    return any(thread.name.startswith(COMPUTING) for thread in threading.enumerate())


def describe(device: str) -> Mapping[str, str]:
    """Return versions and hardware as text; `device` is cpu or cuda."""
    import torch

    facts = {
        "mlplab": version("mlplab"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": str(usable_cores()),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }
    facts["kernels"] = kernels.describe()
    if mode := os.environ.get(MKL_MODE):
        facts["mkl"] = mode
    if device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        facts["gpu"] = f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
        facts["cuda"] = str(torch.version.cuda)
    return facts


def processor() -> str:
    """Return the processor's model as the operating system names it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def resolve_device(wanted: str) -> str:
    """Return cpu or cuda for "auto", "cpu" or "cuda"; auto takes a GPU that passes `check_device`.

    Raises:
        BadInput: a GPU was asked for and none can be used, or the word is unknown.
    """
    from mlplab.declarations.problems import BadInput, Problem

    if wanted not in ("auto", "cpu", "cuda"):
        raise BadInput(Problem("--device", "auto, cpu or cuda", repr(wanted)))
    if wanted == "cpu" or (wanted == "auto" and not _may_have_gpu()):
        return "cpu"
    import torch

    found = torch.cuda.is_available()
    if wanted == "auto":
        return "cuda" if found and _gpu_computes_rightly() else "cpu"
    if not found:
        received = "a machine on which torch finds none"
        raise BadInput(Problem("--device", "a CUDA GPU", received, "use --device cpu"))
    return "cuda"


def _may_have_gpu() -> bool:
    """Whether torch is worth asking: its import takes longer than a run with nothing to do."""
    if sys.platform == "darwin":
        return False
    drivers = (Path("/proc/driver/nvidia"), Path("/dev/dxg"), Path("/dev/kfd"))
    return sys.platform != "linux" or any(driver.exists() for driver in drivers)


@cache
def _gpu_computes_rightly() -> bool:
    """Whether the GPU passes its check; says so where it does not."""
    from mlplab.data.announcing import to_stderr
    from mlplab.trainer.device_check import check_device

    found = check_device("cuda")
    if not found.passed:
        to_stderr(f"the GPU is not used, since it failed its check: {found.problem}")
    return found.passed


def check_precision(precision: str, device: str) -> None:
    """Refuse a precision that a device has no fast products of.

    Raises:
        BadInput: bfloat16, which this device multiplies slower than float32 by orders of magnitude.
    """
    from mlplab.declarations.problems import BadInput, Problem
    from mlplab.networks.precision import has_fast_bfloat16

    if precision == "bfloat16" and not has_fast_bfloat16(device):
        expected = "a precision that this machine multiplies fast"
        came = "bfloat16, for which its processor or GPU has no instructions"
        raise BadInput(Problem("--precision", expected, came, "use --precision float32"))


def gpu_bytes(device: str) -> int | None:
    """Return the whole memory of the GPU; None where `device` is cpu."""
    if device != "cuda":
        return None
    import torch

    return torch.cuda.get_device_properties(0).total_memory


def _container_cores() -> int | None:
    """Return the whole cores that a Linux container is given, None if there is no limit."""
    try:
        quota, period = _CGROUP_LIMIT.read_text().split()
        return None if quota == "max" else max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None


def _requested_threads() -> int | None:
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdecimal() and int(text) > 0 else None
