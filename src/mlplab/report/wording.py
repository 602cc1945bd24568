"""What a study declares, in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from mlplab.declarations.data import KnownData, declared_scaling
from mlplab.declarations.initial_weights import Normal, Orthogonal, Recorded, Uniform
from mlplab.declarations.known_data import KNOWN_SETS
from mlplab.declarations.network import Network
from mlplab.words import listed, listed_classes

OPTIMIZERS = {
    "sgd": "SGD",
    "adagrad": "Adagrad",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamw": "AdamW",
}
_PLACEMENTS = {
    "inside_root": "ε inside the root",
    "outside_root": "ε outside the root",
    "before_correction": "ε before the bias correction",
}
_SCALINGS = {
    "unit": "unit (0 to 1)",
    "standard": "standard (mean 0, standard deviation 1 on training rows)",
    "minmax": "minmax (each column 0 to 1 on training rows)",
    "robust": "robust (median 0, quartiles 1 apart on training rows, drawn in to ±3)",
    "quantile": "quantile (normal by ranks on training rows)",
    "none": "none",
}


def hidden(network: Network) -> str:
    """128–256, 10 × 128 where all hidden layers are alike, none of a linear network."""
    units = network.hidden
    if not units:
        return "none"
    if len(units) > 3 and len(set(units)) == 1:
        return f"{len(units)} × {units[0]}"
    return "–".join(str(n) for n in units)


def optimizer(network: Network) -> str:
    """Adam 0.001, ε before the bias correction, and whatever else is not a default."""
    chosen = network.optimizer
    parts = [f"{OPTIMIZERS[chosen.name]} {chosen.learning_rate:g}"]
    if momentum := getattr(chosen, "momentum", 0.0):
        parts.append(f"momentum {momentum:g}")
    if placement := getattr(chosen, "epsilon_placement", None):
        parts.append(_PLACEMENTS[placement])
    if chosen.weight_decay:
        parts.append(f"weight decay {chosen.weight_decay:g}")
    schedule = chosen.schedule
    if schedule.name != "constant":
        parts.append(f"{schedule.name} rate")
    if schedule.warmup_steps:
        parts.append(f"{schedule.warmup_steps:,} warm-up steps")
    return ", ".join(parts)


def objective(network: Network) -> str:
    """What training makes small: cross-entropy, balanced class weights."""
    name = network.objective.name.replace("_", "-")
    weights = getattr(network.objective, "class_weights", None)
    if weights is None:
        return name
    if weights == "balanced":
        return f"{name}, balanced class weights"
    return f"{name}, class weights " + ", ".join(f"{c} {weight:g}" for c, weight in weights)


def initial_weights(network: Network) -> str:
    """uniform ±0.05, normal 0 ± 0.05, Glorot uniform, He normal."""
    weights = network.initial_weights
    zero = ", residuals 0" if weights.zero_residuals else ""
    if isinstance(weights, Uniform):
        if weights.low == -weights.high:
            return f"uniform ±{weights.high:g}{zero}"
        return f"uniform {weights.low:g} to {weights.high:g}{zero}"
    if isinstance(weights, Normal):
        return f"normal {weights.mean:g} ± {weights.deviation:g}{zero}"
    if isinstance(weights, Recorded):
        kept = "all that fit" if weights.layers is None else f"the first {weights.layers}"
        own = f" of {weights.network}" if weights.network else ""
        return f"recorded in {PurePath(weights.run).name}{own}, layers: {kept}"
    if isinstance(weights, Orthogonal):
        return f"orthogonal, gain {weights.gain:g}{zero}"
    name = {"glorot": "Glorot", "he": "He", "lecun": "LeCun"}[weights.distribution]
    return f"{name} {weights.shape}{zero}"


def residual(network: Network) -> str:
    """plain, pre-normalized, none."""
    return (network.residual or "none").replace("_", "-")


def data_title(network: Network) -> str:
    """The set's own title, or the file that it is read from."""
    data = network.data
    if isinstance(data, KnownData):
        title = KNOWN_SETS[data.name].title
    else:
        path = str(getattr(data, "path", None) or getattr(data, "train_images", ""))
        title = f"own data ({PurePath(path).name})"
    if data.classes is not None:
        title += f", classes {listed([str(c) for c in data.classes])}"
    return title


def classes(network: Network) -> str:
    """All, or which are known and which negative."""
    if network.roles is None:
        return "all"
    words = f"{listed_classes([str(c) for c in network.roles.known])} known"
    if network.roles.negative:
        words += f", {listed_classes([str(c) for c in network.roles.negative])} negative"
    return words


def scaling(network: Network) -> str:
    """How inputs are scaled, the default resolved."""
    declared = declared_scaling(network.data)
    if declared is None:
        return f"{_SCALINGS['unit']} where the archive holds bytes, else {_SCALINGS['standard']}"
    return _SCALINGS[declared]


def varied(networks: Sequence[Network]) -> list[str]:
    """In what the networks differ, a phrase for each: hidden layers (7 kinds), optimizer (…)."""
    found = []
    aspects: dict[str, list[str]] = {
        "hidden layers": [hidden(n) for n in networks],
        "optimizer": [OPTIMIZERS[n.optimizer.name] for n in networks],
        "learning rate": [f"{n.optimizer.learning_rate:g}" for n in networks],
        "place of ε": [
            _PLACEMENTS.get(getattr(n.optimizer, "epsilon_placement", ""), "") for n in networks
        ],
        "weight decay": [f"{n.optimizer.weight_decay:g}" for n in networks],
        "rate schedule": [n.optimizer.schedule.name for n in networks],
        "activation": [n.activation for n in networks],
        "normalization": [n.normalization or "none" for n in networks],
        "residuals": [residual(n) for n in networks],
        "input scale": ["learned" if n.input_scale else "none" for n in networks],
        "dropout": [f"{n.dropout:g}" for n in networks],
        "objective": [objective(n) for n in networks],
        "initial weights": [initial_weights(n) for n in networks],
        "data": [data_title(n) for n in networks],
        "batch size": [f"{n.training.batch_size:,}" for n in networks],
        "training steps": [f"{n.training.steps:,}" for n in networks],
    }
    for aspect, values in aspects.items():
        kinds = [v for v in dict.fromkeys(values) if v]
        if len(kinds) > 1:
            inside = listed(kinds) if len(kinds) <= 5 else f"{len(kinds)} kinds"
            found.append(f"{aspect} ({inside})")
    return found


def batch(network: Network) -> str:
    """2,000 steps of 256 rows."""
    training = network.training
    return f"{training.steps:,} steps of {training.batch_size:,} rows"
