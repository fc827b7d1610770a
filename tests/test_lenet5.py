"""The network is the published one, and so is what it is fed with."""
import keras
import numpy as np

import lenet5
from constants import Constants


def test_layers():
    lenet = lenet5.build_lenet()
    assert type(lenet) is keras.Sequential and lenet.name == "LeNet-5" and not lenet.compiled
    assert [(layer.name.split("_")[0], layer.output.shape[1:], layer.count_params()) for layer in lenet.layers] == [
        ("C1", (28, 28, 6), 156), ("SP2", (14, 14, 6), 0), ("dropout", (14, 14, 6), 0),
        ("C3", (10, 10, 16), 2416), ("SP4", (5, 5, 16), 0), ("C5", (1, 1, 120), 48120), ("flatten", (120,), 0),
        ("F6", (128,), 15488), ("dropout", (128,), 0), ("Output", (10,), 1290)]
    assert lenet.count_params() == 67470 and lenet.input_shape == (None, *Constants.INPUT_SHAPE) == (None, 32, 32, 1)
    assert [layer.rate for layer in lenet.layers if isinstance(layer, keras.layers.Dropout)] == [.25, .5]


def test_preprocess():
    images = np.zeros((3, 28, 28), np.uint8)
    images[1, 0, 0], images[1, 27, 26], images[2] = 255, 51, 102
    x, y = lenet5.preprocess(images, np.array([3, 0, 9], np.uint8))
    assert x.shape == (3, 32, 32, 1) and x.dtype == np.float32
    assert x[1, 2, 2, 0] == 1 and x[1, 29, 28, 0] == np.float32(.2) and np.count_nonzero(x[:2]) == 2
    assert np.count_nonzero(x[2]) == 28 * 28 and (x[2, 2:30, 2:30] == np.float32(.4)).all()
    assert (y == np.eye(10)[[3, 0, 9]]).all()
