"""Train, test and read on the TensorFlow of each year, each in an environment of its own, which is deleted afterwards.

    python assets/evidence/stacks/stacks.py [NAME ...] [--short] [--environments FOLDER] [--into FOLDER]

Each stack that is LONG has 12 epochs with seeds 0 to 2, the others one epoch with seed 0. A record is in results.json
at once, and is not made again; what is not there at the end is named. --short is what .ci/run does: with the stacks of
CI, it trains an epoch of few digits, tests weights and reads a picture. It takes pyenv's interpreters, or those on the
path, and is itself run by today's stack. The records name the clone's commit, which stays clean with --into.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np
from PIL import Image
from support import mnist

WEIGHTS = ROOT / "assets" / "LeNet-5.weights.h5"
RECORD = HERE.parent / "series" / "keras-3" / "00.json"      # of the run with these weights
KEYS = "commit", "versions", "hardware", "gflops", "layers", "test_accuracy", "test_loss", "training_time"
SEEDS, EPOCHS = [0, 1, 2], 12        # of a stack that is LONG

Stack = collections.namedtuple("Stack", "year python packages use")
OLD = "h5py<3 protobuf<3.21"        # which TensorFlow up to 2.2 bears no later
LONG, CI, BOTH = "long", "CI", "long and CI"

# By name: the year of TensorFlow's release, Python, and what pip is told, where all else is as pip resolves it. The
# package tensorflow-cpu is the same for a CPU, and smaller; the versions that have none have no GPU in tensorflow.
STACKS = {
    "1.11": Stack(2018, "3.6", f"tensorflow==1.11.0 keras==2.1.6 {OLD}", BOTH),
    "1.12": Stack(2018, "3.6", f"tensorflow==1.12.3 keras==2.2.4 {OLD}", ""),
    "1.13": Stack(2019, "3.6", f"tensorflow==1.13.1 keras==2.2.4 {OLD}", LONG),
    "1.14": Stack(2019, "3.7", f"tensorflow==1.14.0 keras==2.2.5 {OLD}", ""),
    "1.15": Stack(2019, "3.7", f"tensorflow==1.15.5 keras==2.3.1 {OLD}", BOTH),
    "2.0": Stack(2019, "3.7", f"tensorflow==2.0.4 keras==2.3.1 {OLD}", ""),
    "2.2": Stack(2020, "3.7", f"tensorflow-cpu==2.2.3 keras==2.3.1 {OLD}", LONG),
    "2.4": Stack(2020, "3.8", "tensorflow-cpu==2.4.4 protobuf<3.21", BOTH),
    "2.4+keras": Stack(2020, "3.8", "tensorflow-cpu==2.4.4 keras protobuf<3.21", ""),
    "2.6": Stack(2021, "3.8", "tensorflow-cpu==2.6.5 protobuf<3.21", ""),
    "2.7": Stack(2021, "3.8", "tensorflow-cpu==2.7.4 protobuf<3.21", ""),
    "2.8": Stack(2022, "3.8", "tensorflow-cpu==2.8.4 protobuf<3.21", LONG),
    "2.9": Stack(2022, "3.8", "tensorflow-cpu==2.9.3 protobuf<3.21", ""),
    "2.10": Stack(2022, "3.9", "tensorflow-cpu==2.10.1 numpy<2", BOTH),
    "2.11": Stack(2022, "3.9", "tensorflow-cpu==2.11.1 numpy<2", ""),
    "2.13": Stack(2023, "3.10", "tensorflow-cpu==2.13.1", ""),
    "2.15": Stack(2023, "3.11", "tensorflow-cpu==2.15.1", BOTH),
    "2.16": Stack(2024, "3.11", "tensorflow-cpu==2.16.2 keras==3.3.3", ""),
    "2.17": Stack(2024, "3.11", "tensorflow-cpu==2.17.1 keras==3.5.0", ""),
    "2.18": Stack(2024, "3.11", "tensorflow-cpu==2.18.1 keras==3.8.0", BOTH),
    "2.19": Stack(2025, "3.11", "tensorflow-cpu==2.19.1 keras==3.10.0", CI),
    "2.20": Stack(2025, "3.12", "tensorflow-cpu==2.20.0", ""),
    "2.21+3.3": Stack(2026, "3.12", "tensorflow-cpu==2.21.0 keras==3.3.3", ""),
    "2.21+3.8": Stack(2026, "3.12", "tensorflow-cpu==2.21.0 keras==3.8.0", ""),
    "2.21": Stack(2026, "3.12", "-rrequirements.txt", LONG),
    "2.22": Stack(2026, "3.13", "tensorflow-cpu==2.22.0rc0", ""),
    "JAX": Stack(2026, "3.12", "keras==3.15.1 jax", CI),
    "PyTorch": Stack(2026, "3.11", "keras==3.15.1 torch==2.13.0", ""),
}


def make_environment(stack, folder):
    """Make a stack's environment in a folder; return its Python."""
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv"), "versions")
    found = sorted(pyenv.glob(f"{stack.python}.*/bin/python3"), key=lambda path: [
        int(number) for number in re.findall(r"\d+", path.parts[-3])])
    subprocess.run([found[-1] if found else f"python{stack.python}", "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    pip = ["pip==21.3.1"] if stack.python == "3.6" else []      # the last
    # Keras last, so that it overrules the one that TensorFlow wants; the others together, for they agree on a NumPy
    keras = [package for package in stack.packages.split() if package.startswith("keras")]
    others = [package for package in stack.packages.split() if package not in keras]
    for packages in filter(None, [pip, [*others, "matplotlib"], keras]):
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], cwd=ROOT, check=True)
    return python


def run(python, *arguments):
    """Run lenet5.py; return what it printed. Exits where it fails, or has more than two lines of chatter."""
    done = subprocess.run([str(part) for part in (python, ROOT / "lenet5.py", *arguments)], text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode or len(done.stderr.splitlines()) > 2:
        sys.exit(f"{python} {arguments}: {done.returncode}\n{done.stderr}")
    return done.stdout


def find_accuracy(printed):
    return float(re.search("(?m)^Testing Accuracy: (.*)$", printed)[1])


def check(python, folder):
    """Train an epoch of few digits, test its weights and the shipped ones, here and there, and read a picture."""
    digits = {name: array[:8000] for name, array in mnist.load_digits().items()}
    few, logs, picture = folder / "few.npz", folder / "logs", folder / "seven.png"
    np.savez(few, **digits)
    Image.fromarray(255 - np.pad(np.kron(digits["x_test"][0], np.ones((8, 8), np.uint8)), 50)).save(picture)
    trained = find_accuracy(run(python, "--mnist", few, "--epochs", 1, "--batch-size", 32, "--logs", logs))
    weights, = logs.glob("*.h5")
    assert trained > .8, trained
    for each in python, sys.executable:     # weights travel
        assert abs(find_accuracy(run(each, "--mnist", few, "--evaluate", weights)) - trained) < 1e-6
    assert find_accuracy(run(python, "--evaluate", WEIGHTS)) == json.loads(RECORD.read_text())["test_accuracy"]
    assert ": 7 (" in run(python, "--read", picture, "--logs", logs)
    return trained


def train(python, epochs, seed):
    """Return the record of a run."""
    with tempfile.TemporaryDirectory() as logs:
        run(python, "--epochs", epochs, "--seed", seed, "--logs", logs)
        record, = pathlib.Path(logs).glob("*.json")
        return json.loads(record.read_text())


def find_missing(runs):
    """Return which runs are not there, in words."""
    made = {(run["stack"], run["seed"]) for run in runs}
    return [f"{name} with seed {seed}" for name, stack in STACKS.items()
            for seed in (SEEDS if LONG in stack.use else [0]) if (name, seed) not in made]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(STACKS)} (all, or with --short CI's)")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, metavar="N", help="(0 1 2)")
    parser.add_argument("--short", action="store_true", help="only see that each works")
    parser.add_argument("--beside", action="store_true",
                        help="other programs run at the same time: times and rates are not kept")
    parser.add_argument("--environments", type=pathlib.Path, help="take the environments that are there, and keep them")
    parser.add_argument("--into", type=pathlib.Path, default=HERE, help="where results.json is (%(default)s)")
    options = parser.parse_args()
    path = options.into / "results.json"
    chosen = options.names or [name for name, stack in STACKS.items() if CI in stack.use or not options.short]
    done = json.loads(path.read_text()) if path.exists() else []
    for name in chosen:
        stack, started = STACKS[name], time.time()
        seeds = options.seeds if LONG in stack.use else [0]
        epochs = EPOCHS if LONG in stack.use else 1
        missing = [seed for seed in seeds if not any((each["stack"], each["seed"]) == (name, seed) for each in done)]
        if not options.short and not missing:
            continue
        with tempfile.TemporaryDirectory() as folder:
            kept = options.environments and options.environments / name
            python = kept / "bin" / "python" if kept and kept.exists() else make_environment(
                stack, kept or pathlib.Path(folder, "environment"))
            if options.short:
                print(f"{name}: {check(python, pathlib.Path(folder)):.3f}, {time.time() - started:.0f} s", flush=True)
                continue
            for seed in missing:
                record = train(python, epochs, seed)
                if options.beside:
                    record.update(training_time=None, gflops=None)
                done.append({"stack": name, "seed": seed, "epochs": epochs, **{key: record[key] for key in KEYS}})
                path.write_text(json.dumps(done, indent=1))
                print(f"{name}, seed {seed}: {record['test_accuracy']} in {record['training_time']} s", flush=True)
    if not options.short:
        print("Not there:", ", ".join(find_missing(done)) or "none")


if __name__ == "__main__":
    main()
