"""A classifier and a regressor with scikit-learn's interface.

They train by mlplab's own trainer, all seeds together, and prepare rows as its studies do: numbers
are standardised, missing ones filled in and indicated, categories of a frame become one-hot.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_is_fitted,
    check_X_y,
    column_or_1d,
    validate_data,
)

from mlplab.data.columns import Column
from mlplab.model.model import Model
from mlplab.networks.probabilities import log_softmax
from mlplab.openset.from_weights import outputs_from_weights
from mlplab.sklearn.rows import PreparedRows, columns_of, encoded, names_of, prepare_rows
from mlplab.sklearn.training import Fit, Settings, fit_of, settings_of, train_together
from mlplab.trainer.recipe import TrainedNetwork


@dataclass(frozen=True, eq=False)
class Checked:
    """What `fit` was given, checked."""

    inputs: np.ndarray
    """(row, part) float64."""
    columns: tuple[Column, ...]
    is_frame: bool
    """Whether it is a frame with columns that are no numbers."""
    labels: np.ndarray
    targets: np.ndarray | None


class MLP(BaseEstimator):
    """What classifier and regressor share."""

    _objective: str

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        *,
        activation: str = "relu",
        optimizer: str | Mapping[str, Any] = "adam",
        learning_rate: float = 0.003,
        weight_decay: float = 0.0,
        dropout: float = 0.0,
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int = 200,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        n_seeds: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.n_seeds = n_seeds
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Any:
        """Train on rows.

        Args:
            X: (row, feature) numbers, NaN for a missing one, or a frame, which may also have
                columns of text, booleans and dates.
            y: (row,) classes, or a quantity.

        Returns:
            The estimator itself.

        Raises:
            ValueError: rows, targets or settings that cannot be used, or every seed diverged.
        """
        fit = self._fit_on(self._check(X, y), {})
        return self._keep(fit, train_together([fit])[0])

    def _check(self, X: Any, y: Any) -> Checked:
        """Check rows and targets, and find how columns become numbers."""
        is_frame, y_numeric = _has_text(X), isinstance(self, RegressorMixin)
        if is_frame:
            validate_data(self, X, skip_check_array=True)
            # Rows are checked as they are encoded, targets as beside any other rows.
            _, y = check_X_y(np.zeros((len(X), 1)), y, y_numeric=y_numeric)
            columns = columns_of(X)
            inputs = encoded(columns, X)
        else:
            inputs, y = validate_data(
                self,
                X,
                y,
                dtype=np.float64,
                ensure_all_finite="allow-nan",
                y_numeric=y_numeric,
            )
            names = names_of(X, inputs.shape[1])
            columns = tuple(Column(name, "number") for name in names)
        y = column_or_1d(y, warn=True)
        if len(inputs) < 2:
            raise ValueError(f"at least 2 rows are needed, but there is 1 sample: {len(inputs)}")
        labels, targets = self._targets(y)
        return Checked(inputs, columns, is_frame, labels, targets)

    def _take_check(self, other: MLP) -> None:
        """Take over what `_check` found of the same rows."""
        for name in ("n_features_in_", "feature_names_in_", "classes_"):
            if hasattr(other, name):
                setattr(self, name, getattr(other, name))

    def _targets(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        raise NotImplementedError

    def _class_names(self) -> Sequence[str]:
        raise NotImplementedError

    def _weights(self, labels: np.ndarray) -> tuple[float, ...]:
        return ()

    def _fit_on(self, checked: Checked, prepared: dict[Any, PreparedRows]) -> Fit:
        """What is to be trained.

        prepared: rows that fits on the same rows share; this one's are added.
        """
        settings = self._settings()
        random = check_random_state(self.random_state)
        division, *seeds = random.randint(2**31 - 1, size=1 + settings.n_seeds).tolist()
        share = settings.validation_fraction if settings.early_stopping else 0.0
        key = (share, division if share else 0)
        if key not in prepared:
            prepared[key] = prepare_rows(
                checked.inputs,
                checked.columns,
                checked.labels,
                checked.targets,
                self._class_names(),
                validation=share,
                seed=division,
            )
        self._is_frame = checked.is_frame
        weights = self._weights(checked.labels)
        return fit_of(prepared[key], settings, seeds, weights)

    def _settings(self) -> Settings:
        names = Settings.model_fields.keys() - {"optimizer", "objective"}
        own = {name: getattr(self, name) for name in names}
        if isinstance(self.hidden_layer_sizes, numbers.Number):
            own["hidden_layer_sizes"] = [self.hidden_layer_sizes]
        if self.activation == "logistic":
            own["activation"] = "sigmoid"
        if self.batch_size == "auto":
            own["batch_size"] = None
        own |= {"optimizer": self._optimizer(), "objective": self._objective_settings()}
        return settings_of(own)

    def _optimizer(self) -> Any:
        """As a study declares it: with rate and decay, unless it states these itself."""
        if not isinstance(self.optimizer, str | Mapping):
            return self.optimizer
        stated = {"name": self.optimizer} if isinstance(self.optimizer, str) else self.optimizer
        own: dict[str, Any] = {"learning_rate": self.learning_rate}
        if self.weight_decay != 0:
            own["weight_decay"] = self.weight_decay
        usual = signature(type(self)).parameters
        for name in own.keys() & stated.keys():
            if own[name] not in (usual[name].default, stated[name]):
                raise ValueError(
                    f"{name}: expected it once, but received {own[name]!r} and, in optimizer, "
                    f"{stated[name]!r}; take one of them away"
                )
        return own | dict(stated)

    def _objective_settings(self) -> dict[str, Any]:
        return {"name": self._objective}

    def _keep(self, fit: Fit, networks: Sequence[TrainedNetwork]) -> Any:
        """Take the trained networks; those that diverged are left out."""
        fine = [place for place, one in enumerate(networks) if one.diverged_at is None]
        if not fine:
            raise ValueError(
                f"training diverged at step {networks[0].diverged_at}: expected a finite loss; "
                f"make learning_rate smaller than {self.learning_rate}"
            )
        recipe = fit.recipes[0]
        self.model_ = Model(
            preparation=fit.rows.preparation,
            activation=recipe.activation,
            networks=tuple(networks[place].weights for place in fine),
            seeds=tuple(fit.recipes[place].seed for place in fine),
            facts={"network": type(self).__name__},
        )
        an_epoch = recipe.training.evaluate_every
        self.n_iter_ = max(-(-networks[place].stopped_at // an_epoch) for place in fine)
        self.loss_curves_ = [networks[place].curves["batch", "loss"] for place in fine]
        return self

    def _outputs(self, X: Any) -> np.ndarray:
        """(network, row, output) float64.

        In double, so that a row's answer does not depend on the rows beside it.
        """
        check_is_fitted(self)
        model = self.model_
        if self._is_frame:
            validate_data(self, X, skip_check_array=True, reset=False)
            parts = encoded(model.preparation.columns or (), X)
        else:
            parts = validate_data(
                self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan"
            )
        inputs = model.preparation.apply(parts).astype(np.float64)
        return np.stack(
            [
                outputs_from_weights(
                    inputs, [(k.astype(float), b.astype(float)) for k, b in own], model.activation
                )
                for own in model.networks
            ]
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class MLPClassifier(ClassifierMixin, MLP):
    """A multilayer perceptron that tells classes apart.

    Args:
        hidden_layer_sizes: neurons of each hidden layer; () for a linear network.
        activation: "relu", "leaky_relu", "tanh", "sigmoid", "gelu" or "identity".
        optimizer: "adam", "sgd", "rmsprop", "adagrad", …, or an optimizer as a study declares it.
        learning_rate: its rate, unless `optimizer` states one.
        weight_decay: its weight decay, likewise.
        dropout: share of each hidden layer's outputs that is dropped in training.
        batch_size: rows of a step; "auto" for 256, or fewer where there are few rows.
        max_iter: epochs at most.
        early_stopping: stop by the loss on a validation part, with class weights by its balanced
            accuracy, and keep the weights of the best epoch. With fewer than 50 rows there is no
            such part.
        validation_fraction: that part.
        n_iter_no_change: epochs without a better loss after which training stops.
        class_weight: None, "balanced", or a weight for each class.
        n_seeds: networks, from seeds of their own, trained together; their probabilities are
            averaged.
        random_state: from which the validation part and the seeds are drawn.

    Attributes:
        classes_: (class,) in the order of the probabilities.
        model_: the trained networks with their preparation, an `mlplab.model.model.Model`: it is
            saved by `model_.save(path)`.
        n_iter_: epochs trained, of the seed that trained longest.
        loss_curves_: of each seed (epoch,) the loss on its last batch.
    """

    _objective = "cross_entropy"

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        *,
        activation: str = "relu",
        optimizer: str | Mapping[str, Any] = "adam",
        learning_rate: float = 0.003,
        weight_decay: float = 0.0,
        dropout: float = 0.0,
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int = 200,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: str | Mapping[Any, float] | None = None,
        n_seeds: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            activation=activation,
            optimizer=optimizer,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            dropout=dropout,
            batch_size=batch_size,
            max_iter=max_iter,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            n_seeds=n_seeds,
            random_state=random_state,
        )
        self.class_weight = class_weight

    def _targets(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        lacking = np.flatnonzero(pd.isna(y))
        if len(lacking):
            raise ValueError(
                f"y: expected a class in each row, but received {y[lacking[0]]} in row "
                f"{lacking[0]} (counted from 0); leave out rows without one"
            )
        try:
            check_classification_targets(y)
            self.classes_, labels = np.unique(y, return_inverse=True)
        except TypeError:
            kinds = sorted({type(one).__name__ for one in y})
            raise ValueError(
                f"y: expected classes of one type, but received {' and '.join(kinds)}"
            ) from None
        if len(self.classes_) < 2:
            raise ValueError(
                f"at least 2 classes are needed, but y has 1 class: {self.classes_[0]}"
            )
        return labels.astype(np.int64), None

    def _class_names(self) -> Sequence[str]:
        return [str(name) for name in self.classes_]

    def _objective_settings(self) -> dict[str, Any]:
        own = super()._objective_settings()
        return own if self.class_weight is None else own | {"class_weights": "balanced"}

    def _weights(self, labels: np.ndarray) -> tuple[float, ...]:
        if self.class_weight is None:
            return ()
        y = self.classes_[labels]
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        if not (np.isfinite(weights) & (weights > 0)).all():
            raise ValueError(
                f"class_weight: expected a number above 0 for each class, but received "
                f"{self.class_weight}"
            )
        return tuple(weights.tolist())

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability (row, class) of each class, the mean over seeds."""
        outputs = self._outputs(X)
        flat = np.exp(log_softmax(outputs.reshape(-1, outputs.shape[-1])))
        return flat.reshape(outputs.shape).mean(axis=0)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class (row,) of each row."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]


class MLPRegressor(RegressorMixin, MLP):
    """A multilayer perceptron that predicts a quantity.

    It learns the squared error of the standardised target and answers in the target's own unit. Its
    settings and attributes are those of `MLPClassifier`, without classes; the answers of several
    seeds are averaged.
    """

    _objective = "mse"

    def _targets(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        return np.zeros(len(y), dtype=np.int64), np.asarray(y, dtype=np.float64)

    def _class_names(self) -> Sequence[str]:
        return ["y"]

    def predict(self, X: Any) -> np.ndarray:
        """The value (row,) of each row, the mean over seeds."""
        outputs = self._outputs(X)
        return self.model_.preparation.in_unit(outputs[:, :, 0]).mean(axis=0)


def _has_text(X: Any) -> bool:
    """Whether it is a frame with a column that is no number."""
    return isinstance(X, pd.DataFrame) and any(kind.kind not in "iufb" for kind in X.dtypes)
