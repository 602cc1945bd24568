"""From a trained network and the rows of a split to everything that is said about them."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlplab.analysis.open_set.centre_evidence import centre_evidence
from mlplab.analysis.open_set.findings import (
    CentreEvidence,
    Curve,
    DetectorFinding,
    Mistake,
    RunFinding,
    Share,
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
from mlplab.analysis.open_set.tested import OpenSetRows, activations
from mlplab.declarations.network import Network
from mlplab.declarations.objective import ClassAnchor
from mlplab.declarations.open_set import DetectorSettings, OpenSet
from mlplab.declarations.resolving.classes import data_name
from mlplab.networks.probabilities import log_softmax
from mlplab.openset.absorption import absorption_table
from mlplab.openset.activations import Activations
from mlplab.openset.auroc import auroc, roc_curve
from mlplab.openset.detectors.centres import Centres
from mlplab.openset.detectors.class_centre import ClassCentre
from mlplab.openset.detectors.detector import Fitted
from mlplab.openset.detectors.directions import unit_rows
from mlplab.openset.detectors.registry import make
from mlplab.openset.errors import OpenSetError
from mlplab.openset.health import health
from mlplab.openset.intervals import auroc_interval, wilson
from mlplab.openset.ledger import Ledger
from mlplab.openset.oscr import oscr_curve
from mlplab.openset.threshold import (
    Threshold,
    ThresholdByClass,
    calibrate,
    calibrate_by_class,
    realised_rate,
)

_MISTAKES = 8


@dataclass(frozen=True, eq=False)
class NetworkOutputs:
    """What the network gives for each kind of rows."""

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
        found: np.ndarray = self.known.predicted == self.known_outputs
        return found


def measure(
    bed: OpenSetRows,
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    network: Network,
    entry: OpenSet,
    detectors: Sequence[DetectorSettings],
    *,
    centres: np.ndarray | None,
    by: str,
    in_full: bool,
) -> RunFinding:
    """Test one trained network on one split.

    Args:
        bed: the rows.
        layers: one (kernel, bias) a layer.
        detectors: that belong to how the network was trained.
        centres: running class centres (class, unit), if training kept any.
        by: what the network is called in the ledger.
        in_full: with curves, histograms and images, which take room.
    """
    ledger = _ledger(bed, network, entry, by)
    seen = _seen(bed, layers, network)
    known = bed.data.class_names
    found, refusals = [], []
    for settings in detectors:
        try:
            fitted = _fitted(settings, seen, network, centres)
            found.append(_detector(settings.label, fitted, seen, bed, entry, in_full))
        except OpenSetError as error:
            refusals.append(f"{settings.label}: {error}")
    before = _absorbed(seen, None)
    present = np.unique(seen.unknown_classes)
    return RunFinding(
        known=known,
        unknown=tuple(bed.unknowns.class_names[c] for c in present),
        known_rows=len(seen.known),
        unknown_rows=len(seen.unknown),
        accuracy=_share(seen.right),
        absorbed=tuple(line[:-1] for line in before),
        detectors=tuple(found),
        refusals=tuple(refusals),
        centre=_centre(detectors, seen) if in_full else None,
        ledger=ledger.lines,
        image_shape=bed.data.image_shape,
        mistakes=_mistakes(seen, bed) if in_full and bed.data.image_shape else (),
    )


def _ledger(bed: OpenSetRows, network: Network, entry: OpenSet, by: str) -> Ledger:
    """Which rows touched what; refuses if a test row, or a calibration row twice, did."""
    rows, data, name = bed.rows, bed.data, data_name(network.data)
    unknown = {name: rows.unknown} if len(rows.unknown) else {}
    if entry.unknown_data is not None:
        others = len(bed.unknowns.inputs) - len(rows.unknown)
        unknown[f"{data_name(entry.unknown_data)}, another set"] = np.arange(others)
    ledger = Ledger(unknown, known_test_rows={name: rows.known})
    ledger = ledger.record_use("weights", data.train_rows, by=by, source=name)
    if len(data.validation_rows):
        ledger = ledger.record_use(
            "settings", data.validation_rows, by=f"{by}, stopping", source=name
        )
    ledger = ledger.record_use("settings", rows.fitted, by=f"{by}, detectors", source=name)
    return ledger.record_use("thresholds", rows.calibration, by=by, source=name)


def _seen(
    bed: OpenSetRows, layers: Sequence[tuple[np.ndarray, np.ndarray]], network: Network
) -> NetworkOutputs:
    def given(inputs: np.ndarray) -> Activations:
        return activations(inputs, layers, network, len(bed.data.class_names))

    rows = bed.rows
    return NetworkOutputs(
        fitted=given(bed.inputs(rows.fitted)),
        fitted_outputs=bed.outputs(rows.fitted),
        calibration=given(bed.inputs(rows.calibration)),
        known=given(bed.inputs(rows.known)),
        known_outputs=bed.outputs(rows.known),
        unknown=given(bed.unknowns.inputs),
        unknown_classes=bed.unknowns.classes,
    )


def _fitted(
    settings: DetectorSettings, seen: NetworkOutputs, network: Network, centres: np.ndarray | None
) -> Fitted:
    given = _trained_towards(settings, network) | settings.given
    if settings.name == "class centre":
        kept = given.pop("centres", "exact")
        if kept == "running":
            if centres is None:
                raise OpenSetError("no running centres were kept in training")
            counts = np.ones(len(centres))
            detector = ClassCentre(one_sided=bool(given.get("one_sided", False)))
            return detector.with_centres(Centres(centres.astype(np.float64), counts))
    return make(settings.name, **given).fit(seen.fitted, seen.fitted_outputs)


def _trained_towards(settings: DetectorSettings, network: Network) -> dict[str, object]:
    """What a detector takes from the objective that its network was trained with."""
    own = network.objective
    if isinstance(own, ClassAnchor) and settings.name == own.name:
        return {"magnitude": own.magnitude}
    return {}


def _detector(
    label: str,
    fitted: Fitted,
    seen: NetworkOutputs,
    bed: OpenSetRows,
    entry: OpenSet,
    in_full: bool,
) -> DetectorFinding:
    threshold, known, unknown = _judged(fitted, seen, entry, bed.data.class_names)
    labels, classes = seen.known_outputs, seen.known.logits.shape[1]
    present = np.unique(seen.unknown_classes)
    groups = Groups(bed.groups, bed.unknowns.groups)
    interval = auroc_interval(known.scores, unknown.scores)
    rate = realised_rate(known.rejected)
    oscr = oscr_curve(known.scores, seen.right, unknown.scores)
    names = bed.unknowns.class_names
    return DetectorFinding(
        detector=label,
        metrics=metrics(known, labels, unknown, classes, 0 if entry.closed else len(present)),
        without_groups=without_groups(known, labels, unknown, classes, groups)
        if in_full
        else auroc_without_groups(known, unknown, groups),
        auroc=Share(interval.value, interval.low, interval.high),
        auroc_by_class={
            names[c]: auroc(known.scores, unknown.scores[seen.unknown_classes == c])
            for c in present
        },
        threshold=_values(threshold),
        guarantee=threshold.guarantee,
        realised=Share(rate.value, rate.low, rate.high),
        absorbed=_absorbed(seen, unknown.rejected),
        health=health(fitted, seen.known, scores=known.scores, beside=unknown.scores).line,
        histogram=score_histogram(known.scores, unknown.scores) if in_full else None,
        roc=_roc(known.scores, unknown.scores) if in_full else None,
        oscr=thinned(oscr.unknown_accepted, oscr.known_right) if in_full else None,
    )


def _judged(
    fitted: Fitted, seen: NetworkOutputs, entry: OpenSet, names: tuple[str, ...]
) -> tuple[Threshold | ThresholdByClass, Predictions, Predictions]:
    """The threshold, and known and unknown rows as the detector judges them."""
    scores, share = fitted.score(seen.calibration), entry.reject_at_most
    sides = [(a.predicted, fitted.score(a)) for a in (seen.known, seen.unknown)]
    if not entry.threshold_by_class:
        one = calibrate(scores, share)
        known, unknown = (Predictions(predicted, s, one.rejects(s)) for predicted, s in sides)
        return one, known, unknown
    classes = seen.known.logits.shape[1]
    each = calibrate_by_class(scores, seen.calibration.predicted, classes, share, names)
    known, unknown = (
        Predictions(predicted, s, each.rejects(s, predicted)) for predicted, s in sides
    )
    return each, known, unknown


def _values(threshold: Threshold | ThresholdByClass) -> tuple[float | None, ...]:
    parts = (threshold,) if isinstance(threshold, Threshold) else threshold.by_class
    return tuple(p.value if math.isfinite(p.value) else None for p in parts)


def _absorbed(seen: NetworkOutputs, rejected: np.ndarray | None) -> tuple[tuple[int, ...], ...]:
    """(unknown class, known class + 1) rows; the last column is rejected."""
    classes = seen.known.logits.shape[1]
    # the table wants numbers that no known class has
    table = absorption_table(
        seen.unknown_classes + classes, seen.unknown.predicted, range(classes), rejected
    )
    return tuple(tuple(line) for line in table.counts.tolist())


def _centre(detectors: Sequence[DetectorSettings], seen: NetworkOutputs) -> CentreEvidence | None:
    if not any(settings.name == "class centre" for settings in detectors):
        return None
    return centre_evidence(seen.fitted, seen.fitted_outputs, seen.known, seen.unknown)


def _share(flags: np.ndarray) -> Share:
    low, high = wilson(flags.sum(), len(flags))
    return Share(float(flags.mean()), float(low), float(high))


def _roc(known: np.ndarray, unknown: np.ndarray) -> Curve:
    curve = roc_curve(known, unknown)
    return thinned(curve.known_rejected, curve.unknown_rejected)


def _mistakes(seen: NetworkOutputs, bed: OpenSetRows) -> tuple[Mistake, ...]:
    """The unknown rows that the softmax is surest of, each with its nearest training row."""
    certainty = log_softmax(seen.unknown.logits).max(axis=1)
    chosen = np.argsort(-certainty, kind="stable")[:_MISTAKES]
    assert seen.fitted.hidden is not None
    assert seen.unknown.hidden is not None
    likeness = unit_rows(seen.unknown.hidden[chosen]) @ unit_rows(seen.fitted.hidden).T
    nearest = likeness.argmax(axis=1)
    known, unknown = bed.data.class_names, bed.unknowns
    return tuple(
        Mistake(
            true=unknown.class_names[unknown.classes[row]],
            taken_for=known[seen.unknown.predicted[row]],
            probability=float(np.exp(certainty[row])),
            image=_image(unknown.inputs[row]),
            nearest=_image(bed.data.inputs[bed.rows.fitted[near]]),
            nearest_class=known[seen.fitted_outputs[near]],
        )
        for row, near in zip(chosen, nearest, strict=True)
    )


def _image(pixels: np.ndarray) -> str:
    low, high = float(pixels.min()), float(pixels.max())
    scaled = (pixels - low) * (255 / (high - low) if high > low else 0.0)
    return base64.b64encode(np.round(scaled).astype(np.uint8).tobytes()).decode("ascii")
