"""What the page shows of one results folder, as values that JSON has; read from its records."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplab.declarations.network import Network
from mlplab.records.database import decoding, reading
from mlplab.records.results import Results, open_trials, study_has_begun
from mlplab.records.runs import read_curves
from mlplab.study import open_results

if TYPE_CHECKING:
    import pandas as pd

REPORT_FILE = "report.html"
MOST_POINTS = 400
"""Of a curve on the page, which is no wider; longer ones are thinned evenly."""


def study_in(folder: Path) -> Mapping[str, Any]:
    """Networks with their settings and values, and what became of every seed.

    Raises:
        BadInput: the folder's records cannot be read.
    """
    results = _results(folder)
    table = results.summary()
    settings = {name: _settings(network) for name, network in results.study.networks.items()}
    return {
        "study": results.study.name,
        "networks": [
            {"name": name, "settings": settings[str(name)], **_values(of_network)}
            for name, of_network in table.groupby("network", sort=False)
        ],
        "diverged": [
            [run.network, run.seed, run.diverged_at]
            for run in results.runs
            if run.diverged_at is not None
        ],
        "failures": [[one.network, one.seed, one.reason] for one in results.failures],
        "curves": _curve_names(folder),
        "report": (folder / REPORT_FILE).is_file() and not (folder / REPORT_FILE).is_symlink(),
    }


def _results(folder: Path) -> Results:
    """The results of a folder; of a study that is still being tuned, those of its trials."""
    trials = open_trials(folder)
    return trials if trials is not None and not study_has_begun(folder) else Results.open(folder)


def _settings(network: Network) -> Mapping[str, Any]:
    """Every setting by its path: {"hidden": "128, 64", "optimizer.name": "adam"}."""
    flat: dict[str, Any] = {}

    def spread(path: str, value: object) -> None:
        if isinstance(value, Mapping):
            for key, below in value.items():
                spread(f"{path}.{key}" if path else key, below)
        elif value is not None:
            listed = isinstance(value, list | tuple)
            flat[path] = ", ".join(map(str, value)) if listed else value  # type: ignore[call-overload]

    spread("", network.model_dump(mode="json", exclude={"seeds"}))
    return flat


def _values(runs: pd.DataFrame) -> Mapping[str, Any]:
    """Seeds by their fate, sizes, and of each measured value the mean and half a 95% interval."""
    from mlplab.statistics.intervals import t_interval

    status = runs["status"].value_counts()
    fine = runs[runs["status"] == "finished"]
    finals = [
        c for c in fine.columns if "_" in c and fine[c].dtype == float and fine[c].notna().any()
    ]
    found = t_interval(fine[finals].to_numpy(float)) if finals else None
    return {
        "seeds": len(runs),
        **{
            fate: int(status.get(fate, 0)) for fate in ("finished", "diverged", "failed", "missing")
        },
        "parameters": _number(runs["parameters"].max()),
        "seconds": _number(runs["seconds"].mean()),
        "values": {}
        if found is None
        else {
            name: [_number(mean), _number((high - low) / 2)]
            for name, mean, low, high in zip(finals, found.mean, found.low, found.high, strict=True)
        },
    }


def _number(value: Any) -> float | None:
    import pandas as pd

    if pd.isna(value) or not math.isfinite(value):
        return None
    return float(f"{float(value):.6g}")


def _curve_names(folder: Path) -> list[str]:
    with reading(folder) as connection:
        found = connection.execute("SELECT DISTINCT split, metric FROM curve").fetchall()
    return sorted(f"{split}_{metric}" for split, metric in found if metric != "seconds")


def curves_in(folder: Path, name: str) -> Mapping[str, Any]:
    """The curves of one metric, of every finished network and seed.

    name: as in "test_accuracy".

    Returns:
        `steps`, the different lists of evaluated steps; `curves`, of each network and seed its name,
        seed, which of these lists is its own, and the values there.

    Raises:
        BadInput: the folder's records cannot be read.
    """
    results = Results.open(folder)
    split, _, metric = name.partition("_")
    with reading(folder) as connection, decoding(folder, "a curve"):
        found = read_curves(connection, [run.key for run in results.runs], only=(split, metric))
    lists: dict[tuple[int, ...], int] = {}
    curves = []
    for run in results.runs:
        values = found.get(run.key, {}).get((split, metric))
        if values is None or len(values) != len(run.steps):
            continue
        kept = _kept(len(values))
        steps = tuple(int(run.steps[i]) for i in kept)
        place = lists.setdefault(steps, len(lists))
        curves.append([run.network, run.seed, place, [_number(values[i]) for i in kept]])
    return {"steps": list(lists), "curves": curves}


def _kept(points: int) -> Sequence[int]:
    """Which points of a curve are shown; always the first and the last."""
    if points <= MOST_POINTS:
        return range(points)
    return [round(i * (points - 1) / (MOST_POINTS - 1)) for i in range(MOST_POINTS)]


def outcome_of(folder: Path) -> Mapping[str, Any]:
    """The network that the study's rule takes, and the verdicts on its questions.

    Raises:
        BadInput: the folder's records cannot be read.
    """
    from mlplab.analysis.choice.best import NoChoice
    from mlplab.analysis.choice.words import outcome_in_words

    results = open_results(folder)
    choice = results.choice()
    if isinstance(choice, NoChoice):
        chosen, told = None, f"No network is chosen: {choice.reason}"
    else:
        chosen, told = choice.chosen, outcome_in_words(choice)
    answers = [{"verdict": one.verdict, "sentence": one.sentence} for one in results.answers()]
    return {"chosen": chosen, "choice": told, "answers": answers}


def to_json(value: object) -> str:
    """As JSON that every browser reads, whatever stands in a text."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))
