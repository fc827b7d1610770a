"""JSON files of results that grow run by run: each says which code, versions and machine made it."""
import json
import os
import sys

from support import backend, device, results


def made_here():
    """Return the code's commit, the versions and the hardware, with which a file of results begins."""
    _, hardware = device.describe()
    return {"commit": results.describe_commit(), "versions": backend.versions(), "hardware": hardware}


def load(path, made_by, **empty):
    """Return a file's results, or new ones that begin with made_by; exits where the file's were not made by it."""
    if not os.path.exists(path):
        return dict(made_by, **empty)
    with open(path) as file:
        found = json.load(file)
    for key, value in made_by.items():
        if found.get(key) != value:
            sys.exit(f"{path} has results of {key} {found.get(key)}, here is {value}; move it away to begin anew")
    return found


def save(path, found):
    """Write results to a file, which is whole at any time."""
    with open(path + ".part", "w") as file:
        json.dump(found, file, indent=1)
    os.replace(path + ".part", path)
