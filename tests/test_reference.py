"""The network computes on this stack what it computed on the published one."""
import os
import subprocess

import keras
import numpy as np
import pytest
import tensorflow as tf

import lenet5
from constants import Constants
from reference import BATCH, STEPS, make_batches, prepare

REFERENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference")
OUTPUTS, GRADIENTS = 1e-6, 1e-5      # of the softmax; of a gradient's norm
TOLERANCES = {1: 5e-5, 2: 1e-4, 5: 4e-4, 10: 1e-3}     # of an array's norm; rounding grows with every step


def load(name):
    with np.load(os.path.join(REFERENCE, name)) as file:
        return dict(file)


def distance(array, reference):
    return np.linalg.norm(array - reference) / max(np.linalg.norm(reference), 1e-30)


@pytest.fixture(params=[False, True], ids=["as Keras has it", "fast"])
def lenet(request):
    lenet = lenet5.build_lenet(fast=request.param)
    prepare(lenet)
    return lenet


def train(lenet):
    """Return the distance of the worst array after each of the reference's steps."""
    worst = {}
    for step, (images, labels) in enumerate(make_batches(), 1):
        lenet.train_on_batch(images, labels)
        if step in STEPS:
            reference = load(f"step-{step}.npz")
            accumulators = {name: [variable.numpy() for variable in lenet.optimizer.variables if name in variable.path]
                            for name in ("accumulated_grad", "accumulated_delta_var")}
            arrays = {"weight": lenet.get_weights(), "squares": accumulators["accumulated_grad"],
                      "updates": accumulators["accumulated_delta_var"]}
            assert sum(map(len, arrays.values())) == len(reference) == 30
            worst[step] = max(distance(array, reference[f"{name}_{i}"])
                              for name, group in arrays.items() for i, array in enumerate(group))
    return worst


def test_outputs_and_loss(lenet):
    reference, (images, labels) = load("start.npz"), make_batches()[0]
    assert abs(lenet.predict_on_batch(images) - reference["softmax"]).max() < OUTPUTS
    assert abs(lenet.test_on_batch(images, labels)[0] - reference["loss"]) < OUTPUTS


def test_gradients(lenet):
    reference, (images, labels) = load("start.npz"), make_batches()[0]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.categorical_crossentropy(labels, lenet(images, training=True)))
    gradients = tape.gradient(loss, lenet.trainable_variables)
    assert len(gradients) == 10
    for i, gradient in enumerate(gradients):
        assert distance(gradient.numpy(), reference[f"gradient_{i}"]) < GRADIENTS


def test_training_steps(lenet):
    worst = train(lenet)
    assert all(worst[step] < TOLERANCES[step] for step in STEPS), worst


@pytest.mark.parametrize("wrong", [
    {"epsilon": 1e-6}, {"epsilon": 1e-8}, {"rho": .9}, {"learning_rate": .99}, None], ids=str)
def test_wrong_optimizer_is_noticed(wrong):
    lenet = lenet5.build_lenet()
    right = {"learning_rate": Constants.LEARNING_RATE, "rho": Constants.RHO, "epsilon": Constants.EPSILON}
    optimizer = keras.optimizers.Adadelta(**dict(right, **wrong)) if wrong else keras.optimizers.Adadelta()
    lenet.compile(loss=lenet.loss, optimizer=optimizer)
    prepare(lenet)
    worst = train(lenet)
    assert all(worst[step] > TOLERANCES[step] for step in STEPS), worst


def test_published_stack_computes_the_reference(request, tmp_path):
    python = request.config.getoption("--python36")
    if not python:
        pytest.skip("needs the published stack: --python36 PATH, see the README")
    subprocess.run([python, os.path.join(REFERENCE, "reference.py"), str(tmp_path)], check=True,
                   stderr=subprocess.DEVNULL)
    for name in ["start.npz"] + [f"step-{step}.npz" for step in STEPS]:
        reference = load(name)
        with np.load(str(tmp_path / name)) as again:
            assert set(again) == set(reference)
            assert max(distance(again[key], reference[key]) for key in reference) < 1e-5


def test_batches_are_of_the_published_size():
    assert BATCH == Constants.BATCH_SIZE and len(make_batches()) == max(STEPS)
