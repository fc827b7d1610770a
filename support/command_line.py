"""The options, and how a run ends: the exit code, and one line where something is wrong."""
import argparse
import contextlib
import functools
import os
import sys

from constants import Constants
from support import ROOT, UserError, one_line

INTERRUPTED = 130, "interrupted"

for name in "stdin", "stdout", "stderr":
    if getattr(sys, name) is None:      # closed by who started the process: else the next file takes its number
        setattr(sys, name, open(os.devnull, "w"))


class Screen:
    """A stdout that a run outlives: closed, full, or without a letter of a file's name, which it shows as its code."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        encoding = self.stream.encoding or "utf-8"
        try:
            self.stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self.stream.flush()
        except OSError:     # nor may Python's own flush at the end fail
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())


def returns_exit_code(main):
    """Have a UserError end main with a line and 2, a FloatingPointError with 1, Ctrl-C with 130; others are ours."""
    @functools.wraps(main)
    def command(arguments=None):
        try:
            with contextlib.redirect_stdout(Screen(sys.stdout)):
                return main(arguments)
        except UserError as error:
            return end(2, error)
        except FloatingPointError as error:
            return end(1, f"{error}; nothing was written")
        except KeyboardInterrupt:
            return end(*INTERRUPTED)
    return command


def end(code, reason, name="lenet5.py: "):
    """Print the reason as one line on stderr, after a name; return the exit code."""
    print(f"{name}{one_line(reason)}", file=sys.stderr, flush=True)
    return code


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UserError(f"{message}; see lenet5.py --help")


def parse_options(arguments=None):
    """Return the options (arguments: a list of strings, or None for the process' own); raises UserError."""
    parser = Parser(prog="lenet5.py", description="Trains LeNet-5 on MNIST and writes what came out.")
    add = parser.add_argument
    add("--mnist", metavar="PATH", help="other digits: an .npz with x_train, y_train, x_test, y_test, or a folder of"
        " the four IDX files (assets/mnist.npz)")
    add("--epochs", metavar="N", type=int, default=Constants.EPOCHS, help="of training (%(default)s)")
    add("--batch-size", metavar="N", type=int, default=Constants.BATCH_SIZE, help="images (%(default)s)")
    add("--seed", metavar="N", type=int, default=int.from_bytes(os.urandom(4), "little"),
        help="repeat a run exactly, on the same machine with the same versions (a fresh one is drawn)")
    add("--logs", metavar="DIR", default=Constants.LOGS_DIR, help="where the files of a run go (%(default)s)")
    add("--evaluate", metavar="FILE", help="no training: load these weights and test them")
    add("--read", metavar="FILE", nargs="+", help="no training: read the digit in each picture")
    add("--weights", metavar="FILE", help="for --read: these weights (assets/LeNet-5.weights.h5)")
    options = parser.parse_args(arguments)
    if options.weights and not options.read or options.evaluate and options.read:
        parser.error("--weights goes with --read, --evaluate with neither")
    if not all(0 < number <= 2 ** 32 for number in (options.epochs, options.batch_size, options.seed + 1)):
        parser.error("--epochs and --batch-size are from 1 to 4294967296, --seed from 0 to 4294967295")
    options.weights = options.weights or os.path.join(ROOT, "assets", "LeNet-5.weights.h5")
    return options
