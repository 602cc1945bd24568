"""How to have the same again: command, versions, machine."""

from __future__ import annotations

from importlib.resources import as_file, files

from mlplab.declarations.data import KnownData
from mlplab.declarations.loading import load
from mlplab.declarations.study import Study
from mlplab.records.database import reading
from mlplab.records.results import Results
from mlplab.records.seals import last_hash
from mlplab.report.context import Context
from mlplab.report.document import Block, Chapter, Code, Paragraph, Table, columns, plain

STUDY_FILE = "study.json"
_WORDS = {
    "mlplab": "mlplab",
    "python": "Python",
    "torch": "PyTorch",
    "numpy": "NumPy",
    "cuda": "CUDA",
    "mkl": "MKL's mode",
    "gpu": "GPU",
}


def chapter(context: Context) -> Chapter:
    """The last chapter."""
    results = context.results
    name = results.study.name
    folder = results.folder.name if results.folder else name
    blocks: list[Block] = [
        Paragraph("This trains what is missing and writes the report:"),
        Code(command(context), "sh"),
        Paragraph(
            "On the same machine, with the same versions, the same seeds give the same bits. The "
            "numbers behind this page, and the page again from its records:"
        ),
        Code(
            f"mlplab export runs/{folder} --curves curves.csv --summary summary.csv\n"
            f"mlplab report runs/{folder}\nmlplab verify runs/{folder}",
            "sh",
        ),
        *_seal(results),
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


def _seal(results: Results) -> list[Block]:
    if results.folder is None:
        return []
    with reading(results.folder) as connection:
        seal = last_hash(connection)
    told = "The last hash of all that was asked and recorded, by which a later change shows:"
    return [Paragraph(told), Code(seal, "text")] if seal else []


def command(context: Context) -> str:
    """The command line that gives these results: of a shipped study, if it is that one unchanged.

    Otherwise the study, as it was resolved, lies beside the report; but where it reads files, or
    is tuned, only the file that it was declared in says how.
    """
    results = context.results
    study, environment = results.study, results.environment
    folder = results.folder.name if results.folder else study.name
    resolved = f"runs/{folder}/{STUDY_FILE}"
    if study.tune is not None or any(
        not isinstance(network.data, KnownData) for network in study.networks.values()
    ):
        resolved = f"{study.name}.json"
    words = ["mlplab", "run", *(_as_shipped(study) or (resolved,))]
    if environment.get("precision", "float32") != "float32":
        words += ["--precision", environment["precision"]]
    return " ".join(words)


def _as_shipped(study: Study) -> tuple[str, ...] | None:
    """What is said after `run` to get a shipped study with these seeds; None if it is another."""
    shipped = files("mlplab") / "studies" / f"{study.name}.json"
    seeds = {network.seeds for network in study.networks.values()}
    if not shipped.is_file() or len(seeds) != 1:
        return None
    (one,) = seeds
    if one != tuple(range(len(one))):
        return None
    with as_file(shipped) as path:
        same = load(path, seeds=len(one))
    is_same = study.tune is not None or (same.networks, same.open_set) == (
        study.networks,
        study.open_set,
    )
    return (study.name, "--seeds", str(len(one))) if is_same else None
