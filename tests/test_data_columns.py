"""What columns are found to hold, what is told of them, and what networks are given."""

from __future__ import annotations

import datetime
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import QuantileTransformer, RobustScaler

from mlplab.data.column_kinds import find_kind
from mlplab.data.columns import told
from mlplab.data.dataset import PreparedData
from mlplab.data.fitted import Preparation
from mlplab.data.preparation import prepare
from mlplab.declarations.data import Data
from mlplab.declarations.problems import BadInput

N = 60


def prepared(
    folder: Path, text: str | bytes, target: str | int = "y", **settings: Any
) -> tuple[PreparedData, str]:
    """A table from its text, and all that is told of it."""
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "t.csv").write_bytes(content)
    declared = {"format": "table", "path": "t.csv", "target": target, **settings}
    notes: list[str] = []
    data = TypeAdapter(Data).validate_json(json.dumps(declared))
    return prepare(data, folder, notes.append), "\n".join(notes)


def table(**columns: list[Any]) -> str:
    return pd.DataFrame(columns).to_csv(index=False)


def classes(rows: int = N) -> list[str]:
    return ["no" if row % 2 else "yes" for row in range(rows)]


def numbers(rows: int = N, seed: int = 0) -> list[float]:
    return np.random.default_rng(seed).normal(size=rows).round(4).tolist()


DAYS = [
    (datetime.date(2020, 1, 1) + datetime.timedelta(days=7 * row)).isoformat() for row in range(N)
]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", "-3e2"] * 20, "number"),
        (["1,5", "2,25", "1.000,5"] * 20, "number"),
        (["1.5", "", "?", "NA", "2"] * 12, "number"),
        (["a", "b", "c"] * 20, "category"),
        (["TRUE", "false"] * 30, "boolean"),
        (["yes", "no", ""] * 20, "boolean"),
        (DAYS, "date"),
        ([day.replace("-", "") for day in DAYS], "date"),
        ([f"{row % 28 + 1}.3.2020" for row in range(N)], "date"),
        ([f"2020-03-01 {row % 24:02}:30:00" for row in range(N)], "date"),
        ([str(row) for row in range(1, N + 1)], "identifier"),
        ([f"K{row}" for row in range(N)], "identifier"),
        ([f"this is the remark number {row} of many" for row in range(N // 2)] * 2, "text"),
        (["same"] * N, "constant"),
        ([""] * N, "constant"),
    ],
)
def test_kinds_are_found(cells: list[str], kind: str) -> None:
    assert find_kind("c", cells).kind == kind


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["1", "2", "3", "-999", "4", "5"] * 10, "-999 comes again and again"),
        (["5.100", "850", "1.200"] * 20, "thousands?"),
        (["812", "1850", "97", "12000"] * 20 + ["3.532"], "thousands?"),
        (["01234", "99999", "04103"] * 20, "leading zeros: codes?"),
        ([day.replace("-", "") for day in DAYS], "read as dates"),
        ([f"{row % 12 + 1}/{row % 12 + 1}/2020" for row in range(N)], "day/month/year"),
        (["1,5", "2"] * 30, "commas are read as decimal points"),
        ([str(10_000 + 97 * row) for row in range(N)], "an identifier?"),
    ],
)
def test_what_is_doubtful_is_told(cells: list[str], said: str) -> None:
    found = find_kind("c", cells)
    assert said in "\n".join(told((found.name, note) for note in found.notes))


@pytest.mark.parametrize("name", ["PLZ", "ZipCode", "home_postal_code", "zip"])
def test_codes_are_told_by_their_names(name: str) -> None:
    cells = ["10115", "8001", "20095"] * 20
    assert "codes? used as numbers" in "".join(n.says for n in find_kind(name, cells).notes)
    assert not find_kind("unzipped", cells).notes


def test_what_is_declared_is_not_doubted() -> None:
    cells = [str(row) for row in range(N)]
    for kind in ("number", "category", "ignore"):
        found = find_kind("c", cells, declared=kind)
        assert (found.kind, found.notes) == (kind, ())
    assert find_kind("c", ["5.100", "850"] * 9, decimal=",").column.decimal == ","


def test_every_kind_of_column_becomes_inputs(tmp_path: Path) -> None:
    values = numbers()
    values[3] = None  # type: ignore[call-overload]
    text = table(
        id=list(range(N)),
        number=values,
        color=["red", "green", "blue"] * (N // 3),
        member=[row % 3 == 0 for row in range(N)],
        day=DAYS,
        y=classes(),
    )
    data, said = prepared(tmp_path, text, test=0.5)
    names = data.preparation.feature_names
    in_training = 3 in data.train_rows
    assert names == (
        "number",
        *(("number is missing",) if in_training else ()),
        "color = blue",
        "color = green",
        "color = red",
        "member",
        *(f"day: {part}" for part in
          ("day", "sin of year", "cos of year", "sin of week", "cos of week")),
    )  # fmt: skip
    assert 'column "id": an identifier, left out' in said
    color = data.inputs[:, names.index("color = blue")]
    assert color.tolist() == [0, 0, 1] * (N // 3)
    # Each date is a Wednesday.
    assert np.ptp(data.inputs[:, names.index("day: sin of week")]) < 1e-3


def test_missing_numbers_are_filled_as_scikit_learn_does(tmp_path: Path) -> None:
    values = np.array(numbers())
    values[::7] = np.nan
    data, _ = prepared(tmp_path, table(x=values.tolist(), z=numbers(seed=1), y=classes()),
                       scaling="none")  # fmt: skip
    imputer = SimpleImputer(strategy="median", add_indicator=True)
    imputer.fit(values[data.train_rows, None])
    np.testing.assert_allclose(data.inputs[:, :2], imputer.transform(values[:, None]), rtol=1e-6)


@pytest.mark.parametrize("scaling", ["standard", "unit", "minmax", "robust", "quantile", "none"])
def test_only_training_rows_decide_what_is_fitted(tmp_path: Path, scaling: str) -> None:
    frame = pd.DataFrame(
        {"x": numbers(), "z": numbers(seed=1), "c": ["a", "b", "c", "d"] * 15, "y": classes()}
    )
    frame.loc[::9, "x"] = np.nan
    first, _ = prepared(tmp_path, frame.to_csv(index=False), scaling=scaling)
    changed = frame.copy()
    tested = first.test_rows
    changed.loc[tested, "x"] = 1e6
    changed.loc[tested, "z"] = np.nan
    changed.loc[tested[::2], "c"] = "a"
    second, _ = prepared(tmp_path, changed.to_csv(index=False), scaling=scaling)
    assert np.array_equal(first.test_rows, second.test_rows)
    for (facts, arrays), (others, more) in [
        (first.preparation.to_record(), second.preparation.to_record())
    ]:
        assert facts == others
        for name in arrays:
            np.testing.assert_array_equal(arrays[name], more[name])
    rows = first.train_rows
    np.testing.assert_array_equal(first.inputs[rows], second.inputs[rows])
    assert np.isfinite(second.inputs).all()


@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile", "minmax"])
def test_a_preparation_is_written_and_read_again(tmp_path: Path, scaling: str) -> None:
    frame = pd.DataFrame(
        {"x": numbers(), "c": ["a", "b", ""] * 20, "d": DAYS, "z": numbers(seed=2), "y": classes()}
    )
    frame.loc[::8, "z"] = np.nan
    data, _ = prepared(tmp_path, frame.to_csv(index=False), scaling=scaling)
    facts, arrays = data.preparation.to_record()
    again = Preparation.from_record(json.loads(json.dumps(facts)), arrays)
    np.testing.assert_array_equal(again.prepare_rows(frame), data.inputs)
    assert again.feature_names == data.preparation.feature_names


def test_robust_scaling_is_scikit_learns_drawn_in_smoothly(tmp_path: Path) -> None:
    values = np.array(numbers()) * 5 + 3
    values[1] = 400
    data, _ = prepared(tmp_path, table(x=values.tolist(), z=numbers(seed=1), y=classes()),
                       scaling="robust")  # fmt: skip
    scaled = RobustScaler().fit(values[data.train_rows, None]).transform(values[:, None])[:, 0]
    np.testing.assert_allclose(data.inputs[:, 0], scaled / np.sqrt(1 + (scaled / 3) ** 2), 1e-5)
    assert abs(data.inputs).max() < 3.0001


def test_quantile_scaling_is_scikit_learns(tmp_path: Path) -> None:
    values = np.exp(np.array(numbers()) * 2)
    data, _ = prepared(tmp_path, table(x=values.tolist(), z=numbers(seed=1), y=classes()),
                       scaling="quantile")  # fmt: skip
    learned = values[data.train_rows, None]
    expected = QuantileTransformer(n_quantiles=len(learned), output_distribution="normal")
    np.testing.assert_allclose(
        data.inputs[:, :1], expected.fit(learned).transform(values[:, None]), rtol=1e-5, atol=1e-5
    )


def test_an_unseen_category_of_a_test_table_is_none_of_those_learned(tmp_path: Path) -> None:
    text = table(c=["a", "b"] * 30, x=numbers(), y=classes())
    (tmp_path / "test.csv").write_text(table(y=["yes", "no"], x=[0, 1], c=["a", "new"]))
    data, _ = prepared(tmp_path, text, test_path="test.csv")
    assert data.inputs[data.test_rows, :2].tolist() == [[1, 0], [0, 0]]


# targets


def test_rows_without_a_target_are_left_out_and_told(tmp_path: Path) -> None:
    kinds = [*classes(52), "NA", "?", "null", "None", "-", "", "nan", "N/A"]
    data, said = prepared(tmp_path, table(x=numbers(), y=kinds))
    assert data.class_names == ("no", "yes")
    assert len(data.labels) == 52
    assert "8 rows have no target" in said
    data, _ = prepared(tmp_path, table(x=numbers(), y=["None", "some"] * 30),
                       columns={"y": "category"})  # fmt: skip
    assert data.class_names == ("None", "some")


def test_classes_that_are_equal_numbers_are_refused_until_it_is_settled(tmp_path: Path) -> None:
    text = "x,y\n" + "".join(f"{n},{('1', '1.0', '2', '01')[r % 4]}\n"
                             for r, n in enumerate(numbers()))  # fmt: skip
    with pytest.raises(BadInput, match=r'"1", "1\.0", "01", which are equal numbers'):
        prepared(tmp_path, text)
    assert prepared(tmp_path, text, columns={"y": "number"})[0].class_names == ("1", "2")
    apart = prepared(tmp_path, text, columns={"y": "category"})[0]
    assert len(apart.class_names) == 4


def test_many_numbers_are_a_quantity_unless_declared(tmp_path: Path) -> None:
    text = table(x=numbers(900), y=np.repeat(numbers(300, 1), 3).round(2).tolist())
    data, said = prepared(tmp_path, text)
    assert data.task == "regression"
    assert '"task": "classification" takes them for classes' in said
    assert prepared(tmp_path, text, task="classification")[0].task == "classification"
    with pytest.raises(BadInput, match="words"):
        prepared(tmp_path, table(x=numbers(), y=classes()), task="regression")


def test_a_plain_csv_of_measured_labels_is_refused(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).normal(size=2000).round(2)
    (tmp_path / "t.csv").write_text(table(x=numbers(2000), y=labels.tolist()))
    declared = {"format": "csv", "path": "t.csv", "label": "y"}
    with pytest.raises(BadInput, match=r"measured.*task"):
        prepare(TypeAdapter(Data).validate_python(declared), tmp_path)


@pytest.mark.parametrize("slip", ["oops", "inf"])
def test_a_slip_among_measured_targets_is_named(tmp_path: Path, slip: str) -> None:
    text = table(x=numbers(), y=[slip, *numbers()[1:]])
    with pytest.raises(BadInput, match=f'"missing": ."{slip}".') as refused:
        prepared(tmp_path, text)
    assert len(refused.value.problems) == 1
    data, _ = prepared(tmp_path, text, missing=[slip])
    assert data.task == "regression"
    codes = table(x=numbers(), y=["other", *[k % 5 for k in range(len(numbers()) - 1)]])
    assert prepared(tmp_path, codes)[0].task == "classification"


def test_a_header_with_blanks_names_the_label_all_the_same(tmp_path: Path) -> None:
    # Read as numbers, 01 and 1 would be one class.
    rows = "".join(f"{n},{('01', '1')[r % 2]}\n" for r, n in enumerate(numbers()))
    (tmp_path / "t.csv").write_text(f"x,species \n{rows}")
    declared = {"format": "csv", "path": "t.csv", "label": "species"}
    notes: list[str] = []
    data = prepare(TypeAdapter(Data).validate_python(declared), tmp_path, notes.append)
    assert data.class_names == ("01", "1")
    assert "equal numbers" in notes[0]


def test_a_table_without_a_header_is_recognised(tmp_path: Path) -> None:
    text = "".join(f"{a},{b},{c}\n" for a, b, c in
                   zip(numbers(), numbers(seed=1), classes(), strict=True))  # fmt: skip
    data, said = prepared(tmp_path, text, target=3)
    assert len(data.labels) == N
    assert "no header line" in said
    with pytest.raises(BadInput, match="a position from 1 to 3, as the table has no header"):
        prepared(tmp_path, text, target="yes")
    declared = {"format": "csv", "path": "t.csv", "label": "yes"}
    with pytest.raises(BadInput, match="a first line that looks like the others"):
        prepare(TypeAdapter(Data).validate_python(declared), tmp_path)
    # Programs name columns 0, 1, 2 …: these are names.
    named = "0,1,kind\n" + text
    assert "header" not in prepared(tmp_path, named, target="kind")[1]


def test_all_columns_that_cannot_be_used_are_told_at_once(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n},{n},{k}\n" for n, k in zip(numbers(), classes(), strict=True))
    bad = rows.replace("\n", "\nmany,1,few,yes\n", 1)
    (tmp_path / "t.csv").write_text("a,b,c,y\n" + bad)
    declared = {"format": "csv", "path": "t.csv", "label": "y"}
    with pytest.raises(BadInput) as plain:
        prepare(TypeAdapter(Data).validate_python(declared), tmp_path)
    assert [problem.line for problem in plain.value.problems] == [3, 3]
    with pytest.raises(BadInput) as any_table:
        prepared(tmp_path, "a,b,c,y\n" + bad)
    assert len(any_table.value.problems) == 2
    data, _ = prepared(tmp_path, "a,b,c,y\n" + bad, missing=["many", "few"])
    assert len(data.labels) == N + 1


def test_a_plain_csv_is_learned_from_as_it_stands_and_what_is_odd_is_told(tmp_path: Path) -> None:
    days = [day.replace("-", "") for day in DAYS]
    gaps = [-999.0 if row % 6 == 0 else number for row, number in enumerate(numbers())]
    thousands = ["5.100", "850", "1.200"] * (N // 3)
    frame = {"Id": list(range(1, N + 1)), "day": days, "gaps": gaps, "n": thousands}
    (tmp_path / "t.csv").write_text(table(**frame, kind=["a", "NA"] * (N // 2)))
    declared = {"format": "csv", "path": "t.csv", "label": "kind"}
    notes: list[str] = []
    data = prepare(TypeAdapter(Data).validate_python(declared), tmp_path, notes.append)
    assert data.inputs.shape == (N, 4)
    assert data.class_names == ("NA", "a")
    said = "\n".join(notes)
    for part in (
        'label "kind": "NA" (30 rows) taken for classes',
        'column "Id": an identifier, learned from',
        'column "day" (20200101): dates? learned from as numbers',
        'column "gaps" (10 times): -999 comes again and again',
        'column "n" (1.200 is 1.2): points before three digits beside whole numbers: thousands?',
    ):
        assert part in said


def test_arrays_that_are_not_used_are_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), np.arange(40) % 2
    np.savez(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x[:5], y_test=y[:5], x_val=x, y_val=y)
    notes: list[str] = []
    declared = TypeAdapter(Data).validate_python({"format": "npz", "path": "a.npz"})
    prepare(declared, tmp_path, notes.append)
    assert any("x_val, y_val of the archive are not used" in note for note in notes)
    assert any("5 of 5 test rows are equal to a training row" in note for note in notes)
    told_once = list(notes)
    prepare(declared, tmp_path, notes.append)
    assert notes == told_once


# formats


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: "\ufeff" + text,
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("yes", "zwölf").encode("cp1252"),
        lambda text: gzip.compress(text.encode()),
        lambda text: text.replace("\n", "\r\n").replace(",", ", "),
        lambda text: "\n".join(f'{r}",' + line if r else line for r, line in
                               enumerate(text.split("\n"), 0) if line).replace('",', ","),
    ],
    ids=["semicolons", "tabs", "mark", "utf-16", "cp1252", "gzip", "blanks", "row names"],
)  # fmt: skip
def test_text_tables_of_every_usual_form(tmp_path: Path, change: Any) -> None:
    text = table(x=numbers(), z=numbers(seed=1), y=classes())
    plain, _ = prepared(tmp_path, text)
    changed, _ = prepared(tmp_path, change(text))
    assert np.array_equal(changed.inputs, plain.inputs)


def test_decimal_commas_are_numbers(tmp_path: Path) -> None:
    text = table(x=numbers(), z=numbers(seed=1), y=classes())
    plain, _ = prepared(tmp_path, text)
    commas, said = prepared(tmp_path, text.replace(",", ";").replace(".", ","))
    assert np.array_equal(commas.inputs, plain.inputs)
    assert "commas are read as decimal points" in said


@pytest.mark.parametrize("ending", ["parquet", "feather", "xlsx"])
def test_tables_that_libraries_read(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame(
        {
            "x": numbers(),
            "c": ["a", None, "b"] * 20,
            "when": pd.to_datetime(DAYS),
            "b": [True, False, True] * 20,
            "y": classes(),
        }
    )
    frame.loc[4, "x"] = np.nan
    write = {"parquet": "to_parquet", "feather": "to_feather", "xlsx": "to_excel"}[ending]
    path = tmp_path / f"t.{ending}"
    getattr(frame, write)(path, **({"index": False} if ending == "xlsx" else {}))
    plain, _ = prepared(tmp_path, frame.to_csv(index=False), test=0.25)
    read, _ = prepared(tmp_path, "", path=path.name, test=0.25)
    assert read.preparation.feature_names == plain.preparation.feature_names
    np.testing.assert_array_equal(read.inputs, plain.inputs)
    # Told by its bytes, whatever its name says.
    path.rename(tmp_path / "other.csv")
    if ending != "xlsx":
        assert prepared(tmp_path, "", path="other.csv", test=0.25)[0].digest == read.digest


def test_a_frame_in_memory_is_kept_as_a_table(tmp_path: Path) -> None:
    import pyarrow as pa

    from mlplab.data.sources.frames import keep_frame

    frame = pd.DataFrame({"x": numbers(), "c": ["a", None, "b"] * 20, "y": classes()})
    frame = frame.set_index(pd.Index(DAYS, name="day"))
    path = keep_frame(frame, tmp_path / "kept")
    assert keep_frame(frame, tmp_path / "kept") == path
    assert keep_frame(pa.Table.from_pandas(frame.reset_index()), tmp_path / "kept").exists()
    data, _ = prepared(tmp_path, "", path=str(path))
    plain, _ = prepared(tmp_path, frame.reset_index().to_csv(index=False))
    np.testing.assert_array_equal(data.inputs, plain.inputs)
    with pytest.raises(BadInput, match="a frame that can be kept"):
        keep_frame(pd.DataFrame({"x": [1 + 2j]}), tmp_path)


def test_folders_of_images(tmp_path: Path) -> None:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (12, 4, 5), dtype=np.uint8)
    for number, picture in enumerate(pixels):
        folder = tmp_path / "pets" / ("cat" if number % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{number:02}.png")

    def read(**more: Any) -> PreparedData:
        declared = {"format": "images", "path": "pets", **more}
        return prepare(TypeAdapter(Data).validate_json(json.dumps(declared)), tmp_path, told.append)

    told: list[str] = []
    data = read()
    assert data.image_shape == (4, 5)
    assert data.class_names == ("cat", "dog")
    expected = np.concatenate([pixels[1::2], pixels[::2]]).reshape(12, 20) / np.float32(255)
    np.testing.assert_array_equal(data.inputs, expected)
    assert read(color="rgb").inputs.shape == (12, 60)
    assert read(size=[2, 2]).inputs.shape == (12, 4)
    assert any("12 of 12 images were resized to 2×2" in note for note in told)
    (tmp_path / "pets" / "cat" / "99.png").write_bytes(b"no image")
    with pytest.raises(BadInput, match="an image, but got a file that cannot be read"):
        read()


def test_images_in_train_and_test_folders(tmp_path: Path) -> None:
    from PIL import Image

    for part, count in (("train", 6), ("test", 2)):
        for kind in ("a", "b"):
            folder = tmp_path / part / kind
            folder.mkdir(parents=True)
            for number in range(count):
                Image.new("L", (3, 3), number).save(folder / f"{number}.png")
    declared = {"format": "images", "path": "."}
    data = prepare(TypeAdapter(Data).validate_python(declared), tmp_path, lambda line: None)
    assert (len(data.train_rows), len(data.test_rows)) == (12, 4)


def test_categories_of_another_set_are_numbered_as_this_ones(tmp_path: Path) -> None:
    from mlplab.data.loading import load

    data, _ = prepared(tmp_path, table(c=["b", "d"] * 30, x=numbers(), y=classes()))
    (tmp_path / "o.csv").write_text(table(c=["a", "b", "c"] * 20, x=numbers(), y=classes()))
    declared = {"format": "table", "path": "o.csv", "target": "y"}
    other = load(TypeAdapter(Data).validate_python(declared), tmp_path, lambda line: None)
    preparation = data.preparation
    same = preparation.as_read_here(other.inputs, other.columns, "open_set.unknown_data")
    assert preparation.apply(same)[:3, :2].tolist() == [[0, 0], [1, 0], [0, 0]]
    with pytest.raises(BadInput, match='a table with the columns "c", "x"'):
        preparation.as_read_here(other.inputs, None, "open_set.unknown_data")
