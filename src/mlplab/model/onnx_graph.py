"""A model as an ONNX graph, its preparation in it: any onnxruntime gives the same answers.

A table has one input for each column, by its name, of shape [N, 1]: text as strings, numbers as
double, a date as days since 1970-01-01 (double; a time of day is the fraction). NaN, or an empty
text, is a missing value. Other rows have one input `inputs` of shape [N, feature]. Preparation is
computed in double. Outputs are `label` (string) and `probabilities` (float), or `value` (double) for
regression.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mlplab.data.columns import MISSING_WORDS, Column
from mlplab.declarations.problems import refuse
from mlplab.model.model import Model

_OPSET, _ML_OPSET, _IR = 19, 4, 9
_MISSING, _NEVER_SEEN = -2, -1
"""Codes of a text: missing, and a category that the training table did not have."""
_OUTPUTS = ("label", "probabilities", "value")


def graph_of(model: Model) -> Any:
    """The checked `onnx.ModelProto` of a model.

    Raises:
        BadInput: the model has a part that the graph lacks.
    """
    return _Graph(model).made()


def input_name(column: Column) -> str:
    """The graph's input for a column: the column's own name, unless the graph needs that itself."""
    taken = column.name in _OUTPUTS or column.name.startswith("mlplab/")
    return f"column {column.name}" if taken else column.name


class _Graph:
    """Nodes of a model, each named by a number."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []

    def made(self) -> Any:
        """The checked model."""
        from onnx import TensorProto, checker, helper

        model = self.model
        inputs = self.node("Cast", self._prepared(), to=TensorProto.FLOAT)
        found = [self._outputs(inputs, own) for own in model.networks]
        if model.is_regression:
            value = self._mean([self._double(one) for one in found])
            std, mean = model.preparation.target_std, model.preparation.target_mean
            self.node(
                "Add", self.node("Mul", value, self.number(std)), self.number(mean), to_name="value"
            )
            outputs = [helper.make_tensor_value_info("value", TensorProto.DOUBLE, ["N", 1])]
        else:
            self._classes([self._class_scores(one) for one in found])
            classes = len(model.classes)
            outputs = [
                helper.make_tensor_value_info("label", TensorProto.STRING, ["N"]),
                helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes]),
            ]
        graph = helper.make_graph(self.nodes, "mlplab", self.inputs, outputs, self.constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
        made = helper.make_model(
            graph, opset_imports=opsets, ir_version=_IR, producer_name="mlplab"
        )
        checker.check_model(made)
        return made

    def node(self, kind: str, *inputs: str, to_name: str | None = None, **attributes: Any) -> str:
        """Add a node and give the name of its output."""
        from onnx import helper

        name = to_name or f"mlplab/v{len(self.nodes)}"
        domain = "ai.onnx.ml" if kind == "LabelEncoder" else ""
        self.nodes.append(helper.make_node(kind, inputs, [name], domain=domain, **attributes))
        return name

    def constant(self, values: Any) -> str:
        """Add a constant array and give its name."""
        from onnx import numpy_helper

        name = f"mlplab/c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def number(self, value: float) -> str:
        """A constant of double."""
        return self.constant(np.float64(value))

    def _double(self, name: str) -> str:
        from onnx import TensorProto

        return self.node("Cast", name, to=TensorProto.DOUBLE)

    def _input(self, name: str, kind: str, width: int = 1) -> str:
        from onnx import TensorProto, helper

        one = helper.make_tensor_value_info(name, getattr(TensorProto, kind), ["N", width])
        self.inputs.append(one)
        return name

    def _prepared(self) -> str:
        preparation = self.model.preparation
        if preparation.columns is None:
            kind = "FLOAT" if preparation.of_bytes else "DOUBLE"
            rows = self._input("inputs", kind, preparation.features)
            if preparation.of_bytes and preparation.scaling.divisor.ndim == 0:
                return self.node(
                    "Div", rows, self.constant(np.float32(preparation.scaling.divisor))
                )
            return self._scaled(self._double(rows))
        parts = [part for column in preparation.columns for part in self._parts(column)]
        features = []
        for place, part in enumerate(parts):
            features += self._features(part, place)
        return self._scaled(self.node("Concat", *features, axis=1))

    def _parts(self, column: Column) -> Iterable[str]:
        """The numbers of a column, NaN for a missing one."""
        name = input_name(column)
        if column.categories or column.kind == "category":
            yield self._codes(column, self._input(name, "STRING"))
            return
        value = self._input(name, "DOUBLE")
        if column.kind == "date":
            yield from self._date(column, value)
            return
        for missing in sorted(column.missing_numbers):
            same = self.node("Equal", value, self.number(missing))
            value = self.node("Where", same, self.number(np.nan), value)
        yield value

    def _codes(self, column: Column, texts: str) -> str:
        codes: dict[str, float] = {}
        words = {*column.missing, *(() if column.literal else {*MISSING_WORDS, "NaN"}), ""}
        for word in sorted(words):
            for spelt in (word, word.upper(), word.capitalize()):
                codes[spelt] = _MISSING
        for place, category in enumerate(column.categories):
            spellings = [category]
            if column.kind == "boolean":
                spellings += [category.lower(), category.upper(), category.capitalize()]
            codes |= {spelt: place for spelt in spellings if not column.is_missing(spelt)}
        found = self._double(
            self.node(
                "LabelEncoder", texts, keys_strings=list(codes),
                values_floats=[float(c) for c in codes.values()], default_float=float(_NEVER_SEEN),
            )
        )  # fmt: skip
        missing = self.node("Equal", found, self.number(_MISSING))
        return self.node("Where", missing, self.number(np.nan), found)

    def _date(self, column: Column, days: str) -> Iterable[str]:
        """Days, and the angles of year, week and day, as `columns.date_numbers` has them."""
        whole = self.node("Floor", days)
        time = self.node("Sub", days, whole)
        if "day" in {part.rpartition(": ")[2] for part in column.parts}:
            yield days
            year = self.node(
                "Div", self.node("Add", self._day_of_year(whole), time), self.number(365.25)
            )
            yield from self._angle(year)
            # 1970-01-01 was a Thursday.
            weekday = self._modulo(self.node("Add", whole, self.number(3)), 7)
            yield from self._angle(
                self.node("Div", self.node("Add", weekday, time), self.number(7))
            )
        if len(column.parts) in (2, 7):
            yield from self._angle(time)

    def _angle(self, turns: str) -> Iterable[str]:
        angle = self.node("Mul", turns, self.number(2 * np.pi))
        yield self.node("Sin", angle)
        yield self.node("Cos", angle)

    def _modulo(self, value: str, by: int) -> str:
        times = self._floor_of(value, by)
        return self.node("Sub", value, self.node("Mul", times, self.number(by)))

    def _floor_of(self, value: str, by: int) -> str:
        return self.node("Floor", self.node("Div", value, self.number(by)))

    def _sum(self, first: str, *others: tuple[float, str]) -> str:
        for factor, other in others:
            first = self.node("Add", first, self.node("Mul", self.number(factor), other))
        return first

    def _day_of_year(self, days: str) -> str:
        """From 0, in the Gregorian calendar: http://howardhinnant.github.io/date_algorithms.html."""
        since_march_0000 = self.node("Add", days, self.number(719468))
        era = self._floor_of(since_march_0000, 146097)
        in_era = self._modulo(since_march_0000, 146097)
        corrected = self._sum(
            in_era, (-1, self._floor_of(in_era, 1460)), (1, self._floor_of(in_era, 36524)),
            (-1, self._floor_of(in_era, 146096)),
        )  # fmt: skip
        year = self._floor_of(corrected, 365)
        since_march = self._sum(
            in_era, (-365, year), (-1, self._floor_of(year, 4)), (1, self._floor_of(year, 100))
        )
        whole_year = self._sum(year, (400, era))
        by = {
            n: self.node("Equal", self._modulo(whole_year, n), self.number(0))
            for n in (4, 100, 400)
        }
        is_leap = self.node("Or", by[400], self.node("And", by[4], self.node("Not", by[100])))
        leap = self._double(is_leap)
        late = self.node("Sub", since_march, self.number(306))
        early = self._sum(self.node("Add", since_march, self.number(59)), (1, leap))
        is_late = self.node("GreaterOrEqual", since_march, self.number(306))
        return self.node("Where", is_late, late, early)

    def _features(self, part: str, place: int) -> list[str]:
        expansion = self.model.preparation.expansion
        if expansion is None:
            return [part]
        missing = self.node("IsNaN", part)
        categories = expansion.categories[place]
        if categories is None:
            fill = self.number(expansion.fill[place])
            filled = self.node("Where", missing, fill, part)
            return [filled, self._double(missing)] if expansion.indicated[place] else [filled]
        return [
            self._double(missing if np.isnan(c) else self.node("Equal", part, self.number(c)))
            for c in categories
        ]

    def _scaled(self, features: str) -> str:
        scaling = self.model.preparation.scaling
        if scaling.quantiles is not None:
            refuse(
                "--onnx",
                expected="a preparation that ONNX can compute",
                received='"scaling": "quantile", whose normal quantiles it lacks',
                hint='take "robust" or "standard", or --model',
            )
        shifted = self.node("Sub", features, self.constant(np.asarray(scaling.shift, np.float64)))
        scaled = self.node("Div", shifted, self.constant(np.asarray(scaling.divisor, np.float64)))
        if scaling.drawn_in is None:
            return scaled
        third = self.node("Div", scaled, self.number(3))
        root = self.node("Sqrt", self.node("Add", self.node("Mul", third, third), self.number(1)))
        smooth = self.node("Div", scaled, root)
        return self.node("Where", self.constant(scaling.drawn_in), smooth, scaled)

    def _outputs(self, rows: str, layers: Sequence[tuple[np.ndarray, np.ndarray]]) -> str:
        for number, (kernel, bias) in enumerate(layers, start=1):
            rows = self.node("Gemm", rows, self.constant(kernel), self.constant(bias))
            if number < len(layers):
                rows = self._activated(rows)
        return rows

    def _activated(self, rows: str) -> str:
        match self.model.activation:
            case "relu":
                return self.node("Relu", rows)
            case "leaky_relu":
                return self.node("LeakyRelu", rows, alpha=0.01)
            case "tanh":
                return self.node("Tanh", rows)
            case "sigmoid":
                return self.node("Sigmoid", rows)
            case "gelu":
                turned = self.node("Mul", rows, self.constant(np.float32(1 / np.sqrt(2))))
                erf = self.node("Add", self.node("Erf", turned), self.constant(np.float32(1)))
                half = self.node("Mul", rows, self.constant(np.float32(0.5)))
                return self.node("Mul", half, erf)
            case "silu":
                return self.node("Mul", rows, self.node("Sigmoid", rows))
            case "mish":
                return self.node("Mul", rows, self.node("Tanh", self.node("Softplus", rows)))
            case "selu" | "elu" | "softplus" as name:
                return self.node(name.capitalize(), rows)
            case "identity":
                return rows
        refuse(
            "--onnx", expected="an activation that the export knows",
            received=self.model.activation, hint="take --model",
        )  # fmt: skip

    def _class_scores(self, outputs: str) -> str:
        """(row, class) double, whose softmax are probabilities."""
        scores, model = self._double(outputs), self.model
        if model.anchors is not None:
            anchors = self.constant(model.anchors * np.eye(len(model.classes))[None])
            apart = self.node("Sub", self.node("Unsqueeze", scores, self.constant([1])), anchors)
            return self.node("Neg", self.node("ReduceL2", apart, self.constant([2]), keepdims=0))
        if model.extra_outputs:
            ends = [self.constant([value]) for value in (0, len(model.classes), 1)]
            scores = self.node("Slice", scores, *ends)
        return scores

    def _mean(self, parts: Sequence[str]) -> str:
        # onnxruntime has no Mean of doubles.
        return self.node("Div", self.node("Sum", *parts), self.number(len(parts)))

    def _classes(self, scores: Sequence[str]) -> None:
        from onnx import TensorProto

        mean = self._mean([self.node("Softmax", one, axis=1) for one in scores])
        self.node("Cast", mean, to_name="probabilities", to=TensorProto.FLOAT)
        names = self.constant(np.array(self.model.classes, dtype=object))
        best = self.node("ArgMax", mean, axis=1, keepdims=0)
        if self.model.rejection is None:
            self.node("Gather", names, best, to_name="label")
            return
        known = self.node("Gather", names, best)
        unknown = self.constant(np.array([self.model.unknown], dtype=object))
        self.node("Where", self._rejected(self._mean(scores)), unknown, known, to_name="label")

    def _rejected(self, scores: str) -> str:
        """(row,) bool."""
        rejection = self.model.rejection
        assert rejection is not None
        axis = self.constant([1])
        match rejection.detector:
            case "max logit":
                how = self.node("Neg", self.node("ReduceMax", scores, axis, keepdims=0))
            case "softmax":
                log_p = self.node("LogSoftmax", scores, axis=1)
                how = self.node("Neg", self.node("ReduceMax", log_p, axis, keepdims=0))
            case "energy":
                temperature = self.number(float(rejection.settings.get("temperature", 1.0)))
                scaled = self.node("Div", scores, temperature)
                total = self.node("ReduceLogSumExp", scaled, axis, keepdims=0)
                how = self.node("Neg", self.node("Mul", temperature, total))
            case "entropy":
                log_p = self.node("LogSoftmax", scores, axis=1)
                terms = self.node("Mul", self.node("Exp", log_p), log_p)
                how = self.node("Neg", self.node("ReduceSum", terms, axis, keepdims=0))
            case other:
                refuse("--onnx", expected="a detector that the export knows", received=other,
                       hint="take --model")  # fmt: skip
        return self.node("Greater", how, self.number(rejection.threshold))
