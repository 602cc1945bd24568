"""The same network from mlplab, torch and scikit-learn is judged the same by every detector."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from mlplab.declarations.open_set_detectors import AFTER_TRAINING
from mlplab.openset.activations import Activations, OutputLayer
from mlplab.openset.detectors.registry import make
from mlplab.openset.from_weights import activations_from_weights
from mlplab.openset.threshold import calibrate
from mlplab.study import Study

STUDY = {
    "name": "digits-0-4",
    "data": {"name": "digits", "classes": [0, 1, 2, 3, 4]},
    "training": {"steps": 200, "batch_size": 32, "evaluate_every": 100},
    "seeds": 1,
    "networks": {"small": {"hidden": [32], "optimizer": {"name": "adam", "learning_rate": 0.005}}},
}


@pytest.fixture(scope="module")
def digits():
    """Inputs and labels of digits 0-4, in two halves, and inputs of 5-9."""
    inputs, labels = load_digits(return_X_y=True)
    inputs = (inputs / 16).astype(np.float32)
    known = np.flatnonzero(labels < 5)
    fitted, held_out = known[::2], known[1::2]
    return inputs[fitted], labels[fitted], inputs[held_out], inputs[labels >= 5]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Kernels and biases of a network that mlplab trained."""
    folder = tmp_path_factory.mktemp("libraries")
    path = folder / "study.json"
    path.write_text(json.dumps(STUDY))
    return Study.load(path).run(folder).weights("small", 0)


def in_torch(layers) -> torch.nn.Sequential:
    modules: list[torch.nn.Module] = []
    for kernel, bias in layers:
        dense = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(np.array(kernel.T)))
            dense.bias.copy_(torch.from_numpy(np.array(bias)))
        modules += [dense, torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def in_scikit_learn(layers, inputs, labels) -> MLPClassifier:
    network = MLPClassifier((layers[0][0].shape[1],), max_iter=1, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        network.fit(inputs, labels)
    network.coefs_ = [np.array(kernel) for kernel, _ in layers]
    network.intercepts_ = [np.array(bias) for _, bias in layers]
    return network


def seen_by_torch(network: torch.nn.Sequential, inputs: np.ndarray) -> Activations:
    """Tensors as they come: float32, and with a graph behind them."""
    x = torch.from_numpy(inputs)
    hidden = network[:-1](x)
    logits = network[-1](hidden)
    assert logits.requires_grad
    layer = OutputLayer(
        kernel=network[-1].weight.detach().numpy().T, bias=network[-1].bias.detach().numpy()
    )
    return Activations(inputs=x, hidden=hidden, logits=logits, output_layer=layer)


@pytest.mark.parametrize("name", AFTER_TRAINING)
def test_scores_do_not_ask_where_activations_come_from(name, digits, trained):
    fitted_on, labels, known, unknown = digits
    own, torches = trained, in_torch(trained)
    learnt = in_scikit_learn(trained, fitted_on, labels)
    theirs = list(zip(learnt.coefs_, learnt.intercepts_, strict=True))
    scores = []
    for seen, its_labels in (
        (lambda x: activations_from_weights(x, own), labels),
        (lambda x: seen_by_torch(torches, x), torch.from_numpy(labels)),
        (lambda x: activations_from_weights(x, theirs), labels),
    ):
        detector = make(name).fit(seen(fitted_on), its_labels)
        scores.append(detector.score(seen(np.concatenate([known, unknown]))))
    # torch sums float32 products in another order
    size = np.abs(scores[0]).max()
    np.testing.assert_allclose(scores[1], scores[0], rtol=2e-3, atol=2e-4 * size)
    np.testing.assert_allclose(scores[2], scores[0], rtol=1e-12)


def test_the_logits_are_the_librarys_own(digits, trained):
    fitted_on, labels, known, _ = digits
    seen = activations_from_weights(known, trained)
    np.testing.assert_allclose(
        seen.logits, in_torch(trained)(torch.from_numpy(known)).detach(), atol=1e-4
    )
    probabilities = in_scikit_learn(trained, fitted_on, labels).predict_proba(known)
    from_logits = torch.softmax(torch.from_numpy(seen.logits), dim=1)
    np.testing.assert_allclose(from_logits, probabilities, atol=1e-5)


def test_weights_may_be_tensors_of_a_graph(digits, trained):
    known = digits[2]
    network = in_torch(trained)
    layers = [(dense.weight.T, dense.bias) for dense in network if hasattr(dense, "weight")]
    assert layers[0][0].requires_grad
    seen = activations_from_weights(torch.from_numpy(known), layers)
    np.testing.assert_allclose(seen.logits, activations_from_weights(known, trained).logits,
                               atol=1e-4)  # fmt: skip


def test_a_decision_from_torch_to_the_guarantee(digits, trained):
    fitted_on, labels, known, unknown = digits
    network = in_torch(trained)
    detector = make("nearest neighbours").fit(seen_by_torch(network, fitted_on), labels)
    threshold = calibrate(detector.score(seen_by_torch(network, known[::2])), 0.1)
    rejected = threshold.rejects(detector.score(seen_by_torch(network, known[1::2])))
    caught = threshold.rejects(detector.score(seen_by_torch(network, unknown)))
    assert rejected.mean() < 0.2
    assert caught.mean() > 0.5
    assert "no promise about unknown ones" in threshold.guarantee
