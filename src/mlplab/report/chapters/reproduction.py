"""How to have the same again: command, versions, machine."""

from __future__ import annotations

from importlib.resources import files

from mlplab.report.context import Context
from mlplab.report.document import Block, Chapter, Code, Paragraph, Table, columns, plain

_WORDS = {
    "mlplab": "mlplab",
    "python": "Python",
    "torch": "PyTorch",
    "numpy": "NumPy",
    "cuda": "CUDA",
    "gpu": "GPU",
}


def chapter(context: Context) -> Chapter:
    """The last chapter."""
    results = context.results
    name = results.study.name
    folder = results.folder.name if results.folder else name
    blocks: list[Block] = [
        Paragraph(
            "With the study's file at hand, this trains what is missing and writes the report:"
        ),
        Code(command(context), "sh"),
        Paragraph(
            "On the same machine, with the same versions, the same seeds give the same bits. The "
            "numbers behind this page, and the page again from its records:"
        ),
        Code(
            f"mlplab export runs/{folder} --curves curves.csv --summary summary.csv\n"
            f"mlplab report runs/{folder}",
            "sh",
        ),
        Table(
            "The versions and the machine of the last run.",
            columns("what", "value", left=2),
            tuple(
                (_WORDS.get(key, key.replace("_", " ")), plain(value))
                for key, value in results.environment.items()
            ),
        ),
    ]
    return Chapter("reproduction", "How to reproduce it", tuple(blocks))


def command(context: Context) -> str:
    """The command line that gives these results."""
    study, environment = context.results.study, context.results.environment
    shipped = (files("mlplab") / "studies" / f"{study.name}.json").is_file()
    words = ["mlplab", "run", study.name if shipped else f"{study.name}.json"]
    seeds = {network.seeds for network in study.networks.values()}
    if len(seeds) == 1 and (one := next(iter(seeds))) == tuple(range(len(one))):
        words += ["--seeds", str(len(one))]
    if environment.get("precision", "float32") != "float32":
        words += ["--precision", environment["precision"]]
    return " ".join(words)
