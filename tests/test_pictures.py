"""What the pictures show."""
import io

import numpy as np
import pytest
from PIL import Image

from constants import Constants
from support import pictures

PUBLISHED = Constants.PUBLISHED["history"]
HISTORY = {"loss": [.5, .25, .125], "accuracy": [.8, .9, .95], "val_loss": [.4, .2, .1], "val_accuracy": [.85, .92, .96]}


@pytest.mark.parametrize("metric, label, legend", [
    ("accuracy", "accuracy", ["training: 0.9500", "test: 0.9600",
                              "training, published: 0.9893", "test, published: 0.9905"]),
    ("loss", "loss", ["training: 0.1250", "test: 0.1000",
                                                  "training, published: 0.0353", "test, published: 0.0299"])])
def test_curves(metric, label, legend):
    axes, = pictures.draw_metric(metric, HISTORY, "MNIST").axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", label)
    assert axes.get_title("left") == f"LeNet-5 on MNIST: {metric}"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == legend
    lines = {line.get_label(): line for line in axes.lines}
    expected = HISTORY[metric], HISTORY["val_" + metric], PUBLISHED[metric], PUBLISHED["val_" + metric]
    for name, values in zip(legend, expected):
        assert lines[name].get_xdata().tolist() == list(range(1, len(values) + 1))
        assert lines[name].get_ydata().tolist() == values
        assert lines[name].get_linestyle() == ("--" if "published" in name else "-")
        assert lines[name].get_color() == (pictures.TRAINING if "training" in name else pictures.TEST)


def test_curves_are_jpegs():
    for jpeg in pictures.draw_curves(HISTORY, "MNIST").values():
        image = Image.open(io.BytesIO(jpeg))
        image.load()
        assert image.format == "JPEG" and image.width > 1000


@pytest.mark.parametrize("count", [0, 1, 17, 500])
def test_errors(monkeypatch, digits, count):
    monkeypatch.setattr(pictures, "to_jpeg", lambda figure, dpi=None: figure)
    images = digits["x_test"]
    misclassified = [[index, index % 10, (index + 1) % 10] for index in range(count)]
    figure = pictures.draw_errors(images, misclassified, "mine.npz")
    axes, = figure.axes
    captions = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    assert list(captions.values()) == [f"{true}\u2192{predicted}" for _, true, predicted in misclassified]
    sheet = axes.images[0].get_array()
    assert sheet.sum() == images[:count].sum()
    for image, (x, y) in zip(images, captions):     # each digit above its caption
        above = sheet[int(y) - 34:int(y), int(x) - 17:int(x) + 17]
        assert np.array_equal(above[above.any(1)][:, above.any(0)], image[image.any(1)][:, image.any(0)])
    title = figure.get_suptitle()
    assert title == f"LeNet-5 on mine.npz, not MNIST: {count} of 500 misclassified (true \u2192 predicted)"


def test_long_names_are_shortened():
    assert pictures.shorten("MNIST") == "MNIST"
    assert len(pictures.shorten("x" * 100)) < 40
