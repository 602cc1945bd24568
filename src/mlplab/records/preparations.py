"""What was fitted on training rows, kept in the results folder: one safetensors file a preparation.

So a recorded network takes new rows as the data hold them, wherever its own data are by then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from mlplab.data.fitted import Preparation
from mlplab.declarations.problems import refuse
from mlplab.records.atomic import remove_unfinished, writable
from mlplab.records.database import reading
from mlplab.records.weights import write_tensors

PREPARATIONS_FOLDER = "preparations"


def save_preparations(folder: Path, fitted: Iterable[tuple[str, Preparation]]) -> None:
    """Keep what was fitted for runs, in the place of what an earlier run left.

    What an equal network was given may have got other names since: those of now are kept.

    fitted: the content of each run, as its key is made of, and its preparation.

    Raises:
        BadInput: they cannot be written.
    """
    by_file = {_file(folder, content): preparation for content, preparation in fitted}
    with writable(folder / PREPARATIONS_FOLDER):
        (folder / PREPARATIONS_FOLDER).mkdir(exist_ok=True)
        remove_unfinished(folder / PREPARATIONS_FOLDER)
        for path, preparation in by_file.items():
            facts, arrays = preparation.to_record()
            write_tensors(path, arrays, {"preparation": json.dumps(facts)})


def load_preparation(folder: Path, key: str) -> Preparation | None:
    """The preparation of a finished run; None where an earlier mlplab kept none.

    Raises:
        BadInput: the file is damaged.
    """
    with reading(folder) as connection:
        row = connection.execute("SELECT content FROM run WHERE key = ?", (key,)).fetchone()
    path = None if row is None else _file(folder, row[0])
    if path is None or not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if "quantiles" in arrays:
                arrays["quantiles"] = _ascending(arrays["quantiles"])
            return Preparation.from_record(json.loads(file.metadata()["preparation"]), arrays)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        refuse(
            "",
            expected="the preparation of a finished run",
            received=f"a damaged file ({error})",
            hint="remove it and run the study again",
            file=path,
        )


def _ascending(quantiles: np.ndarray) -> np.ndarray:
    """Quantiles (quantile, feature); earlier files hold them feature by feature."""
    if (np.diff(quantiles, axis=0) < 0).any():
        return quantiles.reshape(quantiles.shape[::-1]).T
    return quantiles


def _file(folder: Path, content: str) -> Path:
    """The file of a preparation, named by all that decides it: the data, and what is done to them."""
    decided = json.loads(content)
    network = decided["network"]
    by = [decided["data"], network["data"], network.get("roles")]
    name = hashlib.sha256(json.dumps(by, sort_keys=True).encode()).hexdigest()[:24]
    return folder / PREPARATIONS_FOLDER / f"{name}.safetensors"
