"""A study whose seeds are added in rounds, until its questions are decided.

Every round is an ordinary run of the same study with more seeds for some of its networks, so what
is recorded is found, and a round that was stopped goes on where it was. Which seeds come next
depends on the records alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mlplab.analysis.questions.answers import Answer, Answers, answer_questions
from mlplab.declarations.resolving.arms import arms_of
from mlplab.declarations.seeds_needed import LEVEL, fewest_seeds
from mlplab.declarations.study import Study
from mlplab.records.database import has_records, reading
from mlplab.records.questions import LookMade, question_digest
from mlplab.records.results import Results
from mlplab.records.studies import has_begun, read_study
from mlplab.runner.events import OnEvent, RoundStarted
from mlplab.runner.run import write_down_looks

WORTH_IT = 0.5
"""A round is for the question that more seeds decide soonest, and for those that have at least this
part of its chance a second."""

_Results = TypeVar("_Results", bound=Results)


@dataclass(frozen=True)
class _Step:
    """What the next look at an open question takes."""

    seeds: Mapping[str, int]
    """Network → how many seeds it then has."""
    chance_a_second: float


def run_in_rounds(
    study: Study,
    folder: Path,
    train: Callable[[Study], _Results],
    *,
    only: Collection[str] | None = None,
    on_event: OnEvent | None = None,
) -> _Results:
    """Train a study, with more seeds for the networks of open questions after each round.

    train: trains what is missing of a study and gives what is known of it.
    only: the networks that may be trained; a question of others gets no more seeds.
    """
    study = _as_far_as_recorded(study, folder)
    number = 0
    while True:
        results = train(study)
        answers = answer_questions(results)
        record_looks(results, answers)
        allowed = set(study.networks if only is None else only)
        steps = [*_steps(results, answers, allowed - {name for name, _ in results.missing})]
        if not steps:
            return results
        best = max(step.chance_a_second for step in steps)
        chosen = [step for step in steps if step.chance_a_second >= WORTH_IT * best]
        number += 1
        wanted = Counter[str]()
        for step in chosen:
            wanted |= Counter(step.seeds)  # the larger of both
        if on_event is not None:
            added = sum(n - len(study.networks[name].seeds) for name, n in wanted.items())
            on_event(RoundStarted(number, len(steps), len(answers), len(wanted), added))
        study = _with_seeds(study, wanted)


def record_looks(results: Results, answers: Answers | None = None) -> None:
    """Write down with how many seeds each question was judged, and at which level.

    answers: where seeds are added in rounds; a fixed number of them is looked at once.
    """
    study = results.study
    if results.folder is None or not study.questions:
        return
    looks = [
        (question_digest(answer.question, study), look)
        for answer in answers or ()
        for look in (answer.looks.made if answer.looks else ())
    ]
    if answers is None:
        finished, alpha = Counter(r.network for r in results.runs), LEVEL / len(study.questions)
        for question in study.questions:
            seeds = min(finished[arm.network] for arm in arms_of(question, study))
            # With fewer it could not have been decided, so that the look cost nothing.
            if seeds >= fewest_seeds(question, alpha):
                looks.append((question_digest(question, study), LookMade(seeds, alpha)))
    write_down_looks(results.folder, looks)


def _steps(results: Results, answers: Answers, allowed: Set[str]) -> Iterator[_Step]:
    """The next look of every open question, with the seconds that it takes."""
    seconds = _seconds_a_seed(results)
    for answer in answers:
        if answer.looks is None or answer.looks.state != "open":
            continue
        seeds = _seeds_of_next_look(answer, results.study)
        if not seeds or not set(_networks(answer)) <= allowed:
            continue
        networks = results.study.networks
        cost = sum((n - len(networks[name].seeds)) * seconds[name] for name, n in seeds.items())
        yield _Step(seeds, answer.looks.chance / max(cost, 1e-9))


def _networks(answer: Answer) -> tuple[str, ...]:
    """The trained networks that a question is about."""
    return tuple(dict.fromkeys(arm.network for arm in answer.arms))


def _seeds_of_next_look(answer: Answer, study: Study) -> dict[str, int]:
    """More than the next look has, where seeds were lost: failed, or without such a number."""
    assert answer.looks is not None
    assert study.until_decided is not None
    names = _networks(answer)
    trained = min(len(study.networks[name].seeds) for name in names)
    lost = trained - answer.looks.complete
    wanted = min(study.until_decided.at_most, answer.looks.next_seeds + lost)
    return {name: wanted for name in names if wanted > len(study.networks[name].seeds)}


def _seconds_a_seed(results: Results) -> dict[str, float]:
    """The mean training time of each network's recorded seeds; of one without, that of all."""
    times: dict[str, list[float]] = {name: [] for name in results.study.networks}
    for run in results.runs:
        times[run.network].append(run.seconds)
    every = [second for own in times.values() for second in own] or [1.0]
    return {name: sum(own or every) / len(own or every) for name, own in times.items()}


def _with_seeds(study: Study, wanted: Mapping[str, int]) -> Study:
    networks = dict(study.networks)
    for name, n in wanted.items():
        if n > len(networks[name].seeds):
            networks[name] = networks[name].model_copy(update={"seeds": tuple(range(n))})
    return replace(study, networks=networks)


def _as_far_as_recorded(study: Study, folder: Path) -> Study:
    """The study with as many seeds as an earlier run of the same networks had come to."""
    if not has_records(folder):
        return study
    with reading(folder) as connection:
        if not has_begun(connection):
            return study
        before = read_study(connection, folder).study.networks
    none = {"seeds": (0,)}
    return _with_seeds(study, {
        name: len(before[name].seeds)
        for name, network in study.networks.items()
        if name in before
        and before[name].model_copy(update=none) == network.model_copy(update=none)
        and before[name].seeds == tuple(range(len(before[name].seeds)))
    })  # fmt: skip
