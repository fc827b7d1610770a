"""The network's picture shows what the layers made of the image, whatever the network."""
import io

import keras
import numpy as np
import pytest
from PIL import Image

import lenet5
from support.reading import network_picture
from support.reading.network_picture import draw_network, list_cells, tile

layers = keras.layers
CONVOLUTIONS = [layers.Conv2D(8, 3, activation="tanh", name="C1"), layers.MaxPooling2D(2, name="SP2"),
                layers.BatchNormalization(), layers.Conv2D(7, (5, 3), activation="elu", name="C3")]


def build(*stack):
    return keras.Sequential([layers.InputLayer((32, 32, 1)), *stack])


@pytest.fixture(scope="module")
def image():
    return np.random.RandomState(0).random_sample((32, 32, 1)).astype("float32")


def open_jpeg(jpeg):
    return np.asarray(Image.open(io.BytesIO(jpeg)))


def is_vermilion(picture):
    return (picture[..., 0] > 180) & (picture[..., 1] < 130) & (picture[..., 2] < 60)


@pytest.mark.parametrize("make, captions", [
    (lenet5.build_lenet, [
        "C1", "conv 5×5\n6@28×28", "SP2", "average 2×2\n6@14×14", "C3", "conv 5×5\n16@10×10", "SP4",
        "average 2×2\n16@5×5", "C5", "conv 5×5\n120 units", "F6", "dense\n128 units", "Output", "dense\n10 units"]),
    (lambda: build(*CONVOLUTIONS, layers.Flatten(), layers.Dense(10, name="Output")), [
        "C1", "conv 3×3\n8@30×30", "SP2", "maximum 2×2\n8@15×15", "C3", "conv 5×3\n7@11×13", "Output",
        "dense\n10 units"]),
    (lambda: build(layers.Flatten(), layers.Dense(12, name="letters")), ["letters", "dense\n12 units"])])
def test_layers_are_shown_whatever_the_network(image, make, captions):
    network = make()
    (_, shape, given), *cells = list_cells(network, image)
    assert shape == "32×32" and np.array_equal(given, image)
    assert [text for name, caption, _ in cells for text in (name, caption)] == captions
    x = image[np.newaxis]
    for layer in network.layers:
        x = np.array(layer(x))
        shown = [values for name, _, values in cells if name == layer.name]
        assert not shown or np.allclose(shown[0], x[0], atol=1e-6)
    assert open_jpeg(draw_network(network, image)).shape[1] == network_picture.WIDTH


@pytest.mark.parametrize("count, columns, rows", [(1, 1, 1), (6, 3, 2), (7, 3, 3), (120, 12, 10), (128, 16, 8)])
def test_maps_stand_side_by_side(count, columns, rows):
    maps = np.zeros((4, 4, count))
    maps[0, 0, -1] = 1      # the greatest value is black
    sheet = np.asarray(tile(maps, 480).convert("L"))
    step = sheet.shape[1] // columns
    assert sheet.shape == (rows * step, columns * step)
    black = np.argwhere(sheet < 20)
    assert (black // step == ((count - 1) // columns, (count - 1) % columns)).all()
    assert len(black) and (black % step < .4 * step).all()


def test_output_is_drawn_as_bars_and_the_photograph_with_a_frame(image):
    network = build(layers.Flatten(), layers.Dense(10, activation="softmax", name="Output"))
    network.set_weights([np.zeros((1024, 10)), np.log([.01] * 3 + [.91] + [.01] * 6)])
    drawn = is_vermilion(open_jpeg(draw_network(network, image)))
    rows = np.flatnonzero(drawn.sum(1) > 50)
    assert rows.size and np.ptp(rows) < .1 * len(drawn)         # one bar, of the digit that is read
    photograph = np.zeros((300, 400, 3), np.uint8)
    framed = is_vermilion(open_jpeg(draw_network(network, image, photograph, (100, 120, 150, 200))))
    size = network_picture.WIDTH // 3
    found = np.argwhere(framed[:size, :size])
    assert np.allclose(np.ptp(found, 0), size * np.array([80, 50]) / 400, atol=.07 * size)
