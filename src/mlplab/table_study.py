"""A sensible study of a table: which networks, for how long, and what is asked of them.

A linear network, one and two hidden layers of three widths; learning rates tuned alike for all,
early stopping and the choice by validation rows, and the questions that a user of a table has: does
a hidden layer help, does a second, do wider ones. How long and on which batches follows from the
number of rows. Beside the networks stand the usual methods of scikit-learn (`usual_methods.py`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlplab.data.dataset import PreparedData
from mlplab.data.preparation import prepare
from mlplab.data.sources.frames import keep_frame
from mlplab.declarations.data import TableData
from mlplab.declarations.loading import load_values
from mlplab.declarations.problems import BadInput, refuse
from mlplab.declarations.reading.names import plain
from mlplab.declarations.reading.validation import validate
from mlplab.declarations.resolving.size import Size
from mlplab.declarations.resolving.tasks import REGRESSION_MARGIN
from mlplab.declarations.study import Study
from mlplab.declarations.table_options import TableOptions
from mlplab.declarations.task import METRICS, TASKS, MetricName, TaskName
from mlplab.user_folders import cache_folder
from mlplab.words import count

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

WIDTHS = (32, 128, 256)
LINEAR = "linear"
RATES = (0.001, 0.004, 0.016)
"""Of Adam at the first step, tried for every network; they fall to 0 along half a cosine."""
_TUNING_SEEDS = 2
SEEDS = 8
"""Seven are the fewest with which the three questions can have a verdict."""
_MOST_FLOPS = 4e12
"""Of tuning and training together; a core does about 3e10 to 1e11 a second."""
_UPDATES = 2000
"""Steps at least, as far as `_EPOCHS` allow."""
_EPOCHS = (20, 150)
_BATCHES = (16, 256)
_BATCHES_AN_EPOCH = 40
_FEW_ROWS = 4_000
"""Of training: with more a tenth of them, else a fifth, is enough to choose by."""
_MOSTLY_ONE_CLASS = 0.8
_ALONE = 6
"""A number so many times as far from the mean as a thousandth of the rows is a slip, most likely:
as plain numbers such rows would decide the error, and with it when training stops."""
_OBJECTIVE_AND_MARGIN: dict[TaskName, tuple[str, dict[str, float]]] = {
    "classification": ("cross_entropy", {"within": 0.002}),
    "regression": ("mse", {"within_fraction": REGRESSION_MARGIN}),
}

REMARKS = {
    "data": "The table and its target; ignore and missing take columns and values, "
    '"columns": {"zip": "category"} says how a column is meant. validation is the share of training '
    "rows by which rates, stopping and the choice are decided; test rows decide nothing.",
    "training": "Passes over the training rows, the rows of each step, and when to stop: the weights "
    "of the best evaluation on validation rows are kept.",
    "seeds": "Each network is trained from so many initial weights and orders of rows, the same for "
    "all, so networks are compared in pairs.",
    "tune": "Every network takes the learning rate with which it did best on validation rows.",
    "networks": "Layers and widths; linear has no hidden layer. A network may override every setting "
    "above, within its own braces.",
    "questions": "Written before there are results, and answered in the report.",
    "choice": "The cheapest network that is shown to be less than a margin worse than the best: "
    "within in the unit of the metric, within_fraction as a share of the best.",
}


def study_of_table(
    table: str | Path | pd.DataFrame | pa.Table,
    options: TableOptions,
    *,
    name: str | None = None,
    overrides: Sequence[str] = (),
    select: Sequence[str] = (),
    seeds: int | None = None,
) -> Study:
    """A study of a table, ready to run.

    Args:
        table: the path of a CSV, TSV, Parquet, Feather or Excel file; or a pandas or Arrow table,
            which is kept in the user's cache folder so that its results can be read again.
        options: its target, and what else is said of it.
        name: of the study; None for those of the file and the target.
        overrides: texts such as "training.epochs=5".
        select: names of the networks to keep; none keeps all.
        seeds: a number of seeds instead of the study's own.

    Raises:
        BadInput: with every problem at once.
    """
    values = table_values(table, options, name=name)
    study = load_values(values, Path(), overrides=overrides, select=select, seeds=seeds)
    data = next(iter(study.networks.values())).data
    return replace(study, notes=(*_notes(values, _prepared(data)), *study.notes))


def table_values(
    table: str | Path | pd.DataFrame | pa.Table,
    options: TableOptions,
    *,
    name: str | None = None,
    folder: Path | None = None,
) -> dict[str, Any]:
    """The same study as the plain values of a study file.

    Args:
        folder: of the study file, as seen from which the path is written; None for as it is given.

    Raises:
        BadInput: a table that cannot be read, or a column that it does not have.
    """
    path, stem = (
        (str(table), Path(table).name.split(".")[0])
        if isinstance(table, str | Path)
        else (str(keep_frame(table, _kept_tables())), "table")
    )
    data: dict[str, Any] = {"format": "table", "path": path, **options.as_data()}
    declared = validate(TableData, data)
    if declared.declaration is None:
        raise BadInput(problem.within("data") for problem in declared.faults)
    prepared = _prepared(declared.declaration)
    if folder is not None:
        data["path"] = _seen_from(folder, path)
    rows = len(prepared.train_rows)
    share = 0.2 if rows < _FEW_ROWS else 0.1
    learned = rows - round(share * rows)
    objective, margin = _OBJECTIVE_AND_MARGIN[prepared.task]
    if _has_numbers_that_stand_alone(prepared):
        data["scaling"] = "robust"
    lengths = _lengths(learned, prepared.inputs.shape[1], len(prepared.class_names))
    return {
        "name": plain(f"{stem}-{options.target}") if name is None else name,
        "data": {**data, "validation": share},
        "training": {
            "epochs": lengths.epochs,
            "batch_size": lengths.batch,
            "early_stopping": {"metric": "loss", "patience": max(5, lengths.epochs // 2)},
        },
        "seeds": SEEDS,
        "initial_weights": {"distribution": "he"},
        "optimizer": {
            "name": "adam",
            "learning_rate": RATES[1],
            "schedule": {"name": "cosine"},
        },
        "objective": {"name": objective},
        "tune": {
            "space": {"optimizer.learning_rate": list(RATES)},
            "seeds": _TUNING_SEEDS,
            "metric": "loss",
        },
        "networks": {
            LINEAR: {"hidden": []},
            **{_named(d, w): {"hidden": [w] * d} for d in (1, 2) for w in WIDTHS},
        },
        "questions": _questions(TASKS[prepared.task].main),
        "choice": {**margin, "cost": "parameters"},
    }


def with_remarks(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a study file with a remark before each of them that has one."""
    told: dict[str, Any] = {"//": "Keys that start with // are remarks."}
    for key, value in values.items():
        told |= {f"// {key}": REMARKS[key]} if key in REMARKS else {}
        told[key] = value
    return told


@dataclass(frozen=True)
class _Lengths:
    epochs: int
    batch: int


def _lengths(rows: int, features: int, outputs: int) -> _Lengths:
    """How long to train on so many rows, so that the whole study takes no longer than it may."""
    low, high = _BATCHES
    wanted = max(1, rows // _BATCHES_AN_EPOCH)
    batch = min(max(int(2 ** (wanted.bit_length() - 1)), low), high, max(1, rows))
    steps_an_epoch = -(-rows // batch)
    epochs = min(max(-(-_UPDATES // steps_an_epoch), _EPOCHS[0]), _EPOCHS[1])
    shapes = [(features, *[w] * d, outputs) for d in (1, 2) for w in WIDTHS]
    runs = SEEDS + len(RATES) * _TUNING_SEEDS
    flops = runs * sum(Size(s, batch, steps_an_epoch).training_flops for s in shapes)
    return _Lengths(max(1, min(epochs, int(_MOST_FLOPS // flops))), batch)


def _has_numbers_that_stand_alone(data: PreparedData) -> bool:
    """Whether a column of training rows, standardised, has a number far beyond all others."""
    sizes = np.sort(np.abs(data.inputs[data.train_rows]), axis=0)[::-1]
    usual = sizes[min(max(1, len(sizes) // 1000), len(sizes) - 1)]
    return bool((sizes[0] > _ALONE * np.maximum(usual, 1)).any())


def _named(depth: int, width: int) -> str:
    return f"{depth}x{width}"


def _questions(metric: MetricName) -> list[dict[str, Any]]:
    measured = {"final": metric, "split": "test"}
    middle = WIDTHS[1]
    higher = METRICS[metric].higher_is_better
    better, trend = ("greater", "increasing") if higher else ("less", "decreasing")
    return [
        {
            "ask": "Is a network with a hidden layer better than a linear one?",
            "compare": [_named(1, middle), LINEAR],
            "factor": "depth",
            "metric": measured,
            "expect": better,
        },
        {
            "ask": "Does a second hidden layer help?",
            "compare": [_named(2, middle), _named(1, middle)],
            "factor": "depth",
            "metric": measured,
            "expect": better,
        },
        {
            "ask": "Do wider layers help?",
            "along": [_named(1, width) for width in WIDTHS],
            "factor": "width",
            "metric": measured,
            "expect": trend,
        },
    ]


def _notes(values: dict[str, Any], data: PreparedData) -> list[str]:
    """What the study was made of, and what is to be borne in mind."""
    training = values["training"]
    parts = [
        f"{len(rows):,} {part}"
        for rows, part in (
            (data.train_rows, "training"),
            (data.validation_rows, "validation"),
            (data.test_rows, "test"),
        )
    ]
    notes = [
        f"made from the table: {', '.join(parts)} rows, {count(data.inputs.shape[1], 'input')}, "
        f"{count(training['epochs'], 'epoch')} at most in batches of {training['batch_size']}; "
        f"mlplab init --data writes the study as a file to change."
    ]
    if values["data"].get("scaling") == "robust":
        notes.append(
            "a column has a number far beyond all others, so numbers are scaled by their quartiles "
            'and outliers drawn in; "scaling": "standard" in "data" takes them as they are.'
        )
    if data.task == "classification":
        labels = data.label_map[data.labels[data.train_rows]]
        counts = np.bincount(labels, minlength=len(data.class_names))
        share, most = counts.max() / counts.sum(), data.class_names[int(counts.argmax())]
        if share >= _MOSTLY_ONE_CLASS:
            notes.append(
                f"{share:.1%} of the rows are of class {most}, which is the accuracy of always "
                'saying so; "objective": {"name": "cross_entropy", "class_weights": "balanced"} '
                "gives every class the same weight in training."
            )
        few = [
            f"{name} ({number})"
            for name, number in zip(data.class_names, counts.tolist(), strict=True)
            if number < 10
        ]
        if few:
            notes.append(
                f"few rows to learn from: {', '.join(few[:10])}"
                + (f" and {len(few) - 10} more classes" if len(few) > 10 else "")
                + "; what the networks do with these classes is hardly measured."
            )
    return notes


def _seen_from(folder: Path, path: str) -> str:
    full = Path(path).expanduser().resolve()
    try:
        return os.path.relpath(full, folder.resolve())
    except ValueError:  # on another drive
        return str(full)


def _prepared(data: Any) -> PreparedData:
    return prepare(data, Path(), lambda line: None)


def _kept_tables() -> Path:
    """Where tables in memory are kept, so that their results can be read again."""
    folder = cache_folder()
    if folder is None:
        refuse(
            "table",
            expected="a user with a home folder, in whose cache a table in memory is kept",
            received="a user without one",
            hint="write the table to a file and give its path",
        )
    return folder / "tables"
