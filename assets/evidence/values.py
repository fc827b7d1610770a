"""The values of the pages, from committed files: a function for each subject returns a dictionary.

A page's marker names a value as SUBJECT.KEY, and in a dictionary inside it as SUBJECT.KEY.KEY.
A value with a number for each run is an array, which report.py writes as mean ± standard deviation;
SUBJECT.KEY.median and the like are its statistics, all of them in report.STATISTICS.
"""
import json
import pathlib
import re

import numpy as np
import pictures
import reference
import series
import stacks
from constants import Constants
from scipy import stats

HERE = pathlib.Path(__file__).resolve().parent
SEEDS = {"keras-3": 30, "keras-2": 20}      # of each series


def load(*path):
    return json.loads(HERE.joinpath(*path).read_text(encoding="utf-8"))


def load_series(folder):
    return [load("series", folder, f"{seed:02}.json") for seed in range(SEEDS[folder])]


def collect(records, key):
    return np.array([record[key] for record in records if record[key] is not None])     # null: not measured


def compare(a, b):
    """Return the difference of two arrays' means, and the ends of its 95% interval by Welch's t-test."""
    return np.mean(a) - np.mean(b), *stats.ttest_ind(a, b, equal_var=False).confidence_interval()


def correct(p_values):
    """Return p values by name, corrected by Holm's method for their number."""
    ordered = sorted(p_values, key=p_values.get)
    corrected = np.maximum.accumulate([p_values[name] * (len(ordered) - rank) for rank, name in enumerate(ordered)])
    return dict(zip(ordered, np.minimum(corrected, 1)))


def describe_runs(runs):
    """Return the runs' test accuracies, also as errors in percent."""
    accuracy = collect(runs, "test_accuracy")
    return {"accuracy": accuracy, "error": 100 - 100 * accuracy}


def describe_series(records):
    """Return what the runs reach, and which digits they misread: any run, all, and their vote (by plurality)."""
    wrong = pictures.count_misread(records)
    votes = np.array([(len(records) - answers.total(), max(answers.values())) for answers in wrong.values()])
    accuracy = np.mean(collect(records, "test_accuracy"))
    return {**describe_runs(records), "seconds": collect(records, "training_time"), "any": len(wrong),
            "all": sorted(np.array(list(wrong))[votes[:, 0] == 0].tolist()),
            "vote": sum(votes[:, 0] < votes[:, 1]), "ties": sum(votes[:, 0] == votes[:, 1]),
            "standard_error": 100 * np.sqrt(accuracy * (1 - accuracy) / 10000)}     # of the test set, in points


def describe_rank(history, records):
    """Return the rank of a run's last epoch among those of records, to the four decimals of the published log."""
    others = {key: np.array([round(record["history"][key][-1], 4) for record in records]) for key in history}
    return {key: {"last": values[-1], "others": others[key], "below": sum(others[key] < values[-1]),
                  "equal": sum(others[key] == values[-1]), "above": sum(others[key] > values[-1])}
            for key, values in history.items()}


def describe_departures():
    """Return each departure's runs, with the difference of the error from that of "none", in percentage points.

    p: of Welch's t-test of that difference, corrected for the number of departures
    """
    runs = load("departures", "results.json")["runs"]
    names = list(dict.fromkeys(run["departure"] for run in runs))
    found = {name: describe_runs([run for run in runs if run["departure"] == name]) for name in names}
    p_values = correct({name: stats.ttest_ind(found[name]["error"], found["none"]["error"], equal_var=False).pvalue
                        for name in names if name != "none"})
    for name in names:
        found[name].update(difference=compare(found[name]["error"], found["none"]["error"]), p=p_values.get(name),
                           parameters=next(run["parameters"] for run in runs if run["departure"] == name))
    return {"commits": list(dict.fromkeys(run["commit"] for run in runs)), **found}


def describe_changes():
    """Return each change's code, its difference in accuracy in percentage points, and the ratios of times by seed."""
    found = load("series", "changes.json")
    runs = {title: [run for run in found["runs"] if run["change"] == title] for title in series.CHANGES}
    plain = runs["as it is"]
    values = {"commit": found["commit"], "hardware": found["hardware"], "n": len(plain)}
    for number, (title, (before, after)) in enumerate(series.CHANGES.items()):
        values[str(number)] = {
            "title": title, "before": f"`{before}`", "after": f"`{after}`",
            "difference": compare(describe_runs(plain)["error"], describe_runs(runs[title])["error"]),
            "times": collect(runs[title], "training_time") / collect(plain, "training_time")}
    return values


def describe_benchmark():
    """Return each contestant's results, in seconds, MB and GFLOP/s; times are the ratios to lenet5.py's by round."""
    found, units = load("benchmark", "benchmark.json"), {"memory": 1e-6, "rate": 1e-9}
    values = {**found, "rounds": len(found["rounds"])}
    for name, first in found["rounds"][0].items():
        results, keys = [each[name] for each in found["rounds"]], set(first) - {"version"}
        values[name] = {key: collect(results, key) * units.get(key, 1) for key in keys if first[key] is not None}
        values[name]["times"] = values[name]["seconds"] / values["lenet5"]["seconds"]
        values[name]["version"] = first.get("version", "").split("+")[0]
    return values


def describe_stacks():
    """Return the runs on the TensorFlow of each year: long ones by stack, in the order of the years, and a table."""
    runs = load("stacks", "results.json")
    rows = {}
    lines = ["TensorFlow | its year | Keras | Python | runs | test accuracy: mean (range) | time, s: median | layers",
             "---|---|---|---|---|---|---|---"]
    for name, stack in stacks.STACKS.items():
        of = [run for run in runs if run["stack"] == name and run["epochs"] == stacks.EPOCHS]
        if of:
            versions, layers = of[0]["versions"], of[0]["layers"]
            accuracy, seconds = collect(of, "test_accuracy"), collect(of, "training_time")
            rows[name] = {"year": stack.year, "layers": layers, "seconds": seconds}
            lines.append(" | ".join([
                versions["tensorflow"], str(stack.year), versions["keras"], versions["python"], str(len(of)),
                f"{accuracy.mean():.4f} ({accuracy.min():.4f}\u2013{accuracy.max():.4f})",
                f"{np.median(seconds):.0f}" if len(seconds) else "not timed",
                "accelerated" if layers == "fast" else "Keras' own"]))
    return {"rows": rows, "table": "\n" + "".join(f"| {line} |\n" for line in lines) + "\n", "n": len(stacks.STACKS),
            "short": [f"{run['stack']}: {run['test_accuracy']:.4f}" for run in runs if run["epochs"] == 1] or ["none"],
            "missing": stacks.find_missing(runs) or ["none"],
            "commits": list(dict.fromkeys(run["commit"] for run in runs)), "gflops": collect(runs, "gflops"),
            "hardware": list(dict.fromkeys(run["hardware"] for run in runs))}


def compute():
    """Return all subjects by their names."""
    then, today, published = load_series("keras-2"), load_series("keras-3"), Constants.PUBLISHED
    difference = compare(describe_runs(then)["error"], describe_runs(today)["error"])      # of accuracies, in points
    printed = (HERE / "series/keras-3/00.txt").read_text(encoding="utf-8")
    return {
        "I": published, "II": then[0], "III": today[0],
        "keras-2": describe_series(then), "keras-3": {**describe_series(today), "difference": difference},
        "published": describe_runs([published]), "rank": describe_rank(published["history"], today),
        "paper": describe_runs([{"test_accuracy": 1 - Constants.PAPER["test_error"] / 100}]),
        "departures": describe_departures(), "changes": describe_changes(), "benchmark": describe_benchmark(),
        "stacks": describe_stacks(),
        "printed": "\n```\n" + "".join(re.findall("(?m)^(?:Training|Testing) .*\n", printed)) + "```\n",
        "reference": {"outputs": reference.OUTPUTS, "gradients": reference.GRADIENTS, "averages": reference.AVERAGES,
                      "weights": max(reference.WEIGHTS.values()), "steps": max(reference.STEPS)}}
