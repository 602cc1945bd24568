"""Who is compared: each a module with `session(rows, precision)`, a context that gives a function
from Job to Outcome. What a session does before its first job is start-up, not training.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from benchmarks.job import Job, Outcome, Rows

Train = Callable[[Job], Outcome]


@dataclass(frozen=True)
class Contender:
    """One way of training a study."""

    title: str
    module: str
    precision: str = "float32"
    needs: str | None = None
    """A package that may be missing."""

    def session(self, rows: Rows) -> AbstractContextManager[Train]:
        """Get ready to train."""
        return importlib.import_module(f"{__name__}.{self.module}").session(rows, self.precision)

    def why_not(self) -> str | None:
        """Why it cannot take part on this machine; None where it can."""
        if self.needs is not None and importlib.util.find_spec(self.needs) is None:
            return f"{self.needs} is not installed"
        if self.precision == "bfloat16":
            from mlplab.networks.precision import has_fast_bfloat16

            if not has_fast_bfloat16("cpu"):
                return "this machine has no fast bfloat16"
        return None


CONTENDERS = {
    "usual": Contender("usual PyTorch script", "torch_usual"),
    "tuned": Contender("tuned PyTorch", "torch_tuned"),
    "tuned-bfloat16": Contender("tuned PyTorch, bfloat16 autocast", "torch_tuned", "bfloat16"),
    "processes": Contender("tuned PyTorch, a process a core", "torch_processes"),
    "processes-bfloat16": Contender(
        "tuned PyTorch, a process a core, bfloat16 autocast", "torch_processes", "bfloat16"
    ),
    "processes-quicker": Contender(
        "tuned PyTorch, a process a core, mlplab's choice of library", "torch_processes_quicker"
    ),
    "vmap": Contender("torch.func, stacked and vmapped", "torch_vmap"),
    "jax": Contender("JAX, jit and a loop on the device", "jax_loop", needs="jax"),
    "jax-bfloat16": Contender(
        "JAX, jit and a loop on the device, bfloat16 products", "jax_loop", "bfloat16", "jax"
    ),
    "jax-processes": Contender("JAX, a process a core", "jax_processes", needs="jax"),
    "jax-processes-bfloat16": Contender(
        "JAX, a process a core, bfloat16 products", "jax_processes", "bfloat16", "jax"
    ),
    "jax-vmap": Contender("JAX, stacked and vmapped", "jax_vmap", needs="jax"),
    "jax-vmap-processes": Contender(
        "JAX, stacked and vmapped, a process a core", "jax_vmap_processes", needs="jax"
    ),
    "sklearn": Contender("scikit-learn, partial_fit", "sklearn_partial_fit", needs="sklearn"),
    "segmented": Contender("one wide layer, segmented sum", "torch_segmented"),
    "mlplab": Contender("mlplab", "mlplab_run"),
    "mlplab-bfloat16": Contender("mlplab, bfloat16", "mlplab_run", "bfloat16"),
}
"""By the name that the command line takes."""
OF_ANY_SHAPE = tuple(name for name in CONTENDERS if name != "segmented")
"""Those that train networks of any depth."""
