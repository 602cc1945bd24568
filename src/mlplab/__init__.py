"""mlplab: a laboratory for controlled studies of multilayer perceptrons.

from mlplab import Study
results = Study.load("study.json").run()
results.summary()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlplab.reproducible_products import ask_for_reproducible_products

if TYPE_CHECKING:
    from mlplab.model.files import load_model as load_model
    from mlplab.study import Study as Study

__all__ = ["Study", "__version__", "load_model"]


ask_for_reproducible_products()


def __getattr__(name: str) -> Any:
    # What needs numerical libraries is imported when it is asked for, so that help comes at once.
    if name == "Study":
        from mlplab.study import Study

        return Study
    if name == "load_model":
        from mlplab.model.files import load_model

        return load_model
    if name == "__version__":
        from importlib.metadata import version

        return version("mlplab")
    raise AttributeError(f"module 'mlplab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
