"""`mlplab plan`: what a study will cost, and what of it is there already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlplab.commands import options
from mlplab.commands.studies import counted, extent, print_audits, read

if TYPE_CHECKING:
    from mlplab.declarations.study import Study
    from mlplab.runner.estimate import Estimate

MOST_ROWS = 50


def plan(
    study: options.StudyArgument,
    networks: options.NetworksArgument = None,
    overrides: options.SetOption = None,
    seeds: options.SeedsOption = None,
    out: options.OutOption = options.DEFAULT_OUT,
    device: options.DeviceOption = options.Device.auto,
    precision: options.PrecisionOption = options.Precision.float32,
) -> None:
    """Show what a study will cost, and what of it is there.

    \b
    Examples:
      mlplab plan my-study.json
      mlplab plan report-2023 --seeds 3 --out elsewhere

    The time is estimated from rates that are measured once on this machine and remembered.
    Nothing is trained or recorded.
    """
    wanted = read(study, networks, overrides, seeds)

    from mlplab.study import Study as RunnableStudy

    estimate = RunnableStudy(wanted).plan(out, device=device, precision=precision)
    _print_networks(wanted, estimate)
    print(f"\n{extent(wanted)}; {estimate.finished:,} of {estimate.total:,} are finished")
    if estimate.finished < estimate.total:
        _print_cost(estimate, precision)
    if wanted.questions:
        print()
        print_audits(wanted)
        _print_seeds(wanted, out / wanted.name)


def _print_seeds(study: Study, folder: Path) -> None:
    """Say how many seeds each question needs, from those that are finished."""
    from mlplab.analysis.questions.answers import answer
    from mlplab.analysis.questions.pilot import foresee
    from mlplab.declarations.arms import can_be_asked
    from mlplab.records.database import DATABASE_FILE
    from mlplab.records.results import Results

    if not (folder / DATABASE_FILE).is_file():
        print("\nA run of a few seeds (--seeds 3) lets plan tell how many each question needs.")
        return
    results = Results.open(folder)
    print("\nseeds that the questions need, by the seeds that are finished:")
    told = [question for question in study.questions if can_be_asked(question, results.study)]
    for question, found in zip(told, answer(results, told, {}), strict=True):
        print(f"  {question.ask} {foresee(found).sentence}")


def _print_networks(study: Study, estimate: Estimate) -> None:
    from mlplab.commands.output import print_table, scaled

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


def _print_cost(estimate: Estimate, precision: str) -> None:
    from mlplab.commands.output import in_words, scaled

    where = "the GPU" if estimate.device == "cuda" else counted(estimate.cores, "core")
    print(
        f"to do: {scaled(estimate.flops, 'FLOP')} of training in "
        f"{counted(len(estimate.stacks), 'stack')}"
    )
    print(f"time:  about {in_words(estimate.seconds)} on {where} in {precision}, then the report")
    print(f"disk:  about {scaled(estimate.disk_bytes, 'B')}")
