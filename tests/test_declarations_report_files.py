"""The 2023 report's own configuration files run as they are."""

import json

import pytest

from mlplab.declarations.data import KnownData
from mlplab.declarations.initial_weights import Uniform
from mlplab.declarations.loading import load
from mlplab.declarations.optimizer import Adagrad, Adam, RmsProp, Sgd
from mlplab.declarations.problems import BadInput

# The table of the report: hidden layers, optimizer, learning rate.
D5, D8 = [128, 256, 512, 256], [128, 256, 512, 256, 256, 128, 128]
REPORT = {
    "config1": ([128, 256], "sgd", 0.1),
    "config2": ([128, 256], "adam", 0.001),
    "config3": ([128, 256], "rmsprop", 0.001),
    "config4": (D5, "rmsprop", 0.001),
    "config5": (D8, "rmsprop", 0.001),
    "config6": ([*D8, 128, 128], "rmsprop", 0.001),
    "config7": (D5, "adam", 0.001),
    "config8": (D8, "adam", 0.001),
    "config9": ([*D8, 128, 128], "adam", 0.001),
    "config10": ([256, 512], "adam", 0.001),
    "config11": ([256, 512], "rmsprop", 0.001),
    "config12": ([512, 1024], "adam", 0.001),
    "config13": ([512, 1024], "rmsprop", 0.001),
    "config14": ([1024, 2048], "adam", 0.001),
    "config15": ([1024, 2048], "rmsprop", 0.001),
    "config16": ([128, 256], "adagrad", 0.01),
}


def configuration(hiddens, optimizer, learning_rate, changes=None):
    return {
        "learning_rate": learning_rate,
        "num_classes": 10,
        "num_features": 784,
        "training_steps": 2000,
        "batch_size": 256,
        "n_layers": len(hiddens) + 1,
        "hiddens": hiddens,
        "optimizer": optimizer,
    } | (changes or {})


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "my configs"
    folder.mkdir()
    for name, settings in REPORT.items():
        (folder / f"{name}.json").write_text(json.dumps(configuration(*settings), indent=2))
    return folder


def problems_of(path, **kwargs):
    with pytest.raises(BadInput) as caught:
        load(path, **kwargs)
    return caught.value.problems


def test_a_folder_is_the_study_that_ships(folder):
    (folder / "notes.txt").write_text("not a configuration")
    (folder / ".hidden.json").write_text("neither")
    study, shipped = load(folder), load("report-2023", seeds=3)
    assert study.name == "my configs"
    whole = [name for name, network in shipped.networks.items() if network.roles is None]
    assert list(study.networks) == list(REPORT) == whole
    for name, network in study.networks.items():
        # The files say how many outputs; the study leaves that to the data.
        assert network.model_copy(update={"outputs": None}) == shipped.networks[name]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sgd", Sgd(name="sgd", learning_rate=0.5)),
        ("SGD", Sgd(name="sgd", learning_rate=0.5)),
        (
            "Adam",
            Adam(
                name="adam", learning_rate=0.5, beta1=0.9, beta2=0.999, epsilon=1e-7,
                epsilon_placement="before_correction",
            ),
        ),
        (
            "RMSprop",
            RmsProp(
                name="rmsprop", learning_rate=0.5, decay=0.9, epsilon=1e-7,
                epsilon_placement="inside_root",
            ),
        ),
        (
            "Adagrad",
            Adagrad(
                name="adagrad", learning_rate=0.5, initial_accumulator=0.1, epsilon=1e-7,
                epsilon_placement="inside_root",
            ),
        ),
    ],
)  # fmt: skip
def test_a_file_means_the_protocol_of_the_report(tmp_path, written, meant):
    path = tmp_path / "config3.json"
    path.write_text(json.dumps(configuration([128, 256], written, 0.5)))
    study = load(path)
    assert (study.name, list(study.networks)) == ("config3", ["config3"])
    network = study.networks["config3"]
    assert network.optimizer == meant
    assert network.data == KnownData(name="mnist", validation=0)
    assert network.initial_weights == Uniform(distribution="uniform", low=-0.05, high=0.05)
    assert (network.hidden, network.outputs, network.activation) == ((128, 256), 10, "relu")
    assert (network.training.steps, network.training.batch_size) == (2000, 256)
    assert (network.training.evaluate_every, network.dropout) == (100, 0)
    assert network.seeds == (0, 1, 2)


@pytest.mark.parametrize(
    ("changes", "where", "expected"),
    [
        ({"n_layers": 4}, "n_layers", "3, for the 2 in hiddens and the output layer"),
        ({"num_features": 28}, "num_features", "784, the pixels of an MNIST image"),
        ({"num_classes": 9}, "networks.c.outputs", "at least 10, an output for every class"),
        ({"batch_size": 60001}, "networks.c.training.batch_size", "at most 60000"),
        ({"optimizer": "Adm"}, "optimizer", 'one of "sgd", "adam"'),
        ({"learning_rate": 0}, "learning_rate", "a number above 0"),
        ({"hiddens": []}, "hiddens", "a non-empty list"),
        ({"hiddens": [128, 2.5]}, "hiddens[1]", "a whole number of at least 1"),
        ({"hidens": [1]}, "hidens", "one of the keys"),
        ({"training_steps": True}, "training_steps", "a whole number of at least 1"),
    ],
)
def test_broken_configurations(tmp_path, changes, where, expected):
    path = tmp_path / "c.json"
    settings = configuration([128, 256], "adam", 0.001, changes)
    path.write_text(json.dumps(settings, indent=1))
    (problem,) = problems_of(path)
    assert problem.where == where
    assert problem.expected.startswith(expected)
    assert problem.file == str(path)
    # Even where the fault shows only in the translated study, the line is the configuration's.
    assert next(iter(changes)) in path.read_text().split("\n")[problem.line - 1] or "[" in where


def test_a_missing_key(tmp_path):
    settings = configuration([128, 256], "adam", 0.001)
    del settings["optimizer"]
    (tmp_path / "c.json").write_text(json.dumps(settings))
    (problem,) = problems_of(tmp_path / "c.json")
    assert problem.expected == 'the key "optimizer" (one of "sgd", "adam", "rmsprop", "adagrad")'


def test_more_outputs_than_classes_is_a_note(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(configuration([8], "sgd", 0.1, {"num_classes": 12})))
    assert load(path).notes == (
        '"c" has 12 outputs for 10 classes; the outputs to spare are never right.',
    )


def test_every_wrong_file_of_a_folder_is_told_at_once(folder):
    (folder / "config2.json").write_text("{")
    (folder / "config3.json").write_text(json.dumps(configuration([1], "sgd", -1)))
    (folder / "study.json").write_text(json.dumps({"networks": {}}))
    (folder / "other.json").write_text(json.dumps({"version": 3}))
    problems = problems_of(folder)
    files = {problem.file for problem in problems}
    assert files == {str(folder / f"{n}.json") for n in ("config2", "config3", "study", "other")}
    assert any("a study file" in problem.received for problem in problems)


def test_an_empty_folder(tmp_path):
    (problem,) = problems_of(tmp_path)
    assert problem.received == "a folder without any"


def test_overrides_and_selection_act_on_the_translated_study(folder):
    study = load(
        folder,
        overrides=["networks.config1.training.steps=5", "seeds=[7]"],
        select=["config1", "config2"],
    )
    assert list(study.networks) == ["config1", "config2"]
    assert study.networks["config1"].training.steps == 5
    assert study.networks["config2"].seeds == (7,)


def test_odd_folder_names_make_legal_study_names(tmp_path, monkeypatch):
    for name in ("..hidden", "con", "a:b"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "x.json").write_text(json.dumps(configuration([8], "sgd", 0.1)))
    assert load(tmp_path / "..hidden").name == "hidden"
    assert load(tmp_path / "con").name == "study-con"
    assert load(tmp_path / "a:b").name == "a-b"
    monkeypatch.chdir(tmp_path / "con")
    assert load(".").name == "study-con"


def test_an_override_of_a_shared_setting_reaches_every_configuration_file(folder):
    study = load(folder, overrides=["training.steps=20", "data.classes=[0, 1]", "seeds=[4]"])
    for network in study.networks.values():
        assert network.training.steps == 20
        assert network.data.classes == (0, 1)
        assert network.seeds == (4,)
