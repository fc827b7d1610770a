"""How TensorFlow 2 carries out Keras' fit and evaluate: for every network, on every device."""
import weakref

import keras
import numpy as np

from support.backend import tf

STEPS_PER_EXECUTION = 157   # batches between two looks at the progress bar: a third of MNIST's epoch
DEFAULT_BATCH_SIZE = 32     # Keras'


class Execution:
    """A class to put before keras.Model: arrays reach fit and evaluate by `pipeline`, several steps an execution."""

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None,
            validation_split=0., validation_data=None, shuffle=True, **options):
        if (are_arrays((x, y)) and (validation_data is None or are_arrays(validation_data))
                and not validation_split and not options):
            self.make_variables(x[:1], y[:1])
            arrays = x, y, validation_data      # noqa: F841, kept here, since a pipeline does not keep them
            if validation_data:
                validation_data = pipeline(*validation_data, batch_size).cache()
            x, y, batch_size, shuffle = pipeline(x, y, batch_size, shuffle), None, None, False
        return super().fit(x, y, batch_size, epochs, verbose, with_progress_bar(callbacks), validation_split,
                           validation_data, shuffle, **options)

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, steps=None,
                 callbacks=None, return_dict=False, **options):
        if are_arrays((x, y)) and sample_weight is None and steps is None and not options:
            arrays = x, y       # noqa: F841, as in fit
            x, y, batch_size = pipeline(x, y, batch_size), None, None
        return super().evaluate(x, y, batch_size, verbose, sample_weight, steps, with_progress_bar(callbacks),
                                return_dict, **options)

    def predict(self, *arguments, **options):
        """Keras' own, with one step an execution: it would trace each of more."""
        steps, self.steps_per_execution = self.steps_per_execution, 1
        try:
            return super().predict(*arguments, **options)
        finally:
            self.steps_per_execution = steps

    def make_variables(self, x, y):
        """Make all variables before the first step: one that makes them is traced twice."""
        shape = getattr(self, "output_shape", None)
        known = isinstance(shape, tuple) and None not in shape[1:]      # else only a call tells, for .1 s
        outputs = np.zeros((1, *shape[1:])) if known else self(x)
        self.optimizer.build(self.trainable_variables)
        self.compute_metrics(x, y, outputs)
        self.reset_metrics()


class ProgressBar(keras.callbacks.ProgbarLogger):
    """Keras' progress bar, which a last execution of fewer steps would carry beyond its end."""

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(self.within(batch), logs)

    def on_test_batch_end(self, batch, logs=None):
        super().on_test_batch_end(self.within(batch), logs)

    def within(self, batch):
        return batch if self.target is None else min(batch, self.target - 1)


def with_progress_bar(callbacks):
    """Return callbacks with the progress bar above, which Keras takes instead of its own."""
    if isinstance(callbacks, keras.callbacks.CallbackList):     # fit's, which it hands on to evaluate
        return callbacks
    return [*keras.tree.flatten(callbacks or []), ProgressBar()]


def are_arrays(data):
    """Tell whether data are two arrays of numbers, as many of the one as of the other."""
    return (isinstance(data, (tuple, list)) and len(data) == 2
            and all(isinstance(array, np.ndarray) and array.dtype.kind in "fiu" for array in data)
            and len(data[0]) == len(data[1]))


def pipeline(x, y, batch_size=None, shuffle=False):
    """Return a tf.data.Dataset of batches of the arrays x and y, in another order in each epoch if they are shuffled.

    Keras' own pipeline stands still at the end of some epochs: TensorFlow wakes
    the thread that tunes it before telling it to stop, and may have to wait while
    it sleeps on for seconds. This one is not tuned, and holds no copy of the arrays,
    nor the arrays: TensorFlow never lets go of a function of NumPy's and what it holds.
    """
    count, batch_size = len(x), batch_size or DEFAULT_BATCH_SIZE
    specs, arrays = [(array.dtype, array.shape[1:]) for array in (x, y)], [weakref.ref(array) for array in (x, y)]
    order = tf.data.Dataset.from_tensors(tf.range(count))
    if shuffle:
        order = tf.data.Dataset.random(rerandomize_each_iteration=True).take(1).map(
            lambda seed: tf.random.experimental.stateless_shuffle(tf.range(count), [seed, 0]))

    def gather(chosen):
        parts = tf.numpy_function(lambda chosen: [take(array(), chosen) for array in arrays], [chosen],
                                  [dtype for dtype, _ in specs])
        return tuple(tf.ensure_shape(part, (None, *shape)) for part, (_, shape) in zip(parts, specs))

    # Sixteen batches a call: to call NumPy takes as long as to gather a batch
    batches = order.rebatch(16 * batch_size).map(gather).rebatch(batch_size)
    batches = batches.apply(tf.data.experimental.assert_cardinality(-(-count // batch_size))).prefetch(4)
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1       # else it waits behind the layers for a thread
    return batches.with_options(options)


def take(array, chosen):
    """Return array[chosen] at an address that TensorFlow takes as it is; from another it would copy."""
    size = array[:1].nbytes * len(chosen)
    memory = np.empty(size + 64, "uint8")
    start = -memory.ctypes.data % 64
    taken = memory[start:start + size].view(array.dtype).reshape(len(chosen), *array.shape[1:])
    return array.take(chosen, 0, taken, mode="clip")        # other modes gather elsewhere first, and copy
