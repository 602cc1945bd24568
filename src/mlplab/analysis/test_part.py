"""What a recorded network says of its test rows, computed again from its weights and its data."""

from __future__ import annotations

import json

import numpy as np

from mlplab.data.known_files import locate
from mlplab.data.preparation import PreparedData, prepare
from mlplab.declarations.data import KnownData
from mlplab.declarations.objective import EXTRA_OUTPUTS, ClassAnchor, Objective
from mlplab.declarations.problems import refuse
from mlplab.metrics.classification import Evaluation
from mlplab.metrics.roc import RocCurves, roc_curves, some_roc_curves
from mlplab.networks.probabilities import log_softmax
from mlplab.openset.from_weights import activations_from_weights
from mlplab.records.database import reading
from mlplab.records.results import Results, Run
from mlplab.records.runs import contents

MOST_PAIRS = 2**24
MOST_CURVES = 20
"""Classes with a ROC curve, where not all have one."""


def probabilities_and_targets(results: Results, run: Run) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities (row, output), float64, of the test rows of a run, and their targets (row,).

    Products are NumPy's in float32, whatever the run was trained with.

    Raises:
        BadInput: its weights or data are not there, or the data have changed since.
    """
    network = results.study.networks[run.network]
    data = data_of(results, run)
    layers = results.weights(run.network, run.seed)
    logits = activations_from_weights(data.inputs[data.test_rows], layers, network.form).logits
    targets = data.label_map[data.labels[data.test_rows]]
    logs = log_softmax(class_scores(network.objective, logits))
    return np.exp(logs, out=logs), targets


def roc_curves_of(results: Results, run: Run) -> RocCurves:
    """The ROC curves of a run on its test rows; records of before hold them.

    Where pairs of row and class are more than `MOST_PAIRS`, only the classes of the smallest areas
    have one, and the averages have none.

    Raises:
        BadInput: they must be computed again, and weights or data are not there.
    """
    evaluation = run.evaluation
    assert isinstance(evaluation, Evaluation)
    if evaluation.curves is not None:
        return evaluation.curves
    probabilities, targets = probabilities_and_targets(results, run)
    scores = probabilities[:, : len(evaluation.class_names)]
    if scores.size <= MOST_PAIRS:
        return roc_curves(scores, targets)
    areas = {index: a for index, a in enumerate(evaluation.areas.classes) if a is not None}
    hardest = sorted(areas, key=areas.__getitem__)[:MOST_CURVES]
    return some_roc_curves(scores, targets, hardest)


def class_scores(objective: Objective, logits: np.ndarray) -> np.ndarray:
    """As the objective's `class_scores`, without torch, whose import takes longer than most reports."""
    if isinstance(objective, ClassAnchor):
        import torch

        from mlplab.objectives.declared import objective_of

        return objective_of(objective).class_scores(torch.from_numpy(logits)).numpy()
    extra = EXTRA_OUTPUTS.get(objective.name, 0)
    return logits[:, : logits.shape[1] - extra]


def data_of(results: Results, run: Run) -> PreparedData:
    """The data of a run as it was trained on them."""
    if results.folder is None:
        refuse(run.network, expected="results read from a folder", received="others")
    declared = results.study.networks[run.network]
    data = declared.data_of(run.seed)
    if isinstance(data, KnownData) and data.name != "digits" and None in locate(data.name):
        refuse(
            f"data of {run.network}",
            expected=f"{data.name} on this machine",
            received="none",
            hint=f"fetch it with `mlplab data fetch {data.name}`, or set MLPLAB_DATA to where it is",
        )
    prepared = prepare(data, results.study.folder, lambda line: None, declared.roles)
    with reading(results.folder) as connection:
        (content,) = contents(connection, [run.key]).values()
    if json.loads(content)["data"] != prepared.digest:
        refuse(
            f"data of {run.network}",
            expected="the contents that it was trained on",
            received="others: the files have changed since",
            hint="run the study again",
        )
    return prepared
