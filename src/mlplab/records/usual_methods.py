"""What the usual methods of scikit-learn did on the rows of a study's networks, as recorded.

They are fitted once, after training, by `mlplab.usual_methods`; reports read what was kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from mlplab.declarations.data import CsvData, Data, TableData
from mlplab.records.analyses import read_findings
from mlplab.records.database import reading
from mlplab.records.results import Results
from mlplab.records.runs import contents

METHOD = 1
"""Raise it when the methods or their settings change."""
KIND = "usual methods"
MOST_SEEDS = 5
"""Of methods that draw random numbers."""


@dataclass(frozen=True)
class UsualResult:
    """One method, fitted on the training rows of some networks."""

    method: str
    """In words."""
    seed: int
    is_random: bool
    """Whether another seed may give another result; else the first seed stands for all."""
    metrics: Mapping[str, float]
    """By name as in the exported summary: test_accuracy, test_loss; NaN where there is none."""
    seconds: float
    """Of fitting."""
    remark: str = ""
    """What is to be told of it: that it did not converge, or why it could not be fitted."""


@dataclass(frozen=True)
class PendingFit:
    """Rows on which the methods are fitted, for one seed."""

    network: str
    """The first that learned from them."""
    data: Data
    seed: int
    is_first: bool
    """Of the seeds on these very rows: methods without random numbers are fitted for it alone."""
    content: str
    """Hash of all that decides the results."""


def wanted_fits(results: Results, versions: str) -> tuple[PendingFit, ...]:
    """The rows and seeds of a study of tables; versions: of the library that fits."""
    return tuple(_wanted(results, versions))


def _wanted(results: Results, versions: str) -> Iterator[PendingFit]:
    if results.folder is None:
        return
    keys = {(run.network, run.seed): run.key for run in results.runs}
    first: dict[Data, str] = {}
    for name, network in results.study.networks.items():
        if isinstance(network.data, TableData | CsvData) and network.roles is None:
            first.setdefault(network.data, name)
    with reading(results.folder) as connection:
        known = contents(connection, keys.values())
    for data, name in first.items():
        seeds = [seed for seed in results.study.networks[name].seeds if (name, seed) in keys]
        resampled = results.study.networks[name].resampling is not None
        for seed in seeds if resampled else seeds[:MOST_SEEDS]:
            content = json.loads(known[keys[name, seed]])
            said = [KIND, METHOD, versions, content["data"], content["network"]["data"], seed]
            is_first = resampled or seed == seeds[0]
            said.append(is_first)
            text = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
            yield PendingFit(name, data, seed, is_first, text)


def usual_results(results: Results) -> dict[str, tuple[UsualResult, ...]]:
    """What is kept, by the first network on the rows; nothing for studies of other data."""
    from importlib.metadata import version

    wanted = wanted_fits(results, version("scikit-learn"))
    if not wanted:
        return {}
    assert results.folder is not None
    with reading(results.folder) as connection:
        kept = read_findings(connection, (fit.content for fit in wanted))
    found: dict[str, list[UsualResult]] = {}
    for fit in wanted:
        for one in json.loads(kept.get(fit.content, "[]")):
            found.setdefault(fit.network, []).append(UsualResult(**one))
    return {network: tuple(its) for network, its in found.items()}


def to_json(found: list[UsualResult]) -> str:
    """As it is kept."""
    return json.dumps([asdict(one) for one in found])
