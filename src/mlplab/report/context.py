"""What every chapter is given: the results, and what is derived from them once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from mlplab.analysis.calibration import CalibrationOverSeeds, calibration_over_seeds
from mlplab.analysis.choice.best import Best, NoChoice
from mlplab.analysis.choice.rule import Choice, choose
from mlplab.analysis.questions.answers import Answer, answer_questions
from mlplab.analysis.tuning import TuningOutcome, read_tuning
from mlplab.declarations.task import METRICS, Metric
from mlplab.figures import published
from mlplab.figures.ensemble import runs_by_network
from mlplab.figures.final_values import Finals, finals
from mlplab.figures.published import PublishedStudy
from mlplab.metrics.classification import Evaluation
from mlplab.metrics.regression import RegressionEvaluation
from mlplab.records.results import Results, Run
from mlplab.words import from_to, middle_cut

MOST_ROWS = 50
"""Beyond so many networks a table holds the best and the worst, and says so."""
MOST_PICTURED = 20
"""Beyond so many networks only the best get their own ROC curves and confusion matrix."""
PICTURED_OF_MANY = 5


LONGEST_NAME = 60


def with_short_names(evaluation: Evaluation) -> Evaluation:
    """The evaluation with names of classes that fit a table: longer ones are cut in their middle,
    and numbered where that makes them alike."""
    names = evaluation.class_names
    if max(map(len, names), default=0) <= LONGEST_NAME:
        return evaluation
    short, taken = [], set[str]()
    for index, name in enumerate(names):
        cut = middle_cut(name, LONGEST_NAME)
        short.append(f"{cut} ({index + 1})" if cut in taken else cut)
        taken.add(cut)
    return replace(evaluation, class_names=tuple(short))


@dataclass(frozen=True, eq=False)
class Context:
    """Results, with what several chapters need of them."""

    results: Results

    @cached_property
    def runs(self) -> Mapping[str, Sequence[Run]]:
        """Finished runs of each network that has any."""
        return runs_by_network(self.results)

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """The study's questions, answered, in their order."""
        return answer_questions(self.results)

    @cached_property
    def chosen(self) -> Choice | NoChoice:
        """The network that the stated rule takes, or why it takes none."""
        return choose(self.results)

    @cached_property
    def tuning(self) -> TuningOutcome | None:
        """The trials that chose settings; None for a study that tunes nothing."""
        return read_tuning(self.results)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row a network and seed."""
        return self.results.summary()

    @property
    def metric(self) -> Metric:
        """By which networks are ranked and chosen."""
        study = self.results.study
        return METRICS[study.choice.metric or study.task.main]

    @cached_property
    def ranking(self) -> Finals | None:
        """The metric that decides, on test rows at the end, best first; None where nothing was
        measured.

        Networks that know only some classes stand in the chapter on unknown ones: their results are
        of other test rows.
        """
        return finals(self._comparable, "test", self.metric.name)

    @cached_property
    def _comparable(self) -> pd.DataFrame:
        return self.summary[self.summary["network"].isin(self._whole)]

    @cached_property
    def _whole(self) -> frozenset[str]:
        """The networks that know all classes."""
        networks = self.results.study.networks
        return frozenset(name for name, network in networks.items() if network.roles is None)

    @cached_property
    def choice(self) -> Finals | None:
        """The values by which networks are ranked: on validation rows where all have them, else
        on test rows."""
        found = finals(self._comparable, "validation", self.metric.name)
        ranking = self.ranking
        if found is None or ranking is None or set(found.networks) != set(ranking.networks):
            return ranking
        return found

    @property
    def best(self) -> Best | None:
        """Which network is the best and which others may be, as the choice has it; None where too
        little is known to compare them."""
        return self.chosen.found if isinstance(self.chosen, Choice) else None

    @property
    def leading(self) -> str | None:
        """The network of the best mean: of those compared, else of all that have one."""
        if self.best is not None:
            return self.best.leader
        return self.choice.networks[0] if self.choice else None

    @cached_property
    def facts(self) -> PublishedStudy | None:
        """The published study that these results are held against."""
        name = self.results.study.compare_with
        return published.load(name) if name else None

    @cached_property
    def pictured(self) -> tuple[str, ...]:
        """Networks whose evaluation is shown in full, best first."""
        if self.ranking is None:
            return ()
        names = self.ranking.networks
        return names if len(names) <= MOST_PICTURED else names[:PICTURED_OF_MANY]

    @cached_property
    def tabled(self) -> tuple[str, ...]:
        """Networks that a table shows, best first: all, or the best and the worst of many."""
        if self.ranking is None:
            return ()
        names = self.ranking.networks
        if len(names) <= MOST_ROWS:
            return names
        return (*names[: MOST_ROWS - 10], *names[-10:])

    def evaluations(self, network: str) -> list[tuple[Run, Evaluation]]:
        """The runs of a classifier that did not diverge, with their evaluations."""
        return [
            (run, with_short_names(run.evaluation))
            for run in self.runs.get(network, ())
            if run.diverged_at is None and isinstance(run.evaluation, Evaluation)
        ]

    def predictions(self, network: str) -> list[tuple[Run, RegressionEvaluation]]:
        """The runs of a network of regression that did not diverge, with their evaluations."""
        return [
            (run, run.evaluation)
            for run in self.runs.get(network, ())
            if run.diverged_at is None and isinstance(run.evaluation, RegressionEvaluation)
        ]

    def calibration(self, network: str) -> CalibrationOverSeeds | None:
        """Of a network; raises BadInput where it must be measured again and cannot."""
        if self.results.folder is None and any(
            evaluation.calibration is None for _, evaluation in self.evaluations(network)
        ):
            return None
        return calibration_over_seeds(self.results, network)

    @cached_property
    def seeds(self) -> tuple[int, int]:
        """The fewest and the most finished runs of a network that knows all classes, if any does."""
        counted = self._whole & self.runs.keys() or self.runs.keys()
        counts = [len(self.runs[name]) for name in counted] or [0]
        return min(counts), max(counts)

    @property
    def seeds_in_words(self) -> str:
        """3 seeds, 3 to 5 seeds."""
        return f"{from_to(self.seeds)} seed{'' if self.seeds[1] == 1 else 's'}"
