"""What a run leaves: its numbers, its record, and its files, whole or not at all."""
import json
import os
import subprocess
import time

import numpy as np

from support.command_line import ROOT, UserError, one_line, show
from support.weights import save_weights

NAMES = {"acc": "accuracy", "val_acc": "val_accuracy"}      # Keras 2.1.6's, and Keras 3's
ROOM = 2 * 10 ** 6      # bytes; a run's files take a quarter of it


def describe_commit():
    """Return which commit of this repository the code is, with "-dirty" where it was changed; None outside of one."""
    if not os.path.exists(os.path.join(ROOT, ".git")):      # a copy may lie in somebody else's
        return None
    try:
        return subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True).stdout.decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def shortest_decimal(value):
    """Return a float32 as the float with the fewest digits that stands for it; of a list, a list of them."""
    if np.ndim(value):
        return [shortest_decimal(each) for each in value]
    return float(str(np.float32(value)))


def normalize_history(history):
    """Return Keras' history with Keras 3's names, for Keras 2.1.6 says acc, and with plain floats."""
    return {NAMES.get(name, name): [shortest_decimal(value) for value in values] for name, values in history.items()}


def check_finite(epoch, logs):
    """Raise FloatingPointError where an epoch's loss or test loss is not a number; a callback's on_epoch_end."""
    for name in "loss", "val_loss":
        if not np.isfinite(logs[name]):
            raise FloatingPointError(f"{name} became {logs[name]} in epoch {epoch + 1}")


def name_results(network, values):
    """Return what evaluate returned by Keras 3's names: loss, accuracy, and whatever else was compiled."""
    if hasattr(network, "get_metrics_result"):      # Keras 3; its values are in an order of their own
        values = network.get_metrics_result()
    else:
        values = dict(zip(network.metrics_names, np.atleast_1d(values)))
    return {NAMES.get(name, name): shortest_decimal(value) for name, value in values.items()}


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


def check_writable(logs, lenet):
    """Make the folder logs, and try there what is done after training; raises UserError where it cannot be done."""
    trial = os.path.join(logs, f"trial.{os.getpid()}.weights.h5")
    try:
        os.makedirs(logs, exist_ok=True)
        # ROOM first, since HDF5 may abort the process on a full disk
        for content in bytes(ROOM), lambda hidden: save_weights(lenet, hidden):
            write(trial, content)
            os.remove(trial)
    except OSError as error:
        raise UserError(f"--logs {logs}: cannot write there: {error.strerror or one_line(error)};"
                        " name a folder that can be written, with 2 MB free")


def write(path, content):
    """Write a file that appears whole or not at all. content: bytes, or a function that writes to a path."""
    hidden = os.path.join(os.path.dirname(path), "." + os.path.basename(path))
    try:
        if callable(content):
            content(hidden)
        else:
            with open(hidden, "wb") as file:
                file.write(content)
        os.replace(hidden, path)
    except BaseException:       # Ctrl-C, too
        if os.path.exists(hidden):
            os.remove(hidden)
        raise


def draw(function, *arguments):
    """Return what a function draws, or None after a line that says why: a run is worth more than its pictures."""
    try:
        return function(*arguments)
    except Exception as error:      # fonts, folders and a data set's name are the machine's, not the program's
        show(f"No picture: {one_line(error)}")


def write_picture(logs, name, jpeg):
    """Write a JPEG's bytes, if it was drawn; a line says why it cannot be written."""
    if jpeg:
        draw(write, os.path.join(logs, f"LeNet-5-{name}.jpeg"), jpeg)


def write_run(logs, record, jpegs, lenet):
    """Write a run's pictures (bytes or None, by name), weights and, last, record; return the path of the record.

    Raises UserError where weights or record cannot be written.
    """
    stamp = repr(record["stamp"])
    for name, jpeg in jpegs.items():
        write_picture(logs, f"{name}.{stamp}", jpeg)
    path = os.path.join(logs, f"LeNet-5.{stamp}.json")
    try:
        write(path[:-len("json")] + "weights.h5", lambda hidden: save_weights(lenet, hidden))
        write(path, json.dumps(record, indent=1, default=str).encode())
    except OSError as error:
        raise UserError(f"--logs {logs}: the run could not be written there: {error.strerror or one_line(error)};"
                        " its numbers are those above")
    return path
