"""accelerate(lenet) can be deleted: fit, evaluate and predict give the same without it, and lenet stays plain Keras."""
import json

import keras
import numpy as np
import pytest

import lenet5
from conftest import import_tensorflow
from reference import build_without_dropout
from support.speed import STEPS, accelerate, layers_used, several_steps

tf = import_tensorflow()
layers = keras.layers


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def change(input_shape=(32, 32, 1), make=keras.Sequential, **changes):
    """Return a function that builds lenet5.py's network with changes.

    changes: by a layer's name, new values of its configuration, or a function
        of it that returns a list of layers to take its place
    """
    def build():
        stack = [layers.InputLayer(input_shape)]
        for layer in lenet5.build_lenet().layers:
            edit = changes.get(layer.name.split("_")[0], {})
            layer = type(layer).from_config(dict(layer.get_config(), **({} if callable(edit) else edit)))
            stack += edit(layer) if callable(edit) else [layer]
        return make(stack)
    return build


def build_twins(build):
    """Return an accelerated network and a plain one, of the same weights and without dropout."""
    twins = accelerate(build()), build()
    for network in twins:
        for layer in network.layers:
            layer.rate = 0
    weights = [weight + np.random.normal(0, .01, weight.shape) for weight in twins[0].get_weights()]
    for network in twins:
        network.set_weights(weights)
    return twins


def is_close(array, expected):
    """True if an array is another up to rounding."""
    return np.linalg.norm(array - expected) <= 1e-5 * np.linalg.norm(expected) + 1e-8


def compute(network, images, labels):
    """Return the loss of one training step with what the layers add to it, and its gradients."""
    with tf.GradientTape() as tape:
        losses = keras.losses.categorical_crossentropy(labels, network(images, training=True))
        loss = tf.reduce_mean(losses) + sum(network.losses)
    return [loss, *tape.gradient(loss, network.trainable_variables)]


def center(outputs):
    """An activation of a user's own, which looks at the whole batch."""
    return outputs - keras.ops.mean(outputs, axis=0) / 2


# What is printed of each: None where the layers are the fast ones
CHANGES = {
    "as published": (lenet5.build_lenet, None),
    "C1 and C3 other": (change(C1={"filters": 8, "activation": "softmax"}, C3={"kernel_regularizer": "l2"}), None),
    "no biases, three colours": (change(input_shape=(32, 32, 3), C1={"use_bias": False}, C5={"use_bias": False}), None),
    "behind C5": (change(F6=lambda layer: [layer, layers.BatchNormalization(), layers.Activation(center)]), None),
    "strides": (change(C1={"strides": 2}, C5={"kernel_size": 1}), "C1 has strides (2, 2)"),
    "bfloat16": (change(C1={"dtype": "mixed_bfloat16"}), "C1 has compute_dtype bfloat16"),
    "normalised": (change(SP2=lambda layer: [layer, layers.BatchNormalization(name="N")]), "N is a BatchNormalization"),
    "lambda": (change(C1={"activation": lambda x: center(x)}), "C1 has an activation that is not Keras' own"),
    "regularised": (change(C1={"activity_regularizer": "l2"}), "C1 has activity_regularizer"),
    "larger images": (change(input_shape=(36, 36, 1)), "InputLayer of 32x32 pixels"),
    "functional": (change(make=lambda stack: keras.Sequential(stack)._functional), "not a keras.Sequential"),
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


def test_layers_are_looked_at_when_they_are_traced(batch):
    network, plain = build_twins(lenet5.build_lenet)
    for each in network, plain:
        each.layers[0].activation = center
        each.compile("sgd", "mse")
    assert layers_used(network) == "keras"
    assert is_close(*(each.predict(batch[0], verbose=0) for each in (network, plain)))


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
    lenet = keras.Sequential([layers.InputLayer((32, 32, 1)), *change(dropout={"rate": rate})().layers[:7]])
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


# What train and the caller's own fit do

def test_lenet_is_plain_keras_after_training(batch, tmp_path):
    lenet = lenet5.build_lenet()
    network = accelerate(lenet)
    lenet5.compile_lenet(network)
    lenet5.train(network, batch, batch, 1, 64, "few")
    lenet.save(tmp_path / "saved.keras")
    lenet.export(str(tmp_path / "exported"), verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    for other in (network, keras.models.load_model(tmp_path / "saved.keras"), exported.serve,
                  keras.Model(lenet.inputs[0], lenet.layers[-1].output)):
        assert np.abs(np.array(other(batch[0])) - np.array(lenet(batch[0]))).max() < 1e-6


def squares(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred), -1)       # float32 only where Keras' fit makes the labels so


def test_fit_is_that_of_the_plain_network(batch):
    histories = []
    for network in accelerate(build_without_dropout()), build_without_dropout():
        schedule = keras.optimizers.schedules.ExponentialDecay(.1, 1, .5)
        network.compile(keras.optimizers.SGD(schedule), "categorical_crossentropy", metrics=["precision", squares])
        histories.append(network.fit(*batch, sample_weight=np.arange(300) / 150, validation_split=.2, shuffle=False,
                                     verbose=0).history)
    assert histories[0].keys() == histories[1].keys()
    assert np.allclose(list(histories[0].values()), list(histories[1].values()), rtol=1e-4)


@pytest.mark.parametrize("count", [300, 157 * 20 + 20])
def test_several_steps_an_execution_are_the_same_steps(count, batch, capsys):
    network, pair = accelerate(build_without_dropout()), [np.resize(part, (count, *part.shape[1:])) for part in batch]
    lenet5.compile_lenet(network)
    lenet5.train(network, pair, pair, 2, 20, "few")
    steps = -(-count // 20)
    assert network.optimizer.iterations == 2 * steps
    shown = [word for word in capsys.readouterr().out.replace("\x1b[1m", " ").split() if f"/{steps}" in word]
    assert shown and all(int(word.split("/")[0]) <= steps for word in shown)


def test_after_train_each_batch_is_a_step_again(batch):
    network, seen = accelerate(lenet5.build_lenet()), []
    network.compile("sgd", "categorical_crossentropy", steps_per_execution=2)
    with several_steps(network):
        assert network.steps_per_execution == STEPS and tf.data.Options().autotune.enabled is False
    assert network.steps_per_execution == 2 and tf.data.Options().autotune.enabled is None
    network.compile("sgd", "categorical_crossentropy")
    with pytest.raises(FloatingPointError, match="epoch 1"):
        lenet5.train(network, (batch[0], np.full_like(batch[1], np.nan)), batch, 1, 100, "few")
    data = tf.data.Dataset.from_tensor_slices(batch).repeat().batch(25)
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: seen.append(step))
    network.fit(data, steps_per_epoch=5, epochs=2, callbacks=[count], verbose=0)
    assert seen == 2 * list(range(5)) and network.optimizer.iterations == 3 + 10


def test_distribution_strategies_get_plain_keras():
    """Not trained, since TensorFlow 2.21 itself often crashes at the end of an epoch of MirroredStrategy on a CPU."""
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        lenet = lenet5.build_lenet()
        assert accelerate(lenet) is lenet
    assert accelerate(lenet) is lenet


@pytest.mark.parametrize("options", [
    {"run_eagerly": True}, {"loss": "sparse_categorical_crossentropy"}, {"metrics": []},
    {"metrics": ["categorical_accuracy"]}], ids=str)
def test_train_with_other_settings(options, batch):
    network = accelerate(lenet5.build_lenet())
    options = {"optimizer": "adam", "loss": "categorical_crossentropy", "metrics": ["accuracy"], **options}
    network.compile(**options)
    digits = batch[1].argmax(1)
    pair = batch[0], digits if "sparse" in options["loss"] else batch[1]
    result, curves = lenet5.train(network, pair, pair, 1, 100, "few")
    has_accuracy = "accuracy" in options["metrics"]
    assert layers_used(network) == "fast" and set(curves) == ({"acc", "loss"} if has_accuracy else {"loss"})
    right = (network.predict(batch[0], batch_size=100, verbose=0).argmax(1) == digits).mean()
    assert result["test_accuracy"] == (pytest.approx(right) if has_accuracy else None)
    assert json.dumps(result)
