"""Digits are read in photographs as they are read as they stand; what shows no single digit is refused."""
import collections
import contextlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import lenet5
import photographs
from support import ROOT, UserError, reading
from support.reading.photographs import read_photograph

KINDS = {
    "plain": {}, "thin": {"pen": "thin"}, "marker": {"pen": "marker"}, "pencil": {"pen": "pencil"},
    "blackboard": {"paper": "board", "pen": "chalk"}, "slate": {"paper": "slate", "pen": "chalk"},
    "note": {"paper": "note", "pen": "marker"}, "kraft": {"paper": "kraft"},
    "whiteboard": {"paper": "whiteboard", "pen": "marker"}, "squared": {"paper": "squared"},
    "shadow": {"light": "shadow"}, "lamp": {"light": "lamp"}, "vignette": {"light": "vignette"},
    "desk": {"desk": True}, "small": {"share": .08}, "large": {"share": .8}, "unsharp": {"blur": 4, "share": .4},
    "at the edges": {"margin": 0}, "filling": {"margin": .04}, "fine pen": {"pen": "fine"}, "faint": {"faint": True},
    "ruled": {"paper": "ruled"}, "side light": {"light": "side"}, "rose": {"paper": "rose"},
    "paint": {"paper": "paint"}, "28 pixels": {"paper": "paint", "margin": .2, "pixels": 28},
    "32 pixels": {"margin": .3, "pixels": 32},
}
EACH = 5
NO_DIGITS = "stripes", "checks", "dots", "face", "code"


@pytest.fixture(scope="module")
def network():
    lenet = lenet5.build_lenet()
    lenet5.weights.load_weights(lenet, ROOT + "/assets/LeNet-5.weights.h5")
    return lenet


def read(network, digits):
    return network.predict(lenet5.pad_and_scale(np.array(digits)), verbose=0).argmax(1)


def test_digits_in_photographs(network, digits, tmp_path):
    images, labels = digits["x_test"], digits["y_test"]
    right = np.flatnonzero(read(network, images) == labels)[:len(KINDS) * EACH]
    kinds = [kind for kind in KINDS for _ in range(EACH)]
    found = np.zeros((len(kinds), 28, 28), np.uint8)
    for number, (kind, index) in enumerate(zip(kinds, right)):
        path = tmp_path / f"{number}.jpg"
        photographs.photograph(images[index], np.random.RandomState(number), **KINDS[kind]).save(path)
        with contextlib.suppress(UserError):        # a black image is misread
            found[number] = read_photograph(str(path)).digit
    wrong = read(network, found) != labels[right]
    assert wrong.mean() <= .03, collections.Counter(np.array(kinds)[wrong])


def write_several(images, chance):
    """Return the ink of digits beside each other."""
    strokes = [photographs.draw_stroke(image, 200, chance) for image in images]
    rows = max(len(stroke) for stroke in strokes)
    return np.hstack([np.pad(stroke, ((0, rows - len(stroke)), (15, 15))) for stroke in strokes])


def write_text():
    page = Image.new("L", (500, 600))
    for line in range(12):
        ImageDraw.Draw(page).text((5, 50 * line), "Training takes days", fill=255, font=ImageFont.load_default(40))
    return np.asarray(page) / 255


@pytest.mark.parametrize("what", ["nothing", "two digits", "three digits", "a text"])
@pytest.mark.parametrize("paper", ["plain", "note", "board"])
def test_what_is_no_single_digit_is_refused(what, paper, digits, tmp_path):
    chance, images = np.random.RandomState(0), digits["x_test"]
    ink = {"nothing": np.zeros((9, 9)), "a text": write_text(), "two digits": write_several(images[:2], chance),
           "three digits": write_several(images[2:5], chance)}[what]
    picture = photographs.photograph(None, chance, paper, "chalk" if paper == "board" else "felt", ink=ink, share=.5)
    picture.save(tmp_path / "photo.jpg")
    with pytest.raises(UserError, match="no single digit"):
        read_photograph(str(tmp_path / "photo.jpg"))


def test_most_pictures_without_a_digit_are_refused(network, tmp_path):
    refused = collections.Counter()
    for what in NO_DIGITS:
        for number in range(EACH):
            photographs.picture_without_digit(np.random.RandomState(number), what).save(tmp_path / "picture.png")
            try:
                reading.read(network, str(tmp_path / "picture.png"))
            except UserError:
                refused[what] += 1
    assert sum(refused.values()) >= .8 * EACH * len(NO_DIGITS), refused


@pytest.mark.parametrize("probability, said", [(.51, "7 (0.51)"), (.45, "7 (0.45), unsure"), (.39, "refused")])
def test_it_says_how_sure_it_is(probability, said, digits, tmp_path):
    class Network:
        def predict(self, images, verbose):
            return np.float32([[probability if digit == 7 else 0 for digit in range(10)]])

    Image.fromarray(digits["x_test"][0]).save(tmp_path / "digit.png")
    if said == "refused":
        with pytest.raises(UserError, match="no single digit"):
            reading.read(Network(), str(tmp_path / "digit.png"))
    else:
        assert repr(reading.read(Network(), str(tmp_path / "digit.png"))) == said


def test_pictures_are_turned_upright(digits, tmp_path):
    picture = photographs.photograph(digits["x_test"][0], np.random.RandomState(0), share=.4)
    picture.save(tmp_path / "upright.png")
    exif = Image.Exif()
    exif[0x0112] = 6      # turned to the left
    picture.transpose(Image.ROTATE_90).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    upright, turned = (read_photograph(str(tmp_path / name)) for name in ("upright.png", "turned.jpg"))
    assert turned.image.shape == upright.image.shape
    assert np.abs(np.subtract(turned.box, upright.box)).max() <= 3
    assert np.abs(turned.digit - upright.digit.astype(float)).mean() < 10


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "CMYK", "I;16", "PA"])
def test_modes(mode, network, digits, tmp_path):
    """A 7, dark on light or, where it is transparent, on nothing."""
    ink = Image.fromarray(digits["x_test"][0]).resize((280, 280), Image.BICUBIC)
    if "A" in mode:
        picture = Image.new("LA", ink.size)
        picture.putalpha(ink)
        picture = picture.convert("RGBA") if mode != "LA" else picture
        picture = picture.quantize() if mode == "PA" else picture
    elif mode == "I;16":
        picture = Image.fromarray((65535 - 257 * np.asarray(ink).astype(np.uint16)))
    else:
        picture = Image.fromarray(255 - np.asarray(ink)).convert(mode)
    picture.save(tmp_path / "digit.tif" if mode == "CMYK" else tmp_path / "digit.png")
    path, = tmp_path.iterdir()
    assert read(network, [read_photograph(str(path)).digit]) == 7


@pytest.mark.parametrize("dark_on_light", [False, True])
def test_digits_of_mnist_are_read_as_they_stand(dark_on_light, network, digits, tmp_path):
    images = digits["x_test"][:200]
    found = np.zeros_like(images)
    for number, image in enumerate(images):
        Image.fromarray(255 - image if dark_on_light else image).save(tmp_path / "digit.png")
        with contextlib.suppress(UserError):
            found[number] = read_photograph(str(tmp_path / "digit.png")).digit
    assert (read(network, found) == read(network, images)).mean() >= .98
