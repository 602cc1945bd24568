"""Networks that the compiled loop trains, one after the other, without the interpreter's lock.

Each network's parameters and moments are a row of an array; nothing else of it lasts from one call
to the next. `cpp/training_loop.cpp` computes; here is decided what it is given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from mlplab.declarations.form import Form
from mlplab.networks import kernels
from mlplab.networks.weights import LayerWeights
from mlplab.objectives.objective import Objective
from mlplab.optimizers.coefficients import coefficients
from mlplab.trainer.batch_order import BatchOrder
from mlplab.trainer.compiled_objective import CompiledObjectives, check_objective, is_known
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.evaluation import METRICS, QUANTITY_SUMS, Measurement, metrics_of
from mlplab.trainer.recipe import Recipe

_LINE = 16
"""float32 numbers of a cache's line, at which every tensor of a network starts."""
_LARGEST_BLOCK = 2**22
"""Row numbers of batches prepared at once."""


def is_compiled(form: Form, dropout: float, objective: Objective, device: str) -> bool:
    """Whether the compiled loop trains such networks: it knows ReLU and some losses, on a CPU,
    and dense layers alone."""
    return (
        device == "cpu"
        and kernels.loaded().library is not None
        and form == Form("relu")
        and not dropout
        and is_known(objective)
    )


class _Shape:
    """A shape of networks, and how their parameters lie in one block."""

    def __init__(self, layers: Sequence[int], batch: int) -> None:
        self.units = np.array(layers, dtype=np.int64)
        sizes = np.stack([self.units[:-1] * self.units[1:], self.units[1:]], axis=1).ravel()
        ends = np.cumsum(-(-sizes // _LINE) * _LINE)
        starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
        self.kernels, self.biases = starts[::2].copy(), starts[1::2].copy()
        self.block = int(ends[-1])
        fields = len(layers) - 1, batch, *map(_address, (self.units, self.kernels, self.biases))
        self.struct = np.array([fields], dtype=kernels.SHAPE)

    def layer(self, block: np.ndarray, layer: int) -> tuple[np.ndarray, np.ndarray]:
        """Views of the kernel (in, out) and the bias (out,) of a layer."""
        inputs, outputs = self.units[layer : layer + 2]
        kernel = block[self.kernels[layer] :][: inputs * outputs].reshape(inputs, outputs)
        return kernel, block[self.biases[layer] :][:outputs]


class CompiledNetworks:
    """Networks of one shape and batch size; the same operations as `EagerNetworks`.

    Args:
        recipes: of networks that `is_compiled`.
        data: the rows they are trained and evaluated on.
    """

    def __init__(self, recipes: Sequence[Recipe], data: DeviceDataset) -> None:
        _check(recipes, data)
        self._recipes, self._data = list(recipes), data
        first = recipes[0]
        self._shape = _Shape(first.layers, first.training.batch_size)
        shape = len(recipes), self._shape.block
        self._parameters = _aligned(shape)
        for block, recipe in zip(self._parameters, recipes, strict=True):
            for layer, (kernel, bias) in enumerate(recipe.initial_layers()):
                own = self._shape.layer(block, layer)
                own[0][:], own[1][:] = kernel, bias
        self._table_of, constants, self._by_step, initial_second = _tables(recipes)
        self._constants = constants
        has_first = (constants[:, 0] != 0) | (constants[:, 1] != 1)
        has_second = (constants[:, 2] != 0) | (constants[:, 3] != 0)
        self._has = has_first, has_second
        self._first = _aligned(shape) if has_first.any() else None
        self._second = _aligned(shape) if has_second.any() else None
        if self._second is not None:
            self._second += initial_second[self._table_of][:, None]
        self._orders = {
            key: BatchOrder(*key) for key in dict.fromkeys(_order_key(r) for r in recipes)
        }
        self.step = 0
        self.diverged_at = np.zeros(len(recipes), dtype=np.int64)
        self.seconds = np.zeros(len(recipes))
        self._objectives = CompiledObjectives(recipes)
        self._struct = _data_struct(data, self._shape)

    def advance(self, steps: int, *, diagnose: bool) -> tuple[Measurement, np.ndarray]:
        """Train all networks by so many steps, and measure each on its last batch.

        Returns:
            The means over the batch's rows of a known class, NaN where it held none; and with
            `diagnose` gradient sizes and shares of dead units, (network, 2, layer).
        """
        networks = np.zeros(len(self._recipes), dtype=kernels.NETWORK)
        networks["parameters"] = _rows(self._parameters)
        for moments, has, name in zip(
            (self._first, self._second), self._has, ("first", "second"), strict=True
        ):
            if moments is not None:
                networks[name] = np.where(has[self._table_of], _rows(moments), 0)
        networks["train_rows"] = [_address(r.train_rows) for r in self._recipes]
        networks["objective"] = self._objectives.structs
        networks["constants"] = _rows(self._constants)[self._table_of]
        networks["by_step"] = _rows(self._by_step)[self._table_of]
        networks["diverged_at"], networks["seconds"] = self.diverged_at, self.seconds
        order_of = [_order_key(recipe) for recipe in self._recipes]
        diagnostics = np.zeros((len(networks), 2, len(self._shape.units) - 1))
        if diagnose:
            networks["diagnostics"] = _rows(diagnostics)
        end = self.step + steps
        most = max(1, _LARGEST_BLOCK // (len(self._orders) * self._recipes[0].training.batch_size))
        while self.step < end:
            block = min(most, end - self.step)
            batches = {key: order.take(block) for key, order in self._orders.items()}
            networks["batches"] = [_address(batches[key]) for key in order_of]
            self._call("mlplab_train", networks, self.step + 1, block)
            self.step += block
        self.diverged_at, self.seconds = networks["diverged_at"], networks["seconds"]
        return _measurement(self._recipes, networks["batch"]), diagnostics

    def measure(
        self, rows: Sequence[np.ndarray], places: Sequence[int], *, keep_logits: bool = False
    ) -> Measurement:
        """Evaluate some networks, each on its own rows; NaN for a network that has none.

        Args:
            rows: of each of them, (row,) int64.
            places: of the networks.
        """
        evaluations = np.zeros(len(places), dtype=kernels.EVALUATION)
        evaluations["parameters"] = _rows(self._parameters)[list(places)]
        evaluations["objective"] = self._objectives.structs[list(places)]
        evaluations["rows"] = [_address(own) for own in rows]
        evaluations["count"] = [len(own) for own in rows]
        logits = None
        if keep_logits:
            classes = int(self._shape.units[-1])
            logits = [np.empty((len(own), classes), dtype=np.float32) for own in rows]
            evaluations["logits"] = [_address(own) for own in logits]
        self._call("mlplab_evaluate", evaluations)
        recipes = [self._recipes[place] for place in places]
        return _measurement(recipes, evaluations["metrics"], logits)

    def select(self, keep: Sequence[int]) -> None:
        """Go on with the kept networks only."""
        self._recipes = [self._recipes[place] for place in keep]
        self._objectives = CompiledObjectives(self._recipes)
        self._table_of = self._table_of[keep]
        self._parameters = _kept(self._parameters, keep)
        self._first = None if self._first is None else _kept(self._first, keep)
        self._second = None if self._second is None else _kept(self._second, keep)
        self.diverged_at, self.seconds = self.diverged_at[keep], self.seconds[keep]
        left = {_order_key(recipe) for recipe in self._recipes}
        self._orders = {key: order for key, order in self._orders.items() if key in left}

    def weights_of(self, place: int) -> LayerWeights:
        """A copy of one network's weights."""
        block = self._parameters[place]
        layers = (self._shape.layer(block, i) for i in range(len(self._shape.kernels)))
        return LayerWeights((kernel.copy(), bias.copy()) for kernel, bias in layers)

    def put(self, place: int, weights: LayerWeights) -> None:
        """Give one network these weights."""
        for layer, (kernel, bias) in enumerate(weights):
            own_kernel, own_bias = self._shape.layer(self._parameters[place], layer)
            own_kernel[:], own_bias[:] = kernel, bias

    def centres_of(self, place: int) -> np.ndarray | None:
        """None: cross-entropy keeps no class centres."""
        return None

    def _call(self, name: str, structs: np.ndarray, *numbers: int) -> None:
        """Call a function of the library for all networks that the structs speak of."""
        function = getattr(kernels.loaded().library, name)
        library = kernels.torch_products()
        shape, data = _address(self._shape.struct), _address(self._struct)
        kernels.check(function(shape, data, library, _address(structs), len(structs), *numbers))


def _check(recipes: Sequence[Recipe], data: DeviceDataset) -> None:
    """The loop reads by address: what it is given must be as it takes it to be.

    Raises:
        ValueError: rows that the data set does not have, or outputs that the networks do not.
    """
    layers = recipes[0].layers
    highest = dict.fromkeys(("train_rows", "validation_rows", "test_rows"), len(data.inputs) - 1)
    for name, most in {**highest, "label_map": layers[-1] - 1}.items():
        least = -1 if name == "label_map" else 0
        for values in {id(own): own for own in (getattr(r, name) for r in recipes)}.values():
            fits = not values.size or (values.min() >= least and values.max() <= most)
            if values.dtype != np.int64 or not values.flags.c_contiguous or not fits:
                raise ValueError(f"{name} must be contiguous int64 from {least} to {most}")
    for r in {(id(r.objective), *r.targets_id, id(r.train_rows)): r for r in recipes}.values():
        check_objective(r, data.labels)
    classes = min(len(r.label_map) for r in recipes)
    if layers[0] != data.inputs.shape[1] or data.labels.max(initial=0) >= classes:
        raise ValueError("the networks' inputs or label maps do not fit the data set")


def _data_struct(data: DeviceDataset, shape: _Shape) -> np.ndarray:
    masks = data.masks if torch.get_num_threads() == 1 else None
    fields = (
        data.inputs.data_ptr(),
        data.inputs.dtype == torch.bfloat16,
        _address(data.labels),
        0 if masks is None else _address(masks),
    )
    return np.array([fields], dtype=kernels.DATA)


def _measurement(
    recipes: Sequence[Recipe], metrics: np.ndarray, logits: list[np.ndarray] | None = None
) -> Measurement:
    names = METRICS if recipes[0].quantity is None else QUANTITY_SUMS
    sums = dict(zip(names, metrics["sums"].T, strict=False))
    return Measurement(metrics_of(recipes, sums, metrics["rows"]), metrics["rows"], logits)


def _tables(recipes: Sequence[Recipe]) -> tuple[np.ndarray, ...]:
    """Coefficients of every distinct optimizer and number of steps, float32.

    Returns:
        Each network's table, (network,); constants (table, 4), by_step (table, step, 5) and initial
        second moments (table,).
    """
    keys = [(recipe.optimizer, recipe.training.steps) for recipe in recipes]
    index = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    c = coefficients(*zip(*index, strict=True))
    by_step = np.ascontiguousarray(c.by_step().transpose(2, 0, 1), dtype=np.float32)
    constants = np.ascontiguousarray(c.constants().T, dtype=np.float32)
    initial_second = c.initial_second.astype(np.float32)
    return np.array([index[key] for key in keys]), constants, by_step, initial_second


def _order_key(recipe: Recipe) -> tuple[int, int, int]:
    return recipe.seed, len(recipe.train_rows), recipe.training.batch_size


def _aligned(shape: tuple[int, int]) -> np.ndarray:
    """A zeroed float32 array that starts at a cache's line, as then does each of its rows."""
    memory = np.zeros(shape[0] * shape[1] + _LINE, dtype=np.float32)
    start = -(_address(memory) // 4) % _LINE
    return memory[start : start + shape[0] * shape[1]].reshape(shape)


def _kept(array: np.ndarray, keep: Sequence[int]) -> np.ndarray:
    kept = _aligned((len(keep), array.shape[1]))
    kept[:] = array[keep]
    return kept


def _address(array: np.ndarray) -> int:
    return array.ctypes.data


def _rows(array: np.ndarray) -> np.ndarray:
    """The address of every row of an array, (row,) uint64."""
    start, step = np.uint64(_address(array)), np.uint64(array.strides[0])
    return start + step * np.arange(len(array), dtype=np.uint64)
