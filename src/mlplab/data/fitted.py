"""How rows of a set become inputs of a network: fitted on training rows, kept, applied to others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlplab.data.columns import Column
from mlplab.data.dataset import Dataset
from mlplab.data.refusal import refuse
from mlplab.data.scaling import FittedScaling, default_scaling, fit_columns, fit_scaling
from mlplab.declarations.data import Scaling
from mlplab.declarations.problems import listed
from mlplab.declarations.task import TaskName

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Expansion:
    """How the numbers of a table, some of them missing, become features, all of them there.

    The features of each part of a column stand together: a number, then whether it was missing
    where that occurs in training; or one for each category that occurs in training, a missing one
    too. A category that does not occur there has none of them.
    """

    fill: np.ndarray
    """(part,) float64: the median of a number on training rows, which a missing one becomes."""
    indicated: np.ndarray
    """(part,) bool: whether there is a feature for a missing number."""
    categories: tuple[np.ndarray | None, ...]
    """(part,): the numbers of the categories that have a feature, NaN for a missing one; None for
    a part that is a number."""

    @property
    def is_needed(self) -> bool:
        """Whether features differ from parts."""
        return bool(self.indicated.any()) or any(c is not None for c in self.categories)

    @property
    def scaled(self) -> np.ndarray:
        """(feature,) bool: numbers, which are scaled; the others are 0 or 1."""
        flags: list[bool] = []
        for part, categories in enumerate(self.categories):
            if categories is None:
                flags += [True, False] if self.indicated[part] else [True]
            else:
                flags += [False] * len(categories)
        return np.array(flags, dtype=bool)

    def apply(self, inputs: np.ndarray) -> np.ndarray:
        """Features (row, feature) float64 of parts (row, part) float64."""
        missing = np.isnan(inputs)
        features: list[np.ndarray] = []
        for part, categories in enumerate(self.categories):
            its = inputs[:, part]
            if categories is None:
                features.append(np.where(missing[:, part], self.fill[part], its))
                if self.indicated[part]:
                    features.append(missing[:, part].astype(np.float64))
            else:
                for category in categories:
                    same = missing[:, part] if np.isnan(category) else its == category
                    features.append(same.astype(np.float64))
        return np.column_stack(features) if features else np.empty((len(inputs), 0))

    def identity(self, inputs_digest: str) -> str:
        """Equal exactly if the features are."""
        digest = hashlib.sha256(inputs_digest.encode())
        for array in (self.fill, self.indicated, *self.categories):
            digest.update(b"number" if array is None else array.astype("<f8").tobytes() + b"|")
        return digest.hexdigest()


def fit_expansion(columns: Sequence[Column], rows: np.ndarray) -> Expansion:
    """Find medians and categories from training rows (row, part), NaN where a value is missing."""
    categorical = np.array([c.kind == "category" for c in columns for _ in c.parts], dtype=bool)
    missing = np.isnan(rows)
    whole = ~missing.any(axis=0)
    fill = np.zeros(rows.shape[1])
    fill[whole] = np.median(rows[:, whole], axis=0)
    categories: list[np.ndarray | None] = [None] * rows.shape[1]
    for part in np.flatnonzero(categorical | ~whole).tolist():
        held = rows[~missing[:, part], part]
        if categorical[part]:
            seen = np.unique(held[held >= 0])
            categories[part] = seen if whole[part] else np.append(seen, np.nan)
            fill[part] = 0.0
        elif len(held):
            fill[part] = np.median(held)
    indicated = ~whole & ~categorical
    return Expansion(fill, indicated, tuple(categories))


@dataclass(frozen=True, eq=False)
class Preparation:
    """Everything between rows as a file has them and inputs of a network; fitted, and frozen."""

    scaling: FittedScaling
    expansion: Expansion | None
    """None where every feature is an input as it was read."""
    columns: tuple[Column, ...] | None
    """Of a table."""
    of_bytes: bool
    """Whether the set's values are bytes."""
    features: int
    """Numbers in a row as read."""
    class_names: tuple[str, ...]
    """Of the outputs, in their order; of regression the name of the target."""
    task: TaskName = "classification"
    target_mean: float = 0.0
    target_std: float = 1.0
    """Of regression, on training rows: an output times this and plus the mean has the target's
    unit."""

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """What each input of the network is; None for sets that are no tables."""
        if self.columns is None:
            return None
        names: list[str] = []
        parts = [(c, part) for c in self.columns for part in c.parts]
        for place, (column, part) in enumerate(parts):
            categories = None if self.expansion is None else self.expansion.categories[place]
            if categories is None:
                names.append(part)
                if self.expansion is not None and self.expansion.indicated[place]:
                    names.append(f"{part} is missing")
                continue
            names += [
                f"{part} is missing" if np.isnan(c) else f"{part} = {column.categories[int(c)]}"
                for c in categories
            ]
        return tuple(names)

    @property
    def features_by_column(self) -> dict[str, int]:
        """How many inputs each column of a table becomes."""
        counts: dict[str, int] = {}
        place = 0
        for column in self.columns or ():
            for _ in column.parts:
                categories = None if self.expansion is None else self.expansion.categories[place]
                indicated = self.expansion is not None and bool(self.expansion.indicated[place])
                width = 1 + indicated if categories is None else len(categories)
                counts[column.name] = counts.get(column.name, 0) + width
                place += 1
        return counts

    def identity(self, inputs_digest: str) -> str:
        """Equal exactly if the inputs of the network are, `inputs_digest` being of those read."""
        if self.expansion is not None:
            inputs_digest = self.expansion.identity(inputs_digest)
        return self.scaling.identity(inputs_digest)

    def apply(self, inputs: np.ndarray) -> np.ndarray:
        """Inputs of the network (row, input) float32 from rows as read (row, feature)."""
        if self.expansion is not None:
            inputs = self.expansion.apply(inputs)
        return self.scaling.apply(inputs)

    def as_read_here(
        self, inputs: np.ndarray, columns: tuple[Column, ...] | None, where: str
    ) -> np.ndarray:
        """Rows of another set (row, feature) as this one would have read them.

        Categories are numbered set by set, so that theirs are named and numbered anew.

        Args:
            inputs: as the other set reads them.
            columns: of the other set, where it is a table.
            where: the setting that names it.

        Raises:
            BadInput: this set has categories, and the other one has other columns.
        """
        if not any(column.kind == "category" for column in self.columns or ()):
            return inputs
        own = [(column.name, column.kind) for column in self.columns or ()]
        if own != [(column.name, column.kind) for column in columns or ()]:
            refuse(
                where,
                expected=f"a table with the columns {listed(name for name, _ in own)}",
                received="another one",
                hint="give rows of the same columns, of the same kinds",
            )
        inputs, place = inputs.copy(), 0
        for mine, theirs in zip(self.columns or (), columns or (), strict=True):
            if mine.kind == "category":
                numbers = {name: number for number, name in enumerate(mine.categories)}
                renumbered = [float(numbers.get(name, -1)) for name in theirs.categories]
                held = inputs[:, place] >= 0
                inputs[held, place] = np.array(renumbered)[inputs[held, place].astype(int)]
            place += len(mine.parts)
        return inputs

    def prepare_rows(self, rows: np.ndarray | pd.DataFrame | Mapping[str, Any]) -> np.ndarray:
        """Inputs of the network from new rows, as its training rows became its inputs.

        Args:
            rows: (row, feature) numbers as the data hold them, unscaled; images may keep their
                axes. Of a table also a frame with its columns, by name, in any order, others besides.

        Returns:
            (row, input) float32.

        Raises:
            BadInput: other columns, cells that are not what a column holds, other numbers of
                features.
        """
        if hasattr(rows, "columns") or isinstance(rows, Mapping):
            return self.apply(self._encoded(rows))
        array = np.asarray(rows)
        array = array.reshape(len(array), -1) if array.ndim > 1 else array.reshape(1, -1)
        if array.dtype.kind not in "buif" or array.shape[1] != self.features:
            refuse(
                "inputs",
                expected=f"numbers, {self.features} in a row, as the data have"
                + (", or a frame with its columns" if self.columns else ""),
                received=f"{array.dtype} with {array.shape[1]} in a row",
                hint="give rows as the data hold them, unscaled",
            )
        if self.of_bytes and ((array >= 0) & (array <= 255) & (array == np.rint(array))).all():
            return self.apply(array.astype(np.uint8))
        return self.apply(array.astype(np.float64))

    def _encoded(self, rows: Any) -> np.ndarray:
        import pandas as pd

        from mlplab.data.sources.frames import cells_of

        frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
        if self.columns is None:
            return frame.to_numpy(np.float64)
        held = {str(name).strip(): place for place, name in enumerate(frame.columns)}
        missing = [column.name for column in self.columns if column.name not in held]
        if missing:
            refuse(
                "inputs",
                expected="the columns that the network learned from",
                received=f"a frame without {listed(missing)}",
                hint="name the columns as in the training data",
            )
        parts = []
        for column in self.columns:
            cells = cells_of(frame.iloc[:, held[column.name]])
            numbers, wrong = column.encode(cells)
            if wrong:
                refuse(
                    "inputs",
                    expected=f"a {column.kind} in column {column.name}",
                    received=f"{cells[wrong[0]]} in row {wrong[0]} (counted from 0)",
                    hint="correct it, or leave the cell empty",
                )
            parts.append(numbers)
        return np.column_stack(parts)

    def in_unit(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs of a network of regression, in the target's own unit."""
        return outputs * self.target_std + self.target_mean

    def to_record(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """A JSON object and arrays, from which `from_record` makes the same again."""
        arrays = {"shift": self.scaling.shift, "divisor": self.scaling.divisor}
        for name in ("drawn_in", "quantiles"):
            if getattr(self.scaling, name) is not None:
                arrays[name] = getattr(self.scaling, name)
        if self.expansion is not None:
            arrays |= {"fill": self.expansion.fill, "indicated": self.expansion.indicated}
            for part, categories in enumerate(self.expansion.categories):
                if categories is not None:
                    arrays[f"categories.{part}"] = categories
        facts = {
            "columns": None if self.columns is None else [asdict(c) for c in self.columns],
            "of_bytes": self.of_bytes,
            "features": self.features,
            "class_names": list(self.class_names),
            "task": self.task,
            "target_mean": self.target_mean,
            "target_std": self.target_std,
        }
        return facts, arrays

    @classmethod
    def from_record(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Preparation:
        """The preparation that `to_record` wrote."""
        expansion = None
        if "fill" in arrays:
            parts = range(len(arrays["fill"]))
            categories = tuple(arrays.get(f"categories.{part}") for part in parts)
            expansion = Expansion(arrays["fill"], arrays["indicated"], categories)
        columns = facts["columns"]
        return cls(
            scaling=FittedScaling(
                arrays["shift"],
                arrays["divisor"],
                arrays.get("drawn_in"),
                arrays.get("quantiles"),
            ),
            expansion=expansion,
            columns=None if columns is None else tuple(_column(c) for c in columns),
            of_bytes=bool(facts["of_bytes"]),
            features=int(facts["features"]),
            class_names=tuple(facts["class_names"]),
            task=facts["task"],
            target_mean=float(facts["target_mean"]),
            target_std=float(facts["target_std"]),
        )


def _column(facts: Mapping[str, Any]) -> Column:
    lists: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in facts.items()}
    return Column(**lists)


def fit(
    scaling: Scaling | None, dataset: Dataset, train_rows: np.ndarray, class_names: Sequence[str]
) -> Preparation:
    """Fit the preparation of a dataset on its training rows, and look at no others.

    scaling: None for the default of the set. class_names: of the outputs, in their order.
    """
    scaling = scaling or default_scaling(dataset)
    expansion = None
    if dataset.columns is not None:
        expansion = fit_expansion(dataset.columns, dataset.inputs[train_rows])
    if expansion is None or not expansion.is_needed:
        fitted = fit_scaling(scaling, dataset, train_rows)
        # A number that only later rows lack is filled in too.
        if expansion is not None and not np.isnan(dataset.inputs).any():
            expansion = None
    else:
        features = expansion.apply(dataset.inputs[train_rows])
        fitted = _only(fit_columns(scaling, features), expansion.scaled, scaling)
    mean, std = 0.0, 1.0
    if dataset.targets is not None:
        targets = dataset.targets[train_rows]
        mean, std = float(targets.mean()), float(targets.std()) or 1.0
    return Preparation(
        scaling=fitted,
        expansion=expansion,
        columns=dataset.columns,
        of_bytes=dataset.inputs.dtype == np.uint8,
        features=dataset.inputs.shape[1],
        class_names=tuple(class_names),
        task=dataset.task,
        target_mean=mean,
        target_std=std,
    )


def _only(fitted: FittedScaling, scaled: np.ndarray, scaling: Scaling) -> FittedScaling:
    """A scaling that leaves features of 0 and 1 as they are."""
    if scaling == "none":
        return FittedScaling(np.array(0.0), np.array(1.0))
    return FittedScaling(
        np.where(scaled, fitted.shift, 0.0),
        np.where(scaled, fitted.divisor, 1.0),
        None if fitted.drawn_in is None else fitted.drawn_in & scaled,
        None if fitted.quantiles is None else np.where(scaled, fitted.quantiles, np.nan),
    )
