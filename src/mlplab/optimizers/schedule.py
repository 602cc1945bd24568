"""The learning rate at every step."""

from __future__ import annotations

import numpy as np

from mlplab.declarations.optimizer import CosineSchedule, Optimizer, StepSchedule


def learning_rates(optimizer: Optimizer, steps: int) -> np.ndarray:
    """The rate at steps 1 to `steps`, (step,) float64.

    Warm-up multiplies step t by t/warmup_steps until it reaches one; the step and cosine forms
    count from the end of the warm-up.
    """
    schedule = optimizer.schedule
    step = np.arange(1, steps + 1, dtype=np.float64)
    after = np.clip(step - 1 - schedule.warmup_steps, 0, None)
    match schedule:
        case StepSchedule(every=every, factor=factor):
            # A factor above 1 may take the rate to infinity; the network diverges then.
            with np.errstate(over="ignore"):
                share = factor ** np.floor(after / every)
        case CosineSchedule(final=final):
            length = max(steps - schedule.warmup_steps - 1, 1)
            share = final + (1 - final) * 0.5 * (1 + np.cos(np.pi * np.minimum(after / length, 1)))
        case _:
            share = np.ones(steps)
    if schedule.warmup_steps:
        share = share * np.minimum(step / schedule.warmup_steps, 1.0)
    return optimizer.learning_rate * share
