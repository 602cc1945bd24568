"""The sentence that a person reads, made from the numbers and from nothing else."""

from __future__ import annotations

import math

from mlplab.analysis.questions.evidence import (
    corrected_p_in_words,
    level_in_words,
    more_seeds_in_words,
)
from mlplab.analysis.questions.finding import Finding, Ranking
from mlplab.analysis.questions.hypothesis_words import tested_in_words
from mlplab.analysis.questions.level_sentence import (
    level_answer,
    level_interval,
    level_seen,
    level_unit,
)
from mlplab.analysis.questions.methods import METHODS
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
from mlplab.words import listed, seeds

_MOST_NAMED = 6


def sentence_of(question: Question, finding: Finding, questions: int = 1) -> str:
    """Verdict, effect, interval, seeds and p-value in words.

    questions: how many the intervals and p-values hold for together.
    """
    if finding.seeds == 0:
        return _no_answer(question)
    if finding.verdict == "undecidable":
        return _undecidable(question, finding, questions)
    match question:
        case PairQuestion():
            return f"{_pair_answer(question, finding)} ({_evidence(question, finding, questions)})."
        case TrendQuestion():
            return _trend(question, finding, questions)
        case RankingQuestion():
            return _ranking(question, finding, questions)
        case LevelQuestion():
            return f"{level_answer(question, finding)} ({_evidence(question, finding, questions)})."


def unit_for(question: Question, finding: Finding) -> Unit:
    """The unit and the decimals in which a finding is told."""
    if isinstance(question, LevelQuestion):
        return level_unit(question, finding)
    bounds = [0.0]
    if isinstance(question, PairQuestion):
        sign = -1 if question.expect == "less" else 1
        bounds.append(sign * question.by_at_least)
        if question.within is not None:
            bounds += [question.within, -question.within]
    effect = math.nan if finding.effect is None else finding.effect
    return unit_of(question.metric, (finding.low, finding.high, effect), bounds)


def interval_in_words(finding: Finding, unit: Unit) -> str:
    """From the low to the high limit: +0.80 to +1.66 points."""
    if math.isinf(finding.low) and math.isinf(finding.high) and finding.low != finding.high:
        return "that excludes nothing"
    if math.isinf(finding.low) and finding.low == finding.high:
        return "beyond any number"
    if math.isnan(finding.low) or math.isnan(finding.high):
        return "that is empty"
    return f"{unit.signed(finding.low)} to {unit.signed(finding.high)} {unit.many}".rstrip()


def _no_answer(question: Question) -> str:
    names = list(dict.fromkeys(question.networks))
    done = "finished and tested" if isinstance(question.metric, OpenSetMetric) else "finished"
    whom = f"all of {listed(names, most=_MOST_NAMED)}" if len(names) > 1 else names[0]
    return f"No answer yet: no seed is {done} for {whom}."


def _undecidable(question: Question, finding: Finding, questions: int) -> str:
    at_hand = seeds(finding.seeds, paired=not isinstance(question, LevelQuestion))
    corrected = "" if questions == 1 else f" once corrected for {questions} questions"
    start = (
        f"Undecidable with {at_hand}: whatever they had shown, it could not have reached "
        f"p ≤ {questions * (1 - finding.level):.2g}{corrected}; {finding.fewest} seeds could."
    )
    if finding.effect is None or isinstance(question, RankingQuestion):
        return start
    if math.isnan(finding.effect):
        return start
    return f"{start} What was seen: {_seen(question, finding)}."


def _pair_answer(question: PairQuestion, finding: Finding) -> str:
    match question.expect, finding.verdict:
        case "same", "same":
            return f"Yes: {_alike(question, finding)}"
        case "same", "refuted":
            return (
                f"No: {_seen(question, finding)}, beyond the {_within(question, finding)} allowed"
            )
        case _, "supported":
            more = (
                f", beyond the {_asked(question, finding)} asked for"
                if question.by_at_least
                else ""
            )
            return f"Yes: {_seen(question, finding)}{more}"
        case _, "same":
            return f"No, neither way: {_alike(question, finding)}"
        case _, "refuted":
            return _refuted(question, finding)
    return _open(question, finding)


def _refuted(question: PairQuestion, finding: Finding) -> str:
    above = question.expect == "greater"
    opposite = finding.high < 0 if above else finding.low > 0
    if opposite:
        return f"No, the opposite: {_seen(question, finding)}"
    word = comparative(question.metric, above)
    first, second = (_whose(question, name) for name in _ends(question))
    return (
        f"No: the {phrase_of(question.metric)} {first} is not {word} than that "
        f"{second} by as much as {_asked(question, finding)}; "
        f"the difference is {_signed_effect(question, finding)}"
    )


def _open(question: PairQuestion, finding: Finding) -> str:
    why = f"{_why_open(question, finding)}{more_seeds_in_words(finding)}"
    return f"Not decided: {_seen(question, finding)}, and {why}"


def _why_open(question: PairQuestion, finding: Finding) -> str:
    unit = unit_for(question, finding)
    if question.expect == "same" and question.within is not None:
        return f"the interval holds less and more than {_within(question, finding)}"
    if question.by_at_least:
        bound = math.copysign(question.by_at_least, 1 if question.expect == "greater" else -1)
        return f"the interval holds more and less than {unit.signed(bound)} {unit.many}".rstrip()
    return "the interval does not exclude that there is no difference"


def _seen(question: Question, finding: Finding) -> str:
    """The effect as a statement about two networks, without a judgement."""
    if isinstance(question, LevelQuestion):
        return level_seen(question, finding)
    phrase = phrase_of(question.metric)
    effect = finding.effect
    if effect is None or math.isnan(effect):
        first, second = _ends(question)
        return f"in most seeds neither {first} nor {second} has a {phrase} that could be told apart"
    first, second = (_whose(question, name) for name in _ends(question))
    if (
        finding.differences is not None
        and len(finding.differences)
        and not finding.differences.any()
    ):
        return f"the {phrase} {first} equals that {second} in every seed"
    unit = unit_for(question, finding)
    middle = "in the median " if finding.effect_is == "median" else ""
    if math.isinf(effect):
        return _one_sided(question, effect)
    word = comparative(question.metric, effect > 0)
    if not unit.number(effect).strip("0.,−"):
        return f"the {phrase} {first} is {middle}the same as that {second} as far as shown"
    return f"the {phrase} {first} is {middle}{unit.amount(effect)} {word} than that {second}"


def _one_sided(question: Question, effect: float) -> str:
    """In half of the seeds or more, one of the two has no finite value and the other does."""
    first, second = _ends(question)
    if target_of(question.metric) is not None:
        never, other = (first, second) if effect > 0 else (second, first)
        target = phrase_of(question.metric).partition(" to ")[2]
        return f"{never} mostly never gets to {target}, while {other} does"
    diverges = first if (effect < 0) == is_better_higher(question.metric) else second
    return f"{diverges} mostly diverges, while {second if diverges == first else first} does not"


def _alike(question: PairQuestion, finding: Finding) -> str:
    first, second = (_whose(question, name) for name in _ends(question))
    return (
        f"the {phrase_of(question.metric)} {first} and {second} differ by less than "
        f"{_within(question, finding)}; the difference is {_signed_effect(question, finding)}"
    )


def _signed_effect(question: Question, finding: Finding) -> str:
    unit = unit_for(question, finding)
    assert finding.effect is not None
    return f"{unit.signed(finding.effect)} {unit.many}".rstrip()


def _within(question: PairQuestion, finding: Finding) -> str:
    assert question.within is not None
    return unit_for(question, finding).amount(question.within)


def _asked(question: PairQuestion, finding: Finding) -> str:
    return unit_for(question, finding).amount(question.by_at_least)


def _evidence(question: PairQuestion | LevelQuestion, finding: Finding, questions: int) -> str:
    of_level = isinstance(question, LevelQuestion)
    if isinstance(question, LevelQuestion):
        interval = level_interval(question, finding)
    else:
        interval = interval_in_words(finding, unit_for(question, finding))
    return (
        f"{level_in_words(questions)} {interval}; {seeds(finding.seeds, paired=not of_level)}, "
        f"{METHODS[finding.test].name}, {_p(question, finding, questions)}"
    )


def _p(question: Question, finding: Finding, questions: int) -> str:
    """The p-value and what it is of: p = 0.031 for a difference above 0."""
    tested = tested_in_words(question, finding, unit_for(question, finding))
    return f"{corrected_p_in_words(finding.p_value, questions)} for {tested}"


def _trend(question: TrendQuestion, finding: Finding, questions: int) -> str:
    rises = question.expect == "increasing"
    order = (
        " → ".join(question.along)
        if len(question.along) <= _MOST_NAMED
        else (f"{question.along[0]} → … → {question.along[-1]}")
    )
    phrase = phrase_of(question.metric)
    word = {True: "rises", False: "falls"}
    if finding.verdict == "supported":
        start = f"Yes: the {phrase} {word[rises]} along {order}"
    elif finding.verdict == "refuted":
        start = f"No, the opposite: the {phrase} {word[not rises]} along {order}"
    else:
        start = f"Not decided: the {phrase} shows no clear order along {order}"
        start += more_seeds_in_words(finding)
    n, tested = seeds(finding.seeds, paired=True), _p(question, finding, questions)
    p = f"{METHODS[finding.test].name}, {n}, {tested}"
    ends = _seen(question, finding)
    if finding.effect is None or math.isnan(finding.effect):
        return f"{start} ({p})."
    unit = unit_for(question, finding)
    level = level_in_words(questions)
    return f"{start} ({p}). From end to end, {ends} ({level} {interval_in_words(finding, unit)})."


def _ranking(question: RankingQuestion, finding: Finding, questions: int) -> str:
    ranking = finding.ranking
    assert ranking is not None
    p = f"{seeds(finding.seeds, paired=True)}, Friedman's test, {_p(question, finding, questions)}"
    phrase = phrase_of(question.metric)
    best, rank = ranking.networks[0], ranking.average_ranks[0]
    if finding.verdict == "supported":
        start = (
            f"Yes, they differ in {phrase} ({p}): {best} has the best average rank, {rank:.1f} of "
            f"{len(ranking.networks)}"
        )
        return f"{start}; {_told_apart(question, ranking, finding)}."
    return (
        f"Not decided: no difference in {phrase} between the {len(ranking.networks)} "
        f"{'detectors' if question.is_of_detectors else 'networks'} is "
        f"shown ({p}); {best} has the best average rank, {rank:.1f} of {len(ranking.networks)}"
        f"{more_seeds_in_words(finding)}."
    )


def _told_apart(question: RankingQuestion, ranking: Ranking, finding: Finding) -> str:
    if ranking.pairs is None:
        pairs = len(ranking.networks) * (len(ranking.networks) - 1) // 2
        return f"none of {pairs:,} pairs could be told apart after Holm's correction"
    apart = int(ranking.pairs.told_apart(1 - finding.level).sum())
    total = len(ranking.pairs.adjusted)
    best = ranking.networks[0]
    separated = ranking.pairs.separated(1 - finding.level)[question.arms.index(best)]
    others = [name for name in ranking.networks[1:] if not separated[question.arms.index(name)]]
    told = f"{apart:,} of {total:,} pairs are told apart"
    if others:
        return f"{told}, but {best} is not told apart from {listed(others, most=_MOST_NAMED)}"
    return f"{told}, and {best} from every other"


def _ends(question: Question) -> tuple[str, str]:
    """The sides of which the effect is the first less the second."""
    if isinstance(question, PairQuestion):
        return question.arms[0], question.arms[1]
    return question.arms[-1], question.arms[0]


def _whose(question: Question, name: str) -> str:
    """Of a network, but by a detector."""
    return f"{'by' if question.is_of_detectors else 'of'} {name}"
