"""The network's picture: what each layer makes of a digit, after the paper's Fig. 2."""
import functools


import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from support.pictures import GREY, LARGE, SMALL, TEST, to_jpeg

WIDTH, GAP, CAPTION = 6, .3, .8     # inches: the picture, between two cells, above a cell


@style.context("default")
def draw_network(lenet, image, photograph=None, box=None):
    """Draw an image, all maps and units of the layers named in capitals, and the output as bars: a JPEG's bytes.

    lenet: a plain Keras network; image: float (32, 32, 1) in [0, 1]
    photograph: uint8 (height, width, 3), drawn first where there is one; box: (left, top, right, bottom) of
        the digit in it, in its pixels
    """
    layers, watched = watch(lenet)
    features = watched.predict(image[np.newaxis], verbose=0)
    features = features if isinstance(features, list) else [features]       # Keras 2.1.6
    cells = [("Photograph", "{1}×{0}".format(*photograph.shape), photograph)] if photograph is not None else []
    cells += [("Input", describe_shape(image), image)]
    cells += [(layer.name, f"{describe_kind(layer)}\n{describe_shape(maps[0])}", maps[0])
              for layer, maps in zip(layers, features)]
    columns = 3 if len(cells) % 3 == 0 else 4
    rows = -(-len(cells) // columns)
    step, size = WIDTH / columns, WIDTH / columns - GAP
    height = rows * (CAPTION + size + GAP)
    figure = Figure(figsize=(WIDTH, height))

    def write(left, top, text, **options):
        figure.text(left / WIDTH, 1 - top / height, text, ha="center", **options)

    for place, (name, caption, values) in enumerate(cells):
        is_output = place == len(cells) - 1
        left, top = place % columns * step + GAP / 2, place // columns * (CAPTION + size + GAP) + GAP / 3
        if place % columns:
            write(left - GAP / 2, top + CAPTION + size / 2, "\u2192", va="center", fontsize=LARGE, color=GREY)
        write(left + size / 2, top, name, va="top", fontsize=LARGE, fontweight="bold")
        if not is_output:
            write(left + size / 2, top + .29, caption, va="top", fontsize=SMALL)
        tall = size + .45 * is_output       # ten bars take their caption's room
        axes = figure.add_axes([left / WIDTH, 1 - (top + CAPTION + size) / height, size / WIDTH, tall / height])
        axes.axis("off")
        if name == "Photograph":
            draw_photograph(axes, photograph, box)
        elif is_output:
            draw_bars(axes, values.ravel(), 72 * tall)
        else:
            draw_maps(axes, values if values.ndim == 3 else values.reshape(1, 1, -1))
    return to_jpeg(figure)


@functools.lru_cache(maxsize=1)     # a second one would be traced anew, for each picture
def watch(lenet):
    """Return the layers named in capitals, as the paper's are, with the last, and a network of their outputs."""
    layers = [layer for layer in lenet.layers if layer.name[0].isupper() or layer is lenet.layers[-1]]
    from support.backend import load_keras
    return layers, load_keras().Model(lenet.inputs[0], [layer.output for layer in layers])


def describe_kind(layer):
    """Return a layer's kind in few letters, whatever layer it is."""
    kind = type(layer).__name__
    for attribute, name in ("kernel_size", "conv"), ("pool_size", "maximum" if "Max" in kind else "average"):
        if hasattr(layer, attribute):
            return name + " " + "×".join(str(length) for length in np.ravel(getattr(layer, attribute)))
    return kind.lower()[:12]


def describe_shape(maps):
    if maps.ndim < 3 or maps.shape[:2] == (1, 1):
        return f"{maps.size} units"
    return ("{0}×{1}" if maps.shape[2] == 1 else "{2}@{0}×{1}").format(*maps.shape)     # as the paper writes it


def draw_maps(axes, maps):
    """Draw maps (height, width, n), or units (1, 1, n), side by side, zero white and the greatest value black."""
    count = maps.shape[2]
    root = int(np.ceil(np.sqrt(count)))
    columns = next((columns for columns in range(root, 2 * root) if count % columns == 0), root)    # no gap at the end
    for index in range(count):
        x, y = index % columns + .03, index // columns + .03
        axes.imshow(maps[..., index], "gray_r", extent=[x, x + .94, y + .94, y], interpolation="nearest",
                    vmin=min(0, maps.min()), vmax=maps.max())
        axes.add_patch(Rectangle((x, y), .94, .94, fill=False, edgecolor=GREY, linewidth=.6))
    axes.set_xlim(0, columns)
    axes.set_ylim(-(-count // columns), 0)


def draw_photograph(axes, photograph, box):
    """Draw a photograph, and around the digit a frame that stands out from any paper."""
    axes.imshow(photograph, extent=[0, photograph.shape[1], photograph.shape[0], 0])
    left, top, right, bottom = np.add(box, np.array([-1, -1, 1, 1]) * max(photograph.shape) / 50)
    for color, thickness in ("white", 5), (TEST, 2.5):
        axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=color,
                                 linewidth=thickness, clip_on=False))


def draw_bars(axes, probabilities, points):
    """Draw each class's probability as a bar, and the greatest in letters; points: the height of all bars."""
    options = {"va": "center_baseline", "fontsize": min(SMALL, .95 * points / len(probabilities))}
    for digit, probability in enumerate(probabilities):
        is_read = digit == probabilities.argmax()
        color, weight = (TEST, "bold") if is_read else (GREY, "normal")
        length = np.clip(probability, .01, 1)
        axes.barh(digit, length, .8, color=color)
        axes.text(-.04, digit, str(digit), ha="right", color=color, fontweight=weight, **options)
        if is_read:
            offset, side, letters = (-.03, "right", "white") if length > .5 else (.03, "left", color)
            axes.text(length + offset, digit, f"{probability:.2f}", ha=side, color=letters, **options)
    axes.set_xlim(-.2, 1)
    axes.set_ylim(len(probabilities) - .5, -.5)
