"""Why the distance to a class centre tells what it tells, measured on the last hidden activations.

A difference from the centre of the predicted class has a part along the line from the origin
through the centre, and a part aside of it. Along, falling short and reaching beyond are different
things, and a distance takes them for the same.
"""

from __future__ import annotations

import numpy as np

from mlplab.analysis.open_set.findings import CentreEvidence, Histogram
from mlplab.analysis.open_set.histogram import counted
from mlplab.openset.activations import Activations
from mlplab.openset.auroc import auroc
from mlplab.openset.detectors.centres import Centres, class_centres
from mlplab.openset.detectors.class_centre import aside_and_along

_BINS = 48
_FEW = 5


def centre_evidence(
    fitted: Activations, labels: np.ndarray, known: Activations, unknown: Activations
) -> CentreEvidence:
    """Measure it.

    Args:
        fitted: known training rows, whose classes' means are the centres.
        labels: (row,) their classes, as outputs.
        known: test rows of known classes.
        unknown: test rows of unknown classes.
    """
    hidden = fitted.array("hidden").astype(np.float64)
    centres = class_centres(hidden, labels, fitted.logits.shape[1])
    (k_aside, k_along, k_length, k_relative), (u_aside, u_along, u_length, u_relative) = (
        _components(rows, centres) for rows in (known, unknown)
    )
    k_distance, u_distance = np.hypot(k_aside, k_along), np.hypot(u_aside, u_along)
    far = k_distance > np.median(u_distance)
    return CentreEvidence(
        known_length=float(k_length.mean()),
        unknown_length=float(u_length.mean()),
        known_beyond=float((k_along > 0).mean()),
        unknown_beyond=float((u_along > 0).mean()),
        far_known=float(far.mean()),
        far_known_beyond=float((k_along[far] > 0).mean()) if far.any() else None,
        shortfall_auroc=auroc(-k_along, -u_along),
        along_auroc=auroc(np.abs(k_along), np.abs(u_along)),
        spread_in_few=_spread_in_few(hidden - centres.means[labels]),
        along=_along(k_relative, u_relative),
    )


def _components(rows: Activations, centres: Centres) -> tuple[np.ndarray, ...]:
    """(row,) each: aside of the centre, along its line, length, and along relative to the centre."""
    nearest = centres.nearest_by_logit(rows.logits)
    hidden = rows.array("hidden").astype(np.float64)
    aside, along = aside_and_along(hidden, centres.means[nearest])
    size = np.linalg.norm(centres.means, axis=1)[nearest]
    relative = np.divide(along, size, out=np.zeros_like(along), where=size > 0)
    return aside, along, np.linalg.norm(hidden, axis=1), relative


def _spread_in_few(differences: np.ndarray) -> float:
    """Fraction of the variance within classes that a few directions hold."""
    variance = np.linalg.eigvalsh(differences.T @ differences)
    whole = float(variance.sum())
    return float(variance[-_FEW:].sum()) / whole if whole > 0 else 0.0


def _along(known: np.ndarray, unknown: np.ndarray) -> Histogram:
    ends = np.quantile(np.concatenate([known, unknown]), [0.002, 0.998])
    low, high = float(ends[0]), float(ends[1])
    if high <= low:
        high = low + 1e-6
    return counted(np.linspace(low, high, _BINS + 1), known, unknown)
