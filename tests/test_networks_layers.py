"""Normalisations, residuals, parametric activations and input scales, against torch's modules."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from mlplab.analysis.test_part import data_of
from mlplab.declarations.form import Form, residual_layers
from mlplab.declarations.problems import BadInput
from mlplab.model.from_results import model_of
from mlplab.networks.dense_stack import DenseStack, Workspace, backward, forward
from mlplab.networks.initial_weights import draw_kernels
from mlplab.objectives.cross_entropy import CrossEntropy
from mlplab.objectives.objective import BatchOutputs
from mlplab.openset.from_weights import activations_from_weights, outputs_from_weights
from mlplab.records import weights
from mlplab.records.prediction import logits
from mlplab.report.write import write
from mlplab.runner.run import run
from mlplab.trainer.batch_order import BatchOrder
from mlplab.trainer.train import train
from small_studies import network, study
from test_trainer import (
    CLASSES,
    FEATURES,
    OPTIMIZERS,
    STOPPING,
    TEST,
    TRAIN,
    VALIDATION,
    assert_same_bits,
    optimizer,
    problem,
    recipe,
)

LAYERS = (FEATURES, 9, 9, 7, 7, CLASSES)
FORMS = {
    "batch": Form("relu", "batch"),
    "layer": Form("tanh", "layer"),
    "rms": Form("silu", "rms"),
    "plain residual": Form("relu", None, "plain"),
    "pre-normalized residual": Form("gelu", None, "pre_normalized"),
    "batch, plain residual": Form("elu", "batch", "plain"),
    "layer, pre-normalized residual": Form("relu", "layer", "pre_normalized"),
    "batch, pre-normalized residual": Form("mish", "batch", "pre_normalized"),
    "prelu": Form("prelu"),
    "scaled inputs": Form("relu", input_scale=True),
    "all": Form("prelu", "batch", "pre_normalized", input_scale=True),
}
FUNCTIONS = {
    "relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU, "gelu": nn.GELU, "elu": nn.ELU,
    "mish": nn.Mish, "prelu": nn.PReLU,
}  # fmt: skip
NORMS = {
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
    "rms": lambda units: nn.RMSNorm(units, eps=1e-5),
    None: lambda units: nn.Identity(),
}


class Reference(nn.Module):
    """The same network, of torch's modules alone."""

    def __init__(self, form: Form, layers=LAYERS) -> None:
        super().__init__()
        self.form, self.added = form, residual_layers(layers)
        pairs = list(pairwise(layers))
        self.scale = nn.Parameter(torch.ones(layers[0])) if form.input_scale else None
        self.layer = nn.ModuleList(nn.Linear(*pair) for pair in pairs)
        self.norm = nn.ModuleList(NORMS[form.normalization](units) for units in layers[1:-1])
        self.activation = nn.ModuleList(FUNCTIONS[form.activation]() for _ in layers[1:-1])

    def forward(self, x):
        x = x if self.scale is None else x * self.scale
        z = None
        for i, (norm, activation) in enumerate(zip(self.norm, self.activation, strict=True)):
            before, a = z, x
            z = self.layer[i](a)
            if self.form.residual == "pre_normalized" and i in self.added:
                z = z + before
            x = activation(norm(z))
            if self.form.residual == "plain" and i in self.added:
                x = x + a
        return self.layer[-1](x)

    def take(self, kernels) -> None:
        for layer, kernel in zip(self.layer, kernels, strict=True):
            layer.weight.data = torch.tensor(kernel.T)
            layer.bias.data.zero_()

    def arrays(self) -> dict[str, np.ndarray]:
        """All tensors by our names."""
        found = {}
        for name, tensor in self.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            if name == "scale":
                found["input_scale.weight"] = tensor.numpy()
                continue
            part, number, own = name.split(".")
            key = f"{part}_{int(number) + 1}"
            is_kernel = part == "layer" and own == "weight"
            found[f"{key}.kernel" if is_kernel else f"{key}.{own}"] = (
                tensor.T if is_kernel else tensor
            ).numpy()
        return found


def arrays_of(network) -> dict[str, np.ndarray]:
    own = dict(network.others)
    for number, (kernel, bias) in enumerate(network, start=1):
        own |= {f"layer_{number}.kernel": kernel, f"layer_{number}.bias": bias}
    return own


def of_form(form: Form, *args, **changes):
    own = {name: getattr(form, name) for name in vars(form)}
    return recipe(*args, layers=LAYERS, **own, **changes)


def random_stack(form: Form, networks=2) -> DenseStack:
    generator = np.random.default_rng(1)
    kernels = [[generator.normal(size=pair) for pair in pairwise(LAYERS)] for _ in range(networks)]
    stack = DenseStack.build(kernels, form, torch.float64, torch.device("cpu"))
    for tensor in (*stack.biases, *stack.others.values()):
        tensor.copy_(torch.from_numpy(generator.uniform(0.5, 1.5, size=tensor.shape)))
    return stack


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("dropped", [False, True])
def test_gradients_of_every_parameter_are_finite_differences(form, dropped):
    stack = random_stack(form)
    inputs = torch.randn(2, 8, FEATURES, dtype=torch.float64, generator=torch.manual_seed(1))
    targets = torch.randint(0, CLASSES, (2, 8), generator=torch.manual_seed(2))
    masks = [
        torch.bernoulli(torch.full((2, 8, u), 0.7, dtype=torch.float64)) / 0.7 for u in LAYERS[1:]
    ]
    mask = (lambda layer, rows, units: masks[layer]) if dropped else None

    def loss(workspace):
        out = forward(stack, inputs, workspace, mask, training=True)
        return CrossEntropy().value_and_gradients(
            BatchOutputs(out, workspace.outputs[-2], targets), workspace.gradients[-1]
        )

    workspace = Workspace(stack, 8, backward=True)
    loss(workspace)
    backward(stack, inputs, workspace, lambda layer: None)
    found = list(zip(stack.kernels, workspace.kernel_gradients, strict=True))
    found += zip(stack.biases, workspace.bias_gradients, strict=True)
    for layers, gradients in zip(stack.between, workspace.other_gradients, strict=True):
        for layer, own in zip(layers, gradients, strict=True):
            found += [(tensor, own[name]) for name, tensor in layer.parameters.items()]
    generator, h, spare = np.random.default_rng(5), 1e-6, Workspace(stack, 8, backward=True)
    for tensor, gradient in found:
        for own in range(2):
            place = (own, *(int(generator.integers(n)) for n in tensor.shape[1:]))
            original, losses = tensor[place].item(), []
            for moved in (original + h, original - h):
                tensor[place] = moved
                losses.append(loss(spare)[own].item())
            tensor[place] = original
            slope = (losses[0] - losses[1]) / (2 * h)
            assert gradient[place].item() == pytest.approx(slope, rel=2e-5, abs=2e-8)


@pytest.mark.parametrize(
    ("form", "which"),
    [
        pytest.param(form, which, id=f"{name}, {which}",
                     marks=() if which == "adam" or name == "all" else pytest.mark.slow)
        for name, form in FORMS.items() for which in OPTIMIZERS
    ],
)  # fmt: skip
def test_ten_steps_are_those_of_torchs_modules(form, which):
    settings = {
        "sgd": {"learning_rate": 0.05, "momentum": 0.5},
        "adagrad": {"learning_rate": 0.01, "epsilon_placement": "outside_root"},
        "rmsprop": {"learning_rate": 0.001, "epsilon_placement": "outside_root"},
        "adam": {"learning_rate": 0.01, "epsilon_placement": "outside_root", "epsilon": 1e-3},
        "adamw": {"learning_rate": 0.01, "epsilon_placement": "outside_root", "epsilon": 1e-3,
                  "weight_decay": 0.0},
    }[which]  # fmt: skip
    data = problem("float64")
    own = of_form(form, 3, optimizer=optimizer(name=which, **settings), steps=10)
    trained = train([own], data)[0]

    reference = Reference(form).double()
    reference.take(draw_kernels(own.initial_weights, 3, LAYERS))
    reference.double()
    parameters = list(reference.parameters())
    theirs = {
        "sgd": lambda: torch.optim.SGD(parameters, lr=0.05, momentum=0.5),
        "adagrad": lambda: torch.optim.Adagrad(
            parameters, lr=0.01, initial_accumulator_value=0.1, eps=1e-7
        ),
        "rmsprop": lambda: torch.optim.RMSprop(parameters, lr=0.001, alpha=0.9, eps=1e-7),
        "adam": lambda: torch.optim.Adam(parameters, lr=0.01, eps=1e-3),
        "adamw": lambda: torch.optim.AdamW(parameters, lr=0.01, eps=1e-3, weight_decay=0.0),
    }[which]()
    for rows in BatchOrder(3, len(TRAIN), 32).take(10):
        rows = TRAIN[rows]
        theirs.zero_grad()
        out = reference(data.inputs[rows])
        nn.functional.cross_entropy(out, torch.from_numpy(data.labels[rows])).backward()
        theirs.step()
    expected, found = reference.arrays(), arrays_of(trained.weights)
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        # Ours are given back in float32.
        np.testing.assert_allclose(found[name], array, rtol=2e-6, atol=2e-7, err_msg=name)
    # And what is said of test rows is said by running means, not by those of the test rows.
    with torch.no_grad():
        tested = reference.eval()(data.inputs[TEST]).numpy()
    np.testing.assert_allclose(trained.test_logits, tested, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("form", "precision"),
    [
        pytest.param(form, precision, id=f"{name}, {precision}",
                     marks=() if precision == "float32" or name == "all" else pytest.mark.slow)
        for name, form in FORMS.items() for precision in ("float32", "bfloat16")
    ],
)  # fmt: skip
def test_a_stack_gives_the_bits_of_each_network_alone(form, precision):
    data = problem(precision)
    stack = [
        of_form(form, 0, "adam", dropout=0.3, steps=12),
        of_form(form, 1, "sgd", steps=8),
        of_form(form, 2, "sgd", steps=12, optimizer=optimizer(name="sgd", learning_rate=1e30)),
        of_form(form, 3, "adamw", steps=20, validation_rows=VALIDATION, early_stopping=STOPPING),
        of_form(form, 0, "adam", steps=12),
    ]
    together = train(stack, data)
    assert together[2].diverged_at is not None or form.normalization  # its neighbours go on
    for one, its in zip(stack, together, strict=True):
        alone = train([one], data)[0]
        assert_same_bits(alone, its)
        for name, array in alone.weights.others.items():
            np.testing.assert_array_equal(array, its.weights.others[name], err_msg=name)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_record_and_numpy_alone_give_the_outputs_of_training(form, tmp_path):
    data = problem()
    trained = train([of_form(form, 1)], data)[0]
    weights.save(tmp_path / "stack.safetensors", {"key": trained.weights})
    back = weights.load(tmp_path / "stack.safetensors", "key", len(LAYERS) - 1, form)
    inputs = data.inputs.numpy()[TEST]
    np.testing.assert_allclose(logits(back, form, inputs), trained.test_logits, atol=1e-5)
    np.testing.assert_allclose(
        outputs_from_weights(inputs, back, form), trained.test_logits, atol=1e-5
    )
    seen = activations_from_weights(inputs, back, form)
    kernel, bias = back[-1]
    np.testing.assert_allclose(seen.hidden @ kernel + bias, trained.test_logits, atol=1e-5)
    if back.others:
        with pytest.raises(ValueError, match="tensors"):
            outputs_from_weights(inputs, back, form.activation.replace("prelu", "relu"))


def test_a_network_may_not_share_a_stack_with_one_of_another_form():
    with pytest.raises(ValueError, match="same layers, form and batch size"):
        train([of_form(FORMS["batch"]), of_form(FORMS["layer"])], problem())


def test_parameters_are_counted_as_they_are():
    for form in FORMS.values():
        reference = Reference(form)
        dense = sum(p.numel() for p in reference.layer.parameters())
        every = sum(p.numel() for p in reference.parameters())
        assert form.parameters(LAYERS) == every - dense


DECLARED = {"hidden": [12, 12], "normalization": "batch", "residual": True, "input_scale": True}


def test_a_study_trains_records_answers_and_reports_such_a_network(tmp_path):
    results = run(study({"modern": network(**DECLARED)}), tmp_path)
    own = results.run("modern", 0)
    assert results.network("modern").residual == "pre_normalized"
    weights = results.weights("modern", 0)
    assert set(weights.others) >= {"norm_2.running_var", "input_scale.weight"}
    count = sum(a.size for pair in weights for a in pair) + 2 * 24 + 64
    assert results.summary()["parameters"].item() == count
    data = data_of(results, own)
    answers = results.predict("modern", 0, data.inputs[data.test_rows], prepared=True)
    correct = answers.argmax(1) == data.label_map[data.labels[data.test_rows]]
    assert correct.mean() == pytest.approx(own.evaluation.accuracy)
    page = write(results, tmp_path / "report")
    assert "batch normalization" in page.read_text()
    with pytest.raises(BadInput, match="dense layers and activations alone"):
        model_of(results, "modern")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden": [12, 13], "residual": "plain"}, "hidden layers of one width"),
        ({"normalization": "batch", "training": {"batch_size": 1}}, "2 rows"),
        ({"hidden": [12, 12], "residual": "plain",
          "initial_weights": {"distribution": "he", "zero_residuals": True}}, "pre_normalized"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_are_told(changes, said):
    with pytest.raises(ValueError, match=said):
        network(**changes)


def test_residuals_are_asked_for_by_true_and_false():
    assert network(hidden=[8, 8], residual=True).residual == "pre_normalized"
    assert network(hidden=[8], residual=False) == network(hidden=[8])


def test_a_run_may_begin_with_such_weights_and_not_with_those_of_another_form(tmp_path):
    run(study({"modern": network(**DECLARED)}), tmp_path / "first")
    begin = {"initial_weights": {"distribution": "recorded", "run": str(tmp_path / "first")}}
    later = {**DECLARED, **begin, "optimizer": {"name": "sgd", "learning_rate": 1e-30}}
    results = run(study({"modern": network(**later)}), tmp_path / "then")
    before = run(study({"modern": network(**DECLARED)}), tmp_path / "first").weights("modern", 0)
    for name in ("norm_1.weight", "input_scale.weight"):
        np.testing.assert_array_equal(
            results.weights("modern", 0).others[name], before.others[name]
        )
    with pytest.raises(BadInput, match="of the recorded form"):
        run(study({"modern": network(**{**later, "normalization": "layer"})}), tmp_path / "other")
