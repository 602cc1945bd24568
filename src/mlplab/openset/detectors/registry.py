"""Detectors by the names that they have in a study file."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import numpy as np

from mlplab.declarations.open_set_detectors import DETECTORS
from mlplab.declarations.problems import BadInput, Problem, did_you_mean, quoted, shown
from mlplab.declarations.reading.validation import validate
from mlplab.openset import detectors
from mlplab.openset.detectors.detector import Detector

__all__ = ["DETECTORS", "make"]

for _module in iter_modules(detectors.__path__, f"{detectors.__name__}."):
    if _module.name != __name__:
        import_module(_module.name)


def make(name: str, **settings: object) -> Detector:
    """A detector by name, for example `make("nearest neighbours", k=5)`.

    Raises:
        BadInput: no such detector, no such setting, or a value that cannot be.
    """
    if name not in DETECTORS:
        hint = did_you_mean(name, DETECTORS)
        expected = f"one of {quoted(DETECTORS, limit=len(DETECTORS))}"
        raise BadInput(Problem("detector", expected, shown(name), hint))
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in settings.items()}
    found = validate(DETECTORS[name], {"name": name, **plain})
    if found.declaration is None:
        raise BadInput([problem.within(name) for problem in found.faults])
    return Detector(found.declaration)
