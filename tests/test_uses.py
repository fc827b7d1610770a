"""What is done with a trained network; and fit and evaluate of an accelerated one do what the caller asks for."""
import contextlib
import copy
import json
import pickle
from multiprocessing.pool import ThreadPool

import keras
import numpy as np
import pytest
import tensorflow as tf

import lenet5
from reference import build_without_dropout
from support.speed.accelerate import layers_used


@pytest.fixture(scope="module")
def trained(batch):
    """The plain network, and the accelerated one by which it was trained."""
    lenet = lenet5.build_lenet()
    network = lenet5.accelerate(lenet)
    lenet5.compile_lenet(network)
    lenet5.train(network, batch, batch, 1, 64, "few")
    return lenet, network


def export(network, path):
    network.export(path, verbose=False)
    loaded = tf.saved_model.load(path)
    return lambda images: loaded.serve(images)


def convert(network, _):
    interpreter = tf.lite.Interpreter(model_content=tf.lite.TFLiteConverter.from_keras_model(network).convert())
    (name, (given,)), = ((name, each["inputs"]) for name, each in interpreter.get_signature_list().items())
    return lambda images: interpreter.get_signature_runner(name)(**{given: images})["output_0"]


def check_point(network, path):
    saved, other = tf.train.Checkpoint(model=network).save(path), lenet5.build_lenet()
    tf.train.Checkpoint(model=other).restore(saved).assert_existing_objects_matched()
    return other


def save_weights(network, path):
    other = lenet5.build_lenet()
    network.save_weights(path)
    other.load_weights(path)
    return other


def save(network, path):
    network.save(path)
    loaded = keras.models.load_model(path)
    assert type(loaded) is keras.Sequential
    return loaded


USES = {
    "export": export, "TFLite": convert, "checkpoint": check_point, ".weights.h5": save_weights, ".keras": save,
    ".h5": save, "pickle": lambda network, _: pickle.loads(pickle.dumps(network)),
    "copy": lambda network, _: copy.deepcopy(network),
    "a layer's maps": lambda network, _: keras.Model(network.inputs[0], network.layers[-1].output)}


@pytest.mark.filterwarnings("error:Skipping variable loading")
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
@pytest.mark.parametrize("name, which", [(name, 0) for name in USES] + [
    (name, 1) for name in ("checkpoint", ".keras", ".h5", "pickle", "a layer's maps")])
def test_trained_network_in_use(trained, batch, tmp_path, name, which):
    lenet, images = trained[0], batch[0]
    other = USES[name](trained[which], str(tmp_path / ("saved" + name)))
    assert np.abs(np.array(other(images)) - np.array(lenet(images))).max() < 1e-6


def test_fit_and_evaluate_do_what_the_caller_asks_for(batch):
    """The accelerated network gives what one gives that knows nothing of it."""
    images, labels = batch
    options, weights = {"shuffle": False, "verbose": 0, "batch_size": 100}, np.arange(300) / 150
    calls = {
        "byte order": lambda network: network.fit(images.astype(">f4"), labels.astype(">f8"), **options).history,
        "integers": lambda network: network.fit((255 * images).astype("uint8"), labels, **options).history,
        "weights": lambda network: network.fit(*batch, sample_weight=weights, validation_split=.2, **options).history,
        "classes": lambda network: network.fit(*batch, class_weight={3: 0., 4: 2.}, **options).history,
        "batch": lambda network: network.train_on_batch(images[:9], labels[:9], return_dict=True)}
    twins = lenet5.accelerate(build_without_dropout()), build_without_dropout()
    for network in twins:
        network.compile("sgd", "categorical_crossentropy", metrics=["accuracy", "precision"], run_eagerly=True)
    for name, call in calls.items():
        ours, expected = (call(network) for network in twins)
        assert ours.keys() == expected.keys(), name
        assert np.allclose(list(ours.values()), list(expected.values()), rtol=1e-4), name


def test_after_train_each_batch_is_a_step_again(batch):
    network, seen = lenet5.accelerate(lenet5.build_lenet()), []
    with pytest.raises(ValueError, match="compile()"):
        lenet5.train(network, batch, batch, 1, 100, "few")
    network.compile("sgd", "categorical_crossentropy")
    with pytest.raises(FloatingPointError, match="epoch 1"):
        lenet5.train(network, (batch[0], np.full_like(batch[1], np.nan)), batch, 1, 100, "few")
    data = tf.data.Dataset.from_tensor_slices(batch).repeat().batch(25)
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: seen.append(step))
    network.fit(data, steps_per_epoch=5, epochs=2, callbacks=[count], verbose=0)
    assert seen == 2 * list(range(5)) and network.optimizer.iterations == 3 + 10
    network.set_weights(build_without_dropout().get_weights())
    expected = network.evaluate(batch[0][:125], batch[1][:125], verbose=0)
    assert network.evaluate(data, steps=5, verbose=0) == pytest.approx(expected)
    rows = [20, 70, 150, 300]
    predictions = ThreadPool(4).map(lambda count: network.predict(batch[0][:count], batch_size=8, verbose=0), rows)
    assert list(map(len, predictions)) == rows


@pytest.mark.parametrize("name, layers, options", [
    ("policy", "keras", {}), ("strategy", "keras", {}), ("eagerly", "fast", {"run_eagerly": True}),
    ("whole numbers as labels", "fast", {"loss": "sparse_categorical_crossentropy"}),
    ("no metric", "fast", {"metrics": [], "steps_per_execution": 2}),
    *([("a metric of ten values", "fast", {"metrics": ["accuracy", keras.metrics.F1Score()]})]
      if keras.__version__ >= "3.13" else [])])     # before, Keras' progress bar takes no arrays
def test_train_with_other_settings(name, layers, options, batch, request, monkeypatch):
    keras.utils.set_random_seed(0)      # bfloat16 leaves near ties, which batches of another size may decide otherwise
    monkeypatch.setattr(lenet5.pictures, "draw_curves", lambda *arguments: None)
    if name == "policy":
        request.addfinalizer(lambda: keras.mixed_precision.set_global_policy("float32"))
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope() if name == "strategy" else contextlib.nullcontext():
        lenet = lenet5.build_lenet()
        assert name != "strategy" or lenet5.accelerate(lenet) is lenet
        options = {"optimizer": "adam", "loss": "categorical_crossentropy", "metrics": ["accuracy"], **options}
        lenet.compile(**options)
    network = lenet5.accelerate(lenet)
    if network is not lenet:
        network.compile(**options)
    digits = batch[1].argmax(1)
    pair = batch[0], digits if "sparse" in options["loss"] else batch[1]
    result, _ = lenet5.train(network, pair, pair, 1, 100, "few")
    assert layers_used(network) == layers and network.steps_per_execution == options.get("steps_per_execution", 1)
    right = (lenet(batch[0]).numpy().argmax(1) == digits).mean()
    assert result["test_accuracy"] == (pytest.approx(right) if options["metrics"] else None)
    assert json.dumps(result)
