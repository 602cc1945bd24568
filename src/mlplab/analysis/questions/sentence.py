"""The sentence that a person reads, made from the numbers and from nothing else.

Every sentence is a template with named values. It begins with its verdict, which ends at a colon.
"""

from __future__ import annotations

import math

from mlplab.analysis.questions import templates as texts
from mlplab.analysis.questions.finding import Finding, Ranking
from mlplab.analysis.questions.units import Unit, comparative, unit_of
from mlplab.analysis.questions.wording import MOST_NAMED, Wording
from mlplab.declarations.question import (
    LevelQuestion,
    PairQuestion,
    Question,
    RankingQuestion,
    TrendQuestion,
)
from mlplab.words import listed, seeds


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
        if len(along) > MOST_NAMED:
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
            others=listed(others, most=MOST_NAMED, last="or"),
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
            leaders=listed(leaders, most=MOST_NAMED),
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
