"""The network is the published one, and so is what it is fed with."""
import keras
import numpy as np
import pytest

import lenet5
from constants import Constants


@pytest.fixture
def lenet():
    keras.utils.set_random_seed(0)
    return lenet5.build_lenet()


def test_layers(lenet):
    assert type(lenet) is keras.Sequential and lenet.name == "LeNet-5"
    names = ["C1", "SP2", "dropout", "C3", "SP4", "C5", "flatten", "F6", "dropout", "Output"]
    layers = [(layer.name.split("_")[0], type(layer).__name__, layer.output.shape[1:], layer.count_params())
              for layer in lenet.layers]
    assert [layer[0] for layer in layers] == names
    assert [layer[1:] for layer in layers] == [
        ("Conv2D", (28, 28, 6), 156), ("AveragePooling2D", (14, 14, 6), 0), ("Dropout", (14, 14, 6), 0),
        ("Conv2D", (10, 10, 16), 2416), ("AveragePooling2D", (5, 5, 16), 0),
        ("Conv2D", (1, 1, 120), 48120), ("Flatten", (120,), 0),
        ("Dense", (128,), 15488), ("Dropout", (128,), 0), ("Dense", (10,), 1290)]
    assert lenet.count_params() == 67470
    assert lenet.input_shape == (None, *Constants.INPUT_SHAPE) == (None, 32, 32, 1)
    weighted = [layer for layer in lenet.layers if layer.weights]
    assert [layer.activation.__name__ for layer in weighted] == ["relu"] * 4 + ["softmax"]
    assert [layer.rate for layer in lenet.layers if isinstance(layer, keras.layers.Dropout)] == [.25, .5]
    for layer in weighted:
        assert layer.use_bias and layer.kernel_regularizer is layer.bias_regularizer is None
    for layer in lenet.layers:
        if isinstance(layer, keras.layers.Conv2D):
            assert (layer.kernel_size, layer.strides, layer.padding) == ((5, 5), (1, 1), "valid")
        if isinstance(layer, keras.layers.AveragePooling2D):
            assert (layer.pool_size, layer.strides, layer.padding) == ((2, 2), (2, 2), "valid")


def test_compiled(lenet):
    assert lenet.loss is keras.losses.categorical_crossentropy
    assert type(lenet.optimizer) is keras.optimizers.Adadelta
    settings = lenet.optimizer.get_config()
    assert settings["learning_rate"] == 1 and settings["rho"] == .95 and settings["epsilon"] == 1e-7
    assert settings["weight_decay"] is settings["clipnorm"] is None and not settings["use_ema"]


def test_initial_weights(lenet):
    """Glorot-uniform kernels and biases of zero, as Keras 2.1.6 began with."""
    for kernel, bias in zip(lenet.get_weights()[::2], lenet.get_weights()[1::2]):
        bound = np.sqrt(6 / (np.prod(kernel.shape[:-2]) * sum(kernel.shape[-2:])))
        assert bound * .95 < abs(kernel).max() <= bound
        assert abs(kernel.mean()) < 4 * bound / np.sqrt(3 * kernel.size)
        assert abs(kernel.std() * np.sqrt(3) / bound - 1) < .15
        assert not bias.any()


def test_preprocess():
    images = np.zeros((3, 28, 28), np.uint8)
    images[1, 0, 0], images[1, 27, 26], images[2] = 255, 51, 102
    x, y = lenet5.preprocess(images, np.array([3, 0, 9], np.uint8))
    assert x.shape == (3, 32, 32, 1) and x.dtype == np.float32
    assert x[1, 2, 2, 0] == 1 and x[1, 29, 28, 0] == np.float32(.2) and np.count_nonzero(x[:2]) == 2
    assert np.count_nonzero(x[2]) == 28 * 28 and (x[2, 2:30, 2:30] == np.float32(.4)).all()
    assert (y == np.eye(10)[[3, 0, 9]]).all()
    assert (lenet5.pad_and_scale(images) == x).all()


def test_misclassified(lenet, digits):
    images, labels = digits["x_test"][:50], digits["y_test"][:50]
    found = lenet5.find_misclassified(lenet, lenet5.pad_and_scale(images), labels, 32)
    predicted = np.asarray(lenet(lenet5.pad_and_scale(images))).argmax(1)
    assert found == [[i, labels[i], predicted[i]] for i in range(50) if labels[i] != predicted[i]] != []


def test_constants_agree_with_one_another():
    assert (Constants.IMG_ROWS, Constants.IMG_COLS) == Constants.INPUT_SHAPE[:2]
    assert (Constants.BATCH_SIZE, Constants.EPOCHS, Constants.NUM_CLASSES) == (128, 12, 10)
    history = Constants.PUBLISHED["history"]
    assert {name: len(values) for name, values in history.items()} == dict.fromkeys(
        ["loss", "accuracy", "val_loss", "val_accuracy"], Constants.EPOCHS)
    assert history["val_accuracy"][-1] == Constants.PUBLISHED["test_accuracy"]
    assert round(Constants.PUBLISHED["test_loss"], 4) == history["val_loss"][-1]
