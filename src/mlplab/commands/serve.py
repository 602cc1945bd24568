"""`mlplab serve`: a page of all studies in a folder, live while one runs."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from mlplab.commands import options
from mlplab.commands.failure import complain, refuse

SHORTEST_TOKEN = 16


def serve(
    runs: Annotated[
        Path,
        typer.Argument(
            metavar="RUNS", help="A folder of results folders, or one of them.", show_default=True
        ),
    ] = options.DEFAULT_OUT,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Where to listen. From another address than this machine's own (127.0.0.1) the "
            "page is only shown to who has its token.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65_535, help="By default 8765, or another where that is taken."
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="MLPLAB_SERVE_TOKEN",
            help=f"Of {SHORTEST_TOKEN} characters or more; by default a new one each time.",
            show_default=False,
        ),
    ] = None,
    show: Annotated[
        str | None,
        typer.Option("--show", metavar="STUDY", help="Which study to show first."),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = False,
    while_stdin: Annotated[bool, typer.Option("--while-stdin", hidden=True)] = False,
) -> None:
    """Show all studies in a folder on a page, live while one runs.

    \b
    Examples:
      mlplab serve
      mlplab serve path/to/runs --port 9000
      mlplab serve runs --host 0.0.0.0

    The page needs no network. It shows what records and running studies tell: status, verdicts,
    curves grouped by seed, networks that diverged, all settings and results, and the log; and it
    can stop a run, for which the address that is printed has a token. Ctrl-C ends the server, and
    never a run.
    """
    if not runs.is_dir():
        raise refuse(f"{runs} is not a folder; name the one in which runs lie (mlplab run --out).")
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise refuse(
            f"--token: expected {SHORTEST_TOKEN} characters or more, received {len(token)}."
        )
    from urllib.parse import quote

    from mlplab.server.serving import listen, serve

    def say(address: str) -> None:
        whole = f"{address}#/study/{quote(show, safe='')}" if show else address
        complain(f"Live page: {whole}")
        if browser:
            import webbrowser

            webbrowser.open(whole)

    serve(
        runs,
        listen(host, port),
        token or secrets.token_urlsafe(24),
        say,
        only_while_stdin=while_stdin,
    )


@contextmanager
def live_page(runs: Path, study: str) -> Iterator[None]:
    """Serve a folder of runs in a process of its own, which ends with this one however that ends."""
    runs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "mlplab", "serve", str(runs), "--show", study, "--while-stdin"]
    if sys.stderr.isatty():
        command.append("--browser")
    # Ctrl-C is for the run; the page then loses its standard input.
    server = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        assert server.stdin is not None
        server.stdin.close()
        server.wait()
