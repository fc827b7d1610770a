"""Measure how often Keras 2.1.6 on TensorFlow 1.11.0, with its default threads, takes a first step that is off.

    python3.6 tests/reference/race.py

From the reference's weights it takes the same first training step 100 times and
writes race.json: for each step the distance of every array's update from the
reference's, relative to the latter's norm.
"""
import json
import os
import platform

import numpy as np

from reference import make_batches, make_weights, prepare
import lenet5       # before keras: it hushes the old stack's warnings
import keras

HERE = os.path.dirname(os.path.abspath(__file__))

dropout = keras.layers.Dropout
keras.layers.Dropout = lambda rate: dropout(0)
lenet = lenet5.build_lenet()
prepare(lenet)
names = [weight.name for weight in lenet.weights]
start = make_weights([weight.shape for weight in lenet.get_weights()])
reference = [np.load(os.path.join(HERE, "step-1.npz"))[f"weight_{i}"] - start[i] for i in range(10)]
images, labels = make_batches()[0]
lenet.train_on_batch(images, labels)        # which makes the accumulators
steps = []
for _ in range(100):
    lenet.set_weights(start)
    lenet.optimizer.set_weights([np.zeros_like(array) for array in lenet.optimizer.get_weights()])
    lenet.train_on_batch(images, labels)
    steps.append({name: float(np.linalg.norm(array - begin - update) / np.linalg.norm(update))
                  for name, array, begin, update in zip(names, lenet.get_weights(), start, reference)})
off = [step for step in steps if max(step.values()) > 1e-3]
print(len(off), "of", len(steps), "steps are off; at most by",
      {name: max(step[name] for step in steps) for name in names})
with open(os.path.join(HERE, "race.json"), "w") as file:
    json.dump({"hardware": lenet5.name_cpu(), "python": platform.python_version(), "steps": steps}, file, indent=0)
