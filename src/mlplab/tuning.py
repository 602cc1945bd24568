"""A tuned study's first stage: its trials are trained and judged, and its settings chosen.

The trials are networks of a study of their own in `<results folder>/tuning`, so that they train in
stacks together, are kept by content, and go on where an earlier run was stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlplab.analysis.tuning import TuningOutcome, tuning_of
from mlplab.declarations.problems import BadInput, Problem
from mlplab.declarations.resolving.tuning_trials import (
    Trial,
    study_of_trials,
    trials_of_round,
    with_chosen,
)
from mlplab.declarations.study import Study
from mlplab.records.database import has_records
from mlplab.records.results import TUNING_FOLDER, Results
from mlplab.runner.cluster import Cluster
from mlplab.runner.estimate import Estimate, estimate
from mlplab.runner.events import OnEvent, TuningEnded, TuningStarted
from mlplab.runner.run import finished_networks, run, write_down_questions


@dataclass(frozen=True)
class RunOptions:
    """How a study is run: device, precision, whether the first failure stops it, and where."""

    device: str = "auto"
    precision: str = "float32"
    fail_fast: bool = False
    cluster: Cluster | None = None


def tune(study: Study, folder: Path, options: RunOptions, on_event: OnEvent | None = None) -> Study:
    """Train what is missing of a study's trials and return the study with the chosen settings.

    The study's questions are written down first, in the records of the study itself. A question
    about a network that has a finished trial by then counts as asked afterwards.

    Raises:
        BadInput: as `runner.run.run` does; or if a trial is missing for `fail_fast`.
        KeyboardInterrupt: what was finished until then is kept.
    """
    place = folder / TUNING_FOLDER
    known = tuning_of(study, None)
    trials = study_of_trials(study, known.trials)
    seen = finished_networks(trials, place, precision=options.precision, device=options.device)
    begun = {trial.network for trial in known.trials if trial.name in seen}
    write_down_questions(study, folder, begun)
    for number in range(len(known.rounds)):
        if on_event is not None:
            on_event(_started(known, number))
        results = run(
            study_of_trials(study, known.trials),
            place,
            device=options.device,
            precision=options.precision,
            fail_fast=options.fail_fast,
            cluster=options.cluster,
            on_event=on_event,
        )
        known = tuning_of(study, results)
    if not known.is_complete:
        raise _incomplete(results)
    if on_event is not None:
        on_event(_ended(known))
    return with_chosen(study, known.chosen)


def _started(known: TuningOutcome, number: int) -> TuningStarted:
    return TuningStarted(
        networks=len(known.networks),
        settings=known.rounds[number].settings,
        seeds=len(known.tune.all_seeds),
        steps=max(t.declared.training.steps for t in known.trials if t.round == number),
        round=number + 1,
        rounds=len(known.rounds),
    )


def _ended(known: TuningOutcome) -> TuningEnded:
    return TuningEnded(
        {name: dict(settings) for name, settings in known.chosen.items()},
        tuple(n.network for n in known.networks if n.chosen and not n.chosen.is_usable),
    )


def _incomplete(results: Results) -> BadInput:
    failed = [f"{f.network}, seed {f.seed}: {f.reason}" for f in results.failures]
    return BadInput(
        Problem(
            "tune",
            expected="trials that can be trained",
            received=failed[0] if failed else "some that were not",
            hint="mend the cause, or leave out --fail-fast, so that they count as the worst",
        )
    )


def foresee(study: Study, folder: Path, options: RunOptions) -> Estimate:
    """Foresee what the two stages would do: the study's estimate, with that of its tuning.

    Which settings a later round of halving trains is not known before: others of the same number
    stand for them. The study itself has its chosen settings, or before that the declared ones.
    """
    if study.tune is None:
        return estimate(study, folder, device=options.device, precision=options.precision)
    place = folder / TUNING_FOLDER
    recorded = Results.open(place) if has_records(place) else None
    known = tuning_of(study, recorded)
    trials = study_of_trials(study, [*known.trials, *_later_trials(study, known)])
    tuning = estimate(trials, place, device=options.device, precision=options.precision)
    if known.is_complete and tuning.finished == tuning.total:
        study = with_chosen(study, known.chosen)
    found = estimate(study, folder, device=options.device, precision=options.precision)
    return replace(found, tuning=tuning)


def _later_trials(study: Study, known: TuningOutcome) -> list[Trial]:
    """Stand-ins for the trials of the rounds that the known ones do not tell yet."""
    reached = 1 + max(trial.round for trial in known.trials)
    left: Mapping[str, tuple[int, ...]] = {
        network.network: tuple(outcome.trial.number for outcome in network.rounds[-1])
        for network in known.networks
    }
    trials: list[Trial] = []
    for number in range(reached, len(known.rounds)):
        left = {name: its[: known.rounds[number].settings] for name, its in left.items()}
        trials += trials_of_round(study, number, left)
    return trials
