"""What the pictures of a run and of the evidence show."""
import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

import pictures as evidence
from constants import Constants
from support import pictures

HISTORY = {"loss": [.5, .25, .125], "accuracy": [.8, .9, .95],
           "val_loss": [.4, .2, .1], "val_accuracy": [.85, .92, .96]}
UNREADABLE = "caf\udce9\n\u6570 $x$ and more"     # a name in Latin-1, letters that the font has not, a formula


@pytest.fixture
def undrawn(monkeypatch):
    """Have the pictures return their figures in place of JPEGs."""
    for module in pictures, evidence:
        monkeypatch.setattr(module, "to_jpeg", lambda figure, dpi=None: figure)


def texts(artists):
    return [text.get_text() for text in artists]


@pytest.mark.parametrize("metric, unit", [("accuracy", lambda right: 100 * (1 - np.array(right))), ("loss", np.array)])
@pytest.mark.parametrize("data_name, published", [("MNIST", 2), ("mnist.npz", 0)])
def test_curves(metric, unit, data_name, published):
    axes, = pictures.draw_metric(metric, HISTORY, data_name).axes
    assert axes.get_yscale() == "log"
    for style, history, count in ("-", HISTORY, 2), ("--", Constants.PUBLISHED["history"], published):
        lines = [line for line in axes.lines if line.get_linestyle() == style]
        assert len(lines) == count
        for line, key in zip(lines, [metric, "val_" + metric]):
            assert line.get_xdata().tolist() == list(range(1, len(history[key]) + 1))
            assert np.allclose(line.get_ydata(), unit(history[key]))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("accuracy, loss", [
    ([.9], [.3]), ([1.] * 3, [0.] * 3), ([.1, .1], [1e-30, 3e38]), ([.9, 1.], [-.5, 0.]), ([.99] * 500, [.1] * 500)])
def test_pictures_of_any_run(accuracy, loss):
    history = {"accuracy": accuracy, "val_accuracy": accuracy, "loss": loss, "val_loss": loss}
    with matplotlib.rc_context({"text.usetex": True, "font.family": "none such"}):      # as a user may have it
        jpegs = pictures.draw_curves(history, UNREADABLE)
        jpegs["errors"] = pictures.draw_errors(np.zeros((1, 28, 28)), [[0, 1, 2]] * (len(loss) - 1), UNREADABLE)
    for jpeg in jpegs.values():
        image = Image.open(io.BytesIO(jpeg))
        image.load()
        assert image.format == "JPEG" and image.width > 1000


def test_label():
    assert pictures.label("MNIST") == "MNIST"
    assert pictures.label(UNREADABLE) == "caf??? \\$x\\$ and mo\u2026, not MNIST"


@pytest.mark.parametrize("count", [17, 500])
def test_errors(undrawn, digits, count):
    misclassified = [[index, index % 10, (index + 1) % 10] for index in range(count)]
    figure = pictures.draw_errors(digits["x_test"], misclassified, "mine.npz")
    axes, = figure.axes
    captions = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    assert list(captions.values()) == [f"{true}\u2192{predicted}" for _, true, predicted in misclassified]
    sheet = axes.images[0].get_array()
    for image, (x, y) in zip(digits["x_test"], captions):       # each digit above its caption
        above = sheet[int(y) - 36:int(y), int(x) - 17:int(x) + 17]
        assert np.array_equal(above[above.any(1)][:, above.any(0)], image[image.any(1)][:, image.any(0)])
    assert texts(figure.texts) == [f"{count} of 500 misread: true \u2192 predicted", "LeNet-5 on mine.npz, not MNIST"]
    part = pictures.draw_errors(digits["x_test"], misclassified, "mine.npz", shown=5)
    assert len(part.axes[0].texts) == 5 and texts(part.texts) == texts(figure.texts)


def test_a_notebook_shows_a_picture():
    jpeg = pictures.draw_curves(HISTORY, "MNIST")["loss"]
    sizes = [np.array(Image.open(io.BytesIO(each)).size) for each in (jpeg, jpeg._repr_jpeg_())]
    assert isinstance(jpeg, bytes) and len(repr(jpeg)) < 50 and (sizes[0] == 2 * sizes[1]).all()


def test_reproduction_says_what_one_sees(undrawn):
    records = [{"history": {key: [value + shift for value in values] for key, values in
                            Constants.PUBLISHED["history"].items()}} for shift in (-.01, .01)]
    assert evidence.draw_reproduction(records).texts[0].get_text() == "The run of 2022 lies inside today's 2 runs"
    records[1]["history"]["val_loss"][-1] = .0298
    assert "47 of 48" in evidence.draw_reproduction(records).texts[0].get_text()


def test_departures_are_sorted_and_the_whole_networks_last(undrawn, monkeypatch):
    monkeypatch.setattr(evidence, "DEPARTURES", {name: name for name in ("paper", "tanh", "sgd", "rbf")})
    monkeypatch.setattr(evidence, "WHOLE", ["paper"])
    runs = ("none", 10, 0, None), ("paper", 10, .5, 0), ("tanh", 10, .1, 0), ("sgd", 3, .3, 1), ("rbf", 10, -.2, 1)
    figure = evidence.draw_departures({
        name: {"error": [.86] * count, "difference": (difference, difference - .05, difference + .05), "p": p}
        for name, count, difference, p in runs}, .95)
    axes, = figure.axes
    assert texts(axes.get_yticklabels()) == ["sgd", "tanh", "rbf", "paper"]
    assert [dot.get_xdata()[0] for dot, *_ in axes.containers] == [.3, .1, -.2, .5]
    assert [text for text in texts(axes.texts) if text.startswith("n")] == ["n = 3"]
    assert figure.texts[0].get_text() == "Worse alone: tanh"


def test_stacks_without_a_time_are_left_out(undrawn):
    rows = {name: {"year": 2019, "layers": "keras", "seconds": np.array(seconds)}
            for name, seconds in (("1.15", [3., 1., 2.]), ("2.2", []))}
    axes, = evidence.draw_stacks(rows).axes
    assert texts(axes.get_yticklabels()) == ["a GPU (2022)", "TensorFlow 1.15 (2019)"]
    assert [text.strip() for text in texts(axes.texts)] == ["99", "2"]


def test_misread_digits_are_drawn_with_all_answers(undrawn):
    records = [{"misclassified": misclassified} for misclassified in (
        [[3, 6, 5], [7, 2, 7]], [[3, 6, 5], [4, 1, 7], [7, 2, 7]], [[3, 6, 0], [4, 1, 7], [7, 2, 7], [9, 0, 6]])]
    images, labels = np.arange(10 * 784).reshape(10, 28, 28), np.array([0, 0, 0, 6, 1, 0, 0, 2, 0, 0])
    three, three_answers, seven, seven_answers, histogram = evidence.draw_misread(records, images, labels).axes
    for axes, index in (three, 3), (seven, 7):
        assert np.array_equal(axes.images[0].get_array(), images[index])
        assert str(labels[index]) in axes.get_xlabel()
    assert texts(three_answers.texts + seven_answers.texts) == ["5", "2\u00d7", "0", "1\u00d7", "7", "3\u00d7"]
    assert [bar.get_height() for bar in histogram.patches] == [1, 1, 2]
