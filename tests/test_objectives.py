"""Objectives: values against their written equations, gradients against finite differences."""

import json

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

import written_losses as losses
from mlplab.declarations.objective import BY_NAME, OF_REGRESSION, CrossEntropy, Objective
from mlplab.objectives import with_centres
from mlplab.objectives.declared import _BY_DECLARATION, objective_of
from mlplab.objectives.objective import BatchOutputs

NETWORKS, BATCH, CLASSES, UNITS = 2, 12, 3, 5

DECLARED = [
    {"name": "cross_entropy"},
    {"name": "cross_entropy", "class_weights": {"a": 0.5, "b": 3.0}},
    {"name": "sigmoid output", "weight": 0.7},
    {"name": "background class"},
    {"name": "entropic", "weight": 0.5},
    {"name": "objectosphere", "margin": 2.0, "weight": 0.3},
    {"name": "class anchor", "magnitude": 4.0},
    {"name": "centre loss", "weight": 0.2},
    {"name": "energy margin", "margin_known": -2.0, "margin_negative": -1.0, "weight": 0.4},
]


def declared(settings: dict[str, object]):
    weights = (0.5, 3.0, 1.0) if "class_weights" in settings else ()
    return objective_of(TypeAdapter(Objective).validate_json(json.dumps(settings)), weights)


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
    """The loss of one network from the equations as they are written."""
    logits, hidden = outputs.logits[network].numpy(), outputs.hidden[network].numpy()
    targets, centres = outputs.targets[network].numpy(), outputs.centres[network].numpy()
    known = targets >= 0
    mean = lambda values: values.mean() if len(values) else 0.0  # noqa: E731
    own = targets[known]
    name, weight = settings["name"], settings.get("weight", 1.0)
    plain = mean(losses.cross_entropy(logits[known][:, :CLASSES], own))
    match name:
        case "cross_entropy" if "class_weights" in settings:
            weights = np.array([0.5, 3.0, 1.0])[own]
            return np.average(losses.cross_entropy(logits[known], own), weights=weights)
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
    of_classes = {kind for kind in _BY_DECLARATION if kind not in map(BY_NAME.get, OF_REGRESSION)}
    assert len({settings["name"] for settings in DECLARED}) == len(of_classes)


@pytest.mark.parametrize("settings", DECLARED, ids=lambda s: s["name"])
def test_values_are_those_of_the_equations(settings):
    objective = declared(settings)
    outputs = outputs_for(objective, negatives=settings["name"] != "cross_entropy")
    values, _, _ = value_and_gradients(objective, outputs)
    expected = [by_the_equations(settings, outputs, network) for network in range(NETWORKS)]
    np.testing.assert_allclose(values, expected, rtol=1e-10)


def value_of(settings: dict[str, object], logits, targets, hidden=None, centres=None) -> float:
    """The loss of one network of so many rows."""
    objective = declared(settings)
    z = torch.tensor(np.array(logits, dtype=np.float64))[None]
    h = z if hidden is None else torch.tensor(np.array(hidden, dtype=np.float64))[None]
    c = None if centres is None else torch.tensor(np.array(centres, dtype=np.float64))[None]
    outputs = BatchOutputs(z, h, torch.tensor(targets)[None], c)
    for_hidden = torch.empty_like(h) if objective.uses_hidden else None
    return float(objective.value_and_gradients(outputs, torch.empty_like(z), for_hidden)[0])


def logits_at(distances, magnitude: float) -> np.ndarray:
    """(1, class) logits with these distances to anchors that are so many times the unit vectors.

    From ‖z‖² − 2·m·z_c + m² = d_c²: z_c = (‖z‖² + m² − d_c²)/2m, and their squares add up to ‖z‖².
    """
    a = magnitude**2 - np.square(np.array(distances, dtype=float))
    k, half = len(a), a.sum() - 2 * magnitude**2
    square = (-half + np.sqrt(max(half**2 - k * np.square(a).sum(), 0.0))) / k
    logits = (square + a) / (2 * magnitude)
    found = np.linalg.norm(logits - magnitude * np.eye(k), axis=1)
    assert found == pytest.approx(distances, abs=1e-6)
    return logits[None]


def test_class_anchor_of_distances_1_2_3():
    # 0.1 · 1 + log(1 + e^−1 + e^−2) = 0.1 + 0.4076
    magnitude = float(np.sqrt(3.5))
    settings = {"name": "class anchor", "magnitude": magnitude, "weight": 0.1}
    assert value_of(settings, logits_at([1, 2, 3], magnitude), [0]) == pytest.approx(
        0.5076, abs=5e-5
    )


@pytest.mark.parametrize("own", range(4))
def test_class_anchor_margin_fires_for_every_class(own):
    magnitude = float(np.sqrt(6))
    settings = {"name": "class anchor", "magnitude": magnitude}
    for near, margin in ((1.0, -2.0), (5.0, 2.0)):
        distances = np.full(4, 3.0)
        distances[own] = near
        value = value_of(settings, logits_at(distances, magnitude), [own])
        assert value == pytest.approx(0.1 * near + np.log(1 + 3 * np.exp(margin)))


def test_entropic_of_negatives_is_at_least_log_k():
    draw = np.random.default_rng(0)
    for logits in draw.normal(size=(50, 1, 7)):
        assert value_of({"name": "entropic"}, logits, [-1]) >= np.log(7)
    assert value_of({"name": "entropic"}, np.full((1, 7), 2.0), [-1]) == pytest.approx(np.log(7))


def test_objectosphere_and_centre_loss_by_hand():
    lengths = np.array([[3.0, 4], [3, 4], [6, 8]])
    # equal logits: log 4 of known rows and of negative ones; known: (7 − 5)² and nothing at 10,
    # 2 on average; negative: 5²
    settings = {"name": "objectosphere", "margin": 7.0, "weight": 1.0}
    value = value_of(settings, np.zeros((3, 4)), [0, -1, 1], lengths)
    assert value == pytest.approx(2 * np.log(4) + 2.0 + 25.0)
    # ½(9 + 16), ½(9 + 16), 0
    centres = np.array([[0.0, 0], [6, 8]])
    settings = {"name": "centre loss", "weight": 1.0}
    value = value_of(settings, np.zeros((3, 2)), [0, 1, 1], lengths, centres)
    assert value == pytest.approx(np.log(2) + 25 / 3)


def test_energy_margin_by_hand():
    # the energy of five zeros is −1.6094: 3 − 1.6094 too high for known, 1.6094 − 1 too low
    settings = {
        "name": "energy margin",
        "margin_known": -3.0,
        "margin_negative": -1.0,
        "weight": 1.0,
    }
    value = value_of(settings, np.zeros((2, 5)), [0, -1])
    excess = (3 - np.log(5)) ** 2 + (np.log(5) - 1) ** 2
    assert value == pytest.approx(np.log(5) + excess)


def test_values_against_torch():
    draw = np.random.default_rng(1)
    z, labels = draw.normal(size=(9, 4)), draw.integers(4, size=9)
    functional = torch.nn.functional
    cross_entropy = float(functional.cross_entropy(torch.tensor(z), torch.tensor(labels)))
    assert value_of({"name": "cross_entropy"}, z, labels.tolist()) == pytest.approx(cross_entropy)
    weights = torch.tensor([0.5, 3.0, 1.0, 0.2], dtype=torch.float64)
    weighted = functional.cross_entropy(torch.tensor(z), torch.tensor(labels), weights)
    its = objective_of(CrossEntropy(class_weights="balanced"), tuple(weights.tolist()))
    outputs = BatchOutputs(torch.tensor(z)[None], torch.tensor(z)[None], torch.tensor(labels)[None])
    found = its.value_and_gradients(outputs, torch.empty(1, 9, 4, dtype=torch.float64))
    assert float(found) == pytest.approx(float(weighted))
    asked, negative = 3 * draw.normal(size=9), [-1] * 9
    binary = functional.binary_cross_entropy_with_logits(
        torch.tensor(asked), torch.zeros(9, dtype=torch.float64)
    )
    with_output = np.column_stack([z, asked])
    value = value_of({"name": "sigmoid output"}, with_output, negative)
    assert value == pytest.approx(float(binary))
    even = functional.cross_entropy(torch.tensor(z), torch.full((9, 4), 0.25, dtype=torch.float64))
    assert value_of({"name": "entropic"}, z, negative) == pytest.approx(float(even))


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


@pytest.mark.parametrize("settings", DECLARED[2:], ids=lambda s: s["name"])
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


@pytest.mark.parametrize("form", ["scattered", "by product"])
def test_running_centres_move_towards_the_mean_of_their_rows(form, monkeypatch):
    """In the form for a CPU and in that for other devices."""
    if form == "by product":
        monkeypatch.setattr(with_centres, "_scattered", with_centres.by_product)
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


def test_sums_of_classes_are_the_same_in_both_forms():
    outputs = outputs_for(declared({"name": "centre loss"}))
    away = torch.where(outputs.targets.unsqueeze(2) >= 0, outputs.hidden, 0.0)
    forms = with_centres._scattered, with_centres.by_product
    (sums, counts), (others, numbers) = (form(away, outputs.targets, CLASSES) for form in forms)
    torch.testing.assert_close(sums, others, rtol=1e-13, atol=1e-14)
    assert torch.equal(counts, numbers)
    assert 0 < counts.sum() < outputs.targets.numel()
