"""A model as a `torch.export` program that needs no mlplab.

It takes the numbers that a row has before preparation, float64 [N, part]: of a table each number,
each category as its code on the model card (−1 for one never seen), each date as its parts, NaN
where a value is missing; of other rows their numbers. It gives probabilities [N, class], or values
[N, 1] in the target's own unit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mlplab.declarations.problems import refuse
from mlplab.model.model import Model
from mlplab.records.atomic import replacing, writable

_ACTIVATIONS: dict[str, Any] = {
    "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU, "silu": nn.SiLU, "selu": nn.SELU, "elu": nn.ELU, "mish": nn.Mish,
    "softplus": nn.Softplus, "identity": nn.Identity,
}  # fmt: skip


def export_torch(model: Model, path: Path, rows: Any) -> float:
    """Write a model as `.pt2`; gives the largest difference to its own answers, as `export_onnx`.

    Raises:
        BadInput: the model has a part that the module lacks, or the file cannot be written.
    """
    module = TorchModel(model).eval().requires_grad_(False)
    parts = torch.from_numpy(parts_of(model, rows))
    program = torch.export.export(
        module, (parts[:2].clone(),), dynamic_shapes=({0: torch.export.Dim("rows", min=1)},)
    )
    with torch.no_grad():
        found = program.module()(parts).numpy()
    if model.is_regression:
        gap = np.abs(found[:, 0] - model.predict(rows)) / model.preparation.target_std
    else:
        gap = np.abs(found - model.predict_proba(rows))
    with writable(path), replacing(path) as temporary:
        torch.export.save(program, temporary)
    return float(gap.max())


def parts_of(model: Model, rows: Any) -> np.ndarray:
    """What the program takes, of rows as `Model.predict` takes them."""
    if model.preparation.columns is not None and hasattr(rows, "columns"):
        return model.preparation.encoded(rows)
    return np.asarray(rows).reshape(len(rows), -1).astype(np.float64)


class TorchModel(nn.Module):
    """Preparation and networks; in double until the networks, which are in float."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        preparation = model.preparation
        if preparation.scaling.quantiles is not None:
            refuse(
                "--torch",
                expected="a preparation that the module has",
                received='"scaling": "quantile"',
                hint='take "robust" or "standard", or --model',
            )
        self.features = _Features(model)
        self.networks = nn.ModuleList(_sequential(model, own) for own in model.networks)
        self.mean, self.std = preparation.target_mean, preparation.target_std
        self.is_regression, self.extra = model.is_regression, model.extra_outputs
        self.anchors = model.anchors

    def forward(self, parts: torch.Tensor) -> torch.Tensor:
        """Probabilities or values of rows."""
        inputs = self.features(parts)
        answers = [self._answer(network(inputs).double()) for network in self.networks]
        return torch.stack(answers).mean(dim=0)

    def _answer(self, outputs: torch.Tensor) -> torch.Tensor:
        if self.is_regression:
            return outputs * self.std + self.mean
        if self.anchors is not None:
            anchors = self.anchors * torch.eye(outputs.shape[1], dtype=torch.float64)
            return (-(outputs.unsqueeze(1) - anchors).norm(dim=2)).softmax(dim=1)
        return outputs[:, : outputs.shape[1] - self.extra].softmax(dim=1)


class _Features(nn.Module):
    """Numbers filled in and indicated, categories one-hot, all scaled."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        expansion, scaling = model.preparation.expansion, model.preparation.scaling
        self.plan: list[tuple[int, float, str]] = []
        for part, categories in enumerate(() if expansion is None else expansion.categories):
            assert expansion is not None
            if categories is None:
                self.plan.append((part, float(expansion.fill[part]), "fill"))
                if expansion.indicated[part]:
                    self.plan.append((part, 0.0, "missing"))
            for category in () if categories is None else categories.tolist():
                kind = "missing" if np.isnan(category) else "same"
                self.plan.append((part, category, kind))
        self.shift: torch.Tensor
        self.divisor: torch.Tensor
        self.drawn_in: torch.Tensor | None
        self.register_buffer("shift", torch.tensor(scaling.shift, dtype=torch.float64))
        self.register_buffer("divisor", torch.tensor(scaling.divisor, dtype=torch.float64))
        drawn = scaling.drawn_in
        self.register_buffer("drawn_in", None if drawn is None else torch.tensor(drawn))

    def forward(self, parts: torch.Tensor) -> torch.Tensor:
        """Inputs of the networks."""
        if self.plan:
            missing = torch.isnan(parts)
            columns = []
            for part, value, kind in self.plan:
                if kind == "fill":
                    columns.append(torch.where(missing[:, part], value, parts[:, part]))
                else:
                    same = missing[:, part] if kind == "missing" else parts[:, part] == value
                    columns.append(same.double())
            parts = torch.stack(columns, dim=1)
        scaled = (parts - self.shift) / self.divisor
        if self.drawn_in is not None:
            scaled = torch.where(self.drawn_in, scaled / (1 + (scaled / 3) ** 2).sqrt(), scaled)
        return scaled.float()


def _sequential(model: Model, layers: Any) -> nn.Sequential:
    modules: list[nn.Module] = []
    for number, (kernel, bias) in enumerate(layers, start=1):
        linear = nn.Linear(*kernel.shape)
        linear.weight.data = torch.tensor(np.ascontiguousarray(kernel.T))
        linear.bias.data = torch.tensor(bias)
        modules.append(linear)
        if number < len(layers):
            modules.append(_ACTIVATIONS[model.activation]())
    return nn.Sequential(*modules)
