"""Fair tuning: settings that every network chooses from the same space, with the same budget."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mlplab.declarations.base import Count, Declaration, Seed
from mlplab.declarations.paths import KINDS
from mlplab.declarations.problems import Problem, Where, shown
from mlplab.declarations.task import MetricName

if TYPE_CHECKING:
    from mlplab.declarations.study import Study

FIRST_SEED = 999_999
"""A count of tuning seeds goes down from here, so that they are none of the study's, which a count
takes from 0 upwards."""


class Range(Declaration):
    """Values from one end to another."""

    low: float
    """The lower end, above 0 on a log scale."""
    high: float
    """The upper end, above the lower one."""
    points: Annotated[int, Field(ge=2, le=1000)] = 7
    """How many values a grid takes, both ends among them; random trials may lie anywhere."""
    scale: Literal["log", "linear"] = "log"
    """log: equal ratios between neighbours; linear: equal differences."""

    def rules(self) -> Iterator[Problem]:
        """The ends stand in their order, above 0 where ratios are equal."""
        if self.low >= self.high:
            yield Problem((), "a low end below the high one", f"{self.low:g} and {self.high:g}")
        elif self.scale == "log" and self.low <= 0:
            yield Problem(
                ("low",),
                "a number above 0 on a log scale",
                f"{self.low:g}",
                'write "scale": "linear", or another end',
            )


_FIXED = {
    "data": "choices must be compared on the same rows",
    "seeds": 'the seeds of trials are "seeds" in "tune"',
    "roles": "choices must be compared on the same rows",
    "outputs": "it follows from the classes",
    "open_set_only": "it says what is trained, not how",
    "matched": "a network that is matched has its widths already",
    "training.steps": 'how long a trial trains is "steps" in "tune"',
    "training.epochs": 'how long a trial trains is "steps" in "tune"',
}
"""Settings that cannot be tuned, and why."""


class Tuning(Declaration):
    """Settings chosen for each network, on validation data, before it is run with its own seeds.

    Every network is given the same trials with the same seeds, so that none is compared at a better
    guess than another.
    """

    space: Annotated[dict[str, Range | Annotated[tuple[Any, ...], Field(min_length=1)]],
                     Field(min_length=1)]  # fmt: skip
    """By the path of a setting, such as optimizer.learning_rate: a list of values, or two ends."""
    networks: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Names of networks; None for all."""
    search: Literal["grid", "random", "successive halving"] = "grid"
    """grid: every combination; random: so many `trials` drawn from the space; successive halving:
    all of them train a part of the steps, and the better half of them twice as long, until two are
    left, which train all steps."""
    trials: Count | None = None
    """How many settings are drawn at random; None for every combination of a grid."""
    steps: Count | None = None
    """Training steps of a trial; None for as many as the network has."""
    seeds: Annotated[int, Field(ge=1, le=1000)] | Annotated[tuple[Seed, ...], Field(min_length=1)]\
        = 2  # fmt: skip
    """A count N for the seeds 999999, 999998 and so on, or a list; never a seed of the study."""
    metric: MetricName = "accuracy"
    """What the mean over seeds decides, on validation rows; the lower loss where accuracies tie.
    Where none is given, accuracy, or rmse of a quantity."""

    def rules(self) -> Iterator[Problem]:
        """The search has what it needs, and the space names settings that can be tuned."""
        if self.search == "grid" and self.trials is not None:
            yield Problem(
                ("trials",),
                'no such key beside "search": "grid", which tries every combination',
                str(self.trials),
                'remove it, or write "search": "random"',
            )
        if self.search == "random" and self.trials is None:
            yield Problem(
                (),
                'the key "trials", how many settings are drawn',
                '"search": "random" without it',
                'add "trials", for example 10',
            )
        yield from self._space_problems()

    @property
    def can_be_spread(self) -> bool:
        """Whether nothing is wrong with the space by itself."""
        ranges = [values for values in self.space.values() if isinstance(values, Range)]
        return not any(self._space_problems()) and not any(any(r.rules()) for r in ranges)

    def _space_problems(self) -> Iterator[Problem]:
        for path, values in self.space.items():
            where = ("space", path)
            inside = [other for other in self.space if path.startswith(other + ".")]
            if inside:
                yield Problem(
                    where,
                    f'a setting that lies outside "{inside[0]}", which is tuned as a whole',
                    shown(path),
                    "tune one of the two",
                )
            reason = _FIXED.get(path) or _FIXED.get(path.split(".")[0])
            if reason is not None:
                yield Problem(where, "a setting that can be tuned", shown(path), reason)
            elif path.split(".")[-1] in KINDS:
                yield Problem(
                    where,
                    "a setting that can be tuned",
                    f"{shown(path)}, a kind with other settings than another",
                    "declare a network of each kind: all of them are tuned alike",
                )
            if not isinstance(values, Range):
                yield from repeated(values, where)

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds of every trial."""
        if isinstance(self.seeds, int):
            return tuple(range(FIRST_SEED, FIRST_SEED - self.seeds, -1))
        return self.seeds

    def tunes(self, network: str) -> bool:
        """Whether a network of the study is tuned."""
        return self.networks is None or network in self.networks


@dataclass(frozen=True)
class TunedTogether:
    """What was tuned, or is going to be, in every one of some networks."""

    paths: tuple[str, ...] = ()
    """Of the settings."""
    is_done: bool = False
    """Whether their values are chosen already."""


def tuned_together(study: Study, networks: Collection[str]) -> TunedTogether:
    """The settings that some networks of a study all have tuned over the same space."""
    tune = study.tune
    if tune is None or not all(tune.tunes(name) for name in networks):
        return TunedTogether()
    return TunedTogether(tuple(tune.space), bool(study.tuned))


def repeated(values: Sequence[Any], where: Where) -> Iterator[Problem]:
    """Values that stand in a list again."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        text = json.dumps(value, sort_keys=True)
        if text in seen:
            yield Problem((*where, index), "different values", f"{shown(value)} again", "remove it")
        seen.add(text)
