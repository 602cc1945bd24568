"""`mlplab init`: a starter study, every choice explained within it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mlplab.commands.failure import refuse

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
    "// seeds": "5 means seeds 0 to 4; [3, 7] names them. Equal seeds see equal batches, "
    "so networks are compared in pairs; fewer than three seeds support no verdict.",
    "seeds": 5,
    "// initial_weights": "uniform, normal, glorot or he.",
    "initial_weights": {"distribution": "he"},
    "// activation": "relu, leaky_relu, tanh, sigmoid, gelu or identity, after every hidden layer.",
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


def init(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The study file to write.")] = Path(
        "study.json"
    ),
    explain: Annotated[
        bool, typer.Option("--explain", help="Write nothing; print every key a study may have.")
    ] = False,
) -> None:
    """Write a starter study, every choice explained.

    \b
    Examples:
      mlplab init                        study.json
      mlplab init widths.json            widths.json, a study named widths
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
    study = {"$schema": f"./{SCHEMA_FILE}", "name": plain(path.stem), **STARTER}
    for file, text in ((path.parent / SCHEMA_FILE, schema_text()), (path, _as_json(study))):
        with writable(file), replacing(file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    print(f"{path} is a study that runs as it is: mlplab run {path}")


def _as_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
