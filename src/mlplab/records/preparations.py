"""What was fitted on training rows, kept in the results folder: one safetensors file a preparation.

So a recorded network takes new rows as the data hold them, wherever its own data are by then.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from mlplab.data.fitted import Preparation
from mlplab.declarations.problems import refuse
from mlplab.records.database import reading
from mlplab.records.weights import write_tensors

PREPARATIONS_FOLDER = "preparations"


def save_preparation(folder: Path, content: str, preparation: Preparation) -> None:
    """Keep the preparation of a run, unless another run of the same data has left it there.

    content: of the run, as its key is made of.

    Raises:
        OSError: it cannot be written.
    """
    path = _file(folder, content)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
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
            return Preparation.from_record(json.loads(file.metadata()["preparation"]), arrays)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        refuse(
            "",
            expected="the preparation of a finished run",
            received=f"a damaged file ({error})",
            hint="remove it and run the study again",
            file=path,
        )


def _file(folder: Path, content: str) -> Path:
    """The file of a preparation, named by all that decides it: the data, and what is done to them."""
    decided = json.loads(content)
    network = decided["network"]
    by = [decided["data"], network["data"], network.get("roles")]
    name = hashlib.sha256(json.dumps(by, sort_keys=True).encode()).hexdigest()[:24]
    return folder / PREPARATIONS_FOLDER / f"{name}.safetensors"
