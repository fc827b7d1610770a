"""What fit and evaluate get from arrays: which images come when, and what the progress bar says."""
import re

import keras
import numpy as np
import pytest

from support import feed

NUMBERS = np.arange(200)
ARRAYS = {
    "pixels": NUMBERS.astype("float32") / 255, "nearly": np.nextafter(NUMBERS / 255, 1, dtype="float32"),
    "beyond pixels": NUMBERS * 255., "not a number": np.where(NUMBERS == 7, np.nan, NUMBERS / 255),
    "integers": NUMBERS.astype("uint8"), "other byte order": NUMBERS.astype(">f4") / 300}


def take(dataset):
    """Return the batches of an epoch, as arrays (n, 1)."""
    return [images.numpy() for images, labels in dataset if np.array_equal(images, labels)]


@pytest.mark.parametrize("batch_size, sizes", [(30, 6 * [30] + [20]), (500, [200])])
def test_shuffled_over_the_whole_set_anew_in_each_epoch(batch_size, sizes):
    numbers, epochs = NUMBERS[:, np.newaxis].astype("float32"), []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        dataset = feed.pipeline(numbers, numbers, batch_size, shuffle=True)
        for _ in range(2):
            batches = take(dataset)
            assert [len(batch) for batch in batches] == sizes and len(dataset) == len(sizes)
            assert abs(np.mean(batches[0]) - 99.5) < 40         # from everywhere
            epochs.append(np.concatenate(batches).ravel().tolist())
            assert sorted(epochs[-1]) == NUMBERS.tolist()       # each with its own label
    assert epochs[0] != epochs[1] and epochs[2:] == epochs[:2]


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_arrays_come_in_order_and_unchanged(array, recwarn):
    array = array[:, np.newaxis]
    dataset = feed.pipeline(array, array, 30)
    assert np.array_equal(np.concatenate([images for images, _ in dataset]), array, equal_nan=True)
    assert not recwarn.list


@pytest.mark.parametrize("batch_size, steps", [(3, 67), (1, 200)])
def test_progress_bar_ends_at_its_end(batch_size, steps, capsys):
    network = keras.Sequential([keras.layers.InputLayer((1,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse")
    pair = 2 * [NUMBERS[:, np.newaxis].astype("float32") / 255]
    with feed.several_steps(network, pair[1]):
        network.fit(epochs=2, **feed.feed_fit(pair, pair, batch_size, []))
        network.evaluate(**feed.feed_evaluate(pair, batch_size))
    assert network.optimizer.iterations == 2 * steps
    for part in re.split("Epoch ./2", capsys.readouterr().out)[1:]:
        shown = [tuple(map(int, pair)) for pair in re.findall(r"(\d+)/(\d+)\S* ", part)]
        assert shown[-1] == (steps, steps) and all(step <= last == steps for step, last in shown), part
