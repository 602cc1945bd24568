"""The arguments and options that several verbs share, so that each means one thing everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

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

StudyArgument = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        help="A study file, a folder of configuration files, or the name of a shipped study.",
        show_default=False,
    ),
]
NetworksArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NETWORK",
        help="Only these networks; all of them for none, or for the word all.",
        show_default=False,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Set any value of the study, for example training.steps=500. May be repeated.",
        show_default=False,
    ),
]
SeedsOption = Annotated[
    int | None,
    typer.Option(
        "--seeds",
        metavar="N",
        help="Run seeds 0 to N-1 instead of the study's own.",
        show_default=False,
    ),
]
TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="COLUMN",
        help="Of a table: the column to be predicted, by name or position from 1.",
        show_default=False,
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="COLUMN",
        help="Of a table: a column to leave out. May be repeated.",
        show_default=False,
    ),
]
MissingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--missing",
        metavar="VALUE",
        help="Of a table: a value that stands for a missing one. May be repeated.",
        show_default=False,
    ),
]
TaskOption = Annotated[
    Task | None,
    typer.Option(
        "--task",
        help="Of a table: whether the target is classes or a quantity; else told from the target.",
        show_default=False,
    ),
]
OutOption = Annotated[
    Path,
    typer.Option("--out", metavar="DIR", help="Results lie in DIR/<study name>/."),
]
DeviceOption = Annotated[
    Device,
    typer.Option("--device", help="auto means the CPU; cuda takes the GPU."),
]
PrecisionOption = Annotated[
    Precision,
    typer.Option("--precision", help="Number format of matrix products."),
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="One JSON object a line on stdout, for programs."),
]
ResultsArgument = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="A results folder, for example runs/demo.",
        show_default=False,
    ),
]

DEFAULT_OUT = Path("runs")

ModelNetwork = Annotated[
    str | None,
    typer.Option("--network", metavar="NAME", help="A network; else the one the study chose."),
]
ModelSeed = Annotated[
    str,
    typer.Option("--seed", metavar="N|all", help="One seed, or all, whose answers are averaged."),
]
