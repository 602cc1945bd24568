"""Answers as plain values for other programs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from mlplab.analysis.questions.answers import Answer


def verdict_values(answer: Answer) -> dict[str, Any]:
    """One answer as JSON-able values; what is infinite or not a number is null.

    Effect and interval are in the metric's own numbers: 0.005 of accuracy is half a point.
    """
    finding, question = answer.finding, answer.question
    values = {
        "ask": question.ask,
        "verdict": finding.verdict,
        "effect": _finite(finding.effect),
        "interval": None
        if finding.effect is None
        else [_finite(finding.low), _finite(finding.high)],
        "p_value": finding.p_value,
        "seeds": finding.seeds,
        "registered": answer.is_registered,
        "audit": list(answer.audit.sentences),
        "sentence": answer.sentence,
        "networks": list(question.networks),
        "metric": question.metric.model_dump(mode="json"),
        "effect_is": None if finding.effect is None else finding.effect_is,
        "level": finding.level,
        "seeds_needed": finding.seeds_needed,
        "test": answer.method.name,
        "caveats": list(answer.caveats),
    }
    if finding.ranking is not None:
        ranks = zip(finding.ranking.networks, finding.ranking.average_ranks, strict=True)
        values["average_ranks"] = dict(ranks)
    return values


def verdicts_json(answers: Sequence[Answer]) -> str:
    """The text of a verdicts file: a list with an object for each question."""
    values = [verdict_values(answer) for answer in answers]
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
