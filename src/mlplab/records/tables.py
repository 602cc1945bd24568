"""Results as tidy tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlplab.declarations.resolving.size import Size
from mlplab.records.kept import value_at_restored_weights

if TYPE_CHECKING:
    from mlplab.records.results import Results, Run

CURVE_COLUMNS = ("study", "network", "seed", "step", "split", "metric", "value")
_SUMMARY_COLUMNS = (
    "study", "network", "seed", "status", "steps", "diverged_at", "parameters", "training_flops",
    "seconds",
)  # fmt: skip
_FINAL_SPLITS = ("test", "validation", "train", "batch")


def curves(results: Results) -> pd.DataFrame:
    """Return every measured value of every finished run, one a row, in `CURVE_COLUMNS`."""
    networks, seeds, splits, metrics, lengths = [], [], [], [], []
    steps, values = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for run in results.runs:
        for (split, metric), numbers in run.curves.items():
            measured = ~np.isnan(numbers)
            networks.append(run.network)
            seeds.append(run.seed)
            splits.append(split)
            metrics.append(metric)
            steps.append(run.steps[measured])
            values.append(numbers[measured])
            lengths.append(len(values[-1]))

    def repeated(names: list[str]) -> pd.Series:
        # Codes are repeated rather than texts: millions of rows have few distinct names.
        return pd.Series(pd.Categorical(names).repeat(lengths)).astype(str)

    table = pd.DataFrame(
        {
            "network": repeated(networks),
            "seed": np.repeat(np.array(seeds, dtype=np.int64), lengths),
            "step": np.concatenate(steps),
            "split": repeated(splits),
            "metric": repeated(metrics),
            "value": np.concatenate(values),
        }
    )
    table.insert(0, "study", pd.Series([results.study.name] * len(table), dtype=str))
    return table


def summary(results: Results) -> pd.DataFrame:
    """Return one row a network and seed of the study.

    Columns: study, network, seed; status (finished, diverged, failed or missing); steps trained;
    diverged_at; parameters; training_flops; seconds; then `<split>_<metric>`, the value at the
    weights that are kept. The columns are always the same for one task; what was not measured is
    missing.
    """
    rows = [_summary_row(results, run) for run in results.runs]
    failed = {(failure.network, failure.seed) for failure in results.failures}
    rows += [
        {"network": network, "seed": seed, "status": "failed" if (network, seed) in failed
         else "missing"}
        for network, seed in results.missing
    ]  # fmt: skip
    finals = [
        f"{split}_{metric}" for split in _FINAL_SPLITS for metric in results.study.task.metrics
    ]
    table = pd.DataFrame(rows, columns=[*_SUMMARY_COLUMNS, *finals])
    table["study"] = results.study.name
    table[finals] = table[finals].astype(float)
    counts = ["steps", "diverged_at", "parameters", "training_flops"]
    table[counts] = table[counts].astype("Int64")
    order = {name: place for place, name in enumerate(results.study.networks)}
    table = table.sort_values(
        ["network", "seed"], key=lambda column: column.map(order) if column.name == "network"
        else column, kind="stable",
    )  # fmt: skip
    return table.reset_index(drop=True)


def _summary_row(results: Results, run: Run) -> dict[str, object]:
    row: dict[str, object] = {
        "network": run.network,
        "seed": run.seed,
        "status": "finished" if run.diverged_at is None else "diverged",
        "steps": run.stopped_at,
        "diverged_at": run.diverged_at,
        "seconds": run.seconds,
    }
    network = results.study.networks[run.network]
    training = network.training
    if run.layers:
        size = Size(
            run.layers, training.batch_size, run.stopped_at, network.form.parameters(run.layers)
        )
        row |= {"parameters": size.parameters, "training_flops": size.training_flops}
    for split in _FINAL_SPLITS:
        for metric in results.study.task.metrics:
            if (split, metric) in run.curves:
                row[f"{split}_{metric}"] = value_at_restored_weights(run, split, metric, training)
    return row
