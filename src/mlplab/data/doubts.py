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
_MOST_WHOLES = 20


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
        yield from _sums_with_target(dataset, inputs, dataset.targets[rows])


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


def _sums_with_target(dataset: Dataset, inputs: np.ndarray, targets: np.ndarray) -> Iterator[str]:
    """Say which column may be a sum that the target is part of, as a total is of its items.

    It is never below the target, and with it a weighted sum of the columns of numbers explains most
    of the target's variance, without it much less.
    """
    assert dataset.columns is not None
    starts = np.cumsum([0, *(len(column.parts) for column in dataset.columns)])
    named = [
        (column.name, inputs[:, start])
        for column, start in zip(dataset.columns, starts.tolist(), strict=False)
        if column.kind == "number" and not np.isnan(inputs[:, start]).any()
    ]
    if targets.min() < 0 or len(targets) < 10 * len(named):
        return
    wholes = [place for place, (_, values) in enumerate(named) if (values >= targets).all()]
    matrix = np.column_stack([np.ones(len(targets)), *(values for _, values in named)])
    for place in wholes[:_MOST_WHOLES]:
        explained = _explained(matrix, targets)
        without = _explained(np.delete(matrix, place + 1, axis=1), targets)
        if explained >= 0.8 and explained - without >= 0.4:
            name = shown(named[place][0])
            yield (
                f"column {name} is never below the target, and a weighted sum of columns explains "
                f"{explained:.0%} of the target's variance with it and {without:.0%} without: does "
                f'it contain the target? "ignore": [{name}] leaves it out'
            )


def _explained(matrix: np.ndarray, targets: np.ndarray) -> float:
    """The share of variance that the best weighted sum of columns explains."""
    weights = np.linalg.lstsq(matrix, targets, rcond=None)[0]
    return 1 - float(np.var(targets - matrix @ weights) / np.var(targets))
