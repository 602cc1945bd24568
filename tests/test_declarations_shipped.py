"""Studies that ship, their schema, and what reading them costs."""

import json
import subprocess
import sys

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlplab.commands.init import QUESTION, STARTER
from mlplab.declarations.checking.figure_checks import published_figures
from mlplab.declarations.data import CsvData, IdxData, KnownData, NpzData
from mlplab.declarations.figure import CurveFigure, RocFigure
from mlplab.declarations.initial_weights import Glorot, He, Normal, Uniform
from mlplab.declarations.loading import load
from mlplab.declarations.metric import OpenSetMetric
from mlplab.declarations.network import Network
from mlplab.declarations.optimizer import (
    Adagrad,
    Adam,
    AdamW,
    ConstantSchedule,
    CosineSchedule,
    RmsProp,
    Sgd,
    StepSchedule,
)
from mlplab.declarations.problems import BadInput
from mlplab.declarations.reading.names import fault_of_line
from mlplab.declarations.resolving.arms import can_be_asked
from mlplab.declarations.resolving.size import size_of
from mlplab.declarations.schema import schema_text, study_schema
from mlplab.declarations.source import shipped_folder, shipped_studies
from mlplab.declarations.study import Study
from mlplab.declarations.training import EarlyStopping, Training
from mlplab.declarations.writing import study_json, study_values

VALIDATOR = jsonschema.Draft202012Validator(study_schema())


def values_of(name):
    return json.loads((shipped_folder() / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", shipped_studies())
def test_shipped_studies_load_without_a_note(name):
    study = load(name)
    assert study.name == name
    assert study.notes == ()
    assert not list(VALIDATOR.iter_errors(values_of(name)))


def test_shipped_studies_are_found_by_name_and_by_the_path_of_the_documentation(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert load("demo") == load("demo.json") == load("studies/demo.json")
    with pytest.raises(BadInput, match="did you mean") as caught:
        load("studies/report2023.json")
    assert caught.value.problems[0].hint == 'did you mean "report-2023"?'
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "demo.json").write_text('{"data": {"name": "digits"}}')
    with pytest.raises(BadInput, match="networks"):
        load("studies/demo.json")


def test_the_report_has_its_ten_figures_in_order():
    study = load("report-2023")
    whole = [name for name, network in study.networks.items() if network.roles is None]
    assert whole == [f"config{number}" for number in range(1, 17)]
    assert list(study.networks)[16:] == ["config10 · 0-4 known"]
    assert all(network.seeds == tuple(range(10)) for network in study.networks.values())
    published = [getattr(figure, "published", None) for figure in study.figures]
    assert [int(name.split("_")[1]) if name else None for name in published] == [
        1, 2, 3, 4, 5, 6, 3, 4, None, 10,
    ]  # fmt: skip
    assert isinstance(study.figures[8], RocFigure)
    assert {name for name in published if name} == set(published_figures("report-2023"))
    for figure in study.figures:
        if isinstance(figure, CurveFigure) and "loss" in (figure.published or ""):
            assert figure.metric == "softmaxed_loss"


@pytest.mark.parametrize(
    ("select", "networks", "about_unknown"),
    [
        (["config10", "config6"], ["config6", "config10", "config10 · 0-4 known"], 3),
        (["config2", "config6"], ["config2", "config6"], 0),
    ],
)
def test_claims_about_networks_that_are_not_selected_vanish(
    tmp_path, select, networks, about_unknown
):
    study = load("report-2023", select=select)
    assert list(study.networks) == networks
    about = [q for q in study.questions if isinstance(q.metric, OpenSetMetric)]
    assert len(about) == about_unknown
    assert all(can_be_asked(question, study) for question in study.questions)
    assert len(study.open_set) == bool(about_unknown)
    path = tmp_path / "again.json"
    path.write_text(study_json(study))
    assert load(path) == study


def test_the_report_costs_what_it_was_measured_to_cost():
    """37.2 TFLOP for one seed: 2,000 steps of 256 rows, 10,000 test rows every 100 steps."""
    networks = load("report-2023").networks.values()
    sizes = [size_of(n, 784, 10) for n in networks if n.roles is None]
    total = sum(size.training_flops + 20 * size.evaluation_flops(10_000) for size in sizes)
    assert total == pytest.approx(37.2e12, rel=0.001)


def test_the_size_of_a_network_counted_by_hand():
    """3 features, 4 and 5 hidden, 2 outputs, batch 6.

    Weights 3·4 + 4·5 + 5·2 = 42, biases 4 + 5 + 2 = 11. A row forward: 2·42 = 84. A step: 6 rows ·
    (84 forward + 84 for the gradients of weights + 2·(20 + 10) for those of inputs) = 6·228.
    """
    network = Network(
        hidden=(4, 5),
        optimizer=Sgd(name="sgd", learning_rate=1),
        data=KnownData(name="digits"),
        training=Training(steps=7, batch_size=6),
    )
    size = size_of(network, 3, 2)
    assert (size.weights, size.parameters) == (42, 53)
    assert size.forward_flops_a_row == 84
    assert size.step_flops == 6 * 228
    assert size.training_flops == 7 * 6 * 228
    assert size.evaluation_flops(10) == 840
    # 16 bytes a parameter, and 4 for each of 6·(3+4+5+2) activations and their gradients.
    assert size.memory_bytes() == 16 * 53 + 4 * 2 * 6 * 14
    assert size_of(network.model_copy(update={"outputs": 9}), 3, 2).layers == (3, 4, 5, 9)


def test_config17_has_its_141_million_parameters():
    (network,) = load("config17").networks.values()
    assert network.hidden == (8192, 16384)
    # 784·8192 + 8192·16384 + 16384·10 weights and 8192 + 16384 + 10 biases.
    assert size_of(network, 784, 10).parameters == 140_828_682


def test_the_study_of_epsilon_varies_depth_and_placement_alone():
    study = load("epsilon")
    kinds = {
        (n.optimizer.name, n.optimizer.epsilon_placement, len(n.hidden) + 1)
        for n in study.networks.values()
    }
    placements = {
        "rmsprop": ("inside_root", "outside_root"),
        "adam": ("before_correction", "inside_root", "outside_root"),
    }
    assert kinds == {
        (name, place, depth)
        for name, places in placements.items()
        for place in places
        for depth in (3, 5, 8, 10)
    }
    assert (
        len({(n.data, n.training, n.seeds, n.initial_weights) for n in study.networks.values()})
        == 1
    )
    assert all(n.training.diagnostics for n in study.networks.values())


def test_the_starter_study_loads(tmp_path):
    path = tmp_path / "starter.json"
    path.write_text(json.dumps({"name": "starter", **STARTER}, ensure_ascii=False))
    study = load(path)
    assert study.notes == ()
    assert not list(VALIDATOR.iter_errors({"name": "starter", **STARTER}))


def test_the_starter_has_enough_seeds_for_its_question(tmp_path):
    path = tmp_path / "starter.json"
    path.write_text(json.dumps({"name": "starter", **STARTER, **QUESTION}))
    study = load(path)
    assert study.questions
    assert {len(network.seeds) for network in study.networks.values()} == {6}
    assert not [note for note in study.notes if "verdict" in note]


# The schema


def test_the_schema_that_ships_is_current():
    """To renew it: python -m mlplab.declarations.schema > studies/study.schema.json"""
    shipped = (shipped_folder() / "study.schema.json").read_text(encoding="utf-8")
    assert shipped == schema_text()
    jsonschema.Draft202012Validator.check_schema(study_schema())


@pytest.mark.parametrize(
    "change",
    [
        {"stps": 3},
        {"seeds": 0},
        {"seeds": [1, 1]},
        {"training": {"steps": 0}},
        {"training": {"stps": 1}},
        {"optimizer": {"name": "adm"}},
        {"optimizer": {"name": "sgd", "beta1": 0.9}},
        {"networks": {"a": {"hidden": [0]}}},
        {"networks": {"a": {"hidden": [1.5]}}},
        {"figures": [{"title": "x", "metric": "acuracy"}]},
        {"name": ""},
        {"data": {"format": "xlsx"}},
        {"grid": {"hidden": []}},
    ],
)
def test_the_schema_refuses_what_loading_refuses(change):
    study = values_of("demo")
    assert not list(VALIDATOR.iter_errors(study))
    assert list(VALIDATOR.iter_errors(study | change))


def test_the_schema_explains_settings_in_the_words_of_the_declarations():
    definitions = study_schema()["$defs"]
    assert definitions["Training"]["properties"]["diagnostics"]["description"]
    assert definitions["Adam"]["description"].startswith("m ← β1·m")


# Written and read back

rates = st.floats(1e-12, 1e6)
shares = st.floats(0, 0.999)
parts = st.one_of(st.integers(0, 100), st.floats(0.01, 0.05))
schedules = st.one_of(
    st.builds(ConstantSchedule, name=st.just("constant"), warmup_steps=st.integers(0, 9)),
    st.builds(StepSchedule, name=st.just("step"), every=st.integers(1, 9), factor=rates),
    st.builds(CosineSchedule, name=st.just("cosine"), final=shares),
)
common = {"learning_rate": rates, "schedule": schedules, "weight_decay": shares}
placements = st.sampled_from(["inside_root", "outside_root"])
adam_placements = st.sampled_from(["before_correction", "inside_root", "outside_root"])
adams = {**common, "beta1": shares, "epsilon": rates, "epsilon_placement": adam_placements}
optimizers = st.one_of(
    st.builds(Sgd, name=st.just("sgd"), momentum=shares, **common),
    st.builds(Adagrad, name=st.just("adagrad"), epsilon_placement=placements, **common),
    st.builds(RmsProp, name=st.just("rmsprop"), epsilon_placement=placements, **common),
    st.builds(Adam, name=st.just("adam"), **adams),
    st.builds(AdamW, name=st.just("adamw"), **adams),
)
weights = st.one_of(
    st.builds(
        Uniform, distribution=st.just("uniform"), low=st.floats(-1, -0.1), high=st.floats(0, 1)
    ),
    st.builds(Normal, distribution=st.just("normal"), deviation=rates),
    st.builds(Glorot, distribution=st.just("glorot"), shape=st.sampled_from(["uniform", "normal"])),
    st.builds(He, distribution=st.just("he"), shape=st.sampled_from(["uniform", "normal"])),
)
data = st.builds(
    KnownData,
    name=st.sampled_from(["digits", "mnist"]),
    validation=parts,
    classes=st.none() | st.permutations(list("0123456789")).map(lambda p: tuple(p[:6])),
    split_seed=st.integers(0, 9),
    scaling=st.sampled_from([None, "unit", "standard", "none"]),
)
trainings = st.builds(
    Training,
    steps=st.integers(1, 10**6),
    batch_size=st.integers(1, 500),
    evaluate_every=st.integers(10, 1000),
    diagnostics=st.just(True),
)
networks = st.builds(
    Network,
    hidden=st.lists(st.integers(1, 300), max_size=4).map(tuple),
    optimizer=optimizers,
    data=data,
    activation=st.sampled_from(["relu", "gelu", "identity"]),
    dropout=shares,
    outputs=st.none() | st.integers(10, 12),
    initial_weights=weights,
    training=trainings,
    seeds=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3, unique=True).map(tuple),
)
names = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20).filter(
    lambda name: name != "all" and not name.startswith("//")
)
figures = st.builds(
    CurveFigure,
    title=st.text(max_size=9).filter(lambda title: fault_of_line(title) is None),
    metric=st.sampled_from(["accuracy", "loss"]),
    split=st.sampled_from(["test", ("batch", "test")]),
    steps=st.none() | st.just((0, 50)),
)
studies = st.builds(
    Study,
    name=st.sampled_from(["x", "a study", "ü-1"]),
    networks=st.dictionaries(names, networks, min_size=1, max_size=3),
    figures=st.lists(figures, max_size=2).map(tuple),
    compare_with=st.none() | st.just("report-2023"),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(studies)
def test_a_study_written_and_read_back_is_the_same(tmp_path, study):
    path = tmp_path / "study.json"
    path.write_text(study_json(study), encoding="utf-8")
    assert load(path) == study
    assert not list(VALIDATOR.iter_errors(study_values(study)))


@pytest.mark.parametrize(
    "own",
    [
        NpzData(format="npz", path="x.npz", test=0.25, validation=0.1),
        CsvData(format="csv", path="x.csv", label="kind", test_path="t.csv"),
        IdxData(format="idx", train_images="a", train_labels="b", test=10, classes=(1, "2")),
    ],
)
def test_own_data_survive_writing(own):
    network = Network(hidden=(1,), optimizer=Sgd(name="sgd", learning_rate=1), data=own)
    written = json.dumps(study_values(Study("x", {"a": network}))["networks"]["a"])
    assert Network.model_validate_json(written) == network


def test_early_stopping_survives_writing():
    training = Training(early_stopping=EarlyStopping(metric="accuracy", patience=2))
    assert Training.model_validate_json(training.model_dump_json()) == training


# What checking costs


def test_checking_imports_no_numerical_library():
    program = (
        "import sys; from mlplab.declarations.loading import load; load('report-2023'); "
        "heavy = {'torch', 'numpy', 'scipy', 'sklearn', 'pandas', 'altair'} & set(sys.modules); "
        "print(sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
