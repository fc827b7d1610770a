"""Measure what the README's changes of a line do to accuracy and time.

    python assets/evidence/changes/changes.py [--seeds N]

A change is a row of the README's table with the line before and the line after.
For each seed, lenet5.py trains as it is and with each change, in a copy of the
last commit. Each run is in results.json at once, and is not run again.
"""
import argparse
import io
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(HERE.parent)]

KEYS = ["test_accuracy", "test_loss", "training_time", "layers"]        # of a record


def find_changes():
    """Return the README's (before, after): the rows that begin with two pieces of code, the first from lenet5.py."""
    script, page = (ROOT.joinpath(name).read_text(encoding="utf-8") for name in ("lenet5.py", "README.md"))
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \|", page, re.MULTILINE)
    return [(before, after) for before, after in rows if script.count(before) == 1]


def train(change, seed):
    """Return the record of a run of the last commit's lenet5.py with one change, (before, after)."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        tarfile.open(fileobj=io.BytesIO(archive)).extractall(folder)
        script = pathlib.Path(folder, "lenet5.py")
        script.write_text(script.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
        subprocess.run([sys.executable, "lenet5.py", "--seed", str(seed), "--logs", "runs"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        record, = pathlib.Path(folder, "runs").glob("*.json")
        return json.loads(record.read_text())


def main():
    import measured
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    path = str(HERE / "results.json")
    found = measured.load(path, measured.made_here(), runs=[])
    done = [(run["change"], run["seed"]) for run in found["runs"]]
    for seed in range(parser.parse_args().seeds):
        for name, change in {"none": ("", ""), **{after: (before, after) for before, after in find_changes()}}.items():
            if (name, seed) not in done:
                record = train(change, seed)
                found["runs"].append({"change": name, "seed": seed, **{key: record[key] for key in KEYS}})
                measured.save(path, found)
                print(f"seed {seed}, {name}: {record['test_accuracy']}", flush=True)


if __name__ == "__main__":
    main()
