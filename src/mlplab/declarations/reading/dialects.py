"""Settings as users of other libraries write them: read with a note, or answered with the line.

What is certain is accepted with a note: another word for the same setting in the same object (lr
for learning_rate, hidden_sizes for hidden), a word in other letter case (Adam, ReLU), or the name
that another library has for it. What needs another place or another unit (a seed is no count of
seeds) is a problem, whose hint is the exact line to write.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from mlplab.declarations.known_data import KNOWN_SETS
from mlplab.declarations.network import Network
from mlplab.declarations.paths import at, merged, put
from mlplab.declarations.problems import Problem, Where, dotted, shortened, shown
from mlplab.declarations.reading.dialect_words import (
    CONTAINERS,
    CONVERTED,
    KINDS,
    LEARNING_RATES,
    LEFT_OUT,
    SETTINGS,
    WORDS,
    folded,
)
from mlplab.declarations.reading.source_map import SourceMap
from mlplab.declarations.reading.wording import field_type_spec
from mlplab.declarations.training import Training

MOST_NOTES = 20
"""Notes on words that were read; the rest are counted."""
_DEFAULT_BATCH = Training().batch_size
_GROUPS = ("optimizer", "training", "data", "initial_weights", "objective")


@dataclass
class Understood:
    """The values in this project's words, and what is told of the change."""

    values: dict[str, Any]
    source_map: SourceMap
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def understand(values: dict[str, Any], source_map: SourceMap, known: Iterable[str]) -> Understood:
    """A study's values with other libraries' words translated.

    known: the keys that a study may have at its top.
    """
    reader = _Reader(values, source_map)
    reader.level((), known)
    networks = reader.values.get("networks")
    for name, own in list(networks.items()) if isinstance(networks, dict) else ():
        if isinstance(own, dict):
            reader.level(("networks", name), Network.model_fields)
    reader.grid()
    return reader.done()


class _Reader:
    def __init__(self, values: dict[str, Any], source_map: SourceMap) -> None:
        self.values = deepcopy(values)
        self.source_map = source_map
        self.moved: dict[Where, Where] = {}
        self.notes: dict[str, list[str]] = {}
        self.problems: list[Problem] = []

    def done(self) -> Understood:
        known = dict(self.source_map.known)
        for old, new in self.moved.items():
            for path, location in list(known.items()):
                if path[: len(old)] == old:
                    known.setdefault((*new, *path[len(old) :]), location)
        source_map = replace(self.source_map, known=known)
        notes = []
        for note, where in self.notes.items():
            others = f" So were {len(where) - 1} others." if len(where) > 1 else ""
            notes.append(f"{where[0]}: {note}{others}")
        if len(notes) > MOST_NOTES:
            notes[MOST_NOTES:] = [f"{len(notes) - MOST_NOTES} more words were read so."]
        problems = [source_map.located(problem) for problem in self.problems]
        return Understood(self.values, source_map, notes, problems)

    def level(self, path: Where, known: Iterable[str]) -> None:
        """One object that holds settings of networks: the whole study, or a network."""
        holder = at(self.values, path)
        self._rename(holder, path, "", known)
        for group in _GROUPS:
            if isinstance(holder.get(group), dict):
                self._rename(holder[group], (*path, group), group, _keys_of(group))
        for setting, words in WORDS.items():
            inner = at(holder, setting[:-1])
            if isinstance(inner, dict) and setting[-1] in inner:
                self._reword(inner, setting[-1], words, (*path, *setting))
        foreign = [*_foreign_keys(holder, path, known)]
        if not foreign:
            return
        lines = _lines(holder, self.values if path else {}, foreign)
        for item in foreign:
            self.problems.append(item.problem(lines))
            at(self.values, item.path[:-1]).pop(item.path[-1])
        # What the lines say is checked as if it stood there.
        holder |= {key: value for key, value in lines.items() if key in Network.model_fields}

    def grid(self) -> None:
        """Paths and values of a grid in other words."""
        grid: Any = self.values.get("grid")
        for path in list(grid) if isinstance(grid, dict) else ():
            words = WORDS.get(tuple(path.split(".")), {})
            for index in range(len(grid[path])) if isinstance(grid[path], list) else ():
                self._reword(grid[path], index, words, ("grid", path, index))
            group, _, last = path.rpartition(".")
            outer, _, setting = SETTINGS.get(folded(last), "").rpartition(".")
            new = f"{group}.{setting}" if group else setting
            is_other = setting and outer == group and last not in _keys_of(group)
            if is_other and new not in grid and folded(last) not in CONVERTED:
                grid[new] = grid.pop(path)
                self._moved(("grid", path), ("grid", new))

    def _reword(self, holder: Any, key: Any, words: Mapping[str, str], where: Where) -> None:
        """A name in other letter case, or as another library calls it."""
        value = holder[key]
        if isinstance(value, str) and value not in words.values():
            meant = words.get(_last_word(value))
            if meant is not None:
                holder[key] = meant
                self._noted(value, meant, where)

    def _rename(
        self, holder: dict[str, Any], path: Where, group: str, known: Iterable[str]
    ) -> None:
        """Other words for settings of the same object."""
        for key in list(holder):
            if key in known or folded(key) in CONVERTED:
                continue
            outer, _, last = SETTINGS.get(folded(key), "").rpartition(".")
            if folded(key) in KINDS and group in ("optimizer", "initial_weights", "objective"):
                outer, last = group, "distribution" if group == "initial_weights" else "name"
            is_other = last and outer == group and last not in holder
            # A known set has a test part of its own: said where the line to write is made.
            is_other = is_other and not (last == "test" and holder.get("name") in KNOWN_SETS)
            if is_other and _is_same_kind(last, holder[key]):
                holder[last] = holder.pop(key)
                self._moved((*path, key), (*path, last))

    def _moved(self, old: Where, new: Where) -> None:
        self.moved[old] = new
        self._noted(str(old[-1]), str(new[-1]), old)

    def _noted(self, word: str, meant: str, where: Where) -> None:
        note = f'"{shortened(word)}" was read as "{meant}".'
        self.notes.setdefault(note, []).append(shortened(dotted(where), 120))


@dataclass(frozen=True)
class _Foreign:
    """A key of another library, with what it is here."""

    path: Where
    value: Any
    settings: Mapping[str, Any]
    """By dotted path; values as they stand there, in the other library's unit."""
    reason: str | None = None
    """Why it is left out, where it is no setting."""

    @property
    def homes(self) -> tuple[str, ...]:
        """The keys of a network under which it belongs."""
        found = (_HOMES.get(path) or (path.split(".")[0],) for path in self.settings)
        return tuple(dict.fromkeys(home for homes in found for home in homes))

    def problem(self, lines: Mapping[str, Any]) -> Problem:
        """The line to write in its place, or why nothing is."""
        key = shown(self.path[-1])
        expected = "one of the keys of a study"
        if self.path[-1] in _GROUPS:
            expected = "an object with settings"
        homes = [home for home in self.homes if home in lines]
        optimizer = lines.get("optimizer", {})
        own = [path.split(".")[1] for path in self.settings if path.startswith("optimizer.")]
        if own and homes == ["optimizer"] and not {*own} & {*optimizer} and "name" in optimizer:
            reason = f"leave it out: {optimizer['name']} has no such setting"
            return Problem(self.path, expected, f"{key}: {shown(self.value)}", reason)
        if [*self.settings] == ["data.test"] and "test" not in lines.get("data", {"test": None}):
            reason = "leave it out: a known set has a test part of its own"
            return Problem(self.path, expected, f"{key}: {shown(self.value)}", reason)
        if not homes:
            return Problem(self.path, expected, f"the unknown key {key}", self.reason)
        line = ", ".join(f'"{home}": {json.dumps(lines[home])}' for home in homes)
        keys = " and ".join(f'"{home}"' for home in homes)
        hint = f"it belongs in {keys}: write {line}"
        return Problem(self.path, expected, f"{key}: {shown(self.value)}", hint)


_HOMES: dict[str, tuple[str, ...]] = {
    "width": ("hidden",),
    "depth": ("hidden",),
    "sizes": ("hidden",),
    "keras": ("hidden", "activation", "dropout"),
    "seed": ("seeds",),
    "standardize": ("data",),
    "betas": ("optimizer",),
}


def _foreign_keys(
    holder: Mapping[str, Any], path: Where, known: Iterable[str]
) -> Iterator[_Foreign]:
    """Keys that other libraries have in places or units of their own."""
    for key, value in holder.items():
        is_group = key in _GROUPS and isinstance(value, dict)
        if (key not in known or (key in _GROUPS and not is_group)) and (
            found := _foreign((*path, key), value)
        ):
            yield found
    for group in _GROUPS:
        inner = holder.get(group)
        for key, value in inner.items() if isinstance(inner, dict) else ():
            if key not in _keys_of(group) and (
                found := _foreign((*path, group, key), value, group)
            ):
                yield found


def _foreign(path: Where, value: Any, group: str = "") -> _Foreign | None:
    key = folded(str(path[-1]))
    if key in KINDS and group in ("optimizer", "data"):
        key = "dataset" if group == "data" else group
    target = SETTINGS.get(key)
    if key in LEFT_OUT:
        return _Foreign(path, value, {}, f"leave it out: {LEFT_OUT[key]}")
    if key == "layers" and isinstance(value, list) and value and isinstance(value[0], dict):
        return _Foreign(path, value, {"keras": value})
    if not isinstance(value, dict):
        is_group = path[-1] in _GROUPS and not isinstance(value, str)
        return None if target is None or is_group else _Foreign(path, value, {target: value})
    if key not in CONTAINERS and target is None and not group:
        return None
    kind = "data" if key in ("data", "dataset") else ""
    kind = "optimizer" if key in ("optimizer", "optim") or group == "optimizer" else kind
    kind = "schedule" if target == "optimizer.schedule" else kind
    settings: dict[str, Any] = {}
    for inner, its in value.items():
        settings |= _settings_in(inner, its, kind)
    is_told = settings or key in CONTAINERS
    return _Foreign(path, value, settings, "leave it out") if is_told else None


def _settings_in(key: str, value: Any, kind: str) -> Mapping[str, Any]:
    """The settings of a key within a section of another library."""
    if kind == "schedule":
        inner = value.items() if isinstance(value, dict) else [(key, value)]
        return {path: its for k, its in inner if (path := _schedule_path(k))}
    if folded(key) in KINDS and not kind:
        return {}  # the name of a section's class says nothing that a study needs
    found = _foreign((key,), value, kind)
    return found.settings if found is not None else {}


def _schedule_path(key: str) -> str | None:
    names = {"stepsize": "epochs", "every": "every", "gamma": "factor", "factor": "factor"}
    name = "name" if folded(key) in KINDS else names.get(folded(key))
    return name and f"optimizer.schedule.{name}"


def _lines(
    holder: Mapping[str, Any], shared: Mapping[str, Any], foreign: list[_Foreign]
) -> dict[str, Any]:
    """The settings that foreign keys of an object come to, each group whole."""
    said: dict[str, Any] = {}
    for item in foreign:
        said |= item.settings
    own = deepcopy({key: value for key, value in holder.items() if key in Network.model_fields})
    for key in _GROUPS:
        if not isinstance(own.get(key, {}), dict):
            del own[key]
        elif key in own:
            gone = [item.path[-1] for item in foreign if item.path[-2:-1] == (key,)]
            own[key] = {k: v for k, v in own[key].items() if k not in gone}
    for path, value in said.items():
        for setting, converted in _converted(path, value).items():
            put(own, setting.split("."), converted)
    own |= _layers(said, own)
    rest = {
        key: value for key, value in shared.items() if key in _GROUPS and isinstance(value, dict)
    }
    if "training.epochs" in said:
        own["training"].pop("steps", None)
    _put_schedule(own, said, merged(rest, own))
    if "optimizer" in own and "optimizer" not in rest:
        rate = LEARNING_RATES.get(str(own["optimizer"].get("name", "adam")), 0.001)
        own["optimizer"] = {"name": "adam", "learning_rate": rate, **own["optimizer"]}
    name = {**rest.get("optimizer", {}), **own.get("optimizer", {})}.get("name")
    members = field_type_spec(Network, "optimizer").tagged()
    if "optimizer" in own and isinstance(name, str) and name in members:
        has = members[name].type.model_fields
        own["optimizer"] = {key: value for key, value in own["optimizer"].items() if key in has}
    if "data" in own and merged(rest.get("data", {}), own["data"]).get("name") in KNOWN_SETS:
        own["data"].pop("test", None)
    homes = {home for item in foreign for home in item.homes}
    return {key: value for key, value in own.items() if key in homes}


def _converted(path: str, value: Any) -> dict[str, Any]:
    """Settings by path, in the units of a study; none for those that need others beside them."""
    value = _number(value)
    words = WORDS.get(tuple(path.split(".")))
    if words is not None and isinstance(value, str):
        return {path: words.get(_last_word(value), value.rpartition(".")[2].lower())}
    match path:
        case "data.validation" | "data.test" | "dropout":
            is_percentage = (
                isinstance(value, int | float) and value is not True and 1 <= value <= 100
            )
            return {path: value / 100 if is_percentage else value}
        case "data.scaling" if isinstance(value, str):
            name = folded(value.removesuffix("Scaler"))
            is_here = name in ("unit", "minmax", "robust", "quantile", "none")
            return {path: name if is_here else "standard"}
        case "data.scaling" | "standardize":
            name = "unit" if path == "data.scaling" else "standard"
            return {"data.scaling": name if value else "none"}
        case "seed":
            return {"seeds": value if isinstance(value, list) else [value]}
        case "training.early_stopping":
            # Patience in epochs, or true for the default.
            is_count = isinstance(value, int) and not isinstance(value, bool)
            patience = max(value, 0) if is_count else 5 if value else 0
            return {path: {"patience": patience}} if patience else {}
        case "optimizer.schedule":
            kinds = WORDS["optimizer", "schedule", "name"]
            return {path: {"name": kinds.get(_last_word(value), "cosine")}}
        case "betas":
            betas = value if isinstance(value, list) else []
            return dict(zip(("optimizer.beta1", "optimizer.beta2"), betas, strict=False))
        case "optimizer.learning_rate" if isinstance(value, str):
            return {}  # scikit-learn's name for a schedule
        case "width" | "depth" | "sizes" | "keras":
            return {}
        case "optimizer.schedule.epochs":
            return {}
    return {path: value}


def _last_word(value: Any) -> str:
    """torch.nn.ReLU is relu."""
    return folded(str(value).rpartition(".")[2])


def _layers(said: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """`hidden`, from the several ways of saying it."""
    if "keras" in said:
        return _keras(said["keras"])
    sizes, width, depth = (said.get(key) for key in ("sizes", "width", "depth"))
    if isinstance(sizes, list):
        return {"hidden": _without_ends(sizes, whole)}
    hidden = whole.get("hidden", width)
    if isinstance(hidden, int):
        return {"hidden": [hidden] * (depth if isinstance(depth, int) and 0 < depth <= 100 else 1)}
    if hidden is None and isinstance(depth, int):
        return {"hidden": [128] * min(max(depth, 1), 100)}
    return {} if hidden is None else {"hidden": hidden}


def _without_ends(sizes: list[Any], whole: Mapping[str, Any]) -> list[Any]:
    """Sizes of all layers without those of input and output, where the data tell them."""
    data = whole.get("data")
    known = KNOWN_SETS.get(str(data.get("name"))) if isinstance(data, dict) else None
    if known is None:
        return sizes[1:-1] if len(sizes) > 1 else sizes
    first = 1 if sizes[:1] == [known.features] else 0
    return sizes[first : -1 if sizes[-1:] == [len(known.class_names)] else None]


def _keras(layers: list[Any]) -> dict[str, Any]:
    """The hidden layers of a list of Keras layers, the last of which is the output."""
    units, activations, drops = [], [], []
    for layer in layers:
        inner = layer.get("config", layer) if isinstance(layer, dict) else {}
        inner = inner if isinstance(inner, dict) else {}
        size = inner.get("units", inner.get("out_features"))
        if isinstance(size, int):
            units.append(size)
            activations.append(inner.get("activation"))
        if isinstance(inner.get("rate"), float):
            drops.append(inner["rate"])
    found: dict[str, Any] = {"hidden": units[:-1]}
    if activations and isinstance(activations[0], str):
        found |= _converted("activation", activations[0])
    return found | ({"dropout": drops[0]} if drops else {})


def _put_schedule(own: dict[str, Any], said: Mapping[str, Any], whole: Mapping[str, Any]) -> None:
    """A schedule's epochs as steps, by the training rows of a known set (MNIST's for own data)."""
    every = _number(said.get("optimizer.schedule.epochs"))
    schedule = own.get("optimizer", {}).get("schedule")
    if not isinstance(every, int) or not isinstance(schedule, dict):
        return
    data, training = whole.get("data") or {}, whole.get("training") or {}
    known = KNOWN_SETS.get(str(data.get("name", "mnist")))
    rows = known.train_rows if known else 60_000
    held, batch = data.get("validation", 0), training.get("batch_size", _DEFAULT_BATCH)
    if isinstance(held, int | float) and 0 <= held < rows:
        rows -= round(held * rows) if held < 1 else int(held)
    an_epoch = -(-rows // batch) if isinstance(batch, int) and batch > 0 else 1
    schedule["every"] = max(1, every * an_epoch)


@cache
def _keys_of(group: str) -> frozenset[str]:
    """The keys of a network, or of one of its groups, whatever the kind."""
    if not group:
        return frozenset(Network.model_fields)
    inner = field_type_spec(Network, group)
    models = [m for m in (inner, *inner.members) if m.is_model]
    return frozenset(key for model in models for key in model.type.model_fields)


def _is_same_kind(key: str, value: Any) -> bool:
    """Whether a value can stand under the key of this project's as it is."""
    if key == "hidden":
        return isinstance(value, list) and all(isinstance(v, int) for v in value)
    if key in ("validation", "dropout"):
        return isinstance(value, float) and value < 1
    if key in ("optimizer", "data", "schedule", "early_stopping", "scaling", "seeds", "betas"):
        return isinstance(value, dict) and key in ("optimizer", "data")
    return not isinstance(value, dict | list)


def _number(value: Any) -> Any:
    """A number that stands in quotes, as a number."""
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        return int(number) if number.is_integer() and "." not in value else number
    return value
