"""The network's picture shows what the layers made of the image, whatever the network."""
import io
import logging

import keras
import numpy as np
import pytest
from PIL import Image

import lenet5
from support.reading import network_picture

layers = keras.layers
CONVOLUTIONS = [layers.Conv2D(8, 3, activation="tanh", name="C1"), layers.MaxPooling2D(2, name="SP2"),
                layers.BatchNormalization(), layers.Conv2D(7, (5, 3), activation="elu", name="C3")]


def build(*stack):
    return keras.Sequential([layers.InputLayer((32, 32, 1)), *stack])


@pytest.fixture(scope="module")
def image():
    return np.random.RandomState(0).random_sample((32, 32, 1)).astype("float32")


@pytest.fixture
def undrawn(monkeypatch):
    monkeypatch.setattr(network_picture, "to_jpeg", lambda figure: figure)


def texts(figure):
    return [text.get_text() for text in figure.texts if text.get_text() != "\u2192"]


def test_lenet5(undrawn, image):
    lenet = lenet5.build_lenet()
    figure = network_picture.draw_network(lenet, image)
    assert texts(figure) == [
        "Input", "32×32", "C1", "conv 5×5\n6@28×28", "SP2", "average 2×2\n6@14×14", "C3", "conv 5×5\n16@10×10",
        "SP4", "average 2×2\n16@5×5", "C5", "conv 5×5\n120 units", "F6", "dense\n128 units", "Output"]
    given, c1, *_, output = figure.axes
    assert np.array_equal(given.images[0].get_array(), image[..., 0])
    expected = np.array(lenet.layers[0](image[np.newaxis]))[0]
    assert np.allclose([drawn.get_array() for drawn in c1.images], expected.transpose(2, 0, 1), atol=1e-6)
    probabilities = lenet.predict(image[np.newaxis], verbose=0)[0]
    assert np.allclose([bar.get_width() for bar in output.patches], np.maximum(probabilities, .01), atol=1e-6)
    read, bold = probabilities.argmax(), [text for text in output.texts if text.get_fontweight() == "bold"]
    assert [text.get_text() for text in bold] == [str(read)]
    assert f"{probabilities[read]:.2f}" in [text.get_text() for text in output.texts]


def test_photograph(undrawn, image):
    photograph = np.zeros((300, 400, 3), np.uint8)
    first, given, *_ = network_picture.draw_network(lenet5.build_lenet(), image, photograph, (100, 120, 150, 200)).axes
    assert first.images[0].get_extent() == [0, 400, 300, 0]
    assert np.array_equal(given.images[0].get_array(), image[..., 0])
    frame = first.patches[-1].get_bbox()
    assert (frame.x0 + frame.x1, frame.y0 + frame.y1) == (250, 320)
    assert 50 < frame.width < 100 and 80 < frame.height < 130


@pytest.mark.parametrize("stack, captions", [
    ([*CONVOLUTIONS, layers.Flatten(), layers.Dense(10, name="Output")],
     ["C1", "conv 3×3\n8@30×30", "SP2", "maximum 2×2\n8@15×15", "C3", "conv 5×3\n7@11×13", "Output"]),
    ([layers.Flatten(), layers.Dense(10, name="digits")], ["digits"]),
    ([layers.Conv2D(1, 31, strides=1, name="C1"), layers.Flatten(), layers.Dense(500, name="F6"),
      layers.Dropout(.5, name="Dropout"), layers.Dense(10, activation="softmax", name="Output")],
     ["C1", "conv 31×31\n2×2", "F6", "dense\n500 units", "Dropout", "dropout\n500 units", "Output"])])
def test_changed_networks(undrawn, image, stack, captions):
    network = build(*stack)
    assert texts(network_picture.draw_network(network, image)) == ["Input", "32×32"] + captions


@pytest.mark.parametrize("count, columns", [(6, 3), (7, 3), (8, 4), (84, 12), (120, 12)])
def test_columns(undrawn, image, count, columns):
    network = build(layers.Flatten(), layers.Dense(count, name="F6"), layers.Dense(10, name="Output"))
    assert network_picture.draw_network(network, image).axes[1].get_xlim() == (0, columns)


@pytest.mark.filterwarnings("error::UserWarning")
def test_many_pictures_are_made_without_a_word(image, caplog):
    lenet = lenet5.build_lenet()
    with caplog.at_level(logging.WARNING):
        for _ in range(6):
            jpeg = network_picture.draw_network(lenet, image)
    assert not caplog.records       # TensorFlow's, of a function traced again and again
    assert Image.open(io.BytesIO(jpeg)).width > 1000
