"""Which tests on unknown classes a study wants, which are kept already, and the others made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

from mlplab.analysis.open_set.findings import RunFinding, from_json, to_json
from mlplab.analysis.open_set.measuring import measure
from mlplab.analysis.open_set.other_set import other_set
from mlplab.analysis.open_set.rows import open_set_rows
from mlplab.declarations.data import Data
from mlplab.declarations.open_set import OpenSet
from mlplab.declarations.resolving.open_set_networks import (
    OpenSetVariant,
    splits_of,
    variants_of,
)
from mlplab.records.analyses import read_findings, record_finding
from mlplab.records.database import reading, writing
from mlplab.records.lock import only_run
from mlplab.records.results import Results
from mlplab.runner.on_every_core import on_every_core

METHOD = 4
"""Raise it when the same network and settings are judged otherwise than before."""
_AT_ONCE = 8
"""Tests at the same time, however many cores there are: each holds the activations of all rows."""
_IN_FULL_UP_TO = 24
"""Beyond so many splits of a question, curves, histograms and images are left out: they would be
most of the records, and no report shows them."""


@dataclass(frozen=True)
class PendingTest:
    """One network and seed to be tested on one split."""

    variant: OpenSetVariant
    seed: int
    content: str
    """Hash of everything that decides the finding."""
    in_full: bool


@dataclass(frozen=True)
class Tested:
    """One network and seed, tested on one split."""

    variant: OpenSetVariant
    seed: int
    finding: RunFinding


Progress = Callable[[str, int, int, int], None]
"""Told of network and seed, how many tests are done and how many there were to do: of the first
test as it begins, and of every test as it is done."""


def pending_tests(results: Results) -> tuple[PendingTest, ...]:
    """Every test that the study's questions want of finished, finite runs."""
    study = results.study
    finished: dict[str, list[tuple[int, str]]] = {}
    for run in results.runs:
        if run.diverged_at is None:
            finished.setdefault(run.network, []).append((run.seed, run.key))

    @cache
    def digest_of(other: Data | None) -> str | None:
        return None if other is None else other_set(other, study.folder).digest

    full = {entry: _in_full(results, entry) for entry in range(len(study.open_set))}
    wanted = []
    for variant in variants_of(study):
        entry = study.open_set[variant.entry]
        digest = digest_of(entry.unknown_data)
        settings = _settings(variant, entry, digest, full[variant.entry])
        for seed, key in finished.get(variant.network, ()):
            content = json.dumps({"run": key, **settings}, sort_keys=True)
            name = hashlib.sha256(content.encode()).hexdigest()
            wanted.append(PendingTest(variant, seed, name, full[variant.entry]))
    return tuple(wanted)


def _in_full(results: Results, number: int) -> bool:
    entry = results.study.open_set[number]
    networks = [v.network for v in variants_of(results.study) if v.entry == number]
    if not networks or networks[0] not in results.study.networks:
        return True
    splits = list(splits_of(entry, results.study.networks[networks[0]].data))
    return len(splits) <= _IN_FULL_UP_TO


def _settings(
    variant: OpenSetVariant, entry: OpenSet, digest: str | None, in_full: bool
) -> Mapping[str, object]:
    return {
        "method": METHOD,
        "unknown": variant.split.unknown,
        "unknown_data": digest,
        "closed": variant.split.closed,
        "detectors": [d.model_dump() for d in variant.detectors],
        "reject_at_most": entry.reject_at_most,
        "threshold_by_class": entry.threshold_by_class,
        "fit_on": entry.fit_on,
        "in_full": in_full,
    }


def evaluate(results: Results, progress: Progress | None = None) -> None:
    """Make the tests that are not kept yet, and keep each as it is made.

    Stopped at any moment, what was made until then is kept.

    Raises:
        BadInput: data that cannot be used for a split.
    """
    wanted = pending_tests(results) if results.study.open_set else ()
    if not wanted or results.folder is None:
        return
    with reading(results.folder) as connection:
        kept = read_findings(connection, (w.content for w in wanted))
    missing = [w for w in wanted if w.content not in kept]
    if not missing:
        return
    if progress is not None:
        progress(missing[0].variant.network, missing[0].seed, 0, len(missing))
    with only_run(results.folder, lambda pid: None), writing(results.folder) as connection:
        made = on_every_core(partial(_made, results), missing, _AT_ONCE)
        for done, (test, finding) in enumerate(made, start=1):
            record_finding(connection, "open_set", test.content, to_json(finding))
            if progress is not None:
                progress(test.variant.network, test.seed, done, len(missing))


def _made(results: Results, test: PendingTest) -> RunFinding:
    variant, study = test.variant, results.study
    network, entry = study.networks[variant.network], study.open_set[variant.entry]
    return measure(
        open_set_rows(network, variant.split, entry, study.folder),
        results.weights(variant.network, test.seed),
        network,
        entry,
        variant.detectors,
        centres=results.centres(variant.network, test.seed),
        by=f"{variant.network}, seed {test.seed}",
        in_full=test.in_full,
    )


def tests_of(results: Results) -> tuple[Tested, ...]:
    """All tests that are kept, question by question, network by network, seed by seed."""
    if not results.study.open_set or results.folder is None:
        return ()
    wanted = pending_tests(results)
    with reading(results.folder) as connection:
        kept = read_findings(connection, (w.content for w in wanted))
    return tuple(
        Tested(test.variant, test.seed, from_json(kept[test.content]))
        for test in wanted
        if test.content in kept
    )
