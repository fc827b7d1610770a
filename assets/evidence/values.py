"""The pages' numbers as text, by name, from committed files: a function for each subject."""
import collections
import json
import pathlib
import re

import numpy as np
from scipy import stats

import changes
import lenet5
import reference
from constants import Constants
from support import execution

HERE = pathlib.Path(__file__).resolve().parent
PUBLISHED = Constants.PUBLISHED
SERIES = {"today": ("keras-3", 30), "then": ("keras-2", 20)}        # folder, seeds
MARGIN = .1         # percentage points within which two accuracies count as equal
RACE_LIMIT = 1e-3   # of an update's norm, from which a first step is off


# How numbers are written

def spread(values, digits):
    """Return mean ± standard deviation."""
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def signed(value, digits=2):
    return f"{round(value, digits) + 0.:+.{digits}f}".replace("-", "−")      # + 0. for no minus before zero


def compare(name, a, b, digits=2):
    """Return the difference of two samples' means and its 95% interval, by Welch's t."""
    low, high = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    return {f"{name}.difference": signed(np.mean(a) - np.mean(b), digits),
            f"{name}.low": signed(low, digits), f"{name}.high": signed(high, digits)}


def probability(p):
    return "< 0.001" if p < .001 else f"= {p:.3f}"


def power(value):
    return f"{value:g}".replace("e-0", "e-")


def shorten(hardware):
    """Return a device in few words: Intel Xeon, 2 cores."""
    name, _, cores = hardware.partition(" (")
    name = re.sub(r"\((R|TM)\)| Processor| CPU.*", "", name)
    return ", ".join(filter(None, [name, cores.rstrip(")").split(",")[0]]))


# The evidence

def load(*path):
    return json.loads(HERE.joinpath(*path).read_text(encoding="utf-8"))


def load_series(name):
    """Return the records of today's stack or of that of 2018 ("then"), by seed."""
    folder, count = SERIES[name]
    return [load("series", folder, f"{seed:02}.json") for seed in range(count)]


def describe_series(name, records):
    accuracy, loss = ([record[key] for record in records] for key in ("test_accuracy", "test_loss"))
    times = [record["training_time"] for record in records if record["training_time"] is not None]
    first, cores = records[0], re.search(r"(\d+) core", records[0]["hardware"])
    return {f"{name}.{key}": str(value) for key, value in {
        "n": len(records), "last": len(records) - 1, **first["versions"], "hardware": first["hardware"],
        "device": shorten(first["hardware"]), "cores": cores and cores[1],
        "commit": first.get("commit") or "source " + first["source"][:7],
        "accuracy": spread(accuracy, 4), "loss": spread(loss, 4), "mean": f"{np.mean(accuracy):.4f}",
        "error": f"{100 * (1 - np.mean(accuracy)):.2f}", "points": f"{100 * np.std(accuracy, ddof=1):.2f}",
        "misread": spread([len(record["misclassified"]) for record in records], 1),
        "timed": len(times), "seconds": f"{np.median(times):.0f}",
        "range": f"{min(accuracy):.4f}–{max(accuracy):.4f}"}.items()}


def describe_vote(name, records):
    """How often the same test digits are misread, and what the runs' majority says.

    The majority misreads a digit where another answer has more votes than the true
    one; a tie is where the true one shares the most votes with another.
    """
    votes, true = collections.defaultdict(collections.Counter), {}
    for record in records:
        for index, label, predicted in record["misclassified"]:
            votes[index][predicted] += 1
            true[index] = label
    everywhere = sorted(index for index in votes if votes[index].total() == len(records))
    lead = [len(records) - count.total() - max(count.values()) for count in votes.values()]     # of the true one
    return {f"{name}.{key}": str(value) for key, value in {
        "misread.any": len(votes), "misread.all": len(everywhere), "misread.all.list": ", ".join(map(str, everywhere)),
        "vote": sum(votes < 0 for votes in lead), "vote.ties": lead.count(0)}.items()}


def describe_rows(rows):
    """The results' rows, short and in full."""
    values = {}
    for number, run in rows.items():
        versions = " | ".join(run["versions"][key] for key in ("keras", "tensorflow", "python"))
        values[f"row.{number}"] = (f"{versions} | {shorten(run['hardware'])} | {run['training_time']:.0f}"
                                   f" | {run['test_loss']:.4f} | {run['test_accuracy']:.4f}")
        values[f"row.{number}.full"] = (f"{versions} | {run['hardware']} | {run['training_time']}"
                                        f" | {run['test_loss']} | {run['test_accuracy']}")
    return values


def describe_published(today):
    """The published run, and its rank among today's, to the four decimals of its log."""
    values = {"published.accuracy": f"{PUBLISHED['test_accuracy']:.4f}",
              "published.loss": f"{PUBLISHED['test_loss']:.4f}", "published.seconds": f"{PUBLISHED['training_time']:.0f}",
              "published.misread": str(round(10000 * (1 - PUBLISHED["test_accuracy"])))}
    for key, history in PUBLISHED["history"].items():
        runs, published = np.array([round(record["history"][key][-1], 4) for record in today]), history[-1]
        values["rank." + key] = (f"{published:.4f} | {runs.min():.4f}–{runs.max():.4f} | {sum(runs < published)}"
                                 f" | {sum(runs == published)} | {sum(runs > published)}")
    return values


def describe_equality(today, then):
    """Two one-sided t-tests after Schuirmann (1987), with Welch's degrees of freedom."""
    today, then = (np.array([100 * record["test_accuracy"] for record in records]) for records in (today, then))
    above = stats.ttest_ind(today + MARGIN, then, equal_var=False, alternative="greater").pvalue
    below = stats.ttest_ind(today - MARGIN, then, equal_var=False, alternative="less").pvalue
    return {**compare("equality", today, then), "equality.margin": str(MARGIN),
            "equality.p": probability(max(above, below)),
            "equality.test_error": f"{np.sqrt(np.mean(today) * (100 - np.mean(today)) / 10000):.2f}"}


def describe_paper():
    """The paper's errors, and parameters: S2 and S4 train two a map; Table I has C3's maps see 3, 4 or all 6; 84 in F6."""
    ours = [layer.count_params() for layer in lenet5.build_lenet().layers if layer.name[0].isupper()]
    c1, c3, c5 = 6 * (25 + 1), 6 * (3 * 25 + 1) + 9 * (4 * 25 + 1) + (6 * 25 + 1), 120 * (16 * 25 + 1)
    paper = [c1, 6 * 2, c3, 16 * 2, c5, 84 * (120 + 1), 0]
    return {"paper.error": str(Constants.PAPER["test_error"]),
            "paper.distorted": str(Constants.PAPER["test_error_distortions"]),
            **{name: " | ".join(f"{count:,}" for count in counts + [sum(counts)])
               for name, counts in (("parameters.ours", ours), ("parameters.paper", paper))}}


def describe_departures():
    """A row for each: runs, error, difference from none's, parameters."""
    runs, errors = load("departures", "results.json")["runs"], group_departures()
    values = {"departures.commit": ", ".join(dict.fromkeys(run["commit"] for run in runs))}
    parameters = {run["departure"]: run["parameters"] for run in runs}
    for name, group in errors.items():
        than_none = compare(f"departures.{name}", group, errors["none"])
        difference, low, high = than_none.values()
        interval = f"{difference} [{low}, {high}]" if name != "none" else ""
        values.update(than_none)
        values[f"departures.{name}"] = f"{len(group)} | {spread(group, 2)} | {interval} | {parameters[name]:,}"
        values[f"departures.{name}.error"] = f"{np.mean(group):.2f}"
    return values


def group_departures():
    """Return the test errors in percent of each departure's runs, by its name."""
    errors = {}
    for run in load("departures", "results.json")["runs"]:
        errors.setdefault(run["departure"], []).append(100 * (1 - run["test_accuracy"]))
    return errors


def describe_changes():
    """What the README's changes of a line do to the network as published, over the same seeds."""
    if not HERE.joinpath("changes", "results.json").exists():
        return {}
    found, values = load("changes", "results.json"), {}

    def collect(change, key):
        return np.array([run[key] for run in found["runs"] if run["change"] == change])

    for number, (_, after) in enumerate(changes.find_changes(), 1):
        values.update(compare(f"changes.{number}", 100 * collect(after, "test_accuracy"),
                              100 * collect("none", "test_accuracy")))
        ratio = np.median(collect(after, "training_time")) / np.median(collect("none", "training_time"))
        values[f"changes.{number}.ratio"] = f"{ratio:.2f}"
    return {**values, "changes.n": str(len(collect("none", "seed"))), "changes.commit": found["commit"]}


def describe_reference():
    return {"reference.outputs": power(reference.OUTPUTS), "reference.gradients": power(reference.GRADIENTS),
            "reference.weights": power(max(reference.WEIGHTS.values())),
            "reference.averages": power(reference.AVERAGES), "reference.steps": str(max(reference.STEPS))}


def describe_race():
    """First steps that are off the one computed in order, with the published stack's threads and with updates ordered."""
    race, values = load("reference", "race.json"), {}
    for name, steps in ("race", race["published"]), ("ordered", race["ordered"]):
        worst = [max(step.values()) for step in steps]
        values.update({f"{name}.n": len(worst), f"{name}.off": sum(value > RACE_LIMIT for value in worst),
                       f"{name}.worst": f"{100 * max(worst):.0f}"})
    for layer in "C1", "C3", "C5", "F6", "Output":
        values["race." + layer] = sum(max(step[f"{layer} kernel"], step[f"{layer} bias"]) > RACE_LIMIT
                                      for step in race["published"])
    values.update({"race.limit": f"{100 * RACE_LIMIT:g}", "race.hardware": race["hardware"],
                   "race.commit": race["commit"]})
    return {name: str(value) for name, value in values.items()}


def describe_racing(then):
    """Whole runs whose updates race, beside those on the same stack that do one operation at a time."""
    found = load("reference", "racing.json")
    values = {"racing.n": str(len(found["runs"])), "racing.commit": found["commit"]}
    for name, digits, unit in ("accuracy", 2, 100), ("loss", 4, 1):
        racing, ordered = ([unit * run["test_" + name] for run in runs] for runs in (found["runs"], then))
        values["racing." + name] = spread(np.divide(racing, unit), 4)
        values.update(compare("racing." + name, racing, ordered, digits))
    return values


def describe_benchmark():
    """A row for each contestant: epochs' time, ratio to ours, first batch, longest gap, process, memory, accuracy."""
    found = load("benchmark", "benchmark.json")
    rounds = found["rounds"]
    values = {"benchmark.commit": found["commit"], "benchmark.hardware": found["hardware"],
              "benchmark.epochs": str(found["epochs"]), "benchmark.rounds": str(len(rounds)),
              "benchmark.steps_per_execution": str(execution.STEPS_PER_EXECUTION),
              "benchmark.rate": f"{np.median([each['arithmetic']['rate'] for each in rounds]) / 1e9:.0f}",
              "benchmark.compilation": f"{np.median([each['torch-compiled']['compilation'] for each in rounds]):.0f}"}
    for name in rounds[0]:
        results = [each[name] for each in rounds]
        seconds = [result["seconds"] for result in results]
        ratio = np.median([each[name]["seconds"] / each["lenet5"]["seconds"] for each in rounds])

        def median(key, digits, unit=1):
            return f"{np.median([result[key] for result in results]) / unit:.{digits}f}" if results[0].get(key) else ""

        accuracy = spread([result["accuracy"] for result in results], 4) if "accuracy" in results[0] else ""
        values[f"benchmark.{name}"] = (
            f"{np.median(seconds):.1f} ({min(seconds):.1f}–{max(seconds):.1f}) | {ratio:.2f} | {median('first_batch', 1)}"
            f" | {median('longest_gap', 1)} | {median('process', 1) if accuracy else ''} | {median('memory', 0, 1e6)} | {accuracy}")
        values.update({f"benchmark.{name}.seconds": f"{np.median(seconds):.1f}",
                       f"benchmark.{name}.ratio": f"{ratio:.1f}" if ratio > 1 else f"{ratio:.2f}",
                       f"benchmark.{name}.version": results[0].get("version", "").split("+")[0]})
    return values


def describe_printed():
    """What row III's run printed: its last lines, and all of it."""
    path = HERE / "series" / SERIES["today"][0] / "00.txt"
    if not path.exists():
        return {}
    text = path.read_text(encoding="utf-8").rstrip()
    result = re.search("^Training Time: .*^Testing Accuracy: .*?$", text, re.MULTILINE | re.DOTALL)[0]
    return {"printed": f"\n```\n{result}\n```\n", "printed.all": f"\n```\n{text}\n```\n"}


def compute():
    """Return all values."""
    today, then = load_series("today"), load_series("then")
    rows = {"I": PUBLISHED, "II": then[0], "III": today[0]}
    if HERE.joinpath("series", "keras-3-gpu", "00.json").exists():
        rows["IV"] = load("series", "keras-3-gpu", "00.json")
    return {**describe_series("today", today), **describe_vote("today", today), **describe_series("then", then),
            **describe_vote("then", then), **describe_rows(rows), **describe_published(today),
            **describe_equality(today, then), **describe_paper(), **describe_departures(), **describe_changes(),
            **describe_reference(), **describe_race(), **describe_racing(then), **describe_benchmark(),
            **describe_printed()}
