"""`mlplab run`: train what is missing of a study, and write its report."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplab.commands import options
from mlplab.commands.failure import complain
from mlplab.commands.studies import read

if TYPE_CHECKING:
    from mlplab.commands.tally import Tally
    from mlplab.declarations.study import Study
    from mlplab.study import StudyResults


def run(
    study: options.StudyArgument,
    networks: options.NetworksArgument = None,
    overrides: options.SetOption = None,
    seeds: options.SeedsOption = None,
    out: options.OutOption = options.DEFAULT_OUT,
    device: options.DeviceOption = options.Device.auto,
    precision: options.PrecisionOption = options.Precision.float32,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first network that cannot be run.")
    ] = False,
    as_json: options.JsonOption = False,
) -> None:
    """Train what is missing of a study, and write its report.

    \b
    Examples:
      mlplab run my-study.json
      mlplab run report-2023 config10 config6 --seeds 5 --set training.steps=500
      mlplab run path/to/folder/of/config/files all
      mlplab run path/to/config3.json --out elsewhere
      mlplab run my-study.json --json | your-program

    A study with "tune" first trains its trials, in the folder tuning/ within its own, and then its
    networks with the settings that these choose.

    What is finished is never run again. Ctrl-C keeps what is finished, and the same command goes
    on from there, to the same results.
    """
    wanted = read(study, networks, overrides, seeds)
    raise typer.Exit(
        train_and_report(
            wanted,
            out,
            device=device,
            precision=precision,
            fail_fast=fail_fast,
            as_json=as_json,
        )
    )


def train_and_report(
    study: Study,
    out: Path,
    *,
    device: str = "auto",
    precision: str = "float32",
    fail_fast: bool = False,
    as_json: bool = False,
) -> int:
    """Train what is missing, write the report, print where it is; returns the exit code."""
    folder = out / study.name
    for note in study.notes:
        complain(f"note: {note}")

    from mlplab.commands.progress import display
    from mlplab.study import Study as RunnableStudy

    with display(study.name, as_json=as_json) as on_event:
        try:
            results = RunnableStudy(study).run(
                out,
                device=device,
                precision=precision,
                fail_fast=fail_fast,
                on_event=on_event,
            )
        except KeyboardInterrupt:
            interrupted = True
        else:
            interrupted = on_event.tally.ended is not None and on_event.tally.ended.interrupted
    if interrupted:
        complain(_what_is_kept(on_event.tally, folder))
        _leave_threads_behind()
        return options.EXIT_INTERRUPTED
    _report(results, as_json=as_json)
    for failure in results.failures:
        complain(f"{failure.network}, seed {failure.seed}, could not be run: {failure.reason}")
    return options.EXIT_NETWORK_FAILED if results.missing else options.EXIT_DONE


def _leave_threads_behind() -> None:
    """End the process here where a thread is still in a step that cannot be called back.

    An interpreter that ends in the usual way takes the ground from under such a thread, and the
    process aborts; what is finished is recorded by now.
    """
    from mlplab.runner.environment import is_computing

    if is_computing():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(options.EXIT_INTERRUPTED)


def _what_is_kept(tally: Tally, folder: Path) -> str:
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
    return (
        f"Stopped: {tally.finished:,} of {tally.total:,} networks × seeds are finished and kept in "
        f"{folder}; the same command trains the rest."
    )


def _report(results: StudyResults, *, as_json: bool) -> None:
    """Write the report and say where it is, after a table of what came out."""
    from mlplab.commands.overview import print_choice, print_open_set, print_overview

    if not as_json:
        complain("writing the report")
    page = results.report()
    if as_json:
        print(json.dumps({"event": "report_written", "path": str(page)}), flush=True)
        return
    print_overview(results)
    print_choice(results)
    if results.study.open_set:
        print_open_set(results)
    print(f"\nReport: {page}")
