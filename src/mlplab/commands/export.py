"""`mlplab export`: results as files for other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplab.commands import options
from mlplab.commands.failure import complain, refuse
from mlplab.commands.network_in_use import model_of_results

if TYPE_CHECKING:
    import numpy as np

    from mlplab.records.results import Results
    from mlplab.study import StudyResults


def export(
    run: options.ResultsArgument,
    curves: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Every measured value, one a row.")
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="One row a network and seed.")
    ] = None,
    verdicts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The study's questions, answered, as JSON.")
    ] = None,
    choice: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The network that the study's rule takes, as JSON."),
    ] = None,
    open_set: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Every measure on unknown classes, one a row."),
    ] = None,
    tuning: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Every trial of a tuned study, one a row.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="DIR", help="One safetensors file a network and seed.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A network in use, as a model file (.safetensors)."),
    ] = None,
    onnx: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The same network with its preparation as ONNX."),
    ] = None,
    torch: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The same as a program of torch.export (.pt2)."),
    ] = None,
    network: options.ModelNetwork = None,
    seed: options.ModelSeed = "all",
) -> None:
    """Write results as files for other programs.

    \b
    Examples:
      mlplab export runs/demo --curves curves.csv
      mlplab export runs/demo --curves curves.parquet --summary summary.csv
      mlplab export runs/demo --verdicts verdicts.json
      mlplab export runs/demo --choice choice.json
      mlplab export runs/open-set --open-set open-set.csv
      mlplab export runs/report-2023-fair --tuning tuning.csv
      mlplab export runs/demo --weights weights/
      mlplab export runs/demo --model digits.safetensors --network deep --seed 0
      mlplab export runs/demo --onnx digits.onnx --torch digits.pt2

    Curves have the columns study,network,seed,step,split,metric,value. Files end in .csv, .csv.gz
    or .parquet. Verdicts are a list with an object for each question: ask, verdict, effect,
    interval, p_value (corrected for all questions, as the interval is), p_value_speaks_for, seeds,
    registered, audit, sentence and more. A choice is one object: chosen, rule, split,
    has_seen_test_data, seeds, sentence, caveats and candidates. The open-set table has the columns
    study,network,seed,split,detector,metric,value, that of tuning
    study,network,trial,setting,value,round,seed,step,metric,score,status,chosen,training_flops,
    seconds. Weights are kernel_1 (in, out), bias_1 (out), kernel_2 and so on. A model file is what
    mlplab predict and mlplab.load_model take: the chosen network, or --network NAME, with all seeds
    or --seed N, and all that a new row needs; a model card in Markdown is written beside it. ONNX
    has an input for each column of a table, [N, 1], or inputs; torch takes one array of numbers, with
    the codes of categories that the card lists. Both are compared with mlplab's answers on test rows.
    """
    asked = [curves, summary, verdicts, choice, open_set, tuning, weights, model, onnx, torch]
    if all(place is None for place in asked):
        raise refuse(
            "Say what to export: --curves FILE, --summary FILE, --verdicts FILE, --choice FILE, "
            "--open-set FILE, --tuning FILE, --weights DIR, --model FILE, --onnx FILE or --torch FILE."
        )
    in_use = {"model": model, "onnx": onnx, "torch": torch}
    if not any(in_use.values()) and (network is not None or seed != "all"):
        raise refuse("--network and --seed name the network of --model FILE: add it.")

    _refuse_places(run, asked)

    from mlplab.study import open_results

    results = open_results(run)
    if results.missing:
        complain(f"note: {len(results.missing):,} networks × seeds are missing in this export")
    writers: tuple[tuple[Path | None, Callable[[Path], object]], ...] = (
        (curves, lambda path: results.export(curves=path)),
        (summary, lambda path: results.export(summary=path)),
        (verdicts, lambda path: _export_verdicts(results, path)),
        (choice, lambda path: _export_choice(results, path)),
        (open_set, lambda path: _export_open_set(results, path)),
        (tuning, lambda path: _export_tuning(results, path)),
        (weights, lambda path: _export_weights(results, path)),
    )
    for path, write in writers:
        if path is not None:
            write(path)
            print(path)
    if any(in_use.values()):
        _export_in_use(results, network, seed, **in_use)


def _export_in_use(
    results: StudyResults,
    network: str | None,
    seed: str,
    model: Path | None,
    onnx: Path | None,
    torch: Path | None,
) -> None:
    own = model_of_results(results, network, seed)
    if model is not None:
        own.save(model)
        print(model)
    if onnx is None and torch is None:
        return
    from mlplab.model.from_results import rows_to_check

    rows = rows_to_check(results, own)
    what = (
        "values differ by at most {} standard deviations"
        if own.is_regression
        else ("probabilities differ by at most {}")
    )
    for path, write in ((onnx, own.to_onnx), (torch, own.to_torch)):
        if path is not None:
            difference = f"{write(path, rows):.1e}"
            print(path)
            complain(f"compared on {len(rows):,} test rows: {what.format(difference)}")


def _export_open_set(results: StudyResults, path: Path) -> None:
    if not results.study.open_set:
        complain("note: the study asks nothing about unknown classes, so the table is empty")
    results.export(open_set=path)


def _export_tuning(results: StudyResults, path: Path) -> None:
    if results.study.tune is None:
        complain("note: the study tunes nothing, so the table is empty")
    results.export(tuning=path)


def _refuse_places(run: Path, wanted: list[Path | None]) -> None:
    """Refuse one file for two tables, and a place where it would take that of the records."""
    from mlplab.declarations.problems import BadInput, Problem
    from mlplab.records.database import DATABASE_FILE
    from mlplab.records.stacks import WEIGHTS_FOLDER

    kept = {(run / DATABASE_FILE).resolve(), (run / WEIGHTS_FOLDER).resolve()}
    taken: set[Path] = set()
    for path in (path for path in wanted if path is not None):
        place = path.resolve()
        if not kept.isdisjoint((place, place.parent)):
            expected, received = "a place outside the run's own records", "one of them"
        elif place in taken and not place.is_relative_to("/dev"):
            expected, received = "a file of its own for each table", "one file for two"
        else:
            taken.add(place)
            continue
        raise BadInput(Problem("", expected, received, "choose another name", file=str(path)))


def _export_verdicts(results: Results, path: Path) -> None:
    from mlplab.analysis.questions.answers import answer_questions
    from mlplab.analysis.questions.export import verdicts_json

    if not results.study.questions:
        complain("note: the study asks no questions, so the list is empty")
    _write(path, verdicts_json(answer_questions(results)))


def _export_choice(results: Results, path: Path) -> None:
    from mlplab.analysis.choice.export import choice_json
    from mlplab.analysis.choice.rule import choose

    _write(path, choice_json(choose(results)))


def _write(path: Path, text: str) -> None:
    from mlplab.records.atomic import replacing, writable

    with writable(path), replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _export_weights(results: Results, folder: Path) -> None:
    from mlplab.records.atomic import writable
    from mlplab.records.weights import write_tensors

    with writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
    names = _file_names([run.network for run in results.runs])
    for run in results.runs:
        arrays: dict[str, np.ndarray] = {}
        weights = results.weights(run.network, run.seed)
        for layer, (kernel, bias) in enumerate(weights, start=1):
            arrays |= {f"kernel_{layer}": kernel, f"bias_{layer}": bias}
        arrays |= weights.others
        path = folder / f"{names[run.network]}-seed-{run.seed}.safetensors"
        with writable(path):
            write_tensors(path, arrays, {"network": run.network, "seed": str(run.seed)})


def _file_names(networks: list[str]) -> dict[str, str]:
    """Return a plain, unique file name for each network; names of a grid hold other signs."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for network in dict.fromkeys(networks):
        plain = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in network)
        plain = plain.lstrip(".") or "network"
        unique, number = plain, 1
        while unique.casefold() in taken:
            number += 1
            unique = f"{plain}-{number}"
        taken.add(unique.casefold())
        names[network] = unique
    return names
