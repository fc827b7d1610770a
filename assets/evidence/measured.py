"""JSON files of results that grow run by run: each says which code, versions and machine made it."""
import json
import sys

from support import backend, device, results


def made_here():
    """Return the code's commit, the versions and the hardware, with which a file of results begins."""
    return {"commit": results.describe_commit(), "versions": backend.versions(), "hardware": device.describe()[1]}


def load(path, made_by, **empty):
    """Return a file's results, or new ones that begin with made_by; exits where the file's were not made by it."""
    found = json.loads(path.read_text()) if path.exists() else dict(made_by, **empty)
    for key, value in made_by.items():
        if found.get(key) != value:
            sys.exit(f"{path} has results of {key} {found.get(key)}, here is {value}; move it away to begin anew")
    return found


def save(path, found):
    """Write results to a file, which is whole at any time."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found, indent=1))
    part.replace(path)
