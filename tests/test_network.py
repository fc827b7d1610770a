"""The network is the published one, and the fast layers compute what Keras' own do."""
import keras
import numpy as np
import pytest

import lenet5
from constants import Constants


@pytest.fixture(params=[False, True], ids=["as Keras has it", "fast"])
def lenet(request):
    keras.utils.set_random_seed(0)
    return lenet5.build_lenet(fast=request.param)


def test_layers(lenet):
    assert isinstance(lenet, keras.Sequential) and lenet.name == "LeNet-5"
    layers = [(type(layer).__name__, layer.output.shape[1:], layer.count_params()) for layer in lenet.layers]
    assert layers == [
        ("Conv2D", (28, 28, 6), 156), ("AveragePooling2D", (14, 14, 6), 0), ("Dropout", (14, 14, 6), 0),
        ("Conv2D", (10, 10, 16), 2416), ("AveragePooling2D", (5, 5, 16), 0),
        ("Conv2D", (1, 1, 120), 48120), ("Flatten", (120,), 0),
        ("Dense", (128,), 15488), ("Dropout", (128,), 0), ("Dense", (10,), 1290)]
    assert lenet.input_shape == (None, 32, 32, 1) == (None,) + Constants.INPUT_SHAPE
    assert lenet.count_params() == 67470
    names = ["C1", "SP2", "dropout", "C3", "SP4", "C5", "flatten", "F6", "dropout", "Output"]
    assert all(layer.name.startswith(name) for layer, name in zip(lenet.layers, names))
    weighted = [layer for layer in lenet.layers if layer.weights]
    assert [layer.activation.__name__ for layer in weighted] == ["relu"] * 4 + ["softmax"]
    assert [layer.rate for layer in lenet.layers if isinstance(layer, keras.layers.Dropout)] == [.25, .5]
    for layer in weighted:
        assert layer.kernel_initializer.__class__.__name__ == "GlorotUniform"
        assert layer.bias_initializer.__class__.__name__ == "Zeros"
        assert layer.use_bias and layer.kernel_regularizer is None
    for layer in lenet.layers:
        if isinstance(layer, keras.layers.Conv2D):
            assert (layer.kernel_size, layer.strides, layer.padding) == ((5, 5), (1, 1), "valid")
        if isinstance(layer, keras.layers.AvgPool2D):
            assert (layer.pool_size, layer.strides, layer.padding) == ((2, 2), (2, 2), "valid")


def test_training_configuration(lenet):
    optimizer = lenet.optimizer.get_config()
    fast = isinstance(lenet, lenet5.Sequential)
    assert type(lenet.optimizer) is (lenet5.Adadelta if fast else keras.optimizers.Adadelta)
    assert optimizer["learning_rate"] == 1 and optimizer["rho"] == .95 and optimizer["epsilon"] == 1e-7
    assert optimizer["weight_decay"] is None and optimizer["clipnorm"] is None and not optimizer["use_ema"]
    assert lenet.loss is keras.losses.categorical_crossentropy


def test_initial_weights(lenet):
    for kernel, bias in zip(lenet.get_weights()[::2], lenet.get_weights()[1::2]):
        area = np.prod(kernel.shape[:-2])
        bound = np.sqrt(6 / (area * (kernel.shape[-2] + kernel.shape[-1])))
        assert bound * .95 < abs(kernel).max() <= bound
        assert abs(kernel.mean()) < 4 * bound / np.sqrt(3 * kernel.size)
        assert abs(kernel.std() * np.sqrt(3) / bound - 1) < .15
        assert not bias.any()


def test_dropout_keeps_the_stated_fraction_at_the_stated_scale(lenet):
    lenet.set_weights([abs(weight) + .01 for weight in lenet.get_weights()])       # with which no unit is 0 before it
    images = np.random.RandomState(0).uniform(0, 1, (500, 32, 32, 1)).astype("float32")
    for before, layer in zip(lenet.layers, lenet.layers[1:]):
        if isinstance(layer, keras.layers.Dropout):
            model = keras.Model(lenet.inputs[0], [before.output, layer.output])
            (inputs, outputs), (_, others) = (map(np.asarray, model(images, training=True)) for _ in range(2))
            kept = outputs != 0
            assert abs(kept.mean() - (1 - layer.rate)) < 4 * np.sqrt(.25 / kept.size)
            assert abs(kept.mean(0) - (1 - layer.rate)).max() < 6 * np.sqrt(.25 / len(kept))    # each unit
            assert np.allclose(outputs[kept], inputs[kept] / (1 - layer.rate), rtol=1e-6)
            assert (kept != (others != 0)).mean() > .3          # drawn anew each time
            inputs, outputs = map(np.asarray, model(images, training=False))
            assert (outputs == inputs).all()


def test_fast_layers_give_what_keras_layers_give():
    def check(a, b, images):
        a, b = a.predict_on_batch(images), b.predict_on_batch(images)
        assert a.shape == b.shape and np.abs(a - b).max() < 2e-6 * max(1, np.abs(a).max())

    keras.utils.set_random_seed(0)
    images = np.random.RandomState(0).uniform(0, 1, (7, 32, 32, 1)).astype("float32")
    stock, fast = lenet5.build_lenet(), lenet5.build_lenet(fast=True)
    fast.set_weights([weight + .01 for weight in stock.get_weights()])
    stock.set_weights(fast.get_weights())
    for a, b in zip(stock.layers, fast.layers):     # feature maps, layer by layer
        check(keras.Model(stock.inputs, a.output), keras.Model(fast.inputs, b.output), images)
    for count in 1, 2, 7:       # and as a whole, which takes a batch in halves
        check(stock, fast, images[:count])


@pytest.mark.parametrize("count", [1, 6])
def test_fast_layers_train_as_keras_layers_do(count):
    images = np.random.RandomState(0).uniform(0, 1, (count, 32, 32, 1)).astype("float32")
    labels = np.eye(10, dtype="float32")[:count]
    stock, fast = lenet5.build_lenet(), lenet5.build_lenet(fast=True)
    fast.set_weights(stock.get_weights())
    for lenet in stock, fast:
        for layer in lenet.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0
        lenet.train_on_batch(images, labels)
    for a, b in zip(stock.get_weights(), fast.get_weights()):
        assert np.abs(a - b).max() < 1e-5


def test_fast_network_has_the_loss_of_keras_network():
    keras.utils.set_random_seed(0)
    stock, fast = lenet5.build_lenet(), lenet5.build_lenet(fast=True)
    weights = stock.get_weights()
    weights[-2] *= 1e5      # so sure of itself that probabilities are 0 in float32; their logarithms have to be finite
    images = np.random.RandomState(0).uniform(0, 1, (7, 32, 32, 1)).astype("float32")
    losses = []
    for lenet in stock, fast:
        lenet.set_weights(weights)
        losses.append(lenet.evaluate(images, np.eye(10, dtype="float32")[:7], verbose=0)[0])
    assert losses[0] > 100 and np.isclose(*losses, rtol=1e-5)


def test_constants_agree_with_one_another():
    assert (Constants.IMG_ROWS, Constants.IMG_COLS) == Constants.INPUT_SHAPE[:2] == (32, 32)
    assert (Constants.BATCH_SIZE, Constants.EPOCHS, Constants.NUM_CLASSES) == (128, 12, 10)
    history = Constants.PUBLISHED["history"]
    assert {name: len(values) for name, values in history.items()} == dict.fromkeys(
        ["loss", "accuracy", "val_loss", "val_accuracy"], Constants.EPOCHS)
    assert history["val_accuracy"][-1] == Constants.PUBLISHED["test_accuracy"]
    assert round(Constants.PUBLISHED["test_loss"], 4) == history["val_loss"][-1]
