"""What a recorded network says of new inputs."""

from __future__ import annotations

import numpy as np
import torch

from mlplab.declarations.form import Form
from mlplab.networks.dense_stack import DenseStack, Workspace, forward
from mlplab.networks.fast_products import fast_float32_products
from mlplab.networks.weights import LayerWeights

_ROWS_AT_ONCE = 1000


def logits(weights: LayerWeights, form: Form, inputs: np.ndarray) -> np.ndarray:
    """Return the logits (row, output), float32, of inputs (row, feature).

    Raises:
        ValueError: inputs of another shape.
    """
    features = weights[0][0].shape[0]
    if inputs.ndim != 2 or inputs.shape[1] != features:
        raise ValueError(
            f"expected inputs of shape (row, feature) with {features} features, "
            f"but got {inputs.shape}"
        )
    kernels = [kernel for kernel, _ in weights]
    cpu = torch.device("cpu")
    stack = DenseStack.build([kernels], form, torch.float32, cpu)
    stack.put(0, weights)
    found = np.empty((len(inputs), weights[-1][1].shape[0]), dtype=np.float32)
    with fast_float32_products():
        for start in range(0, len(inputs), _ROWS_AT_ONCE):
            part = torch.tensor(inputs[start : start + _ROWS_AT_ONCE], dtype=torch.float32)
            workspace = Workspace(stack, len(part), backward=False)
            own = forward(stack, part.unsqueeze(0), workspace)[0]
            found[start : start + len(part)] = own.numpy()
    return found
