"""Today's stack computes what the published one computed, by Keras' own layers and by the accelerated ones."""
import re
import subprocess

import keras
import numpy as np
import pytest

from conftest import import_tensorflow
from lenet5 import accelerate, compile_lenet
from reference import (AVERAGES, GRADIENTS, LOSS, OUTPUTS, STEPS, WEIGHTS, build_without_dropout, make_batches,
                       name_arrays)
from values import HERE

tf = import_tensorflow()
REFERENCE = HERE / "reference"


def load(name, folder=REFERENCE):
    with np.load(folder / name) as file:
        return dict(file)


def find_worst(arrays, reference):
    """Return the largest distance of an array from the reference's of its name, relative to the latter's norm."""
    return max(np.linalg.norm(array - reference[name]) / np.linalg.norm(reference[name])
               for name, array in arrays.items())


@pytest.fixture(params=[lambda lenet: lenet, accelerate], ids=["as Keras has it", "accelerated"])
def lenet(request):
    network = request.param(build_without_dropout())
    compile_lenet(network)
    return network


def test_outputs_loss_and_gradients(lenet):
    reference, (images, labels) = load("start.npz"), make_batches()[0]
    assert abs(lenet.predict_on_batch(images) - reference["softmax"]).max() < OUTPUTS
    assert abs(lenet.test_on_batch(images, labels)[0] - reference["loss"]) < LOSS
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.categorical_crossentropy(labels, lenet(images, training=True)))
    gradients = tape.gradient(loss, lenet.trainable_variables)
    assert len(gradients) == 10
    assert find_worst(name_arrays(gradient=gradients), reference) < GRADIENTS


def test_training_steps(lenet):
    for step, (images, labels) in enumerate(make_batches(), 1):
        lenet.train_on_batch(images, labels)
        if step in STEPS:
            reference = load(f"step-{step}.npz")
            squares, updates = ([variable.numpy() for variable in lenet.optimizer.variables if name in variable.path]
                                for name in ("accumulated_grad", "accumulated_delta_var"))
            assert find_worst(name_arrays(weight=lenet.get_weights()), reference) < WEIGHTS[step]
            assert find_worst(name_arrays(squares=squares, updates=updates), reference) < AVERAGES


def test_published_stack_computes_the_reference(request, tmp_path):
    python = request.config.getoption("--python36")
    if not python:
        pytest.skip("needs the published stack: --python36 PATH")
    subprocess.run([python, REFERENCE / "reference.py", tmp_path], check=True, stderr=subprocess.DEVNULL)
    for name in ["start.npz"] + [f"step-{step}.npz" for step in STEPS]:
        computed, reference = load(name, tmp_path), load(name)
        # C1's and C3's biases: 100,352 and 12,800 terms are added, in an order that is the processor's
        summed = {key: computed.pop(key) for key in list(computed) if re.fullmatch("(squares|updates)_[13]", key)}
        assert find_worst(computed, reference) < 1e-6, name
        assert not summed or find_worst(summed, reference) < AVERAGES, name
