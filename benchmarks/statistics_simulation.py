"""How often verdicts are false where there is nothing to find, by kind, shape and number of seeds.

    python benchmarks/statistics_simulation.py --repeats 2000 --alpha 0.05 --out table.md

Arms are exchangeable within a seed (promised: the share of false verdicts stays at or under the
level), or shifted symmetrically to the very edge of a margin (promised too). "unequal" compares
equal means of different shapes: that is measured and reported, not promised.

"accuracy" and "difference" are about rows: every seed is evaluated on the same few, drawn anew for
each study, and the truth is that of all rows there are. Intervals of rows and seeds joined are
promised; "seeds alone", as plug-in intervals over seeds are, is measured beside them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlplab.analysis.questions.finite_rows import counted_difference, counted_fraction
from mlplab.declarations.seeds_needed import seeds_of_pair, seeds_of_ranking, seeds_of_trend
from mlplab.statistics import friedman, page, sign_flip
from mlplab.statistics.best import cheapest_of, comparisons_with_best
from mlplab.statistics.critical_difference import pairwise_tests
from mlplab.statistics.intervals import MeanInterval, t_interval
from mlplab.statistics.logrank import log_rank_test
from mlplab.statistics.rows import joined
from mlplab.statistics.verdict_rules import (
    Comparison,
    decide_comparison,
    decide_direction,
    decide_that_they_differ,
)

ARMS = 4
SHIFT = 0.7
Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray]


def _seeds_differ(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray:
    """Every seed has its own level and its own deviation; arms within it are exchangeable."""
    level, deviation = rng.normal(size=(*shape[:2], 1)), rng.lognormal(0, 1.5, (*shape[:2], 1))
    return level + deviation * rng.normal(size=shape)


SHAPES: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "heavy": lambda rng, shape: rng.standard_t(1.5, size=shape),
    "skewed": lambda rng, shape: rng.lognormal(0, 1.5, size=shape),
    "tied": lambda rng, shape: rng.binomial(4, 0.8, size=shape).astype(float),
    "seeds differ": _seeds_differ,
}
"""Draws of (repeat, seed, arm)."""
ROWS: dict[str, tuple[int, float, float]] = {
    "60 rows": (60, 0.3, 0.02),
    "200 rows": (200, 0.5, 0.1),
}
"""Test rows, and how hard they are: a row's chance is Beta(a, b), so that most are right, or wrong,
in nearly every seed."""


@dataclass(frozen=True)
class Outcome:
    """One row of the table."""

    kind: str
    shape: str
    seeds: int
    repeats: int
    false_share: float
    promised: bool
    allowed: float


def simulate(
    alpha: float, repeats: int, seeds: tuple[int, ...] = (3, 5, 10, 20), start: int = 0
) -> Iterator[Outcome]:
    """Yield the share of false verdicts for every kind, shape and number of seeds."""
    for n in seeds:
        for place, (name, draw) in enumerate(SHAPES.items()):
            rng = np.random.default_rng([start, n, place])
            values = draw(rng, (repeats, n, ARMS))
            for kind, wrong in _on_values(values, alpha).items():
                yield _outcome(kind, name, n, wrong, alpha)
            times = np.where(rng.random(values.shape) < 0.4, np.inf, values)
            yield _outcome("target (censored)", name, n, _target(times, alpha), alpha)
        if n <= 10:  # of 20 seeds a million sign patterns a study would take most of the time
            yield from simulate_rows(alpha, repeats, n, start)
        rng = np.random.default_rng([start, n, 99])
        different = rng.exponential(size=(repeats, n)) - rng.normal(1, 0.1, size=(repeats, n))
        interval = sign_flip.sign_flip_interval(different.T, level=1 - alpha)
        wrong = _compare("greater", interval, n, alpha, ("supported", "refuted"))
        yield _outcome("greater", "unequal", n, wrong, alpha, promised=False)


def simulate_rows(alpha: float, repeats: int, n: int, start: int = 0) -> Iterator[Outcome]:
    """Two networks of equal chances over all rows, each with rows of its own that it gets wrong."""
    fewest = seeds_of_pair(alpha)
    for name, (rows, easy, hard) in ROWS.items():
        rng = np.random.default_rng([start, n, rows])
        truth = easy / (easy + hard)
        wrong: dict[tuple[str, bool], list[bool]] = {}
        for _ in range(repeats):
            chance = rng.beta(easy, hard, size=(rows, 2))
            right = (rng.random((n, rows, 2)) < chance).astype(float)
            values = right.mean(axis=1)
            for kind, differences, part in (
                ("accuracy", values[:, 0] - truth, counted_fraction(values[:, 0], rows, "")),
                (
                    "difference",
                    values[:, 0] - values[:, 1],
                    counted_difference(values, rows, "", right.mean(axis=0)),
                ),
            ):
                effect = float(differences.mean())
                seeds = sign_flip.sign_flip_limits(differences)(alpha / 2)
                assert part is not None
                both = joined(effect, seeds, part.limits(effect, alpha / 2))
                for counted, (low, high) in ((False, seeds), (True, both)):
                    decision = decide_comparison(
                        "greater", low=low, high=high, seeds=n, fewest_seeds=fewest
                    )
                    found = decision in ("supported", "refuted")
                    wrong.setdefault((kind, counted), []).append(found)
        for (kind, counted), found_wrong in wrong.items():
            told = kind if counted else f"{kind}, seeds alone"
            yield _outcome(told, name, n, np.array(found_wrong), alpha, promised=counted)


def _outcome(
    kind: str, shape: str, n: int, wrong: NDArray, alpha: float, *, promised: bool | None = None
) -> Outcome:
    if promised is None:  # t knows its level under normality only
        promised = not kind.startswith("t ") or shape == "normal"
    allowed = alpha + 3 * (alpha * (1 - alpha) / len(wrong)) ** 0.5
    return Outcome(kind, shape, n, len(wrong), float(wrong.mean()), promised, allowed)


def _on_values(values: NDArray, alpha: float) -> dict[str, NDArray]:
    """(repeat,) whether a verdict is false, by kind; values: (repeat, seed, arm)."""
    differences = (values[:, :, 0] - values[:, :, 1]).T
    seeds = len(differences)
    at_zero = sign_flip.sign_flip_interval(differences, level=1 - alpha)
    # A shift of all differences shifts the interval.
    at_edge = replace(
        at_zero, mean=at_zero.mean + SHIFT, low=at_zero.low + SHIFT, high=at_zero.high + SHIFT
    )
    t = t_interval(differences, level=1 - alpha)
    either = ("supported", "refuted")
    wrong = {
        "greater": _compare("greater", at_zero, seeds, alpha, either),
        "greater by δ, truth δ": _compare(
            "greater", at_edge, seeds, alpha, either, by_at_least=SHIFT
        ),
        "same, truth 0": _compare("same", at_zero, seeds, alpha, ("refuted",), within=SHIFT),
        "same, truth w": _compare("same", at_edge, seeds, alpha, ("same",), within=SHIFT),
        "increasing": _trend(values, alpha),
        "rank": _rank(values, alpha),
        "pairs (Holm)": np.array([(pairwise_tests(v).adjusted <= alpha).any() for v in values]),
        "t interval": (t.low > 0) | (t.high < 0),
        "t choice, truth margin": _choice(values, alpha),
    }
    return wrong


def _compare(
    expect: Comparison,
    interval: MeanInterval,
    seeds: int,
    alpha: float,
    false: tuple[str, ...],
    **margins: float,
) -> NDArray:
    fewest = seeds_of_pair(alpha)
    return np.array([
        decide_comparison(
            expect, low=low, high=high, seeds=seeds, fewest_seeds=fewest, **margins
        ) in false
        for low, high in zip(interval.low, interval.high, strict=True)
    ])  # fmt: skip


def _trend(values: NDArray, alpha: float) -> NDArray:
    fewest = seeds_of_trend(alpha, values.shape[2])
    decided = []
    for table in values:
        test = page.page_test(table)
        decision = decide_direction(
            "increasing", p_up=test.p_increasing, p_down=test.p_decreasing,
            seeds=test.n, fewest_seeds=fewest, alpha=alpha,
        )  # fmt: skip
        decided.append(decision in ("supported", "refuted"))
    return np.array(decided)


def _target(times: NDArray, alpha: float) -> NDArray:
    fewest = seeds_of_pair(alpha)
    decided = []
    for table in times:
        test = log_rank_test(table[:, 0], table[:, 1])
        decision = decide_direction(
            "greater", p_up=test.p_later, p_down=test.p_earlier,
            seeds=test.n, fewest_seeds=fewest, alpha=alpha,
        )  # fmt: skip
        decided.append(decision in ("supported", "refuted"))
    return np.array(decided)


def _rank(values: NDArray, alpha: float) -> NDArray:
    fewest = seeds_of_ranking(alpha, values.shape[2])
    return np.array([
        decide_that_they_differ(
            p_value=friedman.friedman_test(v, draws=999).p_value,
            seeds=len(v), fewest_seeds=fewest, alpha=alpha,
        ) == "supported"
        for v in values
    ])  # fmt: skip


def _choice(values: NDArray, alpha: float) -> NDArray:
    """All but the first are worse by the margin itself, and cheaper: none of them may qualify."""
    worse = values - SHIFT * (np.arange(values.shape[2]) > 0)
    cost = np.arange(values.shape[2], 0, -1)
    return np.array([
        set(cheapest_of(comparisons_with_best(v, level=1 - alpha), cost, SHIFT)) - {0}
        != set()
        for v in worse
    ])  # fmt: skip


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2000, help="simulated studies in each cell")
    parser.add_argument("--alpha", type=float, default=0.05, help="the level of a verdict")
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 5, 10, 20])
    parser.add_argument("--out", type=Path, help="a file for the table, in Markdown")
    given = parser.parse_args()
    began = time.perf_counter()
    lines = [
        f"Level {given.alpha}, {given.repeats} simulated studies in each cell.",
        "",
        "| kind | shape | seeds | false verdicts | allowed (3 standard errors) | promised | held |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in simulate(given.alpha, given.repeats, tuple(given.seeds)):
        held = "yes" if row.false_share <= row.allowed else "NO"
        lines.append(
            f"| {row.kind} | {row.shape} | {row.seeds} | {row.false_share:.4f} | "
            f"{row.allowed:.4f} | {'yes' if row.promised else 'no'} | {held} |"
        )
    print("\n".join(lines))
    print(f"\n{time.perf_counter() - began:.0f} s")
    if given.out:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
