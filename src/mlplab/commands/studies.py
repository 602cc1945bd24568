"""From the words of a command line to a checked study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlplab.words import count

if TYPE_CHECKING:
    from mlplab.declarations.study import Study


def read(
    study: str,
    networks: Sequence[str] | None = None,
    overrides: Sequence[str] | None = None,
    seeds: int | None = None,
) -> Study:
    """Read and check the study that was meant; raises `BadInput` with every problem."""
    from mlplab.declarations.loading import load

    return load(study, overrides=overrides or (), select=networks or (), seeds=seeds)


def runs_of(study: Study) -> int:
    """How many networks × seeds a study has."""
    return sum(len(network.seeds) for network in study.networks.values())


def extent(study: Study) -> str:
    """How much there is to train: 16 networks × 10 seeds."""
    counts = {len(network.seeds) for network in study.networks.values()}
    networks = count(len(study.networks), "network")
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
