"""fit and evaluate under accelerate: which images come when, and what the progress bar says."""
import gc
import re
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from support.fast import accelerate

NUMBERS = np.arange(200, dtype="float32").reshape(200, 1)


class Recorder(keras.layers.Layer):
    """A layer that keeps what it is given, batch by batch."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def call(self, numbers):
        tf.numpy_function(lambda numbers: self.batches.append(numbers[:, 0].astype(int).tolist()), [numbers], [])
        return numbers

    def take(self):
        """Return the batches since the last call."""
        batches, self.batches = self.batches, []
        return batches


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def identity(recorder):
    """A network that returns its input, and learns nothing."""
    network = keras.Sequential([keras.layers.InputLayer((1,)), recorder, keras.layers.Dense(1)])
    network.set_weights([np.ones((1, 1)), np.zeros(1)])
    network.compile(loss="mse", optimizer=keras.optimizers.SGD(0.))
    return accelerate(network)


def test_shuffling_over_the_whole_set_anew_each_epoch(identity, recorder):
    keras.utils.set_random_seed(0)
    history = identity.fit(NUMBERS, NUMBERS, batch_size=32, epochs=2, verbose=0).history
    assert history["loss"] == [0, 0]        # each image with its own label
    batches = recorder.take()
    assert [len(batch) for batch in batches] == 2 * (6 * [32] + [8])     # the last, partial batch is there
    first, second = sum(batches[:7], []), sum(batches[7:], [])
    assert sorted(first) == sorted(second) == list(range(200)) and first != second
    assert abs(np.mean(batches[0]) - 99.5) < 40     # from everywhere
    keras.utils.set_random_seed(0)
    identity.fit(NUMBERS, NUMBERS, batch_size=32, epochs=1, verbose=0)
    assert sum(recorder.take(), []) == first


def test_order_stays_without_shuffling(identity, recorder):
    identity.evaluate(NUMBERS, NUMBERS, batch_size=30, verbose=0)
    assert sum(recorder.take(), []) == list(range(200))
    identity.fit(NUMBERS, NUMBERS, shuffle=False, validation_data=(NUMBERS[:50], NUMBERS[:50]), verbose=0)
    assert sum(recorder.take(), []) == [*range(200), *range(50)]


def test_arrays_stay_for_as_long_as_they_are_used(identity, recorder):
    """Nobody else need keep them, and nobody keeps them afterwards."""
    references = []

    def copy():
        numbers = NUMBERS.copy()
        references.append(weakref.ref(numbers))
        return numbers

    identity.fit(copy(), copy(), epochs=2, validation_data=(copy(), copy()), verbose=0)
    identity.evaluate(copy(), copy(), verbose=0)
    assert len(sum(recorder.take(), [])) == 5 * 200
    gc.collect()
    assert [reference() for reference in references] == [None] * 6


def test_what_keras_takes_is_taken(identity, recorder):
    """Weights of images, data sets, and metrics beside them go on as Keras has them."""
    weights = np.arange(200) < 100
    identity.fit(NUMBERS, NUMBERS + weights[:, None], sample_weight=weights, validation_split=.25, verbose=0)
    assert max(recorder.take()[0]) < 150
    dataset = tf.data.Dataset.from_tensor_slices((NUMBERS, NUMBERS + 2)).batch(9)
    assert identity.evaluate(dataset, verbose=0) == pytest.approx(4)
    assert identity.evaluate(NUMBERS, NUMBERS + 2, sample_weight=weights, return_dict=True, verbose=0) == {
        "loss": pytest.approx(2)}


@pytest.mark.parametrize("batch_size, steps", [(3, 67), (1, 200), (5, 40), (200, 1), (1000, 1)])
def test_progress_bar_ends_at_its_end(identity, capsys, batch_size, steps):
    identity.fit(NUMBERS, NUMBERS, batch_size=batch_size, epochs=2, validation_data=(NUMBERS, NUMBERS))
    identity.evaluate(NUMBERS, NUMBERS, batch_size=batch_size)
    for part in re.split("Epoch ./2", capsys.readouterr().out)[1:]:
        shown = [tuple(map(int, pair)) for pair in re.findall(r"(\d+)/(\d+)\S* ", part)]
        assert shown[-1] == (steps, steps) and all(step <= last == steps for step, last in shown), part
