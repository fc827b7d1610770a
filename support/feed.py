"""How arrays get into fit and evaluate: on TensorFlow 2 from a pipeline, several batches an execution."""
import contextlib

import keras
import numpy as np

from constants import Constants
from support import backend
from support.backend import tf

STEPS_PER_EXECUTION = 157   # batches between two looks at the progress bar: a third of MNIST's epoch


def feed_fit(training, test, batch_size, callbacks):
    """Return the arguments by which fit gets two pairs of images and labels, the first of them shuffled."""
    if backend.TENSORFLOW_2:        # its pipeline shuffles by itself
        return {"x": pipeline(*training, batch_size, shuffle=True), "shuffle": False,
                "validation_data": pipeline(*test, batch_size), "callbacks": [*callbacks, ProgressBar()]}
    return {"x": training[0], "y": training[1], "batch_size": batch_size, "validation_data": test,
            "callbacks": callbacks}


def feed_evaluate(test, batch_size):
    """Return the arguments by which evaluate gets a pair of images and labels."""
    if backend.TENSORFLOW_2:
        return {"x": pipeline(*test, batch_size), "callbacks": [ProgressBar()]}
    return {"x": test[0], "y": test[1], "batch_size": batch_size}


def pipeline(x, y, batch_size, shuffle=False):
    """Return a tf.data.Dataset of batches of the arrays x and y, in another order in each epoch if they are shuffled.

    Keras' own stands still at the end of some epochs, for seconds, until the thread
    that tunes it wakes. This one is not tuned.
    """
    count, (pixels, scaled) = len(x), to_pixels(x)
    with tf.device("CPU"):      # as pixels, images take a quarter of the memory
        images, labels = tf.constant(pixels if scaled else x), tf.constant(y)

    def gather(chosen):
        batch = tf.gather(images, chosen)
        return tf.cast(batch, x.dtype) / Constants.MAX_PIXEL if scaled else batch, tf.gather(labels, chosen)

    order = tf.data.Dataset.from_tensors(tf.range(count))
    if shuffle:
        order = tf.data.Dataset.random(rerandomize_each_iteration=True).take(1).map(
            lambda seed: tf.random.experimental.stateless_shuffle(tf.range(count), [seed, 0]))
    batches = order.rebatch(batch_size).map(gather)
    batches = batches.apply(tf.data.experimental.assert_cardinality(-(-count // batch_size))).prefetch(4)
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1       # else it waits behind the layers for a thread
    return batches.with_options(options)


def to_pixels(x):
    """Return float32 images as uint8, and whether these are the same 255 times as large."""
    pixels, same = np.empty(x.shape, np.uint8), True
    for start in range(0, len(x), 20):      # few at a time stay in the processor's cache
        part, rounded = x[start:start + 20], pixels[start:start + 20]
        with np.errstate(invalid="ignore"):     # other numbers than pixels
            rounded[...] = np.rint(part * Constants.MAX_PIXEL)
        same = same and np.array_equal(np.divide(rounded, Constants.MAX_PIXEL, dtype="float32"), part)
    return pixels, same


@contextlib.contextmanager
def several_steps(network, labels):
    """Have TensorFlow 2 carry out several batches at once; afterwards as many as the network was compiled for.

    labels: those of one image or more, which tell the metrics what they will get
    """
    if not backend.TENSORFLOW_2 or not network.compiled or network.run_eagerly:
        yield
        return
    # A first step that makes variables would be traced twice
    with network.distribute_strategy.scope():
        network.optimizer.build(network.trainable_variables)
        network.compute_metrics(None, labels[:1], np.zeros((1, *network.output_shape[1:]), "float32"))
    compiled = network.steps_per_execution
    set_steps(network, STEPS_PER_EXECUTION)
    try:
        yield
    finally:
        set_steps(network, compiled)


def set_steps(network, count):
    """Set how many batches an execution has; functions that may be there are traced for another number."""
    network.train_function = network.test_function = None
    network.steps_per_execution = count


class ProgressBar(keras.callbacks.ProgbarLogger):
    """Keras' progress bar, which a last execution of fewer steps would carry beyond its end."""

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(min(batch, self.target - 1), logs)

    def on_test_batch_end(self, batch, logs=None):
        super().on_test_batch_end(min(batch, self.target - 1), logs)
