"""What a rule of choice took, as plain values for other programs."""

from __future__ import annotations

import json
import math
from typing import Any

from mlplab.analysis.choice.best import NoChoice
from mlplab.analysis.choice.rule import COSTS, Choice, Spread
from mlplab.analysis.choice.words import (
    caveats_of,
    comparison_in_words,
    outcome_in_words,
    rule_in_words,
)


def choice_json(choice: Choice | NoChoice) -> str:
    """The text of a choice file: one object; `chosen` is null where nothing is, and `sentence`
    says why."""
    if isinstance(choice, NoChoice):
        values: dict[str, Any] = {"chosen": None, "sentence": f"No choice: {choice.reason}."}
    else:
        values = _values(choice)
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _values(choice: Choice) -> dict[str, Any]:
    return {
        "chosen": choice.chosen,
        "rule": choice.rule.model_dump(mode="json"),
        "metric": choice.metric.name,
        "split": choice.split,
        "has_seen_test_data": choice.has_seen_test_data,
        "seeds": choice.seeds,
        "may_be_best": [choice.found.leader, *choice.found.others],
        "sentence": f"The rule: {rule_in_words(choice)}. {outcome_in_words(choice)}.",
        "decided_by": comparison_in_words(choice),
        "caveats": list(caveats_of(choice)),
        "candidates": [
            {
                "network": candidate.network,
                **{cost: _spread(candidate.costs[cost]) for cost in COSTS},
                choice.metric.name: _spread(candidate.value),
                "less_the_best_other": [candidate.low, candidate.high],
                "qualifies": candidate.qualifies,
                "unbeaten_in": [cost for cost in COSTS if cost in candidate.pareto_front],
            }
            for candidate in choice.candidates
        ],
    }


def _spread(spread: Spread) -> dict[str, Any]:
    interval = [spread.low, spread.high]
    known = all(map(math.isfinite, interval))
    return {"mean": spread.mean, "interval": interval if known else None}
