"""The pages' numbers as text, by name, from committed files: a function for each subject."""
import json
import pathlib
import re

import changes
import numpy as np
import pictures
import reference
from constants import Constants
from scipy import stats

HERE = pathlib.Path(__file__).resolve().parent
SEEDS = {"keras-3": 30, "keras-2": 20}      # of each series
MARGIN = .1         # percentage points within which two accuracies count as equal
RACE_LIMIT = 1e-3   # of an update's norm, from which a first step is off


def load(*path):
    return json.loads(HERE.joinpath(*path).read_text(encoding="utf-8"))


def load_series(folder):
    return [load("series", folder, f"{seed:02}.json") for seed in range(SEEDS[folder])]


def collect(records, key, unit=1):
    return unit * np.array([record[key] for record in records])


def spread(values, digits):
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def measure_difference(a, b):
    """Return the difference of two samples' means, and the ends of its 95% interval by Welch's t."""
    return np.mean(a) - np.mean(b), *stats.ttest_ind(a, b, equal_var=False).confidence_interval()


def compare(a, b, digits=2):
    """Return the difference of two samples' means with its 95% interval, as text."""
    values = np.round(measure_difference(a, b), digits) + 0.      # no minus before zero
    return "{:+.{digits}f} [{:+.{digits}f}, {:+.{digits}f}]".format(*values, digits=digits).replace("-", "−")


def shorten(hardware):
    """Return a device in few words: Intel Xeon, 2 cores."""
    name, _, cores = hardware.partition(" (")
    return ", ".join(filter(None, [re.sub(r"\((R|TM)\)| Processor", "", name), cores.strip(")").split(",")[0]]))


def describe_series(records):
    """By vote, a digit is misread where another answer has more votes than the true one; a tie is where both lead."""
    wrong = pictures.count_misread(records)
    always = sorted(index for index, votes in wrong.items() if votes.total() == len(records))
    lead = [len(records) - votes.total() - max(votes.values()) for votes in wrong.values()]     # the true answer's
    times = [record["training_time"] for record in records if record["training_time"] is not None]
    accuracy, first = collect(records, "test_accuracy"), records[0]
    return {"n": len(records), "last": len(records) - 1, **first["versions"], "hardware": first["hardware"],
            "device": shorten(first["hardware"]), "commit": first["commit"],
            "accuracy": spread(accuracy, 4), "mean": f"{np.mean(accuracy):.4f}",
            "points": f"{100 * np.std(accuracy, ddof=1):.2f}", "misread": spread(10000 * (1 - accuracy), 1),
            "loss": spread(collect(records, "test_loss"), 4), "seconds": f"{np.median(times):.0f}", "timed": len(times),
            "any": len(wrong), "all": len(always), "all.list": ", ".join(map(str, always)),
            "vote": sum(votes < 0 for votes in lead), "vote.ties": lead.count(0)}


def describe_rows(rows):
    values = {}
    for number, run in rows.items():
        versions = [run["versions"][key] for key in ("keras", "tensorflow", "python")]
        numbers = [run[key] for key in ("training_time", "test_loss", "test_accuracy")]
        values[number] = "{} | {} | {} | {} | {:.0f} | {:.4f} | {:.4f}".format(
            *versions, shorten(run["hardware"]), *numbers)
        values[number + ".full"] = " | ".join(map(str, [", ".join(versions), run["hardware"], *numbers]))
    return values


def describe_published(run, records):
    """The published run, and its rank among others, to the four decimals of its log."""
    values = {"accuracy": f"{run['test_accuracy']:.4f}", "misread": round(10000 * (1 - run["test_accuracy"]))}
    for key, history in run["history"].items():
        last, others = history[-1], np.array([round(record["history"][key][-1], 4) for record in records])
        values["rank." + key] = "{:.4f} | {:.4f}–{:.4f} | {} | {} | {}".format(
            last, min(others), max(others), sum(others < last), sum(others == last), sum(others > last))
    return values


def describe_equality(today, then):
    """Two one-sided t-tests after Schuirmann (1987), with Welch's degrees of freedom."""
    today, then = collect(today, "test_accuracy", 100), collect(then, "test_accuracy", 100)
    p = max(stats.ttest_ind(today + MARGIN, then, equal_var=False, alternative="greater").pvalue,
            stats.ttest_ind(today - MARGIN, then, equal_var=False, alternative="less").pvalue)
    return {"difference": compare(today, then), "margin": MARGIN, "p": "< 0.001" if p < .001 else f"= {p:.3f}",
            "test_error": f"{np.sqrt(np.mean(today) * (100 - np.mean(today)) / 10000):.2f}"}


def group_departures():
    """Return the test errors in percent, and the runs, of each departure."""
    runs = load("departures", "results.json")["runs"]
    groups = {run["departure"]: [other for other in runs if other["departure"] == run["departure"]] for run in runs}
    return {name: (100 - collect(runs, "test_accuracy", 100), runs) for name, runs in groups.items()}


def measure_departures():
    """Return (name, runs, difference from none's error, half of its interval) of each departure, for the picture."""
    groups = {name: errors for name, (errors, _) in group_departures().items()}
    found = {name: measure_difference(errors, groups["none"]) for name, errors in groups.items() if name != "none"}
    return [(name, len(groups[name]), value, (high - low) / 2) for name, (value, low, high) in found.items()]


def describe_departures():
    groups = group_departures()
    values = {"commit": ", ".join(dict.fromkeys(run["commit"] for _, runs in groups.values() for run in runs))}
    for name, (errors, runs) in groups.items():
        difference = compare(errors, groups["none"][0]) if name != "none" else ""
        values.update({name + ".difference": difference, name + ".n": len(runs),
                       name + ".accuracy": spread(1 - errors / 100, 4), name + ".misread": spread(100 * errors, 1)})
        low, high = stats.ttest_1samp(errors, 0).confidence_interval()
        values[name + ".interval"] = f"{low:.2f} to {high:.2f}"
        values[name] = f"{len(runs)} | {spread(errors, 2)} | {difference} | {runs[0]['parameters']:,}"
    return values


def describe_changes(found):
    """What the README's changes of a line do to the network as published, over the same seeds."""
    plain, *others = ([run for run in found["runs"] if run["change"] == name]
                      for name in ["none"] + [after for _, after in changes.find_changes()])
    values = {"n": len(plain), "commit": found["commit"], "hardware": found["hardware"]}
    for number, runs in enumerate(others, 1):
        difference = compare(collect(runs, "test_accuracy", 100), collect(plain, "test_accuracy", 100))
        values[f"{number}"] = difference.replace(" ", "\u00a0")     # a narrow column does not break it
        ratio = np.median(collect(runs, "training_time") / collect(plain, "training_time"))     # in turn, by seed
        values[f"{number}.ratio"] = f"{ratio:.2f}"
    return values


def describe_race(then):
    """First steps that are off the one computed in order; whole runs beside those that do one operation at a time."""
    first, whole = load("reference", "race.json"), load("reference", "racing.json")
    worst, ordered = (np.array([max(step.values()) for step in first[kind]]) for kind in ("published", "ordered"))
    values = {"n": len(worst), "off": sum(worst > RACE_LIMIT), "worst": f"{100 * max(worst):.0f}",
              "ordered.n": len(ordered), "ordered.off": sum(ordered > RACE_LIMIT), "limit": f"{100 * RACE_LIMIT:g}",
              "hardware": first["hardware"], "commit": first["commit"],
              "whole.n": len(whole["runs"]), "whole.commit": whole["commit"]}
    for name, unit, digits in ("accuracy", 100, 2), ("loss", 1, 4):
        racing, waiting = (collect(runs, "test_" + name, unit) for runs in (whole["runs"], then))
        values.update({name: spread(racing / unit, 4), name + ".difference": compare(racing, waiting, digits)})
    return values


def describe_benchmark():
    """A row for each contestant: epochs' time, ratio to ours, first epoch, process, memory, accuracy."""
    found = load("benchmark", "benchmark.json")
    rounds, values = found["rounds"], {key: found[key] for key in ("commit", "hardware", "epochs")}
    values["rounds"] = len(rounds)
    for name in rounds[0]:
        first, results = rounds[0][name], [each[name] for each in rounds]
        kinds = [("seconds", 1, 1), ("first_epoch", 1, 1), ("process", 1, 1), ("memory", 1e6, 0), ("rate", 1e9, 0),
                 ("compilation", 1, 0)]
        middle = {key: f"{np.median(collect(results, key)) / unit:.{digits}f}" if first.get(key) else ""
                  for key, unit, digits in kinds}
        times = collect(results, "seconds")
        ratio = np.median(times / [each["lenet5"]["seconds"] for each in rounds])
        cells = [f"{middle['seconds']} ({min(times):.1f}–{max(times):.1f})", f"{ratio:.2f}",
                 *(middle[key] for key in ("first_epoch", "process", "memory")),
                 spread(collect(results, "accuracy"), 4) if "accuracy" in first else ""]
        values.update({name: " | ".join(cells), name + ".ratio": f"{ratio:.2g}", name + ".accuracy": cells[-1],
                       name + ".version": first.get("version", "").split("+")[0],
                       **{f"{name}.{key}": value for key, value in middle.items()}})
    return values


def compute():
    """Return all values by their names: the subject, a dot, and the key."""
    today, then, published = load_series("keras-3"), load_series("keras-2"), Constants.PUBLISHED
    gpu, printed = HERE / "series/keras-3-gpu/00.json", HERE / "series/keras-3/00.txt"
    error = Constants.PAPER["test_error"]
    result = re.findall("(?m)^(?:Training|Testing) .*\n", printed.read_text(encoding="utf-8"))
    rows = {"I": published, "II": then[0], "III": today[0], **({"IV": load(gpu)} if gpu.exists() else {})}
    subjects = {
        "today": describe_series(today), "then": describe_series(then), "row": describe_rows(rows),
        "published": describe_published(published, today), "equality": describe_equality(today, then),
        "paper": {"test_error": error, "accuracy": f"{1 - error / 100:.4f}", "misread": f"{100 * error:.0f}"},
        "departures": describe_departures(), "race": describe_race(then),
        "benchmark": describe_benchmark(), "changes": describe_changes(load("changes", "results.json")),
        "printed": {"result": "\n```\n" + "".join(result) + "```\n"},
        "reference": {name: f"{bound:g}".replace("e-0", "e-") for name, bound in {
            "outputs": reference.OUTPUTS, "gradients": reference.GRADIENTS, "averages": reference.AVERAGES,
            "weights": max(reference.WEIGHTS.values()), "steps": max(reference.STEPS)}.items()}}
    return {f"{subject}.{key}": str(value) for subject, found in subjects.items() for key, value in found.items()}
