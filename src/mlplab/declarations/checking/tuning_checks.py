"""What is wrong with a tuning beside the networks that it tunes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from mlplab.declarations.checking.names import list_problems
from mlplab.declarations.matched import Matched
from mlplab.declarations.network import Network
from mlplab.declarations.paths import MISSING, at, entries
from mlplab.declarations.problems import Problem, Where, did_you_mean, dotted, quoted, shown
from mlplab.declarations.resolving.tuning_trials import (
    MOST_TRIALS,
    Settings,
    candidates,
    rounds_of,
    tuned_networks,
    with_settings,
)
from mlplab.declarations.seeds_needed import first_look
from mlplab.declarations.study import Study
from mlplab.declarations.tuning import Range, Tuning

Check = Callable[[str, Network], Iterator[Problem]]
"""What is wrong with a network that stands in place of the named one."""


def tuning_problems(study: Study, declared: Sequence[str], check: Check) -> Iterator[Problem]:
    """Every problem of a study's tuning that its own rules cannot see.

    Args:
        study: with the networks that are right.
        declared: the names of all networks, those in doubt too.
        check: is asked about every network that a trial would train.
    """
    tune = study.tune
    if tune is None:
        return
    yield from list_problems(("tune", "networks"), tune.networks or (), declared)
    tuned = tuned_networks(study)
    yield from _validation_problems(tuned)
    yield from _step_problems(tune, tuned)
    seed = seed_problem(tune, study.networks)
    if seed is not None:
        yield seed
    of_paths = [*_path_problems(tune, tuned)]
    yield from of_paths
    if not of_paths and tuned and tune.can_be_spread:
        yield from _trial_problems(tune, tuned, check)


def matched_problems(tune: Tuning | None, matched: Mapping[str, Matched]) -> Iterator[Problem]:
    """Tuned settings that would change the size of a network, or of one that is matched to it."""
    for name, match in matched.items() if tune is not None else ():
        sizes = ("hidden", "training.batch_size") if match.by == "flops" else ("hidden",)
        tuned = [one for one in (name, match.to) if tune is not None and tune.tunes(one)]
        path = next((path for path in sizes if tune is not None and path in tune.space), None)
        if tuned and path is not None:
            yield Problem(
                ("tune", "space", path),
                "a setting that leaves matched networks as large as one another",
                f"{shown(path)}, tuned for {quoted(tuned)}, and {shown(name)} is matched to "
                f"{shown(match.to)}",
                "leave it out of the space, or leave out matched",
            )
            return


def seed_problem(tune: Tuning, networks: Mapping[str, Network]) -> Problem | None:
    """A tuning seed that a network is run with too, or that is listed twice."""
    seeds = tune.all_seeds
    twice = [seed for index, seed in enumerate(seeds) if seed in seeds[:index]]
    if twice:
        return Problem(("tune", "seeds"), "seeds that differ", f"{twice[0]} twice", "remove one")
    for name, network in networks.items():
        shared = sorted(set(seeds) & set(network.seeds))
        if shared:
            return Problem(
                ("tune", "seeds"),
                "seeds with which no network is run, as it would be judged where it was chosen",
                f"{shared[0]}, a seed of {name}",
                "give tuning other seeds, or a count of them",
            )
    return None


def until_decided_problems(study: Study) -> Iterator[Problem]:
    """Nothing to decide, too few seeds to, or tuning seeds among those that may be added."""
    if not study.questions:
        expected, hint = "questions to be decided", "write some, or a count of seeds"
        yield Problem(("seeds", "until_decided"), expected, "none", hint)
    until = study.until_decided
    if until and until.at_least <= until.at_most < (
        first := first_look(study.questions, until.at_least)
    ):
        expected = f"at least {first} seeds, as the first look needs so many to decide any question"
        yield Problem(("seeds", "at_most"), expected, str(until.at_most), "make it larger")
    if study.tune and until:
        every = {"seeds": tuple(range(until.at_most))}
        problem = seed_problem(study.tune, {
            name: network.model_copy(update=every) for name, network in study.networks.items()
        })  # fmt: skip
        yield from [problem] if problem else ()


def number_problem(tune: Tuning, tuned: Mapping[str, Network]) -> Problem | None:
    """More trials than a tuning may have."""
    lengths = (v.points if isinstance(v, Range) else len(v) for v in tune.space.values())
    count = math.prod(lengths) if tune.trials is None else tune.trials
    if count * len(tuned) <= MOST_TRIALS:
        return None
    return Problem(
        ("tune",),
        f"at most {MOST_TRIALS} trials of all networks together, open-set variants among them",
        str(count * len(tuned)),
        "try fewer values, or draw some at random",
    )


def _validation_problems(tuned: Mapping[str, Network]) -> Iterator[Problem]:
    without = [name for name, network in tuned.items() if network.data.validation == 0]
    if without:
        yield Problem(
            ("tune",),
            "a validation part, on which settings are chosen",
            f"{quoted(without, limit=4)} without one",
            'add "validation": 0.1 to data',
        )


def _step_problems(tune: Tuning, tuned: Mapping[str, Network]) -> Iterator[Problem]:
    for name, network in tuned.items():
        if tune.steps is not None and tune.steps > network.training.steps:
            expected = f"at most {network.training.steps}, the training steps of {name}"
            yield Problem(("tune", "steps"), expected, str(tune.steps), "make trials shorter")
            return


def _path_problems(tune: Tuning, tuned: Mapping[str, Network]) -> Iterator[Problem]:
    refused: set[str] = set()
    for name, network in tuned.items():
        settings = network.model_dump(mode="json")
        for path in tune.space:
            if path not in refused and at(settings, path.split("."), MISSING) is MISSING:
                refused.add(path)
                paths = (dotted(path) for path, _ in entries(settings))
                yield Problem(
                    ("tune", "space", path),
                    "the path of a setting that every tuned network has",
                    f"{shown(path)}, which {name} has not",
                    did_you_mean(path, paths) or "such as optimizer.learning_rate",
                )


def _trial_problems(tune: Tuning, tuned: Mapping[str, Network], check: Check) -> Iterator[Problem]:
    """What is wrong with the networks that would be tried."""
    if problem := number_problem(tune, tuned):
        yield problem
        return
    tried = candidates(tune, next(iter(tuned.values())))
    if tune.trials is not None and len(tried) < tune.trials:
        yield Problem(
            ("tune", "trials"),
            f"at most {len(tried)}, the different settings that the space has",
            str(tune.trials),
            "draw fewer, or make the space larger",
        )
    for network in tuned.values():
        rounds = rounds_of(tune, network, len(tried))
        steps = tune.steps or network.training.steps
        if steps < 2 ** (len(rounds) - 1):
            yield Problem(
                ("tune", "steps"),
                f"at least {2 ** (len(rounds) - 1)} steps, which {len(rounds)} rounds halve",
                str(steps),
                "train longer, or try fewer settings",
            )
            break
    seen: set[tuple[Where, str]] = set()
    for name, network in tuned.items():
        for settings in tried:
            for problem in _problems_of(name, network, settings, check):
                where = _in_space(problem.where, settings, tune)
                if (where, problem.expected) not in seen:
                    seen.add((where, problem.expected))
                    yield Problem(where, problem.expected, problem.received, problem.hint)


def _problems_of(
    name: str, network: Network, settings: Settings, check: Check
) -> Iterator[Problem]:
    validated = with_settings(network, settings)
    yield from validated.faults
    if validated.declaration is not None:
        yield from check(name, validated.declaration)


def _in_space(where: Where | str, settings: Settings, tune: Tuning) -> Where:
    """Where in the space the value stands that is wrong in a network."""
    for path, value in settings.items():
        setting = tuple(path.split("."))
        if where[: len(setting)] == setting:
            values = tune.space[path]
            if isinstance(values, Range):
                return ("tune", "space", path)
            return ("tune", "space", path, values.index(value), *where[len(setting) :])
    return ("tune", "space")
