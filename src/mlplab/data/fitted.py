"""How rows of a set become inputs of a network: fitted on training rows, kept, applied to others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from mlplab.data.columns import Column
from mlplab.data.dataset import Dataset
from mlplab.data.expansion import Expansion, fit_expansion
from mlplab.data.scaling import FittedScaling, default_scaling, fit_columns, fit_scaling
from mlplab.declarations.data import Scaling
from mlplab.declarations.problems import quoted, refuse
from mlplab.declarations.task import TaskName

if TYPE_CHECKING:
    import pandas as pd


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
        return None if self.columns is None else tuple(name for _, name in self._features())

    @property
    def features_by_column(self) -> dict[str, int]:
        """How many inputs each column of a table becomes."""
        return dict(Counter(column for column, _ in self._features()))

    def _features(self) -> Iterator[tuple[str, str]]:
        """The column of each input of the network, and the input's name."""
        parts = ((column, part) for column in self.columns or () for part in column.parts)
        for place, (column, part) in enumerate(parts):
            categories = None if self.expansion is None else self.expansion.categories[place]
            if categories is None:
                yield column.name, part
                if self.expansion is not None and self.expansion.indicated[place]:
                    yield column.name, f"{part} is missing"
                continue
            for category in categories:
                known = (
                    "is missing" if np.isnan(category) else f"= {column.categories[int(category)]}"
                )
                yield column.name, f"{part} {known}"

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
                expected=f"a table with the columns {quoted(name for name, _ in own)}",
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
            return self.apply(self.encoded(rows))
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

    def encoded(self, rows: Any) -> np.ndarray:
        import pandas as pd

        frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
        if self.columns is None:
            return frame.to_numpy(np.float64)
        return encode_frame(self.columns, frame)

    def in_unit(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs of a network of regression, in the target's own unit."""
        return outputs * self.target_std + self.target_mean

    def to_record(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """A JSON object and arrays, from which `from_record` makes the same again."""
        arrays = {name: a for name, a in vars(self.scaling).items() if a is not None}
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
        of_scaling = {each.name for each in fields(FittedScaling)} & set(arrays)
        return cls(
            scaling=FittedScaling(**{name: arrays[name] for name in of_scaling}),
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


def encode_frame(columns: Sequence[Column], frame: pd.DataFrame) -> np.ndarray:
    """The numbers (row, part) float64 of a frame's columns, by name; NaN for a missing value.

    Raises:
        BadInput: a column that is missing, or a cell that is not what its column holds.
    """
    from mlplab.data.sources.frames import cells_of

    held = {str(name).strip(): place for place, name in enumerate(frame.columns)}
    missing = [column.name for column in columns if column.name not in held]
    if missing:
        refuse(
            "inputs",
            expected="the columns that the network learned from",
            received=f"a frame without {quoted(missing)}",
            hint="name the columns as in the training data",
        )
    parts = []
    for column in columns:
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
