"""A model file: what a recorded network answers, without the study, and `mlplab predict`."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file
from sklearn.datasets import load_digits, load_iris

import mlplab
from command_line import mlplab_here
from mlplab import Study
from mlplab.declarations.problems import BadInput
from mlplab.model.files import load_model
from mlplab.model.model import Model
from mlplab.model.rows import new_rows

IRIS = load_iris(as_frame=True)
TRAINING = {"steps": 150, "batch_size": 32, "evaluate_every": 50}
NETWORK = {"hidden": [12], "optimizer": {"name": "adam", "learning_rate": 0.01}}


def command(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what stands on the screen, and that with what was said beside it."""
    ended = mlplab_here(*arguments, cwd=Path())
    return ended.returncode, ended.stdout, ended.stdout + ended.stderr


def flowers() -> pd.DataFrame:
    frame = IRIS.data.assign(garden=np.where(IRIS.target == 0, "north", "south"))
    frame.loc[::10, "sepal width (cm)"] = np.nan
    return frame.assign(kind=IRIS.target_names[IRIS.target])


def run_study(folder: Path, declared: dict[str, object]) -> object:
    (folder / "s.json").write_text(json.dumps(declared))
    return Study.load(folder / "s.json").run(folder / "out", device="cpu")


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, Model, Path]:
    """Results on a table with a category and missing values, their model, and its file."""
    folder = tmp_path_factory.mktemp("classes")
    flowers().to_csv(folder / "iris.csv", index=False)
    results = run_study(folder, {
        "data": {"format": "table", "path": "iris.csv", "target": "kind", "validation": 0.2},
        "training": TRAINING, "networks": {"a": NETWORK}, "seeds": 3,
    })  # fmt: skip
    model = results.model("a")
    model.save(folder / "iris.safetensors")
    return results, model, folder / "iris.safetensors"


@pytest.fixture(scope="module")
def quantity(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, Path]:
    folder = tmp_path_factory.mktemp("quantity")
    IRIS.data.assign(width=1000 * IRIS.data["petal width (cm)"]).drop(
        columns="petal width (cm)"
    ).to_csv(folder / "iris.csv", index=False)
    results = run_study(folder, {
        "data": {"format": "table", "path": "iris.csv", "target": "width", "task": "regression"},
        "training": TRAINING, "networks": {"a": NETWORK}, "seeds": 2,
    })  # fmt: skip
    results.model("a").save(folder / "width.safetensors")
    return results, folder / "width.safetensors"


def test_a_model_answers_as_the_recorded_networks_do(classes) -> None:
    results, model, path = classes
    rows = flowers().drop(columns="kind")
    softmax = []
    for seed in (0, 1, 2):
        scores = results.predict("a", seed, rows)
        parts = np.exp(scores - scores.max(axis=1, keepdims=True))
        softmax.append(parts / parts.sum(axis=1, keepdims=True))
    loaded = mlplab.load_model(path)
    np.testing.assert_allclose(loaded.predict_proba(rows), np.mean(softmax, axis=0), atol=1e-6)
    assert np.array_equal(loaded.predict_proba(rows), model.predict_proba(rows))
    answers = loaded.answers(rows)
    best = np.mean(softmax, axis=0).argmax(axis=1)
    assert answers["prediction"].tolist() == [loaded.classes[place] for place in best]
    spread = np.std([own[np.arange(150), best] for own in softmax], axis=0, ddof=1)
    np.testing.assert_allclose(answers["spread"], spread, atol=1e-6)
    assert (loaded.predict(rows) == IRIS.target_names[IRIS.target]).mean() > 0.9
    assert "3 classes, 3 networks" in repr(loaded)


def test_one_seed_is_one_network(classes) -> None:
    results, _, _ = classes
    own = results.model("a", 1)
    assert own.seeds == (1,)
    assert "spread" not in own.answers(flowers())


def test_a_quantity_is_told_in_its_own_unit(quantity) -> None:
    results, path = quantity
    model = load_model(path)
    assert model.is_regression
    assert model.target == "width"
    assert model.classes == ()
    rows = IRIS.data.drop(columns="petal width (cm)")
    mean = np.mean([results.predict("a", seed, rows) for seed in (0, 1)], axis=0)
    np.testing.assert_allclose(model.predict(rows), mean, rtol=1e-5)
    assert np.corrcoef(model.predict(rows), IRIS.data["petal width (cm)"])[0, 1] > 0.9
    with pytest.raises(BadInput, match="use predict"):
        model.predict_proba(rows)


def test_a_plain_network_is_used_without_torch(classes) -> None:
    _, _, path = classes
    code = (
        "import sys, mlplab, numpy as np, pandas as pd\n"
        f"model = mlplab.load_model({str(path)!r})\n"
        "names = [column.name for column in model.preparation.columns]\n"
        "row = {name: ['south' if name == 'garden' else 1.0] for name in names}\n"
        "model.predict(pd.DataFrame(row)); assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_card_tells_what_the_model_takes_and_how_good_it_was(classes) -> None:
    results, _, path = classes
    card = path.with_suffix(".md").read_text()
    assert "5-12-3" in card or "-12-3" in card
    assert "garden" in card
    assert "north" in card
    accuracy = results.summary()["test_accuracy"].mean()
    assert f"| accuracy | {accuracy:.6g} |" in card


def test_a_file_of_a_model_holds_weights_as_torch_names_them(classes) -> None:
    results, _model, path = classes
    with safe_open(path, framework="numpy") as file:
        weight = file.get_tensor("networks.0.layers.0.weight")
    kernel, _ = results.weights("a", 0)[0]
    assert weight.shape == (12, kernel.shape[0])
    assert np.array_equal(weight.T, kernel)


def changed_header(path: Path, into: Path, **changes: object) -> Path:
    with safe_open(path, framework="numpy") as file:
        header = json.loads(file.metadata()["mlplab_model"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(arrays, into, {"mlplab_model": json.dumps(header | changes)})
    return into


@pytest.mark.parametrize("changes", [
    {"format": 99}, {"layers": 3}, {"layers": 1}, {"seeds": [0, 1, 2, 3]}, {"seeds": []},
    {"preparation": {}}, {"activation": "nonsense"}, {"extra_outputs": 2}, {"rejection": {"a": 1}},
    {"images": 3}, {"facts": None}, {"rejection": {"detector": "none", "settings": {},
    "threshold": 1, "promise": ""}},
], ids=str)  # fmt: skip
def test_a_changed_model_file_is_refused(classes, tmp_path: Path, changes) -> None:
    with pytest.raises(BadInput, match="expected a model file of mlplab"):
        load_model(changed_header(classes[2], tmp_path / "m.safetensors", **changes))


def test_what_is_no_model_file_is_refused_and_no_pickle_is_loaded(classes, tmp_path: Path) -> None:
    whole = classes[2].read_bytes()
    witness = tmp_path / "ran"
    bad = {
        "short": whole[: len(whole) // 2],
        "empty": b"",
        "pickle": pickle.dumps({"a": 1}),
        "evil": b"cposix\nsystem\n(S'touch %s'\ntR." % bytes(witness),
        "huge": (2**60).to_bytes(8, "little") + whole[8:],
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput):
            load_model(tmp_path / name)
    assert not witness.exists()
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(BadInput, match="mlplab export RUN --model FILE"):
            load_model(path)


def written(rows: pd.DataFrame, folder: Path, ending: str) -> Path:
    path = folder / f"new{ending}"
    if ending == ".parquet":
        rows.to_parquet(path)
    elif ending == ".tsv":
        rows.to_csv(path, index=False, sep="\t")
    else:
        rows.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".tsv", ".parquet"])
def test_every_format_of_new_rows_gives_the_same_answers(
    classes, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, model, _path = classes
    rows = flowers().drop(columns="kind")
    data = written(rows, tmp_path, ending)
    monkeypatch.setattr("mlplab.model.rows.ROWS_AT_ONCE", 40)
    found = [model.answers(piece.rows) for piece in new_rows(model, data).pieces]
    assert [len(part) for part in found] == [40, 40, 40, 30]
    together = pd.concat(found, ignore_index=True)
    whole = model.answers(rows)
    assert together["prediction"].tolist() == whole["prediction"].tolist()
    np.testing.assert_allclose(together["probability"], whole["probability"], atol=1e-6)


def test_predict_writes_one_answer_a_row_and_says_what_it_leaves_out(
    classes, tmp_path: Path
) -> None:
    results, _model, path = classes
    data = tmp_path / "new.csv"
    flowers().assign(extra=1).sample(frac=1, random_state=0).to_csv(data, index=False)
    for source in (str(results.folder), str(path)):
        for out in ("answers.csv", "answers.parquet", "answers.csv.gz"):
            ended = command("predict", source, "--data", str(data), "--out", str(tmp_path / out))
            assert ended[0] == 0, ended[2]
            assert '"extra"' in ended[2]
            assert "the target among them" in ended[2]
            read = pd.read_parquet if out.endswith("parquet") else pd.read_csv
            answers = read(tmp_path / out)
            truth = pd.read_csv(data)["kind"]
            assert list(answers.columns[:3]) == ["prediction", "probability", "spread"]
            assert len(answers) == 150
            assert (answers["prediction"] == truth).mean() > 0.9
    shown = command("predict", str(path), "--data", str(data))
    assert shown[1].count("\n") == 151


def test_a_renamed_column_is_told_with_its_likeness_and_nothing_is_written(
    classes, tmp_path: Path
) -> None:
    data = tmp_path / "new.csv"
    flowers().rename(columns={"garden": "gardens"}).to_csv(data, index=False)
    out = tmp_path / "answers.csv"
    ended = command("predict", str(classes[2]), "--data", str(data), "--out", str(out))
    assert ended[0] == 2
    assert '"garden"' in ended[2]
    assert '"gardens"' in ended[2]
    assert not out.exists()


@pytest.mark.parametrize(("content", "told"), [
    ("", "empty"), ("a,b\n1,2\n", "without"), ("\x00\x01\x02", ""),
], ids=["empty", "other", "binary"])  # fmt: skip
def test_bad_new_rows_end_in_one_sentence(classes, tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "new.csv").write_text(content)
    ended = command("predict", str(classes[2]), "--data", str(tmp_path / "new.csv"))
    assert ended[0] == 2
    assert told in ended[2]
    assert "Traceback" not in ended[2]


def test_a_bad_value_deep_in_a_file_is_told_by_its_line(classes, tmp_path: Path) -> None:
    rows = flowers().astype({"petal width (cm)": object})
    rows.loc[120, "petal width (cm)"] = "wide"
    rows.to_csv(tmp_path / "new.csv", index=False)
    ended = command("predict", str(classes[2]), "--data", str(tmp_path / "new.csv"))
    assert ended[0] == 2
    assert "petal width" in ended[2]
    assert "wide" in ended[2]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, Model]:
    """The bundled digits 0-4 known and the others unknown, with a tested threshold."""
    folder = tmp_path_factory.mktemp("digits")
    results = run_study(folder, {
        "data": {"name": "digits"}, "training": TRAINING | {"steps": 300},
        "networks": {"a": NETWORK | {"hidden": [32]}},
        "seeds": 2,
        "open_set": [{"networks": ["a"], "known": ["0", "1", "2", "3", "4"],
                      "unknown": ["5", "6", "7", "8", "9"], "calibration": 0.3,
                      "detectors": [{"name": "softmax"}]}],
    })  # fmt: skip
    name = next(run.network for run in results.runs if run.network != "a")
    return results, results.model(name)


def test_what_no_class_is_known_of_is_called_unknown(digits, tmp_path: Path) -> None:
    _, model = digits
    model.save(tmp_path / "m.safetensors")
    loaded = load_model(tmp_path / "m.safetensors")
    assert loaded.rejection is not None
    rows, kinds = load_digits(return_X_y=True)
    answers = loaded.predict(rows)
    known = kinds <= 4
    assert (answers[known] == "unknown").mean() < 0.1
    assert (answers[~known] == "unknown").mean() > 0.3
    assert "softmax" in (tmp_path / "m.md").read_text()


def test_images_of_any_size_and_polarity_are_read(digits, tmp_path: Path) -> None:
    results, _ = digits
    model = results.model("a")
    rows, kinds = load_digits(return_X_y=True)
    for place in range(20):
        counts = rows[place].reshape(8, 8)
        image = Image.fromarray((255 - counts * 255 / 16).astype(np.uint8))
        image.resize((256, 256), Image.Resampling.BILINEAR).convert("RGB").save(
            tmp_path / f"{place:02}.png"
        )
    pieces = list(new_rows(model, tmp_path).pieces)
    answers = model.predict(pieces[0].rows)
    assert pieces[0].names[0] == "00.png"
    assert (answers.astype(int) == kinds[:20]).sum() >= 16
    single = command("predict", str(results.folder), "--network", "a", "--data",
                     str(tmp_path / "00.png"))  # fmt: skip
    assert single[0] == 0
    assert "00.png" in single[1]
    (tmp_path / "99.png").write_bytes(b"no image")
    broken = command("predict", str(results.folder), "--network", "a", "--data", str(tmp_path))
    assert broken[0] == 2
    assert "99.png" in broken[2]


def test_export_writes_the_model_of_a_network_and_seed(classes, tmp_path: Path) -> None:
    results, _model, _ = classes
    out = tmp_path / "own.safetensors"
    said = command("export", str(results.folder), "--model", str(out), "--seed", "2")
    assert said[0] == 0, said[2]
    assert load_model(out).seeds == (2,)
    assert (tmp_path / "own.md").is_file()
    assert command("export", str(results.folder), "--seed", "2")[0] == 2
    assert command("export", str(results.folder), "--model", str(out), "--network", "b")[0] == 2
