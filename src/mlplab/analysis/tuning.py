"""What the trials of a tuning came to: which settings each network takes, how sure, at what cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mlplab.analysis.questions.values import metric_of_run
from mlplab.declarations.metric import FinalMetric
from mlplab.declarations.paths import at
from mlplab.declarations.resolving.size import Size
from mlplab.declarations.resolving.tuning_trials import (
    Round,
    Settings,
    Trial,
    candidates,
    label,
    rounds_of,
    trials_of_round,
    tuned_networks,
)
from mlplab.declarations.study import Study
from mlplab.declarations.task import METRICS, MetricName
from mlplab.declarations.tuning import Tuning
from mlplab.records.database import has_records
from mlplab.records.results import TUNING_FOLDER, Results, Run
from mlplab.statistics.intervals import MeanInterval, t_interval

if TYPE_CHECKING:
    import pandas as pd

CLOSE_POINTS, CLOSE_RATIO = 0.02, 0.2
"""How much worse than its best a network may be at settings that still serve it: points of a
fraction such as accuracy (0.02 is two points), or a fraction of the best loss or error."""
FEWEST_FOR_INTERVAL = 3
FEWEST_FOR_EDGE = 3
"""Of fewer values there is none that lies between others."""
COLUMNS = (
    "study", "network", "trial", "setting", "value", "round", "seed", "step", "metric", "score",
    "status", "chosen", "training_flops", "seconds",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class TrialOutcome:
    """One network with settings that were tried."""

    trial: Trial
    metric: MetricName
    scores: np.ndarray
    """(seed,) the metric on validation rows; infinite on the bad side where the run diverged or
    could not be trained, NaN where it has not been trained yet."""
    losses: np.ndarray
    """(seed,) likewise the loss, which decides where accuracies tie."""
    runs: tuple[Run | None, ...]
    """(seed,) None for a run that is not finished."""

    @cached_property
    def mean(self) -> MeanInterval:
        """The mean score over the seeds that did not diverge, with its 95% t interval."""
        return t_interval(self.scores[np.isfinite(self.scores)])

    @property
    def spread(self) -> tuple[float, float]:
        """The limits of that interval; of fewer than three seeds, whose interval would say little,
        the lowest and the highest score."""
        finite = self.scores[np.isfinite(self.scores)]
        if 0 < len(finite) < FEWEST_FOR_INTERVAL:
            return float(finite.min()), float(finite.max())
        return float(self.mean.low), float(self.mean.high)

    @property
    def diverged(self) -> int:
        """Seeds that diverged."""
        return sum(run is not None and run.diverged_at is not None for run in self.runs)

    @property
    def is_usable(self) -> bool:
        """Whether every seed was trained, and none diverged."""
        return bool(np.isfinite(self.scores).all())

    @property
    def is_tried(self) -> bool:
        """Whether every seed was trained, or tried in vain."""
        return not np.isnan(self.scores).any()

    @property
    def rank(self) -> tuple[float, float, int]:
        """The lower the better: a seed that diverged makes a trial the worst."""
        score, loss = float(self.scores.mean()), float(self.losses.mean())
        return -METRICS[self.metric].sign * score, loss, self.trial.number

    @property
    def seconds(self) -> float:
        """Of training, all seeds together."""
        return sum(run.seconds for run in self.runs if run is not None)

    @property
    def flops(self) -> int:
        """Of training, all seeds together."""
        return sum(_flops(run, self.trial) for run in self.runs if run is not None)


def _flops(run: Run, trial: Trial) -> int:
    return Size(run.layers, trial.declared.training.batch_size, run.stopped_at).training_flops


@dataclass(frozen=True, eq=False)
class NetworkTuning:
    """The tuning of one network."""

    network: str
    rounds: tuple[tuple[TrialOutcome, ...], ...]
    """In each the trials in the order of their numbers; one round unless they are halved."""
    chosen: TrialOutcome | None
    """None as long as something is to be trained yet."""
    at_edge: tuple[str, ...]
    """Paths of which the chosen value is the lowest or highest number that was tried: the best may
    lie outside."""

    @property
    def outcomes(self) -> tuple[TrialOutcome, ...]:
        """All settings at equal steps: the first round."""
        return self.rounds[0]

    @property
    def flops(self) -> int:
        """Of training all of its trials."""
        return sum(outcome.flops for outcomes in self.rounds for outcome in outcomes)

    @property
    def seconds(self) -> float:
        """Of training all of its trials."""
        return sum(outcome.seconds for outcomes in self.rounds for outcome in outcomes)

    @cached_property
    def fraction_close(self) -> float:
        """The fraction of all settings that are nearly as good as the best, by `CLOSE_…`: small for a
        network that is sensitive to them."""
        usable = [float(o.mean.mean) for o in self.outcomes if o.is_usable]
        if not usable:
            return 0.0
        metric = METRICS[self.outcomes[0].metric]
        values = metric.sign * np.array(usable)
        best = float(values.max())
        least = best - (CLOSE_POINTS if metric.is_fraction else CLOSE_RATIO * abs(best))
        return int((values >= least).sum()) / len(self.outcomes)

    def marginal_best(self, path: str) -> tuple[TrialOutcome, ...]:
        """For each value of one setting the best trial over all others, in the order of values."""
        by_value: dict[str, list[TrialOutcome]] = {}
        for outcome in self.outcomes:
            by_value.setdefault(label({path: outcome.trial.settings[path]}), []).append(outcome)
        best = [min(outcomes, key=lambda outcome: outcome.rank) for outcomes in by_value.values()]
        values = [outcome.trial.settings[path] for outcome in best]
        if all(is_number(value) for value in values):
            best.sort(key=lambda outcome: outcome.trial.settings[path])
        return tuple(best)


@dataclass(frozen=True, eq=False)
class TuningOutcome:
    """A tuning as far as it is known."""

    study: Study
    tune: Tuning
    networks: tuple[NetworkTuning, ...]
    trials: tuple[Trial, ...]
    """All that are to be trained as far as can be told, those that are finished among them."""
    rounds: tuple[Round, ...]
    """Of the first network; the others differ at most in their steps."""

    @property
    def is_complete(self) -> bool:
        """Whether every network has its settings chosen."""
        return all(network.chosen is not None for network in self.networks)

    @property
    def chosen(self) -> Mapping[str, Settings]:
        """The settings of every network that has them chosen."""
        return {n.network: n.chosen.trial.settings for n in self.networks if n.chosen is not None}

    @property
    def flops(self) -> int:
        """Of training all trials that are finished."""
        return sum(network.flops for network in self.networks)

    @property
    def seconds(self) -> float:
        """Of training all trials that are finished."""
        return sum(network.seconds for network in self.networks)

    @property
    def settings_tried(self) -> int:
        """By each network."""
        return self.rounds[0].settings

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The settings that are tuned."""
        return tuple(self.tune.space)

    def declared(self, network: str, path: str) -> Any:
        """The value that a network has now: the chosen one once it is chosen."""
        return at(self.study.networks[network].model_dump(mode="json"), path.split("."))


def tuning_results(results: Results) -> Results | None:
    """The trials of a study that was tuned, None where there are none."""
    if results.folder is None or results.study.tune is None:
        return None
    folder = results.folder / TUNING_FOLDER
    return Results.open(folder) if has_records(folder) else None


def read_tuning(results: Results) -> TuningOutcome | None:
    """The tuning that came before some results, None where there was none."""
    trials = tuning_results(results)
    return None if trials is None else tuning_of(results.study, trials)


def tuning_of(study: Study, results: Results | None) -> TuningOutcome:
    """Judge the trials of a tuned study, round by round, as far as they are trained.

    results: of the trials; None before there are any. It depends on validation rows alone.
    Raises ValueError for a study that tunes nothing.
    """
    tune, tuned = study.tune, tuned_networks(study)
    if tune is None or not tuned:
        raise ValueError("expected a study with tuned networks")
    judge = _Judge(tune.metric, results)
    first = next(iter(tuned.values()))
    rounds = rounds_of(tune, first, len(candidates(tune, first)))
    entered = {name: tuple(range(rounds[0].settings)) for name in tuned}
    trials: list[Trial] = []
    by_round: list[Mapping[str, tuple[TrialOutcome, ...]]] = []
    for index in range(len(rounds)):
        its = trials_of_round(study, index, entered)
        trials += its
        outcomes = judge.by_network(its)
        by_round.append(outcomes)
        is_tried = all(outcome.is_tried for one in outcomes.values() for outcome in one)
        if not is_tried:
            break
        if index + 1 < len(rounds):
            kept = rounds[index + 1].settings
            entered = {name: best_of(one, kept) for name, one in outcomes.items()}
    is_complete = is_tried and len(by_round) == len(rounds)
    networks = []
    for name in by_round[0]:
        own = tuple(outcomes[name] for outcomes in by_round)
        chosen = min(own[-1], key=lambda outcome: outcome.rank) if is_complete else None
        edges = () if chosen is None else tuple(_at_edge(chosen, own[0]))
        networks.append(NetworkTuning(name, own, chosen, edges))
    return TuningOutcome(study, tune, tuple(networks), tuple(trials), rounds)


def best_of(outcomes: Sequence[TrialOutcome], count: int) -> tuple[int, ...]:
    """The numbers of the best trials, in their order."""
    ranked = sorted(outcomes, key=lambda outcome: outcome.rank)
    return tuple(sorted(outcome.trial.number for outcome in ranked[:count]))


def _at_edge(chosen: TrialOutcome, outcomes: Sequence[TrialOutcome]) -> Iterator[str]:
    for path, value in chosen.trial.settings.items():
        tried = [outcome.trial.settings[path] for outcome in outcomes]
        if not all(is_number(one) for one in tried) or len(set(tried)) < FEWEST_FOR_EDGE:
            continue
        if value in (min(tried), max(tried)):
            yield path


def is_number(value: Any) -> bool:
    """Whether a value lies on a scale."""
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class _Judge:
    """Reads the scores of trials from their results."""

    metric: MetricName
    results: Results | None

    @cached_property
    def _runs(self) -> dict[tuple[str, int], Run]:
        return {} if self.results is None else {(r.network, r.seed): r for r in self.results.runs}

    @cached_property
    def _failed(self) -> set[tuple[str, int]]:
        failures = () if self.results is None else self.results.failures
        return {(failure.network, failure.seed) for failure in failures}

    def by_network(self, trials: Sequence[Trial]) -> dict[str, tuple[TrialOutcome, ...]]:
        found: dict[str, list[TrialOutcome]] = {}
        for trial in trials:
            found.setdefault(trial.network, []).append(self._outcome(trial))
        return {name: tuple(outcomes) for name, outcomes in found.items()}

    def _outcome(self, trial: Trial) -> TrialOutcome:
        seeds = trial.declared.seeds
        runs = tuple(self._run(trial, seed) for seed in seeds)
        scores, losses = (
            np.array([self._score(trial, *each, metric) for each in zip(seeds, runs, strict=True)])
            for metric in (self.metric, "loss")
        )
        return TrialOutcome(trial, self.metric, scores, losses, runs)

    def _run(self, trial: Trial, seed: int) -> Run | None:
        """The run of a trial; one of the same name that was declared otherwise is another's."""
        recorded = self.results.study.networks.get(trial.name) if self.results else None
        same = (
            recorded is not None
            and recorded.model_copy(update={"seeds": trial.declared.seeds}) == trial.declared
        )
        return self._runs.get((trial.name, seed)) if same else None

    def _score(self, trial: Trial, seed: int, run: Run | None, metric: MetricName) -> float:
        worst = -METRICS[metric].sign * math.inf
        if run is None:
            return worst if (trial.name, seed) in self._failed else math.nan
        assert self.results is not None
        value = metric_of_run(
            FinalMetric(final=metric, split="validation"), run, self.results.study
        )
        return value if math.isfinite(value) else worst


def tuning_table(results: Results) -> pd.DataFrame:
    """Every trial, tidy: a row a network, trial, tuned setting and seed, in `COLUMNS`.

    `trial` counts the settings from 0, the same for every network; `score` is the metric on
    validation rows at the last `step`; `status` is finished, diverged, failed or missing.
    """
    import pandas as pd

    tuning = read_tuning(results)
    rows = [] if tuning is None else list(_rows(tuning))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    counts = ["trial", "round", "seed", "step", "training_flops"]
    table[counts] = table[counts].astype("Int64")
    return table


def _rows(tuning: TuningOutcome) -> Iterator[dict[str, Any]]:
    for network in tuning.networks:
        chosen = None if network.chosen is None else network.chosen.trial.number
        for outcomes in network.rounds:
            for outcome in outcomes:
                for path, value in outcome.trial.settings.items():
                    for index, run in enumerate(outcome.runs):
                        yield {
                            "study": tuning.study.name,
                            "network": network.network,
                            "setting": path,
                            "value": value,
                            "chosen": outcome.trial.number == chosen,
                            **_seed_row(outcome, index, run),
                        }


def _seed_row(outcome: TrialOutcome, index: int, run: Run | None) -> dict[str, Any]:
    trial, score = outcome.trial, float(outcome.scores[index])
    if run is None:
        status = "missing" if math.isnan(score) else "failed"
    else:
        status = "finished" if run.diverged_at is None else "diverged"
    return {
        "trial": trial.number,
        "round": trial.round,
        "seed": trial.declared.seeds[index],
        "step": trial.declared.training.steps if run is None else run.stopped_at,
        "metric": f"validation_{outcome.metric}",
        "score": score if math.isfinite(score) else math.nan,
        "status": status,
        "training_flops": None if run is None else _flops(run, trial),
        "seconds": math.nan if run is None else run.seconds,
    }
