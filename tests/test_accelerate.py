"""accelerate(lenet) can be deleted: Keras' own layers give the same, whatever the network."""
import keras
import numpy as np
import pytest
import tensorflow as tf

import lenet5
from support.speed import accelerate as fast
from support.speed.accelerate import accelerate, layers_used

Adadelta = keras.optimizers.Adadelta


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def change(input_shape=(32, 32, 1), make=keras.Sequential, **changes):
    """Return a function that builds lenet5.py's network with changes.

    changes: by a layer's name, new values of its configuration, or a function
        of it that returns a list of layers to take its place
    """
    def build():
        layers = [keras.layers.InputLayer(input_shape)]
        for layer in lenet5.build_lenet().layers:
            edit = changes.get(layer.name.split("_")[0], {})
            layer = type(layer).from_config(dict(layer.get_config(), **({} if callable(edit) else edit)))
            layers += edit(layer) if callable(edit) else [layer]
        return make(layers)
    return build


def build_twins(build):
    """Return a network that is accelerated and a plain one, of the same weights and without dropout."""
    twins = accelerate(build()), build()
    for network in twins:
        if not network.built:
            network.build((None, 32, 32, 1))
        for layer in network.layers:
            layer.rate = 0
    weights = [weight + np.random.normal(0, .01, weight.shape) for weight in twins[0].get_weights()]
    for network in twins:
        network.set_weights(weights)
    return twins


def is_close(array, expected):
    """Tell whether an array is another to what rounding allows."""
    return np.linalg.norm(array - expected) <= 1e-5 * np.linalg.norm(expected) + 1e-8


def compute(network, images, labels):
    """Return the loss of one training step with what the layers add to it, and its gradients."""
    with tf.GradientTape() as tape:
        losses = keras.losses.categorical_crossentropy(labels, network(images, training=True))
        loss = tf.reduce_mean(losses) + sum(network.losses)
    return [loss, *tape.gradient(loss, network.trainable_variables)]


def center(outputs):
    """A reader's own, which looks at the whole batch."""
    return outputs - keras.ops.mean(outputs, axis=0) / 2


normalization = keras.layers.BatchNormalization

# What is printed of each: None where the layers are the fast ones
CHANGES = {
    "as published": (lenet5.build_lenet, None),
    "C1 with 8 filters": (change(C1={"filters": 8}), None),
    "softmax of filters": (change(C1={"activation": "softmax"}, C3={"activation": "softmax"}), None),
    "no biases": (change(C1={"use_bias": False}, C5={"use_bias": False}), None),
    "three colours": (change(input_shape=(32, 32, 3)), None),
    "weight decay": (change(C3={"kernel_regularizer": "l2"}), None),
    "F6 normalised": (change(F6=lambda layer: [layer, normalization()]), None),
    "lambda in F6": (change(F6={"activation": lambda x: center(x)}), None),
    "C3 with kernel 3": (change(C3={"kernel_size": 3}), "C3 has kernel_size (3, 3)"),
    "C1 with strides": (change(C1={"strides": 2}, C5={"kernel_size": 1}), "C1 has strides (2, 2)"),
    "C1 in bfloat16": (change(C1={"dtype": "mixed_bfloat16"}), "C1 has compute_dtype bfloat16"),
    "MaxPool2D": (change(SP2=lambda layer: [keras.layers.MaxPool2D(2, name="SP2")]), "SP2 is a MaxPooling2D layer"),
    "SP2 normalised": (change(SP2=lambda layer: [layer, normalization(name="N")]), "N is a BatchNormalization layer"),
    "lambda in C1": (change(C1={"activation": lambda x: center(x)}), "C1 has a function of your own or looks"),
    "C1 regularised": (change(C1={"activity_regularizer": "l2"}), "C1 has a function of your own or looks"),
    "larger images": (change(input_shape=(36, 36, 1)), "InputLayer of 32x32 pixels"),
    "functional": (change(make=lambda layers: keras.Sequential(layers)._functional), "not a keras.Sequential"),
    "no InputLayer": (change(make=lambda layers: keras.Sequential(layers[1:])), "not a keras.Sequential"),
}


@pytest.mark.parametrize("build, obstacle", CHANGES.values(), ids=CHANGES)
def test_outputs_loss_and_gradients(build, obstacle, batch, capsys):
    network, plain = build_twins(build)
    printed = capsys.readouterr().out
    assert (obstacle in printed and printed.count("\n") == 1) if obstacle else not printed
    assert layers_used(network) == ("keras" if obstacle else "fast") and layers_used(plain) == "keras"
    images = np.resize(np.repeat(batch[0], plain.input_shape[-1], -1), (300, *plain.input_shape[1:]))
    for count in (33,) if build is not lenet5.build_lenet else (1, 2, 7, 128):
        assert np.abs(network(images[:count]) - plain(images[:count])).max() < 1e-6
        assert all(map(is_close, *(compute(each, images[:count], batch[1][:count]) for each in (network, plain))))
    assert all(map(is_close, network.get_weights(), plain.get_weights()))       # what normalisation keeps of the batch


@pytest.mark.parametrize("options", [
    {}, {"learning_rate": .1, "rho": .9, "epsilon": 1e-6}, {"use_ema": True}, {"clipnorm": .01}, {"weight_decay": .1},
    {"learning_rate": keras.optimizers.schedules.ExponentialDecay(1., 1, .5)}], ids=str)
def test_optimizer(options, batch):
    twins = build_twins(lenet5.build_lenet)
    for network in twins:
        optimizer = Adadelta(**dict({"learning_rate": 1.}, **options))
        network.compile(optimizer, keras.losses.categorical_crossentropy, run_eagerly=True)
        for count in 1, 7, 128:
            network.train_on_batch(*(part[:count] for part in batch))
    assert type(twins[0].optimizer) is (Adadelta if "use_ema" in options else fast.Adadelta)
    for name in "weights", "optimizer.variables":
        arrays = [network.get_weights() if name == "weights" else map(np.array, network.optimizer.variables)
                  for network in twins]
        assert all(map(is_close, *arrays)), name


def test_loss_of_a_network_that_is_sure_of_itself(batch):
    """Probabilities of 0 in float32, whose logarithms only a loss that sees the logits has."""
    losses = []
    for network in build_twins(lenet5.build_lenet):
        weights = network.get_weights()
        weights[-2] *= 1e5
        network.set_weights(weights)
        lenet5.compile_lenet(network)
        losses.append(network.evaluate(*batch, batch_size=64, verbose=0)[0])
    assert losses[0] > 100 and is_close(*losses)


@pytest.mark.parametrize("rate", [.25, .3])
def test_dropout_drops_the_stated_fraction_and_scales_by_it(rate):
    """C1 gives ones, a filter of C3 has one unit of SP2's dropout, and C5 has averages of four of them."""
    lenet = keras.Sequential([keras.layers.InputLayer((32, 32, 1)), *change(dropout={"rate": rate})().layers[:7]])
    random, weights = np.random.RandomState(0), [np.zeros_like(weight) for weight in lenet.get_weights()]
    weights[1] += 1
    for kernel in weights[2], weights[4]:
        places = random.permutation(kernel[..., 0].size)[:kernel.shape[-1]]
        kernel.reshape(-1, kernel.shape[-1])[places, range(len(places))] = 1
    lenet.set_weights(weights)
    network, images = accelerate(lenet), np.zeros((10000, 32, 32, 1), "float32")
    assert layers_used(network) == "fast" and (network.predict_on_batch(images[:3]) == 1).all()
    kept, again = (network(images, training=True).numpy() * (1 - rate) * 4 for _ in range(2))
    assert np.abs(kept - kept.round()).max() < 1e-5
    assert abs(kept.mean() / 4 - (1 - rate)) < .001
    assert (kept[:5000].round() != kept[5000:].round()).mean() > .5     # each image has its own
    assert (kept.round() != again.round()).mean() > .5                  # each step, too
