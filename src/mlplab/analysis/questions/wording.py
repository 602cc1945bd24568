"""What the sentences of all kinds of questions share: their parts, each a template with named values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from mlplab.analysis.questions import templates as texts
from mlplab.analysis.questions.finding import FALSE_VERDICTS, Finding, corrected
from mlplab.analysis.questions.methods import method_of
from mlplab.analysis.questions.units import Unit, comparative, phrase_of, unit_of
from mlplab.analysis.questions.values import is_better_higher
from mlplab.declarations.metric import OpenSetMetric, target_of
from mlplab.declarations.question import (
    Question,
)
from mlplab.words import listed, p_value, seeds

MOST_NAMED = 6
"""Networks of a question that a sentence names."""
_AnyQuestion = TypeVar("_AnyQuestion", bound=Question)


@dataclass(frozen=True, eq=False)
class Wording(Generic[_AnyQuestion]):
    """What every kind of question shares."""

    question: _AnyQuestion
    finding: Finding
    questions: int

    @cached_property
    def sentence(self) -> str:
        """The whole sentence, which begins with the verdict and a colon."""
        if self.finding.seeds == 0:
            return self._no_answer
        if self.finding.verdict == "undecidable":
            return self._undecidable
        return self._decided

    @property
    def _decided(self) -> str:
        return texts.WITH_EVIDENCE.format(
            answer=self._answer,
            level=self._level,
            interval=self.interval,
            seeds=self._seeds,
            test=self._test,
            p=self._p,
            tested=self.tested,
        )

    @property
    def _answer(self) -> str:
        raise NotImplementedError

    @property
    def _no_answer(self) -> str:
        names = list(dict.fromkeys(self.question.networks))
        whom = texts.ALL_OF.format(names=listed(names, most=MOST_NAMED))
        open_set = isinstance(self.question.metric, OpenSetMetric)
        return texts.NO_ANSWER.format(
            done="finished and tested" if open_set else "finished",
            whom=whom if len(names) > 1 else names[0],
        )

    @property
    def _undecidable(self) -> str:
        several = texts.CORRECTED_FOR.format(times=self._times)
        start = texts.UNDECIDABLE.format(
            seeds=self._seeds,
            level=f"{self._corrected(1 - self.finding.level):.2g}",
            corrected=several if self._times else "",
            fewest=self.finding.fewest,
        )
        effect = self.finding.effect
        if effect is None or math.isnan(effect):
            return start
        return texts.WHAT_WAS_SEEN.format(start=start, seen=self.seen)

    # The parts, each for itself

    @property
    def seen(self) -> str:
        """The effect as a statement about two networks, without a judgement."""
        one, other = self._ends
        effect, words = self.finding.effect, self._sides
        if effect is None or math.isnan(effect):
            return texts.SEEN["unknown"].format(one=one, other=other, **words)
        if self._is_tied:
            return texts.SEEN["tied"].format(**words)
        if math.isinf(effect):
            return self._one_sided(effect)
        middle = self.finding.effect_is
        if not self.unit.number(effect).strip("0.,−"):
            return texts.SEEN[f"zero {middle}"].format(**words)
        word = comparative(self.question.metric, effect > 0)
        return texts.SEEN[middle].format(amount=self.unit.amount(effect), word=word, **words)

    @cached_property
    def unit(self) -> Unit:
        """The unit and the decimals of effect and interval."""
        return unit_of(self.question.metric, self._numbers, self._bounds)

    @property
    def effect(self) -> str:
        """With its sign and unit: +1.05 points; – where there is none, or no finite one."""
        effect = self.finding.effect
        if effect is None or not math.isfinite(effect):
            return "–"
        return self._with_unit(self.unit.signed(effect))

    @property
    def interval(self) -> str:
        """From limit to limit: +0.80 to +1.66 points."""
        low, high = self.finding.low, self.finding.high
        if math.isinf(low) and math.isinf(high):
            return texts.NO_FINITE_LIMIT if low == high else texts.EXCLUDES_NOTHING
        if math.isnan(low) or math.isnan(high):
            return texts.EMPTY
        return self._from_to(low, high)

    @property
    def tested(self) -> str:
        """What a small p-value speaks for: a difference above +0.50 points."""
        tested = self.finding.speaks_for
        says = f"{tested.says} zero" if not tested.bound else tested.says
        what = "median difference" if self.finding.test == "sign" else "difference"
        return texts.TESTED.get(says, texts.TESTED[tested.says]).format(
            what=what,
            bound=self._with_unit(self.unit.signed(tested.bound)),
            amount=self.unit.amount(tested.bound),
        )

    @property
    def _numbers(self) -> tuple[float, ...]:
        effect = math.nan if self.finding.effect is None else self.finding.effect
        return self.finding.low, self.finding.high, effect

    @property
    def _bounds(self) -> list[float]:
        return [0.0]

    @property
    def _test(self) -> str:
        return method_of(self.finding).name

    @property
    def _level(self) -> str:
        return (
            texts.INTERVAL_OF_SEVERAL.format(times=self._times) if self._times else texts.INTERVAL
        )

    @property
    def _times(self) -> str:
        """What p-values and intervals are corrected for; empty for one look at one question."""
        times = [f"{self.questions} questions"] * (self.questions > 1)
        return " and ".join([*times, *["all looks"] * bool(self.finding.look)])

    def _corrected(self, p: float) -> float:
        return corrected(p, self.questions / self.finding.fraction)

    @property
    def _seeds(self) -> str:
        return seeds(self.finding.seeds, paired=True)

    @property
    def _p(self) -> str:
        told = p_value(self._corrected(self.finding.p_value), FALSE_VERDICTS)
        return f"corrected {told}" if self._times else told

    @property
    def _more(self) -> str:
        """How many seeds would decide what is open, or why no number is named."""
        if self.finding.seeds_needed is not None:
            return texts.ABOUT_SEEDS.format(seeds=f"{self.finding.seeds_needed:,}")
        why = self.finding.why_no_number
        return texts.NO_NUMBER.format(why=why) if why else ""

    @property
    def _is_tied(self) -> bool:
        differences = self.finding.differences
        return differences is not None and len(differences) > 0 and not differences.any()

    @property
    def _phrase(self) -> str:
        return phrase_of(self.question.metric)

    @property
    def _ends(self) -> tuple[str, str]:
        """The sides of which the effect is the first less the second."""
        arms: tuple[str, ...] = self.question.arms
        return arms[-1], arms[0]

    @property
    def _sides(self) -> dict[str, str]:
        """Both sides as possessors: of a network, but by a detector."""
        of = "by" if self.question.is_of_detectors else "of"
        first, second = (f"{of} {name}" for name in self._ends)
        return {"phrase": self._phrase, "first": first, "second": second}

    def _one_sided(self, effect: float) -> str:
        """In half of the seeds or more, one of the two has no finite value and the other does."""
        first, second = self._ends
        if target_of(self.question.metric) is not None:
            worse, better = (first, second) if effect > 0 else (second, first)
            target = self._phrase.partition(" to ")[2]
            return texts.SEEN["never"].format(worse=worse, better=better, target=target)
        first_is_worse = (effect < 0) == is_better_higher(self.question.metric)
        worse, better = (first, second) if first_is_worse else (second, first)
        return texts.SEEN["diverges"].format(worse=worse, better=better)

    def _with_unit(self, number: str) -> str:
        return f"{number} {self.unit.many}".rstrip()

    def _from_to(self, low: float, high: float) -> str:
        told = texts.FROM_TO.format(low=self.unit.signed(low), high=self.unit.signed(high))
        return self._with_unit(told)
