"""A model as a file: safetensors, with everything besides its numbers as JSON in the header.

Such a file holds numbers and text alone, so that reading one runs no code of whoever wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from mlplab.data.fitted import Preparation
from mlplab.declarations.problems import BadInput, refuse, shortened, shown
from mlplab.model.card import card_of
from mlplab.model.images import ImageForm
from mlplab.model.model import Model, Rejection, Weights
from mlplab.openset.from_weights import outputs_from_weights
from mlplab.records.atomic import replacing, writable
from mlplab.records.weights import write_tensors

FORMAT = 1
_KEY = "mlplab_model"


def save_model(model: Model, path: Path) -> None:
    """Write a model, and its card beside it: `adult.safetensors` and `adult.md`.

    Raises:
        BadInput: it cannot be written.
    """
    facts, fitted = model.preparation.to_record()
    arrays = {f"preparation.{name}": np.asarray(array) for name, array in fitted.items()}
    for network, layers in enumerate(model.networks):
        for layer, (kernel, bias) in enumerate(layers):
            # As a torch user expects: a layer's weight is (out, in).
            arrays[f"networks.{network}.layers.{layer}.weight"] = np.ascontiguousarray(kernel.T)
            arrays[f"networks.{network}.layers.{layer}.bias"] = np.ascontiguousarray(bias)
    header = {
        "format": FORMAT,
        "activation": model.activation,
        "layers": len(model.networks[0]),
        "seeds": list(model.seeds),
        "extra_outputs": model.extra_outputs,
        "anchors": model.anchors,
        "preparation": facts,
        "rejection": None if model.rejection is None else asdict(model.rejection),
        "images": None if model.images is None else asdict(model.images),
        "facts": dict(model.facts),
    }
    with writable(path):
        write_tensors(path, arrays, {_KEY: json.dumps(header, ensure_ascii=False)})
        with replacing(path.with_suffix(".md")) as temporary:
            temporary.write_text(card_of(model, path.name), encoding="utf-8")


def load_model(path: str | Path) -> Model:
    """Read a model that `Model.save` or `mlplab export --model` wrote; no study is needed.

    Raises:
        BadInput: there is no such file, or it holds no model.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        received = "a folder" if path.is_dir() else "a path where no file is"
        _refuse(path, received, "write one with `mlplab export RUN --model FILE`")
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})[_KEY])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if header["format"] != FORMAT:
            _refuse(path, f"format {header['format']}", "update mlplab")
        model = _model_of(header, arrays)
        # A row of zeros tells whether preparation, layers and outputs fit each other.
        inputs = model.preparation.apply(np.zeros((1, _parts(model.preparation)), np.float64))
        for own in model.networks:
            outputs = outputs_from_weights(inputs, own, model.activation)
            if outputs.shape[1] != len(model.preparation.class_names) + model.extra_outputs:
                _refuse(path, f"one with {outputs.shape[1]} outputs for its classes", _ANEW)
        if model.rejection is not None:
            _require_rejection(path, model, inputs)
    except KeyError as error:
        _refuse(path, f"one without {error}", _ANEW)
    except (OSError, SafetensorError, ValueError, TypeError, AttributeError, IndexError) as error:
        _refuse(path, f"a file that cannot be read ({shortened(str(error), 200)})", _ANEW)
    return model


def _require_rejection(path: Path, model: Model, inputs: np.ndarray) -> None:
    assert model.rejection is not None
    try:
        model.rejection.rejects(model.scores(inputs).mean(axis=0))
    except BadInput:
        _refuse(path, f"one with the detector {shown(model.rejection.detector)}", _ANEW)


_ANEW = "write it anew with `mlplab export RUN --model FILE`"


def _refuse(path: Path, received: str, hint: str) -> None:
    refuse("", expected="a model file of mlplab", received=received, hint=hint, file=path)


def _parts(preparation: Preparation) -> int:
    if preparation.expansion is not None:
        return len(preparation.expansion.fill)
    return preparation.features


def _model_of(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Model:
    start = "preparation."
    fitted = {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}
    networks = tuple(
        _weights(arrays, network, int(header["layers"])) for network in range(len(header["seeds"]))
    )
    if not networks or not all(
        np.isfinite(part).all() and part.dtype == np.float32
        for own in networks
        for layer in own
        for part in layer
    ):
        raise ValueError("weights that are no finite float32 numbers")
    rejection, images = header["rejection"], header["images"]
    return Model(
        preparation=Preparation.from_record(header["preparation"], fitted),
        activation=str(header["activation"]),
        networks=networks,
        seeds=tuple(int(seed) for seed in header["seeds"]),
        extra_outputs=int(header["extra_outputs"]),
        anchors=None if header["anchors"] is None else float(header["anchors"]),
        rejection=None if rejection is None else Rejection(**rejection),
        images=None if images is None else ImageForm(**images),
        facts=dict(header["facts"]),
    )


def _weights(arrays: Mapping[str, np.ndarray], network: int, layers: int) -> Weights:
    names = [f"networks.{network}.layers.{layer}" for layer in range(layers)]
    return tuple((arrays[f"{n}.weight"].T, arrays[f"{n}.bias"]) for n in names)
