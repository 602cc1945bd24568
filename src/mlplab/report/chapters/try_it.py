"""A network that the reader tries: drawings for a set of images, fields for a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mlplab.analysis.choice.rule import Choice
from mlplab.analysis.test_part import class_scores, data_of
from mlplab.data.dataset import Dataset, PreparedData
from mlplab.data.loading import load
from mlplab.declarations.network import Network
from mlplab.declarations.objective import ClassAnchor
from mlplab.declarations.problems import BadInput
from mlplab.networks.probabilities import log_softmax
from mlplab.openset.activations import Activations
from mlplab.openset.from_weights import activations_from_weights
from mlplab.records.results import Run
from mlplab.report.context import Context
from mlplab.report.document import Block, Chapter, Note, Paragraph, Trial, plain
from mlplab.report.try_it.inputs import fields_of, image_of, scaling_of
from mlplab.report.try_it.reduced import Reduced, packed, reduced
from mlplab.report.try_it.unknown import Rejection, rejection
from mlplab.words import count, percent

if TYPE_CHECKING:
    from mlplab.networks.weights import LayerWeights

_MOST_EXAMPLES = 2000
_MOST_EXAMPLE_BYTES = 1_600_000
_TITLE = "Try it"


def chapter(context: Context) -> Chapter | None:
    """The chosen network, else the one of the best mean, with its first seed that is fine."""
    run = _run(context)
    if run is None:
        return None
    network = context.results.study.networks[run.network]
    layers = context.results.weights(run.network, run.seed)
    if not network.form.is_plain or network.activation not in _OF_PAGE:
        of_what = f"It has {network.form.described()}, which the page does not compute."
        return _without(of_what)
    small = reduced(layers)
    if small is None:
        return _without(f"{plain(run.network)} has too many parameters to fit into a page.")
    try:
        data = data_of(context.results, run)
        dataset = load(network.data, context.results.study.folder, lambda line: None)
    except BadInput as error:
        return _without(f"Its data cannot be read: {plain(error.problems[0])}")
    record = _inputs(network, data, dataset)
    if record is None:
        return None
    record |= {
        "classes": list(data.class_names),
        "activation": network.activation,
        "layers": small.record,
        "task": data.task,
        "mean": data.preparation.target_mean,
        "std": data.preparation.target_std,
    }
    words: list[Block] = [_difference(run, network, data, layers, small)]
    if record["kind"] == "image":
        words += _examples(context, record, network, data, dataset, small)
    lead = _LEADS[record["kind"]].format(network=plain(run.network))
    return Chapter("try", _TITLE, (Paragraph(lead, lead=True), Trial(_TITLE, record), *words))


_LEADS = {
    "image": "Draw something and see what **{network}** takes it for, which strokes decided that, and "
    "which training examples are nearest.",
    "table": "Fill in a row and see what **{network}** answers, and how the answer moves with each "
    "input while the others stay.",
}


def _run(context: Context) -> Run | None:
    results, chosen = context.results, context.chosen
    name = chosen.chosen if isinstance(chosen, Choice) else None
    name = name or context.leading
    if results.folder is None or name is None:
        return None
    network = results.study.networks[name]
    if network.roles is not None or isinstance(network.objective, ClassAnchor):
        return None
    return next((run for run in context.runs[name] if run.diverged_at is None), None)


def _without(reason: str) -> Chapter:
    return Chapter("try", _TITLE, (Paragraph(f"The network cannot be tried here. {reason}"),))


def _inputs(network: Network, data: PreparedData, dataset: Dataset) -> dict[str, Any] | None:
    scaling = scaling_of(data.preparation)
    image = image_of(network.data, dataset, data.train_rows)
    if image is not None and scaling is not None and data.task == "classification":
        return {"kind": "image", "image": image, "scaling": scaling}
    fields = fields_of(data.preparation, dataset, data.train_rows)
    return None if fields is None else {"kind": "table", "fields": fields, "scaling": scaling}


def _outputs(
    network: Network, data: PreparedData, layers: LayerWeights, rows: np.ndarray
) -> np.ndarray:
    """Probabilities (row, class), or the quantity (row, 1) in its own unit."""
    if data.task == "regression":
        from mlplab.records.prediction import logits

        found = logits(layers, network.form, data.inputs[rows])
        return data.preparation.in_unit(found.astype(np.float64))
    found = activations_from_weights(data.inputs[rows], layers, network.form).logits
    return np.exp(log_softmax(class_scores(network.objective, found)))


def _difference(
    run: Run, network: Network, data: PreparedData, layers: LayerWeights, small: Reduced
) -> Paragraph:
    """Say what fewer bits change."""
    rows = data.test_rows
    whole = _outputs(network, data, layers, rows)
    own = _outputs(network, data, small.layers, rows)
    largest = float(np.abs(whole - own).max()) if len(rows) else 0.0
    text = (
        f"The page holds seed {run.seed} of {plain(run.network)} with weights of {small.bits} bits. "
        f"On {count(len(rows), 'test row')} its answers differ from those of the recorded network by "
        f"at most {largest:.1g}"
    )
    if data.task == "classification":
        changed = int((whole.argmax(1) != own.argmax(1)).sum())
        text += (
            f" in probability; {count(changed, 'row')} of them {_BE[changed != 1]} named otherwise"
        )
    return Paragraph(f"{text}.")


_BE = ("is", "are")
_OF_PAGE = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "identity")
"""Activations that the page's script has."""


def _examples(
    context: Context,
    record: dict[str, Any],
    network: Network,
    data: PreparedData,
    dataset: Dataset,
    small: Reduced,
) -> list[Block]:
    """Put training examples and a rejection into the record; returns what is to be said of them."""
    size = int(np.prod(dataset.image_shape or (1,)))
    rows = _balanced(data, min(_MOST_EXAMPLES, _MOST_EXAMPLE_BYTES // size))
    labels = data.label_map[data.labels[rows]]
    record["examples"] = {"images": packed(dataset.inputs[rows]), "classes": labels.tolist()}
    held_out = data.validation_rows if len(data.validation_rows) else data.test_rows
    found = rejection(
        context.results,
        _known(network, data, small, rows),
        labels,
        _known(network, data, small, held_out),
    )
    if found is None:
        return [Note("Too few rows are held out for a threshold, so nothing is called unknown.")]
    record["unknown"] = found.record
    part = "validation" if len(data.validation_rows) else "test"
    return [Paragraph(_unknown_in_words(found, len(rows), part))]


def _known(network: Network, data: PreparedData, small: Reduced, rows: np.ndarray) -> Activations:
    found = activations_from_weights(data.inputs[rows], small.layers, network.form)
    return Activations(
        logits=class_scores(network.objective, found.logits),
        hidden=found.hidden,
        inputs=found.inputs,
    )


def _unknown_in_words(found: Rejection, examples: int, part: str) -> str:
    whose = (
        "the study's detector that tells unknown classes best, of those that a page can compute"
        if found.is_of_study
        else "the study names no detector that a page can compute, so this is the page's own: the "
        "distance to the most similar example"
    )
    return (
        f"Something is called unknown by *{found.settings.name}* ({whose}), fitted on "
        f"{count(examples, 'training example')} that the page holds. Its threshold was taken from "
        f"{count(found.threshold.rows, f'{part} row')}, so that at most "
        f"{percent(found.threshold.reject_at_most)} of inputs like these are refused; it makes no "
        "promise about unknown ones."
    )


def _balanced(data: PreparedData, most: int) -> np.ndarray:
    """Training rows of every class alike, drawn once and for all."""
    order = np.random.default_rng(0).permutation(data.train_rows)
    classes = data.label_map[data.labels[order]]
    rank = np.empty(len(order), dtype=np.int64)
    for one in np.unique(classes):
        rank[classes == one] = np.arange(np.count_nonzero(classes == one))
    return np.sort(order[np.argsort(rank, kind="stable")[:most]])
