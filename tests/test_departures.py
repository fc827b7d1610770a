"""Each departure from the paper is what it says, alone and with the others, and so is the paper's own training."""
import importlib
import json
import os
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import lenet5
from conftest import slice_mnist

jax = pytest.importorskip("jax", reason="needs JAX: tests/requirements-backends.txt")
departures, sdlm = importlib.import_module("departures"), importlib.import_module("sdlm")      # which take it

SCALE, J = .07, 3.      # of the criterion


@pytest.fixture
def random():
    return np.random.RandomState(0)


@pytest.fixture
def weights(random):
    """Weights of the paper's network, as large as it takes for no layer to be nearly linear."""
    return [tuple(np.float32(random.normal(0, 2 / np.sqrt(weight.size / bias.size), values.shape))
                  for values in (weight, bias)) for weight, bias in sdlm.initial_weights(0)]


@pytest.fixture
def image(random):
    return np.float32(random.normal(size=(1, 32, 32)))


@pytest.fixture
def tiny():
    return slice_mnist(40, 20)


def build(name):
    network = departures.build(name)
    departures.compile_departure(network, name, **departures.CANDIDATES.get(name, [{}])[0])
    return network


def squash(sums):
    return 1.7159 * np.tanh(2 / 3 * sums)


# The departures in Keras


@pytest.mark.parametrize("name, changed", [
    ("none", set()), ("tanh", {"C1", "C3", "C5", "F6"}), ("subsampling", {"SP2", "SP4"}), ("table", {"C3"}),
    ("f6", {"F6", "Output"}), ("rbf", {"F6", "Output", "loss"}), ("no-dropout", {"dropout"}), ("inputs", set()),
    ("sgd", {"optimizer"})])
def test_departure_changes_one_thing(name, changed):
    def describe(network):
        own = list(vars(departures).values())       # whose settings are fixed
        layers = [(layer.name.split("_")[0], (type(layer), layer.count_params(), type(layer) in own
                                              or dict(layer.get_config(), name=None))) for layer in network.layers]
        return layers + [("loss", network.loss), ("optimizer", dict(network.optimizer.get_config(), name=None))]

    lenet = lenet5.build_lenet()
    lenet5.compile_lenet(lenet)
    published, other = describe(lenet), describe(build(name))
    assert [part for part, _ in published] == [part for part, _ in other]
    assert {part for (part, before), (_, after) in zip(published, other) if before != after} == changed


def test_parameters_of_the_paper():
    for name in "paper", "paper-sdlm":
        network = build(name)
        counts = [layer.count_params() for layer in network.layers if layer.weights]
        assert counts == [156, 12, 1516, 32, 48120, 10164]
        assert network.count_params() == sum(weight.numpy().size for weight in network.trainable_weights) == 60000
        assert {layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)} == {0}
    assert sum(weight.size for weight in jax.tree.leaves(sdlm.initial_weights(0))) == 60000


def test_inputs(tiny):
    published, _ = departures.prepare("none", tiny["x_test"], tiny["y_test"])
    for name in "inputs", "paper", "paper-sdlm":
        images, _ = departures.prepare(name, tiny["x_test"], tiny["y_test"])
        assert np.allclose([images.min(), images.max()], [-.1, 1.175])
        assert np.allclose((images + .1) / 1.275, published, atol=1e-6)


def test_squashing(random):
    sums = np.float32(random.normal(size=100))
    assert np.allclose(departures.squash(sums), squash(sums), atol=1e-6)
    assert np.allclose(build("tanh").get_layer("F6").activation(sums), squash(sums), atol=1e-6)


def test_subsampling(random):
    maps = np.float32(random.normal(size=(2, 4, 6, 3)))
    layer = departures.Subsampling()
    layer.build(maps.shape)
    coefficient, bias = random.normal(size=(2, 3))
    layer.set_weights([coefficient, bias])
    for image, row, column, channel in np.ndindex(2, 2, 3, 3):
        total = sum(maps[image, 2 * row + i, 2 * column + j, channel] for i in (0, 1) for j in (0, 1))
        expected = squash(coefficient[channel] * total + bias[channel])
        assert np.isclose(layer(maps)[image, row, column, channel], expected, atol=1e-5)


def test_table(random):
    table = sdlm.TABLE
    assert table.shape == (6, 16) and (table.sum(0) == [3] * 6 + [4] * 9 + [6]).all() and (table.sum(1) == 10).all()
    assert len(set(map(tuple, table.T))) == 16
    assert table[:, 0].nonzero()[0].tolist() == [0, 1, 2] and table[:, 12].nonzero()[0].tolist() == [0, 1, 3, 4]

    layer = departures.TableConv2D(squash)
    maps = np.float32(random.normal(size=(1, 14, 14, 6)))
    layer.build(maps.shape)
    bound = np.sqrt(6 / (25 * (6 + 16)))        # Keras' for C3
    assert bound * .95 < abs(layer.get_weights()[0]).max() <= bound
    kernels, bias = random.normal(size=(5, 5, 60)), random.normal(size=16)
    layer.set_weights([kernels, bias])
    windows = np.lib.stride_tricks.sliding_window_view(maps[0], (5, 5), (0, 1))     # (10, 10, 6, 5, 5)
    kernels = iter(np.moveaxis(kernels, -1, 0))
    for channel in range(16):
        sums = bias[channel] + sum((windows[:, :, seen] * next(kernels)).sum((2, 3))
                                   for seen in range(6) if table[seen, channel])
        assert np.allclose(layer(maps)[0, ..., channel], squash(sums), atol=1e-4)


def test_codes_and_criterion(random):
    assert sdlm.CODES.shape == (10, 84) and set(sdlm.CODES.ravel()) == {-1, 1}
    seven = sdlm.CODES[7].reshape(12, 7)
    assert (seven[1] == 1).all() and seven[-2].tolist() == [-1, -1, 1, 1, -1, -1, -1]
    units, labels = np.float32(random.normal(size=(5, 84))), [3, 1, 4, 1, 5]
    outputs = departures.RadialBasis()(units)
    losses = departures.equation_9(SCALE, J)(np.eye(10, dtype="float32")[labels], outputs)
    for unit, label, output, loss in zip(units, labels, outputs, losses):
        distances = [SCALE * sum((unit[k] - code[k]) ** 2 for k in range(84)) for code in sdlm.CODES]
        expected = distances[label] + np.log(np.exp(-J) + sum(np.exp(-distance) for distance in distances))
        assert np.allclose(-SCALE * np.asarray(output), distances, rtol=1e-4)
        assert np.isclose(loss, expected, rtol=1e-4)
        assert np.isclose(sdlm.criterion(unit, label, SCALE, J), expected, rtol=1e-4)


# The paper's network as the list of its connections: (output unit, input unit, weight), the input -1 being 1


def convolution(seen, size):
    """Connections of maps that see those maps, of size x size."""
    rows, columns = np.mgrid[:size - 4, :size - 4].reshape(2, -1)
    kernels, biases, weight = [], [], 0
    for channel in range(len(seen)):
        units = channel * (size - 4) ** 2 + np.arange(len(rows))
        for other in seen[channel]:
            for i, j in np.ndindex(5, 5):
                kernels += zip(units, other * size ** 2 + (rows + i) * size + columns + j, [weight] * len(units))
                weight += 1
        biases += [(unit, -1, channel) for unit in units]
    return kernels + [(unit, one, weight + channel) for unit, one, channel in biases]


def averaging(channels, size):
    """Connections of channels maps of size x size, four inputs and a bias for each unit."""
    units = np.arange(channels * size ** 2 // 4)
    channel, row, column = np.unravel_index(units, (channels, size // 2, size // 2))
    return [connection for i, j in np.ndindex(2, 2) for connection in zip(
            units, channel * size ** 2 + (2 * row + i) * size + 2 * column + j, channel)] + [
            (unit, -1, channels + of) for unit, of in zip(units, channel)]


def whole(outputs, inputs):
    """Connections of every output with every input."""
    return [(unit, other, unit * inputs + other) for unit, other in np.ndindex(outputs, inputs)] + [
            (unit, -1, outputs * inputs + unit) for unit in range(outputs)]


CONNECTIONS = [
    convolution([[0]] * 6, 32), averaging(6, 28), convolution([column.nonzero()[0] for column in sdlm.TABLE.T], 14),
    averaging(16, 10), whole(120, 400), whole(84, 120)]


def test_connections_of_the_paper():
    assert [len(layer) for layer in CONNECTIONS] == [122304, 5880, 151600, 2000, 48120, 10164]


def test_second_derivatives_connection_by_connection(weights, image):
    inputs, passed = image.ravel().astype(float), []
    for connections, parameters in zip(CONNECTIONS, weights):
        unit, other, index = np.array(connections).T
        inputs, values = np.append(inputs, 1.), np.concatenate([np.ravel(values) for values in parameters])
        sums = np.bincount(unit, values[index] * inputs[other])
        passed.append((unit, other, index, inputs, values, sums))
        inputs = squash(sums)
    assert np.allclose(sdlm.forward(weights, image), inputs, atol=1e-4)

    distances = SCALE * ((inputs - sdlm.CODES) ** 2).sum(1)
    share = np.exp(-distances) / (np.exp(-J) + np.exp(-distances).sum())
    pull = 2 * SCALE * (inputs - sdlm.CODES)        # each distance's derivative by each unit
    curvature = 2 * SCALE * (1 - share.sum()) + share @ pull ** 2 - (share @ pull) ** 2
    estimates = jax.jit(sdlm.second_derivatives)(weights, image, 3, SCALE, J)
    for (unit, other, index, inputs, values, sums), estimate in zip(reversed(passed), reversed(estimates)):
        slope = 1.7159 * 2 / 3 * (1 - np.tanh(2 / 3 * sums) ** 2)
        curvature = (slope ** 2 * curvature)[unit]
        expected = np.bincount(index, curvature * inputs[other] ** 2)
        assert np.allclose(np.concatenate([np.ravel(values) for values in estimate]), expected, rtol=1e-2,
                           atol=1e-5 * expected.max())
        curvature = np.bincount(other % len(inputs), curvature * values[index] ** 2, len(inputs))[:-1]


def test_second_derivatives_are_exact_in_the_last_layers(weights, image, monkeypatch):
    """Where the criterion is equation 8 and no squashing has a second derivative, which the method leaves out."""
    monkeypatch.setattr(sdlm, "squash", lambda sums: 1.2 * sums)
    estimates = jax.jit(lambda *arguments: sdlm.second_derivatives(*arguments))(weights, image, 3, SCALE, -1e3)
    for layer, place in (5, (60, 100)), (4, (60, 200)):     # of F6 and C5
        def energy(value):
            changed = list(weights)
            matrix, bias = weights[layer]
            changed[layer] = jax.numpy.asarray(matrix).at[place].set(value), bias
            return sdlm.energy(changed, image, 3, SCALE, -1e3)
        exact = jax.jit(jax.grad(jax.grad(energy)))(weights[layer][0][place])
        assert np.isclose(estimates[layer][0][place], exact, rtol=1e-3)


def test_a_step_is_that_of_keras_gradients(weights, random):
    image = random.randint(0, 256, (1, 28, 28)).astype("uint8")
    network = departures.build("paper-sdlm")
    departures.compile_departure(network, "paper-sdlm", SCALE, J)
    network.set_weights(sdlm.to_keras(weights))
    maps, label = departures.prepare("paper-sdlm", image, [3])
    assert np.allclose(network(maps)[0], -((sdlm.forward(weights, maps[..., 0]) - sdlm.CODES) ** 2).sum(1), rtol=1e-3)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(network.loss(label, network(maps)))
    gradients = [gradient.numpy() for gradient in tape.gradient(loss, network.trainable_weights)]
    rates = jax.tree.map(lambda weight: np.float32(random.uniform(.5, 1, weight.shape)), weights)
    maps = maps.transpose(0, 3, 1, 2)
    after, criterion = sdlm.train_pass(weights, rates, maps, np.array([3]), np.array([0]), SCALE, J)
    assert np.isclose(criterion, loss, rtol=1e-3)
    before, rates, after = map(sdlm.to_keras, [weights, rates, after])
    for start, gradient, rate, end in zip(before, gradients, rates, after):
        assert np.allclose(start - rate * gradient, end, atol=1e-3 * abs(rate * gradient).max())


# The script


def test_script_takes_up_where_it_stopped(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(departures, "PATH", str(tmp_path / "results.json"))
    monkeypatch.setattr(departures.mnist, "load_digits", lambda: tiny)
    monkeypatch.setattr(departures.Constants, "EPOCHS", 1)
    for seeds in 1, 2:
        monkeypatch.setattr(sys, "argv", ["departures.py", "none", "--seeds", str(seeds)])
        departures.main()
        runs = departures.load()["runs"]
        assert [(run["departure"], run["seed"]) for run in runs] == [("none", seed) for seed in range(seeds)]
        assert runs[0]["parameters"] == 67470 and runs[0]["epochs"] == 1
    assert os.listdir(tmp_path) == ["results.json"]


def test_choice_never_sees_what_it_is_judged_by(tmp_path, monkeypatch):
    seen, accuracies = [], iter([.97, .99, .98, .96])

    def train(name, seed, training, settings, epochs):
        seen.append([values.tolist() for values in training])

    def evaluate(network, digits):
        assert [values.tolist() for values in digits] == [[7, 8, 9]] * 2
        return 0, next(accuracies)

    monkeypatch.setattr(departures, "PATH", str(tmp_path / "results.json"))
    monkeypatch.setattr(departures, "HELD_OUT", 3)
    monkeypatch.setattr(departures, "train", train)
    monkeypatch.setattr(departures, "evaluate", evaluate)
    for _ in range(2):      # the second time from the file
        assert departures.choose("sgd", [np.arange(10)] * 2) == departures.CANDIDATES["sgd"][1]
    assert seen == [[list(range(7))] * 2] * 4
    assert departures.choose("none", [np.arange(10)] * 2) == {}


def test_results():
    with open(departures.PATH) as file:
        results = json.load(file)
    runs = [(run["departure"], run["seed"]) for run in results["runs"]]
    assert sorted(runs) == sorted((name, seed) for name, count in departures.SEEDS.items() for seed in range(count))
    for name in departures.DEPARTURES:
        parameters = build(name).count_params()
        assert all(run["parameters"] == parameters for run in results["runs"] if run["departure"] == name)
        tried = [choice["settings"] for choice in results["choices"] if choice["departure"] == name]
        assert tried == departures.CANDIDATES.get(name, [])
