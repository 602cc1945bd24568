"""Scaling: known values, fitted on training rows only, shared where it is equal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from mlplab.data.dataset import Dataset
from mlplab.data.scaling import default_scaling, fit_scaling

TRAIN = np.arange(8)


def dataset(inputs: np.ndarray, *, image: bool = False, largest: float | None = None) -> Dataset:
    return Dataset(
        inputs=inputs,
        labels=np.arange(len(inputs)) % 2,
        class_names=("0", "1"),
        train_rows=TRAIN,
        test_rows=np.arange(8, len(inputs)),
        image_shape=(1, inputs.shape[1]) if image else None,
        largest=largest,
    )


def scaled(scaling: str, data: Dataset) -> np.ndarray:
    return fit_scaling(scaling, data, data.train_rows).apply(data.inputs)


tables = arrays(np.float64, (12, 3), elements=st.integers(-1000, 1000).map(lambda n: n / 8))


def test_bytes_become_0_to_1_as_in_the_report() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    result = scaled("unit", dataset(pixels, image=True, largest=255.0))
    assert result.dtype == np.float32
    expected = np.arange(256, dtype=np.float32).reshape(16, 16) / np.float32(255)
    assert np.array_equal(result, expected)


def test_digits_become_0_to_1_by_their_own_largest_value() -> None:
    pixels = np.tile(np.arange(17, dtype=np.uint8), (12, 1))
    result = scaled("unit", dataset(pixels, image=True, largest=16.0))
    assert result[0].tolist() == [n / 16 for n in range(17)]


@given(tables)
def test_standard_agrees_with_scikit_learn(values: np.ndarray) -> None:
    expected = StandardScaler().fit(values[TRAIN]).transform(values)
    expected[:, np.ptp(values[TRAIN], axis=0) == 0] = 0
    np.testing.assert_allclose(scaled("standard", dataset(values)), expected, rtol=1e-5, atol=1e-5)


@given(tables)
def test_unit_of_a_table_agrees_with_scikit_learn(values: np.ndarray) -> None:
    expected = MinMaxScaler().fit(values[TRAIN]).transform(values)
    expected[:, np.ptp(values[TRAIN], axis=0) == 0] = 0
    np.testing.assert_allclose(scaled("unit", dataset(values)), expected, rtol=1e-5, atol=1e-5)


def test_standard_of_bytes_agrees_with_scikit_learn() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20_000, 3), dtype=np.uint8)
    data = dataset(pixels, image=True, largest=255.0)
    fitted = fit_scaling("standard", data, np.arange(19_000))
    expected = StandardScaler().fit(pixels[:19_000]).transform(pixels)
    np.testing.assert_allclose(fitted.apply(pixels), expected, atol=1e-5)


def test_mean_and_deviation_on_training_rows() -> None:
    values = np.random.default_rng(0).normal(5, 3, (40, 4))
    result = scaled("standard", dataset(values))[TRAIN].astype(np.float64)
    np.testing.assert_allclose(result.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(result.std(axis=0), 1, atol=1e-6)


def test_test_rows_have_no_part_in_the_fit() -> None:
    values = np.random.default_rng(0).normal(size=(12, 3))
    other = values.copy()
    other[8:] = 1e6
    for scaling in ("standard", "unit"):
        first, second = scaled(scaling, dataset(values)), scaled(scaling, dataset(other))
        assert np.array_equal(first[TRAIN], second[TRAIN])


def test_a_column_that_is_constant_in_training_is_0_everywhere() -> None:
    # 0.1 has no exact binary form, so its computed deviation is not exactly 0.
    values = np.random.default_rng(0).normal(size=(12, 2))
    values[:, 0] = 0.1
    values[10, 0] = 7
    for scaling in ("standard", "unit"):
        assert scaled(scaling, dataset(values))[:, 0].tolist() == [0] * 12


def test_large_values_of_small_variation_keep_it() -> None:
    # In float32 these would all be the same number.
    values = 1.7e9 + np.arange(12.0)[:, None] * [1.0, 2.0]
    result = scaled("standard", dataset(values))
    np.testing.assert_allclose(np.diff(result[:, 0]), 1 / np.std(np.arange(8)), rtol=1e-6)


def test_images_of_other_numbers_share_one_range() -> None:
    values = np.zeros((12, 2))
    values[0] = [-1.0, 0.5]
    values[1] = [0.0, 3.0]
    result = scaled("unit", dataset(values, image=True))
    np.testing.assert_allclose(result[:2], [[0, 0.375], [0.25, 1]])


def test_none_leaves_values_as_they_are() -> None:
    values = np.random.default_rng(0).normal(size=(12, 3))
    assert np.array_equal(scaled("none", dataset(values)), values.astype(np.float32))


@pytest.mark.parametrize(("largest", "scaling"), [(255.0, "unit"), (None, "standard")])
def test_defaults(largest: float | None, scaling: str) -> None:
    assert default_scaling(dataset(np.zeros((12, 1)), largest=largest)) == scaling


def test_identity_is_that_of_the_scaled_inputs() -> None:
    values = np.random.default_rng(0).normal(size=(12, 3))
    data = dataset(values)

    def identity(scaling: str, rows: np.ndarray) -> str:
        return fit_scaling(scaling, data, rows).identity(data.inputs_digest)

    assert identity("none", TRAIN) == identity("none", TRAIN[1:])
    assert identity("standard", TRAIN) != identity("standard", TRAIN[1:])
    assert identity("standard", TRAIN) != identity("unit", TRAIN)
