"""What a run leaves: its numbers, its record, and its files."""
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

from support import ROOT, UserError, one_line
from support.command_line import say
from support.weights import save_weights

NAMES = {"acc": "accuracy", "val_acc": "val_accuracy", "lr": "learning_rate"}      # Keras 2's, and Keras 3's


class RunFolder:
    """A private folder inside the folder logs. A run's files are made in it, and moved out of it when they are whole.

    It is made before training, with as much in it as a run writes: the check that the run can be written. Raises
    UserError where that fails. stamp: the run's; where a file of that stamp is there already, a later one is taken.
    """

    def __init__(self, logs, stamp, lenet):
        self.logs, self.stamp, self.is_taken = logs, stamp, False
        with self.refusing():
            os.makedirs(logs, exist_ok=True)
            self.private = tempfile.mkdtemp(prefix=".LeNet-5-", dir=logs)
        try:
            self.make(bytes(2 * 10 ** 6))       # first, since HDF5 aborts the process on a full disk
            self.make(lambda path: save_weights(lenet, path))
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.private, ignore_errors=True)

    @contextlib.contextmanager
    def refusing(self):
        try:
            yield
        except OSError as error:
            raise UserError(f"--logs {self.logs}: cannot write there: {one_line(error)}; name a folder with 2 MB free")

    def make(self, content):
        """Write bytes, or what a function writes to a path, into the private folder; return the path."""
        path = os.path.join(self.private, "made.weights.h5")      # Keras goes by the name
        with self.refusing():
            content(path) if callable(content) else pathlib.Path(path).write_bytes(content)
        return path

    def write(self, name, content):
        """Write bytes, or what a function writes to a path, to a file of the run; return its path. Raises UserError.

        name: with the stamp's place, as in "LeNet-5.{}.json"
        """
        made = self.make(content)
        with self.refusing():
            while True:
                path = os.path.join(self.logs, name.format(repr(self.stamp)))
                try:
                    move(made, path)
                    self.is_taken = True
                    return path
                except FileExistsError:
                    if self.is_taken:
                        raise
                    self.stamp = float(np.nextafter(self.stamp, np.inf))


def move(source, target):
    """Move a file to a name that is free; raises FileExistsError where something has it."""
    try:
        os.link(source, target)
    except OSError:
        if os.path.lexists(target):
            raise FileExistsError(f"{target} is there already")
        os.rename(source, target)       # the file system has no links
    else:
        os.remove(source)


def attempt(function, *arguments, what="Not written"):
    """Return what a function returns, or None after a line that says why: describing a run must not cost it."""
    try:
        return function(*arguments)
    except Exception as error:
        say(f"{what}: {one_line(error)}")


def draw(function, *arguments):
    """Return what a function draws, or None after a line: fonts and a data set's name are the machine's."""
    return attempt(function, *arguments, what="No picture")


def write_description(run, jpegs, record):
    """Write the pictures (bytes by name; None could not be drawn) and, last, the record; say where they are."""
    for name, jpeg in jpegs.items():
        if jpeg:
            attempt(run.write, f"LeNet-5-{name}." + "{}.jpeg", jpeg)
    path = attempt(run.write, "LeNet-5.{}.json", json.dumps(record, indent=1, default=str).encode())
    if path:
        say(f"Written: {path}, its plots and weights")


def describe_commit():
    """Return which commit of this repository the code is, with "-dirty" where it was changed; None outside of one."""
    command = ["git", "--git-dir", os.path.join(ROOT, ".git"), "--work-tree", ROOT, "describe", "--always", "--dirty"]
    try:
        return subprocess.check_output(command, stderr=subprocess.DEVNULL).decode().strip()
    except (OSError, subprocess.CalledProcessError):        # no Git, or no repository
        return None


def shorten(value):
    """Return a value, in lists too, as the float of fewest digits that is the same float32, where it is a float32's."""
    if isinstance(value, (list, tuple)) or getattr(value, "ndim", 0):
        return [shorten(each) for each in value]
    value = value.numpy() if not hasattr(value, "item") and hasattr(value, "numpy") else value      # TensorFlow's
    value = value.item() if hasattr(value, "item") else value
    with np.errstate(over="ignore"):
        is_single = isinstance(value, float) and float(np.float32(value)) == value
    return float(np.format_float_scientific(np.float32(value))) if is_single else value


def name_values(values):
    """Return Keras' values by name with Keras 3's names, as the record has them."""
    return {NAMES.get(name, name): shorten(value) for name, value in values.items()}


def check_finite(epoch, logs):
    """Raise FloatingPointError where an epoch's loss or test loss is not finite; a callback's on_epoch_end."""
    for name in "loss", "val_loss":
        if not np.isfinite(logs.get(name, 0)):
            raise FloatingPointError(f"{name} is {logs[name]} in epoch {epoch + 1}; try a lower LEARNING_RATE")


def name_results(network, tested):
    """Return what evaluate returned by Keras 3's names; raises FloatingPointError where the loss is not finite."""
    if hasattr(network, "get_metrics_result"):      # Keras 3, whose evaluate gives values in an order of its own
        values = network.get_metrics_result()
    else:
        values = dict(zip(network.metrics_names, np.atleast_1d(tested)))
    values = name_values(values)
    if not np.isfinite(values["loss"]):
        raise FloatingPointError(f"the test loss is {values['loss']}")
    return values


def describe_compiled(lenet):
    """Return the loss and the optimizer that a network was compiled with, for the record."""
    loss = lenet.loss.get_config() if hasattr(lenet.loss, "get_config") else getattr(lenet.loss, "__name__", lenet.loss)
    name = type(lenet.optimizer).__name__
    settings = attempt(lenet.optimizer.get_config, what="Without the optimizer's settings") or {}
    return {"loss": loss, "optimizer": dict(name_values(settings), name=name)}


def local_time(stamp):
    """Return a time in seconds since 1970 as local time in ISO 8601."""
    return datetime.datetime.fromtimestamp(stamp).astimezone().isoformat(timespec="seconds")
