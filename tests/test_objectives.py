"""Objectives: values against their written equations, gradients against finite differences."""

import json

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from mlplab.declarations.objective import Objective
from mlplab.objectives.declared import _BY_DECLARATION, objective_of
from mlplab.objectives.objective import BatchOutputs
from mlplab.openset import losses

NETWORKS, BATCH, CLASSES, UNITS = 2, 12, 3, 5

DECLARED = [
    {"name": "cross_entropy"},
    {"name": "sigmoid output", "weight": 0.7},
    {"name": "background class"},
    {"name": "entropic", "weight": 0.5},
    {"name": "objectosphere", "margin": 2.0, "weight": 0.3},
    {"name": "class anchor", "magnitude": 4.0},
    {"name": "centre loss", "weight": 0.2},
    {"name": "energy margin", "margin_known": -2.0, "margin_negative": -1.0, "weight": 0.4},
]


def declared(settings: dict[str, object]):
    return objective_of(TypeAdapter(Objective).validate_json(json.dumps(settings)))


def outputs_for(objective, negatives: bool = True) -> BatchOutputs:
    generator = torch.Generator().manual_seed(5)
    shape = NETWORKS, BATCH, CLASSES + objective.extra_outputs
    logits = 2 * torch.randn(shape, generator=generator, dtype=torch.float64)
    hidden = torch.randn(NETWORKS, BATCH, UNITS, generator=generator, dtype=torch.float64)
    lowest = -1 if negatives else 0
    targets = torch.randint(lowest, CLASSES, (NETWORKS, BATCH), generator=generator)
    centres = torch.randn(NETWORKS, CLASSES, UNITS, generator=generator, dtype=torch.float64)
    return BatchOutputs(logits, hidden, targets, centres)


def fresh(outputs: BatchOutputs, **changes: torch.Tensor) -> BatchOutputs:
    parts = {
        name: changes.get(name, getattr(outputs, name)).clone()
        for name in ("logits", "hidden", "targets", "centres")
    }
    return BatchOutputs(**parts)


def value_and_gradients(objective, outputs):
    logits_gradient = torch.full_like(outputs.logits, torch.nan)
    hidden_gradient = torch.full_like(outputs.hidden, torch.nan) if objective.uses_hidden else None
    values = objective.value_and_gradients(fresh(outputs), logits_gradient, hidden_gradient)
    return values, logits_gradient, hidden_gradient


def by_the_equations(settings, outputs, network: int) -> float:
    """The loss of one network from the reference equations of `mlplab.openset.losses`."""
    logits, hidden = outputs.logits[network].numpy(), outputs.hidden[network].numpy()
    targets, centres = outputs.targets[network].numpy(), outputs.centres[network].numpy()
    known = targets >= 0
    mean = lambda values: values.mean() if len(values) else 0.0  # noqa: E731
    own = targets[known]
    name, weight = settings["name"], settings.get("weight", 1.0)
    plain = mean(losses.cross_entropy(logits[known][:, :CLASSES], own))
    match name:
        case "cross_entropy":
            return plain
        case "sigmoid output":
            return plain + weight * mean(losses.sigmoid_output(logits[:, -1], known))
        case "background class":
            return mean(losses.cross_entropy(logits, np.where(known, targets, CLASSES)))
        case "entropic":
            return plain + weight * mean(losses.entropic(logits[~known]))
        case "objectosphere":
            lengths = losses.objectosphere(hidden, known, settings["margin"])
            both = mean(lengths[known]) + mean(lengths[~known])
            return plain + mean(losses.entropic(logits[~known])) + weight * both
        case "class anchor":
            anchors = settings["magnitude"] * np.eye(CLASSES)
            distances = np.linalg.norm(logits[known][:, None] - anchors, axis=2)
            return mean(losses.class_anchor(distances, own, 0.1))
        case "centre loss":
            return plain + weight * mean(losses.centre_loss(hidden[known], centres, own))
        case "energy margin":
            values = losses.energy_margin(
                logits, known, settings["margin_known"], settings["margin_negative"]
            )
            return plain + weight * (mean(values[known]) + mean(values[~known]))
    raise AssertionError(name)


def test_every_declared_objective_is_held_here():
    assert len(DECLARED) == len(_BY_DECLARATION)


@pytest.mark.parametrize("settings", DECLARED, ids=lambda s: s["name"])
def test_values_are_those_of_the_equations(settings):
    objective = declared(settings)
    outputs = outputs_for(objective, negatives=settings["name"] != "cross_entropy")
    values, _, _ = value_and_gradients(objective, outputs)
    expected = [by_the_equations(settings, outputs, network) for network in range(NETWORKS)]
    np.testing.assert_allclose(values, expected, rtol=1e-10)


@pytest.mark.parametrize("settings", DECLARED, ids=lambda s: s["name"])
def test_gradients_are_finite_differences(settings):
    objective = declared(settings)
    outputs = outputs_for(objective, negatives=settings["name"] != "cross_entropy")
    _, for_logits, for_hidden = value_and_gradients(objective, outputs)
    h = 1e-6
    for name, gradient in (("logits", for_logits), ("hidden", for_hidden)):
        if gradient is None:
            continue
        whole = getattr(outputs, name)
        for place in [(0, 0, 0), (0, 7, 2), (1, 3, 1), (1, 11, -1)]:
            ends = []
            for moved in (h, -h):
                changed = whole.clone()
                changed[place] += moved
                values, _, _ = value_and_gradients(objective, fresh(outputs, **{name: changed}))
                ends.append(values[place[0]].item())
            slope = (ends[0] - ends[1]) / (2 * h)
            assert gradient[place].item() == pytest.approx(slope, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("settings", DECLARED[1:], ids=lambda s: s["name"])
def test_a_batch_of_one_kind_of_rows_only_gives_finite_gradients(settings):
    objective = declared(settings)
    outputs = outputs_for(objective)
    for only in (torch.full_like(outputs.targets, -1), outputs.targets.clamp(min=0)):
        zero = {"hidden": torch.zeros_like(outputs.hidden), "targets": only}
        values, for_logits, for_hidden = value_and_gradients(objective, fresh(outputs, **zero))
        assert torch.isfinite(values).all()
        assert torch.isfinite(for_logits).all()
        assert for_hidden is None or torch.isfinite(for_hidden).all()


def test_classes_are_told_apart_by_the_nearest_anchor_the_last_class_too():
    objective = declared({"name": "class anchor"})
    at_anchor = torch.zeros(1, 1, 3, dtype=torch.float64)
    at_anchor[0, 0, 2] = 10.0
    np.testing.assert_allclose(
        objective.class_scores(at_anchor)[0, 0], [-(200**0.5), -(200**0.5), 0], atol=1e-5
    )


def test_running_centres_move_towards_the_mean_of_their_rows():
    # One class of two rows at 1 and 3, centre at 0, rate 0.5: 0 + 0.5·(1 + 3)/(1 + 2) = 2/3.
    objective = declared({"name": "centre loss", "rate": 0.5, "weight": 0})
    outputs = BatchOutputs(
        torch.zeros(1, 3, 2),
        torch.tensor([[[1.0], [3.0], [9.0]]]),
        torch.tensor([[0, 0, -1]]),
        torch.zeros(1, 2, 1),
    )
    objective.value_and_gradients(outputs, torch.empty(1, 3, 2), torch.empty(1, 3, 1))
    np.testing.assert_allclose(outputs.centres.ravel(), [2 / 3, 0], rtol=1e-6)
