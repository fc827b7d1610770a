"""LeNet-5 on MNIST in Keras: builds the network, trains it, writes what came out.

The network is a variant, published in 2022, of that in
Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-Based Learning Applied
to Document Recognition", Proceedings of the IEEE 86(11):2278-2324, 1998.

    python lenet5.py

on AMD EPYC (2 cores) ends with

    Training Time: 14.898155689239502
    Testing Loss: 0.0275681
    Testing Accuracy: 0.9917
"""
import argparse
import contextlib
import gc
import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import zipfile

from constants import Constants


def end_at_once(signum, frame):
    """Signal handler until the first epoch is finished, as long as there is nothing to save."""
    print("Interrupted; nothing was written.", file=sys.stderr, flush=True)
    os._exit(128 + signum)


def raise_interrupt(signum, frame):
    """Signal handler once there are finished epochs to save."""
    raise KeyboardInterrupt(signum)


def handle_signals(handler):
    """Have Ctrl-C and SIGTERM handled alike."""
    for signum in signal.SIGINT, signal.SIGTERM:
        signal.signal(signum, handler)


@contextlib.contextmanager
def hush():
    """Hide what C++ libraries write to stderr; Python's own messages still get through."""
    python_stderr, sys.stderr = sys.stderr, os.fdopen(os.dup(2), "w", buffering=1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:    # the copy stays open: TensorFlow's logger goes on writing to it
            os.dup2(sys.stderr.fileno(), 2)
            sys.stderr = python_stderr


if __name__ == "__main__":
    handle_signals(end_at_once)     # the imports below take seconds

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")     # off by default on processors without AVX-512 VNNI
gc.disable()    # looking through what the imports make, again and again, takes a fifth of the start-up
with hush(), warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)      # TensorFlow 1.11 on the NumPy of its last days
    import h5py
    import keras
    import numpy as np
    from matplotlib.figure import Figure
    with contextlib.suppress(ImportError):      # Keras on JAX or PyTorch loads it too, if it is there
        import tensorflow as tf
getattr(gc, "freeze", gc.collect)()     # Python 3.6 has no freeze
gc.enable()
backend = keras.backend.backend()

TENSORFLOW_1 = backend == "tensorflow" and tf.__version__.startswith("1.")     # the published stack
TENSORFLOW_2 = backend == "tensorflow" and not TENSORFLOW_1

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}

ARRAYS = ["x_train", "y_train", "x_test", "y_test"]
IDX_FILES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte",
             "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


class UserError(Exception):
    """What the user can mend; the message is one line that says how."""


# Data

def load_mnist(path=None):
    """Load MNIST, or another data set of its form.

    path: an .npz file with x_train, y_train, x_test and y_test, or a folder of
        the four IDX files, gzipped or not; None is Keras' cached or a
        downloaded MNIST.
    Returns four uint8 arrays by name: images (n, 28, 28), labels (n,).
    Raises UserError where the data cannot be had or has another form.
    """
    if path is None:
        return fetch_mnist()
    if not os.path.exists(path):
        raise UserError(f"--mnist {path}: no such file or folder")
    try:
        return read_digits(path)
    except Exception as error:      # whatever a damaged or hostile file provokes
        raise UserError(f"--mnist {path}: {reason(error)}; it takes an .npz with {', '.join(ARRAYS)}"
                        " or a folder of the four IDX files")


def read_digits(path):
    """Read and check what load_mnist describes; raises anything where it is not that."""
    digits = read_idx(path) if os.path.isdir(path) else read_npz(path)
    for part in "train", "test":
        images, labels = digits["x_" + part], digits["y_" + part]
        if images.dtype != np.uint8 or images.shape[1:] != (Constants.DIGIT_SIZE,) * 2:
            raise ValueError(f"x_{part} is {images.dtype} {images.shape}, not uint8 (n, 28, 28)")
        if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
            raise ValueError(f"y_{part} is {labels.dtype} {labels.shape}, not {len(images)} whole numbers")
        if not len(images):
            raise ValueError(f"x_{part} is empty")
        if labels.min() < 0 or labels.max() >= Constants.NUM_CLASSES:
            raise ValueError(f"y_{part} has labels outside 0 to 9")
    return {name: np.ascontiguousarray(digits[name], np.uint8) for name in ARRAYS}


def read_npz(path):
    digits = {}
    with zipfile.ZipFile(path) as archive:
        for name in ARRAYS:
            member = archive.getinfo(name + ".npy")
            if member.file_size > Constants.MAX_ARRAY_BYTES:
                raise ValueError(f"{name} has {member.file_size} bytes")
            with archive.open(member) as file:
                digits[name] = np.lib.format.read_array(file, allow_pickle=False)
                if file.read(1):    # reading to the end also has the checksum verified
                    raise ValueError(f"{name} is longer than its header says")
    return digits


def read_idx(folder):
    digits = {}
    for name, file_name in zip(ARRAYS, IDX_FILES):
        path = os.path.join(folder, file_name)
        if not os.path.exists(path):
            path += ".gz"
        with open(path, "rb") as file:
            gzipped = file.read(2) == b"\x1f\x8b"
        with (gzip.open if gzipped else open)(path, "rb") as file:
            content = file.read(Constants.MAX_ARRAY_BYTES)
            if file.read(1):
                raise ValueError(f"{file_name} is larger than {Constants.MAX_ARRAY_BYTES} bytes")
        rank = 3 if name.startswith("x") else 1
        magic, *shape = np.frombuffer(content, ">u4", 1 + rank).tolist()
        if magic != 0x0800 + rank:  # unsigned bytes, in as many dimensions
            raise ValueError(f"{file_name} is not IDX")
        digits[name] = np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)
    return digits


def hash_arrays(digits):
    """Return the SHA-256 of each array's bytes, by name."""
    return {name: hashlib.sha256(digits[name]).hexdigest() for name in ARRAYS}


def is_mnist(digits):
    return hash_arrays(digits) == Constants.MNIST_SHA256


def fetch_mnist():
    """Load MNIST from Keras' cache, or from the first mirror that has it, and cache it."""
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    cache = os.path.join(home, "datasets", "mnist.npz")
    failures = []
    with contextlib.suppress(Exception):    # no file, or one that a download will replace
        digits = read_digits(cache)
        if is_mnist(digits):
            return digits
    for url in Constants.MNIST_MIRRORS:
        folder = tempfile.mkdtemp()
        try:
            path = download(url, folder)
            digits = read_digits(path)
            if not is_mnist(digits):
                raise ValueError("another content than MNIST's")
            with contextlib.suppress(OSError):      # the run goes on without a cache
                os.makedirs(os.path.dirname(cache), exist_ok=True)
                shutil.copy(path, cache + f".{os.getpid()}.part")
                os.replace(cache + f".{os.getpid()}.part", cache)
            return digits
        except Exception as error:
            failures.append(f"{url} ({reason(error)})")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    raise UserError(f"no MNIST in Keras' cache, {cache}, nor from {', '.join(failures)};"
                    " get the file elsewhere and name it with --mnist PATH")


def download(url, folder):
    """Download url into folder and return the path; raises TimeoutError where it stands or crawls.

    It runs in a thread of its own, since a look-up or a read that hangs can
    only be left behind, not stopped.
    """
    outcome = []

    def get():
        try:
            outcome.append(keras.utils.get_file("mnist.npz", url, cache_dir=folder, cache_subdir=""))
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=get, daemon=True)
    thread.start()
    arrived = 0
    while True:
        thread.join(Constants.MIRROR_TIMEOUT)
        if outcome:
            break
        before, arrived = arrived, sum(os.path.getsize(entry.path) for entry in os.scandir(folder))
        if arrived - before < Constants.MIRROR_MINIMUM:
            raise TimeoutError(f"{arrived - before} bytes in {Constants.MIRROR_TIMEOUT} s")
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


def reason(error):
    """Return an exception's message as one line."""
    text = error.args[0] if isinstance(error, KeyError) else error      # whose str() is quoted
    return " ".join(str(text).split()) or type(error).__name__


def pad(images):
    """Put the border of zeros around images: (n, 28, 28) to (n, 32, 32, 1)."""
    border = (Constants.PADDING,) * 2
    return np.pad(images, ((0, 0), border, border), "constant")[..., np.newaxis]


def scale(images):
    """Turn bytes into float32 in [0, 1]; images: a uint8 array or TensorFlow tensor."""
    cast = tf.cast if not isinstance(images, np.ndarray) else np.ndarray.astype
    return cast(images, "float32") / Constants.MAX_PIXEL


def feed(images, labels, batch_size, seed=None):
    """Return digits in the form that fit and evaluate take.

    images: uint8 (n, 28, 28); labels: uint8 (n,); seed: of the shuffling, anew
    in each epoch; None for none.
    Returns x, y as float32 (n, 32, 32, 1) in [0, 1] and one-hot (n, 10), or a
    tf.data pipeline of such batches and None; and the arguments that belong to them.
    """
    images = pad(images)
    labels = keras.utils.to_categorical(labels, Constants.NUM_CLASSES).astype("float32")
    if not TENSORFLOW_2:
        return (scale(images), labels), {"batch_size": batch_size}

    # fit's own pipeline stands still at the end of some epochs: TensorFlow wakes the
    # thread that tunes it before telling it to stop, and may have to wait while it sleeps
    # on for seconds. This one is not tuned, and holds bytes, a quarter of the memory.
    count = len(images)
    images, labels = tf.constant(images), tf.constant(labels)
    if seed is None:
        order = tf.data.Dataset.from_tensors(tf.range(count))
    else:       # another one each time that the pipeline is run through
        order = tf.data.Dataset.random(seed, rerandomize_each_iteration=True).take(1).map(
            lambda epoch_seed: tf.random.experimental.stateless_shuffle(tf.range(count), [epoch_seed, seed]))
    dataset = order.rebatch(batch_size).map(
        lambda chosen: (scale(tf.gather(images, chosen)), tf.gather(labels, chosen)))
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(-(-count // batch_size))).prefetch(4)
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1       # else it waits behind the layers for a thread
    return (dataset.with_options(options), None), {"shuffle": False} if seed is not None else {}


# Network

def build_lenet(fast=False):
    """Build and compile the network.

    fast: carry its layers out with the classes below, for TensorFlow 2 on a
        CPU; names, shapes, weights and what is computed stay the same.
    Returns the compiled keras.Sequential: images (n, 32, 32, 1) in [0, 1] to
    probabilities (n, 10).
    Source: the published code; what it leaves to Keras 2.1.6's defaults is
    stated where Keras 3 has others.
    """
    layers = keras.layers
    sequential, conv2d, avg_pool2d, dropout, adadelta = (
        (Sequential, Conv2D, AveragePooling2D, Dropout, Adadelta) if fast else
        (keras.Sequential, layers.Conv2D, layers.AvgPool2D, layers.Dropout, keras.optimizers.Adadelta))
    lenet = sequential([
        layers.InputLayer(Constants.INPUT_SHAPE),           # 32x32x1
        conv2d(6, 5, activation="relu", name="C1"),         # 28x28x6
        avg_pool2d(2, name="SP2"),                          # 14x14x6
        dropout(.25),
        conv2d(16, 5, activation="relu", name="C3"),        # 10x10x16
        avg_pool2d(2, name="SP4"),                          # 5x5x16
        conv2d(120, 5, activation="relu", name="C5"),       # 1x1x120
        layers.Flatten(),                                   # 120
        layers.Dense(128, activation="relu", name="F6"),    # 128
        dropout(.5),
        layers.Dense(Constants.NUM_CLASSES, activation="softmax", name="Output"),   # 10
    ], name="LeNet-5")
    lenet.compile(
        loss=keras.losses.categorical_crossentropy,
        optimizer=adadelta(Constants.LEARNING_RATE, Constants.RHO, epsilon=Constants.EPSILON),
        metrics=["accuracy"],
        **({"steps_per_execution": Constants.STEPS_PER_EXECUTION} if TENSORFLOW_2 else {}))
    if fast:    # else Keras makes these variables in its first tracing, and traces all a second time
        lenet.optimizer.build(lenet.trainable_variables)
        lenet.compute_metrics(None, *np.zeros((2, 1, Constants.NUM_CLASSES), "float32"))
        lenet.reset_metrics()
    return lenet


# Training

def run(lenet, digits, data_name, epochs, batch_size, seed):
    """Train and test, timed as published: fit with its validations, the curves, the last evaluate.

    Returns what the record holds of it, the pictures as JPEG bytes by name, and
    the signal that interrupted the run, or 0; if one did, everything is that
    of the finished epochs, and the network has the weights of then.
    Raises FloatingPointError where the loss is not a number.
    """
    progress = Progress()
    images, labels = digits["x_test"], digits["y_test"]
    # Popped, so that the bytes are not held twice once the pipeline has them.
    train, train_options = feed(digits.pop("x_train"), digits.pop("y_train"), batch_size, seed)
    test, test_options = feed(images, labels, Constants.EVALUATION_BATCH_SIZE)
    signum, misclassified, pictures = 0, None, {}
    start = time.time()
    try:
        lenet.fit(*train, epochs=epochs, validation_data=test, callbacks=[progress], **train_options)
        pictures = draw_all_curves(progress.history, data_name)
        loss, accuracy = lenet.evaluate(*test, **test_options)
        seconds = time.time() - start
        misclassified = misclassify(lenet, images, labels)
        pictures["errors"] = draw_errors(images, misclassified, data_name)
        handle_signals(signal.SIG_IGN)      # what follows is done in a moment
    except KeyboardInterrupt as interrupt:
        handle_signals(signal.SIG_IGN)
        signum, seconds, misclassified = interrupt.args[0], time.time() - start, None
        loss, accuracy = progress.history["val_loss"][-1], progress.history["val_accuracy"][-1]
        lenet.set_weights(progress.weights)
        pictures = draw_all_curves(progress.history, data_name)
    return {
        "interrupted": bool(signum),
        "training_time": seconds, "test_loss": single(loss), "test_accuracy": single(accuracy),
        "history": progress.history, "misclassified": misclassified,
    }, pictures, signum


class Progress(keras.callbacks.Callback):
    """Keeps what the finished epochs gave, and ends a run whose loss is not a number.

    history: the epochs' logs, under the names of Keras 3
    weights: those at the end of the last finished epoch
    """

    def __init__(self):
        super().__init__()
        self.history, self.weights = {}, None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1

    def on_batch_end(self, batch, logs=None):
        if not np.isfinite(logs["loss"]):
            raise FloatingPointError(f"the loss became {logs['loss']} in epoch {self.epoch}")

    def on_epoch_end(self, epoch, logs=None):
        if not np.isfinite(logs["val_loss"]):
            raise FloatingPointError(f"the test loss became {logs['val_loss']} in epoch {self.epoch}")
        names = {"acc": "accuracy", "val_acc": "val_accuracy"}
        history = {names.get(name, name): single(value) for name, value in logs.items()}
        self.history, self.weights = (
            {name: self.history.get(name, []) + [value] for name, value in history.items()},
            self.model.get_weights())
        handle_signals(raise_interrupt)


def single(value):
    """Return a float32 as the float with the fewest digits that stands for it."""
    return float(str(np.float32(value)))


def misclassify(lenet, images, labels):
    """Return [index, true, predicted] of each image that the network takes for another digit."""
    size = Constants.EVALUATION_BATCH_SIZE
    predicted = np.concatenate([
        lenet.predict_on_batch(scale(pad(images[start:start + size]))).argmax(1)
        for start in range(0, len(images), size)])
    return [[int(index), int(labels[index]), int(predicted[index])] for index in np.flatnonzero(predicted != labels)]


# Results

TRAINING, TEST = "#0072B2", "#D55E00"       # Okabe and Ito's blue and vermilion, apart for all eyes


def draw_curves(history, name, data_name):
    """Draw one metric over the epochs, the published run dashed; returns a JPEG's bytes.

    history: lists by Keras' names; name: "accuracy" or "loss".
    """
    figure = Figure(figsize=(8, 4.5))
    axes = figure.add_axes([.09, .12, .89, .80])
    for key, color, label in (name, TRAINING, "training"), ("val_" + name, TEST, "test"):
        values, published = history[key], Constants.PUBLISHED["history"][key]
        axes.plot(range(1, len(published) + 1), published, "--", color=color, alpha=.5, linewidth=1.5,
                  label=f"{label}, published: {published[-1]:.4f}")
        axes.plot(range(1, len(values) + 1), values, "o-", color=color, linewidth=2, markersize=4,
                  label=f"{label}: {values[-1]:.4f}")
    handles, labels = axes.get_legend_handles_labels()
    order = [1, 3, 0, 2]
    axes.legend([handles[i] for i in order], [labels[i] for i in order], title="After the last epoch",
                loc="lower right" if name == "accuracy" else "upper right", frameon=False)
    axes.set_title(f"LeNet-5 on {data_name}: {name}", loc="left", fontweight="bold")
    axes.set_xlabel("epoch")
    axes.set_ylabel(name if name == "accuracy" else "loss (categorical cross-entropy)")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=.25)
    axes.spines["top"].set_visible(False)
    axes.spines["right"].set_visible(False)
    return encode(figure)


def draw_errors(images, misclassified, data_name):
    """Draw every misclassified test digit with "true -> predicted", after the paper's Fig. 8."""
    count = len(misclassified)
    columns = max(16, int(np.ceil(np.sqrt(count * 1.6))))     # wide enough for the title
    rows = max(1, -(-count // columns))
    width, height = Constants.DIGIT_SIZE + 6, Constants.DIGIT_SIZE + 16     # of a cell, in pixels of the digits
    sheet = np.zeros((rows * height, columns * width), np.uint8)
    figure = Figure(figsize=(columns * .55, rows * .55 * height / width + .5))
    axes = figure.add_axes([0, 0, 1, 1 - .5 / figure.get_figheight()])
    for cell, (index, true, predicted) in enumerate(misclassified):
        top, left = cell // columns * height + 2, cell % columns * width + 3
        sheet[top:top + Constants.DIGIT_SIZE, left:left + Constants.DIGIT_SIZE] = images[index]
        axes.text(left + Constants.DIGIT_SIZE / 2, top + Constants.DIGIT_SIZE + 6, f"{true}\u2192{predicted}",
                  ha="center", va="center", fontsize=10)
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=Constants.MAX_PIXEL, interpolation="nearest", aspect="auto")
    axes.axis("off")
    figure.suptitle(f"LeNet-5 on {data_name}: {count} of {len(images)} misclassified (true \u2192 predicted)",
                    x=.01, y=1 - .1 / figure.get_figheight(), ha="left", va="top", fontweight="bold", fontsize=12)
    return encode(figure)


def draw_all_curves(history, data_name):
    return {"acc": draw_curves(history, "accuracy", data_name), "loss": draw_curves(history, "loss", data_name)}


def encode(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="jpeg", dpi=160)
    return buffer.getvalue()


def without_optimizer(lenet):
    """The network to save or load: Keras 3 would add the optimizer's state, and warn where it is not there."""
    return keras.Model(lenet.inputs, lenet.outputs)


def hash_weights(lenet):
    return hashlib.sha256(b"".join(weight.tobytes() for weight in lenet.get_weights())).hexdigest()


def dump_weights(lenet):
    """Return the weights as Keras' HDF5 file, with their SHA-256 as an attribute, in bytes."""
    with tempfile.TemporaryDirectory() as folder:       # since HDF5 crashes where a disk is full
        path = os.path.join(folder, "lenet5.weights.h5")
        without_optimizer(lenet).save_weights(path)
        with h5py.File(path, "r+") as file:
            file.attrs["sha256"] = hash_weights(lenet)
        with open(path, "rb") as file:
            return file.read()


def load_weights(lenet, path):
    """Load a file of weights, of Keras 3 or of Keras 2; raises UserError where it is not one of this network."""
    if not os.path.isfile(path):
        raise UserError(f"--evaluate {path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            suffix = ".h5" if "layer_names" in file.attrs else ".weights.h5"
            expected = file.attrs.get("sha256")
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)         # by which Keras tells of what it skips
            copy = os.path.join(folder, "lenet5" + suffix)      # Keras 3 goes by the name
            shutil.copy(path, copy)
            without_optimizer(lenet).load_weights(copy)
        if expected not in (None, hash_weights(lenet)):
            raise ValueError("damaged: the weights are not those that were saved")
    except Exception as error:      # whatever a damaged or foreign file provokes
        raise UserError(f"--evaluate {path}: {reason(error)[:200]}; it takes the .weights.h5 of a run")


def write_run(logs, stamp, record, pictures, weights):
    """Write a run's files into the folder logs, each whole or not at all, the record last.

    stamp: the run's start in seconds since 1970; moved on where another run has it
    pictures, weights: files' bytes, the former by name
    Returns the path of the record. Raises OSError.
    """
    while True:
        name, folder = f"LeNet-5.{stamp!r}", os.path.join(logs, f".LeNet-5.{stamp!r}.part")
        with contextlib.suppress(FileExistsError):      # another run is writing under this stamp
            os.mkdir(folder)
            if not os.path.exists(os.path.join(logs, name + ".json")):
                break
            os.rmdir(folder)
        stamp += 1e-6
    contents = {f"LeNet-5-{picture}.{stamp!r}.jpeg": jpeg for picture, jpeg in pictures.items()}
    contents[name + ".weights.h5"] = weights
    contents[name + ".json"] = json.dumps(dict({"model": "LeNet-5", "stamp": stamp}, **record), indent=1).encode()
    try:
        for file_name, content in contents.items():
            with open(os.path.join(folder, file_name), "wb") as file:
                file.write(content)
        for file_name in contents:
            os.replace(os.path.join(folder, file_name), os.path.join(logs, file_name))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return os.path.join(logs, name + ".json")


def table_row(record, path):
    """Return a record's row for the README's results table, in Markdown."""
    versions = record["versions"]
    return (f"| [record]({path}) | {versions['keras']} | {versions.get('tensorflow', record['backend'])}"
            f" | {versions['python']} | {record['hardware']} | {record['training_time']}"
            f" | {record['test_loss']} | {record['test_accuracy']} |")


# The network on a CPU: the same layers, carried out faster

class Sequential(keras.Sequential):
    """keras.Sequential that takes a batch's halves side by side.

    These layers are too small for more cores to help within one of them: a
    half on each half of the cores takes a quarter less time than both one after the other.
    """

    def call(self, inputs, training=None, mask=None):
        def join(first, second):
            return tf.concat([first, second[count % 2:]], 0)

        count = tf.shape(inputs)[0]     # an odd one's middle image goes to both: TensorFlow fails on an empty half
        first = super().call(inputs[:(count + 1) // 2], training, mask)
        second = super().call(inputs[count // 2:], training, mask)
        outputs = join(first, second)
        if hasattr(first, "_keras_logits"):     # which a softmax leaves to Keras' loss
            outputs._keras_logits = join(first._keras_logits, second._keras_logits)
        return outputs


# Few channels do not fill a processor's vector registers. So the layers below hand
# on feature maps with some rows as channels of one, in an attribute, stacked:
# (n, height / rows, width, rows * channels). TensorFlow leaves out what is then not used.

class Conv2D(keras.layers.Conv2D):
    """keras.layers.Conv2D, carried out so that a CPU is fast at it."""

    def call(self, inputs):
        size, _, channels, filters = self.kernel.shape
        if inputs.shape[1] == size:     # the kernel covers its whole input, as C5's does: a product of matrices
            weights = tf.reshape(self.kernel, (-1, filters))
            outputs = tf.matmul(tf.reshape(inputs, (-1, weights.shape[0])), weights) + self.bias
            return tf.reshape(self.activation(outputs), (-1, 1, 1, filters))
        rows = 2 if hasattr(inputs, "stacked") else 4       # multiples of which are 14 and 10, and 32 and 28
        # The kernel at each of its places in a stack: (stack, row, place, column, channel, filter)
        places = np.stack([np.eye(size + rows - 1, size, -place, "float32") for place in range(rows)], 1)
        kernel = tf.tensordot(places.reshape(-1, rows, rows, size), self.kernel, 1)
        if hasattr(inputs, "stacked"):
            kernel = tf.reshape(tf.transpose(kernel, (0, 3, 1, 4, 2, 5)), (-1, size, rows * channels, rows * filters))
            outputs = tf.nn.conv2d(inputs.stacked, kernel, 1, "VALID")
        else:
            kernel = tf.reshape(tf.transpose(kernel, (0, 1, 3, 4, 2, 5)), (-1, size, channels, rows * filters))
            outputs = tf.nn.conv2d(inputs, kernel, (rows, 1), "VALID")
        return unstack(self.activation(outputs + tf.tile(self.bias, [rows])), filters)


class AveragePooling2D(keras.layers.AveragePooling2D):
    """keras.layers.AveragePooling2D of stacked rows, as a product of matrices."""

    def call(self, inputs):
        channels = inputs.shape[-1]
        _, height, width, depth = inputs.stacked.shape
        pairs = np.eye(depth // channels // 2).repeat(2, 0)     # of rows
        averages = np.tile(np.kron(pairs, np.eye(channels)) / 4, (2, 1)).astype("float32")
        columns = tf.reshape(inputs.stacked, (-1, height, width // 2, 2 * depth))       # two as one, side by side
        return unstack(tf.tensordot(columns, averages, 1), channels)


class Dropout(keras.layers.Dropout):
    """keras.layers.Dropout that draws a byte for each unit, not 32 bits.

    rate: in 256ths; an image's units: a multiple of 4.
    """

    def call(self, inputs, training=False):
        if not training or not self.rate:
            return inputs
        units = getattr(inputs, "stacked", inputs)
        bits = tf.random.stateless_uniform([tf.size(units) // 4], self.seed_generator.next(), None, None, "uint32")
        drawn = tf.reshape(tf.bitcast(bits, "uint8"), tf.shape(units))
        units *= tf.cast(drawn >= int(256 * self.rate), units.dtype) / (1 - self.rate)
        return unstack(units, inputs.shape[-1]) if hasattr(inputs, "stacked") else units


def unstack(stacked, channels):
    """Return stacked rows as feature maps (n, height, width, channels) that have them as their attribute."""
    _, height, width, depth = stacked.shape
    rows = depth // channels
    images = tf.transpose(tf.reshape(stacked, (-1, height, width, rows, channels)), (0, 1, 3, 2, 4))
    images = tf.reshape(images, (-1, height * rows, width, channels))
    images.stacked = stacked
    return images


class Adadelta(keras.optimizers.Adadelta):
    """keras.optimizers.Adadelta, with one operation of TensorFlow's for each array in place of many."""

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdadelta(
            var=variable.handle, accum=self._accumulated_grads[index].value.handle,
            accum_update=self._accumulated_delta_vars[index].value.handle,
            lr=learning_rate, rho=self.rho, epsilon=self.epsilon, grad=gradient)


# Backend

def set_up_backend(seed):
    """Seed the backend and let GPU memory grow as needed.

    Returns the name of the device that the backend trains on, a GPU's or the
    CPU's, and whether that is TensorFlow 2 on a CPU.
    """
    np.random.seed(seed)
    gpu = None
    if TENSORFLOW_1:
        from tensorflow.python.client import device_lib
        tf.set_random_seed(seed)
        # One operation at a time: with more, Keras 2.1.6 lets a weight's update
        # race the gradients that still read the weight, and no run repeats.
        config = tf.ConfigProto(inter_op_parallelism_threads=1, gpu_options=tf.GPUOptions(allow_growth=True))
        keras.backend.set_session(tf.Session(config=config))
        gpu = next((device.physical_device_desc.split("name: ")[1].split(",")[0]
                    for device in device_lib.list_local_devices(config) if device.device_type == "GPU"), None)
    else:
        keras.utils.set_random_seed(seed)
        if backend == "tensorflow":
            with hush():
                gpus = tf.config.list_physical_devices("GPU")
                for device in gpus:
                    tf.config.experimental.set_memory_growth(device, True)
                    gpu = tf.config.experimental.get_device_details(device).get("device_name", "GPU")
        elif backend == "jax":
            import jax
            gpu = next((device.device_kind for device in jax.devices() if device.platform != "cpu"), None)
        elif backend == "torch":
            import torch
            gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    fast = TENSORFLOW_2 and not gpu
    if fast:
        with contextlib.suppress(RuntimeError):     # it has started already; the run is only slower then
            tf.config.threading.set_intra_op_parallelism_threads(max(1, os.cpu_count() // 2))   # see Sequential
    return gpu or name_cpu(), fast


def has_nvidia_gpu():
    """Tell whether the driver of an NVIDIA GPU is there, whatever TensorFlow can use."""
    try:
        return b"GPU" in subprocess.check_output(["nvidia-smi", "-L"], stderr=subprocess.DEVNULL, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return False


def name_cpu():
    """Return the CPU's model and number of cores."""
    name = platform.processor()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        name = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), name)
    return f"{name or platform.machine()} ({os.cpu_count()} cores)"


# Command line

class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UserError(f"{message}; see lenet5.py --help")


def whole_number(low, high):
    def parse(text):
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)
    return parse


def parse_arguments(arguments):
    parser = Parser(description="Trains LeNet-5 on MNIST and writes what came out into the logs folder.")
    parser.add_argument("--mnist", metavar="PATH", help="an .npz with x_train, y_train, x_test, y_test, or a folder"
                        " of the four IDX files, gzipped or not (Keras' cache, else a download)")
    parser.add_argument("--epochs", metavar="N", type=whole_number(1, 10 ** 6), default=Constants.EPOCHS,
                        help="(%(default)s)")
    parser.add_argument("--batch-size", metavar="N", type=whole_number(1, 10 ** 6), default=Constants.BATCH_SIZE,
                        help="(%(default)s)")
    parser.add_argument("--seed", metavar="N", type=whole_number(0, 2 ** 32 - 1),
                        help="repeat a run exactly, on the same machine with the same versions (a fresh one is drawn)")
    parser.add_argument("--logs", metavar="DIR", default=Constants.LOGS_DIR, help="(%(default)s)")
    parser.add_argument("--evaluate", metavar="FILE", help="no training: load these weights and test them")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Run the command line; returns the exit code."""
    try:
        return train_or_evaluate(parse_arguments(arguments))
    except UserError as error:
        print(f"lenet5.py: {error}", file=sys.stderr)
        return 2
    except FloatingPointError as error:
        print(f"lenet5.py: {error}; the run was stopped and nothing written", file=sys.stderr)
        return 1


def train_or_evaluate(options):
    stamp = time.time()
    seed = int.from_bytes(os.urandom(4), "little") if options.seed is None else options.seed
    hardware, fast = set_up_backend(seed)
    versions = {"keras": keras.__version__, backend: sys.modules[backend].__version__,
                "python": platform.python_version(), "numpy": np.__version__}
    print(f"Keras {versions['keras']} on {BACKENDS[backend]} {versions[backend]},"
          f" Python {versions['python']}; training on {hardware}")
    if fast and has_nvidia_gpu():
        print("TensorFlow cannot use the NVIDIA GPU of this machine; for the build that can:"
              f' pip install "tensorflow[and-cuda]=={versions[backend]}"')
    if not options.evaluate:
        check_writable(options.logs)
    digits = load_mnist(options.mnist)
    count = len(digits["x_train"])
    if not options.evaluate and options.batch_size > count:
        raise UserError(f"--batch-size {options.batch_size}: there are {count} training images")
    data = {"name": "MNIST", "sha256": hash_arrays(digits)}
    shown_name = data["name"]
    if data["sha256"] != Constants.MNIST_SHA256:
        path = os.path.abspath(options.mnist)
        data["name"] = os.path.basename(path) if os.path.basename(path) != "MNIST" else path
        print(f"Data: {data['name']}, which is not MNIST")
        shown_name = (data["name"] if len(data["name"]) < 25 else data["name"][:23] + "\u2026") + ", not MNIST"
    print("Tensor Shape of each Image:", Constants.INPUT_SHAPE)
    print("Num of Training Samples:", count)
    print("Num of Testing Samples:", len(digits["x_test"]))

    lenet = build_lenet(fast)
    if TENSORFLOW_2:    # with more, the progress bar of fewer images would run beyond its end
        lenet.steps_per_execution = min(lenet.steps_per_execution, -(-count // options.batch_size),
                                        -(-len(digits["x_test"]) // Constants.EVALUATION_BATCH_SIZE))
    if options.evaluate:
        load_weights(lenet, options.evaluate)
        test, test_options = feed(digits["x_test"], digits["y_test"], Constants.EVALUATION_BATCH_SIZE)
        loss, accuracy = lenet.evaluate(*test, **test_options)
        print("Testing Loss:", single(loss))
        print("Testing Accuracy:", single(accuracy))
        return 0

    result, pictures, signum = run(lenet, digits, shown_name, options.epochs, options.batch_size, seed)
    print("Training Time:", result["training_time"])
    print("Testing Loss:", result["test_loss"])
    print("Testing Accuracy:", result["test_accuracy"])
    record = dict({
        "started": started(stamp), "versions": versions, "backend": backend, "hardware": hardware, "data": data,
        "config": {"epochs": options.epochs, "batch_size": options.batch_size, "seed": seed,
                   "optimizer": {"name": "Adadelta", "learning_rate": Constants.LEARNING_RATE,
                                 "rho": Constants.RHO, "epsilon": Constants.EPSILON}},
    }, **result)
    try:
        path = write_run(options.logs, stamp, record, pictures, dump_weights(lenet))
    except OSError as error:
        raise UserError(f"--logs {options.logs}: the run could not be written there: {error.strerror};"
                        " its numbers are those above")
    if signum:
        print(f"Interrupted; the {len(result['history']['loss'])} finished epochs are in {path}", file=sys.stderr)
        return 128 + signum
    print(f"Written: {path}, its plots and weights. Its row for the README's table:")
    print(table_row(record, path))
    return 0


def check_writable(logs):
    """Make the folder logs; raises UserError where a run cannot be written there."""
    try:
        os.makedirs(logs, exist_ok=True)
        with tempfile.TemporaryFile(dir=logs):
            free = shutil.disk_usage(logs).free
    except OSError as error:
        raise UserError(f"--logs {logs}: cannot write there: {error.strerror}; name a folder that can be written")
    if free < Constants.RUN_BYTES:
        raise UserError(f"--logs {logs}: {free} bytes are free, a run may need {Constants.RUN_BYTES}; make room")


def started(stamp):
    """Return a time in seconds since 1970 as local time in ISO 8601."""
    text = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(stamp))
    return text[:-2] + ":" + text[-2:]


if __name__ == "__main__":
    sys.exit(main())
