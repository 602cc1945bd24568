"""Studies on the bundled digits that are trained in a moment, for tests of records and runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlplab.declarations.network import Network
from mlplab.declarations.study import Study

ADAM = {"name": "adam", "learning_rate": 0.01}
SGD = {"name": "sgd", "learning_rate": 0.1}


def network(**changes: Any) -> Network:
    """A network on the digits: 16 hidden neurons, 20 steps, unless told otherwise."""
    declared = {
        "hidden": [16],
        "optimizer": ADAM,
        "data": {"name": "digits"},
        "training": {"steps": 20, "batch_size": 32, "evaluate_every": 10},
        "seeds": [0],
        **changes,
    }
    return Network.model_validate_json(json.dumps(declared))


def study(networks: Mapping[str, Network] | None = None, **named: Network) -> Study:
    """A study of some networks, by name."""
    return Study("small", {**(networks or {}), **named})


def run_in_silence(declared: Study, folder: Path) -> None:
    """Run a study; what another process is told to do."""
    from mlplab.runner.run import run

    run(declared, folder)
