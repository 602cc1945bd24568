"""The answer about one network and a fixed number in words, made from the numbers alone."""

from __future__ import annotations

import math

from mlplab.analysis.questions.evidence import more_seeds_in_words
from mlplab.analysis.questions.finding import Finding
from mlplab.analysis.questions.units import Unit, phrase_of, unit_of
from mlplab.declarations.question import LevelQuestion


def level_unit(question: LevelQuestion, finding: Finding) -> Unit:
    """The unit and the decimals in which the mean and its limits are told."""
    effect = math.nan if finding.effect is None else finding.effect
    bounds = [question.than]
    if question.within is not None:
        bounds += [question.than - question.within, question.than + question.within]
    return unit_of(question.metric, (question.than + effect, *limits(question, finding)), bounds)


def limits(question: LevelQuestion, finding: Finding) -> tuple[float, float]:
    """The interval of the mean itself."""
    return question.than + finding.low, question.than + finding.high


def level_value(question: LevelQuestion, finding: Finding) -> str:
    """The mean, or the median: 83.10%, 0.912."""
    assert finding.effect is not None
    return _told(question.than + finding.effect, level_unit(question, finding))


def level_interval(question: LevelQuestion, finding: Finding) -> str:
    """From limit to limit: 79.20% to 86.91%."""
    if math.isinf(finding.low) and math.isinf(finding.high):
        return "that excludes nothing" if finding.low != finding.high else "beyond any number"
    unit = level_unit(question, finding)
    low, high = limits(question, finding)
    return f"{_told(low, unit)} to {_told(high, unit)}"


def level_seen(question: LevelQuestion, finding: Finding) -> str:
    """The mean as a statement, without a judgement."""
    name, phrase = question.level_of, phrase_of(question.metric)
    assert finding.effect is not None
    if not math.isfinite(finding.effect):
        return f"{name} mostly diverges"
    if finding.differences is not None and not finding.differences.any():
        return f"the {phrase} of {name} is {asked_number(question)} in every seed"
    how = "on average" if finding.effect_is == "mean" else "in the median"
    return f"{how} the {phrase} of {name} is {level_value(question, finding)}"


def level_answer(question: LevelQuestion, finding: Finding) -> str:
    """Verdict and mean, without the evidence."""
    seen, number = level_seen(question, finding), asked_number(question)
    if finding.effect is not None and not math.isfinite(finding.effect):
        words = {"supported": "Yes", "refuted": "No"}.get(finding.verdict, "Not decided")
        return f"{words}: {seen}{more_seeds_in_words(finding)}"
    sides = ("above", "below") if question.expect == "greater" else ("below", "above")
    match question.expect, finding.verdict:
        case "same", "same":
            return f"Yes: {seen}, less than {_within(question, finding)} from {number}"
        case "same", "refuted":
            return f"No: {seen}, more than {_within(question, finding)} from {number}"
        case _, "supported":
            return f"Yes: {seen}, which is {sides[0]} {number}"
        case _, "same":
            return f"No, neither way: {seen}, less than {_within(question, finding)} from {number}"
        case _, "refuted":
            return f"No, the opposite: {seen}, which is {sides[1]} {number}"
    return _open(question, finding)


def _open(question: LevelQuestion, finding: Finding) -> str:
    held = f"does not exclude {asked_number(question)} itself"
    if question.expect == "same":
        held = (
            f"holds less and more than {_within(question, finding)} from {asked_number(question)}"
        )
    start = f"Not decided: {level_seen(question, finding)}, and the interval {held}"
    return f"{start}{more_seeds_in_words(finding)}"


def asked_number(question: LevelQuestion) -> str:
    """What the mean is held against, as it was asked."""
    unit = unit_of(question.metric, [question.than])
    text = f"{question.than / unit.scale:.10g}".replace("-", "−")
    return f"{text}{_sign(unit)}"


def _within(question: LevelQuestion, finding: Finding) -> str:
    assert question.within is not None
    return level_unit(question, finding).amount(question.within)


def _told(value: float, unit: Unit) -> str:
    return f"{unit.number(value)}{_sign(unit)}"


def _sign(unit: Unit) -> str:
    """A level of a share is so many percent, though differences of it are so many points."""
    return "%" if unit.many == "points" else f" {unit.many}".rstrip()
