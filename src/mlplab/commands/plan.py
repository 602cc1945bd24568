"""`mlplab plan`: what a study will cost, and what of it is there already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlplab.commands import options
from mlplab.commands.studies import extent, print_audits, read
from mlplab.declarations.task import METRICS
from mlplab.words import count

if TYPE_CHECKING:
    from mlplab.declarations.question import Question
    from mlplab.declarations.study import Study
    from mlplab.runner.estimate import Estimate

MOST_ROWS = 50


def plan(
    study: options.StudyArgument,
    networks: options.NetworksArgument = None,
    overrides: options.SetOption = None,
    seeds: options.SeedsOption = None,
    begin_from: options.FromOption = None,
    out: options.OutOption = options.DEFAULT_OUT,
    device: options.DeviceOption = options.Device.auto,
    precision: options.PrecisionOption = options.Precision.float32,
) -> None:
    """Show what a study will cost, and what of it is there.

    \b
    Examples:
      mlplab plan my-study.json
      mlplab plan report-2023 --seeds 3 --out elsewhere

    The time is estimated from rates that are measured on this machine, of which the best are remembered.
    Nothing is trained or recorded.
    """
    from mlplab.declarations.problems import BadInput, Problem

    wanted = read(study, networks, overrides, seeds, begin_from=begin_from)
    if out.exists() and not out.is_dir():
        raise BadInput(Problem("--out", "a folder for results folders", f"the file {out}"))

    from mlplab.study import Study as RunnableStudy

    estimate = RunnableStudy(wanted).plan(out, device=device, precision=precision)
    for note in wanted.notes:
        print(f"note: {note}")
    _print_networks(wanted, estimate)
    if estimate.tuning is not None:
        _print_tuning(wanted, estimate.tuning, precision)
    print(f"\n{extent(wanted)}; {estimate.finished:,} of {estimate.total:,} are finished")
    if estimate.finished < estimate.total:
        _print_cost(estimate, precision)
        if estimate.tuning is not None and estimate.tuning.seconds > 0:
            _print_both(estimate, estimate.tuning)
    if wanted.questions:
        print()
        print_audits(wanted)
        _print_seeds(wanted, out / wanted.name)


def _print_seeds(study: Study, folder: Path) -> None:
    """Say how many seeds each question needs, from those that are finished."""
    from mlplab.analysis.questions.answers import answer
    from mlplab.analysis.questions.pilot import sample_size_of
    from mlplab.declarations.problems import BadInput
    from mlplab.records.database import has_records
    from mlplab.records.results import Results

    if not has_records(folder):
        print("\nA run of a few seeds (--seeds 3) lets plan tell how many each question needs.")
        return
    print("\nseeds that the questions need, by the seeds that are finished:")
    try:
        results = Results.open(folder)
        strange = {
            question: _strange(question, study, results.study) for question in study.questions
        }
        told = [question for question in study.questions if not strange[question]]
        answers = answer(results, told, {}, together=len(study.questions))
        found = dict(zip(told, answers, strict=True))
    except BadInput as error:
        print(f"  not known: {error.problems[0]}")
        return
    for number, question in enumerate(study.questions, start=1):
        if strange[question]:
            print(f"  question {number}: {strange[question]}")
        else:
            print(f"  question {number}: {sample_size_of(found[question]).sentence}")


def _strange(question: Question, study: Study, recorded: Study) -> str:
    """Why the finished records say nothing of a question: other networks, or none."""
    from mlplab.declarations.resolving.arms import arms_of, can_be_asked
    from mlplab.words import quoted

    if not can_be_asked(question, recorded):
        missing = [name for name in question.networks if name not in recorded.networks]
        names = quoted(missing or question.networks, quote=False, limit=4)
        one = len(missing or question.networks) == 1
        return f"No pilot yet: {names} {'is' if one else 'are'} not in the records."
    seeds = {"seeds": (0,)}
    other = [
        arm.network
        for arm in arms_of(question, study)
        if study.networks[arm.network].model_copy(update=seeds)
        != recorded.networks[arm.network].model_copy(update=seeds)
    ]
    if not other:
        return ""
    return (
        f"No pilot yet: {quoted(other, quote=False, limit=4)} had other settings in the run that "
        "is recorded."
    )


def _print_tuning(study: Study, tuning: Estimate, precision: str) -> None:
    """Say what is tried before the networks are run, and what of it is there already."""
    from mlplab.analysis.tuning import tuning_of

    known = tuning_of(study, None)
    tune, rounds = known.tune, known.rounds
    steps = {t.declared.training.steps for t in known.trials} | {r.steps for r in rounds}
    low, high = min(steps), max(steps)
    networks, settings, seeds = len(known.networks), rounds[0].settings, len(tune.all_seeds)
    print(
        f"\ntuning {', '.join(known.paths)} by validation {METRICS[tune.metric].title} ({tune.search}): "
        f"{count(networks, 'network')} × {count(settings, 'setting')} × "
        f"{count(seeds, 'seed')}, {f'{low:,} to ' if low < high else ''}{count(high, 'step')}"
    )
    if len(rounds) > 1:
        told = ", ".join(f"{r.settings} for {r.steps:,} steps" for r in rounds)
        print(f"rounds of halving, of each network: {told}")
    print(f"tuning seeds: {', '.join(map(str, tune.all_seeds[:6]))}")
    print(f"{tuning.finished:,} of {tuning.total:,} trials × seeds are finished")
    if tuning.finished < tuning.total:
        _print_cost(tuning, precision, then="")
        print("The networks are then run with the settings that are chosen, not with those above.")


def _print_networks(study: Study, estimate: Estimate) -> None:
    from mlplab.commands.output import print_table
    from mlplab.words import scaled

    print_table(
        ("network", "layers", "optimizer", "parameters", "training, a seed", "seeds", "finished"),
        [
            (
                one.network,
                "-".join(map(str, one.layers)),
                study.networks[one.network].optimizer.name,
                f"{one.parameters:,}",
                scaled(one.flops, "FLOP"),
                str(one.seeds),
                str(one.finished or ""),
            )
            for one in estimate.networks[:MOST_ROWS]
        ],
        texts=("layers", "optimizer"),
    )
    if len(estimate.networks) > MOST_ROWS:
        print(f"({len(estimate.networks) - MOST_ROWS:,} more networks)")


def _print_both(estimate: Estimate, tuning: Estimate) -> None:
    from mlplab.words import duration, scaled

    print(
        f"together with tuning: {scaled(estimate.flops + tuning.flops, 'FLOP')}, about "
        f"{duration(estimate.seconds + tuning.seconds)}"
    )


def _print_cost(estimate: Estimate, precision: str, then: str = ", then the report") -> None:
    from mlplab.words import duration, scaled

    where = "the GPU" if estimate.device == "cuda" else count(estimate.cores, "core")
    print(
        f"to do: {scaled(estimate.flops, 'FLOP')} of training in "
        f"{count(len(estimate.stacks), 'stack')}"
    )
    print(f"time:  about {duration(estimate.seconds)} on {where} in {precision}{then}")
    print(f"disk:  about {scaled(estimate.disk_bytes, 'B')}")
