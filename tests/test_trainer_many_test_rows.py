"""Logits of more test rows than are computed at once: each slice keeps its own."""

import numpy as np

from mlplab.declarations.initial_weights import Uniform
from mlplab.declarations.optimizer import Adam
from mlplab.declarations.training import Training
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.evaluation import SLICE_ROWS
from mlplab.trainer.recipe import Recipe
from mlplab.trainer.train import train


def test_logits_handed_over_give_the_accuracy_of_the_curve_on_many_rows():
    generator = np.random.default_rng(0)
    rows = 2 * SLICE_ROWS + 300
    labels = generator.integers(0, 4, rows)
    inputs = generator.normal(size=(4, 8))[labels] + 0.5 * generator.normal(size=(rows, 8))
    test = np.arange(100, rows)
    recipe = Recipe(
        layers=(8, 16, 4),
        activation="relu",
        dropout=0.0,
        initial_weights=Uniform(distribution="uniform", low=-0.3, high=0.3),
        optimizer=Adam(name="adam", learning_rate=0.01),
        training=Training(steps=40, batch_size=32, evaluate_every=40),
        seed=0,
        label_map=np.arange(4),
        train_rows=np.arange(100),
        validation_rows=np.arange(0),
        test_rows=test,
    )
    (trained,) = train([recipe], DeviceDataset(inputs.astype(np.float32), labels, "float32"))
    predicted = trained.test_logits.argmax(axis=1)
    accuracy = trained.curves["test", "accuracy"][-1]
    assert accuracy > 0.5
    assert np.mean(predicted == labels[test]) == accuracy
