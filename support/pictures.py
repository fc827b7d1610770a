"""The pictures of a run, and the colours and axes of all pictures."""
import io

import numpy as np
from matplotlib.figure import Figure

from constants import Constants

TRAINING, TEST, GREY = "#0072B2", "#D55E00", "#555555"      # Okabe and Ito's blue and vermilion, apart for all eyes
DPI = 160


def draw_curves(history, data_name):
    """Draw accuracy and loss over the epochs, the published run dashed behind them.

    history: lists of numbers, an epoch each, by Keras 3's names
    Returns two JPEGs' bytes, "acc" and "loss".
    """
    return {"acc": to_jpeg(draw_metric("accuracy", history, data_name)),
            "loss": to_jpeg(draw_metric("loss", history, data_name))}


def draw_metric(metric, history, data_name):
    figure = Figure(figsize=(8, 4.5))
    axes = add_axes(figure, [.09, .12, .89, .80])
    curves, published_curves = [], []
    for key, color, label in (metric, TRAINING, "training"), ("val_" + metric, TEST, "test"):
        values, published = history[key], Constants.PUBLISHED["history"][key]
        published_curves += axes.plot(range(1, len(published) + 1), published, "--", color=color, alpha=.5,
                                      label=f"{label}, published: {published[-1]:.4f}")
        curves += axes.plot(range(1, len(values) + 1), values, "o-", color=color, linewidth=2, markersize=4,
                            label=f"{label}: {values[-1]:.4f}")
    axes.legend(handles=curves + published_curves, title="After the last epoch", frameon=False,
                loc="lower right" if metric == "accuracy" else "upper right")
    axes.set_title(f"LeNet-5 on {shorten(data_name)}: {metric}", loc="left", fontweight="bold")
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def draw_errors(images, misclassified, data_name):
    """Draw every misclassified test digit with "true -> predicted", after the paper's Fig. 8.

    images: uint8 (n, 28, 28); misclassified: [index, true, predicted] of each
    Returns a JPEG's bytes.
    """
    count = len(misclassified)
    columns = max(16, int(np.ceil(np.sqrt(count * 1.6))))       # wide enough for the title
    rows = max(1, -(-count // columns))
    width, height = Constants.DIGIT_SIZE + 6, Constants.DIGIT_SIZE + 16     # of a cell, in pixels of the digits
    sheet = np.zeros((rows * height, columns * width), np.uint8)
    figure = Figure(figsize=(columns * .55, rows * .55 * height / width + .5))
    axes = figure.add_axes([0, 0, 1, 1 - .5 / figure.get_figheight()])
    for cell, (index, true, predicted) in enumerate(misclassified):
        top, left = cell // columns * height + 2, cell % columns * width + 3
        sheet[top:top + Constants.DIGIT_SIZE, left:left + Constants.DIGIT_SIZE] = images[index]
        axes.text(left + Constants.DIGIT_SIZE / 2, top + Constants.DIGIT_SIZE + 6, f"{true}\u2192{predicted}",
                  ha="center", va="center", fontsize=10)
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=Constants.MAX_PIXEL, interpolation="nearest", aspect="auto")
    axes.axis("off")
    figure.suptitle(f"LeNet-5 on {shorten(data_name)}: {count} of {len(images)} misclassified"
                    " (true \u2192 predicted)", x=.01, y=1 - .1 / figure.get_figheight(), ha="left", va="top",
                    fontweight="bold", fontsize=12)
    return to_jpeg(figure, DPI * min(1, (600 / max(count, 1)) ** .5))      # thousands would take gigabytes


def shorten(name):
    """Return a data set's name as it fits a title, saying so where it is not MNIST."""
    return name if name == "MNIST" else (name if len(name) < 25 else name[:23] + "\u2026") + ", not MNIST"


def add_axes(figure, rectangle):
    """Add axes with a light grid and no frame at the top and on the right."""
    axes = figure.add_axes(rectangle)
    axes.grid(alpha=.25)
    axes.spines["top"].set_visible(False)
    axes.spines["right"].set_visible(False)
    return axes


def to_jpeg(figure, dpi=DPI):
    """Return a figure as a JPEG's bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="jpeg", dpi=dpi)
    return buffer.getvalue()
