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

    Keras' own pipeline stands still at the end of some epochs: TensorFlow wakes
    the thread that tunes it before telling it to stop, and may have to wait while
    it sleeps on for seconds. This one is not tuned.
    """
    count, pixels = len(x), to_pixels(x)
    with tf.device("CPU"):
        images, labels = tf.constant(x if pixels is None else pixels), tf.constant(y)

    def gather(chosen):
        batch = tf.gather(images, chosen)
        return batch if pixels is None else tf.cast(batch, x.dtype) / Constants.MAX_PIXEL, tf.gather(labels, chosen)

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
    """Return the uint8 array of which float32 images are 255ths, for it takes a quarter of the memory, or None."""
    pixels = np.empty(x.shape, np.uint8)
    for start in range(0, len(x), 20):      # few at a time stay in the processor's cache
        part, rounded = x[start:start + 20], pixels[start:start + 20]
        with np.errstate(invalid="ignore"):     # other numbers than pixels
            rounded[...] = np.rint(part * Constants.MAX_PIXEL)
        if not np.array_equal(np.divide(rounded, Constants.MAX_PIXEL, dtype="float32"), part):
            return None
    return pixels


@contextlib.contextmanager
def several_steps(network, labels):
    """Have TensorFlow 2 carry out several batches at once; afterwards one at a time again, as Keras has it.

    labels: those of one image or more, which tell the metrics what they will get
    """
    if not backend.TENSORFLOW_2 or not network.compiled or network.run_eagerly or network.steps_per_execution > 1:
        yield
        return
    # A first step that makes variables would be traced twice
    with network.distribute_strategy.scope():
        network.optimizer.build(network.trainable_variables)
        network.compute_metrics(None, labels[:1], np.zeros((1, *network.output_shape[1:]), "float32"))
    network.train_function = network.test_function = None       # those that may be there are traced for one batch
    network.steps_per_execution = STEPS_PER_EXECUTION
    try:
        yield
    finally:
        network.train_function = network.test_function = None
        network.steps_per_execution = 1


class ProgressBar(keras.callbacks.ProgbarLogger):
    """Keras' progress bar, which a last execution of fewer steps would carry beyond its end."""

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(min(batch, self.target - 1), logs)

    def on_test_batch_end(self, batch, logs=None):
        super().on_test_batch_end(min(batch, self.target - 1), logs)
