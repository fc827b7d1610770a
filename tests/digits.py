"""Write a stand-in for MNIST: digits from the fonts that matplotlib ships, in MNIST's form.

    python tests/digits.py digits.npz
    python lenet5.py --mnist digits.npz

It is not MNIST, and a network's accuracy on it says nothing of one on MNIST; it
lets everything be seen at work without a network connection.
"""
import sys

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

GLYPH = 64      # pixels of a rendered digit, both ways
SIZE = 28       # pixels of an image, both ways, as in MNIST
FONTS = [FontProperties(family=family, weight=weight, style=style)
         for family in ("DejaVu Sans", "DejaVu Sans Mono", "DejaVu Serif", "STIXGeneral")
         for weight in ("normal", "bold")
         for style in ("normal", "italic")]


def render_glyphs():
    """Return the digits in each font: float32 (fonts, 10, 64, 64), ink 1 on paper 0."""
    glyphs = []
    for font in FONTS:
        figure = Figure(figsize=(10, 1), dpi=GLYPH)
        canvas = FigureCanvasAgg(figure)
        for digit in range(10):
            figure.text((digit + .5) / 10, .5, str(digit), fontproperties=font, size=58, ha="center",
                        va="center_baseline")
        canvas.draw()
        ink = 1 - np.asarray(canvas.buffer_rgba())[..., 0].astype(np.float32) / 255
        glyphs.append(ink.reshape(GLYPH, 10, GLYPH).transpose(1, 0, 2))
    return np.array(glyphs)


def make_digits(count, seed):
    """Draw digits in random fonts, shifted, rotated, slanted and scaled at random.

    Returns uint8 images (count, 28, 28) and labels (count,).
    """
    random = np.random.RandomState(seed)
    glyphs = render_glyphs()
    labels = random.randint(0, 10, count).astype(np.uint8)
    fonts = random.randint(0, len(glyphs), count)
    rotation, slant = random.uniform(-.25, .25, (2, count))                 # radians, and its tangent
    height, width = random.uniform(1.7, 2.8, (2, count))                    # glyph pixels in a pixel
    down, right = random.uniform(-2.5, 2.5, (2, count))                     # pixels
    images = np.empty((count, SIZE, SIZE), np.uint8)
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    for start in range(0, count, 1000):
        part = slice(start, start + 1000)
        column = lambda values: values[part, np.newaxis, np.newaxis]
        v, u = y - column(down), x - column(right)
        u = u + column(slant) * v
        cos, sin = np.cos(column(rotation)), np.sin(column(rotation))
        v, u = (cos * v - sin * u) * column(height), (sin * v + cos * u) * column(width)
        v, u = (np.clip(axis + (GLYPH - 1) / 2, 0, GLYPH - 1.001) for axis in (v, u))
        top, left = v.astype(int), u.astype(int)
        v, u = v - top, u - left
        source = lambda i, j: glyphs[column(fonts), column(labels), top + i, left + j]
        ink = ((source(0, 0) * (1 - u) + source(0, 1) * u) * (1 - v) +
               (source(1, 0) * (1 - u) + source(1, 1) * u) * v)
        images[part] = np.rint(255 * ink)
    return images, labels


def write_digits(path, train=60000, test=10000, seed=0):
    """Write an .npz in MNIST's form, of as many training and test digits."""
    x_train, y_train = make_digits(train, seed)
    x_test, y_test = make_digits(test, seed + 1)
    np.savez_compressed(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/digits.py digits.npz")
    write_digits(sys.argv[1])
