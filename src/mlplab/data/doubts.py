"""What is doubtful of rows that can be used: equal rows in both parts, columns that tell the target.

Nothing is left out for it; it is told, so that nobody is surprised by a score that is too good.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlplab.data.dataset import Dataset
from mlplab.declarations.problems import shown

_MOST_BYTES = 1 << 31
"""Of inputs whose rows are compared."""
_MOST_ROWS, _MOST_COLUMNS = 5000, 200
"""Of training data in which leaks are looked for; more tell no more."""
_ALMOST_EXACT = 0.99


def doubtful_rows(dataset: Dataset) -> tuple[str, ...]:
    """What is doubtful, a sentence each."""
    return (*_equal_rows(dataset), *_leaks(dataset))


def _equal_rows(dataset: Dataset) -> Iterator[str]:
    """How many test rows have inputs that a training row has too."""
    if dataset.inputs.nbytes > _MOST_BYTES:
        return
    rows = np.ascontiguousarray(dataset.inputs)
    learned = {rows[row].tobytes() for row in dataset.train_rows.tolist()}
    equal = sum(rows[row].tobytes() in learned for row in dataset.test_rows.tolist())
    if equal:
        yield (
            f"{equal:,} of {len(dataset.test_rows):,} test rows are equal to a training row in "
            'every input; "groups" keeps rows of one origin in one part'
            if dataset.columns is not None
            else f"{equal:,} of {len(dataset.test_rows):,} test rows are equal to a training row"
        )


def _leaks(dataset: Dataset) -> Iterator[str]:
    """Columns each of which alone gives the target almost exactly."""
    if dataset.columns is None or not 1 < len(dataset.columns) <= _MOST_COLUMNS:
        return
    rows = dataset.train_rows[:: max(1, len(dataset.train_rows) // _MOST_ROWS)]
    inputs = dataset.inputs[rows]
    start = 0
    for column in dataset.columns:
        its = inputs[:, start]
        start += len(column.parts)
        if dataset.targets is None:
            share = _told_by_classes(its, dataset.labels[rows], column.kind == "category")
            how = f"gives {share:.1%} of the classes"
        else:
            share = _told_by_values(its, dataset.targets[rows], column.kind == "category")
            how = f"explains {share:.1%} of the variance of the target"
        if share >= _ALMOST_EXACT:
            yield (
                f"column {shown(column.name)} alone {how} ({len(rows):,} training rows): is it "
                f'known beforehand, or a leak? "ignore": [{shown(column.name)}] leaves it out'
            )
    if dataset.targets is not None:
        yield from _sum_of_columns(dataset, inputs, dataset.targets[rows])


def _told_by_classes(values: np.ndarray, labels: np.ndarray, by_category: bool) -> float:
    """The share of rows whose class a rule on one column gives: a class for each category, or for
    each of as many ranges as there are classes. 0 where the most frequent class does as well."""
    most_frequent = np.bincount(labels).max() / len(labels)
    if len(values) < 30 or most_frequent > 0.98:
        return 0.0
    values = np.nan_to_num(values, nan=-1e30)
    kinds, places = np.unique(values, return_inverse=True)
    if by_category and len(kinds) > len(labels) / 5:
        return 0.0
    if not by_category and len(kinds) > 2:
        # scikit-learn takes a second to import, and most data need it for nothing else.
        from sklearn.tree import DecisionTreeClassifier

        leaves = max(2, int(labels.max()) + 1)
        tree = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=2)
        return float(tree.fit(values[:, None], labels).score(values[:, None], labels))
    table = np.zeros((len(kinds), int(labels.max()) + 1))
    np.add.at(table, (places, labels), 1)
    return float(table.max(axis=1).sum() / len(labels))


def _told_by_values(values: np.ndarray, targets: np.ndarray, by_category: bool) -> float:
    """The share of variance that a line (or the mean of each category) explains."""
    held = ~np.isnan(values)
    if held.sum() < 30 or np.ptp(values[held]) == 0 or np.ptp(targets[held]) == 0:
        return 0.0
    values, targets = values[held], targets[held]
    if by_category:
        kinds, places = np.unique(values, return_inverse=True)
        if len(kinds) > len(values) / 5:
            return 0.0
        means = np.bincount(places, targets) / np.bincount(places)
        return 1 - float(np.var(targets - means[places]) / np.var(targets))
    return float(np.corrcoef(values, targets)[0, 1] ** 2)


def _sum_of_columns(dataset: Dataset, inputs: np.ndarray, targets: np.ndarray) -> Iterator[str]:
    """Say that a weighted sum of the columns of numbers gives the target almost exactly."""
    assert dataset.columns is not None
    starts = np.cumsum([0, *(len(column.parts) for column in dataset.columns)])
    named = [
        (column.name, inputs[:, start])
        for column, start in zip(dataset.columns, starts.tolist(), strict=False)
        if column.kind == "number" and not np.isnan(inputs[:, start]).any()
    ]
    if len(named) < 2 or len(targets) < 10 * len(named):
        return
    matrix = np.column_stack([values for _, values in named])
    matrix, centred = matrix - matrix.mean(axis=0), targets - targets.mean()
    spread = matrix.std(axis=0)
    matrix = matrix / np.where(spread > 0, spread, 1)
    weights = np.linalg.lstsq(matrix, centred, rcond=None)[0]
    explained = 1 - np.var(centred - matrix @ weights) / np.var(centred)
    if explained >= 0.97:
        largest = named[int(np.argmax(np.abs(weights)))][0]
        yield (
            f"a weighted sum of columns explains {explained:.1%} of the variance of the target, "
            f"{shown(largest)} most of all: does it contain the target? "
            f'"ignore": [{shown(largest)}] leaves it out'
        )
