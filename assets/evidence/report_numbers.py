"""The READMEs' numbers, from committed files; a describe_ function returns those for the texts' braces, by name."""
import glob
import json
import os

import numpy as np

from constants import Constants
from reference import AVERAGES, GRADIENTS, OUTPUTS, STEPS, WEIGHTS
from support import execution, results

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PUBLISHED = Constants.PUBLISHED
MARGIN = .1         # percentage points within which two accuracies count as equal
RACE_LIMIT = 1e-3   # of an update's norm, from which a first step is off


# Statistics

def student_tail(t, freedom):
    """Return the probability that Student's t, of `freedom` degrees, is greater than t."""
    def integrate(low, high, steps=20000):      # the density over the angle: t = sqrt(freedom) tan(angle)
        angles = low + (np.arange(steps) + .5) * (high - low) / steps
        return np.sum(np.cos(angles) ** (freedom - 1)) * (high - low) / steps
    return integrate(np.arctan(t / np.sqrt(freedom)), np.pi / 2) / integrate(-np.pi / 2, np.pi / 2)


def student_quantile(tail, freedom):
    """Return the t that Student's t exceeds with probability `tail`, below a half: by bisection."""
    low, high = 0., 1e3
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if student_tail(middle, freedom) > tail else (low, middle)
    return low


def compare(a, b):
    """Return the difference of two samples' means, its standard error, and Welch's degrees of freedom."""
    first, second = np.var(a, ddof=1) / len(a), np.var(b, ddof=1) / len(b)
    freedom = (first + second) ** 2 / (first ** 2 / (len(a) - 1) + second ** 2 / (len(b) - 1))
    return np.mean(a) - np.mean(b), np.sqrt(first + second), freedom


def half_interval(error, freedom):
    """Return half of the 95% interval of a mean with that standard error."""
    return error * student_quantile(.025, freedom)


# How numbers are written

def spread(values, digits):
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def signed(value, digits=2):
    return f"{round(value, digits) + 0.:+.{digits}f}".replace("-", "−")      # + 0. for no minus before zero


def probability(p):
    return "< 0.001" if p < .001 else f"= {p:.3f}"


def power(value):
    return f"{value:g}".replace("e-0", "e-")


# The evidence

def load(*path):
    """Return what a JSON file of the repository holds."""
    with open(os.path.join(ROOT, *path)) as file:
        return json.load(file)


def load_records():
    """Return the records of all runs of the experiment, with their paths, by seed."""
    records = [dict(load(path), path=os.path.relpath(path, ROOT))
               for path in glob.glob(os.path.join(ROOT, Constants.LOGS_DIR, "*.json"))]
    return sorted((record for record in records if record["data"]["name"] == "MNIST"
                   and record["config"]["epochs"] == Constants.EPOCHS and record["backend"] == "tensorflow"),
                  key=lambda record: record["config"]["seed"])


def select(records, version, cpu=True):
    """Return the records of one Keras, of runs on a CPU or on a GPU."""
    return [record for record in records
            if record["versions"]["keras"].startswith(version) and (" cores" in record["hardware"]) == cpu]


def describe_series(name, records):
    accuracy = [record["test_accuracy"] for record in records]
    loss = [record["test_loss"] for record in records]
    misclassified = [len(record["misclassified"]) for record in records]
    values = {
        "n": len(records), "keras": records[0]["versions"]["keras"], "hardware": records[0]["hardware"],
        "first": records[0]["config"]["seed"], "last": records[-1]["config"]["seed"],
        "results": f"{spread(accuracy, 4)} | {spread(loss, 4)} | {spread(misclassified, 1)}",
        "accuracy": spread(accuracy, 4), "loss": spread(loss, 4), "mean": f"{np.mean(accuracy):.4f}",
        "error": f"{100 * (1 - np.mean(accuracy)):.2f}",
        "seconds": f"{np.median([record['training_time'] for record in records]):.0f}"}
    return {f"{name}_{key}": value for key, value in values.items()}


def describe_equality(today, then):
    """Two one-sided t-tests after Schuirmann (1987), with Welch's degrees of freedom."""
    today, then = ([100 * record["test_accuracy"] for record in records] for records in (today, then))
    difference, error, freedom = compare(today, then)
    half = half_interval(error, freedom)
    tests = [student_tail((MARGIN + side * difference) / error, freedom) for side in (1, -1)]
    return {"difference": signed(difference), "low": signed(difference - half), "high": signed(difference + half),
            "margin": MARGIN, "p_low": probability(tests[0]), "p_high": probability(tests[1]),
            "test_error": f"{np.sqrt(np.mean(today) * (100 - np.mean(today)) / 10000):.2f}"}, max(tests) < .05


def describe_published(today):
    """The published run, and its rank among today's, to the four decimals of its log."""
    facts = {"published_accuracy": PUBLISHED["test_accuracy"], "published_loss": f"{PUBLISHED['test_loss']:.4f}",
             "published_wrong": round(10000 * (1 - PUBLISHED["test_accuracy"]))}
    for key, values in PUBLISHED["history"].items():
        runs, published = np.array([round(record["history"][key][-1], 4) for record in today]), values[-1]
        facts["rank_" + key] = (f"{published:.4f} | {runs.min():.4f}–{runs.max():.4f} | {sum(runs < published)}"
                                f" | {sum(runs == published)} | {sum(runs > published)}")
    return facts


def describe_rows(rows, up):
    """The results table, with links that go `up`: the published run as published, then each record."""
    versions = PUBLISHED["versions"]
    lines = [f"| I | {versions['keras']} | {versions['tensorflow']} | {versions['python']} | {PUBLISHED['hardware']}"
             f" | {PUBLISHED['training_time']} | {PUBLISHED['test_loss']} | {PUBLISHED['test_accuracy']} |"]
    for number, record in zip(("II", "III", "IV"), rows):
        versions = record["versions"]
        lines.append(f"| [{number}]({up}{record['path']}) | {versions['keras']} | {versions['tensorflow']}"
                     f" | {versions['python']} | {record['hardware']} | {record['training_time']:.0f}"
                     f" | {record['test_loss']} | {record['test_accuracy']} |")
    return "\n".join(lines)


def describe_excerpt(record):
    """The lines that run III printed, but for Keras' progress bars."""
    versions = record["versions"]
    return f"""\
Keras {versions['keras']} on TensorFlow {versions['tensorflow']}, Python {versions['python']}, \
on {record['hardware']}
Tensor Shape of each Image: {Constants.INPUT_SHAPE}
Num of Training Samples: 60000
Num of Testing Samples: 10000
...
Training Time: {record['training_time']}
Testing Loss: {record['test_loss']}
Testing Accuracy: {record['test_accuracy']}
Written: {record['path']}, its plots and weights. Its row for the README's table:
{results.readme_row(record, record['path'])}"""


def describe_parameters(lenet):
    """The paper's: S2 and S4 train two numbers a map; C3's maps see 3, 4 or all 6 maps (Table I); 84 units in F6."""
    ours = [layer.count_params() for layer in lenet.layers if layer.name[0].isupper()]
    c1, c3, c5 = 6 * (25 + 1), 6 * (3 * 25 + 1) + 9 * (4 * 25 + 1) + (6 * 25 + 1), 120 * (16 * 25 + 1)
    paper = [c1, 6 * 2, c3, 16 * 2, c5, 84 * (120 + 1), 0]
    return {name: " | ".join(f"{count:,}" for count in counts + [sum(counts)])
            for name, counts in (("parameters", ours), ("paper_parameters", paper))}


def describe_paper():
    return {"paper_error": Constants.PAPER["test_error"],
            "paper_distorted": Constants.PAPER["test_error_distortions"]}


def describe_reference():
    return {"outputs": power(OUTPUTS), "gradients": power(GRADIENTS), "averages": power(AVERAGES),
            "weights": power(WEIGHTS[max(STEPS)]), "steps": max(STEPS)}


def describe_race():
    race = load("tests", "reference", "race.json")
    facts = {"race_hardware": race["hardware"], "race_limit": f"{100 * RACE_LIMIT:g}"}
    for name, series in ("race", "published"), ("ordered", "ordered"):
        worst = [max(step.values()) for step in race[series]]
        facts.update({f"{name}_n": len(worst), f"{name}_off": sum(value > RACE_LIMIT for value in worst),
                      f"{name}_worst": f"{100 * max(worst):.0f}"})
    for layer in "C1", "C3", "C5", "F6", "Output":
        facts["race_" + layer] = sum(max(step[f"{layer} kernel"], step[f"{layer} bias"]) > RACE_LIMIT
                                     for step in race["published"])
    return facts


def describe_racing(then):
    """The runs whose updates race, beside those on the same stack that do one operation at a time."""
    runs = load("tests", "reference", "racing.json")["runs"]
    facts = {"racing_n": len(runs)}
    for name, digits, unit in ("accuracy", 2, 100), ("loss", 4, 1):
        racing, ordered = ([unit * run["test_" + name] for run in group] for group in (runs, then))
        difference, error, freedom = compare(racing, ordered)
        half = half_interval(error, freedom)
        facts["racing_" + name] = spread([run["test_" + name] for run in runs], 4)
        facts["racing_more_" + name] = signed(difference, digits)
        facts["racing_low_" + name] = signed(difference - half, digits)
        facts["racing_high_" + name] = signed(difference + half, digits)
    return facts


def describe_benchmark(names):
    found = load("assets", "benchmark.json")
    rounds, lines, ratios = found["rounds"], [], {}
    for name in rounds[0]:
        entries = [each[name] for each in rounds]
        seconds = [entry["seconds"] for entry in entries]
        ratios[name] = np.median([each[name]["seconds"] / each["lenet5.py"]["seconds"] for each in rounds])

        def cell(key, digits, unit=1):
            known = entries[0].get(key) is not None
            return f"{np.median([entry[key] for entry in entries]) / unit:.{digits}f}" if known else ""
        label = names[name].format(version=entries[0].get("version", "").split("+")[0])
        process = "" if name == "the arithmetic alone" else cell("process", 1)
        lines.append(f"| {label} | {np.median(seconds):.1f} ({min(seconds):.1f}–{max(seconds):.1f})"
                     f" | {ratios[name]:.2f} | {cell('accuracy', 4)} | {cell('first_batch', 1)}"
                     f" | {cell('longest_gap', 1)} | {process} | {cell('memory', 0, 1e6)} |")
    peer = min((name for name in ratios if name.startswith(("PyTorch", "JAX"))), key=ratios.get)
    return {"benchmark": "\n".join(lines), "benchmark_hardware": found["hardware"], "epochs": found["epochs"],
            "rounds": len(rounds), "plain_ratio": f"{ratios['plain Keras 3 fit(x, y)']:.1f}",
            "peer": names[peer].format(version=rounds[0][peer]["version"].split("+")[0]),
            "peer_ratio": f"{ratios[peer]:.1f}", "arithmetic_ratio": f"{ratios['the arithmetic alone']:.2f}",
            "rate": f"{np.median([each['the arithmetic alone']['rate'] for each in rounds]) / 1e9:.0f}",
            "compilation": f"{np.median([each['PyTorch, compiled']['compilation'] for each in rounds]):.0f}",
            "steps_per_execution": execution.STEPS_PER_EXECUTION}


def group_departures(names):
    """Return each departure's test errors in percent and its parameters, in the names' order."""
    runs = load("assets", "departures.json")["runs"]
    groups = {name: [run for run in runs if run["departure"] == name] for name in names}
    return {name: ([100 * (1 - run["test_accuracy"]) for run in group], group[0]["parameters"])
            for name, group in groups.items() if group}


def measure_departures(names):
    """Return (name, mean test error in percent, half of its 95% interval) of each departure, the published first."""
    return [(name, np.mean(errors), half_interval(np.std(errors, ddof=1) / np.sqrt(len(errors)), len(errors) - 1))
            for name, (errors, _) in group_departures(names).items()]


def describe_departures(names):
    groups, lines = group_departures(names), []
    for name, (errors, parameters) in groups.items():
        difference, error, freedom = compare(errors, groups["none"][0])
        half = half_interval(error, freedom)
        interval = f"{signed(difference)} [{signed(difference - half)}, {signed(difference + half)}]"
        lines.append(f"| {names[name]} | {len(errors)} | {spread(errors, 2)} | {'' if name == 'none' else interval}"
                     f" | {parameters:,} |")
    return {"departures": "\n".join(lines), "sdlm_error": f"{np.mean(groups['paper-sdlm'][0]):.2f}"}
