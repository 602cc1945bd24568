"""What a question says should differ between its networks, as settings of those networks."""

from __future__ import annotations

FACTORS: dict[str, tuple[str, ...]] = {
    "depth": ("hidden",),
    "width": ("hidden",),
    "optimizer": ("optimizer.name",),
    "learning rate": ("optimizer.learning_rate",),
    "epsilon": ("optimizer.epsilon", "optimizer.epsilon_placement"),
    "batch size": ("training.batch_size",),
    "activation": ("activation",),
    "normalization": ("normalization",),
    "residual": ("residual",),
    "dropout": ("dropout",),
    "initial weights": ("initial_weights",),
    "data": ("data",),
    "detector": ("detector",),
}
"""Factors by the words that people use, with the settings that they are."""

SETTING_WORDS = {
    "hidden": "hidden layers",
    "objective.name": "objective",
    "optimizer.name": "optimizer",
    "optimizer.learning_rate": "learning rate",
    "optimizer.epsilon": "epsilon",
    "optimizer.epsilon_placement": "placement of epsilon",
    "optimizer.weight_decay": "weight decay",
    "training.batch_size": "batch size",
    "training.steps": "training steps",
    "training.evaluate_every": "steps between evaluations",
    "training.early_stopping": "early stopping",
    "initial_weights.distribution": "distribution of the initial weights",
    "data.name": "data",
    "data.validation": "validation part",
}


def settings_of(factor: str) -> tuple[str, ...]:
    """The paths of the settings that a factor is; a path stands for itself."""
    return FACTORS.get(factor.replace("_", " "), (factor,))


def in_words(path: str) -> str:
    """A setting as a reader calls it."""
    return SETTING_WORDS.get(path, path.replace("_", " "))
