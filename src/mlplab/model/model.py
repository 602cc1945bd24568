"""A trained network, or the seeds of one together, with everything between a row and an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlplab.data.fitted import Preparation
from mlplab.declarations.problems import refuse
from mlplab.networks.probabilities import log_softmax
from mlplab.openset.activations import Activations
from mlplab.openset.detectors.detector import LEARNERS, Fitted
from mlplab.openset.detectors.registry import make
from mlplab.openset.from_weights import outputs_from_weights

if TYPE_CHECKING:
    import pandas as pd

    from mlplab.model.images import ImageForm

Weights = tuple[tuple[np.ndarray, np.ndarray], ...]
"""One (kernel (in, out), bias (out,)) a layer, float32."""
UNKNOWN = "unknown"
"""What a rejected row is called; a class of that name makes it "unknown (rejected)"."""


@dataclass(frozen=True)
class Rejection:
    """A detector that reads outputs alone, and the score above which a row is called unknown."""

    detector: str
    settings: Mapping[str, Any]
    threshold: float
    promise: str
    """In a sentence."""

    def rejects(self, class_scores: np.ndarray) -> np.ndarray:
        """(row,) bool, from scores (row, class), the mean over networks."""
        return detector_scores(self.detector, self.settings, class_scores) > self.threshold


def detector_scores(
    detector: str, settings: Mapping[str, Any], class_scores: np.ndarray
) -> np.ndarray:
    """How unknown rows look (row,) to a detector that reads class scores (row, class) alone."""
    declared = make(detector, **settings).settings
    # Such a detector learns nothing from rows, so there are none to fit it on.
    rule = LEARNERS[type(declared)](declared, None, None)  # type: ignore[arg-type]
    return Fitted(detector, rule, {}).score(Activations(logits=class_scores))


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """What `mlplab.load_model` gives. The answer of several networks is the mean of theirs."""

    preparation: Preparation
    activation: str
    networks: tuple[Weights, ...]
    """One for each seed, all of one shape."""
    seeds: tuple[int, ...]
    extra_outputs: int = 0
    """Outputs at the end that stand for no class."""
    anchors: float | None = None
    """Of networks trained with class anchors: how far these lie from the origin."""
    rejection: Rejection | None = None
    images: ImageForm | None = None
    """How files of images become rows; None where rows are no images."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Of its making: study, network, data, metrics, versions."""

    def __repr__(self) -> str:
        what = "regression" if self.is_regression else f"{len(self.classes)} classes"
        networks = "1 network" if len(self.networks) == 1 else f"{len(self.networks)} networks"
        return f"Model({self.facts.get('network', '')!r}, {what}, {networks})"

    @property
    def is_regression(self) -> bool:
        """Whether it predicts a number."""
        return self.preparation.task == "regression"

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the probabilities; empty for regression."""
        return () if self.is_regression else self.preparation.class_names

    @property
    def target(self) -> str:
        """The name of what is predicted, where it is known."""
        if self.is_regression:
            return self.preparation.class_names[0]
        return str(self.facts.get("target") or "class")

    @cached_property
    def unknown(self) -> str:
        """What a rejected row is called."""
        return UNKNOWN if UNKNOWN not in self.classes else f"{UNKNOWN} (rejected)"

    def predict(self, rows: Any) -> np.ndarray:
        """The class of each row, "unknown" where it is rejected, or the value of each row.

        Args:
            rows: as the data held them: a frame with the table's columns, by name, or numbers
                (row, feature), unscaled.

        Returns:
            (row,) text; of regression (row,) float64, in the target's own unit.

        Raises:
            BadInput: other columns or numbers than it learned from.
        """
        answers = self.answers(rows)
        return answers["prediction"].to_numpy()

    def predict_proba(self, rows: Any) -> np.ndarray:
        """The probability (row, class) of each class, float64, in the order of `classes`.

        Raises:
            BadInput: as `predict`; or it predicts a number.
        """
        if self.is_regression:
            refuse(
                "predict_proba",
                expected="a model of classes",
                received="one of regression",
                hint="use predict",
            )
        return self._probabilities(self.scores(self.inputs_of(rows))).mean(axis=0)

    def answers(self, rows: Any) -> pd.DataFrame:
        """One row each: prediction, the probability of each class, and how far the seeds differ.

        Columns of classes: prediction, probability (of the predicted class), spread (its standard
        deviation over seeds, where there are several), then `p(NAME)` for each class. Of
        regression: prediction, and spread.

        Raises:
            BadInput: as `predict`.
        """
        import pandas as pd

        scores = self.scores(self.inputs_of(rows))
        if self.is_regression:
            values = self.preparation.in_unit(scores[:, :, 0])
            return pd.DataFrame({"prediction": values.mean(axis=0)} | self._spread(values))
        probabilities = self._probabilities(scores)
        mean = probabilities.mean(axis=0)
        best = mean.argmax(axis=1)
        names = np.array(self.classes, dtype=object)[best]
        if self.rejection is not None and len(mean):
            names[self.rejection.rejects(scores.mean(axis=0))] = self.unknown
        each = np.arange(len(mean))
        own = {"prediction": names, "probability": mean[each, best]}
        own |= self._spread(probabilities[:, each, best])
        return pd.DataFrame(
            own | {f"p({name})": mean[:, place] for place, name in enumerate(self.classes)}
        )

    def inputs_of(self, rows: Any) -> np.ndarray:
        """What the networks are given (row, input), float32."""
        return self.preparation.prepare_rows(rows)

    def scores(self, inputs: np.ndarray) -> np.ndarray:
        """(network, row, class or value) float64 of inputs of the networks (row, input).

        Of classes those whose softmax are probabilities; of regression in standard deviations.
        """
        found = [outputs_from_weights(inputs, own, self.activation) for own in self.networks]
        outputs = np.stack(found).astype(np.float64)
        if self.anchors is not None:
            # As in training: minus the distance to each anchor, so that the nearest is highest.
            anchors = self.anchors * np.eye(outputs.shape[-1])
            return -np.linalg.norm(outputs[..., None, :] - anchors, axis=-1).clip(min=1e-6)
        return outputs[..., : outputs.shape[-1] - self.extra_outputs]

    def _probabilities(self, scores: np.ndarray) -> np.ndarray:
        flat = scores.reshape(-1, scores.shape[-1])
        return np.exp(log_softmax(flat)).reshape(scores.shape)

    def _spread(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Of values (network, row) the standard deviation over networks, where there are two."""
        return {"spread": values.std(axis=0, ddof=1)} if len(values) > 1 else {}

    def save(self, path: str | Path) -> None:
        """Write the model as one safetensors file, and a model card in Markdown beside it.

        Raises:
            BadInput: it cannot be written.
        """
        from mlplab.model.files import save_model

        save_model(self, Path(path))

    def to_onnx(self, path: str | Path, rows: Any) -> float:
        """Write the model as ONNX; see `mlplab.model.onnx_export.export_onnx`.

        Args:
            rows: what `predict` takes, for a comparison.

        Returns:
            The largest difference between the file's answers and `predict_proba` (of regression in
            standard deviations of the target).

        Raises:
            BadInput: onnxruntime is not installed, or the model has a part that ONNX lacks.
        """
        from mlplab.model.onnx_export import export_onnx

        return export_onnx(self, Path(path), rows)

    def to_torch(self, path: str | Path, rows: Any) -> float:
        """Write the model as a `torch.export` program, and compare as `to_onnx` does.

        Raises:
            BadInput: the model has a part that the program lacks.
        """
        from mlplab.model.torch_export import export_torch

        return export_torch(self, Path(path), rows)
