"""Train in full on the published stack with its own thread settings, where updates race gradients (see race.py).

    python3.6 tests/reference/racing.py [SEED ...]

The experiment of lenet5.py but for backend.set_up, once for each seed, 0 to 4 if
none is given; each result goes to racing.json at once.
"""
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
import lenet5       # before keras, for it loads Keras without chatter
import keras
import tensorflow as tf
from constants import Constants
from support import backend, mnist

RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "racing.json")


def run(seed):
    """Train and test once; return the result."""
    keras.backend.clear_session()
    np.random.seed(seed)
    tf.set_random_seed(seed)
    digits = mnist.load_digits()
    training, test = (lenet5.preprocess(digits["x_" + part], digits["y_" + part]) for part in ("train", "test"))
    result, _ = lenet5.train(lenet5.build_lenet(), training, test, Constants.EPOCHS, Constants.BATCH_SIZE, "MNIST")
    return {"seed": seed, "test_accuracy": result["test_accuracy"], "test_loss": result["test_loss"]}


def main(seeds):
    found = {"hardware": backend.describe_device(), "versions": backend.versions(), "runs": []}
    if os.path.exists(RESULTS):
        with open(RESULTS) as file:
            found = json.load(file)
    for seed in seeds:
        found["runs"].append(run(seed))
        with open(RESULTS, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or range(5))
