"""What a run leaves: its record and the README's row of it; files whole or not at all."""
import contextlib
import glob
import hashlib
import json
import os
import tempfile
import time

import numpy as np

from support.command_line import UserError

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def hash_source():
    """Return the SHA-256 over lenet5.py, constants.py and support/*.py: the code that decides a run's numbers."""
    paths = [os.path.join(ROOT, "lenet5.py"), os.path.join(ROOT, "constants.py")]
    digest = hashlib.sha256()
    for path in paths + sorted(glob.glob(os.path.join(ROOT, "support", "*.py"))):
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def shortest_decimal(value):
    """Return a float32 as the float with the fewest digits that stands for it."""
    return float(str(np.float32(value)))


def normalize_history(history):
    """Return Keras' history with Keras 3's names, for Keras 2.1.6 says acc, and with plain floats."""
    names = {"acc": "accuracy", "val_acc": "val_accuracy"}
    return {names.get(name, name): [shortest_decimal(value) for value in values] for name, values in history.items()}


def check_finite(epoch, logs):
    """Raise FloatingPointError where an epoch's loss or test loss is not a number; a callback's on_epoch_end."""
    for name in "loss", "val_loss":
        if not np.isfinite(logs[name]):
            raise FloatingPointError(f"{name} became {logs[name]} in epoch {epoch + 1}")


def describe_compiled(lenet):
    """Return the loss and the optimizer that a network was compiled with, for the record."""
    settings = dict(lenet.optimizer.get_config(), name=type(lenet.optimizer).__name__)
    if "lr" in settings:        # Keras 2.1.6
        settings["learning_rate"] = settings.pop("lr")
    settings = {name: shortest_decimal(value) if isinstance(value, (float, np.floating)) else value
                for name, value in settings.items()}
    loss = lenet.loss.get_config() if hasattr(lenet.loss, "get_config") else getattr(lenet.loss, "__name__", lenet.loss)
    return {"loss": loss, "optimizer": settings}


def local_time(stamp):
    """Return a time in seconds since 1970 as local time in ISO 8601."""
    text = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(stamp))
    return text[:-2] + ":" + text[-2:]


def readme_row(record, path):
    """Return a record's row for the README's results table, in Markdown."""
    versions = record["versions"]
    return (f"| [record]({path}) | {versions['keras']} | {versions.get('tensorflow', record['backend'])}"
            f" | {versions['python']} | {record['hardware']} | {record['training_time']}"
            f" | {record['test_loss']} | {record['test_accuracy']} |")


def check_writable(logs):
    """Make the folder logs; raises UserError where nothing can be written there."""
    try:
        os.makedirs(logs, exist_ok=True)
        with tempfile.TemporaryFile(dir=logs):
            pass
    except OSError as error:
        raise UserError(f"--logs {logs}: cannot write there: {error.strerror}; name a folder that can be written")


def write_run(logs, record, pictures, weights):
    """Write a run's files into the folder logs, each whole or not at all, the record last.

    pictures, weights: files' bytes, the former by name
    Returns the path of the record. Raises UserError.
    """
    stamp = repr(record["stamp"])
    contents = {f"LeNet-5-{name}.{stamp}.jpeg": jpeg for name, jpeg in pictures.items()}
    contents[f"LeNet-5.{stamp}.weights.h5"] = weights
    contents[f"LeNet-5.{stamp}.json"] = json.dumps(record, indent=1, default=str).encode()
    hidden = [os.path.join(logs, "." + name) for name in contents]
    try:
        for path, content in zip(hidden, contents.values()):
            with open(path, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path, name in zip(hidden, contents):
            os.replace(path, os.path.join(logs, name))
    except OSError as error:
        raise UserError(f"--logs {logs}: the run could not be written there: {error.strerror};"
                        " its numbers are those above")
    finally:
        for path in hidden:
            with contextlib.suppress(OSError):
                os.remove(path)
    return os.path.join(logs, f"LeNet-5.{stamp}.json")
