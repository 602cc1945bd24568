"""What sets questions on the same network and the same roles apart, in words."""

from __future__ import annotations

from collections.abc import Sequence

from mlplab.declarations.data import Data
from mlplab.declarations.open_set import OpenSet


def set_apart(entries: Sequence[OpenSet]) -> tuple[str, ...]:
    """Of each question, the settings in which they are not all alike: thresholds by class, fitted
    on 1,000 rows. Empty where they test in the same way; detectors have names of their own."""
    settings = [_settings(entry) for entry in entries]
    differing = [kind for kind in settings[0] if len({one[kind] for one in settings}) > 1]
    others = _other_sets([entry.unknown_data for entry in entries])
    return tuple(
        ", ".join([*(one[kind] for kind in differing), *([other] if other else [])])
        for one, other in zip(settings, others, strict=True)
    )


def _settings(entry: OpenSet) -> dict[str, str]:
    fitted = "all" if entry.fit_on is None else f"{entry.fit_on:,}"
    return {
        "reject_at_most": f"rejecting at most {100 * entry.reject_at_most:.10g}%",
        "calibration": f"calibration {entry.calibration}",
        "threshold_by_class": "thresholds by class"
        if entry.threshold_by_class
        else "one threshold",
        "fit_on": f"fitted on {fitted} rows",
    }


def _other_sets(sets: Sequence[Data | None]) -> list[str]:
    """What is not alike in other data sets of one name."""
    declared = [{} if one is None else one.model_dump(mode="json") for one in sets]
    keys = dict.fromkeys(key for one in declared for key in one)
    differing = [key for key in keys if len({str(one.get(key)) for one in declared}) > 1]
    return [
        ", ".join(f"{key} {one[key]}" for key in differing if one.get(key) is not None)
        or ("the other set as it is" if differing else "")
        for one in declared
    ]
