"""Measure how far the first training step of the published stack is off, with its own thread settings.

    python3.6 assets/evidence/reference/race.py

Takes the reference's first step 100 times from the same weights, twice:
    published   as Keras 2.1.6 builds it
    ordered     with a control dependency: no update begins before all gradients are there
and writes race.json: for each step the distance of every array's update from
that of step-1.npz, relative to the latter's norm. Keras 2.1.6 leaves it open
whether a layer's kernel is updated before or after the gradients of the layers
below it have flowed back through it.
"""
import json
import os
import sys

import numpy as np

from reference import build_without_dropout, make_batches, make_weights     # first, for it says where lenet5.py is
import lenet5
import keras
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import measured

STEPS = 100


class OrderedAdadelta(keras.optimizers.Adadelta):
    """Adadelta that has every gradient wait for all of them."""

    def get_gradients(self, loss, params):
        gradients = super().get_gradients(loss, params)
        with tf.control_dependencies(gradients):
            return [tf.identity(gradient) for gradient in gradients]


def measure(optimizer):
    """Return for each first step, by the arrays' names, how far their updates are off."""
    keras.backend.clear_session()
    lenet = build_without_dropout()
    lenet5.compile_lenet(lenet)
    lenet.compile(optimizer.from_config(lenet.optimizer.get_config()), lenet.loss)
    names = [f"{layer.name} {kind}" for layer in lenet.layers if layer.weights for kind in ("kernel", "bias")]
    start = make_weights([weight.shape for weight in lenet.get_weights()])
    with np.load(os.path.join(HERE, "step-1.npz")) as file:
        expected = [file[f"weight_{index}"] - begin for index, begin in enumerate(start)]
    images, labels = make_batches()[0]
    lenet.train_on_batch(images, labels)        # which makes the accumulators
    steps = []
    for _ in range(STEPS):
        lenet.set_weights(start)
        lenet.optimizer.set_weights([np.zeros_like(array) for array in lenet.optimizer.get_weights()])
        lenet.train_on_batch(images, labels)
        steps.append({name: float("%.2g" % (np.linalg.norm(array - begin - update) / np.linalg.norm(update)))
                      for name, array, begin, update in zip(names, lenet.get_weights(), start, expected)})
    return steps


if __name__ == "__main__":
    found = dict(measured.made_here(), published=measure(keras.optimizers.Adadelta), ordered=measure(OrderedAdadelta))
    with open(os.path.join(HERE, "race.json"), "w") as file:
        json.dump(found, file, indent=0)
    for series in "published", "ordered":
        print(series, {name: [sum(step[name] > limit for step in found[series]) for limit in (1e-3, 1e-2, .1)]
                       + [max(step[name] for step in found[series])] for name in found[series][0]})
