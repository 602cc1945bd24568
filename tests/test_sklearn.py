"""The estimators in scikit-learn's hands: its own checks, frames, searches, pickles."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import r2_score, recall_score
from sklearn.model_selection import GridSearchCV, KFold, cross_validate, train_test_split
from sklearn.neural_network import MLPRegressor as PeerRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import mlplab
from mlplab.sklearn import MLPClassifier, MLPRegressor, MLPSearchCV

IRIS = load_iris(as_frame=True)


@parametrize_with_checks([MLPClassifier()])
def test_scikit_learns_checks_of_a_classifier(estimator, check) -> None:
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([
    MLPRegressor(), MLPClassifier(n_seeds=2, class_weight="balanced"),
    MLPSearchCV(MLPClassifier(max_iter=5, random_state=0), {"learning_rate": [0.003, 0.03]}, cv=2),
])  # fmt: skip
def test_scikit_learns_checks_of_others(estimator, check) -> None:
    check(estimator)


def frame() -> pd.DataFrame:
    own = IRIS.data.assign(
        garden=pd.Categorical(np.where(IRIS.target == 0, "north", "south")),
        wet=IRIS.target == 1,
        picked=pd.date_range("2024-01-01", periods=150),
    )
    own.loc[::7, "sepal width (cm)"] = np.nan
    own.loc[3::11, "garden"] = None
    return own


def test_a_frame_with_categories_booleans_dates_and_missing_values() -> None:
    names = IRIS.target_names[IRIS.target]
    one = MLPClassifier(random_state=0, n_seeds=2).fit(frame(), names)
    assert one.score(frame(), names) > 0.95
    assert list(one.feature_names_in_) == list(frame().columns)
    new = frame().iloc[:3].copy()
    new["garden"] = ["moon", None, "north"]
    assert np.isfinite(one.predict_proba(new)).all()
    with pytest.raises(ValueError, match=r"feature names|Feature names"):
        one.predict(new.rename(columns={"garden": "place"}))
    assert "garden" in str(one.model_.preparation.feature_names)


def test_columns_are_known_by_name_and_names_may_be_numbers() -> None:
    numbered = frame().set_axis(range(7), axis=1)
    one = MLPClassifier(max_iter=3, random_state=0).fit(numbered, IRIS.target)
    turned = numbered[numbered.columns[::-1]]
    assert np.array_equal(one.predict_proba(turned), one.predict_proba(numbered))
    with pytest.raises(ValueError, match=r"without .*4"):
        one.predict(numbered.rename(columns={4: 9}))
    with pytest.raises(ValueError, match=r"frame.*ndarray"):
        one.predict(numbered.to_numpy())
    with pytest.raises(ValueError, match=r"number in column 0.*wide.*row 2"):
        one.predict(numbered.astype({0: object}).replace({0: {4.7: "wide"}}))


@pytest.mark.parametrize("rows", [IRIS.data, frame()], ids=["numbers", "categories"])
def test_targets_that_are_missing_or_mixed_are_told(rows) -> None:
    kinds = IRIS.target_names[IRIS.target].astype(object)
    for wrong, told in ((None, "None in row 5"), (np.nan, "(?i)nan"), (3, "int and str")):
        kinds[5] = wrong
        with pytest.raises(ValueError, match=told):
            MLPClassifier().fit(rows, kinds)
    values = IRIS.data.iloc[:, 0].to_numpy(copy=True)
    values[3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        MLPRegressor().fit(rows, values)
    with pytest.raises(ValueError, match="setosa"):
        MLPRegressor().fit(rows, IRIS.target_names[IRIS.target])


def test_a_column_that_cannot_be_used_is_told() -> None:
    told = frame().assign(letter=[f"a long text without end, number {n}" for n in range(150)])
    with pytest.warns(UserWarning, match="letter"):
        MLPClassifier(max_iter=1, random_state=0).fit(told, IRIS.target)
    with (
        pytest.warns(UserWarning, match="letter"),
        pytest.raises(ValueError, match="no column can be used"),
    ):
        MLPClassifier().fit(told[["letter"]], IRIS.target)


def test_a_number_that_only_new_rows_lack_is_filled_in() -> None:
    inputs, kinds = load_iris(return_X_y=True)
    one = MLPClassifier(random_state=0).fit(inputs, kinds)
    lacking = inputs[:5].copy()
    lacking[:, 2] = np.nan
    assert np.isfinite(one.predict_proba(lacking)).all()


def test_seeds_are_averaged_and_do_not_depend_on_each_other() -> None:
    inputs, kinds = load_iris(return_X_y=True)
    settings = {"max_iter": 15, "random_state": 3}
    three = MLPClassifier(n_seeds=3, **settings).fit(inputs, kinds)
    one = MLPClassifier(n_seeds=1, **settings).fit(inputs, kinds)
    assert three.model_.seeds[0] == one.model_.seeds[0]
    for own, alone in zip(three.model_.networks[0], one.model_.networks[0], strict=True):
        assert np.array_equal(own[0], alone[0])
        assert np.array_equal(own[1], alone[1])
    each = [MLPClassifier(**settings).fit(inputs, kinds) for _ in range(1)]
    assert np.array_equal(each[0].predict_proba(inputs), one.predict_proba(inputs))
    assert not np.array_equal(three.predict_proba(inputs), one.predict_proba(inputs))


def test_class_weights_raise_the_recall_of_a_rare_class() -> None:
    random = np.random.default_rng(0)
    kinds = (random.random(3000) < 0.06).astype(int)
    inputs = random.normal(size=(3000, 3)) + kinds[:, None]
    train, test, own, other = train_test_split(inputs, kinds, stratify=kinds, random_state=0)
    plain = MLPClassifier(random_state=0, max_iter=30).fit(train, own)
    balanced = MLPClassifier(random_state=0, max_iter=30, class_weight="balanced").fit(train, own)
    given = MLPClassifier(random_state=0, max_iter=30, class_weight={0: 1, 1: 19}).fit(train, own)
    recalls = [recall_score(other, e.predict(test)) for e in (plain, balanced, given)]
    assert min(recalls[1:]) > recalls[0] + 0.1


def test_a_regressor_is_as_good_as_scikit_learns() -> None:
    inputs, values = load_diabetes(return_X_y=True)
    train, test, own, other = train_test_split(inputs, values * 1000, random_state=0)
    ours = MLPRegressor((32,), random_state=0, n_seeds=2).fit(train, own)
    scaled = make_pipeline(
        StandardScaler(),
        PeerRegressor(hidden_layer_sizes=(32,), early_stopping=True, max_iter=2000, random_state=0),
    )
    scaled.fit(train, (own - own.mean()) / own.std())
    peer = scaled.predict(test) * own.std() + own.mean()
    assert ours.score(test, other) > max(r2_score(other, peer) - 0.05, 0.3)


def test_an_estimator_is_cloned_pickled_and_put_into_pipelines() -> None:
    inputs, kinds = load_iris(return_X_y=True)
    one = MLPClassifier((), random_state=0, max_iter=30).fit(inputs, kinds)
    again = pickle.loads(pickle.dumps(one))
    assert np.array_equal(again.predict_proba(inputs), one.predict_proba(inputs))
    assert clone(one).get_params() == one.get_params()
    line = make_pipeline(StandardScaler(), MLPClassifier(random_state=0))
    found = cross_validate(line, inputs, kinds, cv=3)
    assert found["test_score"].mean() > 0.85


@pytest.mark.parametrize("rows", [IRIS.data, frame()], ids=["numbers", "categories"])
def test_a_fitted_model_is_saved_as_a_model_file(rows, tmp_path) -> None:
    names = IRIS.target_names[IRIS.target]
    one = MLPClassifier(random_state=0, n_seeds=2, max_iter=20).fit(rows, names)
    one.model_.save(tmp_path / "iris.safetensors")
    loaded = mlplab.load_model(tmp_path / "iris.safetensors")
    turned = rows[rows.columns[::-1]]
    np.testing.assert_allclose(loaded.predict_proba(turned), one.predict_proba(rows), atol=1e-6)
    assert set(loaded.predict(rows)) <= set(names)


@pytest.mark.parametrize(("settings", "told"), [
    ({"activation": "swish9"}, "activation"), ({"activation": "prelu"}, "activation"),
    ({"optimizer": "adamant"}, "optimizer"),
    ({"learning_rate": -1.0}, "learning_rate"), ({"n_seeds": 0}, "n_seeds"),
    ({"batch_size": 0}, "batch_size"), ({"dropout": 1.5}, "dropout"),
    ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"), ({"max_iter": 0}, "max_iter"),
    ({"learning_rate": 1e30, "optimizer": "sgd"}, "diverged"),
    ({"hidden_layer_sizes": (8.7,)}, "8.7"), ({"hidden_layer_sizes": "wide"}, "hidden_layer_sizes"),
    ({"validation_fraction": 1.5}, "validation_fraction"), ({"early_stopping": "yes"}, "yes"),
    ({"optimizer": 3}, "optimizer"), ({"activation": object}, "activation"),
    ({"class_weight": {0: -1, 1: 1, 2: 1}}, "class_weight"),
    ({"optimizer": {"name": "adam", "learning_rate": 0.1}, "learning_rate": 0.2}, "0.2.*0.1"),
    ({"optimizer": {"name": "adam", "weight_decay": 0.1}, "weight_decay": 0.2}, "0.2.*0.1"),
], ids=str)  # fmt: skip
def test_settings_that_cannot_be_are_named(settings, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        MLPClassifier(**settings).fit(*load_iris(return_X_y=True))


def test_an_optimizer_as_a_study_declares_it_is_completed() -> None:
    inputs, kinds = load_iris(return_X_y=True)
    settings = {"max_iter": 3, "random_state": 0, "learning_rate": 0.02, "weight_decay": 0.1}
    by_name = MLPClassifier(np.int64(8), **settings).fit(inputs, kinds)
    declared = MLPClassifier([8], optimizer={"name": "adam", "weight_decay": 0.1}, **settings)
    assert np.array_equal(
        declared.fit(inputs, kinds).predict_proba(inputs), by_name.predict_proba(inputs)
    )
    other = MLPClassifier([8], **settings | {"weight_decay": 0.0}).fit(inputs, kinds)
    assert not np.array_equal(other.predict_proba(inputs), by_name.predict_proba(inputs))


GRID = {"hidden_layer_sizes": [(8,), (8, 8)], "learning_rate": [0.003, 0.03], "n_seeds": [1, 2]}


def test_a_search_finds_what_a_grid_search_finds() -> None:
    inputs, kinds = load_iris(return_X_y=True)
    estimator = MLPClassifier(random_state=1, max_iter=8)
    ours = MLPSearchCV(estimator, GRID, cv=3, return_train_score=True).fit(inputs, kinds)
    peer = GridSearchCV(estimator, GRID, cv=3, return_train_score=True).fit(inputs, kinds)
    for name, column in peer.cv_results_.items():
        if name.endswith("_time"):
            assert (ours.cv_results_[name] >= 0).all()
        elif name == "params" or name.startswith("param_"):
            assert list(ours.cv_results_[name]) == list(column)
        else:
            np.testing.assert_array_equal(ours.cv_results_[name], column, err_msg=name)
    assert set(ours.cv_results_) == set(peer.cv_results_)
    assert ours.best_params_ == peer.best_params_
    assert ours.best_score_ == peer.best_score_
    assert np.array_equal(ours.predict_proba(inputs), peer.predict_proba(inputs))
    assert ours.score(inputs, kinds) == peer.score(inputs, kinds)
    assert list(ours.classes_) == [0, 1, 2]


def test_a_search_on_a_frame_with_several_scorings() -> None:
    names = IRIS.target_names[IRIS.target]
    search = MLPSearchCV(
        MLPClassifier(random_state=1, max_iter=5), {"learning_rate": [0.003, 0.03]},
        scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss", cv=KFold(3, shuffle=True),
    ).fit(frame(), names)  # fmt: skip
    best = search.cv_results_["mean_test_neg_log_loss"].argmax()
    assert search.best_index_ == best
    assert search.score(frame(), names) < 0
    with pytest.raises(ValueError, match="refit"):
        search.set_params(refit=True).fit(frame(), names)


def test_a_search_scored_by_a_function_says_how_far_it_is(capsys) -> None:
    inputs, kinds = load_iris(return_X_y=True)

    def several(estimator, X, y) -> dict[str, float]:
        right = estimator.predict(X) == y
        return {"right": right.mean(), "wrong": (~right).sum()}

    settings = {"cv": 3, "scoring": several, "refit": "right", "return_train_score": True}
    estimator, grid = MLPClassifier(max_iter=8, random_state=0), {"learning_rate": [0.003, 0.03]}
    ours = MLPSearchCV(estimator, grid, verbose=1, **settings).fit(inputs, kinds)
    peer = GridSearchCV(estimator, grid, **settings).fit(inputs, kinds)
    assert ours.multimetric_ == peer.multimetric_
    assert set(ours.cv_results_) == set(peer.cv_results_)
    for name in ("mean_test_right", "split2_train_wrong", "rank_test_wrong"):
        np.testing.assert_array_equal(ours.cv_results_[name], peer.cv_results_[name])
    assert ours.best_score_ == peer.best_score_
    assert "6 of 6 networks" in capsys.readouterr().out


def test_what_a_search_cannot_train_is_told() -> None:
    inputs, kinds = load_iris(return_X_y=True)
    line = make_pipeline(StandardScaler(), MLPClassifier())
    with pytest.raises(TypeError, match="Pipeline"):
        MLPSearchCV(line, {"mlpclassifier__learning_rate": [0.1]}).fit(inputs, kinds)
    wild = MLPClassifier(optimizer="sgd", max_iter=3)
    with pytest.warns(FitFailedWarning), pytest.raises(ValueError, match="all 5 fits diverged"):
        MLPSearchCV(wild, {"learning_rate": [1e30]}).fit(inputs, kinds)


def test_a_drawn_search_and_a_candidate_that_diverges() -> None:
    inputs, values = load_diabetes(return_X_y=True)
    search = MLPSearchCV(
        MLPRegressor((4,), optimizer="sgd", random_state=0, max_iter=3),
        {"learning_rate": [0.01, 0.02, 1e30]}, n_iter=3, cv=2, random_state=0,
    )  # fmt: skip
    with pytest.warns(FitFailedWarning, match="diverged"):
        search.fit(inputs, values)
    assert np.isnan(search.cv_results_["mean_test_score"]).sum() == 1
    assert search.best_params_["learning_rate"] < 1
    assert not hasattr(search, "predict_proba")
    with pytest.raises(ValueError, match="diverged"):
        search.set_params(error_score="raise").fit(inputs, values)


def test_digits_are_learned() -> None:
    inputs, kinds = load_digits(return_X_y=True)
    train, test, own, other = train_test_split(inputs, kinds, random_state=0)
    assert MLPClassifier(random_state=0).fit(train, own).score(test, other) > 0.95
