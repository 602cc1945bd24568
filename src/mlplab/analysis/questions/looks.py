"""A question judged at more and more seeds, until it is decided or not worth more of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mlplab.analysis.questions.finding import FALSE_VERDICTS, Finding
from mlplab.analysis.questions.finite_rows import RowsPart
from mlplab.analysis.questions.judging import judge
from mlplab.analysis.questions.values import MetricValues
from mlplab.declarations.question import Question
from mlplab.declarations.seeds_needed import first_look, fraction_of_level
from mlplab.declarations.study import Study
from mlplab.records.questions import LookMade
from mlplab.statistics.looks import chance_to_decide, look_sizes
from mlplab.words import listed

NOT_WORTH_IT = 0.1
"""Below this chance that even the most seeds decide, no more are added."""

State = Literal["decided", "open", "not worth it", "at most"]


@dataclass(frozen=True, eq=False)
class Looks:
    """Everything that was looked at to judge one question."""

    path: tuple[Finding, ...]
    """Of every look, up to the one that decided."""
    state: State
    next_seeds: int
    """Paired seeds of the next look; those of the last where there is none."""
    chance: float
    """About the chance that the next look decides."""
    level: float
    """The chance of a false verdict that the question may take at all looks together."""
    planned: tuple[int, ...]
    """The seeds of all looks that there can be."""
    complete: int
    """Paired seeds with a value, of which each look uses the first."""
    single: Finding | None = None
    """What one look at as many seeds, and at no others, would have found."""

    @property
    def most(self) -> int:
        """Seeds of the last look that there can be."""
        return self.planned[-1]

    @property
    def width_ratio(self) -> float | None:
        """How many times as wide the interval is as that of one look; None of infinite ones."""
        if self.single is None or self.single.effect is None:
            return None
        widths = [one.high - one.low for one in (self.path[-1], self.single)]
        return widths[0] / widths[1] if np.isfinite(widths).all() and widths[1] > 0 else None

    @property
    def made(self) -> tuple[LookMade, ...]:
        """The looks as the records hold them."""
        return tuple(LookMade(one.seeds, 1 - one.level) for one in self.path if one.look)

    def level_with(self, earlier: Sequence[LookMade]) -> float:
        """The chance of a false verdict with what earlier runs looked at in another way."""
        looks = enumerate(self.planned, start=1)
        levels = {seeds: self.level * fraction_of_level(look) for look, seeds in looks}
        others = [
            look.level
            for look in earlier
            if not math.isclose(levels.get(look.seeds, 0.0), look.level, rel_tol=1e-6)
        ]
        return max(self.level, sum(levels.values()) + sum(others))


@dataclass(frozen=True, eq=False)
class JudgedInLooks:
    """The finding of the last look, with what it was made from."""

    finding: Finding
    measured: MetricValues
    rows: RowsPart | None
    looks: Looks


def planned_looks(study: Study) -> tuple[int, ...]:
    """The seeds of every look that there can be, the same for all questions."""
    assert study.until_decided is not None
    first = first_look(study.questions, study.until_decided.at_least)
    return look_sizes(first, study.until_decided.at_most)


def judge_in_looks(
    question: Question,
    measured: MetricValues,
    alpha: float,
    rows_of: Callable[[MetricValues], RowsPart | None],
    planned: tuple[int, ...],
    trained: int,
) -> JudgedInLooks:
    """Judge a question at every look that its seeds allow, up to the one that decides.

    alpha: as in `judge`, for all looks together. rows_of: what rows leave open of some values.
    trained: seeds that its networks were to have.
    """
    complete = np.flatnonzero(~np.isnan(measured.values).any(axis=1))
    is_at_most, path = trained >= planned[-1], list[Finding]()
    seen, rows = measured, None
    for look, seeds in enumerate(planned, start=1):
        if seeds > len(complete) or (path and path[-1].verdict not in _OPEN):
            break
        seen = _of_first(measured, complete[:seeds])
        rows = rows_of(seen)
        fraction = fraction_of_level(look)
        found = judge(question, seen, alpha * fraction, rows, foresee=False)
        path.append(replace(found, look=look, fraction=fraction))
    if not path:
        return _before_the_first(question, measured, alpha, rows_of, planned, is_at_most)
    state, chance = _state(path[-1], alpha, planned, len(path), is_at_most)
    if state != "decided":
        look, fraction = len(path), path[-1].fraction
        path[-1] = replace(
            judge(question, seen, alpha * fraction, rows), look=look, fraction=fraction
        )
    following = planned[min(len(path), len(planned) - 1)]
    single = judge(question, seen, alpha, rows, foresee=False)
    looks = Looks(tuple(path), state, following, chance, alpha, planned, len(complete), single)
    return JudgedInLooks(path[-1], seen, rows, looks)


_OPEN = ("inconclusive", "undecidable")


def _of_first(measured: MetricValues, chosen: np.ndarray) -> MetricValues:
    return replace(
        measured,
        seeds=tuple(measured.seeds[i] for i in chosen),
        values=measured.values[chosen],
        diverged=measured.diverged[chosen],
    )


def _state(
    finding: Finding, alpha: float, planned: Sequence[int], made: int, is_at_most: bool
) -> tuple[State, float]:
    """How it stands after so many looks, and the chance that the next decides."""
    if finding.verdict not in _OPEN:
        return "decided", 0.0
    if made == len(planned) or is_at_most:
        return "at most", 0.0
    claims = finding.claims()

    def chance(look: int) -> float:
        level = alpha * fraction_of_level(look)
        return chance_to_decide(claims, planned[made - 1], planned[look - 1], level)

    rows_leave_it_open = bool(finding.why_no_number)
    if rows_leave_it_open or max(map(chance, range(made + 1, len(planned) + 1))) < NOT_WORTH_IT:
        return "not worth it", 0.0
    return "open", chance(made + 1)


def _before_the_first(
    question: Question,
    measured: MetricValues,
    alpha: float,
    rows_of: Callable[[MetricValues], RowsPart | None],
    planned: tuple[int, ...],
    is_at_most: bool,
) -> JudgedInLooks:
    """Too few seeds for a look: no verdict, whatever they show."""
    fraction, rows = fraction_of_level(1), rows_of(measured)
    found = judge(question, measured, alpha * fraction, rows, foresee=False)
    found = replace(
        found, verdict="undecidable", fewest=planned[0], seeds_needed=planned[0], fraction=fraction
    )
    state: State = "at most" if is_at_most else "open"
    looks = Looks((found,), state, planned[0], 1.0, alpha, planned, found.seeds)
    return JudgedInLooks(found, measured, rows, looks)


def in_words(looks: Looks, earlier: Sequence[LookMade]) -> Iterator[str]:
    """How often it was looked at, what that cost, and why no more seeds are added.

    earlier: every recorded look, of other ways to judge it too.
    """
    finding, ratio = looks.path[-1], looks.width_ratio
    if finding.look:
        cost = f"; the interval is {ratio:.2f} times as wide for that" if ratio else ""
        yield (
            f"Looked at after {listed([f'{one.seeds:,}' for one in looks.path])} paired seeds. "
            "However often and until whenever it is looked at so, a false verdict is no likelier "
            f"than with one fixed number of seeds{cost}."
        )
    if looks.state == "not worth it" and finding.seeds_needed is not None:
        yield (
            f"No more seeds are added: the chance that {looks.most:,} would decide is below "
            f"{NOT_WORTH_IT:.0%}."
        )
    elif looks.state == "at most":
        yield f"No more seeds are added, as the study allows no more than {looks.most:,}."
    level = looks.level_with(earlier)
    if level > looks.level * (1 + 1e-6):
        yield (
            "Earlier runs judged it in another way too, which counts: the chance of a false verdict "
            f"on it is at most {level:.2%}, where {looks.level:.2%} is its part of the "
            f"{FALSE_VERDICTS:.0%} of all questions."
        )
