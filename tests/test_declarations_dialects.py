"""Files and words of other libraries: read with a note, or answered with the line to write."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mlplab.declarations.loading import load
from mlplab.declarations.problems import BadInput, Problem

# Written after public files of courses and tools; each has the keys that its dialect has.
DIALECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "flat, as in exercises": (
        {"input_dim": 784, "output_dim": 10, "hidden_dim": 200, "layers": 3, "dataset": "MNIST",
         "learning_rate": 0.05, "epochs": 4, "batch_size": 50},
        {"hidden": (200, 200, 200), "optimizer.learning_rate": 0.05, "training.steps": 4800,
         "training.batch_size": 50},
    ),
    "scikit-learn": (
        {"hidden_layer_sizes": [100, 50], "activation": "logistic", "solver": "adam",
         "alpha": 0.0001, "batch_size": 200, "learning_rate": "constant", "dataset": "digits",
         "learning_rate_init": 0.002, "max_iter": 10, "shuffle": True, "random_state": 7,
         "early_stopping": True, "validation_fraction": 0.1, "n_iter_no_change": 10, "tol": 0.0001,
         "momentum": 0.9, "nesterovs_momentum": True, "verbose": False, "warm_start": False},
        {"hidden": (100, 50), "activation": "sigmoid", "optimizer.learning_rate": 0.002,
         "optimizer.weight_decay": 0.0001, "seeds": (7,), "data.validation": 0.1,
         "training.steps": 65, "training.early_stopping.patience": 10},
    ),
    "Keras, to_json": (
        {"class_name": "Sequential", "keras_version": "2.4.0", "backend": "tensorflow",
         "config": {"name": "sequential", "layers": [
             {"class_name": "Flatten", "config": {"batch_input_shape": [None, 28, 28]}},
             {"class_name": "Dense", "config": {"units": 128, "activation": "relu"}},
             {"class_name": "Dropout", "config": {"rate": 0.2}},
             {"class_name": "Dense", "config": {"units": 10, "activation": "softmax"}}]},
         "compile": {"optimizer": "rmsprop", "loss": "categorical_crossentropy",
                     "metrics": ["accuracy"]},
         "fit": {"epochs": 5, "batch_size": 128, "validation_split": 0.1}, "data": "mnist"},
        {"hidden": (128,), "activation": "relu", "dropout": 0.2, "optimizer.name": "rmsprop",
         "training.steps": 2110, "data.validation": 0.1},
    ),
    "Hydra and Lightning": (
        {"model": {"_target_": "src.models.MNISTModule",
                   "net": {"_target_": "src.Dense", "input_size": 784, "hidden_sizes": [64, 128],
                           "output_size": 10},
                   "compile": False},
         "optimizer": {"_target_": "torch.optim.Adam", "lr": 0.001, "weight_decay": 0.0},
         "data": {"name": "MNIST", "batch_size": 64, "num_workers": 0, "data_dir": "data/"},
         "trainer": {"_target_": "lightning.Trainer", "max_epochs": 2, "accelerator": "cpu",
                     "devices": 1}, "seed": 42},
        {"hidden": (64, 128), "optimizer.name": "adam", "training.steps": 1875, "seeds": (42,)},
    ),
    "PyTorch template": (
        {"name": "Mnist_MLP", "n_gpu": 1,
         "arch": {"type": "MLP", "args": {"hidden_sizes": [256, 128]}},
         "data_loader": {"type": "MnistDataLoader", "args": {"data_dir": "data/", "batch_size": 128,
                         "shuffle": True, "validation_split": 0.1, "num_workers": 2}},
         "optimizer": {"type": "Adam", "args": {"lr": 0.001, "weight_decay": 0, "amsgrad": True}},
         "loss": "nll_loss", "metrics": ["accuracy", "top_k_acc"], "dataset": "MNIST",
         "lr_scheduler": {"type": "StepLR", "args": {"step_size": 5, "gamma": 0.1}},
         "trainer": {"epochs": 10, "save_dir": "saved/", "verbosity": 2, "early_stop": 10}},
        {"hidden": (256, 128), "optimizer.learning_rate": 0.001, "training.batch_size": 128,
         "optimizer.schedule.every": 2110, "training.steps": 4219, "data.validation": 0.1},
    ),
    "sections with parameters": (
        {"project_name": "MLP_MNIST", "output_dir": "./outputs/", "seed": 1,
         "dataset": {"name": "MNIST", "batch_size": 64, "num_workers": 2},
         "model": {"name": "MLP", "params": {"layer_sizes": [784, 256, 256, 10],
                                             "activation": "LeakyReLU"}},
         "optimizer": {"name": "SGD", "params": {"lr": 0.1, "momentum": 0.9}},
         "scheduler": {"name": "CosineAnnealingLR", "params": {}},
         "loss": {"name": "CrossEntropy"},
         "trainer": {"epochs": 3, "patience": 0, "mixed_precision": False, "use_wandb": True}},
        {"hidden": (256, 256), "activation": "leaky_relu", "optimizer.momentum": 0.9,
         "optimizer.schedule.name": "cosine", "training.steps": 2813},
    ),
    "flat, as in sweeps": (
        {"lr": 0.01, "optimizer": "SGD", "momentum": 0.9, "epochs": 2, "batch_size": 32,
         "hidden_layers": [64, 64], "activation": "ReLU", "dropout": 0.5, "seed": 3, "n_classes": 10,
         "dataset": "FashionMNIST", "val_split": 20, "device": "cuda", "normalize": True},
        {"hidden": (64, 64), "optimizer.name": "sgd", "optimizer.momentum": 0.9, "dropout": 0.5,
         "data.name": "fashion-mnist", "data.validation": 0.2, "data.scaling": "unit",
         "training.steps": 3000},
    ),
}  # fmt: skip


def refused(folder, study: Any) -> tuple[Problem, ...]:
    path = folder / "study.json"
    path.write_text(study if isinstance(study, str) else json.dumps(study, indent=1))
    with pytest.raises(BadInput) as error:
        load(path)
    return error.value.problems


def mended(study: dict[str, Any], problems: tuple[Problem, ...]) -> dict[str, Any]:
    """The study after what the hints say was done, word by word."""
    study = json.loads(json.dumps(study))
    for problem in problems:
        assert problem.hint, str(problem)
        *outer, last = str(problem.where).split(".") if problem.where else ("",)
        holder = study
        for step in outer:
            holder = holder.get(step, {})
        line = re.search(r'(?:write|add) (".*)$', problem.hint)
        if line is None:
            assert problem.hint.startswith(("leave it out", "remove it")), str(problem)
        holder.pop(last, None)
        study |= json.loads(f"{{{line[1]}}}") if line else {}
    return study


@pytest.mark.parametrize("dialect", DIALECTS)
def test_files_of_others_are_answered_with_the_lines_to_write(tmp_path, dialect):
    study, meant = DIALECTS[dialect]
    problems = refused(tmp_path, study)
    path = tmp_path / "mended.json"
    path.write_text(json.dumps(mended(study, problems)))
    (network,) = load(path).networks.values()
    for setting, value in meant.items():
        here: Any = network
        for step in setting.split("."):
            here = getattr(here, step)
        assert here == value, setting


OPTIMIZER = {"name": "adam", "learning_rate": 0.001}
STUDY = {
    "data": {"name": "digits", "validation": 0.2},
    "seeds": 3,
    "optimizer": OPTIMIZER,
    "networks": {"a": {"hidden": [8]}, "b": {"hidden": [16]}},
}


def loaded(folder, study: dict[str, Any]):
    path = folder / "study.json"
    path.write_text(json.dumps(study))
    return load(path)


@pytest.mark.parametrize(
    ("change", "path", "value", "word"),
    [
        ({"optimizer": {"name": "Adam", "lr": 0.01}}, "optimizer.learning_rate", 0.01, "lr"),
        ({"optimizer": {"name": "Adam", "lr": 0.01}}, "optimizer.name", "adam", "Adam"),
        ({"optimizer": {"type": "SGD", "lr": 1, "momentum": 0.9}}, "optimizer.name", "sgd", "type"),
        ({"activation": "ReLU"}, "activation", "relu", "ReLU"),
        ({"activation": "nn.LeakyReLU()"}, "activation", "leaky_relu", "LeakyReLU"),
        ({"data": {"name": "MNIST"}}, "data.name", "mnist", "MNIST"),
        ({"data": {"name": "digits", "val_split": 0.1}}, "data.validation", 0.1, "val_split"),
        ({"training": {"max_steps": 50}}, "training.steps", 50, "max_steps"),
        ({"training": {"num_epochs": 2}}, "training.steps", 9, "num_epochs"),
        ({"objective": {"type": "CrossEntropyLoss"}}, "objective.name", "cross_entropy", "type"),
        ({"networks": {"a": {"hidden_sizes": [9]}}}, "hidden", (9,), "hidden_sizes"),
        ({"grid": {"hidden_sizes": [[9]], "optimizer.lr": [1]}, "networks": {}}, "hidden", (9,),
         "hidden_sizes"),
        ({"grid": {"hidden": [[9]], "activation": ["ReLU"]}, "networks": {}}, "activation", "relu",
         "ReLU"),
    ],
)  # fmt: skip
def test_a_known_synonym_is_read_and_noted(tmp_path, change, path, value, word):
    study = loaded(tmp_path, STUDY | change)
    here: Any = next(iter(study.networks.values()))
    for step in path.split("."):
        here = getattr(here, step)
    assert here == value
    assert any(f'"{word}' in note or word in note for note in study.notes)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"seed": 42}, '"seeds": [42]'),
        ({"n_runs": 5}, '"seeds": 5'),
        ({"epochs": 10}, '"training": {"epochs": 10}'),
        ({"lr": 0.5}, '"optimizer": {"name": "adam", "learning_rate": 0.5}'),
        ({"l2": 0.1}, '"weight_decay": 0.1'),
        ({"loss": "CrossEntropyLoss"}, '"objective": {"name": "cross_entropy"}'),
        ({"hidden": "64, 32"}, "write [64, 32]"),
        ({"data": {"name": "digits", "test_size": 0.2}}, "leave it out: a known set"),
        ({"questions": [{"ask": "?", "compare": ["a", 0.9], "metric": {"final": "accuracy"},
                         "expect": "greater"}]}, '"level_of": "a", "than": 0.9'),
        ({"optimizer": "Adam"}, '"optimizer": {"name": "adam", "learning_rate": 0.001}'),
        ({"units": 64}, '"hidden": [64]'),
        ({"normalize": True}, '"scaling": "unit"'),
        ({"standardize": True}, '"scaling": "standard"'),
        ({"scaler": "MinMaxScaler"}, '"scaling": "minmax"'),
        ({"lr_schedule": "cosine"}, '"schedule": {"name": "cosine"}'),
        ({"val_split": 0.3}, '"validation": 0.3'),
        ({"data": "MNIST"}, '"data": {"name": "mnist"}'),
        ({"dropout": 50}, "write 0.5"),
        ({"networks": {"a": {"hidden": [4], "lr": 0.5}}}, '"optimizer": {"learning_rate": 0.5}'),
        ({"open_set": [{"known": "0-4", "unknown": [5]}]}, "write [0, 1, 2, 3, 4]"),
        ({"questions": [{"ask": "?", "compare": ["a", "b"], "metric": {"steps_to": 95},
                         "expect": "less"}]}, 'write {"accuracy": 0.95}'),
        ({"questions": [{"ask": "?", "compare": ["a", "b"],
                         "metric": {"steps_to": {"accuracy": 95}}, "expect": "less"}]},
         "write 0.95"),
    ],
)  # fmt: skip
def test_what_others_write_is_answered_with_the_line(tmp_path, change, line):
    problems = refused(tmp_path, STUDY | change)
    assert any(line in (problem.hint or "") for problem in problems), list(map(str, problems))
    assert len(problems) == 1


@pytest.mark.parametrize("change", [{"optimizer": {"name": "adm", "learning_rate": 1}},
                                    {"activation": "reluu"}])  # fmt: skip
def test_a_misspelling_is_refused_with_a_suggestion(tmp_path, change):
    (problem,) = refused(tmp_path, STUDY | change)
    assert (problem.hint or "").startswith("did you mean")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hidden: [64]\noptimizer:\n  name: adam\n", "YAML"),
        ("# a study\nseed: 42\nmodel:\n  units: 64\n", "YAML"),
        ("[model]\nhidden = [64]\n", "TOML"),
        ("lr = 0.1\nepochs = 3\n", "TOML"),
    ],
)
def test_another_format_is_named(tmp_path, text, kind):
    (problem,) = refused(tmp_path, text)
    assert kind in problem.received
    assert "comment" not in str(problem)


def test_a_list_of_keys_is_written_once(tmp_path):
    problems = refused(tmp_path, STUDY | {"qqqqq": 1, "zzzzz": 2, "xxxxx": 3})
    assert sum('"networks", "grid"' in str(problem) for problem in problems) == 1
    assert len(problems) == 3


def test_notes_on_many_words_are_counted(tmp_path):
    networks = {f"n{i}": {"hidden": [i], f"activation{'_fn'}": "relu"} for i in range(1, 100)}
    notes = loaded(tmp_path, STUDY | {"networks": networks}).notes
    assert len(notes) < 5
    assert "98 others" in notes[0]


@pytest.mark.parametrize("value", [0.2, 20])
def test_a_test_part_is_not_asked_of_a_set_that_has_one(tmp_path: Path, value: float) -> None:
    def write(study: dict[str, Any]) -> Path:
        (tmp_path / "s.json").write_text(json.dumps(study))
        return tmp_path / "s.json"

    study = {
        "name": "s",
        "data": {"name": "digits"},
        "test_size": value,
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "networks": {"a": {"hidden": [8]}},
    }
    with pytest.raises(BadInput) as refusal:
        load(write(study))
    (problem,) = refusal.value.problems
    assert problem.where == "test_size"
    assert "leave it out" in str(problem)
    own = study | {"data": {"format": "npz", "path": "a.npz"}}
    with pytest.raises(BadInput) as refusal:
        load(write(own))
    assert '"test": 0.2' in str(refusal.value)
