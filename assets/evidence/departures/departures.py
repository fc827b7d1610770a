"""Measure what each departure from the 1998 paper is worth: taken back one at a time, and all together.

    python assets/evidence/departures/departures.py [NAME ...] [--seeds N]

Each result is written to results.json as soon as it is there, and is not computed again.
Numbers that the paper leaves open are chosen first, on 10,000 images held out of the
training set; --seeds 0 does that alone. It needs JAX, from requirements.txt in the folder above.
"""
import argparse
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[2]), str(HERE.parent)]

from lenet5 import accelerate, build_lenet, compile_lenet, preprocess       # before keras, for it loads Keras quietly
import jax
import keras
from keras import ops
import numpy as np

import measured
import sdlm
from constants import Constants
from support import backend, mnist, results

PATH = HERE / "results.json"
HELD_OUT = 10000        # images at the end of the training set, for the choices
CHOICE_EPOCHS = 4
CHOICE_RATES = [5e-4, 1e-4, 5e-5, 1e-5]     # sdlm.GLOBAL_RATES of the 1st, 6th, 11th and 16th pass


# A departure is taken back by a function that gets each layer of build_lenet in turn
# and returns the paper's layer, or the same layer where the paper has it, too.


def altered(layer, **settings):
    """Return a copy of a layer, not built, with some settings changed."""
    return type(layer).from_config(dict(layer.get_config(), **settings))


def squash(sums):
    return sdlm.squash(sums, ops.tanh)


def tanh(layer):
    """Put the paper's squashing function in the place of a ReLU."""
    return altered(layer, activation=squash) if getattr(layer, "activation", None) is keras.activations.relu else layer


class Subsampling(keras.layers.Layer):
    """Sums of 2x2 pixels, times a trained coefficient for each map, plus a trained bias, squashed."""

    def build(self, shape):
        # .25 makes the sums averages, as in the published network
        self.coefficient = self.add_weight(shape=shape[-1:], initializer=keras.initializers.Constant(.25))
        self.bias = self.add_weight(shape=shape[-1:], initializer="zeros")

    def call(self, maps):
        return squash(self.coefficient * 4 * ops.average_pool(maps, 2, 2) + self.bias)


def subsampling(layer):
    """Put the paper's subsampling in the place of plain averages."""
    return Subsampling(name=layer.name) if isinstance(layer, keras.layers.AveragePooling2D) else layer


class TableConv2D(keras.layers.Layer):
    """A convolution by 5x5 in which each map is connected only to the maps that Table I names."""

    def __init__(self, activation, **options):
        super().__init__(**options)
        self.activation = activation

    def build(self, shape):
        maps, filters = sdlm.TABLE.shape
        to, seen = np.nonzero(sdlm.TABLE.T)     # sorted by this layer's maps
        self.places = np.eye(maps * filters, dtype="float32")[seen * filters + to]
        whole = keras.initializers.GlorotUniform()((5, 5, maps, filters))       # drawn as for all connections
        kernels = np.asarray(whole)[..., seen, to]
        self.kernel = self.add_weight(shape=kernels.shape, initializer=lambda *_, **__: ops.convert_to_tensor(kernels))
        self.bias = self.add_weight(shape=(filters,), initializer="zeros")

    def call(self, maps):
        kernel = ops.reshape(ops.matmul(self.kernel, self.places), (5, 5, *sdlm.TABLE.shape))
        return self.activation(ops.conv(maps, kernel) + self.bias)


def table(layer):
    """Connect C3 by Table I."""
    return TableConv2D(layer.activation, name="C3") if layer.name == "C3" else layer


def f6(layer):
    """Give F6 84 units."""
    return altered(layer, units=84) if layer.name == "F6" else layer


class RadialBasis(keras.layers.Layer):
    """Minus the squared distance of the 84 units from each digit's code, so that the greatest output is the answer."""

    def call(self, units):
        return -ops.sum(ops.square(units[:, None] - sdlm.CODES), 2)


def rbf(layer):
    """Put radial basis functions in the place of the softmax."""
    return RadialBasis(name="Output") if layer.name == "Output" else layer


def equation_9(scale, j):
    """Return the paper's discriminative criterion as a loss for Keras: of one-hot labels and RadialBasis' outputs."""
    def loss(labels, outputs):
        outputs = scale * outputs
        return ops.logaddexp(-j, ops.logsumexp(outputs, -1)) - ops.sum(labels * outputs, -1)
    return loss


def no_dropout(layer):
    """Set dropout rates to 0."""
    return altered(layer, rate=0) if isinstance(layer, keras.layers.Dropout) else layer


PAPER = [f6, tanh, subsampling, table, rbf, no_dropout]
DEPARTURES = {"none": [], "tanh": [tanh], "subsampling": [subsampling], "table": [table], "f6": [f6], "rbf": [f6, rbf],
              "no-dropout": [no_dropout], "inputs": [], "sgd": [], "paper": PAPER, "paper-sdlm": PAPER}
PAPER_INPUTS = ["inputs", "paper", "paper-sdlm"]
SEEDS = dict(dict.fromkeys(DEPARTURES, 10), **{"sgd": 3, "paper-sdlm": 3})

# What the paper leaves open. With a j far below 0, equation 9 is equation 8 plus a constant.
CRITERIA = [dict(scale=.05, j=5.), dict(scale=.025, j=5.), dict(scale=.05, j=2.), dict(scale=.05, j=15.),
            dict(scale=.05, j=-1000.), dict(scale=.1, j=5.)]
CANDIDATES = {"rbf": CRITERIA, "paper": CRITERIA, "paper-sdlm": CRITERIA,
              "sgd": [dict(learning_rate=rate) for rate in (.001, .003, .01, .03)]}


def build(name):
    """Return the network of a departure."""
    lenet = build_lenet()
    layers = [altered(layer) for layer in lenet.layers]     # copies that are not built, since widths change
    for change in DEPARTURES[name]:
        layers = [change(layer) for layer in layers]
    return keras.Sequential([keras.layers.InputLayer(Constants.INPUT_SHAPE)] + layers, name=lenet.name)


def compile_departure(network, name, scale=None, j=None, learning_rate=None):
    """Compile a departure's network, plain or accelerated, with the numbers chosen for it."""
    compile_lenet(network)
    if rbf in DEPARTURES[name]:
        network.compile(network.optimizer, equation_9(scale, j), metrics=["accuracy"])
    if name == "sgd":
        network.compile(keras.optimizers.SGD(learning_rate), network.loss, metrics=["accuracy"])


def prepare(name, images, labels):
    """Return images and labels as preprocess does, the images in the paper's range where the departure has it."""
    images, labels = preprocess(images, labels)
    if name in PAPER_INPUTS:
        images = images * np.float32(sdlm.INK - sdlm.BACKGROUND) + np.float32(sdlm.BACKGROUND)
    return images, labels


def train(name, seed, training, settings, epochs):
    """Train a departure's network on prepared digits, with the numbers chosen for it, and return it."""
    keras.utils.set_random_seed(seed)
    network = build(name) if name == "paper-sdlm" else accelerate(build(name))
    compile_departure(network, name, **settings)
    if name == "paper-sdlm":
        rates = CHOICE_RATES if epochs == CHOICE_EPOCHS else sdlm.GLOBAL_RATES
        network.set_weights(sdlm.train(*training, seed, global_rates=rates, **settings))
    else:
        network.fit(*training, batch_size=1 if name == "sgd" else Constants.BATCH_SIZE, epochs=epochs, verbose=0)
    return network


def evaluate(network, digits):
    """Return loss and accuracy on prepared digits."""
    loss, accuracy = network.evaluate(*digits, Constants.BATCH_SIZE, verbose=0)
    return loss, round(accuracy, 6)


def run(name, seed, training, test, settings):
    """Train and test a departure's network; return the record."""
    epochs = len(sdlm.GLOBAL_RATES) if name == "paper-sdlm" else Constants.EPOCHS
    start = time.perf_counter()
    network = train(name, seed, training, settings, epochs)
    seconds = time.perf_counter() - start
    test_loss, test_accuracy = evaluate(network, test)
    _, train_accuracy = evaluate(network, training)
    return {"departure": name, "seed": seed, "test_accuracy": test_accuracy, "test_loss": test_loss,
            "train_accuracy": train_accuracy, "parameters": network.count_params(), "epochs": epochs,
            "seconds": round(seconds, 1)}


def choose(name, training):
    """Return the candidate with the highest accuracy on images held out of the training set; {} without candidates."""
    def tried():
        return [choice for choice in load()["choices"] if choice["departure"] == name]

    for settings in CANDIDATES.get(name, []):
        if settings not in [choice["settings"] for choice in tried()]:
            network = train(name, 0, [values[:-HELD_OUT] for values in training], settings, CHOICE_EPOCHS)
            _, accuracy = evaluate(network, [values[-HELD_OUT:] for values in training])
            add("choices", {"departure": name, "settings": settings, "seed": 0, "epochs": CHOICE_EPOCHS,
                            "held_out_accuracy": accuracy})
    return max(tried(), key=lambda choice: choice["held_out_accuracy"], default={"settings": {}})["settings"]


def load():
    """Return the file of results, or an empty one; commits are in its records, since these take days."""
    made_by = measured.made_here()
    made_by["versions"]["jax"] = jax.__version__
    del made_by["commit"]
    return measured.load(PATH, made_by, runs=[], choices=[])


def add(kind, record):
    """Print a record, and add it to the runs or the choices."""
    print(record, flush=True)
    found = load()
    found[kind].append(dict(record, commit=results.describe_commit()))
    measured.save(PATH, found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(DEPARTURES))
    parser.add_argument("--seeds", type=int, help="runs of each (10; of sgd and paper-sdlm 3)")
    options = parser.parse_args()
    if not set(options.names) <= set(DEPARTURES):
        parser.error(f"departures are {', '.join(DEPARTURES)}")
    backend.set_up(0)
    digits = mnist.load_digits()
    for name in options.names or DEPARTURES:
        # Prepared once for all runs, since TensorFlow keeps every array that was given to fit
        training, test = (prepare(name, digits["x_" + part], digits["y_" + part]) for part in ("train", "test"))
        settings = choose(name, training)
        done = [record["seed"] for record in load()["runs"] if record["departure"] == name]
        for seed in range(SEEDS[name] if options.seeds is None else options.seeds):
            if seed not in done:
                add("runs", run(name, seed, training, test, settings))


if __name__ == "__main__":
    main()
