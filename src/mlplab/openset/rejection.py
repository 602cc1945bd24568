"""What rejecting does: accuracy on known rows, unknown rows caught, F1 over K+1 classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlplab.openset.errors import refuse
from mlplab.openset.scores import UNKNOWN, checked_classes, checked_flags


@dataclass(frozen=True)
class RejectionOutcome:
    """Each accuracy says what it is an accuracy of, so that none is read as another."""

    accuracy_on_known_before: float
    """Known rows given their class, nothing being rejected."""
    accuracy_on_known_after: float
    """Known rows accepted and given their class, among all known rows."""
    accuracy_on_accepted_known: float | None
    """The same among accepted known rows; None where none is accepted."""
    known_rejected: float
    """Fraction of known rows rejected."""
    recall_of_unknown: float | None
    """Fraction of unknown rows rejected; None without unknown rows."""
    accuracy_over_all: float
    """Known rows given their class and unknown rows rejected, among all rows."""
    macro_precision: float
    """Mean over the classes that occur, as true class or as decision; likewise the next two, in
    which a class that is only decided has recall 0, as in scikit-learn."""
    macro_recall: float
    macro_f1: float


def rejection_outcome(labels: Any, predicted: Any, rejected: Any, classes: int) -> RejectionOutcome:
    """Judge decisions on known and unknown rows.

    Args:
        labels: (row,) the known class, 0 to classes − 1, or −1 for an unknown row.
        predicted: (row,) the known class that the network would give.
        rejected: (row,) bool: whether the row is refused; it then counts as "unknown".
        classes: how many known classes there are.

    Raises:
        ValueError: no known row, a class out of range, or arrays of different length.
    """
    true = checked_classes("labels", labels, classes, least=UNKNOWN)
    guess = checked_classes("predicted", predicted, classes, rows=len(true))
    refused = checked_flags("rejected", rejected, len(true))
    known = true != UNKNOWN
    if not known.any():
        refuse("labels", "at least one known row", "none", "accuracy is of known rows")
    # by class alone: a matrix of ten thousand classes does not fit
    truth, decided = np.where(known, true, classes), np.where(refused, classes, guess)
    hit, given, rows = (
        np.bincount(each, minlength=classes + 1)
        for each in (truth[truth == decided], decided, truth)
    )
    right = known & (guess == true)
    accepted = known & ~refused
    occurs = given + rows > 0
    f1 = 2 * hit / np.maximum(given + rows, 1)
    precision = hit / np.maximum(given, 1)
    recall = hit / np.maximum(rows, 1)
    return RejectionOutcome(
        accuracy_on_known_before=float(right[known].mean()),
        accuracy_on_known_after=float((right & ~refused)[known].mean()),
        accuracy_on_accepted_known=float(right[accepted].mean()) if accepted.any() else None,
        known_rejected=float(refused[known].mean()),
        recall_of_unknown=None if known.all() else float(refused[~known].mean()),
        accuracy_over_all=float(hit.sum() / len(true)),
        macro_precision=float(precision[occurs].mean()),
        macro_recall=float(recall[occurs].mean()),
        macro_f1=float(f1[occurs].mean()),
    )
