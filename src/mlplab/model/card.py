"""A model card: what a model is, where it comes from, how good it was, and what it does not promise.

After Mitchell et al., Model cards for model reporting, FAT* 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlplab.words import count, listed

if TYPE_CHECKING:
    from mlplab.model.model import Model

_MOST_COLUMNS = 200


def card_of(model: Model, file: str) -> str:
    """The card as Markdown."""
    return "\n".join(_lines(model, file)) + "\n"


def _lines(model: Model, file: str) -> Iterator[str]:
    facts = model.facts
    yield f"# {_plain(file)}"
    yield ""
    if model.is_regression:
        yield f"Predicts {_plain(model.target)}, in its own unit."
    else:
        classes = listed(map(_plain, model.classes), most=20)
        yield f"Tells {count(len(model.classes), 'class', 'classes')} apart: {classes}."
    layers = "-".join(map(str, _sizes(model)))
    together = f", {len(model.networks)} seeds together" if len(model.networks) > 1 else ""
    yield f"A multilayer perceptron, {layers}, {model.activation}{together}."
    yield ""
    yield "## Where it comes from"
    yield ""
    for label, key in (
        ("Study", "study"), ("Network", "network"), ("Why this one", "selection"),
        ("Data", "data"), ("Digest of the data", "data_digest"), ("Written", "written"),
        ("Versions", "versions"),
    ):  # fmt: skip
        if facts.get(key):
            yield f"* {label}: {_plain(str(facts[key]))}"
    yield f"* Seeds: {', '.join(map(str, model.seeds))}"
    yield ""
    yield "## How good it was on test rows"
    yield ""
    metrics = facts.get("metrics") or {}
    if metrics:
        yield "| metric | mean over seeds | 95% t interval |"
        yield "| --- | --- | --- |"
        for name, one in metrics.items():
            yield f"| {name} | {one['mean']:.6g} | {one['low']:.6g} to {one['high']:.6g} |"
    else:
        yield "Not measured."
    yield ""
    yield "The interval is over seeds on the same rows; it says nothing of rows of another kind."
    yield ""
    yield "## What it takes"
    yield ""
    yield from _takes(model)
    yield ""
    yield "## Unknown classes"
    yield ""
    if model.rejection is None:
        yield "It names a known class (or a value) for every row, also for rows of no such class."
    else:
        yield f'It answers "{model.unknown}" by {model.rejection.detector}: {model.rejection.promise}'


def _takes(model: Model) -> Iterator[str]:
    columns = model.preparation.columns
    if columns is None:
        yield f"{model.preparation.features:,} numbers a row, as the data hold them, unscaled."
        if model.images is not None:
            yield f"Files of images become such rows: {model.images.in_words}."
        return
    yield "| column | kind | values |"
    yield "| --- | --- | --- |"
    for column in columns[:_MOST_COLUMNS]:
        values = ", ".join(f"{n} = {_plain(c)}" for n, c in enumerate(column.categories[:30]))
        values += ", …" if len(column.categories) > 30 else ""
        yield f"| {_plain(column.name)} | {column.kind} | {values or column.date_format} |"
    if len(columns) > _MOST_COLUMNS:
        yield ""
        yield f"and {len(columns) - _MOST_COLUMNS:,} more."


def _sizes(model: Model) -> list[int]:
    layers = model.networks[0]
    return [layers[0][0].shape[0], *(len(bias) for _, bias in layers)]


def _plain(text: str) -> str:
    """Text of the data, so that Markdown and HTML take no sign of it for their own."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{sign}" if sign in "\\`*_[]|#" else sign for sign in text)
