"""From a declaration to arrays: parts, classes, sharing, own data in each format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from sklearn.datasets import load_digits

from data_files import (
    ROWS,
    images,
    labels,
    npz_arrays,
    write_csv,
    write_csv_pair,
    write_idx,
    write_npz,
)
from mlplab.data.dataset import PreparedData
from mlplab.data.preparation import prepare
from mlplab.declarations.data import Data
from mlplab.declarations.known_data import KNOWN_SETS


def prepared(folder: Path = Path(), **settings: Any) -> PreparedData:
    return prepare(TypeAdapter(Data).validate_python(settings), folder)


def rows_of(data: PreparedData) -> list[np.ndarray]:
    return [data.train_rows, data.validation_rows, data.test_rows]


def test_digits_are_scikit_learns_in_the_declared_division() -> None:
    data = prepared(name="digits")
    bundle = load_digits()
    assert np.array_equal(data.inputs, (bundle.data / 16).astype(np.float32))
    assert np.array_equal(data.labels, bundle.target)
    known = KNOWN_SETS["digits"]
    assert [len(rows) for rows in rows_of(data)] == [known.train_rows, 0, known.test_rows]
    assert data.class_names == known.class_names
    assert data.image_shape == (8, 8)
    assert data.inputs.shape == (1797, known.features)
    # Stratified: of each class a fifth, to the row.
    of_class, tested = np.bincount(bundle.target), np.bincount(data.labels[data.test_rows])
    assert (abs(tested - of_class * 360 / 1797) < 1).all()


def test_arrays_have_the_promised_types() -> None:
    data = prepared(name="digits", validation=100, classes=(1, 2, 3))
    assert data.inputs.dtype == np.float32
    assert data.inputs.flags.c_contiguous
    for array in (data.labels, data.label_map, data.outside_rows, *rows_of(data)):
        assert array.dtype == np.int64


def test_parts_share_no_row_and_are_the_whole() -> None:
    data = prepared(name="digits", validation=0.2)
    assert len(data.validation_rows) == round(0.2 * 1437)
    assert sorted(np.concatenate(rows_of(data))) == list(range(1797))


def test_validation_is_taken_from_training_rows_only() -> None:
    whole, carved = prepared(name="digits"), prepared(name="digits", validation=137)
    assert np.array_equal(whole.test_rows, carved.test_rows)
    assert set(carved.validation_rows) <= set(whole.train_rows)
    assert len(carved.train_rows) == 1300


def test_the_split_seed_draws_other_parts() -> None:
    first, second = (prepared(name="digits", split_seed=s, validation=100) for s in (0, 1))
    assert not np.array_equal(first.test_rows, second.test_rows)
    assert not np.array_equal(first.validation_rows, second.validation_rows)
    assert first.digest != second.digest


def test_only_some_classes_in_all_parts() -> None:
    data = prepared(name="digits", classes=(0, 1, 2, 3, 4), validation=0.1)
    for rows in rows_of(data):
        assert set(data.labels[rows]) == {0, 1, 2, 3, 4}
    assert data.label_map.tolist() == [0, 1, 2, 3, 4, -1, -1, -1, -1, -1]
    assert data.class_names == ("0", "1", "2", "3", "4")
    assert set(data.labels[data.outside_rows]) == {5, 6, 7, 8, 9}
    both = np.concatenate([data.test_rows, data.outside_rows])
    assert np.array_equal(np.sort(both), prepared(name="digits").test_rows)


def test_outputs_stand_in_the_declared_order() -> None:
    data = prepared(name="digits", classes=("9", 4, "0"))
    assert data.class_names == ("9", "4", "0")
    assert data.label_map[[9, 4, 0]].tolist() == [0, 1, 2]


def test_classes_by_name_or_by_place_where_names_are_words(tmp_path: Path) -> None:
    settings = write_csv(tmp_path)
    by_name = prepared(tmp_path, **settings, classes=("virginica", "setosa"))
    by_place = prepared(tmp_path, **settings, classes=(2, 0))
    assert by_name.class_names == by_place.class_names == ("virginica", "setosa")
    assert np.array_equal(by_name.label_map, by_place.label_map)


def test_equal_inputs_are_one_array_and_named_alike() -> None:
    whole = prepared(name="digits")
    few = prepared(name="digits", classes=(0, 1), validation=20)
    other = prepared(name="digits", split_seed=5)
    assert whole.inputs is few.inputs is other.inputs
    assert whole.inputs_digest == few.inputs_digest == other.inputs_digest
    standard = [prepared(name="digits", scaling="standard", classes=c) for c in (None, (0, 1))]
    assert len({whole.inputs_digest, *(data.inputs_digest for data in standard)}) == 3


def test_a_set_is_prepared_once() -> None:
    assert prepared(name="digits") is prepared(name="digits")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    settings = write_npz(tmp_path)
    first = prepared(tmp_path, **settings)
    assert prepared(tmp_path, **settings) is first
    changed = npz_arrays() | {"x": npz_arrays()["x"] + 1}
    write_npz(tmp_path, changed | {"note": np.zeros(9)})
    second = prepared(tmp_path, **settings)
    assert second.digest != first.digest


def test_idx_pairs(tmp_path: Path) -> None:
    data = prepared(tmp_path, **write_idx(tmp_path))
    expected = np.concatenate([images(ROWS, ROWS), images(9, 9)]).reshape(39, 16)
    assert np.array_equal(data.inputs, expected / np.float32(255))
    assert data.labels.tolist() == [*labels(), *labels(9)]
    assert data.train_rows.tolist() == list(range(ROWS))
    assert data.test_rows.tolist() == list(range(ROWS, ROWS + 9))
    assert data.image_shape == (4, 4)


def test_idx_with_a_drawn_test_part(tmp_path: Path) -> None:
    settings = write_idx(tmp_path) | {"test_images": None, "test_labels": None}
    assert [len(r) for r in rows_of(prepared(tmp_path, **settings))] == [24, 0, 6]
    assert len(prepared(tmp_path, **settings, test=9).test_rows) == 9


def test_npz_to_be_divided(tmp_path: Path) -> None:
    data = prepared(tmp_path, **write_npz(tmp_path), scaling="none")
    assert np.array_equal(data.inputs, npz_arrays()["x"].astype(np.float32))
    assert data.class_names == ("0", "1", "2")
    assert data.image_shape is None


def test_npz_with_its_own_division(tmp_path: Path) -> None:
    pixels, kinds = images(), np.array(["cat", "dog", "ant"])[labels()]
    arrays = {"x_train": pixels, "y_train": kinds, "x_test": pixels[:6], "y_test": kinds[:6]}
    data = prepared(tmp_path, **write_npz(tmp_path, arrays))
    assert data.class_names == ("ant", "cat", "dog")
    assert data.labels[:3].tolist() == [1, 2, 0]
    assert data.image_shape == (4, 4)
    assert data.inputs.max() == 1
    assert data.test_rows.tolist() == list(range(ROWS, ROWS + 6))


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, np.int32])
def test_whole_numbers_that_fit_bytes_are_images_of_bytes(tmp_path: Path, dtype: type) -> None:
    pixels = images()
    first = prepared(tmp_path, **write_npz(tmp_path, {"x": pixels, "y": labels()}))
    write_npz(tmp_path, {"x": pixels.astype(dtype)[..., None], "y": labels()[:, None]})
    second = prepared(tmp_path, format="npz", path="set.npz")
    assert first.digest == second.digest
    assert first.inputs_digest == second.inputs_digest


def test_npz_labels_of_bytes_are_text(tmp_path: Path) -> None:
    kinds = np.array([b"cat", b"dog", b"ant"])[labels()]
    data = prepared(tmp_path, **write_npz(tmp_path, npz_arrays() | {"y": kinds}))
    assert data.class_names == ("ant", "cat", "dog")


def test_csv(tmp_path: Path) -> None:
    data = prepared(tmp_path, **write_csv(tmp_path), scaling="none")
    assert data.inputs.tolist() == [[1 + r * 0.5, r * r] for r in range(ROWS)]
    assert data.class_names == ("setosa", "versicolor", "virginica")
    assert data.labels.tolist() == [r % 3 for r in range(ROWS)]
    assert [len(rows) for rows in rows_of(data)] == [24, 0, 6]


def test_csv_with_quotes_spaces_blank_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    lines = [f'"{r}", {r}e0 ,"a,{r % 2}"\n\n' for r in range(10)]
    (tmp_path / "t.csv").write_text("\ufeffone, two ,kind\n" + "".join(lines), encoding="utf-8")
    data = prepared(tmp_path, format="csv", path="t.csv", label="kind", scaling="none")
    assert data.inputs.tolist() == [[r, r] for r in range(10)]
    assert data.class_names == ("a,0", "a,1")


def test_csv_labels_that_are_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    text = "x,kind\n" + "".join(f"{r},{(2, 10, -1)[r % 3]}\n" for r in range(12))
    (tmp_path / "t.csv").write_text(text)
    data = prepared(tmp_path, format="csv", path="t.csv", label="kind")
    assert data.class_names == ("-1", "2", "10")


def test_csv_test_table_with_its_columns_in_another_order(tmp_path: Path) -> None:
    text = "species,width,length\nsetosa,4,1\nvirginica,5,2\n"
    data = prepared(tmp_path, **write_csv_pair(tmp_path, text), scaling="none")
    assert data.inputs[data.test_rows].tolist() == [[1, 4], [2, 5]]
    assert data.labels[data.test_rows].tolist() == [0, 2]


def test_tables_are_standardised_on_training_rows_without_validation(tmp_path: Path) -> None:
    data = prepared(tmp_path, **write_csv(tmp_path), validation=6)
    learned = data.inputs[data.train_rows].astype(np.float64)
    assert len(learned) == 18
    np.testing.assert_allclose(learned.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(learned.std(axis=0), 1, atol=1e-6)
