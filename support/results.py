"""What a run leaves: its numbers, its record, and its files, whole or not at all."""
import datetime
import json
import os
import pathlib
import subprocess

import numpy as np

from support import ROOT, UserError, one_line
from support.weights import save_weights

NAMES = {"acc": "accuracy", "val_acc": "val_accuracy", "lr": "learning_rate"}      # Keras 2.1.6's, and Keras 3's


def describe_commit():
    """Return which commit of this repository the code is, with "-dirty" where it was changed; None outside of one."""
    command = ["git", "--git-dir", os.path.join(ROOT, ".git"), "--work-tree", ROOT, "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:     # no Git
        return None
    return done.stdout.decode().strip() or None


def shortest_decimal(value):
    """Return a float32 as the float with the fewest digits that stands for it; of a list, a list of them."""
    return [shortest_decimal(each) for each in value] if np.ndim(value) else float(str(np.float32(value)))


def normalize_history(history):
    """Return Keras' history, or its results, with Keras 3's names and with plain floats."""
    return {NAMES.get(name, name): shortest_decimal(value) for name, value in history.items()}


def check_finite(epoch, logs):
    """Raise FloatingPointError where an epoch's loss or test loss is not a number; a callback's on_epoch_end."""
    if not np.isfinite([logs["loss"], logs["val_loss"]]).all():
        raise FloatingPointError(f"the loss is not finite in epoch {epoch + 1}; try a lower LEARNING_RATE")


def name_results(network, values):
    """Return what evaluate returned by Keras 3's names; raises FloatingPointError where the loss is not finite."""
    if hasattr(network, "get_metrics_result"):      # Keras 3; its values are in an order of their own
        values = network.get_metrics_result()
    else:
        values = dict(zip(network.metrics_names, np.atleast_1d(values)))
    values = normalize_history(values)
    if not np.isfinite(values["loss"]):
        raise FloatingPointError(f"the test loss is {values['loss']}")
    return values


def describe_compiled(lenet):
    """Return the loss and the optimizer that a network was compiled with, for the record."""
    settings = {NAMES.get(name, name): shortest_decimal(value) if isinstance(value, (float, np.floating)) else value
                for name, value in lenet.optimizer.get_config().items()}
    loss = lenet.loss.get_config() if hasattr(lenet.loss, "get_config") else getattr(lenet.loss, "__name__", lenet.loss)
    return {"loss": loss, "optimizer": dict(settings, name=type(lenet.optimizer).__name__)}


def local_time(stamp):
    """Return a time in seconds since 1970 as local time in ISO 8601."""
    return datetime.datetime.fromtimestamp(stamp).astimezone().isoformat(timespec="seconds")


def check_writable(logs, lenet):
    """Try in the folder logs what is done after training; raises UserError where it cannot be done."""
    trial = os.path.join(logs, f"trial.{os.getpid()}.weights.h5")
    # Four times the bytes of a run's files come first, since HDF5 may abort the process on a full disk
    for content in bytes(2 * 10 ** 6), lambda hidden: save_weights(lenet, hidden):
        write(trial, content)
        os.remove(trial)


def write(path, content):
    """Write bytes, or what a function writes to a path: a file that is whole or not there. Raises UserError."""
    folder, name = os.path.split(path)
    hidden = os.path.join(folder, "." + name)
    try:
        os.makedirs(folder, exist_ok=True)
        if callable(content):
            content(hidden)
        else:
            pathlib.Path(hidden).write_bytes(content)
        os.replace(hidden, path)
    except OSError as error:
        raise UserError(f"--logs {folder}: cannot write there: {one_line(error)}; name a folder with 2 MB free")
    finally:
        if os.path.exists(hidden):      # after Ctrl-C, too
            os.remove(hidden)


def draw(function, *arguments):
    """Return what a function draws, or None after a line that says why: a run is worth more than its pictures."""
    try:
        return function(*arguments)
    except Exception as error:      # fonts, folders and a data set's name are the machine's, not the program's
        print("No picture:", one_line(error))


def write_picture(logs, name, jpeg):
    """Write a JPEG's bytes, if it was drawn; a line says why it cannot be written."""
    if jpeg:
        draw(write, os.path.join(logs, f"LeNet-5-{name}.jpeg"), jpeg)


def write_run(logs, record, jpegs, lenet):
    """Write pictures (bytes or None, by name), weights and, last, record; return its path. Raises UserError."""
    path = os.path.join(logs, f"LeNet-5.{record['stamp']!r}")
    for name, jpeg in jpegs.items():
        write_picture(logs, f"{name}.{record['stamp']!r}", jpeg)
    write(path + ".weights.h5", lambda hidden: save_weights(lenet, hidden))
    write(path + ".json", json.dumps(record, indent=1, default=str).encode())
    return path + ".json"
