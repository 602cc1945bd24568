"""From the words of a command line to a checked study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlplab.commands.failure import require_memory
from mlplab.declarations.table_options import TableOptions
from mlplab.words import count

if TYPE_CHECKING:
    from mlplab.declarations.study import Study

_TABLES = frozenset(
    (".csv", ".tsv", ".txt", ".data", ".parquet", ".feather", ".arrow", ".xlsx", ".xlsm", ".gz")
)

_NO_TABLE = TableOptions()


def read(
    study: str,
    networks: Sequence[str] | None = None,
    overrides: Sequence[str] | None = None,
    seeds: int | None = None,
    table: TableOptions = _NO_TABLE,
    until_decided: bool = False,
    begin_from: Path | None = None,
) -> Study:
    """Read and check the study that was meant; raises `BadInput` with every problem.

    table: with a target the study is made of the table whose path is given. until_decided: whether
    its seeds are the least, to which others are added. begin_from: a results folder with whose weights
    its networks begin.
    """
    if begin_from is not None:
        from mlplab.declarations.loading import starting_from

        own = read(study, networks, overrides, seeds, table, until_decided)
        return starting_from(own, begin_from)
    if until_decided:
        from mlplab.declarations import loading

        return loading.until_decided(read(study, networks, overrides, seeds, table))
    if table.target is None:
        _require_no_table(study, table)
        from mlplab.declarations.loading import load

        return load(study, overrides=overrides or (), select=networks or (), seeds=seeds)
    require_memory()
    from mlplab.table_study import study_of_table

    return study_of_table(
        study, table, overrides=overrides or (), select=networks or (), seeds=seeds
    )


def _require_no_table(study: str, table: TableOptions) -> None:
    """Refuse a table whose target is not named, and options of a table without one."""
    from mlplab.declarations.problems import BadInput, Problem

    given = [f"--{key}" for key in table.as_data()]
    path = Path(study)
    if path.suffix.lower() in _TABLES and path.is_file():
        raise BadInput(
            Problem(
                "",
                "a study file, or a table with --target COLUMN, the column to be predicted",
                f"the table {path.name} alone",
                f"mlplab data describe {study} shows its columns",
            )
        )
    if given:
        raise BadInput(
            Problem(
                given[0],
                "--target COLUMN beside it, and a table in the place of the study",
                "no --target",
                'in a study file these stand in "data"',
            )
        )


def runs_of(study: Study) -> int:
    """How many networks × seeds a study has."""
    return sum(len(network.seeds) for network in study.networks.values())


def extent(study: Study) -> str:
    """How much there is to train: 16 networks × 10 seeds."""
    counts = {len(network.seeds) for network in study.networks.values()}
    networks = count(len(study.networks), "network")
    if study.until_decided is not None:
        most = count(study.until_decided.at_most, "seed")
        return f"{networks} × {min(counts):,} to {most}, until the questions are decided"
    if len(counts) == 1:
        return f"{networks} × {count(counts.pop(), 'seed')}"
    return f"{networks}, {count(runs_of(study), 'run')} with their own seeds"


def print_audits(study: Study) -> None:
    """Say of each question what differs between its networks; the same words are said once."""
    if not study.questions:
        return
    from mlplab.declarations.checking.audit import audit_study

    said: dict[tuple[str, ...], int] = {}
    for number, (question, audit) in enumerate(
        zip(study.questions, audit_study(study), strict=True), start=1
    ):
        print(f"question {number}: {question.ask}")
        first = said.setdefault(audit.sentences, number)
        for sentence in audit.sentences if first == number else (f"As of question {first}.",):
            print(f"  {sentence}")
