"""Answers as plain values for other programs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from mlplab.analysis.questions.answers import Answer
from mlplab.analysis.questions.finding import corrected
from mlplab.analysis.questions.pairs import RankedPair, ranked_pairs
from mlplab.declarations.question import LevelQuestion

_ABOVE, _BELOW = "\x00+infinite\x00", "\x00-infinite\x00"
_INFINITE = {_ABOVE: "1e999", _BELOW: "-1e999"}
"""JSON has no infinity, but a number too large to hold reads back as one."""


def _values(answer: Answer) -> dict[str, Any]:
    """One answer as JSON-able values; what is not a number is null.

    Effect and interval are in the metric's own numbers: 0.005 of accuracy is half a point. Of a
    question about a level they are those of the mean less `than`. The p-value is corrected for all
    questions that are answered together, as the interval is: decided exactly if at most 0.05.
    Of a ranking the pairs of the best networks stand below it, told apart exactly if at most 0.05
    too; there are none where seeds are too few to tell any apart.
    """
    finding, question = answer.finding, answer.question
    values: dict[str, Any] = {
        "ask": question.ask,
        "verdict": finding.verdict,
        "effect": _number(finding.effect),
        "interval": None
        if finding.effect is None
        else [_number(finding.low), _number(finding.high)],
        "p_value": answer.p_value,
        "p_value_speaks_for": answer.tested,
        "seeds": finding.seeds,
        "registered": answer.is_registered,
        "audit": list(answer.audit.sentences),
        "sentence": answer.sentence,
        "networks": list(question.networks),
        "metric": question.metric.model_dump(mode="json"),
        "effect_is": None if finding.effect is None else finding.effect_is,
        "level": finding.level,
        "seeds_needed": finding.seeds_needed,
        "why_no_number": finding.why_no_number or None,
        "test": answer.method.name,
        "caveats": list(answer.caveats),
    }
    if answer.looks is not None:
        values["state"] = answer.looks.state
        values["looks"] = [
            {
                "seeds": look.seeds,
                "level": 1 - look.level,
                "effect": _number(look.effect),
                "interval": [_number(look.low), _number(look.high)],
                "p_value": corrected(look.p_value, answer.questions / look.fraction),
            }
            for look in answer.looks.path
        ]
        values["width_ratio"] = answer.looks.width_ratio
    if question.own_detectors:
        values["detectors"] = list(question.own_detectors)
    if isinstance(question, LevelQuestion):
        values["than"] = question.than
    if finding.ranking is not None:
        ranks = zip(finding.ranking.networks, finding.ranking.average_ranks, strict=True)
        values["average_ranks"] = dict(ranks)
        values["pairs"] = [_pair(pair) for pair in ranked_pairs(answer)]
    return values


def _pair(pair: RankedPair) -> dict[str, Any]:
    """One pair of a ranking, the better of them first."""
    return {
        "networks": [pair.first, pair.second],
        "effect": _number(pair.effect),
        "interval": [_number(pair.low), _number(pair.high)],
        "effect_is": pair.effect_is,
        "p_value": pair.p_value,
        "told_apart": pair.is_told_apart,
    }


def verdicts_json(answers: Sequence[Answer]) -> str:
    """The text of a verdicts file: a list with an object for each question.

    An effect or a limit that is infinite is written 1e999, which reads back as infinity.
    """
    values = [_values(answer) for answer in answers]
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    for sign, number in _INFINITE.items():
        text = text.replace(json.dumps(sign), number)
    return text


def _number(value: float | None) -> float | str | None:
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return _ABOVE if value > 0 else _BELOW
    return value
