"""Results with known metric values, for tests of questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mlplab.declarations.metric import FinalMetric
from mlplab.declarations.question import PairQuestion, RankingQuestion, TrendQuestion
from mlplab.declarations.study import Study
from mlplab.records.results import Results, Run
from simulated_results import ENVIRONMENT, network

ACCURACY = FinalMetric(final="accuracy")


def run(name: str, seed: int, accuracy: Sequence[float], *, every: int = 100, **changes) -> Run:
    """A run with this test accuracy at each evaluation."""
    steps = every * np.arange(1, len(accuracy) + 1)
    values = np.array(accuracy, dtype=float)
    settings = {
        "network": name,
        "seed": seed,
        "key": f"{name}{seed}",
        "steps": steps,
        "curves": {
            ("test", "accuracy"): values,
            ("test", "loss"): -np.log(values.clip(1e-6)),
            ("train", "accuracy"): np.append(np.full(len(values) - 1, np.nan), 0.9),
            ("batch", "seconds"): steps / 1000,
        },
        "diverged_at": None,
        "stopped_at": int(steps[-1]),
        "seconds": float(steps[-1]) / 1000,
        "evaluation": None,
        "layers": (4, 3, 2),
        **changes,
    }
    return Run(**settings)


def results(finals: Mapping[str, Sequence[float]], questions=(), **settings) -> Results:
    """One run a network and seed that ends with this accuracy."""
    count = len(next(iter(finals.values())))
    networks = {n: network([8], "adam", 0.001, steps=100, seeds=count) for n in finals}
    runs = [run(n, seed, [value]) for n, own in finals.items() for seed, value in enumerate(own)]
    study = Study(name="asked", networks=networks, questions=tuple(questions))
    return Results(study, tuple(runs), (), ENVIRONMENT, **settings)


def pair(expect: str = "greater", **changes) -> PairQuestion:
    return PairQuestion(
        **{"ask": "?", "compare": ("a", "b"), "metric": ACCURACY, "expect": expect, **changes}
    )


def trend(expect: str = "increasing", along=("a", "b", "c"), **changes) -> TrendQuestion:
    return TrendQuestion(ask="?", along=along, expect=expect, **{"metric": ACCURACY, **changes})


def ranking(*names: str, metric=ACCURACY) -> RankingQuestion:
    return RankingQuestion(ask="?", rank=names, metric=metric)
