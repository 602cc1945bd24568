"""The measures of a test on unknown classes, by the names that the open-set table gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class OpenSetMeasure:
    """What one name of the table stands for."""

    words: str
    """As the subject of a sentence."""
    is_share: bool = True
    """A share of rows, told in points; else an area, a mean of shares, or a plain number."""
    higher_is_better: bool = True
    before_rejection: bool = False
    """Of the network by itself, whatever the detector."""
    unknown: str | None = None
    """The unknown class that it is about; likewise the next."""
    known: str | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether it lies between 0 and 1; thresholds lie anywhere."""
        return self.words != _THRESHOLD


_THRESHOLD = "threshold"
_PLAIN = {
    "auroc": OpenSetMeasure("AUROC", is_share=False),
    "aupr_unknown_positive": OpenSetMeasure("AUPR of unknown inputs", is_share=False),
    "aupr_known_positive": OpenSetMeasure("AUPR of known inputs", is_share=False),
    "fpr_at_95_tpr_unknown_positive": OpenSetMeasure(
        "FPR at 95% TPR (unknown positive)", higher_is_better=False
    ),
    "fpr_at_95_tpr_known_positive": OpenSetMeasure(
        "FPR at 95% TPR (known positive)", higher_is_better=False
    ),
    "oscr": OpenSetMeasure("OSCR", is_share=False),
    "accuracy_on_known_before": OpenSetMeasure(
        "accuracy on known classes before rejection", before_rejection=True
    ),
    "accuracy_on_known_after": OpenSetMeasure("accuracy on known classes after rejection"),
    "accuracy_on_accepted_known": OpenSetMeasure("accuracy on accepted inputs of known classes"),
    "accuracy_over_all": OpenSetMeasure("accuracy over known and unknown inputs"),
    "known_rejected": OpenSetMeasure("share of known inputs rejected", higher_is_better=False),
    "recall_of_unknown": OpenSetMeasure("share of unknown inputs rejected"),
    "macro_precision": OpenSetMeasure("macro precision", is_share=False),
    "macro_recall": OpenSetMeasure("macro recall", is_share=False),
    "macro_f1": OpenSetMeasure("macro F1", is_share=False),
    "risk_coverage_area": OpenSetMeasure(
        "area under risk and coverage", is_share=False, higher_is_better=False
    ),
    "openness": OpenSetMeasure("openness", is_share=False, before_rejection=True),
    "threshold": OpenSetMeasure(_THRESHOLD, is_share=False),
}
_TAKEN = re.compile(r"(?P<unknown>.+)_taken_for_(?P<known>.+?)(?P<after>_after_rejection)?")
_REJECTED = re.compile(r"(?P<unknown>.+)_rejected")
_AUROC_OF = re.compile(r"auroc_of_(?P<unknown>.+)")


def measure_named(name: str) -> OpenSetMeasure | None:
    """The measure of a name, whatever classes it names; None where no measure is called so."""
    if name in _PLAIN:
        return _PLAIN[name]
    if found := _TAKEN.fullmatch(name):
        unknown, known, after = found["unknown"], found["known"], found["after"]
        words = f"share of {unknown} taken for {known}{' after rejection' if after else ''}"
        return OpenSetMeasure(
            words,
            higher_is_better=False,
            before_rejection=not after,
            unknown=unknown,
            known=known,
        )
    if found := _AUROC_OF.fullmatch(name):
        unknown = found["unknown"]
        return OpenSetMeasure(f"AUROC against {unknown} alone", is_share=False, unknown=unknown)
    if found := _REJECTED.fullmatch(name):
        unknown = found["unknown"]
        return OpenSetMeasure(f"share of {unknown} rejected", unknown=unknown)
    return None


def measure_names(unknown: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Every name of the table for these classes."""
    pairs = [f"{u}_taken_for_{k}" for u in unknown for k in known]
    return (
        *_PLAIN,
        *(f"auroc_of_{u}" for u in unknown),
        *pairs,
        *(f"{pair}_after_rejection" for pair in pairs),
        *(f"{u}_rejected" for u in unknown),
    )
