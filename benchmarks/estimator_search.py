"""A search over settings: mlplab's, all candidates together, against GridSearchCV over scikit-learn's MLP.

python -m benchmarks estimator_search [--repeats N]

The same candidates (widths and depths by rates), the same five folds, the same rows, of digits and of
breast cancer, on all cores. mlplab stops early by a tenth of the training rows; scikit-learn does so by
the accuracy on such a part, or, its default, by the training loss on all of them.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neural_network import MLPClassifier as PeerClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import machine
from benchmarks.findings import RESULTS, Findings, Table, keep, spread
from mlplab.sklearn import MLPClassifier, MLPSearchCV

SIZES = [(32,), (64,), (128,), (32, 32), (64, 64)]
RATES = [0.0003, 0.001, 0.003, 0.01]
DATA: dict[str, Callable[..., Any]] = {"digits": load_digits, "breast cancer": load_breast_cancer}


def ours(inputs: np.ndarray, kinds: np.ndarray, folds: Any) -> float:
    """Search; gives the best mean accuracy over the folds."""
    grid = {"hidden_layer_sizes": SIZES, "learning_rate": RATES}
    search = MLPSearchCV(MLPClassifier(random_state=0), grid, cv=folds).fit(inputs, kinds)
    return float(search.best_score_)


def peer(inputs: np.ndarray, kinds: np.ndarray, folds: Any, *, stops: bool) -> float:
    """The same by GridSearchCV, each candidate in a pipeline with a scaler."""
    name = "mlpclassifier__"
    grid = {f"{name}hidden_layer_sizes": SIZES, f"{name}learning_rate_init": RATES}
    estimator = make_pipeline(
        StandardScaler(), PeerClassifier(early_stopping=stops, random_state=0)
    )
    search = GridSearchCV(estimator, grid, cv=folds, n_jobs=-1).fit(inputs, kinds)
    return float(search.best_score_)


def measured(repeats: int) -> dict[str, dict[str, Any]]:
    """Seconds and best scores of each contender on each set, by turns."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    contenders: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
        "MLPSearchCV": lambda x, y: ours(x, y, folds),
        "GridSearchCV": lambda x, y: peer(x, y, folds, stops=False),
        "GridSearchCV, early stopping": lambda x, y: peer(x, y, folds, stops=True),
    }
    found: dict[str, dict[str, Any]] = {}
    for data, load in DATA.items():
        inputs, kinds = load(return_X_y=True)
        own = found[data] = {name: {"seconds": [], "score": None} for name in contenders}
        for _ in range(repeats):
            for name, search in contenders.items():
                started = time.perf_counter()
                own[name]["score"] = search(inputs, kinds)
                own[name]["seconds"].append(time.perf_counter() - started)
                print(f"{data}: {name}: {own[name]['seconds'][-1]:.1f} s", flush=True)
    return found


def main(arguments: Sequence[str]) -> None:
    """Measure, and keep what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks estimator_search")
    parser.add_argument("--repeats", type=int, default=2)
    given = parser.parse_args(arguments)
    load = machine.load()
    warnings.simplefilter("ignore")
    found = measured(given.repeats)
    rows = []
    for data, own in found.items():
        ours_best = min(own["MLPSearchCV"]["seconds"])
        for name, one in own.items():
            ratio = ours_best / min(one["seconds"])
            rows.append([f"{data}: {name}", spread(one["seconds"]), f"{ratio:.2f}",
                         f"{one['score']:.4f}"])  # fmt: skip
    table = Table(
        f"{len(SIZES) * len(RATES)} candidates on five folds",
        ("search", "seconds", "mlplab, of this", "best mean accuracy"),
        rows,
    )
    keep(
        Findings(
            "estimator_search",
            "A search over settings",
            "The same candidates and folds; contenders by turns in one process each time.",
            [table],
            {"measured": found},
            load_at_start=load,
        ),
        RESULTS,
    )
