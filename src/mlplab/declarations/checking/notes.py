"""What a reader should know of a study though it is no error; `check`, `plan` and `run` print it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice

from mlplab.declarations.checking.open_set_checks import open_set_notes
from mlplab.declarations.data import part_size
from mlplab.declarations.network import Network
from mlplab.declarations.optimizer import Sgd, StepSchedule
from mlplab.declarations.problems import quoted
from mlplab.declarations.resolving.arms import arms_of
from mlplab.declarations.resolving.data_size import DataSize
from mlplab.declarations.resolving.open_set_networks import base_networks
from mlplab.declarations.seeds_needed import LEVEL, seeds_needed
from mlplab.declarations.study import Study

MOST_NOTES = 30
FEWEST_TO_CHOOSE = 100
"""Validation rows: of fewer, one row is more than a point of accuracy."""
_LARGEST_SHARE = 0.4
_UNUSUAL_WIDTH = 100
_LARGEST_RATE = {True: 10.0, False: 1.0}
"""Of SGD, and of optimizers whose steps are about as large as the rate; larger ones are told."""


def study_notes(study: Study, sizes: Mapping[str, DataSize]) -> tuple[str, ...]:
    """All notes of a study without problems. sizes: of the data of each network."""
    notes = [
        *_output_notes(study, sizes),
        *_twin_notes(study),
        *_setting_notes(study, sizes),
        *_choice_notes(study, sizes),
        *open_set_notes(study),
        *_detector_notes(study, sizes),
    ]
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"{len(notes) - MOST_NOTES} more notes are left out."]
    return tuple(notes)


def _output_notes(study: Study, sizes: Mapping[str, DataSize]) -> Iterator[str]:
    by_count: dict[tuple[int, int], list[str]] = {}
    for name, network in study.networks.items():
        classes = sizes[name].classes
        if network.outputs is not None and classes and network.outputs > classes:
            by_count.setdefault((network.outputs, classes), []).append(name)
    for (outputs, classes), names in by_count.items():
        yield (
            f"{quoted(names, limit=6)} {'has' if len(names) == 1 else 'have'} {outputs} outputs "
            f"for {classes} classes; the outputs to spare are never right."
        )


def _twin_notes(study: Study) -> Iterator[str]:
    twins: dict[str, list[str]] = {}
    for name, network in study.networks.items():
        twins.setdefault(network.model_dump_json(), []).append(name)
    for names in twins.values():
        if len(names) > 1:
            yield (
                f"{quoted(names, limit=6)} are the same network in every setting and seed; "
                "it is trained once."
            )


def _setting_notes(study: Study, sizes: Mapping[str, DataSize]) -> Iterator[str]:
    """Settings that never act, and sizes that stand in the wrong place; networks told together."""
    by_note: dict[str, list[str]] = {}
    for name, network in study.networks.items():
        for note in (*_idle_settings(network), *_repeated_sizes(network, sizes[name])):
            by_note.setdefault(note, []).append(name)
    for note, names in by_note.items():
        yield f"{quoted(names, limit=6)}: {note}"


def _idle_settings(network: Network) -> Iterator[str]:
    training, optimizer = network.training, network.optimizer
    steps, schedule = training.steps, optimizer.schedule
    if schedule.warmup_steps >= steps:
        yield (
            f"a warm-up of {schedule.warmup_steps:,} steps does not end within {steps:,} steps of "
            "training, so the declared learning rate is never reached."
        )
    elif isinstance(schedule, StepSchedule) and schedule.warmup_steps + schedule.every >= steps:
        yield (
            f"the step schedule changes the rate after step {schedule.warmup_steps + schedule.every:,} "
            f"at first, and training has {steps:,}: it never acts."
        )
    if training.evaluate_every > steps and "evaluate_every" in training.model_fields_set:
        yield (
            f'"evaluate_every" is {training.evaluate_every:,} and training has {steps:,} steps: '
            "there is one evaluation, at the end, and no curve."
        )
    stopping = training.early_stopping
    evaluations = -(-steps // training.evaluate_every)
    if stopping is not None and stopping.patience >= evaluations:
        yield (
            f"early stopping with a patience of {stopping.patience:,} never acts: there are "
            f"{evaluations:,} evaluations."
        )
    if optimizer.learning_rate > _LARGEST_RATE[isinstance(optimizer, Sgd)]:
        yield (
            f"a learning rate of {optimizer.learning_rate:g} is far above usual ones "
            f"(0.0001 to {_LARGEST_RATE[isinstance(optimizer, Sgd)]:g}); it will probably diverge."
        )
    if not network.hidden and network.dropout:
        yield "dropout never acts, as there are no hidden layers."


def _repeated_sizes(network: Network, data: DataSize) -> Iterator[str]:
    """Sizes of input or output among the hidden layers, where other libraries have them."""
    hidden, outputs = network.hidden, network.outputs or data.classes
    if len(hidden) < 2 or data.features is None:
        return
    first, last = hidden[0] == data.features, hidden[-1] == outputs
    # 64 units on 64 features is a usual layer; 784 units on 784 features is hardly one.
    if not last and not (first and data.features >= _UNUSUAL_WIDTH):
        return
    inner = hidden[1 if first else 0 : -1 if last else None]
    built = "-".join(map(str, (data.features, *islice(hidden, 8), outputs or "…")))
    ends = " and ".join(["input"] * first + ["output"] * last)
    yield (
        f'"hidden" seems to repeat the size of {ends}: it builds {built}. Only hidden layers stand '
        f'in it: write "hidden": {list(inner[:8])}, unless that is meant.'
    )


def seed_notes(study: Study) -> Iterator[str]:
    """Questions of a loaded study that too few seeds leave without a verdict, whatever comes out."""
    short: list[tuple[int, int, int]] = []
    if study.until_decided:
        return
    for number, question in enumerate(study.questions, start=1):
        seeds = min(len(study.networks[arm.network].seeds) for arm in arms_of(question, study))
        needed = seeds_needed(question, len(study.questions))
        if seeds < needed:
            short.append((number, needed, seeds))
    if not short:
        return
    numbers = quoted((str(number) for number, _, _ in short), quote=False)
    has, most = min(seeds for _, _, seeds in short), max(needed for _, needed, _ in short)
    together = (
        f", as {len(study.questions)} questions share an error of {100 * LEVEL:g}%"
        if len(study.questions) > 1
        else ""
    )
    yield (
        f"question{'s' if len(short) > 1 else ''} {numbers} can have no verdict with "
        f"{has} seed{'s' if has != 1 else ''}: at least {most} are needed{together}; "
        f'write "seeds": {most}.'
    )


def _choice_notes(study: Study, sizes: Mapping[str, DataSize]) -> Iterator[str]:
    """Validation rows that are too few to choose by, or that decide twice."""
    names = study.choice.networks or tuple(study.networks)
    chosen = [name for name in names if not study.networks[name].open_set_only]
    if len(chosen) < 2:
        return
    few = {
        (rows, rows + (sizes[name].train_rows or 0))
        for name in chosen
        if (rows := sizes[name].validation_rows) and rows < FEWEST_TO_CHOOSE
        if getattr(study.networks[name].data, "task", None) != "regression"
    }
    if few:
        rows, of = min(few)
        share = math.ceil(20 * FEWEST_TO_CHOOSE / of) / 20
        mend = (
            f'write a larger part, such as "validation": {share:g}, in data'
            if share <= _LARGEST_SHARE
            else "of so few rows no part is large enough, and the choice stays uncertain"
        )
        yield (
            f"networks are chosen by accuracy on {rows} validation rows, of which one is "
            f"{100 / rows:.2g} points: {mend}."
        )
    twice = [name for name in chosen if _decides_twice(study.networks[name])]
    if twice:
        yield (
            f"{quoted(twice, limit=6)}: weights are restored where validation accuracy is highest, "
            "and networks are then ranked by that same accuracy on the same rows, which favours "
            'those that vary most; write "early_stopping": {"metric": "loss"}.'
        )


def _decides_twice(network: Network) -> bool:
    stopping = network.training.early_stopping
    return stopping is not None and stopping.restore_best and stopping.metric == "accuracy"


def _detector_notes(study: Study, sizes: Mapping[str, DataSize]) -> Iterator[str]:
    """Settings of open-set questions that the rows do not allow to act as they say."""
    for index, entry in enumerate(study.open_set):
        rows = [sizes[n].train_rows for n in base_networks(study, entry) if n in sizes]
        fewest = min((count for count in rows if count is not None), default=None)
        if fewest is None:
            continue
        fitted = min(fewest, entry.fit_on or fewest)
        for detector in entry.detectors:
            neighbours = getattr(detector, "k", None)
            if neighbours is not None and neighbours > fitted:
                yield (
                    f"open_set[{index}]: {detector.name} asks for neighbour {neighbours:,}, and there "
                    f"are at most {fitted:,} rows."
                )
        calibration = part_size(entry.calibration, fewest)
        if calibration * entry.reject_at_most < 1:
            least = round(1 / entry.reject_at_most)
            yield (
                f"open_set[{index}]: {calibration:,} calibration rows cannot tell a share of "
                f'{100 * entry.reject_at_most:g}%; write "calibration": {least} or more.'
            )
