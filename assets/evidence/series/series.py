"""Make a series: the last commit's lenet5.py once for each seed, its records as keras-3/00.json and so on.

    python assets/evidence/series/series.py [--python PATH] [--seeds FIRST LAST] [--beside] [--into FOLDER]
    python assets/evidence/series/series.py --changes [--seeds FIRST LAST] [--into FOLDER]

A run that is there is not made again, so that a series that was stopped goes on.
Seed 0 leaves its weights, too. On Keras 3 it is the README's row III: what it
printed becomes 00.txt, and without --into its files go to logs-lenet.
With --changes, each seed trains the script as it is and with each of CHANGES, in turn,
and the results go to changes.json.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(HERE.parent)]

import measured

CHANGES = {         # those in the README: a piece of lenet5.py, and what replaces it
    "as it is": ("", ""),
    "C1: 8 maps instead of 6": ("Conv2D(6, 5", "Conv2D(8, 5"),
    "SP2: maxima instead of averages": ('AvgPool2D(2, name="SP2")', 'MaxPool2D(2, name="SP2")'),
    "Adam instead of Adadelta": (
        "Adadelta(Constants.LEARNING_RATE, Constants.RHO, epsilon=Constants.EPSILON)", "Adam()")}
KEPT = ["test_accuracy", "test_loss", "training_time", "layers"]        # of the records of --changes


def train(folder, seed, python=sys.executable, change=("", "")):
    """Clone the last commit into an empty folder, and train there; return the record's path and the output."""
    script = pathlib.Path(folder, "clone", "lenet5.py")
    subprocess.run(["git", "clone", "--quiet", ROOT, script.parent], check=True)
    script.write_text(script.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    # Not in the clone, whose logs-lenet has a run already; what is printed names logs-lenet, as a user sees it
    output = subprocess.run([python, script, "--seed", str(seed)], cwd=folder, check=True, stdout=subprocess.PIPE)
    path, = pathlib.Path(folder, "logs-lenet").glob("*.json")
    return path, output.stdout.decode()


def last_states(output):
    """Return a terminal's lines as they look at the end, when progress bars have been overwritten."""
    shown = re.sub("\x1b\\[[0-9;]*m|\b", "", output)
    return "".join(line + "\n" for line in (line.split("\r")[-1] for line in shown.split("\n")) if line)


def make_record(seed, python, folder, beside):
    """Train with a seed, and keep in the folder what the series needs of the run."""
    with tempfile.TemporaryDirectory() as here:
        path, output = train(here, seed, python)
        record = json.loads(path.read_text())
        if beside:
            record["training_time"] = None
            path.write_text(json.dumps(record, indent=1))
        if seed == 0:
            weights, = path.parent.glob("*.h5")
            shutil.copy(weights, folder / "00.weights.h5")
            if folder.name == "keras-3":
                (folder / "00.txt").write_text(last_states(output), encoding="utf-8", newline="\n")
                if folder.parent == HERE:
                    shutil.copytree(path.parent, ROOT / "logs-lenet", dirs_exist_ok=True)
        shutil.copy(path, folder / f"{seed:02}.json")
        print(f"{folder.name}, seed {seed}: {record['test_accuracy']}", flush=True)


def measure_changes(seeds, path):
    """Train with each seed and each change, and add what is KEPT of the record to the results."""
    commit = subprocess.run(["git", "describe", "--always"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found = measured.load(path, dict(measured.made_here(), commit=commit.stdout.strip()), runs=[])
    for seed in seeds:
        for title, change in CHANGES.items():
            if (title, seed) not in [(run["change"], run["seed"]) for run in found["runs"]]:
                with tempfile.TemporaryDirectory() as here:
                    record = json.loads(train(here, seed, change=change)[0].read_text())
                found["runs"].append({"change": title, "seed": seed, **{key: record[key] for key in KEPT}})
                measured.save(path, found)
                print(f"seed {seed}, {title}: {record['test_accuracy']}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, type=os.path.abspath,       # runs begin in other folders
                        help="that of the stack (%(default)s)")
    parser.add_argument("--seeds", nargs=2, type=int, default=[0, 29], metavar=("FIRST", "LAST"))
    parser.add_argument("--beside", action="store_true",
                        help="other programs run at the same time: the training times are not kept")
    parser.add_argument("--changes", action="store_true", help="measure the changes of a line, on this Python")
    parser.add_argument("--into", type=pathlib.Path, default=HERE, help="(%(default)s)")
    options = parser.parse_args()
    seeds = range(options.seeds[0], options.seeds[1] + 1)
    options.into.mkdir(parents=True, exist_ok=True)
    if options.changes:
        return measure_changes(seeds, options.into / "changes.json")
    version = subprocess.run([options.python, "-c", "import keras; print(keras.__version__)"], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    folder = options.into / f"keras-{version.strip()[0]}"
    folder.mkdir(exist_ok=True)
    for seed in seeds:
        if not (folder / f"{seed:02}.json").exists():
            make_record(seed, options.python, folder, options.beside)


if __name__ == "__main__":
    main()
