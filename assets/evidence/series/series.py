"""Make a series: lenet5.py once for each seed; the records are kept as keras-3/00.json and so on, or keras-2/00.json.

    python assets/evidence/series/series.py [--python PATH] [--seeds FIRST LAST] [--beside] [--into FOLDER]

A record that is there is not made again, so that a series that was stopped goes on.
Seed 0 leaves its weights, too. On Keras 3 it is the README's row III: what it
printed becomes 00.txt, and without --into its files go to logs-lenet.
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


def last_states(output):
    """Return a terminal's lines as they look at the end, when progress bars have been overwritten."""
    shown = re.sub("\x1b\\[[0-9;]*m|\b", "", output)
    return "".join(line + "\n" for line in (line.split("\r")[-1] for line in shown.split("\n")) if line)


def run(python, seed, folder, beside):
    """Train with a seed, and keep in the folder what the series needs of the run."""
    with tempfile.TemporaryDirectory() as here:         # as if it were the user's, so that logs-lenet is what it prints
        output = subprocess.run([python, str(ROOT / "lenet5.py"), "--seed", str(seed)], cwd=here, check=True,
                                stdout=subprocess.PIPE).stdout.decode()
        made = pathlib.Path(here, "logs-lenet")
        path, = made.glob("*.json")
        record = json.loads(path.read_text())
        if record["commit"] is None or record["commit"].endswith("-dirty"):
            sys.exit("a series is made by a commit: commit first, or put the changes aside")
        if beside:
            record["training_time"] = None
            path.write_text(json.dumps(record, indent=1))
        if seed == 0:
            weights, = made.glob("*.h5")
            shutil.copy(weights, folder / "00.weights.h5")
            if folder.name == "keras-3":
                (folder / "00.txt").write_text(last_states(output), encoding="utf-8", newline="\n")
                if folder.parent == HERE:
                    shutil.copytree(made, ROOT / "logs-lenet", dirs_exist_ok=True)
        shutil.copy(path, folder / f"{seed:02}.json")
        print(f"{folder.name}, seed {seed}: {record['test_accuracy']}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, type=os.path.abspath,       # runs begin in other folders
                        help="that of the stack (%(default)s)")
    parser.add_argument("--seeds", nargs=2, type=int, default=[0, 29], metavar=("FIRST", "LAST"))
    parser.add_argument("--beside", action="store_true",
                        help="other programs run at the same time: the training times are not kept")
    parser.add_argument("--into", type=pathlib.Path, default=HERE, help="(%(default)s)")
    options = parser.parse_args()
    version = subprocess.run([options.python, "-c", "import keras; print(keras.__version__)"], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    folder = options.into / f"keras-{version.strip()[0]}"
    folder.mkdir(parents=True, exist_ok=True)
    first, last = options.seeds
    for seed in range(first, last + 1):
        if not (folder / f"{seed:02}.json").exists():
            run(options.python, seed, folder, options.beside)


if __name__ == "__main__":
    main()
