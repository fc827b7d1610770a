"""Compute the reference numbers, on the published stack (Python 3.6, Keras 2.1.6, TensorFlow 1.11.0).

    python3.6 assets/evidence/reference/reference.py FOLDER

From fixed weights, on the first 1,280 of MNIST's training images, with dropout rates 0, it writes
    start.npz       the softmax outputs, the loss and the gradients of the first batch
    step-N.npz      all weights and both Adadelta accumulators after N training steps
"""
import os
import sys
from unittest import mock

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
import lenet5       # before keras, since it loads Keras without chatter
import keras
from constants import Constants
from support import backend, mnist

STEPS = [1, 2, 5, 10]       # after which weights and accumulators are written

# How far today's stack may differ: three to ten times what was seen; the last three relative to an array's norm
OUTPUTS = 2e-7
LOSS = 5e-7             # two units in the last place
GRADIENTS = 2e-5        # due to C1 and C3, which add up to 100,352 terms; the other layers differ by 2e-7
AVERAGES = 5e-5         # both of Adadelta's accumulators
WEIGHTS = {1: 4e-7, 2: 1.5e-6, 5: 2e-6, 10: 4e-6}       # by the number of steps


def make_weights(shapes):
    """Return float32 arrays of the given shapes, always the same: Glorot-uniform kernels, biases within 0.1."""
    # Where a ReLU's input is very near zero, rounding decides whether there is a gradient, and weights soon differ
    # by 1e-4. Of the first thousand seeds, this one keeps all inputs farthest from zero in all steps, by 4e-7.
    random = np.random.RandomState(754)
    limits = [np.sqrt(6 / (np.prod(shape[:-2]) * sum(shape[-2:]))) if len(shape) > 1 else .1 for shape in shapes]
    return [random.uniform(-limit, limit, shape).astype("float32") for limit, shape in zip(limits, shapes)]


def make_batches():
    """Return a batch of MNIST's first training images, preprocessed, for each step."""
    digits = mnist.load_digits()
    count = max(STEPS) * Constants.BATCH_SIZE
    images, labels = lenet5.preprocess(digits["x_train"][:count], digits["y_train"][:count])
    return list(zip(np.split(images, max(STEPS)), np.split(labels, max(STEPS))))


def build_without_dropout():
    """Return lenet5.py's network with the fixed weights and dropout rates 0, not compiled."""
    dropout = keras.layers.Dropout
    with mock.patch.object(keras.layers, "Dropout", lambda rate: dropout(0)):   # Keras 2 reads the rate while it builds
        lenet = lenet5.build_lenet()
    lenet.set_weights(make_weights([weight.shape for weight in lenet.get_weights()]))
    return lenet


def compute_start(lenet, images, labels):
    """Return outputs, loss and gradients, named as in start.npz."""
    loss, weights = lenet.total_loss, lenet.trainable_weights
    inputs = [lenet.inputs[0], lenet.targets[0], lenet.sample_weights[0], keras.backend.learning_phase()]
    compute = keras.backend.function(inputs, [lenet.outputs[0], loss] + keras.backend.gradients(loss, weights))
    softmax, loss, *gradients = compute([images, labels, np.ones(len(images)), 1])
    return dict({"softmax": softmax, "loss": loss}, **name_arrays(gradient=gradients))


def name_arrays(**groups):
    """Return lists of arrays as one dictionary, in which name=[array, ...] becomes name_0 and so on."""
    return {f"{name}_{index}": array for name, group in groups.items() for index, array in enumerate(group)}


def main(folder):
    backend.set_up(0)
    lenet, batches = build_without_dropout(), make_batches()
    lenet5.compile_lenet(lenet)
    np.savez_compressed(os.path.join(folder, "start.npz"), **compute_start(lenet, *batches[0]))
    for step, (images, labels) in enumerate(batches, 1):
        lenet.train_on_batch(images, labels)
        if step in STEPS:
            weights, averages = lenet.get_weights(), lenet.optimizer.get_weights()
            np.savez_compressed(os.path.join(folder, f"step-{step}.npz"), **name_arrays(
                weight=weights, squares=averages[:len(weights)], updates=averages[len(weights):]))


if __name__ == "__main__":
    main(sys.argv[1])
