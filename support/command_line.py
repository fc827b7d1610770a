"""The options, what is printed, and how a run ends: with an exit code, and one line where something is wrong."""
import argparse
import contextlib
import functools
import os
import sys
import unicodedata

from constants import Constants
from support import ROOT, UserError


class Screen:
    """A stream of a script, which goes on without it where it is closed or full."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        try:
            self.stream.write(text.replace("\b", ""))       # Keras' bars go back by \r, too; logs keep each \b
            self.stream.flush()
        except OSError:     # Python's own flush at the end must not fail either
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())


def say(text, stream=None):
    """Print a line by one write; control characters, and letters that the stream cannot show, appear as codes."""
    stream = stream or sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    shown = "".join(letter if letter.isprintable() or unicodedata.category(letter) == "Zs"
                    else letter.encode("unicode_escape").decode() for letter in str(text))
    stream.write(shown.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def end(error, name="lenet5.py: "):
    """Print on stderr why something ended; return the exit code."""
    code = {FloatingPointError: 1, KeyboardInterrupt: 130}.get(type(error), 2)
    reason = {1: f"{error}; nothing was written", 130: "interrupted"}.get(code, error)
    say(f"{name}{reason}", sys.stderr)
    return code


def returns_exit_code(main):
    """Have main return an exit code, after a line, where an exception is not a bug."""
    @functools.wraps(main)
    def command(arguments=()):
        try:
            return main(arguments)
        except (UserError, FloatingPointError, KeyboardInterrupt) as error:
            return end(error)
    return command


@contextlib.contextmanager
def script_starts(is_script):
    """Where it is a script that starts: let it outlive its streams, and end with a line if it cannot go on."""
    if is_script:
        for name in "stdin", "stdout", "stderr":
            if getattr(sys, name) is None:      # closed by who started the process: else the next file takes its number
                setattr(sys, name, open(os.devnull, "w"))
            elif getattr(sys, name) is getattr(sys, f"__{name}__") and name != "stdin":      # and not a notebook's
                setattr(sys, name, Screen(getattr(sys, name)))
    try:
        yield
    except (UserError, KeyboardInterrupt) as error:
        if not is_script:
            raise
        sys.exit(end(error))


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UserError(f"{message}; see lenet5.py --help")


def parse_options(arguments):
    """Return the options (arguments: a list of strings); raises UserError."""
    parser = Parser(prog="lenet5.py", description="Trains LeNet-5 on MNIST and writes what came out.",
                    epilog="Exit codes: 0; 1 where the loss is no longer finite; 2 where an option, a file or a picture"
                    " cannot be used; 130 after Ctrl-C.")
    add = parser.add_argument
    add("--mnist", metavar="PATH", help="other digits: a folder of the four IDX files, gzipped or not, or an .npz as"
        " numpy.savez('digits.npz', x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test) writes it: images"
        " uint8 (n, 28, 28), light on dark, and labels 0 to 9 (assets/mnist.npz)")
    add("--epochs", metavar="N", type=int, default=Constants.EPOCHS, help="passes over the training set (%(default)s)")
    add("--batch-size", metavar="N", type=int, default=Constants.BATCH_SIZE, help="images in a batch (%(default)s)")
    add("--seed", metavar="N", type=int, default=int.from_bytes(os.urandom(4), "little"),
        help="repeat a run exactly: on a CPU, on the same machine, with the same number of cores and the same versions"
        " (a random seed, which the record keeps)")
    add("--logs", metavar="DIR", default=Constants.LOGS_DIR, help="where a run's files go (%(default)s)")
    add("--evaluate", metavar="FILE", help="no training: load these weights, and print their test loss and accuracy")
    add("--read", metavar="FILE", nargs="+", help="no training: read the digit in each picture or photograph")
    add("--weights", metavar="FILE", help="for --read: these weights (assets/LeNet-5.weights.h5)")
    options = parser.parse_args(arguments)
    for name, value in vars(options).items():
        if value == "" or value and value == [""]:
            parser.error(f"--{name} is empty")
    if options.weights and not options.read or options.evaluate and options.read:
        parser.error("--weights goes with --read, --evaluate with neither")
    if not all(0 < number <= 2 ** 32 for number in (options.epochs, options.batch_size, options.seed + 1)):
        parser.error("--epochs and --batch-size are from 1 to 4294967296, --seed from 0 to 4294967295")
    options.weights = options.weights or os.path.join(ROOT, "assets", "LeNet-5.weights.h5")
    return options
