"""The sentence that a person reads, made from the numbers and from nothing else.

Every sentence is a template with named values. It begins with its verdict, which ends at a colon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from mlplab.analysis.questions import templates as texts
from mlplab.analysis.questions.finding import FALSE_VERDICTS, Finding, Ranking, corrected
from mlplab.analysis.questions.methods import method_of
from mlplab.analysis.questions.units import Unit, comparative, phrase_of, unit_of
from mlplab.analysis.questions.values import is_better_higher
from mlplab.declarations.metric import OpenSetMetric, target_of
from mlplab.declarations.question import (
    LevelQuestion,
    PairQuestion,
    Question,
    RankingQuestion,
    TrendQuestion,
)
from mlplab.words import listed, p_value, seeds

_MOST_NAMED = 6
_AnyQuestion = TypeVar("_AnyQuestion", bound=Question)


def wording_of(question: Question, finding: Finding, questions: int = 1) -> Wording:
    """One finding in words, part by part."""
    match question:
        case PairQuestion():
            return _PairWording(question, finding, questions)
        case LevelQuestion():
            return _LevelWording(question, finding, questions)
        case TrendQuestion():
            return _TrendWording(question, finding, questions)
        case RankingQuestion():
            return _RankingWording(question, finding, questions)


def limits(question: LevelQuestion, finding: Finding) -> tuple[float, float]:
    """The interval of the mean itself."""
    return question.than + finding.low, question.than + finding.high


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
        whom = texts.ALL_OF.format(names=listed(names, most=_MOST_NAMED))
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


class _PairWording(Wording[PairQuestion]):
    @property
    def _answer(self) -> str:
        within = self.question.within
        word = comparative(self.question.metric, self.question.expect == "greater")
        alike = {**self._sides, "effect": self.effect}
        if within is not None:
            alike["within"] = self.unit.amount(within)
        return texts.PAIR[self._case].format(
            seen=self.seen,
            alike=texts.ALIKE.format(**alike) if within is not None else "",
            asked=self.unit.amount(self.question.by_at_least),
            word=word,
            holds=self._holds,
            more=self._more,
            **{"within": "", **alike},
        )

    @property
    def _case(self) -> str:
        verdict, same = self.finding.verdict, self.question.expect == "same"
        if verdict == "supported":
            return "supported by a margin" if self.question.by_at_least else "supported"
        if verdict == "same":
            return "as same" if same else "same"
        if verdict == "refuted" and same:
            return "not same"
        if verdict == "refuted":
            above = self.question.expect == "greater"
            opposite = self.finding.high < 0 if above else self.finding.low > 0
            return "opposite" if opposite else "not by the margin"
        return "open"

    @property
    def _holds(self) -> str:
        question = self.question
        if question.expect == "same" and question.within is not None:
            return texts.HOLDS_BOTH_SIDES_OF_WITHIN.format(within=self.unit.amount(question.within))
        if question.by_at_least:
            bound = self._with_unit(self.unit.signed(self._bounds[1]))
            return texts.HOLDS_BOTH_SIDES.format(bound=bound)
        return texts.HOLDS_ZERO

    @property
    def _bounds(self) -> list[float]:
        question = self.question
        bounds = [0.0, (-1 if question.expect == "less" else 1) * question.by_at_least]
        return bounds if question.within is None else [*bounds, question.within, -question.within]

    @property
    def _ends(self) -> tuple[str, str]:
        return self.question.arms[0], self.question.arms[1]


class _LevelWording(Wording[LevelQuestion]):
    """One network and a fixed number: its mean is told, and not the difference from the number."""

    @property
    def _answer(self) -> str:
        within = self.question.within
        return texts.LEVEL[self._case].format(
            seen=self.seen,
            number=self._number,
            side=self._side,
            within="" if within is None else self.unit.amount(within),
            verdict={"supported": "Yes", "refuted": "No"}.get(self.finding.verdict, "Not decided"),
            more=self._more,
        )

    @property
    def _case(self) -> str:
        verdict, same = self.finding.verdict, self.question.expect == "same"
        if self.finding.effect is not None and not math.isfinite(self.finding.effect):
            return "diverges"
        if verdict == "supported":
            return "yes"
        if verdict == "same":
            return "as same" if same else "same"
        if verdict == "refuted":
            return "not same" if same else "opposite"
        return "open within" if same else "open"

    @property
    def _side(self) -> str:
        above = (self.question.expect == "greater") == (self.finding.verdict == "supported")
        return "above" if above else "below"

    @property
    def seen(self) -> str:
        """The mean as a statement, without a judgement."""
        assert self.finding.effect is not None
        case: str = self.finding.effect_is
        if not math.isfinite(self.finding.effect):
            case = "diverges"
        elif self._is_tied:
            case = "tied"
        return texts.LEVEL_SEEN[case].format(
            phrase=self._phrase,
            name=self.question.level_of,
            number=self._number,
            value=self.effect,
        )

    @property
    def effect(self) -> str:
        """The mean, or the median: 83.10%, 0.912."""
        effect = self.finding.effect
        if effect is None or not math.isfinite(effect):
            return "–"
        return self._told(self.question.than + effect)

    @property
    def tested(self) -> str:
        """A level is held against the number that was asked about, and margins lie around that."""
        says, bound = self.finding.speaks_for.says, self.finding.speaks_for.bound
        return texts.TESTED_LEVEL[says].format(
            what="median" if self.finding.test == "sign" else "mean",
            number=self._number,
            amount=self.unit.amount(bound),
        )

    @property
    def _number(self) -> str:
        """What the mean is held against, as it was asked."""
        unit = unit_of(self.question.metric, [self.question.than])
        text = f"{self.question.than / unit.scale:.10g}".replace("-", "−")
        return f"{text}{_sign(unit)}"

    @property
    def _numbers(self) -> tuple[float, ...]:
        return tuple(self.question.than + number for number in super()._numbers)

    @property
    def _bounds(self) -> list[float]:
        than, within = self.question.than, self.question.within
        return [than] if within is None else [than, than - within, than + within]

    @property
    def _seeds(self) -> str:
        return seeds(self.finding.seeds)

    def _from_to(self, low: float, high: float) -> str:
        low, high = limits(self.question, self.finding)
        return texts.FROM_TO.format(low=self._told(low), high=self._told(high))

    def _told(self, value: float) -> str:
        return f"{self.unit.number(value)}{_sign(self.unit)}"


class _TrendWording(Wording[TrendQuestion]):
    @property
    def _decided(self) -> str:
        along = list(self.question.along)
        if len(along) > _MOST_NAMED:
            along = [along[0], "…", along[-1]]
        evidence = texts.TREND_EVIDENCE.format(
            test=self._test, seeds=self._seeds, p=self._p, tested=self.tested
        )
        ends = ""
        if self.finding.effect is not None and not math.isnan(self.finding.effect):
            ends = texts.TREND_ENDS.format(
                seen=self.seen, level=self._level, interval=self.interval
            )
        return texts.TREND[self._case].format(
            phrase=self._phrase,
            order=" → ".join(along),
            more=self._more,
            evidence=evidence,
            ends=ends,
        )

    @property
    def _case(self) -> str:
        rises = self.question.expect == "increasing"
        if self.finding.verdict == "supported":
            return "rises" if rises else "falls"
        if self.finding.verdict == "refuted":
            return "falls instead" if rises else "rises instead"
        return "open"


class _RankingWording(Wording[RankingQuestion]):
    @property
    def _decided(self) -> str:
        ranking, count = self._ranking, len(self._ranking.networks)
        evidence = texts.TREND_EVIDENCE.format(
            test="Friedman's test", seeds=self._seeds, p=self._p, tested=self.tested
        )
        best, others, case = ranking.networks[0], list[str](), "open"
        pairs, apart = count * (count - 1) // 2, 0
        if self.finding.verdict == "supported":
            case = "no pairs"
            if ranking.pairs is not None:
                alpha = 1 - self.finding.level
                apart = int(ranking.pairs.told_apart(alpha).sum())
                separated = ranking.pairs.separated(alpha)[self._index(best)]
                others = [n for n in ranking.networks[1:] if not separated[self._index(n)]]
                case = "several" if others else "one best"
        return texts.RANKING[case].format(
            best=best,
            others=listed(others, most=_MOST_NAMED, last="or"),
            phrase=self._phrase,
            rank=f"{ranking.average_ranks[0]:.1f}",
            ranks=self._ranks,
            count=count,
            what="detectors" if self.question.is_of_detectors else "networks",
            evidence=evidence,
            apart=f"{apart:,}",
            pairs=f"{pairs:,}",
            more=self._more,
        )

    @property
    def _ranks(self) -> str:
        """Who ranks best; a superlative only where there is one."""
        names, ranks = self._ranking.networks, self._ranking.average_ranks
        leaders = [n for n, rank in zip(names, ranks, strict=True) if rank <= ranks[0] + 1e-9]
        case = "all tied" if len(leaders) == len(names) else "tied" if len(leaders) > 1 else "one"
        return texts.RANKS[case].format(
            best=names[0],
            leaders=listed(leaders, most=_MOST_NAMED),
            phrase=self._phrase,
            rank=f"{ranks[0]:.1f}",
            count=len(names),
        )

    @property
    def _ranking(self) -> Ranking:
        assert self.finding.ranking is not None
        return self.finding.ranking

    def _index(self, name: str) -> int:
        return self.question.arms.index(name)


def _sign(unit: Unit) -> str:
    """A level of a fraction is so many percent, though differences of it are so many points."""
    return "%" if unit.many == "points" else f" {unit.many}".rstrip()
