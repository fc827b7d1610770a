"""The pictures of a run, and the colours, titles and axes of all pictures."""
import io

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from PIL import Image

from constants import Constants

TRAINING, TEST, GREY = "#0072B2", "#D55E00", "#555555"      # Okabe and Ito's blue and vermilion, apart for all eyes
SMALL, LARGE = 13, 15       # points, in a picture 6 inches wide: 10 pixels high where a telephone shows it 324 wide
DPI = 220


@style.context("default")       # whatever the user's matplotlibrc says
def draw_curves(history, data_name):
    """Draw the curves over the epochs, on MNIST before the published run's: bytes of two JPEGs, "acc" and "loss".

    history: lists of numbers, an epoch each, by Keras 3's names; without "accuracy" only "loss" is drawn
    """
    return {name: to_jpeg(draw_metric(metric, history, data_name))
            for name, metric in (("acc", "accuracy"), ("loss", "loss")) if metric in history}


def draw_metric(metric, history, data_name):
    """Draw the loss, or the accuracy as the error in percent; the axis is logarithmic, so that late epochs show."""
    figure = Figure(figsize=(6, 4.9))
    axes = add_axes(figure, [.155, .12, .81, .52])
    what, unit, form = ("error", "%", ".2f") if metric == "accuracy" else ("loss", "", ".4f")
    for key, color, name, how in (metric, TRAINING, "training", ", with dropout"), ("val_" + metric, TEST, "test", ""):
        runs = [(history, how, "o-", 1), (Constants.PUBLISHED["history"], ", published run of 2022", "--", .6)]
        for run, which, line, alpha in runs if data_name == "MNIST" else runs[:1]:
            if key not in run:
                continue
            values = 100 * (1 - np.array(run[key])) if metric == "accuracy" else np.array(run[key])
            every = len(run[metric]) // len(values)     # with validation_freq, not every epoch has a test
            last = f"{values[-1]:{form}}{unit}"
            axes.plot(every * np.arange(1, 1 + len(values)), values, line, color=color, alpha=alpha, linewidth=2,
                      clip_on=False, markersize=5 if len(values) < 50 else 0, label=f"{name}{which}: {last}")
            if run is history:      # in the end the test's, where there is one
                title = f"{name.capitalize()} {what} after epoch {len(history[metric])}: {last}"
    axes.legend(frameon=False, fontsize=SMALL, loc="lower left", bbox_to_anchor=(-.18, 1), handlelength=1.5,
                handletextpad=.5, labelspacing=.3, borderaxespad=0)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.set_xlabel("epoch", fontsize=SMALL)
    shown = np.concatenate([line.get_ydata() for line in axes.lines])
    is_log = shown.min() >= 0 < shown.max()     # not so for a loss of another kind, nor for a run without an error
    if is_log:
        axes.set_yscale("log", nonpositive="clip")
        axes.yaxis.set_major_locator(LogLocator(subs=[1, 2, 5]))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.minorticks_off()
    axes.set_ylabel(what + (unit and ", " + unit) + (" (log scale)" if is_log else ""), fontsize=SMALL)
    add_title(figure, title, f"LeNet-5 on {label(data_name)}")
    return figure


@style.context("default")
def draw_errors(images, misclassified, data_name, shown=None):
    """Draw every misclassified test digit with "true -> predicted", after the paper's Fig. 8: a JPEG's bytes.

    images: uint8 (n, 28, 28); misclassified: [index, true, predicted] of each; shown: how many are drawn; None is all
    """
    title = f"{len(misclassified):,} of {len(images):,} misread: true \u2192 predicted"
    misclassified = misclassified[:shown]
    count, size = len(misclassified), Constants.DIGIT_SIZE
    columns = max(10, int(np.ceil(np.sqrt(count))))
    rows = max(1, -(-count // columns))
    width, height = size + 6, size + 22     # of a cell, in pixels of the digits
    sheet = np.zeros((rows * height, columns * width), np.uint8)        # one image: thousands would take minutes
    inches = .6 * rows * height / width
    figure = Figure(figsize=(.6 * columns, inches + .75))
    axes = figure.add_axes([0, 0, 1, inches / (inches + .75)])
    for cell, (index, true, predicted) in enumerate(misclassified):
        top, left = cell // columns * height + 3, cell % columns * width + 3
        sheet[top:top + size, left:left + size] = images[index]
        axes.text(left + size / 2, top + size + 8, f"{true}\u2192{predicted}", ha="center", va="center", fontsize=SMALL)
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=Constants.MAX_PIXEL, interpolation="nearest", aspect="auto")
    axes.axis("off")
    add_title(figure, title, f"LeNet-5 on {label(data_name)}")
    return to_jpeg(figure, DPI * min(1, (300 / max(count, 1)) ** .5))      # thousands would take gigabytes


def label(data_name):
    """Return a data set's name for a title: short, in letters that the font has, and marked where it is not MNIST."""
    if data_name == "MNIST":
        return data_name
    name = "".join(letter if letter.isprintable() and ord(letter) < 256 else "?" for letter in data_name[:17])
    return name.replace("$", r"\$") + ("\u2026" if len(data_name) > 17 else "") + ", not MNIST"      # two $: a formula


def add_title(figure, title, subtitle):
    """Write a bold line and a plain one at the top left, .7 inches in all."""
    for text, inches, size, weight in (title, .1, LARGE, "bold"), (subtitle, .4, SMALL, "normal"):
        figure.text(.1 / figure.get_figwidth(), 1 - inches / figure.get_figheight(), text,
                    va="top", fontsize=size, fontweight=weight)


def add_axes(figure, rectangle):
    """Add axes with a light grid and no frame at the top and on the right."""
    axes = figure.add_axes(rectangle)
    axes.grid(alpha=.25)
    axes.spines["top"].set_visible(False)
    axes.spines["right"].set_visible(False)
    axes.tick_params(labelsize=SMALL)
    return axes


class Jpeg(bytes):
    """The bytes of a JPEG, which a notebook shows."""

    def __repr__(self):
        return f"<a JPEG of {len(self)} bytes>"

    def _repr_jpeg_(self):      # at half its size, for a screen has fewer pixels to the inch, and the notebook keeps it
        picture, buffer = Image.open(io.BytesIO(self)), io.BytesIO()
        picture.thumbnail((picture.width // 2, picture.height // 2))
        picture.save(buffer, "JPEG")
        return buffer.getvalue()


def to_jpeg(figure, dpi=DPI):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="jpeg", dpi=dpi)
    return Jpeg(buffer.getvalue())
