"""The README's pictures of the evidence; each function returns a JPEG's bytes."""
from collections import Counter

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from constants import Constants
from support.pictures import GREY, SMALL, TEST, TRAINING, add_axes, add_title, to_jpeg

DEPARTURES = {      # their names in the picture
    "tanh": "scaled tanh,\nnot ReLU", "subsampling": "trained subsampling,\nnot averages",
    "table": "C3 sees some of\nSP2's maps, not all", "f6": "84 units in F6,\nnot 128",
    "rbf": "radial basis outputs,\nnot softmax", "no-dropout": "no dropout",
    "inputs": "inputs \u22120.1 to 1.175,\nnot 0 to 1", "sgd": "gradient descent\nby single digits",
    "paper": "the paper's network,\ntrained as here", "paper-sdlm": "the paper's network\nand its training"}
WHOLE = "paper", "paper-sdlm"       # which take back all at once


@style.context("default")
def draw_reproduction(records):
    """Draw the published run's errors and losses over the range of the records'."""
    figure = Figure(figsize=(6, 4.5))
    inside, every = 0, 0
    for place, (metric, title) in enumerate([("accuracy", "error, %"), ("loss", "loss")]):
        axes = add_axes(figure, [.08 + .505 * place, .135, .395, .55])
        for key, color in (metric, TRAINING), ("val_" + metric, TEST):
            runs = np.array([record["history"][key] for record in records]).round(4)    # to the published log's digits
            published = np.array(Constants.PUBLISHED["history"][key])
            inside += np.sum((runs.min(0) <= published) & (published <= runs.max(0)))
            every += len(published)
            if metric == "accuracy":
                runs, published = 100 * (1 - runs), 100 * (1 - published)
            epochs = np.arange(1, len(published) + 1)
            axes.fill_between(epochs, runs.min(0), runs.max(0), color=color, alpha=.3, linewidth=0)
            axes.plot(epochs, published, "o--", color=color, markersize=4)
        axes.set_yscale("log")
        ticks = [1, 2, 5, 10] if metric == "accuracy" else [.03, .05, .1, .2, .4]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xticks(epochs[2::3])
        axes.set_xlabel("epoch", fontsize=SMALL)
        axes.set_title(title + " (log scale)", loc="left", fontsize=SMALL)
    figure.legend(handles=[
        Patch(color=TRAINING, label="training, with dropout"), Patch(color=TEST, label="test"),
        Patch(color=GREY, alpha=.3, label=f"range of {len(records)} runs today"),
        Line2D([], [], color=GREY, marker="o", markersize=4, linestyle="--", label="the published run of 2022")],
        ncol=2, frameon=False, fontsize=SMALL, loc="upper left", bbox_to_anchor=(0, .93), handlelength=1.6)
    add_title(figure, f"The run of 2022 lies inside today's {len(records)} runs" if inside == every else
              f"The run of 2022: {inside} of {every} values inside today's", "")
    return to_jpeg(figure)


@style.context("default")
def draw_departures(departures, paper):
    """Draw by how much each departure, taken back, changes the test error; below them the two whole networks.

    departures: as values.describe_departures returns them; paper: the paper's test error in percent
    """
    published = np.mean(departures["none"]["error"])
    names = sorted(DEPARTURES, key=lambda name: (name in WHOLE, -departures[name]["difference"][0]))
    places = [place + .7 * (name in WHOLE) for place, name in enumerate(names)]
    figure = Figure(figsize=(6, .5 * places[-1] + 2.4))
    axes = add_axes(figure, [.355, .7 / figure.get_figheight(), .615, 1 - 1.9 / figure.get_figheight()])
    for error, color, line, side in (published, GREY, "-", "right"), (paper, TEST, "--", "left"):
        axes.axvline(error - published, color=color, linewidth=2, linestyle=line)
        text = f"as here:\n{error:.2f}%" if side == "right" else f"paper's result:\n{error:.2f}%"
        axes.annotate(text, (error - published, 1), (-4 if side == "right" else 4, 2), color=color, fontsize=SMALL,
                      xycoords=("data", "axes fraction"), textcoords="offset points", ha=side, va="bottom")
    usual = max(len(departures[name]["error"]) for name in names)
    for place, name in zip(places, names):
        count, (difference, low, high) = len(departures[name]["error"]), departures[name]["difference"]
        axes.errorbar(difference, place, xerr=(high - low) / 2, fmt="o", color=TRAINING, markersize=8, linewidth=2.5,
                      markerfacecolor=TRAINING if count == usual else "white", markeredgewidth=2)
        if count < usual:
            axes.annotate(f"n = {count}", (high, place), (5, 0), textcoords="offset points",
                          fontsize=SMALL, va="center")
    axes.axhline(places[-len(WHOLE)] - .85, -.57, color="black", linewidth=1, clip_on=False)
    axes.set_yticks(places, [DEPARTURES[name] for name in names], linespacing=1)
    axes.set_ylim(places[-1] + .5, -.5)
    axes.set_xlabel("difference in test error, percentage points", fontsize=SMALL, x=1, ha="right")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:+.1f}".replace("-", "\u2212").replace("+0.0", "0"))
    worse = [DEPARTURES[name].split(",")[0] for name in names if name not in WHOLE and departures[name]["p"] < .01]
    add_title(figure, "Worse alone: " + ", ".join(worse),
              f"the paper's ways instead; n = {usual} runs, 95% intervals")
    return to_jpeg(figure)


@style.context("default")
def draw_stacks(rows):
    """Draw the time of each stack's runs over the years, and that of the published run and its GPU.

    rows: as values.describe_stacks returns them; those that were not timed are left out
    """
    published = Constants.PUBLISHED
    bars = [("a GPU (2022)", [published["training_time"]], TEST)] + [
        (f"TensorFlow {name} ({row['year']})", row["seconds"], TRAINING if row["layers"] == "fast" else GREY)
        for name, row in rows.items() if len(row["seconds"])]
    figure = Figure(figsize=(6, .42 * (len(bars) - 1) + 3))
    axes = add_axes(figure, [.4, .7 / figure.get_figheight(), .57, 1 - 1.8 / figure.get_figheight()])
    axes.set_axisbelow(True)
    for place, (_, seconds, color) in enumerate(bars):
        axes.barh(place, np.median(seconds), .6, color=color)
        axes.text(max(seconds), place, f"  {np.median(seconds):.0f}", fontsize=SMALL, va="center")
        if len(seconds) > 1:
            axes.plot(seconds, [place] * len(seconds), "o", color="white", markeredgecolor="black", markersize=5)
    axes.set_yticks(range(len(bars)), [label for label, _, _ in bars])
    axes.set(xlim=(0, 1.15 * max(max(seconds) for _, seconds, _ in bars)), ylim=(len(bars) - .5, -.5))
    axes.set_xlabel(f"seconds for {Constants.EPOCHS} epochs", fontsize=SMALL)
    figure.legend(handles=[
        Patch(color=TEST, label=f"the published run, {published['hardware']}"),
        Patch(color=GREY, label="Keras' own layers"), Patch(color=TRAINING, label="accelerated")],
        ncol=1, frameon=False, fontsize=SMALL, loc="upper left", handlelength=1.2, borderaxespad=0,
        bbox_to_anchor=(.005, 1 - .42 / figure.get_figheight()), labelspacing=.25)
    add_title(figure, "The same script on the TensorFlow of each year", "")
    return to_jpeg(figure)


def count_misread(records):
    """Return the wrong answers for each test digit that is misread by a run: a Counter, by the digit's index."""
    answers = {}
    for record in records:
        for index, _, predicted in record["misclassified"]:
            answers.setdefault(index, Counter())[predicted] += 1
    return answers


@style.context("default")
def draw_misread(records, images, labels):
    """Draw the test digits that all runs misread with the runs' answers, and a histogram of the digits over the runs.

    images, labels: the test set's, uint8 (n, 28, 28) and (n,)
    """
    answers, n = count_misread(records), len(records)
    always = sorted(index for index, counter in answers.items() if sum(counter.values()) == n)
    rows = [always[start:start + 4] for start in range(0, len(always), 4)]
    lines = [max(len(answers[index]) for index in row) for row in rows]
    tops = np.cumsum([.75] + [1.6 + .24 * count for count in lines])     # inches: digit, label, answers, gap
    height = tops[-1] + 2.35
    figure = Figure(figsize=(6, height))

    def place(left, top, width, tall, **options):
        return figure.add_axes([left / 6, 1 - (top + tall) / height, width / 6, tall / height], **options)

    for row, top in zip(rows, tops):
        for column, index in enumerate(row):
            left = .1 + 1.48 * column
            axes = place(left + .1, top, 1.1, 1.1)
            axes.imshow(images[index], cmap="gray_r", vmin=0, vmax=Constants.MAX_PIXEL, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.set_xlabel(f"a {labels[index]}, read as", fontsize=SMALL, labelpad=3)
            draw_answers(place(left, top + 1.37, 1.4, .24 * len(answers[index])), answers[index], n)
    totals = Counter(sum(counter.values()) for counter in answers.values())
    axes = add_axes(figure, [.12, .62 / height, .85, 1.35 / height])
    axes.set_axisbelow(True)
    axes.bar(range(1, n + 1), [totals[runs] for runs in range(1, n + 1)], color=[GREY] * (n - 1) + [TEST])
    axes.set_xticks([1] + list(range(5, n + 1, 5)))
    axes.set_xlabel(f"runs that misread a digit, of {n}", fontsize=SMALL)
    axes.set_ylabel("test digits", fontsize=SMALL)
    axes.set_title(f"{len(answers)} test digits are misread by at least one run", loc="right", fontsize=SMALL)
    add_title(figure, f"{len(always)} test digits that all {n} runs misread",
              f"of {len(images):,}; below each, what the runs read")
    return to_jpeg(figure)


def draw_answers(axes, counter, n):
    """Draw a bar for each answer, the most frequent first; its full length stands for all n runs."""
    for line, (predicted, count) in enumerate(counter.most_common()):
        axes.text(.1, line, str(predicted), fontsize=SMALL, va="center", ha="center", fontweight="bold", color=TEST)
        axes.barh(line, .52 * count / n, .7, .19, color=TEST)
        axes.text(.22 + .52 * count / n, line, f"{count}\u00d7", fontsize=SMALL, va="center")
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(len(counter) - .5, -.5))
