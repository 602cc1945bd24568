"""The command line: one verb a file, wired together here.

Verbs import what they need when they run, so that help and `check` come at once.
"""

from __future__ import annotations

import typer

from mlplab.commands import (
    archive,
    check,
    compare,
    data,
    demo,
    doctor,
    export,
    init,
    plan,
    predict,
    report,
    run,
    serve,
    status,
    verify,
)
from mlplab.commands.failure import explained

app = typer.Typer(
    name="mlplab",
    help="""A laboratory for controlled studies of multilayer perceptrons.

\b
A first minute:
  mlplab demo                        a study on bundled digits, and its report
  mlplab init my-study.json          a starter study to edit
  mlplab check my-study.json         every mistake in it, at once
  mlplab run my-study.json           train what is missing, write the report
  mlplab serve                       a page of all studies, live while one runs
  mlplab doctor                      what this machine has and uses

\b
The 2023 report's study, all of it or a part:
  mlplab run report-2023
  mlplab run report-2023 config10 config6 --seeds 5 --set training.steps=500
""",
    epilog="Exit codes: 0 done; 1 a network could not be run; 2 bad input, or no room or right to write; "
    "130 stopped (Ctrl-C, kill), with everything kept that was finished.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command()(init.init)
app.command()(check.check)
app.command()(plan.plan)
app.command()(run.run)
app.command()(serve.serve)
app.command()(status.status)
app.command()(report.report)
app.command()(compare.compare)
app.command()(export.export)
app.command()(predict.predict)
app.command()(verify.verify)
app.command()(archive.archive)
app.add_typer(data.app)
app.command()(demo.demo)
app.command()(doctor.doctor)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"mlplab {version('mlplab')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line within this process; `program` is the one that is installed."""
    with explained():
        app(prog_name="mlplab")
