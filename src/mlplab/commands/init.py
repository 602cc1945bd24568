"""`mlplab init`: a starter study, every choice explained within it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mlplab.commands import options
from mlplab.commands.failure import refuse
from mlplab.declarations.table_options import TableOptions

SCHEMA_FILE = "mlplab.schema.json"

STARTER = {
    "//": "Keys that start with // are remarks. All keys there are: mlplab init --explain",
    "// data": "digits, mnist, fashion-mnist or kmnist by name; or your own files: "
    '{"format": "csv", "path": "table.csv", "label": "species"}, likewise npz and idx. '
    "validation is the share (or number) of training rows kept apart to choose by.",
    "data": {"name": "digits", "validation": 0.1},
    "// training": "How many mini-batch steps, of how many rows, looked at how often. "
    'Also "early_stopping": {"patience": 5}, and "diagnostics": true for gradients by layer.',
    "training": {"steps": 300, "batch_size": 64, "evaluate_every": 20},
    "// seeds": "6 means seeds 0 to 5; [3, 7] names them. Equal seeds see equal batches, so networks "
    "are compared in pairs. A verdict on one comparison needs six seeds, on several more: mlplab "
    "check says how many.",
    "seeds": 6,
    "// initial_weights": "uniform, normal, glorot, he, lecun or orthogonal.",
    "initial_weights": {"distribution": "he"},
    "// activation": "relu, leaky_relu, prelu, tanh, sigmoid, gelu, silu, selu, elu, mish, "
    'softplus or identity, after every hidden layer. Also "normalization": "batch", "layer" or "rms", '
    'and "residual": true.',
    "activation": "relu",
    "// networks": "A name and what is its own: hidden gives the neurons of each hidden layer. "
    "A network may override every setting above, within its own braces.",
    "networks": {
        "plain": {
            "hidden": [64],
            "// optimizer": "sgd, adagrad, rmsprop, adam or adamw, with its learning_rate.",
            "optimizer": {"name": "sgd", "learning_rate": 0.1},
        },
        "deep": {
            "hidden": [64, 64, 64],
            "// epsilon_placement": "Where epsilon stands in the update; in deep networks it "
            "decides outcomes. Default for adam: before_correction, as in Keras.",
            "optimizer": {
                "name": "adam",
                "learning_rate": 0.001,
                "epsilon_placement": "before_correction",
            },
        },
    },
    "// grid": "Networks as a product of lists, named after their settings.",
    "grid": {
        "hidden": [[32], [32, 32]],
        "optimizer.name": ["rmsprop"],
        "optimizer.learning_rate": [0.01, 0.001],
    },
    "// figures": "Drawn beside those that every report has; networks left out means all.",
    "figures": [
        {
            "title": "One hidden layer and three",
            "metric": "accuracy",
            "split": "test",
            "networks": ["plain", "deep"],
        },
    ],
}


QUESTION = {
    "// questions": "Written before there are results, answered in the report and by "
    "mlplab export --verdicts. Also expect: less, or same (with within); and rank or along "
    "for more than two networks.",
    "questions": [
        {
            "ask": "Do three hidden layers of Adam end up more accurate than one of SGD?",
            "compare": ["deep", "plain"],
            "metric": {"final": "accuracy", "split": "test"},
            "expect": "greater",
        }
    ],
}
CHOICE = {
    "// choice": "Which network to take: the cheapest that is shown to be less than within "
    "worse than the best, judged on validation rows where there are any.",
    "choice": {"within": 0.01, "cost": "parameters"},
}
OPEN_SET = {
    "// open_set": "Networks are trained on the known classes only, then asked about all; "
    "detectors say which inputs are of an unknown class. They are compared by AUROC.",
    "open_set": [
        {
            "known": [0, 1, 2, 3, 4],
            "unknown": [5, 6, 7, 8, 9],
            "networks": ["plain"],
            "calibration": 0.2,
            "detectors": ["softmax", "energy", "nearest neighbours"],
        }
    ],
}


def init(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The study file to write.")] = Path(
        "study.json"
    ),
    question: Annotated[
        bool, typer.Option("--question", help="With a question about two of its networks.")
    ] = False,
    choice: Annotated[
        bool, typer.Option("--choice", help="With a rule for which network to take.")
    ] = False,
    open_set: Annotated[
        bool, typer.Option("--open-set", help="With a test on classes never seen in training.")
    ] = False,
    data: Annotated[
        Path | None,
        options.option(
            "--data",
            metavar="TABLE",
            help="Of this table: the study that mlplab run TABLE --target COLUMN makes.",
        ),
    ] = None,
    target: options.TargetOption = None,
    ignore: options.IgnoreOption = None,
    missing: options.MissingOption = None,
    task: options.TaskOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Write nothing; print every key a study may have.")
    ] = False,
) -> None:
    """Write a starter study, every choice explained.

    \b
    Examples:
      mlplab init                        study.json
      mlplab init widths.json            widths.json, a study named widths
      mlplab init --question --choice    study.json with a question and a rule to choose by
      mlplab init bikes.json --data bikes.parquet --target rentals
      mlplab init --explain              every key, what it takes and its default

    Beside FILE comes mlplab.schema.json, from which editors complete and explain as you type.
    A study that is there already is never overwritten.
    """
    if explain:
        from mlplab.commands.explanation import explain as explanation

        print(explanation(), end="")
        return
    if path.suffix != ".json":
        raise refuse(f"{path}: a study file ends in .json; try {path.name}.json.")

    from mlplab.declarations.reading.names import plain
    from mlplab.declarations.schema import schema_text
    from mlplab.records.atomic import replacing, writable

    with writable(path):
        is_there = path.exists()
    if is_there:
        raise refuse(f"{path} is there already; choose another name or move it away.")
    study: dict[str, object] = {"$schema": f"./{SCHEMA_FILE}", "name": plain(path.stem)}
    if data is not None or target is not None:
        parts = {"--question": question, "--choice": choice, "--open-set": open_set}
        if data is None or target is None or any(parts.values()):
            given = next((name for name, asked in parts.items() if asked), None)
            raise refuse(
                "--data TABLE and --target COLUMN belong together"
                + (f"; {given} is for the starter study without them." if given else ".")
            )
        from mlplab.table_study import table_values, with_remarks

        table = TableOptions(target, ignore or (), missing or (), task)
        study |= with_remarks(table_values(data, table, name=plain(path.stem), folder=path.parent))
    elif ignore or missing or task:
        raise refuse("--ignore, --missing and --task say how the table of --data is read.")
    else:
        study |= STARTER
        for asked, part in ((question, QUESTION), (choice, CHOICE), (open_set, OPEN_SET)):
            study |= part if asked else {}
    for file, text in ((path.parent / SCHEMA_FILE, schema_text()), (path, _as_json(study))):
        with writable(file), replacing(file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    print(f"{path} is a study that runs as it is: mlplab run {path}")


def _as_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
