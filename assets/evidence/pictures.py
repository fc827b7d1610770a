"""The README's pictures but for those of a run; each function returns a JPEG's bytes."""
import keras
import numpy as np
from matplotlib.figure import Figure

from constants import Constants
from support.pictures import GREY, TEST, TRAINING, add_axes, to_jpeg

HEIGHT = 9.4        # inches, of the network's picture, which is four cells of three inches wide
DEPARTURES = {      # as the picture names them
    "none": "none (published)", "tanh": "1.7159 tanh(2x/3)", "subsampling": "trainable subsampling",
    "table": "Table I in C3", "f6": "84 units in F6", "rbf": "radial basis outputs", "no-dropout": "no dropout",
    "inputs": "inputs in [\u22120.1, 1.175]", "sgd": "plain gradient descent", "paper": "all but the training",
    "paper-sdlm": "all"}
KINDS = {"relu": "ReLU", "softmax": "softmax"}


def draw_reproduction(records):
    """Draw the published run over the range of the records' runs, as errors and losses."""
    figure = Figure(figsize=(9, 4.8))
    for place, (metric, title) in enumerate([("accuracy", "Misclassified, %"), ("loss", "Loss (cross-entropy)")]):
        axes = add_axes(figure, [.075 + .5 * place, .14, .415, .76])
        for key, color, label in (metric, TRAINING, "training"), ("val_" + metric, TEST, "test"):
            runs = np.array([record["history"][key] for record in records])
            published = np.array(Constants.PUBLISHED["history"][key])
            if metric == "accuracy":
                runs, published = 100 * (1 - runs), 100 * (1 - published)
            epochs = np.arange(1, len(published) + 1)
            axes.fill_between(epochs, runs.min(0), runs.max(0), color=color, alpha=.25, linewidth=0,
                              label=f"{label}, {len(records)} runs")
            axes.plot(epochs, published, "o--", color=color, markersize=4, label=f"{label}, published")
        axes.set_yscale("log")
        ticks = [1, 2, 4, 8, 16] if metric == "accuracy" else [.025, .05, .1, .2, .4]
        axes.set_yticks(ticks)
        axes.set_yticklabels([f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xticks(epochs[1::2])
        axes.tick_params(labelsize=14)
        axes.set_xlabel("epoch", fontsize=14)
        axes.set_title(title, loc="left", fontweight="bold", fontsize=15)
    axes.legend(frameon=False, loc="upper right", fontsize=14)
    return to_jpeg(figure)


def draw_departures(rows, paper):
    """Draw a dot with its interval for each row, from the top down, and the first row's as a line.

    rows: (a departure's name, its test error in percent, half of its 95% interval)
    paper: the paper's test error in percent, another line
    """
    figure = Figure(figsize=(9, .5 * len(rows) + 1.4))
    bottom, top = .75 / figure.get_figheight(), 1 - .5 / figure.get_figheight()
    axes = add_axes(figure, [.36, bottom, .61, top - bottom])
    axes.axvline(rows[0][1], color=GREY, linewidth=1)
    axes.axvline(paper, color=TEST, linewidth=1.5, linestyle="--")
    for place, (_, error, half) in enumerate(rows):
        axes.errorbar(error, place, xerr=half, fmt="o", color=TRAINING, markersize=7, capsize=4, linewidth=2)
    axes.set_yticks(range(len(rows)))
    axes.set_yticklabels([DEPARTURES[name] for name, *_ in rows])
    axes.set_ylim(len(rows) - .4, -.6)
    axes.tick_params(labelsize=14)
    axes.set_xlabel("test error, %, with its 95% interval", fontsize=14)
    axes.text(paper, -.7, f"the paper: {paper}", color=TEST, fontsize=14, ha="center", va="bottom")
    return to_jpeg(figure)


def draw_network(lenet, image, label):
    """Draw what each layer makes of a digit: all feature maps, after the paper's Fig. 2.

    image: (32, 32, 1) in [0, 1], of the digit `label`
    """
    layers = [layer for layer in lenet.layers if layer.name[0].isupper()]      # those that the paper names
    features = keras.Model(lenet.inputs, [layer.output for layer in layers]).predict(image[np.newaxis], verbose=0)
    cells = [("Input", image, ["a test digit"])]
    for layer, output in zip(layers, features):
        cells.append((layer.name, np.squeeze(output[0]), describe_layer(lenet, layer)))
    figure = Figure(figsize=(12, HEIGHT))
    axes = figure.add_axes([0, 0, 1, 1])
    axes.set_xlim(0, 4)
    axes.set_ylim(0, HEIGHT / 3)
    axes.axis("off")
    for place, (name, values, lines) in enumerate(cells):
        left, top = place % 4, HEIGHT / 3 - .06 - 1.62 * (place // 4)
        axes.text(left + .5, top, name, ha="center", va="top", fontsize=26, fontweight="bold")
        shape = "{2} maps of {0}×{1}".format(*values.shape) if values.ndim == 3 else f"{len(values)} units"
        axes.text(left + .5, top - .16, shape.replace("1 maps of ", ""), ha="center", va="top", fontsize=21)
        if name == "Output":
            draw_bars(axes, left + .12, top - .28, values, label)
        else:
            draw_maps(axes, left + .12, top - .28, values)
        axes.text(left + .5, top - 1.1, "\n".join(lines), ha="center", va="top", fontsize=20, linespacing=1.25)
        if place % 4 < 3:
            axes.annotate("", (left + 1.1, top - .66), (left + .9, top - .66),
                          arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 2, "mutation_scale": 24})
    return to_jpeg(figure)


def describe_layer(lenet, layer):
    """Return what is written below a layer: its kind, its parameters, and the dropout behind it."""
    if isinstance(layer, keras.layers.Conv2D):
        kind = "conv {}×{}, ".format(*layer.kernel_size) + KINDS[layer.activation.__name__]
    elif isinstance(layer, keras.layers.AveragePooling2D):
        kind = "average {}×{}".format(*layer.pool_size)
    else:
        kind = "dense, " + KINDS[layer.activation.__name__]
    after = dict(zip(lenet.layers, lenet.layers[1:])).get(layer)
    dropout = [f"dropout {after.rate:g}"] if isinstance(after, keras.layers.Dropout) else []
    return [kind, f"{layer.count_params():,} parameters"] + dropout


GRIDS = {1: (1, 1), 6: (3, 2), 16: (4, 4), 120: (10, 12), 128: (8, 16)}      # rows and columns by the number of maps


def draw_maps(axes, left, top, values, size=.76):
    """Draw maps (height, width, n), or n units, side by side in a square."""
    maps = values.reshape(1, 1, -1) if values.ndim == 1 else values
    rows, columns = GRIDS[maps.shape[2]]
    side = min(size / rows, size / columns)
    for index in range(maps.shape[2]):
        row, column = divmod(index, columns)
        x = left + size / 2 + (column - columns / 2) * side
        y = top - size / 2 - (row + 1 - rows / 2) * side
        inner = .94 * side
        axes.imshow(maps[..., index], cmap="gray_r", extent=[x, x + inner, y, y + inner], aspect="auto",
                    vmin=0, vmax=maps.max(), interpolation="nearest")
        axes.plot([x, x + inner, x + inner, x, x], [y, y, y + inner, y + inner, y], color=GREY, linewidth=.6)
    axes.set_xlim(0, 4)
    axes.set_ylim(0, HEIGHT / 3)


def draw_bars(axes, left, top, probabilities, label, size=.76):
    """Draw the probability of each digit as a bar."""
    step = size / len(probabilities)
    for digit, probability in enumerate(probabilities):
        color, y = TEST if digit == label else GREY, top - (digit + .5) * step
        axes.text(left + .06, y, str(digit), ha="center", va="center", fontsize=18, color=color,
                  fontweight="bold" if digit == label else "normal")
        axes.barh(y, max(probability, .01) * (size - .15), .7 * step, left + .15, color=color)
