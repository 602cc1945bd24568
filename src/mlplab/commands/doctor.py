"""`mlplab doctor`: what this machine has, and what of it mlplab uses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from mlplab.commands.failure import complain, require_memory
from mlplab.user_folders import cache_folder, log_folder

_LIBRARIES = ("torch", "numpy", "scipy", "pandas", "scikit-learn", "pydantic", "altair")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Show what this machine has and uses: cores, libraries, GPU, data, versions.

    \b
    Examples:
      mlplab doctor
      mlplab doctor --json

    Nothing is trained, downloaded or written. Where a question about speed or about a GPU is
    asked, its ten lines are what another person needs to know.
    """
    require_memory()
    if not as_json:
        complain("loading the numerical libraries")
    facts = dict(_facts())
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    for name, text in facts.items():
        print(f"{name:<10} {text}")


def _facts() -> Iterator[tuple[str, str]]:
    import platform

    from mlplab.runner.environment import processor

    yield "versions", _versions()
    yield "system", f"{platform.system()} {platform.machine()}, {processor()}, {_memory()}"
    yield "cores", _cores()
    yield "kernels", _kernels()
    yield "libraries", _libraries()
    yield "bfloat16", _bfloat16()
    yield "GPU", _gpu()
    yield "data", _data()
    yield "caches", _folder_in_words(cache_folder())
    yield "logs", _folder_in_words(log_folder())


def _versions() -> str:
    import platform
    from importlib.metadata import version

    others = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return f"mlplab {version('mlplab')}, Python {platform.python_version()}, {others}"


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "memory unknown"
    return f"{total / 2**30:.1f} GiB of memory"


def _cores() -> str:
    from mlplab.runner.environment import usable_cores

    asked = os.environ.get("OMP_NUM_THREADS")
    limited = f"; OMP_NUM_THREADS={asked}" if asked else ""
    return f"{usable_cores()} of {os.cpu_count()} are used{limited}"


def _kernels() -> str:
    from mlplab.networks.kernels import describe

    return describe()


def _libraries() -> str:
    import torch

    from mlplab.reproducible_products import MKL_MODE

    mkl = f"MKL ({MKL_MODE}={os.environ.get(MKL_MODE, 'unset')})"
    has = [
        mkl if torch.backends.mkl.is_available() else "no MKL",
        "oneDNN" if torch.backends.mkldnn.is_available() else "no oneDNN",
    ]
    return f"{', '.join(has)}, for {torch.backends.cpu.get_cpu_capability()}"


def _bfloat16() -> str:
    from mlplab.networks.precision import has_fast_bfloat16

    if has_fast_bfloat16("cpu"):
        return "fast on this processor"
    return "not fast on this processor, so --precision bfloat16 is refused"


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        return "none that torch can use; training takes the CPU"
    name = torch.cuda.get_device_name(0)
    check = _found("mlplab.trainer.device_check", "check_device")
    if check is None:
        return f"{name}; not checked against the CPU, so --device auto takes the CPU"
    return f"{name}; {check('cuda')}"


def _data() -> str:
    from mlplab.data.describe import list_sets

    root = os.environ.get("MLPLAB_DATA")
    asked = f"MLPLAB_DATA={root}" if root else "MLPLAB_DATA is not set"
    sets = [
        f"{known.name}: {', '.join(found_at) or 'not here (mlplab data fetch)'}"
        for known, found_at in list_sets()
    ]
    return "; ".join([asked, *sets])


def _folder_in_words(folder: Path | None) -> str:
    if folder is None:
        return "none: this user has no home"
    if not folder.is_dir():
        return f"{folder} (empty)"
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    return f"{folder} ({len(files):,} files, {size / 1e6:,.1f} MB)"


def _found(module: str, name: str) -> Callable[..., object] | None:
    """Return a function of a module that an installation may lack."""
    return getattr(import_module(module), name, None) if find_spec(module) is not None else None
