"""accelerate(lenet) can be deleted: Keras' own layers give the same, whatever the network."""
import keras
import numpy as np
import pytest
import tensorflow as tf

import lenet5
from reference import build_without_dropout
from support.fast import accelerate, layers_used


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def is_close(array, expected):
    """Tell whether an array is another to what rounding allows."""
    return np.linalg.norm(array - expected) <= 1e-5 * np.linalg.norm(expected) + 1e-8


def compute(network, images, labels):
    """Return the loss of one training step with what the layers add to it, and its gradients."""
    with tf.GradientTape() as tape:
        losses = keras.losses.categorical_crossentropy(labels, network(images, training=True))
        loss = tf.reduce_mean(losses) + sum(network.losses)
    return loss.numpy(), [gradient.numpy() for gradient in tape.gradient(loss, network.trainable_variables)]


def assert_same(fast, plain, images, labels):
    """Assert that two networks of the same weights, without dropout, have the same outputs, loss and gradients."""
    assert np.abs(fast(images) - plain(images)).max() < 1e-6
    (loss, gradients), (expected_loss, expected_gradients) = (compute(lenet, images, labels) for lenet in (fast, plain))
    assert is_close(loss, expected_loss)
    assert all(map(is_close, gradients, expected_gradients))


# The network as published

@pytest.mark.parametrize("count", [1, 2, 7, 128])
def test_outputs_loss_and_gradients(batch, count):
    fast, plain = accelerate(build_without_dropout()), build_without_dropout()
    assert layers_used(fast) == "fast" and layers_used(plain) == "keras"
    assert_same(fast, plain, *(part[:count] for part in batch))


def test_training_and_predictions(batch):
    fast, plain = accelerate(build_without_dropout()), build_without_dropout()
    for count in 1, 7, 128:
        losses = [lenet.train_on_batch(*(part[:count] for part in batch))[0] for lenet in (fast, plain)]
        assert is_close(*losses)
        assert all(map(is_close, fast.get_weights(), plain.get_weights()))
    outputs = [lenet.predict(batch[0], batch_size=77, verbose=0) for lenet in (fast, plain)]
    assert np.abs(outputs[0] - outputs[1]).max() < 1e-6


def test_loss_of_a_network_that_is_sure_of_itself(batch):
    """Probabilities of 0 in float32, whose logarithms only a loss that sees the logits has."""
    losses = []
    for lenet in accelerate(build_without_dropout()), build_without_dropout():
        weights = lenet.get_weights()
        weights[-2] *= 1e5
        lenet.set_weights(weights)
        losses.append(lenet.evaluate(*batch, batch_size=64, verbose=0)[0])
    assert losses[0] > 100 and is_close(*losses)


# Networks with changes

def center(outputs):
    return outputs - keras.ops.mean(outputs, axis=0) / 2


class Center(keras.layers.Layer):
    """A layer of a reader's own, which looks at the whole batch."""

    def call(self, outputs):
        return center(outputs)


def change(input_shape=(32, 32, 1), loss=None, optimizer=None, **changes):
    """Return a function that builds lenet5.py's network with changes.

    changes: by a layer's name, new values of its configuration, or a function
        of it that returns a list of layers to take its place
    """
    def build():
        lenet, layers = lenet5.build_lenet(), [keras.layers.InputLayer(input_shape)]
        for layer in lenet.layers:
            edit = changes.get(layer.name.split("_")[0], {})
            config = dict(layer.get_config(), **({} if callable(edit) else edit))
            layer = type(layer).from_config(config)
            layers += edit(layer) if callable(edit) else [layer]
        changed = keras.Sequential(layers)
        changed.compile(loss=loss or lenet.loss, optimizer=optimizer() if optimizer else lenet.optimizer,
                        metrics=["accuracy"])
        return changed
    return build


def rebuild(make):
    """Return a function that builds the published network, made otherwise of its layers."""
    def build():
        lenet = lenet5.build_lenet()
        changed = make(lenet)
        changed.compile(loss=lenet.loss, optimizer=lenet.optimizer, metrics=["accuracy"])
        return changed
    return build


class Subclass(keras.Sequential):
    pass


normalization, dense, tanh = keras.layers.BatchNormalization, keras.layers.Dense, {"activation": "tanh"}

# What is printed of each: None where the layers are the fast ones
CHANGES = {
    "C1 with 8 filters": (change(C1={"filters": 8}), None),
    "tanh": (change(C1=tanh, C3=tanh, C5=tanh, F6=tanh), None),
    "Dropout(.3)": (change(dropout={"rate": .3}), None),
    "no dropout": (change(dropout=lambda layer: []), None),
    "wider F6": (change(F6={"units": 200}), None),
    "second dense layer": (change(F6=lambda layer: [layer, dense(50, activation="relu")]), None),
    "no biases": (change(C1={"use_bias": False}, C5={"use_bias": False}), None),
    "three colours": (change(input_shape=(32, 32, 3)), None),
    "weight decay": (change(C3={"kernel_regularizer": "l2"}), None),
    "F6 normalised": (change(F6=lambda layer: [layer, normalization()]), None),
    "F6 regularised": (change(F6={"activity_regularizer": "l2"}), None),
    "own layer after F6": (change(F6=lambda layer: [layer, Center()]), None),
    "lambda in F6": (change(F6={"activation": lambda x: center(x)}), None),
    "Adam": (change(optimizer=keras.optimizers.Adam), None),
    "SGD": (change(optimizer=lambda: keras.optimizers.SGD(.1)), None),
    "squared error": (change(loss="mean_squared_error"), None),
    "lambda as loss": (change(loss=lambda y, outputs: keras.ops.mean((y - outputs) ** 2, -1)), None),
    "C3 with kernel 3": (change(C3={"kernel_size": 3}), "C3 has kernel_size (3, 3)"),
    "C3 with kernel 2": (change(C3={"kernel_size": 2}), "C3 has kernel_size (2, 2)"),
    "C1 with strides": (change(C1={"strides": 2}, C5={"kernel_size": 1}), "C1 has strides (2, 2)"),
    "C1 padded": (change(C1={"padding": "same"}), "C1 has padding same"),
    "SP2 overlapping": (change(SP2={"strides": 1}), "SP2 has strides (1, 1)"),
    "MaxPool2D": (change(SP2=lambda layer: [keras.layers.MaxPool2D(2, name="SP2")]), "SP2 is a MaxPooling2D layer"),
    "SP2 normalised": (change(SP2=lambda layer: [layer, normalization(name="N")]), "N is a BatchNormalization layer"),
    "own layer after SP2": (change(SP2=lambda layer: [layer, Center(name="N")]), "N is a Center layer"),
    "lambda in C1": (change(C1={"activation": lambda x: center(x)}), "C1 has a function of your own or looks"),
    "C1 regularised": (change(C1={"activity_regularizer": "l2"}), "C1 has a function of your own or looks"),
    "larger images": (change(input_shape=(36, 36, 1)), "the input has the shape (36, 36, 1)"),
    "functional": (rebuild(lambda lenet: keras.Model(lenet.inputs[0], lenet.outputs[0])), "not a keras.Sequential"),
    "subclass": (rebuild(lambda lenet: Subclass([keras.layers.InputLayer((32, 32, 1)), *lenet.layers])),
                 "not a keras.Sequential"),
    "no InputLayer": (rebuild(lambda lenet: keras.Sequential(lenet.layers)), "not a keras.Sequential"),
}


@pytest.mark.parametrize("build, obstacle", CHANGES.values(), ids=CHANGES)
def test_changed_network(build, obstacle, batch, capsys):
    fast, plain = accelerate(build()), build()
    printed = capsys.readouterr().out
    assert (obstacle in printed and printed.count("\n") == 1) if obstacle else not printed
    assert layers_used(fast) == ("keras" if obstacle else "fast")
    images, labels = batch
    if fast.built:      # to images of the size that it takes
        images = np.resize(np.repeat(images, fast.input_shape[-1], -1), (len(images), *fast.input_shape[1:]))
    before = [weight.copy() for weight in fast.get_weights()]
    history = fast.fit(images, labels, batch_size=64, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"][0])
    assert all((weight != other).any() for weight, other in zip(fast.get_weights(), before))
    plain(images[:1])
    initial = plain.get_weights()
    plain.set_weights(fast.get_weights())
    assert np.abs(fast(images) - plain(images)).max() < 1e-6
    for network in fast, plain:     # a trained one's gradients may cancel but for rounding, which training amplifies
        network.set_weights(initial)
    for layer in fast.layers + plain.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0
    assert_same(fast, plain, images[:33], labels[:33])
    assert all(map(is_close, fast.get_weights(), plain.get_weights()))     # what normalisation keeps of the batch


@pytest.mark.parametrize("accelerated", [False, True], ids=["as Keras has it", "fast"])
@pytest.mark.parametrize("rate", [.25, .3])
def test_dropout_drops_the_stated_fraction_and_scales_by_it(rate, accelerated):
    """C1 gives ones, a filter of C3 has one unit of SP2's dropout, and C5 has averages of four of them."""
    lenet = change(dropout={"rate": rate})()
    lenet = keras.Sequential([keras.layers.InputLayer((32, 32, 1)), *lenet.layers[:7]])
    lenet.compile("sgd", "mse")
    random, weights = np.random.RandomState(0), [np.zeros_like(weight) for weight in lenet.get_weights()]
    weights[1] += 1
    for kernel in weights[2], weights[4]:
        places = random.permutation(kernel[..., 0].size)[:kernel.shape[-1]]
        kernel.reshape(-1, kernel.shape[-1])[places, range(len(places))] = 1
    lenet.set_weights(weights)
    if accelerated:
        lenet = accelerate(lenet)
        assert layers_used(lenet) == "fast"
    images = np.zeros((10000, 32, 32, 1), "float32")
    assert (lenet.predict_on_batch(images[:3]) == 1).all()
    kept = lenet(images, training=True).numpy() * (1 - rate) * 4
    assert np.abs(kept - kept.round()).max() < 1e-5
    assert abs(kept.mean() / 4 - (1 - rate)) < .001
    assert (kept[:5000].round() != kept[5000:].round()).mean() > .5    # each image has its own
    assert (kept.round() != (lenet(images, training=True).numpy() * (1 - rate) * 4).round()).mean() > .5


@pytest.mark.parametrize("units", [128, 3])
@pytest.mark.parametrize("rate", [.5, .3, 0])
def test_dropout_among_other_layers(units, rate):
    network = keras.Sequential([keras.layers.InputLayer((units,)), keras.layers.Dropout(rate), keras.layers.Flatten()])
    network.compile("sgd", "mse")
    network = accelerate(network)
    ones = np.ones((9999, units), "float32")
    assert (network.predict_on_batch(ones) == 1).all()
    outputs = network(ones, training=True).numpy() * (1 - rate)
    assert np.abs(outputs - outputs.round()).max() < 1e-6 and set(outputs.round().ravel()) <= {0, 1}
    assert abs(outputs.mean() - (1 - rate)) < .015
