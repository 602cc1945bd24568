"""The network that the study of a table chooses, against scikit-learn's MLP on the same rows.

python -m benchmarks tables_against_sklearn [TABLE …] [--tables FOLDER] [--splits N] [--same-widths]

FOLDER holds tables and a `tables.json` that says of each its target, columns to leave out and what
stands for missing. On each split `mlplab run TABLE` is done as it comes, and its chosen network
(chosen on validation rows, the mean of its seeds) is compared with a pipeline that is fitted to the
same training and validation rows, read by pandas: medians with indicators, standard scaling,
one-hot categories, and MLPClassifier or MLPRegressor of 128-128 that stops early above 500 rows,
targets of regression standardised. `diabetes` is scikit-learn's own. With --same-widths the network
is 2x128 whatever is chosen. What was measured is kept line by line, and not measured again.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import machine
from benchmarks.findings import RESULTS, Findings, Table, keep
from mlplab.data.dataset import PreparedData
from mlplab.data.preparation import prepare
from mlplab.declarations.study import Study as DeclaredStudy
from mlplab.declarations.table_options import TableOptions
from mlplab.statistics.resampling import resampled_mean
from mlplab.study import Study
from mlplab.table_study import SEEDS, study_of_table

WIDTHS = (128, 128)
SAME = "2x128"
FITS = 3
"""Of scikit-learn on each split, whose mean is compared, as that of a network's seeds."""
STOPS_ABOVE = 500
OF_SAME_WIDTHS = ("california-housing.csv", "diabetes")


@dataclass(frozen=True)
class Measured:
    """One table on one split."""

    table: str
    split: int
    metric: str
    network: str
    seeds: int
    mlplab: float
    """The mean over seeds on test rows."""
    sklearn: float
    baseline: float
    """Of the most frequent class, or of the mean."""
    learned_rows: int
    """Training and validation rows; scikit-learn stops by a tenth of these."""
    test_rows: int
    mlplab_seconds: float
    sklearn_seconds: float


@dataclass(frozen=True)
class Source:
    """A table with what is said of it."""

    name: str
    table: Path | pd.DataFrame
    facts: dict[str, Any]

    def frame(self) -> pd.DataFrame:
        """The rows that have a target, the target last, under names that are text."""
        target, ignored = self.facts["target"], self.facts.get("ignore", [])
        is_frame = isinstance(self.table, pd.DataFrame)
        frame = self.table.copy() if is_frame else self._read(self.table)
        columns = list(frame.columns)

        def named(column: str | int) -> Any:
            is_name = isinstance(column, str) and column in columns
            return column if is_name else columns[int(column) - 1]

        own = frame.pop(named(target))
        kept = frame.drop(columns=[named(column) for column in ignored])
        kept.columns = [str(column) for column in kept.columns]
        known = own.notna()
        return kept.assign(target=own)[known].reset_index(drop=True)

    def _read(self, path: Path) -> pd.DataFrame:
        if path.suffix == ".xlsx":
            return pd.read_excel(path)
        how: dict[str, Any] = {
            "sep": self.facts.get("sep", ","),
            "header": 0 if self.facts.get("header", True) else None,
            "na_values": ["?", *map(str, self.facts.get("missing", []))],
            "skipinitialspace": True,
        }
        try:
            return pd.read_csv(path, encoding="utf-8-sig", **how)
        except UnicodeDecodeError:
            return pd.read_csv(path, encoding="cp1252", **how)


def sources(folder: Path) -> dict[str, Source]:
    """All tables by name."""
    facts = json.loads((folder / "tables.json").read_text())
    found = {name: Source(name, folder / name, own) for name, own in facts.items()}
    from sklearn.datasets import load_diabetes

    own = {"target": "target", "task": "regression", "metric": "rmse"}
    found["diabetes"] = Source("diabetes", load_diabetes(as_frame=True).frame, own)
    return found


def study_on(source: Source, split: int, *, same_widths: bool, seeds: int | None) -> DeclaredStudy:
    """The study that `mlplab run FILE` makes, with this split."""
    facts = source.facts
    options = TableOptions(
        facts["target"], facts.get("ignore", ()), facts.get("missing", ()), facts["task"]
    )
    return study_of_table(
        source.table,
        options,
        name=f"{source.name}-{split}",
        overrides=[f"data.split_seed={split}"],
        select=[SAME] if same_widths else [],
        seeds=seeds,
    )


def ours(study: DeclaredStudy, metric: str, *, same_widths: bool) -> tuple[str, int, float, float]:
    """Network, seeds, the mean of the metric on test rows, and seconds."""
    folder = Path(tempfile.mkdtemp())
    began = time.perf_counter()
    try:
        results = Study(study).run(folder)
        seconds = time.perf_counter() - began
        network = SAME if same_widths else results.choice().shown.network
        summary = results.summary()
        values = summary.loc[summary["network"] == network, f"test_{metric}"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return network, len(values), float(values.mean()), seconds


def pipeline(frame: pd.DataFrame, rows: int, *, classes: bool, seed: int) -> Any:
    """What is usual: fitted on the rows that it is given, and on no others."""
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [c for c in frame if pd.api.types.is_numeric_dtype(frame[c])]
    others = [c for c in frame if c not in numbers]
    prepared = ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(strategy="median", add_indicator=True),
                                StandardScaler()), numbers),
            ("c", OneHotEncoder(handle_unknown="ignore", sparse_output=False), others),
        ]
    )  # fmt: skip
    own = {"hidden_layer_sizes": WIDTHS, "early_stopping": rows > STOPS_ABOVE, "random_state": seed}
    if classes:
        return make_pipeline(prepared, MLPClassifier(**own))
    regressor = TransformedTargetRegressor(MLPRegressor(**own), transformer=StandardScaler())
    return make_pipeline(prepared, regressor)


def score(metric: str, known: np.ndarray, predicted: np.ndarray) -> float:
    """Accuracy, or RMSE in the target's unit."""
    if metric == "accuracy":
        return float(np.mean(known == predicted))
    return float(np.sqrt(np.mean((known - predicted) ** 2)))


def theirs(source: Source, data: PreparedData, metric: str) -> tuple[float, float, float]:
    """Their mean and the baseline on the same test rows, and the seconds of a fit.

    Raises:
        ValueError: pandas reads other rows than mlplab.
    """
    frame = source.frame()
    known = frame.pop("target").to_numpy()
    classes = metric == "accuracy"
    learned = np.sort(np.concatenate([data.train_rows, data.validation_rows]))
    _require_same_rows(known, data, classes=classes)
    known = known.astype(str if classes else np.float64)
    x, y = frame.iloc[learned], known[learned]
    test_x, test_y = frame.iloc[data.test_rows], known[data.test_rows]
    began, values = time.perf_counter(), []
    for seed in range(FITS):
        model = pipeline(frame, len(learned), classes=classes, seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values.append(score(metric, test_y, model.fit(x, y).predict(test_x)))
    seconds = (time.perf_counter() - began) / FITS
    usual = pd.Series(y).mode()[0] if classes else y.mean()
    return float(np.mean(values)), score(metric, test_y, np.full(len(test_y), usual)), seconds


def _require_same_rows(known: np.ndarray, data: PreparedData, *, classes: bool) -> None:
    if len(known) != len(data.inputs):
        raise ValueError(f"pandas reads {len(known)} rows with a target, mlplab {len(data.inputs)}")
    if classes:
        pairs = {(a, b) for a, b in zip(known.astype(str), data.labels.tolist(), strict=True)}
        same = len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    else:
        own = data.targets * data.preparation.target_std + data.preparation.target_mean
        same = np.allclose(known.astype(np.float64), own, rtol=1e-4, atol=1e-3 * own.std())
    if not same:
        raise ValueError("pandas reads other targets than mlplab")


def measure(source: Source, split: int, *, same_widths: bool, seeds: int | None) -> Measured:
    """Both on one split."""
    metric = source.facts["metric"]
    study = study_on(source, split, same_widths=same_widths, seeds=seeds)
    data = prepare(next(iter(study.networks.values())).data, Path(), lambda line: None)
    value, baseline, their_seconds = theirs(source, data, metric)
    network, used, own, seconds = ours(study, metric, same_widths=same_widths)
    learned = len(data.train_rows) + len(data.validation_rows)
    return Measured(source.name, split, metric, network, used, own, value, baseline, learned,
                    len(data.test_rows), seconds, their_seconds)  # fmt: skip


def read(path: Path) -> list[Measured]:
    """What was measured before."""
    if not path.exists():
        return []
    kinds = {field.name: field.type for field in fields(Measured)}
    convert = {"str": str, "int": int, "float": float}
    with path.open(newline="") as lines:
        return [
            Measured(**{key: convert[str(kinds[key])](value) for key, value in line.items()})
            for line in csv.DictReader(lines)
        ]


def add(path: Path, one: Measured) -> None:
    """One line more; a new file begins with the names of its columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with path.open("a", newline="") as lines:
        writer = csv.DictWriter(lines, [field.name for field in fields(Measured)])
        if is_new:
            writer.writeheader()
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v
                         for k, v in asdict(one).items()})  # fmt: skip


def rows_of(measured: Sequence[Measured]) -> Iterator[list[str]]:
    """A line a table: means, the paired difference, and whether it is within two standard errors.

    Differences are such that above 0 mlplab is better: of accuracies, or of an RMSE by its share.
    """
    for table in dict.fromkeys(one.table for one in measured):
        own = [one for one in measured if one.table == table]
        is_error = own[0].metric == "rmse"
        better = np.array([
            (one.sklearn - one.mlplab) / one.sklearn if is_error else one.mlplab - one.sklearn
            for one in own
        ])  # fmt: skip
        n, mean = len(better), float(better.mean())
        error = float(better.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
        corrected = resampled_mean(better, own[0].test_rows / own[0].learned_rows)
        worst = -corrected.limits(0.05)[0]
        holds = "" if n < 2 else "yes" if mean >= -2 * error else "no"
        yield [
            table, own[0].metric, str(n), ", ".join(dict.fromkeys(one.network for one in own)),
            f"{np.mean([one.baseline for one in own]):.4g}",
            f"{np.mean([one.sklearn for one in own]):.4g}",
            f"{np.mean([one.mlplab for one in own]):.4g}",
            f"{mean:+.2%} ± {2 * error:.2%}", holds, f"{worst:+.2%}" if n > 1 else "",
            f"{np.median([one.mlplab_seconds for one in own]):.0f}",
        ]  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Measure what is missing, and keep it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks tables_against_sklearn")
    parser.add_argument("table", nargs="*", help="names of files; all of them by default")
    parser.add_argument(
        "--tables", type=Path, default=Path(os.environ.get("MLPLAB_DATA", "data")) / "tables"
    )
    parser.add_argument("--splits", type=int, help="5, or 10 with --same-widths")
    parser.add_argument("--seeds", type=int, help=f"of each network, instead of {SEEDS}")
    parser.add_argument("--same-widths", action="store_true", help=f"{SAME} instead of the chosen")
    parser.add_argument("--into", type=Path, default=RESULTS, help="the folder of what is found")
    given = parser.parse_args(arguments)
    load, known = machine.load(), sources(given.tables)
    name = "tables_against_sklearn" + ("-same_widths" if given.same_widths else "")
    path = given.into / f"{name}.csv"
    names = given.table or (OF_SAME_WIDTHS if given.same_widths else list(known))
    if unknown := [table for table in names if table not in known]:
        parser.error(f"no table {', '.join(unknown)}; there are {', '.join(known)}")
    done = {(one.table, one.split) for one in read(path)}
    for split in range(given.splits or (10 if given.same_widths else 5)):
        for table in names:
            if (table, split) in done:
                continue
            one = measure(known[table], split, same_widths=given.same_widths, seeds=given.seeds)
            add(path, one)
            print(f"{table}, split {split}: {one.network} {one.mlplab:.5g}, scikit-learn "
                  f"{one.sklearn:.5g} ({one.mlplab_seconds:.0f} s)", flush=True)  # fmt: skip
    found = read(path)
    table = Table(
        "Tables",
        ("table", "metric", "splits", "network", "baseline", "scikit-learn", "mlplab",
         "better by, ± two standard errors", "not worse", "worse by at most", "seconds"),
        list(rows_of(found)),
        "Better by: of accuracies their difference, of RMSE its share, paired by split. Not worse: "
        "not by more than two standard errors. Worse by at most: the upper 95% bound over data and "
        "seeds, corrected for training rows that splits share (Nadeau and Bengio). Seconds: of the "
        "whole study with its tuning, on a machine that others may use.",
    )  # fmt: skip
    keep(
        Findings(
            name,
            "Tables against scikit-learn's MLP",
            " ".join((__doc__ or "").split("\n\n")[-1].split()),
            [table],
            {"measured": [asdict(one) for one in found]},
            load_at_start=load,
        ),
        given.into,
    )
