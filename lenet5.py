"""LeNet-5 on MNIST, in Keras.

Builds the network, trains it, and writes time, test loss, test accuracy and curves into logs-lenet. On two cores of an
AMD EPYC that does 200 GFLOP/s,

    python lenet5.py

takes forty seconds, and ends with about

    Training Time: 29
    Testing Loss: 0.030
    Testing Accuracy: 0.991

The network is a variant, published in 2022, of the one in Y. LeCun, L. Bottou, Y. Bengio and P. Haffner,
"Gradient-Based Learning Applied to Document Recognition", Proceedings of the IEEE 86(11):2278-2324, 1998.
The README says how it differs from the paper's.
"""
import sys
import time

import numpy as np

from constants import Constants
from support import backend, command_line, device
from support.command_line import say

with command_line.script_starts(__name__ == "__main__"):
    keras = backend.load_keras()
    from support import mnist, pictures, reading, results, weights
    from support.speed import accelerate, layers_used, several_steps


def build_lenet():
    """Build the network: images (n, 32, 32, 1) in [0, 1] to probabilities (n, 10)."""
    return keras.Sequential([                                           # output   parameters
        keras.layers.InputLayer(Constants.INPUT_SHAPE),                 # 32x32x1           0
        keras.layers.Conv2D(6, 5, activation="relu", name="C1"),        # 28x28x6         156
        keras.layers.AvgPool2D(2, name="SP2"),                          # 14x14x6           0
        keras.layers.Dropout(.25),                                      # 14x14x6           0
        keras.layers.Conv2D(16, 5, activation="relu", name="C3"),       # 10x10x16      2,416
        keras.layers.AvgPool2D(2, name="SP4"),                          # 5x5x16            0
        keras.layers.Conv2D(120, 5, activation="relu", name="C5"),      # 1x1x120      48,120
        keras.layers.Flatten(),                                         # 120               0
        keras.layers.Dense(128, activation="relu", name="F6"),          # 128          15,488
        keras.layers.Dropout(.5),                                       # 128               0
        keras.layers.Dense(Constants.NUM_CLASSES, activation="softmax", name="Output"),  # 10  1,290
    ], name="LeNet-5")


def compile_lenet(network):
    """Give a network its loss, its optimizer and its metric."""
    network.compile(
        loss=keras.losses.categorical_crossentropy,
        optimizer=keras.optimizers.Adadelta(Constants.LEARNING_RATE, Constants.RHO, epsilon=Constants.EPSILON),
        metrics=["accuracy"])


def pad_and_scale(images):
    """Turn uint8 (n, 28, 28) into float32 (n, 32, 32, 1) in [0, 1], with a border of zeros."""
    border = (Constants.PADDING, Constants.PADDING)
    padded = np.pad(images, ((0, 0), border, border), "constant")
    return np.divide(padded[..., np.newaxis], Constants.MAX_PIXEL, dtype="float32")


def preprocess(images, labels):
    """Turn digits into what fit and evaluate take: images by pad_and_scale, labels (n,) into one-hot (n, 10)."""
    return pad_and_scale(images), keras.utils.to_categorical(labels, Constants.NUM_CLASSES)


def train(network, training, test, epochs, batch_size, data_name):
    """Train, draw the curves and test, and time these together, as the published run did.

    training, test: images and labels of each, as preprocess returns them; the test
        set is evaluated after each epoch for display, and nothing is selected by it
    Returns two dictionaries: the results by the record's keys, and the curves' JPEGs,
    in bytes, by name. Raises FloatingPointError where a loss is not finite.
    """
    start = time.perf_counter()
    check = keras.callbacks.LambdaCallback(on_epoch_end=results.check_finite)
    with several_steps(network) as bars:
        fitted = network.fit(x=training[0], y=training[1], batch_size=batch_size, epochs=epochs, validation_data=test,
                             callbacks=[check, *bars.get("callbacks", [])])
        history = results.name_values(fitted.history)
        curves = results.draw(pictures.draw_curves, history, data_name) or {}
        tested = results.name_results(network, network.evaluate(x=test[0], y=test[1], batch_size=batch_size, **bars))
    seconds = time.perf_counter() - start
    return {"training_time": round(seconds, 2), "test_loss": tested["loss"], "test_accuracy": tested.get("accuracy"),
            "history": history}, curves


def find_misclassified(lenet, images, labels, batch_size=Constants.BATCH_SIZE):
    """Return [index, true, predicted] of each misread image; images as preprocess returns them, labels the digits."""
    predicted = lenet.predict(images, batch_size=batch_size, verbose=0).argmax(1)
    return [[int(index), int(labels[index]), int(predicted[index])] for index in np.flatnonzero(predicted != labels)]


@command_line.returns_exit_code
def main(arguments=()):
    """Train and write the run, or only evaluate or read, as the arguments say; return the exit code."""
    stamp = time.time()
    options = command_line.parse_options(arguments)
    backend.set_up(options.seed)
    lenet = build_lenet()
    if options.read:
        weights.load_weights(lenet, options.weights)
        return reading.read_files(lenet, options.read, options.logs, stamp)

    kind, hardware = device.describe()
    gflops = device.measure_gflops() if kind == "cpu" else None
    say(f"{backend.describe_versions()}, on {hardware}")
    digits = mnist.load_digits(options.mnist)
    data = mnist.describe(digits, options.mnist)
    if data["name"] != "MNIST":
        say(f"Data: {data['name']}, which is not MNIST")
    say(f"Tensor Shape of each Image: {Constants.INPUT_SHAPE}")
    say(f"Num of Training Samples: {len(digits['x_train'])}")
    say(f"Num of Testing Samples: {len(digits['x_test'])}")
    test = preprocess(digits["x_test"], digits["y_test"])
    network = accelerate(lenet)     # the same layers and weights, trained faster; without it: network = lenet
    compile_lenet(network)
    if options.evaluate:
        weights.load_weights(lenet, options.evaluate)
        tested = results.name_results(network, network.evaluate(*test, batch_size=options.batch_size))
        say(f"Testing Loss: {tested['loss']}")
        say(f"Testing Accuracy: {tested.get('accuracy')}")
        return 0

    mnist.check_batch_size(options.batch_size, digits)
    training = preprocess(digits["x_train"], digits["y_train"])
    with results.RunFolder(options.logs, stamp, lenet) as run:
        result, curves = train(network, training, test, options.epochs, options.batch_size, data["name"])
        run.write("LeNet-5.{}.weights.h5", lambda path: weights.save_weights(lenet, path))
        say(f"Training Time: {result['training_time']}")
        say(f"Testing Loss: {result['test_loss']}")
        say(f"Testing Accuracy: {result['test_accuracy']}")
        misclassified = find_misclassified(network, test[0], digits["y_test"], options.batch_size)
        curves["errors"] = results.draw(pictures.draw_errors, digits["x_test"], misclassified, data["name"])
        results.write_description(run, curves, {
            "model": lenet.name, "stamp": run.stamp, "started": results.local_time(stamp),
            "commit": results.describe_commit(), "versions": backend.versions(), "backend": backend.get_name(),
            "device": kind, "hardware": hardware, "gflops": gflops, "layers": layers_used(network), "data": data,
            "config": {"epochs": options.epochs, "batch_size": options.batch_size, "seed": options.seed,
                       **results.describe_compiled(network)},
            **result, "misclassified": misclassified})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
