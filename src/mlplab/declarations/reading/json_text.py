"""JSON text to plain values, with the line of every value and every reason why it is not JSON.

The standard library decides what is JSON; a walk over the same text then finds what it lets pass:
duplicate keys, NaN and Infinity, and numbers too large to be finite.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from mlplab.declarations.problems import BadInput, Problem, Where, dotted, refuse, shown
from mlplab.declarations.reading.source_map import SourceLocation, SourceMap

DEEPEST = 50
"""Levels of nesting allowed; a study needs about six."""
LONGEST_NUMBER = 400

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+|\n')


@dataclass(frozen=True)
class Read:
    """An object read from a file, comments dropped, with the location of every value."""

    values: dict[str, Any]
    source_map: SourceMap
    problems: tuple[Problem, ...] = ()
    """What is wrong though it could be read: keys that stand twice, numbers that are not finite."""


def read_object(path: Path, shown_as: str | None = None) -> Read:
    """The JSON object in a file.

    Raises BadInput where nothing can be read: no file, not UTF-8, not JSON, not an object.
    """
    name = shown_as or str(path)
    return parse_object(_text(path, name), name)


def _text(path: Path, name: str) -> str:
    try:
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
        return content.decode("utf-8")
    except FileNotFoundError:
        _refuse(name, "a JSON file", "a path where nothing lies", "check the path")
    except IsADirectoryError:
        _refuse(name, "a JSON file", "a folder", "name a file in it")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        received = f"the byte 0x{content[error.start]:02x} at offset {error.start}"
        _refuse(name, "text encoded as UTF-8", received, "save the file as UTF-8", line)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        _refuse(name, "a readable JSON file", f"an error on reading it ({reason})")


def _refuse(
    name: str, expected: str, received: str, hint: str | None = None, line: int | None = None
) -> NoReturn:
    refuse("", expected=expected, received=received, hint=hint, file=name, line=line)


def parse_object(text: str, name: str) -> Read:
    """The JSON object in a text; `name` is what problems call the file."""
    if not text.strip():
        _refuse(name, "a JSON object", "an empty file", "`mlplab init` writes a starter study")
    values = _parsed(text, name)
    walk = _Walk(name)
    walk.through(text)
    if not isinstance(values, dict):
        walk.add((), "a JSON object { … }", shown(values), "wrap it in { }", walk.first_line)
    if not isinstance(values, dict) or walk.is_beyond_use:
        raise BadInput(walk.problems)
    source_map = SourceMap(name, walk.source_map)
    return Read(without_comments(values), source_map, tuple(walk.problems))


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        _refuse_syntax(error, name)
    except RecursionError:
        _refuse_depth(name, None)
    except ValueError:
        # Python refuses to read whole numbers of thousands of digits.
        _refuse(name, "numbers of at most 400 digits", "a longer one", "shorten it")


def _refuse_depth(name: str, line: int | None) -> NoReturn:
    _refuse(name, f"at most {DEEPEST} levels of nesting", "more", "remove brackets", line)


_HINTS = (
    ("delimiter", "a comma, a colon or a closing bracket is missing just before it"),
    ("property name", "a key must stand in double quotes, and no comma after the last entry"),
    ("trailing comma", "remove the comma after the last entry"),
    ("Expecting value", "text must stand in double quotes, and no comma after the last entry"),
    ("Extra data", "a file holds one object; remove what follows it"),
    ("Unterminated", "close the double quotes"),
    ("control character", "write line breaks in text as \\n and tabs as \\t"),
    ("escape", "write a backslash in text as \\\\"),
)


def _refuse_syntax(error: json.JSONDecodeError, name: str) -> NoReturn:
    other = _other_format(error.doc)
    if other is not None:
        example = '{"networks": {"mlp": {"hidden": [64]}}}'
        mend = f"write it as JSON, such as {example}; `mlplab init` does"
        _refuse(name, "a study in JSON", f"a text in {other}", mend)
    rest = error.doc[error.pos : error.pos + 20].split("\n")[0].strip()
    received = "the end of the line or file"
    if rest:
        received = f"{shown(rest, 24)} at column {error.colno}"
    hint = next((hint for sign, hint in _HINTS if sign in error.msg), None)
    if rest.startswith(("//", "#", "/*")):
        hint = 'JSON has no comments; use a key that starts with "//"'
    elif rest.startswith(("True", "False", "None", "'")):
        hint = "JSON writes true, false, null and double quotes"
    _refuse(name, "valid JSON", received, hint, error.lineno)


_OTHER_FORMATS = {
    "Python": re.compile(r"(import|from|def|class)\s\w"),
    "TOML or INI": re.compile(r"\[[\w.]+\]$|[\w.]+\s*=[^=]"),
    "YAML": re.compile(r"(---|(- )?[\w.]+:(\s|$))"),
}


def _other_format(text: str) -> str | None:
    """The format of a text that does not begin as JSON does, None where it is not clear."""
    lines = (line.strip() for line in text[:5_000].splitlines())
    first = next((line for line in lines if line and not line.startswith(("#", ";"))), "")
    return next((kind for kind, sign in _OTHER_FORMATS.items() if sign.match(first)), None)


def without_comments(value: Any) -> Any:
    """The value without the keys that start with //, at any depth."""
    if isinstance(value, dict):
        return {k: without_comments(v) for k, v in value.items() if not k.startswith("//")}
    if isinstance(value, list):
        return [without_comments(v) for v in value]
    return value


def _is_comment(where: Where) -> bool:
    """Whether a path leads to or into a comment, which is dropped whatever it says."""
    return any(isinstance(step, str) and step.startswith("//") for step in where)


@dataclass
class _Container:
    where: Where
    is_object: bool
    keys: set[str] = field(default_factory=set)
    step: str | int = 0
    awaits_key: bool = True


class _Walk:
    """One pass over text that is known to be JSON."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.line = 1
        self.first_line = 1
        self.is_beyond_use = False
        self.stack: list[_Container] = []
        self.source_map: dict[Where, SourceLocation] = {}
        self.problems: list[Problem] = []

    def through(self, text: str) -> None:
        for match in _TOKEN.finditer(text):
            token = match.group()
            if token == "\n":
                self.line += 1
            elif token in "}]":
                self.stack.pop()
            elif token == ",":
                self._next_entry()
            elif token != ":":
                self._key_or_value(token)

    def add(
        self, where: Where, expected: str, received: str, hint: str | None, line: int | None
    ) -> None:
        if _is_comment(where):
            return
        path = dotted(where)
        self.problems.append(Problem(path, expected, received, hint, line, self.name))

    def _next_entry(self) -> None:
        inner = self.stack[-1]
        if inner.is_object:
            inner.awaits_key = True
        else:
            assert isinstance(inner.step, int)
            inner.step += 1

    def _key_or_value(self, token: str) -> None:
        inner = self.stack[-1] if self.stack else None
        if inner is not None and inner.is_object and inner.awaits_key:
            self._key(inner, json.loads(token))
            return
        where = (*inner.where, inner.step) if inner else ()
        self._start(where)
        if token in "{[":
            self.stack.append(_Container(where, token == "{"))
            if len(self.stack) > DEEPEST:
                _refuse_depth(self.name, self.line)
        else:
            self._scalar(where, token)

    def _start(self, where: Where) -> None:
        # A key's own line, where its value stands in the same entry, was noted already.
        self.source_map.setdefault(where, SourceLocation(self.name, self.line))
        if not where:
            self.first_line = self.line

    def _key(self, inner: _Container, key: str) -> None:
        inner.awaits_key = False
        inner.step = key
        where = (*inner.where, key)
        if key in inner.keys and not key.startswith("//"):
            first = self.source_map[where].line
            received = f"this key again (first in line {first})"
            self.add(where, "every key once", received, "remove one of the two", self.line)
        self._surrogates(where, key)
        inner.keys.add(key)
        self.source_map[where] = SourceLocation(self.name, self.line)

    def _scalar(self, where: Where, token: str) -> None:
        if token.startswith('"'):
            self._surrogates(where, json.loads(token))
        elif token in ("NaN", "Infinity", "-Infinity"):
            self.add(where, "a finite number", token, "JSON knows no such number", self.line)
        elif len(token) > LONGEST_NUMBER:
            received = f"one of {len(token)} digits"
            self.add(where, "a number of at most 400 digits", received, "shorten it", self.line)
        elif token not in ("true", "false", "null") and abs(float(token)) == float("inf"):
            received, hint = shown(float(token)), f"{token[:20]} is too large; the limit is 1.8e308"
            self.add(where, "a finite number", received, hint, self.line)

    def _surrogates(self, where: Where, text: str) -> None:
        try:
            text.encode()
        except UnicodeEncodeError:
            if _is_comment(where):
                return
            self.is_beyond_use = True  # such text cannot be written, shown or hashed
            received, hint = json.dumps(text)[:60], "\\ud800 to \\udfff must stand in pairs"
            self.add(where, "text in whole Unicode characters", received, hint, self.line)
