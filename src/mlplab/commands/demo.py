"""`mlplab demo`: the demo study, on data that come with a dependency."""

from __future__ import annotations

import typer

from mlplab.commands import options
from mlplab.commands.studies import read

DEMO_STUDY = "demo"


def demo(
    out: options.OutOption = options.DEFAULT_OUT,
    device: options.DeviceOption = options.Device.auto,
    as_json: options.JsonOption = False,
) -> None:
    """Run the demo study on bundled digits, and report on it.

    \b
    Examples:
      mlplab demo
      mlplab demo --out somewhere/else

    It asks what depth, width, optimizer and the placement of epsilon do. It needs no download and
    takes less than a minute on two cores.
    """
    from mlplab.commands.run import train_and_report

    study = read(DEMO_STUDY)
    raise typer.Exit(train_and_report(study, out, device=device, as_json=as_json))
