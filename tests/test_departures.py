"""Each departure from the paper is what it says, alone and with the others, and so is the paper's own training."""
import importlib
import sys

import keras
import numpy as np
import pytest

import lenet5
from conftest import import_tensorflow, slice_mnist
from values import load

tf = import_tensorflow()
jax = pytest.importorskip("jax", reason="needs JAX: tests/requirements-backends.txt")
departures, sdlm = importlib.import_module("departures"), importlib.import_module("sdlm")      # which take it

SCALE, J = .07, 3.      # of the criterion


@pytest.fixture
def random():
    return np.random.RandomState(0)


@pytest.fixture
def weights(random):
    """Weights of the paper's network, so large that no layer is nearly linear."""
    return [tuple(np.float32(random.normal(0, 2 / np.sqrt(weight.size / bias.size), values.shape))
                  for values in (weight, bias)) for weight, bias in sdlm.initial_weights(0)]


def build(name):
    network = departures.build(name)
    departures.compile_departure(network, name, **departures.CANDIDATES.get(name, [{}])[0])
    return network


@pytest.mark.parametrize("name, changed", [
    ("none", set()), ("tanh", {"C1", "C3", "C5", "F6"}), ("subsampling", {"SP2", "SP4"}), ("table", {"C3"}),
    ("f6", {"F6", "Output"}), ("rbf", {"F6", "Output", "loss"}), ("no-dropout", {"dropout"}), ("inputs", set()),
    ("sgd", {"optimizer"})])
def test_departure_changes_one_thing(name, changed):
    def describe(network):
        def settings(part):     # those of departures.py's own layers are fixed
            return type(part).__module__ == "departures" or dict(part.get_config(), name=None)
        return [(layer.name.split("_")[0], type(layer), layer.count_params(), settings(layer))
                for layer in network.layers] + [("loss", network.loss), ("optimizer", settings(network.optimizer))]

    lenet = lenet5.build_lenet()
    lenet5.compile_lenet(lenet)
    pairs = list(zip(describe(lenet), describe(build(name)), strict=True))
    assert {part for (part, *before), (same, *after) in pairs if before != after or part != same} == changed


def test_parameters_of_the_paper():
    network = build("paper")
    assert [layer.count_params() for layer in network.layers if layer.weights] == [156, 12, 1516, 32, 48120, 10164]
    assert {layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)} == {0}
    start, = [layer.get_weights()[0] for layer in network.layers if layer.name == "C3"]
    bound = np.sqrt(6 / (25 * (6 + 16)))        # Keras' for all connections
    assert bound * .95 < abs(start).max() <= bound


@pytest.mark.parametrize("name, low, high", [("none", 0, 1), ("inputs", -.1, 1.175), ("paper", -.1, 1.175)])
def test_inputs(digits, name, low, high):
    images, _ = departures.prepare(name, digits["x_test"], digits["y_test"])
    assert np.allclose(images, low + (high - low) * lenet5.pad_and_scale(digits["x_test"]), atol=1e-6)


def test_table_and_codes():
    seen = [column.nonzero()[0].tolist() for column in sdlm.TABLE.T]
    assert seen == [sorted((first + step) % 6 for step in steps) for steps, count in (
        ([0, 1, 2], 6), ([0, 1, 2, 3], 6), ([0, 1, 3, 4], 3), (range(6), 1)) for first in range(count)]
    assert sdlm.CODES.shape == (10, 84) and set(sdlm.CODES.ravel()) == {-1, 1}
    assert sdlm.CODES[7].reshape(12, 7)[-2].tolist() == [-1, -1, 1, 1, -1, -1, -1]


def connections(table, size, window, stride=1):
    """Return a layer's (output unit, input unit, weight) as three rows; the input -1, for biases, is 1.

    table: which maps (columns), of size x size, each of the layer's maps (rows) sees through windows
    stride: of the windows; with 2, as in subsampling, all of a window's connections have the same weight
    """
    to, seen = np.nonzero(table)
    side = (size - window) // stride + 1
    pair, i, j, row, column = np.indices((len(to), window, window, side, side)).reshape(5, -1)
    weight = pair if stride == 2 else (pair * window + i) * window + j
    units = np.arange(len(table) * side ** 2)
    inputs = (seen[pair] * size + stride * row + i) * size + stride * column + j
    return np.concatenate([[(to[pair] * side + row) * side + column, inputs, weight],
                           [units, np.full_like(units, -1), weight.max() + 1 + units // side ** 2]], 1)


CONNECTIONS = [
    connections(np.ones((6, 1)), 32, 5), connections(np.eye(6), 28, 2, 2), connections(sdlm.TABLE.T, 14, 5),
    connections(np.eye(16), 10, 2, 2), connections(np.ones((120, 16)), 5, 5), connections(np.ones((84, 120)), 1, 1)]


def test_second_derivatives_connection_by_connection(weights, random):
    image = np.float32(random.normal(size=(1, 32, 32)))
    inputs, passed = image.ravel().astype(float), []
    for (unit, other, index), parameters in zip(CONNECTIONS, weights):
        inputs, values = np.append(inputs, 1.), np.concatenate([np.ravel(values) for values in parameters])
        sums = np.bincount(unit, values[index] * inputs[other])
        passed.append((unit, other, index, inputs, values, sums))
        inputs = 1.7159 * np.tanh(2 / 3 * sums)
    assert np.allclose(sdlm.forward(weights, image), inputs, atol=1e-4)

    distances = SCALE * ((inputs - sdlm.CODES) ** 2).sum(1)
    total = np.exp(-J) + np.exp(-distances).sum()
    assert np.isclose(sdlm.energy(weights, image, 3, SCALE, J), distances[3] + np.log(total), rtol=1e-4)
    share = np.exp(-distances) / total
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


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(departures, "PATH", tmp_path / "results.json")


def test_script_takes_up_where_it_stopped(path, monkeypatch):
    monkeypatch.setattr(departures.mnist, "load_digits", lambda tiny=slice_mnist(40, 20): tiny)
    monkeypatch.setattr(departures.Constants, "EPOCHS", 1)
    for seeds in 1, 2:
        monkeypatch.setattr(sys, "argv", ["departures.py", "none", "--seeds", str(seeds)])
        departures.main()
        runs = departures.load()["runs"]
        assert [(run["departure"], run["seed"]) for run in runs] == [("none", seed) for seed in range(seeds)]
        assert runs[0]["parameters"] == 67470 and runs[0]["epochs"] == 1


def test_choice_never_sees_what_it_is_judged_by(path, monkeypatch):
    seen, accuracies = [], iter([.97, .99, .98, .96])
    monkeypatch.setattr(departures, "HELD_OUT", 3)
    monkeypatch.setattr(departures, "train", lambda name, seed, digits, *_: seen.append(digits[0].tolist()))
    monkeypatch.setattr(departures, "evaluate", lambda _, digits: (seen.append(digits[0].tolist()), next(accuracies)))
    for _ in range(2):      # the second time from the file
        assert departures.choose("sgd", [np.arange(10)] * 2) == departures.CANDIDATES["sgd"][1]
    assert seen == 4 * [list(range(7)), [7, 8, 9]]
    assert departures.choose("none", [np.arange(10)] * 2) == {}


def test_results():
    results = load("departures", "results.json")
    runs = [(run["departure"], run["seed"]) for run in results["runs"]]
    assert sorted(runs) == sorted((name, seed) for name, count in departures.SEEDS.items() for seed in range(count))
    for name in departures.DEPARTURES:
        parameters = build(name).count_params()
        assert all(run["parameters"] == parameters for run in results["runs"] if run["departure"] == name)
        tried = [choice["settings"] for choice in results["choices"] if choice["departure"] == name]
        assert tried == departures.CANDIDATES.get(name, [])
