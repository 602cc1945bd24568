"""The results of a study, read from its records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mlplab.declarations.network import Network
from mlplab.declarations.problems import did_you_mean, refuse
from mlplab.declarations.study import Study
from mlplab.declarations.task import REGRESSION
from mlplab.records import runs as stored
from mlplab.records.database import decoding, has_records, reading
from mlplab.records.stacks import failures, weights_file
from mlplab.records.studies import Member, has_begun, read_study
from mlplab.words import quoted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlplab.data.fitted import Preparation
    from mlplab.metrics.evaluation import AnyEvaluation
    from mlplab.networks.weights import LayerWeights

TUNING_FOLDER = "tuning"
"""Within a results folder: that of a tuned study's trials."""


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One network and seed that is finished."""

    network: str
    seed: int
    key: str
    steps: np.ndarray
    """(evaluation,) int64."""
    curves: Mapping[tuple[str, str], np.ndarray]
    """(split, metric) → (evaluation,) float64; NaN where not measured."""
    diverged_at: int | None
    """The first step at which a value was not finite."""
    stopped_at: int
    """The last step trained."""
    seconds: float
    """Training time attributed to this network."""
    evaluation: AnyEvaluation | None
    """On the test part; None when diverged."""
    layers: tuple[int, ...] = ()
    """Units from input to output."""

    def __repr__(self) -> str:
        end = "stopped" if self.diverged_at is None else "diverged"
        step = self.stopped_at if self.diverged_at is None else self.diverged_at
        return f"Run({self.network!r}, seed {self.seed}, {end} at step {step:,})"


@dataclass(frozen=True)
class Failure:
    """One network and seed that could not be trained, and the log of why."""

    network: str
    seed: int
    log: str

    @property
    def reason(self) -> str:
        """The last line of the log."""
        lines = self.log.strip().splitlines()
        return lines[-1] if lines else "unknown"


@dataclass(frozen=True, eq=False, repr=False)
class Results:
    """What is known of a study: its finished runs, and what is missing."""

    study: Study
    runs: tuple[Run, ...]
    """By network as in the study, then by seed."""
    missing: tuple[Member, ...]
    """Network and seed of what is not finished."""
    environment: Mapping[str, str]
    """Versions, hardware, precision and device of the last run."""
    folder: Path | None = None
    failures: tuple[Failure, ...] = ()
    """Of the missing, those that were tried in vain."""

    @cached_property
    def _by_member(self) -> Mapping[Member, Run]:
        return {(run.network, run.seed): run for run in self.runs}

    def __repr__(self) -> str:
        runs = f"{len(self.runs):,} of {len(self.runs) + len(self.missing):,} runs finished"
        networks = f"{len(self.study.networks):,} networks"
        return f"{type(self).__name__}({self.study.name!r}, {networks}, {runs}, {self.folder})"

    @classmethod
    def open(cls, folder: str | Path) -> Results:
        """Read the study that was last run in a results folder.

        Raises:
            BadInput: the folder holds no records.
        """
        folder = Path(folder)
        with reading(folder) as connection, decoding(folder, "a run"):
            recorded = read_study(connection, folder)
            records = stored.read_runs(connection, recorded.members.values())
            logs = failures(connection)
        missing = [member for member, key in recorded.members.items() if key not in records]
        contents = _Contents(folder, records)
        return cls(
            study=recorded.study,
            runs=tuple(
                _StoredRun(member, records[key], contents)
                for member, key in recorded.members.items()
                if key in records
            ),
            missing=tuple(missing),
            environment={
                **recorded.environment,
                "precision": recorded.precision,
                "device": recorded.device,
            },
            folder=folder,
            failures=tuple(
                Failure(*member, logs[recorded.members[member]])
                for member in missing
                if recorded.members[member] in logs
            ),
        )

    def run(self, network: str, seed: int) -> Run:
        """Return the run of a network and a seed.

        Raises:
            BadInput: there is no such network, or it is not finished for that seed.
        """
        declared = self.network(network)
        found = self._by_member.get((network, seed))
        if found is None:
            done = [str(run.seed) for run in self.runs if run.network == network]
            refuse(
                f"{network}, seed {seed}",
                expected=f"a finished seed ({quoted(done, quote=False) or 'none yet'})",
                received=str(seed),
                hint=None if seed not in declared.seeds else "run the study",
            )
        return found

    def curves(self) -> pd.DataFrame:
        """Return every measured value, one a row: study,network,seed,step,split,metric,value."""
        from mlplab.records import tables

        return tables.curves(self)

    def summary(self) -> pd.DataFrame:
        """Return one row a network and seed: size, cost, fate, and final values by split."""
        from mlplab.records import tables

        return tables.summary(self)

    def weights(self, network: str, seed: int) -> LayerWeights:
        """Return one (kernel (in, out), bias (out,)) a layer, float32.

        `others` of what is returned holds tensors of normalisations and the like, by name.

        Raises:
            BadInput: the run is not finished, or its weights are gone.
        """
        from mlplab.records import weights

        path, run = self._weights_of(network, seed)
        return weights.load(path, run.key, len(run.layers) - 1, self.network(network).form)

    def centres(self, network: str, seed: int) -> np.ndarray | None:
        """Return the running class centres (class, unit) of a run, None if it kept none.

        Raises:
            BadInput: the run is not finished, or its weights are gone.
        """
        from mlplab.records import weights

        path, run = self._weights_of(network, seed)
        return weights.load_centres(path, run.key)

    def predict(
        self, network: str, seed: int, inputs: object, *, prepared: bool = False
    ) -> np.ndarray:
        """Return the outputs of rows as the data hold them, unscaled.

        Of classes the logits (row, output); of regression (row,), in the target's own unit.

        They become inputs as the training rows did, by what was fitted on these.

        Args:
            network: its name.
            seed: a finished one.
            inputs: (row, feature), or of a table a frame with its columns; see
                `Preparation.prepare_rows`.
            prepared: whether they are the network's inputs already, as `prepare` gives them.

        Raises:
            BadInput: the run is not finished, its weights are gone, or rows of other columns.
            ValueError: prepared inputs of another shape.
        """
        import numpy as np

        from mlplab.records.prediction import logits

        form = self.network(network).form
        layers = self.weights(network, seed)
        is_quantity = self.network(network).task is REGRESSION
        preparation = None
        if is_quantity or not prepared:
            preparation = self.preparation(network, seed)
        if preparation is not None and not prepared:
            inputs = preparation.prepare_rows(inputs)
        outputs = logits(layers, form, np.asarray(inputs))
        if is_quantity and preparation is not None:
            return preparation.in_unit(outputs[:, 0].astype(np.float64))
        return outputs

    def preparation(self, network: str, seed: int) -> Preparation:
        """Return what was fitted on the training rows of a run, by which new rows become inputs.

        Raises:
            BadInput: the run is not finished; or it was recorded by an mlplab that kept no
                preparation, and its data are not here to fit it again.
        """
        from mlplab.data.preparation import prepare
        from mlplab.records.preparations import load_preparation

        run, declared = self.run(network, seed), self.network(network)
        kept = None if self.folder is None else load_preparation(self.folder, run.key)
        if kept is not None:
            return kept
        data = prepare(declared.data_of(seed), self.study.folder, lambda line: None, declared.roles)
        return data.preparation

    def _weights_of(self, network: str, seed: int) -> tuple[Path, Run]:
        """Return the file of a run's weights, and the run."""
        run = self.run(network, seed)
        if not isinstance(run, _StoredRun):
            raise ValueError("these results were not read from a folder, so they have no weights")
        return weights_file(run.contents.folder, run.stack), run

    def network(self, name: str) -> Network:
        """Return the settings of a network.

        Raises:
            BadInput: the study has none of this name.
        """
        if name not in self.study.networks:
            known = tuple(self.study.networks)
            refuse(
                "",
                expected=f"a network of the study: {quoted(known)}",
                received=repr(name),
                hint=did_you_mean(name, known),
            )
        return self.study.networks[name]


class _Contents:
    """Curves and evaluations of a folder's runs, read when first asked for: all curves at once."""

    def __init__(self, folder: Path, records: Mapping[str, stored.RunRecord]) -> None:
        self.folder, self._records = folder, records

    def curves(self, key: str) -> Mapping[tuple[str, str], np.ndarray]:
        return self._curves.get(key, {})

    @cached_property
    def _curves(self) -> Mapping[str, Mapping[tuple[str, str], np.ndarray]]:
        with reading(self.folder) as connection, decoding(self.folder, "a curve"):
            found = stored.read_curves(connection, self._records)
            for key, curves in found.items():
                evaluations = len(self._records[key].steps)
                for numbers in curves.values():
                    if numbers.shape != (evaluations,):
                        raise ValueError(f"{numbers.size} values for {evaluations} evaluations")
            return found

    def evaluation(self, key: str) -> AnyEvaluation | None:
        with reading(self.folder) as connection:
            text = stored.read_evaluation(connection, key)
        from mlplab.metrics.evaluation import evaluation_from_json

        with decoding(self.folder, "an evaluation"):
            return None if text is None else evaluation_from_json(text)


class _StoredRun(Run):
    """A run of which curves and evaluation stay in the database until they are asked for."""

    def __init__(self, member: Member, record: stored.RunRecord, contents: _Contents) -> None:
        network, seed = member
        own = {"network": network, "seed": seed, "record": record, "contents": contents}
        self.__dict__.update(vars(record), **own)

    stack: str
    record: stored.RunRecord
    contents: _Contents

    @cached_property
    def steps(self) -> np.ndarray:
        with decoding(self.contents.folder, "a run"):
            return self.record.steps

    @cached_property
    def curves(self) -> Mapping[tuple[str, str], np.ndarray]:
        return self.contents.curves(self.key)

    @cached_property
    def evaluation(self) -> AnyEvaluation | None:
        return self.contents.evaluation(self.key)


def open_trials(folder: Path) -> Results | None:
    """Read the trials of the tuned study in a results folder; None where none has been begun.

    Raises:
        BadInput: there are trials, and they cannot be read.
    """
    trials = folder / TUNING_FOLDER
    return Results.open(trials) if has_records(trials) and study_has_begun(trials) else None


def study_has_begun(folder: Path) -> bool:
    """Whether a run has come to the networks of the study itself, which follow its tuning.

    Raises:
        BadInput: the folder holds no records.
    """
    with reading(folder) as connection:
        return has_begun(connection)
