"""The Python face: load a study, run it, and have its results as tables, networks and a report.

from mlplab import Study
results = Study.load("study.json").run()   # or Study.for_table(frame, target="species").run()
results.summary()                          # one row a network and seed
results.curves()                           # every measured value, tidy
results.predict("config1", 0, inputs)      # logits
results.answers()                          # the study's questions, answered
results.choice().chosen                    # the network that the study's rule takes
results.report()                           # the path of the page
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlplab.declarations import study as declarations
from mlplab.declarations.initial_weights import Recorded
from mlplab.declarations.loading import load, starting_from, until_decided
from mlplab.declarations.problems import did_you_mean, quoted, refuse, shown
from mlplab.declarations.table_options import TableOptions
from mlplab.records import export
from mlplab.records.results import Results

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from distributed import Client

    from mlplab.analysis.choice.best import NoChoice
    from mlplab.analysis.choice.rule import Choice
    from mlplab.analysis.questions.answers import Answers
    from mlplab.declarations.choice import ChoiceRule
    from mlplab.declarations.task import TaskName
    from mlplab.figures.figure import Figure
    from mlplab.model.model import Model
    from mlplab.runner.cluster import Cluster
    from mlplab.runner.estimate import Estimate
    from mlplab.runner.events import OnEvent
    from mlplab.splits import Baseline, Splits

DEFAULT_OUT = Path("runs")


@dataclass(frozen=True, eq=False, repr=False)
class StudyResults(Results):
    """Results that can be reported and exported."""

    def report(
        self,
        *,
        figures: Collection[str] = (),
        on_figure: Callable[[int, int], None] | None = None,
    ) -> Path:
        """Write the report into the results folder and return the path of its page.

        Args:
            figures: the kinds of files to be written of every figure: svg, png and csv.
            on_figure: is told how many figures are drawn, and of how many.
        """
        from mlplab.report.write import write

        if self.folder is None:
            raise ValueError("these results were not read from a folder, so they have no report")
        return write(self, self.folder, figures=figures, on_figure=on_figure)

    @cached_property
    def figures(self) -> Mapping[str, Figure]:
        """The report's figures by their names; a notebook shows one that stands at a cell's end."""
        from mlplab.report.chapters import chapters_of
        from mlplab.report.context import Context

        chapters = chapters_of(Context(self))
        return {figure.name: figure for chapter in chapters for figure in chapter.figures}

    def figure(self, name: str) -> Figure:
        """One figure of the report: its `chart` for Altair, its `table` of numbers, its `caption`.

        Raises:
            BadInput: there is none of that name.
        """
        found = self.figures.get(name)
        if found is None:
            refuse(
                "figure",
                expected=f"one of {quoted(self.figures, limit=100)}",
                received=shown(name),
                hint=did_you_mean(name, self.figures),
            )
        return found

    def _repr_html_(self) -> str:
        from mlplab.notebook import results_html

        return results_html(self)

    def answers(self) -> Answers:
        """The study's questions, answered: verdict, effect, interval and sentence of each."""
        from mlplab.analysis.questions.answers import answer_questions

        return answer_questions(self)

    def splits(self, network: str | None = None, seed: int | None = None) -> Splits:
        """Inputs and classes of the training, validation and test rows, as a network got them.

        Args:
            network: its name; the first of the study by default.
            seed: of which repetition, where the data are split repeatedly; the first by default.

        Raises:
            BadInput: there is no such network, or its data can no longer be read.
        """
        from mlplab.splits import splits_of

        name = next(iter(self.study.networks)) if network is None else network
        self.network(name)
        return splits_of(self.study, name, seed)

    def baseline(self, estimator: Any, network: str | None = None) -> Baseline:
        """Fit a scikit-learn estimator to the rows of a network, and measure it as the network.

        Args:
            estimator: for example `LogisticRegression(max_iter=1000)`, or of a quantity
                `LinearRegression()`; a copy of it is fitted.
            network: whose rows; those of the first network by default.

        Raises:
            BadInput: as `splits`; or it is no estimator.
        """
        from mlplab.splits import baseline_on

        return baseline_on(self.splits(network), estimator)

    def open_set(self) -> pd.DataFrame:
        """Every measure on unknown classes: study,network,seed,split,detector,metric,value."""
        from mlplab.analysis.open_set.table import open_set_table

        return open_set_table(self)

    def choice(self, rule: ChoiceRule | None = None) -> Choice | NoChoice:
        """Which network a rule takes, by default the study's own: its `chosen`, how every
        candidate compares with the best, and what it costs; or a `reason` why there is no choice.
        """
        from mlplab.analysis.choice.rule import choose

        return choose(self, rule)

    def model(self, network: str | None = None, seeds: int | Literal["all"] = "all") -> Model:
        """A network in use: `predict`, `predict_proba`, `save`; see `mlplab.load_model`.

        Args:
            network: its name; None for the one that the study's rule takes, else the best so far.
            seeds: one of them, or all, whose answers are averaged.

        Raises:
            BadInput: no such network, or nothing of it is finished.
        """
        from mlplab.model.from_results import model_of

        return model_of(self, network, seeds)

    def tuning(self) -> pd.DataFrame:
        """Every trial of a tuned study; see `mlplab.analysis.tuning.tuning_table`."""
        from mlplab.analysis.tuning import tuning_table

        return tuning_table(self)

    def export(
        self,
        *,
        curves: str | Path | None = None,
        summary: str | Path | None = None,
        open_set: str | Path | None = None,
        tuning: str | Path | None = None,
    ) -> None:
        """Write tables as CSV, or as Parquet where a file's ending says so.

        Raises:
            BadInput: a file cannot be written.
        """
        if curves is not None:
            export.export_curves(self, curves)
        if summary is not None:
            export.export_summary(self, summary)
        if open_set is not None:
            export.export_table(self.open_set, open_set)
        if tuning is not None:
            export.export_table(self.tuning, tuning)


@dataclass(frozen=True, repr=False)
class Study:
    """A study that is ready to run."""

    declaration: declarations.Study

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        overrides: Iterable[str] = (),
        select: Sequence[str] = (),
        seeds: int | None = None,
    ) -> Study:
        """Read and check a study file, a folder of configuration files, or a shipped study.

        Args:
            path: a file or folder, or the name of a shipped study.
            overrides: texts such as "training.steps=500".
            select: names of the networks to keep; none keeps all.
            seeds: a number of seeds instead of the study's own.

        Raises:
            BadInput: with every problem at once.
        """
        return cls(load(path, overrides=overrides, select=select, seeds=seeds))

    @classmethod
    def for_table(
        cls,
        table: str | Path | pd.DataFrame | pa.Table,
        target: str | int,
        *,
        ignore: Sequence[str | int] = (),
        missing: Sequence[str | int | float] = (),
        task: TaskName | None = None,
        name: str | None = None,
        overrides: Iterable[str] = (),
    ) -> Study:
        """Make a sensible study of a table: a linear network, one and two layers of three widths.

        Args:
            table: the path of a file, or a pandas or Arrow table.
            target: the column to be predicted: its name, or its position from 1.
            ignore: columns to leave out.
            missing: values that stand for a missing one, besides the usual words.
            task: classification or regression; None to tell from the target.
            name: of the study; None for those of the file and the target.
            overrides: texts such as "training.epochs=5".

        Raises:
            BadInput: with every problem at once.
        """
        from mlplab.table_study import study_of_table

        options = TableOptions(target, ignore, missing, task)
        return cls(study_of_table(table, options, name=name, overrides=tuple(overrides)))

    def until_decided(self) -> Study:
        """The same study with its seeds as the least: `run` adds more until questions are decided.

        Raises:
            BadInput: it has no questions, or other seeds than 0 to N-1.
        """
        return Study(until_decided(self.declaration))

    def starting_from(self, run: str | Path) -> Study:
        """The study whose networks begin with the weights that a run of other results ended with.

        Training goes on on the same data, or begins on others, whose classes have a last layer of
        their own. `"initial_weights": {"distribution": "recorded", …}` says it for one network.

        Args:
            run: a results folder with networks of the same names, or with one network.

        Raises:
            BadInput: a tuned study.
        """
        return Study(starting_from(self.declaration, Path(run)))

    def __repr__(self) -> str:
        runs = sum(len(network.seeds) for network in self.declaration.networks.values())
        return f"Study({self.name!r}, {len(self.networks):,} networks, {runs:,} runs)"

    @property
    def name(self) -> str:
        """The name, which is also that of its results folder."""
        return self.declaration.name

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of its networks."""
        return tuple(self.declaration.networks)

    def run(
        self,
        out: str | Path = DEFAULT_OUT,
        *,
        only: Collection[str] | None = None,
        device: str = "auto",
        precision: str = "float32",
        fail_fast: bool = False,
        cluster: Client | str | None = None,
        unencrypted: bool = False,
        on_event: OnEvent | None = None,
    ) -> StudyResults:
        """Train what is missing and return all results; they lie in `out/<study name>/`.

        A study with `tune` has its settings chosen first, by trials in `out/<study name>/tuning/`.

        Args:
            out: the folder of results folders.
            only: the names of the networks to train, where not all; the others keep what they have.
            device: auto, cpu or cuda.
            precision: of products, float32 or bfloat16.
            fail_fast: stop at the first network that cannot be trained.
            cluster: whose workers train: a Dask client, the address of a scheduler such as
                tls://host:8786, or local:4 for four processes here. None for threads of this one.
            unencrypted: take a tcp:// address of another machine all the same.
            on_event: is told of every event of `mlplab.runner.events`.

        Raises:
            BadInput: data, device or folder that cannot be used.
        """
        from mlplab.runner.cluster import connected

        with connected(cluster, unencrypted=unencrypted) as workers:
            return self._run_on(workers, out, only, device, precision, fail_fast, on_event)

    def _run_on(
        self,
        workers: Cluster | None,
        out: str | Path,
        only: Collection[str] | None,
        device: str,
        precision: str,
        fail_fast: bool,
        on_event: OnEvent | None,
    ) -> StudyResults:
        from mlplab.notebook import watched_in_notebook
        from mlplab.runner.live import also_watched
        from mlplab.runner.run import ignore_event, run
        from mlplab.tuning import RunOptions, tune
        from mlplab.until_decided import record_looks, run_in_rounds

        folder, declaration = Path(out) / self.name, self.declaration
        _refuse_own_weights(declaration, folder)
        on_event = _each_announcement_once(watched_in_notebook(on_event))
        if declaration.open_set:
            _check_unknowns(declaration, on_event)
        if declaration.tune is not None:
            options = RunOptions(str(device), str(precision), fail_fast, workers)
            declaration = tune(declaration, folder, options, on_event)
        watched = also_watched(folder, on_event or ignore_event)

        def train(study: declarations.Study) -> StudyResults:
            results = _with_report(
                run(
                    study,
                    folder,
                    only=only,
                    device=device,
                    precision=precision,
                    fail_fast=fail_fast,
                    cluster=workers,
                    on_event=on_event,
                )
            )
            if study.open_set:
                _test_on_unknown(results, watched)
            return results

        if declaration.until_decided is None:
            results = train(declaration)
            record_looks(results)
        else:
            results = run_in_rounds(declaration, folder, train, only=only, on_event=watched)
        _fit_usual_methods(results, watched)
        return results

    def plan(
        self,
        out: str | Path = DEFAULT_OUT,
        *,
        device: str = "auto",
        precision: str = "float32",
    ) -> Estimate:
        """Foresee what `run` would do: sizes, FLOPs, time, disk, and what is already there."""
        from mlplab.tuning import RunOptions, foresee

        options = RunOptions(str(device), str(precision))
        return foresee(self.declaration, Path(out) / self.name, options)


def _refuse_own_weights(study: declarations.Study, folder: Path) -> None:
    """A study that begins with the weights of its own results would begin elsewhere every time."""
    for name, network in study.networks.items():
        weights = network.initial_weights
        if (
            isinstance(weights, Recorded)
            and (study.folder / weights.run).resolve() == folder.resolve()
        ):
            refuse(
                f"networks.{name}.initial_weights.run",
                expected="another results folder than the one that is written to",
                received=str(folder),
                hint="write elsewhere: --out DIR, or give the study another name",
            )


def _each_announcement_once(on_event: OnEvent | None) -> OnEvent | None:
    """What is said about the data is not said again in every round."""
    from mlplab.runner.events import DataAnnounced, Event

    if on_event is None:
        return None
    said, tell = set[Event](), on_event

    def told(event: Event) -> None:
        if not isinstance(event, DataAnnounced):
            tell(event)
        elif event not in said:
            said.add(event)
            tell(event)

    return told


def _check_unknowns(declaration: declarations.Study, on_event: OnEvent | None) -> None:
    """Refuse data that could not be tested as unknown, while nothing is trained yet."""
    from mlplab.analysis.open_set.rows import check_unknowns
    from mlplab.runner.events import DataAnnounced

    def announce(text: str) -> None:
        if on_event is not None:
            on_event(DataAnnounced(text))

    check_unknowns(declaration, announce)


def _test_on_unknown(results: StudyResults, on_event: OnEvent | None) -> None:
    """Make the tests on unknown classes that are not kept yet."""
    from mlplab.analysis.open_set.evaluating import evaluate
    from mlplab.runner.events import UnknownsTested

    def progress(network: str, seed: int, done: int, of: int) -> None:
        if on_event is not None:
            on_event(UnknownsTested(network, seed, done, of))

    evaluate(results, progress)


def _fit_usual_methods(results: StudyResults, on_event: OnEvent | None) -> None:
    """Fit the usual methods of scikit-learn on the rows of tables, where that is not kept yet."""
    from mlplab.runner.events import PhaseStarted
    from mlplab.usual_methods import fit_usual_methods

    def announce(text: str) -> None:
        if on_event is not None:
            on_event(PhaseStarted(text))

    fit_usual_methods(results, announce)


def open_results(folder: str | Path) -> StudyResults:
    """Read the results of the study that was last run in a results folder.

    Raises:
        BadInput: the folder holds no records.
    """
    return _with_report(Results.open(folder))


def _with_report(results: Results) -> StudyResults:
    values: dict[str, Any] = {
        field.name: getattr(results, field.name) for field in fields(results) if field.init
    }
    return StudyResults(**values)
