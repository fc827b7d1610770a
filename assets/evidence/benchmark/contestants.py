"""The contestants of benchmark.py: functions of the epochs, a file of digits, and the time when the process began.

They import their libraries themselves, so that each process loads only what its contestant needs.
"""
import functools
import json
import os
import re
import sys
import time

import numpy as np

BATCH = 128
FORWARD = 2 * (28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 120 * 400 + 128 * 120 + 10 * 128)    # operations for a digit


class Clock:
    """Takes the time from now on; begin is when the process began."""

    def __init__(self, begin):
        self.begin, self.start, self.first = begin, time.time(), None

    def end_epoch(self, epoch=None, logs=None):
        self.first = self.first or time.time()

    def report(self, accuracy, **more):
        """Stop the clock, and print the result."""
        print("\nRESULT " + json.dumps(dict({
            "seconds": time.time() - self.start, "accuracy": accuracy, "first_epoch": self.first - self.begin,
            "memory": measure_memory()}, **more)))


def measure_memory():
    """Return the peak of this process' memory in bytes, or None where that is not Linux."""
    if not os.path.exists("/proc/self/status"):
        return None
    with open("/proc/self/status") as file:     # since getrusage's peak counts the parent process' memory, too
        return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1))


def load_digits(path):
    """Return images (n, 32, 32) in [0, 1] and labels (n,), of training and test, as a user would prepare them."""
    with np.load(path) as digits:
        return [np.pad(digits[name], ((0, 0), (2, 2), (2, 2)), "constant").astype("float32") / 255
                if name[0] == "x" else digits[name] for name in ("x_train", "y_train", "x_test", "y_test")]


def run_ours(epochs, path, begin):
    """lenet5.py's own steps, up to the end of fit."""
    sys.modules["jax"] = None       # TensorFlow would load it where it is installed, and lenet5.py does not require it
    import lenet5
    from support import backend
    import keras
    backend.set_up(int(begin))
    digits = lenet5.mnist.load_digits(path)
    training, test = (lenet5.preprocess(digits["x_" + part], digits["y_" + part]) for part in ("train", "test"))
    network = lenet5.accelerate(lenet5.build_lenet())
    lenet5.compile_lenet(network)
    clock, fit = Clock(begin), network.fit

    def timed_fit(*arguments, **options):       # in the place of the network's, so that train calls it
        watch = keras.callbacks.LambdaCallback(on_epoch_end=clock.end_epoch)
        options["callbacks"] = [*(options.get("callbacks") or []), watch]
        clock.report(fit(*arguments, **options).history["val_accuracy"][-1])
        sys.exit()      # before the curves are drawn

    network.fit = timed_fit
    lenet5.train(network, training, test, epochs, BATCH, "MNIST")


def run_keras(epochs, path, begin):
    """Keras as a user would write it, on today's stack and on that of 2018."""
    sys.modules["jax"] = None
    import keras
    x, y, x_test, y_test = load_digits(path)
    lenet = keras.Sequential([
        keras.layers.InputLayer((32, 32, 1)),
        keras.layers.Conv2D(6, 5, activation="relu"), keras.layers.AvgPool2D(2), keras.layers.Dropout(.25),
        keras.layers.Conv2D(16, 5, activation="relu"), keras.layers.AvgPool2D(2),
        keras.layers.Conv2D(120, 5, activation="relu"), keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"), keras.layers.Dropout(.5),
        keras.layers.Dense(10, activation="softmax")])
    lenet.compile(loss="categorical_crossentropy", metrics=["accuracy"],
                  optimizer=keras.optimizers.Adadelta(1., .95, epsilon=1e-7))
    training, test = ((images[..., np.newaxis], keras.utils.to_categorical(labels, 10))
                      for images, labels in ((x, y), (x_test, y_test)))
    clock = Clock(begin)
    history = lenet.fit(*training, batch_size=BATCH, epochs=epochs, validation_data=test,
                        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=clock.end_epoch)]).history
    clock.report(float((history.get("val_accuracy") or history["val_acc"])[-1]))


def run_torch(epochs, path, begin, compiled=False):
    """PyTorch by the fastest of its ways on a CPU: channels_last, C5 as Linear, Adadelta over all arrays (foreach)."""
    import torch
    from support import backend
    from torch import nn
    torch.set_num_threads(backend.count_cores())
    x, y, x_test, y_test = (torch.from_numpy(array) for array in load_digits(path))
    x, x_test = (images[:, None].contiguous(memory_format=torch.channels_last) for images in (x, x_test))
    y, y_test = y.long(), y_test.long()
    lenet = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Dropout(.25), nn.Conv2d(6, 16, 5), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 128), nn.ReLU(), nn.Dropout(.5),
        nn.Linear(128, 10)).to(memory_format=torch.channels_last)
    for layer in lenet:
        if hasattr(layer, "weight"):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adadelta(lenet.parameters(), lr=1., rho=.95, eps=1e-7, foreach=True)

    def compute_loss(images, labels):
        return nn.functional.cross_entropy(lenet(images), labels)

    def count_right(images, labels):
        return (lenet(images).argmax(1) == labels).sum()

    def update():
        optimizer.step()

    def train(images, labels):
        lenet.train()
        optimizer.zero_grad()
        compute_loss(images, labels).backward()
        update()

    def test():
        lenet.eval()
        with torch.no_grad():
            return sum(count_right(*batch).item() for batch in zip(x_test.split(BATCH), y_test.split(BATCH)))

    compilation = None
    if compiled:
        compute_loss, count_right, update = (
            torch.compile(function, dynamic=False) for function in (compute_loss, count_right, update))
        start = time.time()
        weights = {name: array.clone() for name, array in lenet.state_dict().items()}
        for chosen in torch.randperm(len(x)).split(BATCH)[-3:]:     # of both sizes, since the last is smaller
            train(x[chosen], y[chosen])
        test()
        lenet.load_state_dict(weights)
        for averages in optimizer.state.values():
            for array in averages.values():
                array.zero_()
        compilation = time.time() - start
    clock = Clock(begin)
    for _ in range(epochs):
        for chosen in torch.randperm(len(x)).split(BATCH):
            train(x[chosen], y[chosen])
        accuracy = test() / len(y_test)
        clock.end_epoch()
    clock.report(accuracy, compilation=compilation, version=torch.__version__)


def run_jax(epochs, path, begin):
    """JAX by the fastest of its ways: each step compiled, C5 as a matrix product, XLA's generator (rbg) for dropout."""
    import jax
    import jax.numpy as jnp
    from jax import lax
    jax.config.update("jax_default_prng_impl", "rbg")
    x, y, x_test, y_test = load_digits(path)
    x, x_test = x[..., np.newaxis], x_test[..., np.newaxis]
    shapes = [(5, 5, 1, 6), (5, 5, 6, 16), (5, 5, 16, 120), (120, 128), (128, 10)]
    key, *keys = jax.random.split(jax.random.key(int(begin)), 6)
    parameters = [(jax.nn.initializers.glorot_uniform()(key, shape), jnp.zeros(shape[-1]))
                  for key, shape in zip(keys, shapes)]

    def convolve(images, kernel):
        return lax.conv_general_dilated(images, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def average(images):
        return lax.reduce_window(images, 0., lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4

    def drop(units, rate, key):
        return units if key is None else units * jax.random.bernoulli(key, 1 - rate, units.shape) / (1 - rate)

    def network(parameters, images, key=None):
        c1, c3, c5, f6, output = parameters
        first, second = (None, None) if key is None else jax.random.split(key)
        maps = drop(average(jax.nn.relu(convolve(images, c1[0]) + c1[1])), .25, first)
        maps = average(jax.nn.relu(convolve(maps, c3[0]) + c3[1]))
        units = jax.nn.relu(maps.reshape(-1, 400) @ c5[0].reshape(400, 120) + c5[1])
        units = drop(jax.nn.relu(units @ f6[0] + f6[1]), .5, second)
        return units @ output[0] + output[1]

    def compute_loss(parameters, images, labels, key):
        return -jax.nn.log_softmax(network(parameters, images, key))[jnp.arange(len(labels)), labels].mean()

    @jax.jit
    def train(parameters, squares, updates, key, images, labels):
        key, used = jax.random.split(key)
        gradients = jax.grad(compute_loss)(parameters, images, labels, used)
        squares = jax.tree.map(lambda average, gradient: .95 * average + .05 * gradient ** 2, squares, gradients)
        changes = jax.tree.map(lambda gradient, square, update: -jnp.sqrt(update + 1e-7) / jnp.sqrt(square + 1e-7)
                               * gradient, gradients, squares, updates)
        updates = jax.tree.map(lambda average, change: .95 * average + .05 * change ** 2, updates, changes)
        return jax.tree.map(jnp.add, parameters, changes), squares, updates, key

    @jax.jit
    def count_right(parameters, images, labels):
        return (network(parameters, images).argmax(1) == labels).sum()

    squares = updates = jax.tree.map(jnp.zeros_like, parameters)
    state, random = (parameters, squares, updates, key), np.random.default_rng()
    clock = Clock(begin)
    for _ in range(epochs):
        for chosen in np.split(random.permutation(len(x)), range(BATCH, len(x), BATCH)):
            state = jax.block_until_ready(train(*state, x[chosen], y[chosen]))
        right = sum(int(count_right(state[0], x_test[start:start + BATCH], y_test[start:start + BATCH]))
                    for start in range(0, len(x_test), BATCH))
        clock.end_epoch()
    clock.report(right / len(y_test), version=jax.__version__)


def run_arithmetic(epochs, path, begin):
    import tensorflow as tf
    factor, product, rates = tf.random.normal((2048, 2048)), tf.function(tf.matmul), []
    for _ in range(21):
        start = time.time()
        product(factor, factor).numpy()
        rates.append(2 * 2048 ** 3 / (time.time() - start))
    rate, (x, _, x_test, _) = float(np.median(rates)), load_digits(path)
    print("\nRESULT " + json.dumps({"seconds": epochs * (3 * len(x) + len(x_test)) * FORWARD / rate, "rate": rate}))


CONTESTANTS = {"lenet5": run_ours, "keras": run_keras, "torch": run_torch,
               "torch-compiled": functools.partial(run_torch, compiled=True), "jax": run_jax, "2018": run_keras,
               "arithmetic": run_arithmetic}
