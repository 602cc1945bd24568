"""The arguments and options that several verbs share, so that each means one thing everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer


class Device(StrEnum):
    """Where networks are trained."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Precision(StrEnum):
    """The number format of matrix products; everything else stays float32."""

    float32 = "float32"
    bfloat16 = "bfloat16"


Task = Literal["classification", "regression"]
"""As in `declarations.data`, which `--help` does not wait for."""


def option(*name: str, help: str, metavar: str | None = None) -> Any:
    """An option whose default is not worth a word."""
    return typer.Option(*name, metavar=metavar, help=help, show_default=False)


def argument(metavar: str, help: str) -> Any:
    """An argument whose default is not worth a word."""
    return typer.Argument(metavar=metavar, help=help, show_default=False)


_STUDY = "A study file, a folder of configuration files, or the name of a shipped study."
_NETWORKS = "Only these networks; all of them for none, or for the word all."
_SET = "Set any value of the study, for example training.steps=500. May be repeated."
_SEEDS = "Run seeds 0 to N-1 instead of the study's own."
_TARGET = "Of a table: the column to be predicted, by name or position from 1."
_IGNORE = "Of a table: a column to leave out. May be repeated."
_MISSING = "Of a table: a value that stands for a missing one. May be repeated."
_TASK = "Of a table: whether the target is classes or a quantity; else told from the target."
_OUT = "Results lie in DIR/<study name>/."
_NETWORK = "A network; else the one the study chose."
_SEED = "One seed, or all, whose answers are averaged."

StudyArgument = Annotated[str, argument("STUDY", _STUDY)]
NetworksArgument = Annotated[list[str] | None, argument("NETWORK", _NETWORKS)]
ResultsArgument = Annotated[Path, argument("RUN", "A results folder, for example runs/demo.")]
SetOption = Annotated[list[str] | None, option("--set", metavar="PATH=VALUE", help=_SET)]
SeedsOption = Annotated[int | None, option("--seeds", metavar="N", help=_SEEDS)]
TargetOption = Annotated[str | None, option("--target", metavar="COLUMN", help=_TARGET)]
IgnoreOption = Annotated[list[str] | None, option("--ignore", metavar="COLUMN", help=_IGNORE)]
MissingOption = Annotated[list[str] | None, option("--missing", metavar="VALUE", help=_MISSING)]
TaskOption = Annotated[Task | None, option("--task", help=_TASK)]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help=_OUT)]
DeviceOption = Annotated[
    Device, typer.Option("--device", help="auto means the CPU; cuda takes the GPU.")
]
PrecisionOption = Annotated[
    Precision, typer.Option("--precision", help="Number format of matrix products.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON object a line on stdout, for programs.")
]
FromOption = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="RUN",
        help="Begin with the weights that a results folder holds of the same networks and seeds.",
        show_default=False,
    ),
]
ModelNetwork = Annotated[str | None, option("--network", metavar="NAME", help=_NETWORK)]
ModelSeed = Annotated[str, typer.Option("--seed", metavar="N|all", help=_SEED)]

DEFAULT_OUT = Path("runs")
