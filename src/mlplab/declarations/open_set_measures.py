"""The measures of a test on unknown classes: what each is of, and its name in tables and studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MeasureKind:
    """What the measures of one kind have in common."""

    words: str
    """As the subject of a sentence; {unknown} and {known} stand for classes."""
    rows: Literal["known", "unknown", "both"] = "both"
    """The test rows that it is measured on."""
    is_share: bool = True
    """A fraction of rows, told in points; else an area, a mean of fractions, or a plain number."""
    higher_is_better: bool = True
    before_rejection: bool = False
    """Of the network by itself, whatever the detector."""
    is_bounded: bool = True
    """Whether it lies between 0 and 1."""
    name: str = ""
    """Its name where it is of single classes, such as {unknown}_taken_for_{known}."""


KINDS = {
    "auroc": MeasureKind("AUROC", is_share=False),
    "aupr_unknown_positive": MeasureKind("AUPR of unknown inputs", is_share=False),
    "aupr_known_positive": MeasureKind("AUPR of known inputs", is_share=False),
    "fpr_at_95_tpr_unknown_positive": MeasureKind(
        "FPR at 95% TPR (unknown positive)", higher_is_better=False
    ),
    "fpr_at_95_tpr_known_positive": MeasureKind(
        "FPR at 95% TPR (known positive)", higher_is_better=False
    ),
    "oscr": MeasureKind("OSCR", is_share=False),
    "accuracy_on_known_before": MeasureKind(
        "accuracy on known classes before rejection", "known", before_rejection=True
    ),
    "accuracy_on_known_after": MeasureKind("accuracy on known classes after rejection", "known"),
    "accuracy_on_accepted_known": MeasureKind(
        "accuracy on accepted inputs of known classes", "known"
    ),
    "accuracy_over_all": MeasureKind("accuracy over known and unknown inputs"),
    "known_rejected": MeasureKind(
        "fraction of known inputs rejected", "known", higher_is_better=False
    ),
    "recall_of_unknown": MeasureKind("fraction of unknown inputs rejected", "unknown"),
    "macro_precision": MeasureKind("macro precision", is_share=False),
    "macro_recall": MeasureKind("macro recall", is_share=False),
    "macro_f1": MeasureKind("macro F1", is_share=False),
    "risk_coverage_area": MeasureKind(
        "area under risk and coverage", is_share=False, higher_is_better=False
    ),
    "openness": MeasureKind("openness", is_share=False, before_rejection=True),
    "threshold": MeasureKind("threshold", is_share=False, is_bounded=False),
    "auroc_of": MeasureKind(
        "AUROC against {unknown} alone", is_share=False, name="auroc_of_{unknown}"
    ),
    "taken_for": MeasureKind(
        "fraction of {unknown} taken for {known}",
        "unknown",
        higher_is_better=False,
        before_rejection=True,
        name="{unknown}_taken_for_{known}",
    ),
    "taken_for_after_rejection": MeasureKind(
        "fraction of {unknown} taken for {known} after rejection",
        "unknown",
        higher_is_better=False,
        name="{unknown}_taken_for_{known}_after_rejection",
    ),
    "rejected": MeasureKind("fraction of {unknown} rejected", "unknown", name="{unknown}_rejected"),
}
_OF_ALL = tuple(kind for kind, its in KINDS.items() if not its.name)


@dataclass(frozen=True)
class OpenSetMeasure:
    """One measure: its kind, and the classes where it is of single ones."""

    kind: str
    """A key of `KINDS`."""
    unknown: str | None = None
    """The unknown class that it is about; likewise the next."""
    known: str | None = None

    @property
    def _its(self) -> MeasureKind:
        return KINDS[self.kind]

    @property
    def name(self) -> str:
        """As tables and study files call it."""
        return (self._its.name or self.kind).format(unknown=self.unknown, known=self.known)

    @property
    def words(self) -> str:
        """As the subject of a sentence."""
        return self._its.words.format(unknown=self.unknown, known=self.known)

    @property
    def rows(self) -> Literal["known", "unknown", "both"]:
        """The test rows that it is measured on."""
        return self._its.rows

    @property
    def is_share(self) -> bool:
        """Whether it is a fraction of rows, told in points."""
        return self._its.is_share

    @property
    def higher_is_better(self) -> bool:
        """Whether more of it is better."""
        return self._its.higher_is_better

    @property
    def before_rejection(self) -> bool:
        """Whether it is of the network by itself, whatever the detector."""
        return self._its.before_rejection

    @property
    def is_bounded(self) -> bool:
        """Whether it lies between 0 and 1; thresholds lie anywhere."""
        return self._its.is_bounded


def measure_named(name: str) -> OpenSetMeasure | None:
    """The measure of a name, whatever classes it names; None where no measure is called so."""
    if name in _OF_ALL:
        return OpenSetMeasure(name)
    pair, after, rest = name.rpartition("_after_rejection")
    kind = "taken_for_after_rejection" if after and not rest else "taken_for"
    unknown, between, known = (pair if kind != "taken_for" else name).partition("_taken_for_")
    if unknown and between and known:
        return OpenSetMeasure(kind, unknown, known)
    for kind, start, end in (("auroc_of", "auroc_of_", ""), ("rejected", "", "_rejected")):
        unknown = name.removeprefix(start).removesuffix(end)
        if unknown and name == start + unknown + end and unknown != name:
            return OpenSetMeasure(kind, unknown)
    return None


def measures_of(unknown: Sequence[str], known: Sequence[str]) -> tuple[OpenSetMeasure, ...]:
    """Every measure of the table for these classes."""
    pairs = ("taken_for", "taken_for_after_rejection")
    return (
        *(OpenSetMeasure(kind) for kind in _OF_ALL),
        *(OpenSetMeasure("auroc_of", u) for u in unknown),
        *(OpenSetMeasure(kind, u, k) for kind in pairs for u in unknown for k in known),
        *(OpenSetMeasure("rejected", u) for u in unknown),
    )
