"""The 2023 report's own configuration files, read as they are.

A file holds eight keys and stands for one network; a folder of them is a study. What the files do
not say is the report's protocol: MNIST without a validation part, weights uniform in ±0.05, and
the optimizers of Keras 2, above all its placements of ε.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from mlplab.declarations.base import Count, Declaration, PositiveNumber
from mlplab.declarations.known_data import KNOWN_SETS
from mlplab.declarations.problems import BadInput, Problem, Where, refuse, shown
from mlplab.declarations.reading.json_text import Read, read_object
from mlplab.declarations.reading.names import plain
from mlplab.declarations.reading.source_map import SourceLocation, SourceMap
from mlplab.declarations.reading.validation import validate

EVALUATE_EVERY = 100


class Configuration(Declaration):
    """One configuration file of the report."""

    learning_rate: PositiveNumber
    num_classes: Count
    num_features: Count
    training_steps: Count
    batch_size: Count
    n_layers: Count
    """Dense layers, the output layer included."""
    hiddens: Annotated[tuple[Count, ...], Field(min_length=1)]
    optimizer: Literal["sgd", "adam", "rmsprop", "adagrad"]
    """In any letter case, as Keras takes it."""


_TELLING = {"num_classes", "num_features", "training_steps", "n_layers", "hiddens"}
_KERAS: dict[str, dict[str, Any]] = {
    "sgd": {},
    "adam": {"epsilon": 1e-7, "epsilon_placement": "before_correction"},
    "rmsprop": {"decay": 0.9, "epsilon": 1e-7, "epsilon_placement": "inside_root"},
    "adagrad": {
        "initial_accumulator": 0.1,
        "epsilon": 1e-7,
        "epsilon_placement": "inside_root",
    },
}
_KEY_OF: dict[Where, str] = {
    ("hidden",): "hiddens",
    ("outputs",): "num_classes",
    ("optimizer",): "optimizer",
    ("optimizer", "learning_rate"): "learning_rate",
    ("training",): "training_steps",
    ("training", "steps"): "training_steps",
    ("training", "batch_size"): "batch_size",
}
"""The key of the configuration behind each setting of the network it becomes."""


@dataclass(frozen=True)
class Translated:
    """A study as it would stand in a study file, and where its settings really stand."""

    values: dict[str, Any]
    source_map: SourceMap


def is_configuration(values: Mapping[str, Any]) -> bool:
    """Whether an object is meant as a configuration of the report rather than as a study."""
    telling = _TELLING & set(values)
    is_study = bool({"networks", "grid"} & set(values))
    return not is_study and len(telling) >= (2 if "hiddens" in telling else 3)


def translate_file(path: Path, read: Read) -> Translated:
    """One configuration file as a study of one network, both named by the file's stem."""
    return _translate({path.stem: read}, path.stem, read.source_map.file)


def translate_folder(folder: Path) -> Translated:
    """A folder of configuration files as a study named by the folder, a network a file.

    Raises BadInput with the problems of every file in it.
    """
    files = sorted(
        (f for f in folder.iterdir() if f.suffix.lower() == ".json" and not f.name.startswith(".")),
        key=lambda file: _natural(file.name),
    )
    if not files:
        expected = "a folder of configuration files that end in .json"
        hint = "name a study file, or put the configurations there"
        refuse("", expected=expected, received="a folder without any", hint=hint, file=folder)
    reads: dict[str, Read] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            read = read_object(file)
            problems += (*read.problems, *_misplaced(file, read, reads))
            reads[file.stem] = read
        except BadInput as error:
            problems += error.problems
    try:
        translated = _translate(reads, folder.resolve().name, str(folder))
    except BadInput as error:
        problems += error.problems
    if problems:
        raise BadInput(problems)
    return translated


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts config2 before config10."""
    return [(int(digits or 0), text) for text, digits in re.findall(r"(\D*)(\d*)", name.casefold())]


def _misplaced(file: Path, read: Read, reads: Mapping[str, Read]) -> Iterator[Problem]:
    if file.stem in reads:
        yield read.source_map.problem(
            (), expected="one file a network", received=f'a second file named "{file.stem}"'
        )
    if {"networks", "grid"} & set(read.values):
        yield read.source_map.problem(
            (),
            expected="a configuration file, as this is a folder of them",
            received="a study file",
            hint="run it by itself",
        )


def _translate(reads: Mapping[str, Read], name: str, file: str) -> Translated:
    problems: list[Problem] = []
    networks: dict[str, Any] = {}
    known: dict[Where, SourceLocation] = {}
    for network, read in reads.items():
        if {"networks", "grid"} & set(read.values):
            continue
        configuration, its_problems = _configuration(read)
        problems += its_problems
        if configuration is None:
            continue
        networks[network] = _network(configuration)
        known[("networks", network)] = read.source_map.of(())
        for path, key in _KEY_OF.items():
            known[("networks", network, *path)] = read.source_map.of((key,))
    if problems:
        raise BadInput(problems)
    return Translated({"name": plain(name), "networks": networks}, SourceMap(file, known))


def _configuration(read: Read) -> tuple[Configuration | None, list[Problem]]:
    values = dict(read.values)
    if isinstance(values.get("optimizer"), str):
        values["optimizer"] = values["optimizer"].lower()
    validated = validate(Configuration, values)
    problems = [read.source_map.located(problem) for problem in validated.faults]
    if validated.declaration is not None:
        problems += _contradictions(validated.declaration, read.source_map)
    return validated.declaration, problems


def _contradictions(configuration: Configuration, source_map: SourceMap) -> Iterator[Problem]:
    hidden = len(configuration.hiddens)
    if configuration.n_layers != hidden + 1:
        yield source_map.problem(
            ("n_layers",),
            expected=f"{hidden + 1}, for the {hidden} in hiddens and the output layer",
            received=str(configuration.n_layers),
            hint=f"write {hidden + 1}, or make hiddens {configuration.n_layers - 1} long",
        )
    features = KNOWN_SETS["mnist"].features
    if configuration.num_features != features:
        yield source_map.problem(
            ("num_features",),
            expected=f"{features}, the pixels of an MNIST image",
            received=shown(configuration.num_features),
        )


def _network(configuration: Configuration) -> dict[str, Any]:
    name = configuration.optimizer
    return {
        "data": {"name": "mnist", "validation": 0},
        "hidden": list(configuration.hiddens),
        "activation": "relu",
        "outputs": configuration.num_classes,
        "initial_weights": {"distribution": "uniform", "low": -0.05, "high": 0.05},
        "optimizer": {"name": name, "learning_rate": configuration.learning_rate} | _KERAS[name],
        "training": {
            "steps": configuration.training_steps,
            "batch_size": configuration.batch_size,
            "evaluate_every": EVALUATE_EVERY,
        },
    }
