"""Trained weights on disk: one safetensors file a stack, each tensor named by its run's key."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from mlplab.declarations.form import Form
from mlplab.declarations.problems import refuse
from mlplab.networks.weights import LayerWeights
from mlplab.records.atomic import replacing

_DENSE_ALONE = Form()
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


def save(
    path: Path,
    weights: Mapping[str, LayerWeights],
    centres: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> None:
    """Write the weights of a stack, by key of the run; the file is there whole or not at all.

    `centres` are the running class centres (class, unit) of runs that kept any.

    Raises:
        OSError: it cannot be written.
    """
    tensors = {f"{key}.centres": np.ascontiguousarray(array) for key, array in centres.items()}
    for key, layers in weights.items():
        for number, (kernel, bias) in enumerate(layers, start=1):
            tensors[f"{key}.layer_{number}.kernel"] = np.ascontiguousarray(kernel)
            tensors[f"{key}.layer_{number}.bias"] = np.ascontiguousarray(bias)
        for name, array in getattr(layers, "others", {}).items():
            tensors[f"{key}.{name}"] = np.ascontiguousarray(array)
    write_tensors(path, tensors)


def write_tensors(
    path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    try:
        with replacing(path) as temporary:
            # The format knows one order of numbers, and is given memory as it lies.
            ordered = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
            save_file(ordered, temporary, metadata=dict(metadata) if metadata else None)
    except SafetensorError as error:
        # So the library tells of a full disk, with the operating system's number in its words.
        number = _OS_ERROR.search(str(error))
        told = (int(number[1]), os.strerror(int(number[1]))) if number else (str(error),)
        raise OSError(*told) from error


def load(path: Path, key: str, layers: int, form: Form = _DENSE_ALONE) -> LayerWeights:
    """Read the weights of one run of so many dense layers.

    Raises:
        BadInput: the file is gone or damaged.
    """
    with _opened(path) as file:
        dense = (
            (
                file.get_tensor(f"{key}.layer_{number}.kernel"),
                file.get_tensor(f"{key}.layer_{number}.bias"),
            )
            for number in range(1, layers + 1)
        )
        others = {name: file.get_tensor(f"{key}.{name}") for name in form.tensors(layers - 1)}
        return LayerWeights(dense, others)


def load_centres(path: Path, key: str) -> np.ndarray | None:
    """Read the running class centres (class, unit) of one run, None if it kept none.

    Raises:
        BadInput: the file is gone or damaged.
    """
    with _opened(path) as file:
        name = f"{key}.centres"
        return file.get_tensor(name) if name in file.keys() else None  # noqa: SIM118


def tensors(path: Path) -> dict[str, dict[str, np.ndarray]]:
    """Read all that a stack's file holds: key of the run → name within it → array.

    Raises:
        BadInput: the file is gone or damaged.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    with _opened(path) as file:
        for name in file.keys():  # noqa: SIM118
            key, _, own = name.partition(".")
            found.setdefault(key, {})[own] = file.get_tensor(name)
    return found


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A file of weights; what is wrong with it is told in a sentence."""
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (OSError, SafetensorError) as error:
        missing = isinstance(error, FileNotFoundError)
        anew = "run the study again: what lacks its weights is trained anew"
        refuse(
            "",
            expected="the weights of a finished run",
            received="no file" if missing else f"a damaged file ({error})",
            hint=anew if missing else "remove it and run the study again",
            file=path,
        )
