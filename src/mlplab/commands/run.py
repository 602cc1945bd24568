"""`mlplab run`: train what is missing of a study, and write its report."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplab.commands import options
from mlplab.commands.failure import EXIT_DONE, EXIT_NETWORK_FAILED, complain, require_memory
from mlplab.commands.output import Block, print_blocks
from mlplab.commands.program import on_stop, stopped
from mlplab.commands.serve import live_page
from mlplab.commands.studies import read
from mlplab.declarations.table_options import TableOptions

if TYPE_CHECKING:
    from mlplab.commands.last_run import LastRun
    from mlplab.commands.progress import Display
    from mlplab.declarations.study import Study
    from mlplab.runner.tally import Tally
    from mlplab.study import StudyResults

NoReportOption = Annotated[
    bool, typer.Option("--no-report", help="Train and record only; mlplab report writes it later.")
]


def run(
    study: options.StudyArgument,
    networks: options.NetworksArgument = None,
    overrides: options.SetOption = None,
    seeds: options.SeedsOption = None,
    target: options.TargetOption = None,
    ignore: options.IgnoreOption = None,
    missing: options.MissingOption = None,
    task: options.TaskOption = None,
    out: options.OutOption = options.DEFAULT_OUT,
    device: options.DeviceOption = options.Device.auto,
    precision: options.PrecisionOption = options.Precision.float32,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first network that cannot be run.")
    ] = False,
    until_decided: Annotated[
        bool,
        typer.Option("--until-decided", help="Add seeds until each question is decided."),
    ] = False,
    begin_from: options.FromOption = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help="Train on the workers of a Dask scheduler, as tls://HOST:PORT; or local:N processes.",
            show_default=False,
        ),
    ] = None,
    unencrypted: Annotated[
        bool, typer.Option("--unencrypted", help="Take a tcp:// cluster of other machines.")
    ] = False,
    no_report: NoReportOption = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Show the run on a live page for as long as it goes on.")
    ] = False,
    as_json: options.JsonOption = False,
) -> None:
    """Train what is missing of a study, and write its report.

    \b
    Examples:
      mlplab run my-study.json
      mlplab run adult.csv --target Salary --ignore fnlwgt
      mlplab run report-2023 config10 config6 --seeds 5 --set training.steps=500
      mlplab run path/to/folder/of/config/files all
      mlplab run path/to/config3.json --out elsewhere
      mlplab run my-study.json --until-decided
      mlplab run my-study.json --from runs/other --out continued
      mlplab run my-study.json --cluster local:2
      mlplab run my-study.json --no-report
      mlplab run my-study.json --serve
      mlplab run my-study.json --json | your-program

    Of a table with --target COLUMN a sensible study is made: a linear network, one and two hidden
    layers of three widths, tuned rates, early stopping, and the questions whether more layers and
    wider ones help. mlplab init --data TABLE writes it as a file to change.

    A study with "tune" first trains its trials, in the folder tuning/ within its own, and then its
    networks with the settings that these choose.

    With "seeds": {"until_decided": true, "at_least": 10, "at_most": 200}, or --until-decided, seeds
    are added in rounds to the networks of open questions, until each is decided or not worth more.

    With --from RUN each network and seed begins with the weights that RUN recorded of it: training
    goes on, or begins on other data, whose classes have a last layer of their own. Optimizers begin
    anew. "initial_weights": {"distribution": "recorded"} in a study says more.

    What is finished is never run again. Ctrl-C keeps what is finished, and the same command goes
    on from there, to the same results. Networks that are named join those of the same study that
    the results folder holds already, and the report is of all of them.
    """
    from mlplab.commands.joining import joined

    table = TableOptions(target, ignore or (), missing or (), task)
    wanted = read(study, networks, overrides, seeds, table, until_decided, begin_from)
    whole = wanted
    if networks:

        def read_networks(names: list[str]) -> Study:
            return read(study, names, overrides, seeds, table, until_decided, begin_from)

        whole = joined(wanted, out / wanted.name, read_networks)
    with live_page(out, whole.name) if serve else nullcontext():
        code = train_and_report(
            whole,
            out,
            only=wanted.networks if whole is not wanted else None,
            device=device,
            precision=precision,
            fail_fast=fail_fast,
            report=not no_report,
            as_json=as_json,
            cluster=cluster,
            unencrypted=unencrypted,
        )
    raise typer.Exit(code)


def train_and_report(
    study: Study,
    out: Path,
    *,
    only: Collection[str] | None = None,
    device: str = "auto",
    precision: str = "float32",
    fail_fast: bool = False,
    report: bool = True,
    as_json: bool = False,
    cluster: str | None = None,
    unencrypted: bool = False,
) -> int:
    """Train what is missing, write the report, print where it is; returns the exit code."""
    from mlplab.commands import last_run
    from mlplab.commands.progress import display

    folder = out / study.name
    for note in study.notes:
        complain(f"note: {note}")
    same = (str(device), str(precision))
    last = last_run.recall(study, folder, same)
    if last is not None and (last.has_report or not report):
        _say_again(last, folder, as_json=as_json)
        return EXIT_DONE
    require_memory()
    with display(study.name, as_json=as_json) as shown:
        on_stop(lambda: _last_words(shown, folder))
        shown.begin("loading the numerical libraries")
        results = _train(
            study, out, shown, only, device, precision, fail_fast, cluster, unencrypted
        )
        blocks, page = _outcome(results, shown, report=report, as_json=as_json)
    print_blocks(blocks)
    if page is not None:
        _say_where(page, as_json=as_json)
    for failure in results.failures:
        complain(f"{failure.network}, seed {failure.seed}, could not be run: {failure.reason}")
    missing = [name for name, _ in results.missing if only is None or name in only]
    if not results.missing and not as_json:
        last_run.remember(study, folder, same, blocks, report, len(results.runs))
    return EXIT_NETWORK_FAILED if missing else EXIT_DONE


def _train(
    study: Study,
    out: Path,
    shown: Display,
    only: Collection[str] | None,
    device: str,
    precision: str,
    fail_fast: bool,
    cluster: str | None,
    unencrypted: bool,
) -> StudyResults:
    """Train what is missing; a run that is stopped, or that nobody listens to, ends the program."""
    from mlplab.study import Study as RunnableStudy

    try:
        return RunnableStudy(study).run(
            out,
            only=only,
            device=device,
            precision=precision,
            fail_fast=fail_fast,
            cluster=cluster,
            unencrypted=unencrypted,
            on_event=shown,
        )
    except (KeyboardInterrupt, BrokenPipeError):
        stopped(_last_words(shown, out / study.name))


def _last_words(shown: Display, folder: Path) -> str:
    shown.close()
    return _what_is_kept(shown.tally, folder)


def _what_is_kept(tally: Tally, folder: Path) -> str:
    if tally.ended is not None and not tally.ended.interrupted and tally.testing is None:
        return f"Stopped after training: all results are kept in {folder}."
    if tally.total == 0:
        return f"Stopped before training began; {folder} keeps whatever was finished before."
    if tally.testing is not None:
        return (
            f"Stopped while testing on unknown classes: all networks and {tally.counts_in_words()} "
            f"are finished and kept in {folder}; the same command goes on from there."
        )
    if tally.tuning is not None:
        return (
            f"Stopped while tuning: {tally.finished:,} of {tally.total:,} trials × seeds are finished "
            f"and kept in {folder / 'tuning'}; the same command goes on from there."
        )
    lost = tally.lost_in_words()
    return (
        f"Stopped: {tally.finished:,} of {tally.total:,} networks × seeds are finished and kept in "
        f"{folder}; the same command trains the rest." + (f" Begins again: {lost}." if lost else "")
    )


def _outcome(
    results: StudyResults, shown: Display, *, report: bool, as_json: bool
) -> tuple[list[Block], Path | None]:
    """Return what came out, in words, and the page of the report, which is written."""
    from mlplab.commands.overview import overview

    shown.begin("writing the report" if report else "summing up")
    page = results.report() if report else None
    return [] if as_json else overview(results), page


def _say_again(last: LastRun, folder: Path, *, as_json: bool) -> None:
    """Say what came out the last time, since nothing has changed."""
    from mlplab.commands.last_run import REPORT_FILE
    from mlplab.runner.tally import finished_already

    if as_json:
        from mlplab.runner.events import RunEnded, RunPlanned, to_json

        print(to_json(RunPlanned(last.runs, last.runs, stacks=0, resumed=0, flops=0)))
        print(to_json(RunEnded(last.runs, 0, 0, seconds=0.0, interrupted=False)))
    else:
        complain(finished_already(last.runs))
        print_blocks(last.outcome)
    if last.has_report:
        _say_where(folder / REPORT_FILE, as_json=as_json)


def _say_where(page: Path, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"event": "report_written", "path": str(page)}), flush=True)
    else:
        print(f"\nReport: {page}")
