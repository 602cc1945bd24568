"""From a trained network and the rows of a split to everything that is said about them."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlplab.analysis.open_set.centre_evidence import centre_evidence
from mlplab.analysis.open_set.findings import (
    CentreEvidence,
    DetectorFinding,
    Mistake,
    RunFinding,
    thinned,
)
from mlplab.analysis.open_set.histogram import score_histogram
from mlplab.analysis.open_set.measures import (
    Groups,
    Predictions,
    auroc_without_groups,
    metrics,
    without_groups,
)
from mlplab.analysis.open_set.rows import OpenSetRows, activations
from mlplab.declarations.network import Network
from mlplab.declarations.objective import ClassAnchor
from mlplab.declarations.open_set import OpenSet
from mlplab.declarations.open_set_detectors import ClassAnchor as AnchorDetector
from mlplab.declarations.open_set_detectors import ClassCentre, Detector
from mlplab.declarations.resolving.classes import data_name
from mlplab.networks.probabilities import log_softmax
from mlplab.openset.absorption import absorbed_rows
from mlplab.openset.activations import Activations
from mlplab.openset.auroc import auroc, roc_curve
from mlplab.openset.detectors.class_centre import with_centres
from mlplab.openset.detectors.detector import Fitted
from mlplab.openset.detectors.directions import unit_rows
from mlplab.openset.detectors.registry import make
from mlplab.openset.health import health
from mlplab.openset.intervals import auroc_interval, fraction_of
from mlplab.openset.ledger import Ledger
from mlplab.openset.oscr import oscr_curve
from mlplab.openset.threshold import (
    Threshold,
    ThresholdByClass,
    calibrate,
    calibrate_by_class,
)

FAILURES = (ValueError, ArithmeticError)
"""What ends one detector on one network: rows that it cannot use, a matrix without a
decomposition, an equation without a root, numbers that overflow."""
_MISTAKES = 8


@dataclass(frozen=True, eq=False)
class NetworkOutputs:
    """The network's outputs for each kind of rows."""

    fitted: Activations
    fitted_outputs: np.ndarray
    calibration: Activations
    known: Activations
    known_outputs: np.ndarray
    unknown: Activations
    unknown_classes: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """(known row,) whether the network gives it its class."""
        return self.known.predicted == self.known_outputs


def measure(
    tested: OpenSetRows,
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    network: Network,
    entry: OpenSet,
    detectors: Sequence[Detector],
    *,
    centres: np.ndarray | None,
    by: str,
    in_full: bool,
) -> RunFinding:
    """Test one trained network on one split.

    Args:
        tested: the rows.
        layers: one (kernel, bias) a layer.
        detectors: that belong to how the network was trained.
        centres: running class centres (class, unit), if training kept any.
        by: what the network is called in the ledger.
        in_full: with curves, histograms and images, which take room.
    """
    ledger = _ledger(tested, network, entry, by)
    unknown = tested.unknowns
    finding = RunFinding(
        known=tested.data.class_names,
        unknown=tuple(unknown.class_names[c] for c in np.unique(unknown.classes)),
        known_rows=len(tested.rows.known),
        unknown_rows=len(unknown.classes),
        accuracy=None,
        absorbed=(),
        detectors=(),
        refusals=(),
        centre=None,
        ledger=ledger.lines,
        image_shape=tested.data.image_shape,
    )
    try:
        outputs = _outputs(tested, layers, network)
    except ValueError as error:
        return replace(finding, refusals=tuple(f"{d.label}: {error}" for d in detectors))
    found, refusals = [], []
    for detector in detectors:
        try:
            fitted = _fitted(detector, outputs, network, centres)
            found.append(_detector(detector.label, fitted, outputs, tested, entry, in_full))
        except FAILURES as error:
            refusals.append(f"{detector.label}: {error}")
    return replace(
        finding,
        accuracy=fraction_of(outputs.right),
        absorbed=tuple(line[:-1] for line in _absorbed(outputs, None)),
        detectors=tuple(found),
        refusals=tuple(refusals),
        centre=_centre(detectors, outputs) if in_full else None,
        mistakes=_mistakes(outputs, tested) if in_full and tested.data.image_shape else (),
    )


def _ledger(tested: OpenSetRows, network: Network, entry: OpenSet, by: str) -> Ledger:
    """Record which rows are used for what; refuse test rows, and calibration rows used twice."""
    rows, data, name = tested.rows, tested.data, data_name(network.data)
    unknown = {name: rows.unknown} if len(rows.unknown) else {}
    if entry.unknown_data is not None:
        others = len(tested.unknowns.inputs) - len(rows.unknown)
        unknown[f"{data_name(entry.unknown_data)}, another set"] = np.arange(others)
    ledger = Ledger(unknown, known_test_rows={name: rows.known})
    ledger = ledger.record_use("weights", data.train_rows, by=by, source=name)
    if len(data.validation_rows):
        ledger = ledger.record_use(
            "settings", data.validation_rows, by=f"{by}, stopping", source=name
        )
    ledger = ledger.record_use("settings", rows.fitted, by=f"{by}, detectors", source=name)
    return ledger.record_use("thresholds", rows.calibration, by=by, source=name)


def _outputs(
    tested: OpenSetRows, layers: Sequence[tuple[np.ndarray, np.ndarray]], network: Network
) -> NetworkOutputs:
    def given(inputs: np.ndarray) -> Activations:
        return activations(inputs, layers, network, len(tested.data.class_names))

    rows = tested.rows
    return NetworkOutputs(
        fitted=given(tested.inputs(rows.fitted)),
        fitted_outputs=tested.outputs(rows.fitted),
        calibration=given(tested.inputs(rows.calibration)),
        known=given(tested.inputs(rows.known)),
        known_outputs=tested.outputs(rows.known),
        unknown=given(tested.unknowns.inputs),
        unknown_classes=tested.unknowns.classes,
    )


def _fitted(
    settings: Detector, outputs: NetworkOutputs, network: Network, centres: np.ndarray | None
) -> Fitted:
    if isinstance(settings, ClassCentre) and settings.centres == "running":
        if centres is None:
            raise ValueError("no running centres were kept in training")
        return with_centres(settings, centres)
    given, own = settings.given, network.objective
    if isinstance(settings, AnchorDetector) and isinstance(own, ClassAnchor):
        given = {"magnitude": own.magnitude} | given
    return make(settings.name, **given).fit(outputs.fitted, outputs.fitted_outputs)


def _detector(
    label: str,
    fitted: Fitted,
    outputs: NetworkOutputs,
    tested: OpenSetRows,
    entry: OpenSet,
    in_full: bool,
) -> DetectorFinding:
    threshold, known, unknown = _judged(fitted, outputs, entry, tested.data.class_names)
    labels, classes = outputs.known_outputs, outputs.known.logits.shape[1]
    present = np.unique(outputs.unknown_classes)
    groups = Groups(tested.groups, tested.unknowns.groups)
    roc = roc_curve(known.scores, unknown.scores)
    oscr = oscr_curve(known.scores, outputs.right, unknown.scores)
    names = tested.unknowns.class_names
    return DetectorFinding(
        detector=label,
        metrics=metrics(known, labels, unknown, classes, 0 if entry.closed else len(present)),
        without_groups=without_groups(known, labels, unknown, classes, groups)
        if in_full
        else auroc_without_groups(known, unknown, groups),
        auroc=auroc_interval(known.scores, unknown.scores),
        auroc_by_class={
            names[c]: auroc(known.scores, unknown.scores[outputs.unknown_classes == c])
            for c in present
        },
        threshold=_values(threshold),
        guarantee=threshold.guarantee,
        realised=fraction_of(known.rejected),
        absorbed=_absorbed(outputs, unknown.rejected),
        health=health(fitted, outputs.known, scores=known.scores, beside=unknown.scores).line,
        histogram=score_histogram(known.scores, unknown.scores) if in_full else None,
        roc=thinned(roc.known_rejected, roc.unknown_rejected) if in_full else None,
        oscr=thinned(oscr.unknown_accepted, oscr.known_right) if in_full else None,
    )


def _judged(
    fitted: Fitted, outputs: NetworkOutputs, entry: OpenSet, names: tuple[str, ...]
) -> tuple[Threshold | ThresholdByClass, Predictions, Predictions]:
    """The threshold, and known and unknown rows as the detector judges them."""
    scores, share = fitted.score(outputs.calibration), entry.reject_at_most
    sides = [(a.predicted, fitted.score(a)) for a in (outputs.known, outputs.unknown)]
    if not entry.threshold_by_class:
        one = calibrate(scores, share)
        known, unknown = (Predictions(predicted, s, one.rejects(s)) for predicted, s in sides)
        return one, known, unknown
    classes = outputs.known.logits.shape[1]
    each = calibrate_by_class(scores, outputs.calibration.predicted, classes, share, names)
    known, unknown = (
        Predictions(predicted, s, each.rejects(s, predicted)) for predicted, s in sides
    )
    return each, known, unknown


def _values(threshold: Threshold | ThresholdByClass) -> tuple[float | None, ...]:
    parts = (threshold,) if isinstance(threshold, Threshold) else threshold.by_class
    return tuple(p.value if math.isfinite(p.value) else None for p in parts)


def _absorbed(outputs: NetworkOutputs, rejected: np.ndarray | None) -> tuple[tuple[int, ...], ...]:
    """(unknown class, known class + 1) rows; the last column is rejected."""
    classes = outputs.known.logits.shape[1]
    counts = absorbed_rows(outputs.unknown_classes, outputs.unknown.predicted, classes, rejected)
    return tuple(tuple(line) for line in counts.tolist())


def _centre(detectors: Sequence[Detector], outputs: NetworkOutputs) -> CentreEvidence | None:
    if not any(isinstance(settings, ClassCentre) for settings in detectors):
        return None
    try:
        return centre_evidence(
            outputs.fitted, outputs.fitted_outputs, outputs.known, outputs.unknown
        )
    except FAILURES:
        return None  # where the detector fails too, with its reason


def _mistakes(outputs: NetworkOutputs, tested: OpenSetRows) -> tuple[Mistake, ...]:
    """The unknown rows that the softmax is surest of, each with its nearest training row."""
    certainty = log_softmax(outputs.unknown.logits).max(axis=1)
    chosen = np.argsort(-certainty, kind="stable")[:_MISTAKES]
    assert outputs.fitted.hidden is not None
    assert outputs.unknown.hidden is not None
    likeness = unit_rows(outputs.unknown.hidden[chosen]) @ unit_rows(outputs.fitted.hidden).T
    nearest = likeness.argmax(axis=1)
    known, unknown = tested.data.class_names, tested.unknowns
    return tuple(
        Mistake(
            true=unknown.class_names[unknown.classes[row]],
            taken_for=known[outputs.unknown.predicted[row]],
            probability=float(np.exp(certainty[row])),
            image=_image(unknown.inputs[row]),
            nearest=_image(tested.data.inputs[tested.rows.fitted[near]]),
            nearest_class=known[outputs.fitted_outputs[near]],
        )
        for row, near in zip(chosen, nearest, strict=True)
    )


def _image(pixels: np.ndarray) -> str:
    low, high = float(pixels.min()), float(pixels.max())
    scaled = (pixels - low) * (255 / (high - low) if high > low else 0.0)
    return base64.b64encode(np.round(scaled).astype(np.uint8).tobytes()).decode("ascii")
