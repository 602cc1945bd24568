"""Studies with random changes, drawn from a fixed seed: nearly right inputs of every kind."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

STUDY: dict[str, Any] = {
    "name": "x",
    "data": {"name": "digits", "validation": 0.1, "classes": [0, 1, 2, 3]},
    "training": {"steps": 20, "batch_size": 8, "early_stopping": {"patience": 2}},
    "seeds": [1, 2],
    "initial_weights": {"distribution": "uniform", "low": -0.1, "high": 0.1},
    "optimizer": {"name": "sgd", "learning_rate": 0.1, "schedule": {"name": "step", "every": 2}},
    "networks": {
        "a": {"hidden": [4, 4]},
        "b": {"hidden": [3], "optimizer": {"momentum": 0.5}},
        "c": {"hidden": [2], "matched": {"to": "b", "by": "flops"}, "open_set_only": True},
    },
    "grid": {"hidden": [[1], [2]], "optimizer.learning_rate": [0.1, 0.2]},
    "figures": [
        {"title": "t", "networks": ["a"], "steps": [0, 5], "split": ["test", "batch"]},
        {"title": "u", "kind": "roc", "network": "b"},
    ],
    "compare_with": "report-2023",
    "choice": {"within": 0.01, "cost": "flops", "networks": ["a", "b"]},
    "tune": {
        "space": {"optimizer.learning_rate": {"low": 0.01, "high": 1, "points": 3}, "dropout": [0]},
        "networks": ["a"],
        "seeds": [7],
        "search": "random",
        "trials": 2,
    },
    "open_set": [
        {"known": [0, 1], "negative": [2], "unknown": [3], "networks": ["c"],
         "detectors": ["softmax", {"name": "nearest neighbours", "k": 2}, "entropic"]},
        {"splits": [{"known": ["0", 1], "unknown": [2]}], "reject_at_most": 0.1,
         "networks": ["a"], "detectors": ["energy"], "steps": [5]},
        {"splits": "all", "known": 2, "networks": ["a", "b"], "detectors": ["gen", "openmax"]},
    ],
    "questions": [
        {"ask": "q", "compare": ["a", "b"], "metric": {"final": "loss"}, "expect": "less"},
        {"ask": "r", "along": ["a", "b", "1 0.1"], "metric": {"steps_to": {"accuracy": 0.9}},
         "expect": "increasing", "factor": "depth"},
        {"ask": "s", "rank": ["a", "b", "1 0.1"], "metric": {"area_under": "accuracy"}},
        {"ask": "t", "level_of": "a", "than": 0.5, "expect": "same", "within": 0.1,
         "metric": {"at_step": 20, "value": "accuracy", "split": "validation"}},
        {"ask": "u", "compare": ["a", "a"], "detectors": ["gen", "openmax"], "expect": "greater",
         "metric": {"open_set": "auroc", "split": "0, 1 known, 2, 3 unknown"}},
    ],
}  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3.0, 0.5, -0.0, 1e300, 10**12, 10**400, "", "a", "b", "all",
    "usual 6/4", "adam", "Adam", "name", "curves", "roc", "csv", "npz", "idx", "known", "auroc",
    "x" * 200_000, "a\nb", "\u0000", "\ud800", "~nobody/x.csv", "~/x", "/dev/null", "..", [], {},
    [[]], [{}], {"": {}}, {"name": "csv"}, {"format": "csv", "path": "~nobody/x.csv", "label": "y"},
    {"format": "npz", "path": "\u0000"}, {"k" * 200_000: 1}, ["x" * 200_000], float("nan"),
    float("inf"), list(range(3000)), {"low": 1, "high": 0}, {"accuracy": 95}, {"loss": -1},
)  # fmt: skip


def mutant(seed: int) -> bytes:
    """The text of a study file that is broken in one to three places, or among its bytes."""
    draw = random.Random(seed)
    study = copy.deepcopy(STUDY)
    for _ in range(draw.randint(1, 3)):
        _change(study, draw)
    content = json.dumps(study, indent=draw.choice((None, 1))).encode()
    if draw.random() < 0.2:
        content = _among_bytes(content, draw)
    return content


def _paths(value: Any, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, part in inner:
        found.append((*path, key))
        if isinstance(part, dict | list) and len(part) < 100:
            found += _paths(part, (*path, key))
    return found


def _at(value: Any, path: tuple) -> Any:
    for step in path:
        value = value[step]
    return value


def _change(study: dict[str, Any], draw: random.Random) -> None:
    paths = _paths(study)
    if not paths:
        return
    path, other = draw.choice(paths), draw.choice(paths)
    holder, key = _at(study, path[:-1]), path[-1]
    match draw.randrange(5):
        case 0:
            holder[key] = draw.choice(VALUES)
        case 1:
            del holder[key]
        case 2:
            holder[key] = copy.deepcopy(_at(study, other))
        case 3 if isinstance(holder, dict):
            name = draw.choice([str(p[-1]) for p in paths] + [v for v in VALUES if type(v) is str])
            holder[name] = copy.deepcopy(draw.choice((holder[key], draw.choice(VALUES))))
        case _ if isinstance(holder, dict):
            holder[str(other[-1])] = holder.pop(key)
        case _:
            holder.insert(key, copy.deepcopy(_at(study, other)))


def _among_bytes(content: bytes, draw: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(found))
        match draw.randrange(3):
            case 0:
                found[at] = draw.randrange(256)
            case 1:
                del found[at]
            case _:
                found.insert(at, draw.choice(b'{}[],:"\\0e-.\n\xff'))
    return bytes(found)
