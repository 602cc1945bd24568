"""Seeds that are added until a question is decided: false verdicts, and seeds beside a fixed number.

    python -m benchmarks.sequential_simulation [--repeats 1000] [--out table.md]

The looks, levels and tests are those of mlplab. "False verdicts" are counted at any look at all,
where nothing differs or the truth is a bound, so they bound those of every way of stopping;
"unspent" is what looking as often at the whole level would give. Of seeds, both designs have 80%
power for the smallest effect asked about: the fixed one has as many as `statistics/power.py` says,
and in rounds no network gets more than the fewest with which that power was seen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics_simulation import SHAPES
from mlplab.declarations.seeds_needed import fraction_of_level, seeds_of_pair
from mlplab.statistics.friedman import friedman_test
from mlplab.statistics.logrank import log_rank_scores
from mlplab.statistics.looks import chance_to_decide, look_sizes
from mlplab.statistics.page import page_test
from mlplab.statistics.power import seeds_for_difference
from mlplab.statistics.sign_flip import sign_flip_test

NOT_WORTH_IT = 0.1
"""As in `mlplab.analysis.questions.looks`."""
MOST_SIMULATED = 80
"""Seeds to which false verdicts are counted."""
PValues = Callable[[NDArray], NDArray]
"""(repeat, seed, arm) values → (repeat, claim) two-sided p-values of what would be false."""


def _pair(values: NDArray, *bounds: tuple[float, str]) -> NDArray:
    """(repeat, bound) two-sided p-values that the mean difference lies beyond each bound."""
    differences = (values[:, :, 0] - values[:, :, 1]).T
    found = []
    for bound, side in bounds:
        test = sign_flip_test(differences, shift=bound)
        found.append(2 * (test.p_greater if side == "above" else test.p_less))
    return np.minimum(1.0, np.array(found)).T


def _either(values: NDArray) -> NDArray:
    return 2 * sign_flip_test((values[:, :, 0] - values[:, :, 1]).T).p_greater[:, None]


def _trend(values: NDArray) -> NDArray:
    tests = [page_test(table[:, :3]) for table in values]
    return 2 * np.array([[test.p_increasing, test.p_decreasing] for test in tests])


def _ranking(values: NDArray) -> NDArray:
    return np.array([[friedman_test(table[:, :3], level=0.002).p_value] for table in values])


def _times(values: NDArray) -> NDArray:
    """40% of the runs never arrive: those of the largest values of all."""
    cut = np.quantile(values, 0.6)
    seeds = values.shape[1]
    differences = []
    for table in np.where(values > cut, np.inf, values)[:, :, :2]:
        scores = log_rank_scores(table.T.ravel())
        differences.append((scores[seeds:] - scores[:seeds]) / 2)
    test = sign_flip_test(np.array(differences).T)
    return 2 * np.stack([test.p_greater, test.p_less], axis=1)


KINDS: dict[str, PValues] = {
    "pair, no difference": lambda v: np.concatenate([_either(v), _either(v[:, :, ::-1])], axis=1),
    "same, truth w": lambda v: _pair(v, (0.0, "below")),  # moved to where w is 0
    "times to a target": _times,
    "trend": _trend,
    "ranking": _ranking,
}


def false_verdicts(
    kind: str, shape: str, alpha: float, repeats: int, most: int, seed: int = 0
) -> tuple[float, float]:
    """Fractions of simulated questions with a false verdict at any look: spent, and unspent."""
    rng = np.random.default_rng([seed, list(KINDS).index(kind), list(SHAPES).index(shape)])
    values = SHAPES[shape](rng, (repeats, most, 3))
    wrong, unspent = np.zeros(repeats, dtype=bool), np.zeros(repeats, dtype=bool)
    for look, seeds in enumerate(look_sizes(10, most), start=1):
        p = KINDS[kind](values[:, :seeds]).min(axis=1)
        wrong |= p <= alpha * fraction_of_level(look) * (1 + 1e-9)
        unspent |= p <= alpha
    return float(wrong.mean()), float(unspent.mean())


@dataclass(frozen=True)
class Asked:
    """A question about a pair, in standard deviations of its differences."""

    effect: float
    """The truth."""
    above: float | None = 0.0
    """Whether the difference is above or below this; None of a question that expects sameness."""
    within: float | None = None
    """What counts as the same."""

    @property
    def bounds(self) -> tuple[tuple[float, str], ...]:
        """What each p-value speaks for; sameness is the last two together."""
        one = () if self.above is None else ((self.above, "above"), (self.above, "below"))
        w = self.within
        if w is None:
            return one
        beyond = ((w, "above"), (-w, "below")) if self.above is None else ()
        return (*one, *beyond, (-w, "above"), (w, "below"))


def in_rounds(
    asked: Asked, alpha: float, most: int, repeats: int, at_least: int = 10, seed: int = 0
) -> tuple[NDArray, NDArray]:
    """(repeat,) seeds when it ended, and whether it was decided; values are normal."""
    rng = np.random.default_rng([seed, most])
    values = rng.normal(size=(repeats, most, 2)) / np.sqrt(2)
    values[:, :, 0] += asked.effect
    sizes = look_sizes(max(at_least, seeds_of_pair(alpha * fraction_of_level(1))), most)
    used, decided, left = np.full(repeats, most), np.zeros(repeats, bool), np.arange(repeats)
    for look, seeds in enumerate(sizes, start=1):
        p = _pair(values[left, :seeds], *asked.bounds)
        if asked.within is not None:  # both must hold
            p = np.concatenate([p[:, :-2], p[:, -2:].max(axis=1, keepdims=True)], axis=1)
        level = alpha * fraction_of_level(look)
        done = p.min(axis=1) <= level * (1 + 1e-9)
        decided[left[done]] = True
        later = [(n, alpha * fraction_of_level(k)) for k, n in enumerate(sizes, 1) if n > seeds]
        chances = [max((chance_to_decide(own, seeds, *to) for to in later), default=0) for own in p]
        over = done | (np.array(chances) < NOT_WORTH_IT)
        used[left[over]] = seeds
        left = left[~over]
        if not len(left):
            break
    return used, decided


def most_for_power(smallest: float, alpha: float, fixed: int, repeats: int) -> int:
    """The fewest seeds at most with which 80% of questions on the smallest effect are decided."""
    most = fixed
    while in_rounds(Asked(smallest), alpha, most, repeats, seed=1)[1].mean() < 0.8:
        most = int(np.ceil(most * 1.08))
    return most


REPORT_2023 = {
    "config9 less than config2, same within 0.5 points": Asked(-2.0, 0.0, 1.0),
    "config14 like config2 within 1 point": Asked(1.9, None, 4.0),
    "RMSprop like Adam within 0.3 points": Asked(0.6, None, 1.2),
    "SGD needs more steps than Adam": Asked(8.0),
    "Adagrad needs more steps than Adam": Asked(15.0),
    "Adam above RMSprop with ten layers": Asked(0.45),
    "config10 above config2 by 0.2 points": Asked(1.16, 0.8),
    "config14 like config10 within 0.2 points": Asked(0.7, None, 0.8),
    "0-4 right above 99%": Asked(5.6),
    "nines taken for fours above 50%": Asked(7.0),
    "class centre's AUROC above the softmax's": Asked(-3.6),
}
"""The pairs and levels of the shipped study report-2023, by what its ten seeds showed
(docs/report-2023.md): effect, bound and margin over the standard deviation, taken from the
interval's width. The smallest effect asked about is 0.2 points, 0.8 standard deviations."""
OF_REPORT = 16
"""Questions that share its level."""


def seeds_table(repeats: int) -> Iterator[str]:
    """Yield the lines of the table of seeds."""
    yield "| questions | smallest | fixed seeds | at most | truth | decided | in rounds | of fixed |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for questions in (1, 5, 16):
        for smallest in (0.5, 0.8):
            alpha = 0.05 / questions
            fixed = _fixed(smallest, alpha)
            most = most_for_power(smallest, alpha, fixed, repeats)
            for times in (0, 0.5, 1, 1.5, 2, 4):
                used, decided = in_rounds(Asked(times * smallest), alpha, most, repeats)
                yield (
                    f"| {questions} | {smallest} | {fixed} | {most} | {times} × smallest | "
                    f"{decided.mean():.0%} | {used.mean():.1f} | {used.mean() / fixed:.2f} |"
                )


def report_table(repeats: int) -> Iterator[str]:
    """Yield the lines of the table of the shipped study."""
    smallest, alpha = 0.8, 0.05 / OF_REPORT
    fixed = _fixed(smallest, alpha)
    most = most_for_power(smallest, alpha, fixed, repeats)
    yield f"Fixed seeds {fixed}, in rounds at most {most}."
    yield ""
    yield "| question | decided | seeds in rounds | of fixed |"
    yield "| --- | --- | --- | --- |"
    means = []
    for told, asked in REPORT_2023.items():
        used, decided = in_rounds(asked, alpha, most, repeats)
        means.append(used.mean())
        yield f"| {told} | {decided.mean():.0%} | {used.mean():.1f} | {used.mean() / fixed:.2f} |"
    yield f"| all | | {np.mean(means):.1f} | {np.mean(means) / fixed:.2f} |"


def _fixed(smallest: float, alpha: float) -> int:
    fixed = seeds_for_difference(smallest, 1.0, alpha=alpha, fewest=seeds_of_pair(alpha))
    assert fixed is not None
    return fixed


def errors_table(repeats: int) -> Iterator[str]:
    """Yield the lines of the table of false verdicts."""
    alpha = 0.05
    allowed = alpha + 3 * (alpha * (1 - alpha) / repeats) ** 0.5
    yield f"Level {alpha}; at most {allowed:.3f} allows for three standard errors."
    yield ""
    yield "| kind | shape | false verdicts | unspent | held |"
    yield "| --- | --- | --- | --- | --- |"
    for kind in KINDS:
        for shape in SHAPES:
            wrong, unspent = false_verdicts(kind, shape, alpha, repeats, MOST_SIMULATED)
            held = "yes" if wrong <= allowed else "NO"
            yield f"| {kind} | {shape} | {wrong:.3f} | {unspent:.3f} | {held} |"


def main() -> None:
    """Print the tables, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1000, help="simulated questions of a cell")
    parser.add_argument("--out", type=Path, help="a file for the tables, in Markdown")
    given = parser.parse_args()
    began = time.perf_counter()
    lines = []
    for table in (report_table, seeds_table, errors_table):
        for line in (*table(given.repeats), ""):
            print(line, flush=True)
            lines.append(line)
    print(f"{time.perf_counter() - began:.0f} s")
    if given.out:
        given.out.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
