"""The detectors of unknown classes that a study may name, each with its settings.

A higher score means more unknown. What each computes is implemented in `openset/detectors/`, and
found by the class that is declared here. z are logits, p their softmax, h the last hidden
activations, x the array named by `space`, μ class means over training rows, ŷ the predicted class.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, cast, get_args

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from mlplab.declarations.base import Count, Declaration, PositiveNumber
from mlplab.declarations.objective import BY_NAME, USES_NEGATIVES

Space = Literal["inputs", "hidden", "logits"]
RUNNING_CENTRES = "running centres"
"""Cross-entropy with running class centres, which training does not feel."""
_FractionAboveZero = Annotated[float, Field(gt=0, le=1)]


class DetectorSettings(Declaration):
    """What all detectors have in common. Settings that are not given have their defaults."""

    formula: ClassVar[str]
    source: ClassVar[str]
    name: str
    """The detector; the other keys depend on it."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        """Null stands for the default. Older records write every setting of every detector so."""
        if not isinstance(values, dict):
            return values
        every = {key for kind in DETECTORS.values() for key in kind.model_fields}
        return {k: v for k, v in values.items() if v is not None or k not in every}

    @model_serializer(mode="wrap")
    def _as_given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The name and the settings that were given: defaults are no part of a detector's label."""
        return {k: v for k, v in handler(self).items() if k == "name" or k in self.given}

    @property
    def given(self) -> dict[str, Any]:
        """The settings that were given, in the order of the declaration."""
        own = (k for k in type(self).model_fields if k in self.model_fields_set and k != "name")
        return {key: value for key in own if (value := getattr(self, key)) is not None}

    @property
    def label(self) -> str:
        """Its name in tables, with the settings that were given."""
        settings = [_in_words(key, value) for key, value in self.given.items()]
        return f"{self.name} ({', '.join(settings)})" if settings else self.name

    @property
    def method(self) -> str | None:
        """The training method that its networks need; None for networks trained in any way."""
        return self.name if self.name in BY_NAME else None

    @property
    def needs_negatives(self) -> bool:
        """Whether that training needs rows of negative classes."""
        return self.name in USES_NEGATIVES


class Softmax(DetectorSettings):
    """How unsure the network is of its best class.

    Score: −log max_c p_c.
    Source: Hendrycks and Gimpel, A baseline for detecting misclassified and out-of-distribution
    examples, ICLR 2017. They use −max p, which orders rows the same but saturates.
    Known value: five equal logits give log 5 = 1.6094.
    """

    formula = "−log max p"
    source = "Hendrycks and Gimpel, ICLR 2017"
    name: Literal["softmax"] = "softmax"


class MaxLogit(DetectorSettings):
    """How little evidence there is for the best class.

    Score: −max_c z_c.
    Source: Hendrycks et al., Scaling out-of-distribution detection for real-world settings,
    ICML 2022; Vaze et al., Open-set recognition: a good closed-set classifier is all you need?,
    ICLR 2022.
    Known value: logits (1, 4, 2) give −4.
    """

    formula = "−max z"
    source = "Hendrycks et al., ICML 2022"
    name: Literal["max logit"] = "max logit"


class _FreeEnergy(DetectorSettings):
    formula = "−T·log Σ exp(z/T)"
    temperature: PositiveNumber = 1.0
    """T in the formula."""


class Energy(_FreeEnergy):
    """How little evidence there is for all classes together.

    Score: −T·log Σ_c exp(z_c / T).
    Source: Liu et al., Energy-based out-of-distribution detection, NeurIPS 2020.
    Known value: five zeros give −log 5 = −1.6094 at T = 1.
    """

    source = "Liu et al., NeurIPS 2020"
    name: Literal["energy"] = "energy"


class Entropy(DetectorSettings):
    """How evenly the probability is spread.

    Score: −Σ_c p_c log p_c.
    Source: Shannon 1948; as a detector, for example Chan et al., ICCV 2021.
    Known value: five equal logits give log 5 = 1.6094.
    """

    formula = "−Σ p log p"
    source = "Chan et al., ICCV 2021"
    name: Literal["entropy"] = "entropy"


class Gen(DetectorSettings):
    """Generalised entropy: a power γ < 1 gives weight to small departures from certainty.

    Score: Σ p_c^γ (1 − p_c)^γ over the `top` most probable classes.
    Source: Liu et al., GEN: pushing the limits of softmax-based out-of-distribution detection,
    CVPR 2023, with γ = 0.1. They take the top tenth of 1,000 classes; here all are taken unless
    `top` says otherwise, for there are few.
    Known value: with γ = 1 it is Σ p(1 − p); five equal logits give 5 · 0.2 · 0.8 = 0.8.
    """

    formula = "Σ p^γ (1 − p)^γ"
    source = "Liu et al., CVPR 2023"
    name: Literal["gen"] = "gen"
    gamma: _FractionAboveZero = 0.1
    """γ, the power."""
    top: Count | None = None
    """How many of the most probable classes are counted; None for all."""


class _Distance(DetectorSettings):
    space: Space = "hidden"
    """Where distances are measured."""
    normalise: bool = False
    """Compare directions x/‖x‖ only; a row of zeros stays zero."""


class _ToCentre(_Distance):
    one_sided: bool = False
    """What reaches beyond the class centre, seen from the origin, does not count."""


class ClassCentre(_ToCentre):
    """How far an input lies from the centre of the class it is taken for.

    Score: ‖x − μ_ŷ‖. With `one_sided` what reaches beyond the centre, seen from the origin, does
    not count: such a row is the class all the more.
    Source: the 2023 report's first remedy; nearest-class-mean classifiers, Mensink et al.,
    PAMI 2013, where several centres a class are proposed too. `one_sided` is mlplab's own.
    Known value: centre (0, 0), activation (3, 4): 5.
    """

    formula = "‖x − μ_ŷ‖"
    source = "the 2023 report, part two; Mensink et al., PAMI 2013"
    name: Literal["class centre"] = "class centre"
    clusters: Count = 1
    """Centres a class, found by k-means among its rows; the nearest of the predicted class counts."""
    centres: Literal["exact", "running"] = "exact"
    """Exact means after training, or running means kept during it."""

    @property
    def method(self) -> str | None:
        """Running centres are kept by a training of their own."""
        return RUNNING_CENTRES if self.centres == "running" else None


class _Covariance(_Distance):
    shrinkage: _FractionAboveZero | None = None
    """Fraction of a sphere mixed into the covariance; None for the pseudo-inverse."""


class Mahalanobis(_Covariance):
    """The squared Mahalanobis distance to the nearest class.

    Score: min_c MD_c, MD_c = (x − μ_c)ᵀ Σ⁺ (x − μ_c), Σ the covariance within classes, shared.
    Source: Lee et al., A simple unified framework for detecting out-of-distribution samples,
    NeurIPS 2018, at one layer and without their input perturbation.
    Known value: unit covariance, centres (0, 0) and (10, 0), activation (3, 4): 25.
    """

    formula = "min_c (h − μ_c)ᵀ Σ⁺ (h − μ_c)"
    source = "Lee et al., NeurIPS 2018"
    name: Literal["mahalanobis"] = "mahalanobis"


class RelativeMahalanobis(_Covariance):
    """The Mahalanobis distance to the nearest class, less that to the rows of all classes.

    Score: min_c (MD_c − MD_0), MD_0 with a mean and covariance of its own over all rows.
    Source: Ren et al., A simple fix to Mahalanobis distance for improving near-OOD detection, 2021.
    Known value: unit covariance within classes, centres (0, 0) and (10, 0), as many rows of each,
    activation (3, 4): 25 − (4/26 + 16) = 8.8462.
    """

    formula = "min_c (MD_c − MD_0)"
    source = "Ren et al., 2021"
    name: Literal["relative mahalanobis"] = "relative mahalanobis"


class NearestNeighbours(DetectorSettings):
    """How far the k-th most similar training row is, whatever its class.

    Score: the k-th smallest ‖h/‖h‖ − h_i/‖h_i‖‖ over training rows i.
    Source: Sun et al., Out-of-distribution detection with deep nearest neighbors, ICML 2022.
    The search compares with every training row, in chunks that bound its memory.
    Known value: unit vectors at right angles are √2 apart.
    """

    formula = "distance to the k-th neighbour of h/‖h‖"
    source = "Sun et al., ICML 2022"
    name: Literal["nearest neighbours"] = "nearest neighbours"
    k: Count = 10
    """Which neighbour's distance is the score."""
    space: Space = "hidden"
    """Where distances are measured."""
    normalise: bool = True
    """Compare directions x/‖x‖ only; a row of zeros stays zero."""


class OpenMax(DetectorSettings):
    """The probability of an extra class, after far rows have lost part of their logits to it.

    Score: p_0 of softmax(z'_0, z'_1 … z'_K); z'_c = z_c − z_c⁺·w·F_c(‖z − μ_c‖),
    z'_0 = Σ z_c⁺·w·F_c. F_c is a Weibull distribution fitted to the `tail` largest distances of
    class c to its centre μ_c; w = (α − rank)/α for the α = `ranks` largest logits, rank from 0.
    Centres and tails come from correctly classified training rows.
    Source: Bendale and Boult, Towards open set deep networks, CVPR 2016.
    Deviations: the distance is Euclidean; only the positive part z⁺ of a logit is moved, for
    scaling a negative one down would raise it; w starts at 1, as in their program (their algorithm
    2 prints it one rank later). A row's score depends on no other row.
    Known value: two logits (2, 0), both F = 1, α = 1: (0, 0, 2) gives e²/(e² + 2) = 0.7870.
    """

    formula = "p of the extra class after Weibull recalibration of z"
    source = "Bendale and Boult, CVPR 2016"
    name: Literal["openmax"] = "openmax"
    tail: Count = 20
    """Largest distances of a class that a Weibull distribution is fitted to."""
    ranks: Count | None = None
    """How many of the largest logits are recalibrated; None for all, at most 10."""


class Vim(DetectorSettings):
    """The residual outside the principal space of the features, set against the energy.

    Score: α‖P⊥(h − u)‖ − log Σ exp z; u = −(Wᵀ)⁺b, P⊥ the projection off the `principal` largest
    directions of h − u, α = Σ max z / Σ ‖P⊥(h − u)‖ over training rows.
    Source: Wang et al., ViM: out-of-distribution with virtual-logit matching, CVPR 2022, with
    their sizes of the principal space: 1,000 of at least 2,048 units, 512 of at least 768, else
    half. The output layer is recovered by least squares where it is not given.
    Known value: residual 0 leaves the energy: five zeros give −1.6094.
    """

    formula = "α‖P⊥(h − u)‖ − log Σ exp z"
    source = "Wang et al., CVPR 2022"
    name: Literal["vim"] = "vim"
    principal: Count | None = None
    """Directions of the principal space; None for the published rule."""


class React(DetectorSettings):
    """Rectified activations: unknown inputs often owe their evidence to a few very active units.

    Score: −log Σ exp(z̃), z̃ the logits of min(h, c), c a percentile of all training activations.
    Source: Sun et al., ReAct: out-of-distribution detection with rectified activations,
    NeurIPS 2021, with the 90th percentile.
    Known value: ceiling 1, identity output layer, h = (3, 0.5): −log(e + e^0.5) = −1.4741.
    """

    formula = "energy of min(h, c)"
    source = "Sun et al., NeurIPS 2021"
    name: Literal["react"] = "react"
    percentile: Annotated[float, Field(gt=0, le=100)] = 90.0
    """Of the activations, at which they are clipped."""


class She(DetectorSettings):
    """Simplified Hopfield energy: how little a row agrees with the mean of its predicted class.

    Score: −⟨h, μ_ŷ⟩.
    Source: Zhang et al., Out-of-distribution detection based on in-distribution data patterns
    memorization with modern Hopfield energy, ICLR 2023. They average correctly classified rows
    only; here μ is the mean of all training rows of the class, as in the other detectors.
    Known value: pattern (1, 2), activation (3, 4): −11.
    """

    formula = "−⟨h, μ_ŷ⟩"
    source = "Zhang et al., ICLR 2023"
    name: Literal["she"] = "she"


class SigmoidOutput(DetectorSettings):
    """An output trained as known = 1, negative = 0, and asked first at test time.

    Score: 1 − σ(a), computed as σ(−a) so that certainty does not round to zero.
    Source: the 2023 report's second remedy.
    Known value: a = 0 gives 0.5, a = 40 gives 4.2e-18.
    """

    formula = "1 − σ"
    source = "the 2023 report, part two"
    name: Literal["sigmoid output"] = "sigmoid output"


class BackgroundClass(DetectorSettings):
    """The probability of the extra class of a (K+1)-way network trained with negatives.

    Score: p_{K+1}. The label, where a row is accepted, is that of the largest known logit.
    Source: Dhamija et al., Reducing network agnostophobia, NeurIPS 2018 (as a baseline).
    Known value: two known logits and the background equal: 1/3.
    """

    formula = "p_{K+1}"
    source = "Dhamija et al., NeurIPS 2018"
    name: Literal["background class"] = "background class"


class Entropic(DetectorSettings):
    """Doubt of a network trained to give negatives the uniform distribution.

    Score: 1 − max p, computed without cancellation.
    Source: Dhamija et al., Reducing network agnostophobia, NeurIPS 2018; Hendrycks et al., Deep
    anomaly detection with outlier exposure, ICLR 2019.
    Known value: five equal logits give 0.8.
    """

    formula = "1 − max p"
    source = "Dhamija et al., NeurIPS 2018; Hendrycks et al., ICLR 2019"
    name: Literal["entropic"] = "entropic"


class Objectosphere(DetectorSettings):
    """Doubt, and the shortness of the hidden activations, which training gives to negatives.

    Score: −max p · ‖h‖.
    Source: Dhamija et al., NeurIPS 2018.
    Known value: two equal logits, h = (3, 4): −2.5.
    """

    formula = "−max p · ‖h‖"
    source = "Dhamija et al., NeurIPS 2018"
    name: Literal["objectosphere"] = "objectosphere"


class ClassAnchor(DetectorSettings):
    """How far the logits lie from every anchor, the nearest counting by how clearly it is nearest.

    Score: min_c d_c (1 − softmin_c), d_c = ‖z − anchor_c‖, anchors 10·e_c.
    Source: Miller et al., Class anchor clustering: a loss for distance-based open set recognition,
    WACV 2021. After training they replace the anchors by the mean logits of correctly classified
    rows: `"centres": "means"`; by default the anchors of the loss stay.
    Known value: distances (1, 2, 3) give 1 − 0.6652 = 0.3348.
    """

    formula = "min_c d_c (1 − softmin_c)"
    source = "Miller et al., WACV 2021"
    name: Literal["class anchor"] = "class anchor"
    centres: Literal["anchors", "means"] = "anchors"
    """The anchors of the loss, or the means of the logits of rows that are classified right."""
    magnitude: PositiveNumber = 10.0
    """How far the anchors lie from the origin; in a study by default as far as the objective's."""


class CentreLoss(_ToCentre):
    """The distance to the class centre in a network trained to keep its classes tight.

    Score: ‖h − μ_ŷ‖, as for `class centre`; what differs is the network's objective.
    Source: Wen et al., A discriminative feature learning approach for deep face recognition,
    ECCV 2016. Centres are the exact means after training rather than the running ones of training.
    Known value: centre (0, 0), activation (3, 4): 5.
    """

    formula = "‖h − μ_ŷ‖"
    source = "Wen et al., ECCV 2016"
    name: Literal["centre loss"] = "centre loss"


class EnergyMargin(_FreeEnergy):
    """The energy of a network whose energies were pushed apart in training.

    Score: −T·log Σ_c exp(z_c / T), as for `energy`; what differs is the network's objective.
    Source: Liu et al., NeurIPS 2020, section 3.2.
    Known value: five zeros give −1.6094.
    """

    source = "Liu et al., NeurIPS 2020"
    name: Literal["energy margin"] = "energy margin"


Detector = Annotated[
    Softmax
    | MaxLogit
    | Energy
    | Entropy
    | Gen
    | ClassCentre
    | Mahalanobis
    | RelativeMahalanobis
    | NearestNeighbours
    | OpenMax
    | Vim
    | React
    | She
    | SigmoidOutput
    | BackgroundClass
    | Entropic
    | Objectosphere
    | ClassAnchor
    | CentreLoss
    | EnergyMargin,
    Field(discriminator="name"),
]
"""In the order in which tables show them."""

DETECTORS: dict[str, type[DetectorSettings]] = {
    cast(str, kind.model_fields["name"].default): kind for kind in get_args(get_args(Detector)[0])
}
AFTER_TRAINING = tuple(name for name in DETECTORS if name not in BY_NAME)
"""Detectors for networks trained in any way; the others belong to the objective of their name."""


def _in_words(setting: str, value: object) -> str:
    match setting:
        case "normalise":
            return "directions" if value else "with lengths"
        case "space":
            return f"on {value}"
        case "centres":
            return f"{value} centres"
        case "one_sided":
            return "one-sided" if value else "two-sided"
        case "clusters":
            return f"{value} a class"
    return f"{setting} {value}"
