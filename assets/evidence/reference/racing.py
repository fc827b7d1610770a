"""Train in full on the published stack with its own thread settings, where updates race gradients (see race.py).

    python3.6 assets/evidence/reference/racing.py [SEED ...]

The experiment of lenet5.py but for backend.set_up, once for each seed, 0 to 4 if
none is given; each result goes to racing.json at once, and is not computed again.
"""
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", ".."), os.path.join(HERE, "..")]
import lenet5       # before keras, for it loads Keras without chatter
import keras
import tensorflow as tf
import measured
from constants import Constants
from support import mnist

PATH = os.path.join(HERE, "racing.json")


def run(seed):
    """Train and test once; return the result."""
    keras.backend.clear_session()
    np.random.seed(seed)
    tf.set_random_seed(seed)
    digits = mnist.load_digits()
    training, test = (lenet5.preprocess(digits["x_" + part], digits["y_" + part]) for part in ("train", "test"))
    lenet = lenet5.build_lenet()
    lenet5.compile_lenet(lenet)
    result, _ = lenet5.train(lenet, training, test, Constants.EPOCHS, Constants.BATCH_SIZE, "MNIST")
    return {"seed": seed, "test_accuracy": result["test_accuracy"], "test_loss": result["test_loss"]}


def main(seeds):
    found = measured.load(PATH, measured.made_here(), runs=[])
    for seed in seeds:
        if seed not in [done["seed"] for done in found["runs"]]:
            found["runs"].append(run(seed))
            measured.save(PATH, found)


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or range(5))
