"""Draw the README's pictures from the committed records and weights.

    python assets/figures.py [--mnist PATH]

reproduction.jpeg   the published run's curves over those of this project's runs
LeNet-5.jpeg        the network, with a test digit's way through the trained one
"""
import argparse
import glob
import json
import os
import sys

import numpy as np
from matplotlib.figure import Figure

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
LOGS = os.path.join(HERE, "..", "logs-lenet")
TRAINING, TEST, GREY = "#0072B2", "#D55E00", "#555555"      # as in lenet5.py: apart for all eyes
DIGIT = 0       # of the test set: the digit that is shown, a 7


def load_records(keras_version):
    """Return the committed records of one Keras' uninterrupted runs, by seed."""
    records = [json.load(open(path)) for path in glob.glob(os.path.join(LOGS, "*.json"))]
    return sorted((record for record in records
                   if record["versions"]["keras"].startswith(keras_version) and record["backend"] == "tensorflow"
                   and not record["interrupted"]),
                  key=lambda record: record["config"]["seed"])


def draw_reproduction(records, published):
    """Draw the published run over the range of the records' runs, as error rates and losses."""
    figure = Figure(figsize=(9, 4))
    for place, (name, title) in enumerate([("accuracy", "Misclassified, %"), ("loss", "Loss (cross-entropy)")]):
        axes = figure.add_axes([.065 + .5 * place, .13, .43, .76])
        for key, color, label in (name, TRAINING, "training"), ("val_" + name, TEST, "test"):
            def show(values):
                return 100 * (1 - np.array(values)) if name == "accuracy" else np.array(values)
            runs = np.array([show(record["history"][key]) for record in records])
            epochs = np.arange(1, runs.shape[1] + 1)
            axes.fill_between(epochs, runs.min(0), runs.max(0), color=color, alpha=.25, linewidth=0,
                              label=f"{label}: range of {len(records)} runs")
            axes.plot(epochs, show(published["history"][key]), "o--", color=color, linewidth=1.3, markersize=3.5,
                      label=f"{label}: published run")
        axes.set_yscale("log")
        ticks = [1, 2, 4, 8, 16] if name == "accuracy" else [.025, .05, .1, .2, .4]
        axes.set_yticks(ticks)
        axes.set_yticklabels([f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xticks(epochs[1::2])
        axes.set_xlabel("Epoch")
        axes.set_title(title, loc="left", fontweight="bold", fontsize=11)
        axes.grid(alpha=.25)
        axes.spines["top"].set_visible(False)
        axes.spines["right"].set_visible(False)
    axes.legend(frameon=False, loc="upper right", fontsize=10)
    figure.savefig(os.path.join(HERE, "reproduction.jpeg"), dpi=160)


def draw_network(lenet, features, label, kinds):
    """Draw the layers with the digit's feature maps, after the paper's Fig. 2.

    features: the input image and each shown layer's output, (h, w, c) or (n,)
    kinds: what is written below each
    """
    figure = Figure(figsize=(12, 5.4))
    axes = figure.add_axes([0, 0, 1, 1])
    axes.set_xlim(0, 120)
    axes.set_ylim(0, 54)
    axes.axis("off")
    middle, slot, right_edge = 30, .5, None
    for name in ["Input"] + [layer.name for layer in lenet.layers if layer.name in features]:
        maps = np.asarray(features[name])
        if maps.ndim == 1 or maps.shape[:2] == (1, 1):      # a column of units
            maps = maps.reshape(-1, 1, 1)
        rows, columns, count = maps.shape
        if columns > 1:
            height = width = 2.2 + rows * .39                           # on paper, of one map
            step = 0 if count == 1 else min(.9, 6.6 / count)            # between two maps of the stack
            shape = f"{count}@{rows}\u00d7{columns}"
        else:
            height, width, step, shape = (29. if rows > 10 else 21.), 2.6, 0, str(rows)
        whole = width + step * (count - 1)
        span = max(whole + 2.6, 13.2)
        left, center = slot + (span - whole) / 2, slot + span / 2
        slot += span
        for i in range(count):
            x, y = left + i * step, middle - height / 2 + step * (count - 1) / 2 - i * step
            axes.imshow(maps[..., i], cmap="gray_r", extent=[x, x + width, y, y + height], aspect="auto",
                        vmin=0, vmax=max(float(maps.max()), 1e-6), interpolation="nearest", zorder=2 + i)
            axes.plot([x, x + width, x + width, x, x], [y, y, y + height, y + height, y],
                      color=GREY, linewidth=.8, zorder=2.5 + i)
        if rows == 10 and columns == 1:
            for i in range(rows):
                axes.text(left + width + .7, middle + height / 2 - (i + .5) * height / rows, str(i), va="center",
                          fontsize=15, fontweight="bold" if i == label else "normal", color=TEST if i == label else GREY)
        if right_edge is not None:
            axes.annotate("", (left - .3, middle), (right_edge + .3, middle), zorder=1,
                          arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 1.2})
        axes.text(center, 52.5, name, ha="center", va="top", fontsize=21, fontweight="bold")
        axes.text(center, 48.4, shape, ha="center", va="top", fontsize=17.5)
        axes.text(center, 13.2, kinds[name], ha="center", va="top", fontsize=17.5, linespacing=1.2)
        right_edge = left + whole
    axes.set_xlim(0, 120)
    axes.set_ylim(0, 54)
    figure.savefig(os.path.join(HERE, "LeNet-5.jpeg"), dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", help="as lenet5.py takes it")
    options = parser.parse_args()
    import lenet5
    import keras
    from constants import Constants
    records = load_records("3.")
    draw_reproduction(records, Constants.PUBLISHED)

    lenet = lenet5.build_lenet()
    weights, = glob.glob(os.path.join(LOGS, f"LeNet-5.{records[0]['stamp']!r}.weights.h5"))
    lenet5.load_weights(lenet, weights)
    digits = lenet5.load_mnist(options.mnist)
    image = lenet5.scale(lenet5.pad(digits["x_test"][DIGIT:DIGIT + 1]))
    layers = [layer for layer in lenet.layers if layer.name[0].isupper()]       # those that the paper names
    outputs = keras.Model(lenet.inputs, [layer.output for layer in layers]).predict_on_batch(image)
    features = dict({"Input": image[0]}, **{layer.name: output[0] for layer, output in zip(layers, outputs)})
    kinds = {"Input": "a test\ndigit\nparams:"}
    for layer, after in zip(lenet.layers, lenet.layers[1:] + [None]):
        if isinstance(layer, keras.layers.Conv2D):
            kind = "conv {}\u00d7{}\n".format(*layer.kernel_size) + {"relu": "ReLU"}[layer.activation.__name__]
        elif isinstance(layer, keras.layers.AveragePooling2D):
            kind = "average\n{}\u00d7{}".format(*layer.pool_size)
        elif isinstance(layer, keras.layers.Dense):
            kind = "dense\n" + {"relu": "ReLU", "softmax": "softmax"}[layer.activation.__name__]
        else:
            continue
        dropout = f"\ndropout\n{after.rate:g}" if isinstance(after, keras.layers.Dropout) else ""
        kinds[layer.name] = f"{kind}\n{layer.count_params():,}{dropout}"
    draw_network(lenet, features, int(digits["y_test"][DIGIT]), kinds)


if __name__ == "__main__":
    main()
