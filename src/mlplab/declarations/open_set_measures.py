"""The measures of a test on unknown classes: what each is of, and its name in tables and studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class OpenSetMeasure:
    """One measure; of single classes where it names them."""

    kind: str
    """Its name, or how it is called whichever classes it is of."""
    words: str
    """As the subject of a sentence."""
    rows: Literal["known", "unknown", "both"] = "both"
    """The test rows that it is measured on."""
    is_share: bool = True
    """A fraction of rows, told in points; else an area, a mean of fractions, or a plain number."""
    higher_is_better: bool = True
    before_rejection: bool = False
    """Of the network by itself, whatever the detector."""
    is_bounded: bool = True
    """Whether it lies between 0 and 1."""
    template: str = ""
    """The name with {unknown} and {known} for the classes; empty for a measure of all."""
    unknown: str | None = None
    """The unknown class that it is about; likewise the next."""
    known: str | None = None

    @property
    def name(self) -> str:
        """As tables and study files call it."""
        return self.template.format(unknown=self.unknown, known=self.known) or self.kind

    def of(self, unknown: str, known: str | None = None) -> OpenSetMeasure:
        """The measure of single classes."""
        words = self.words.format(unknown=unknown, known=known)
        return replace(self, words=words, unknown=unknown, known=known)


_EVERY = (
    OpenSetMeasure("auroc", "AUROC", is_share=False),
    OpenSetMeasure("aupr_unknown_positive", "AUPR of unknown inputs", is_share=False),
    OpenSetMeasure("aupr_known_positive", "AUPR of known inputs", is_share=False),
    OpenSetMeasure(
        "fpr_at_95_tpr_unknown_positive",
        "FPR at 95% TPR (unknown positive)",
        higher_is_better=False,
    ),
    OpenSetMeasure(
        "fpr_at_95_tpr_known_positive", "FPR at 95% TPR (known positive)", higher_is_better=False
    ),
    OpenSetMeasure("oscr", "OSCR", is_share=False),
    OpenSetMeasure(
        "accuracy_on_known_before",
        "accuracy on known classes before rejection",
        "known",
        before_rejection=True,
    ),
    OpenSetMeasure("accuracy_on_known_after", "accuracy on known classes after rejection", "known"),
    OpenSetMeasure(
        "accuracy_on_accepted_known", "accuracy on accepted inputs of known classes", "known"
    ),
    OpenSetMeasure("accuracy_over_all", "accuracy over known and unknown inputs"),
    OpenSetMeasure(
        "known_rejected", "fraction of known inputs rejected", "known", higher_is_better=False
    ),
    OpenSetMeasure("recall_of_unknown", "fraction of unknown inputs rejected", "unknown"),
    OpenSetMeasure("macro_precision", "macro precision", is_share=False),
    OpenSetMeasure("macro_recall", "macro recall", is_share=False),
    OpenSetMeasure("macro_f1", "macro F1", is_share=False),
    OpenSetMeasure(
        "risk_coverage_area",
        "area under risk and coverage",
        is_share=False,
        higher_is_better=False,
    ),
    OpenSetMeasure("openness", "openness", is_share=False, before_rejection=True),
    OpenSetMeasure("threshold", "threshold", is_share=False, is_bounded=False),
    OpenSetMeasure(
        "auroc_of", "AUROC against {unknown} alone", is_share=False, template="auroc_of_{unknown}"
    ),
    OpenSetMeasure(
        "taken_for",
        "fraction of {unknown} taken for {known}",
        "unknown",
        higher_is_better=False,
        before_rejection=True,
        template="{unknown}_taken_for_{known}",
    ),
    OpenSetMeasure(
        "taken_for_after_rejection",
        "fraction of {unknown} taken for {known} after rejection",
        "unknown",
        higher_is_better=False,
        template="{unknown}_taken_for_{known}_after_rejection",
    ),
    OpenSetMeasure(
        "rejected", "fraction of {unknown} rejected", "unknown", template="{unknown}_rejected"
    ),
)
MEASURES = {measure.kind: measure for measure in _EVERY}


def measure_named(name: str) -> OpenSetMeasure | None:
    """The measure of a name, whatever classes it names; None where no measure is called so."""
    if name in MEASURES and not MEASURES[name].template:
        return MEASURES[name]
    after = "_after_rejection"
    kind = "taken_for_after_rejection" if name.endswith(after) else "taken_for"
    pair = name.removesuffix(after) if kind != "taken_for" else name
    unknown, between, known = pair.partition("_taken_for_")
    if unknown and between and known:
        return MEASURES[kind].of(unknown, known)
    for kind, start, end in (("auroc_of", "auroc_of_", ""), ("rejected", "", "_rejected")):
        unknown = name.removeprefix(start).removesuffix(end)
        if unknown and name == start + unknown + end and unknown != name:
            return MEASURES[kind].of(unknown)
    return None


def measures_of(unknown: Sequence[str], known: Sequence[str]) -> tuple[OpenSetMeasure, ...]:
    """Every measure of the table for these classes."""
    pairs = ("taken_for", "taken_for_after_rejection")
    return (
        *(measure for measure in _EVERY if not measure.template),
        *(MEASURES["auroc_of"].of(u) for u in unknown),
        *(MEASURES[kind].of(u, k) for kind in pairs for u in unknown for k in known),
        *(MEASURES["rejected"].of(u) for u in unknown),
    )
