"""The options, and how a run ends: the exit code, and one line where something is wrong."""
import argparse
import functools
import os
import sys

from constants import Constants


ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INTERRUPTED = 130, "interrupted"

for name in "stdin", "stdout", "stderr":
    if getattr(sys, name) is None:      # closed by who started the process: else the next file takes its number
        setattr(sys, name, open(os.devnull, "w"))


class UserError(Exception):
    """What the user can mend; the message is one line that says how."""


def returns_exit_code(main):
    """Make a function that returns an exit code a command, which errors end with a code and a line on stderr.

    2 is for a UserError, 1 for a FloatingPointError, 130 for Ctrl-C. Other
    exceptions are the program's own mistakes and keep their traceback.
    """
    @functools.wraps(main)
    def command(arguments=None):
        try:
            return main(arguments)
        except UserError as error:
            return end(2, error)
        except FloatingPointError as error:
            return end(1, f"{error}; nothing was written; try a lower LEARNING_RATE (constants.py)")
        except KeyboardInterrupt:
            return end(*INTERRUPTED)
    return command


def end(code, reason, name="lenet5.py: "):
    """Print the reason as one line on stderr, after a name; return the exit code."""
    print(f"{name}{one_line(reason)}", file=sys.stderr, flush=True)
    return code


def show(text):
    """Print a line that may have a file's name in it, with letters that the screen lacks as their codes."""
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def one_line(error):
    """Return an exception's message as one line."""
    text = error.args[0] if isinstance(error, KeyError) else error      # whose str() is quoted
    return " ".join(str(text).split()) or type(error).__name__


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UserError(f"{message}; see lenet5.py --help")


def whole_number(low, high):
    """Return a parser of whole numbers within bounds."""
    def parse(text):
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)
    return parse


def parse_options(arguments=None):
    """Return the options as attributes: mnist, epochs, batch_size, seed, logs, evaluate, read, weights.

    arguments: a list of strings; None is the process' own
    Raises UserError.
    """
    parser = Parser(prog="lenet5.py", description="Trains LeNet-5 on MNIST and writes what came out.")
    parser.add_argument("--mnist", metavar="PATH", help="other digits: an .npz with x_train, y_train, x_test, y_test,"
                        " or a folder of the four IDX files, gzipped or not (assets/mnist.npz)")
    parser.add_argument("--epochs", metavar="N", type=whole_number(1, 10 ** 6), default=Constants.EPOCHS,
                        help="passes over the training set (%(default)s)")
    parser.add_argument("--batch-size", metavar="N", type=whole_number(1, 10 ** 6), default=Constants.BATCH_SIZE,
                        help="images in a batch (%(default)s)")
    parser.add_argument("--seed", metavar="N", type=whole_number(0, 2 ** 32 - 1),
                        help="repeat a run exactly, on the same machine with the same versions (a fresh one is drawn)")
    parser.add_argument("--logs", metavar="DIR", default=Constants.LOGS_DIR,
                        help="where the files of the run go (%(default)s)")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--evaluate", metavar="FILE", help="no training: load these weights and test them")
    instead.add_argument("--read", metavar="FILE", nargs="+", help="no training: read the digit in each picture")
    parser.add_argument("--weights", metavar="FILE", help="for --read: these weights (assets/LeNet-5.weights.h5)")
    options = parser.parse_args(arguments)
    if options.weights and not options.read:
        parser.error("--weights goes with --read; to test weights: --evaluate FILE")
    options.weights = options.weights or os.path.join(ROOT, "assets", "LeNet-5.weights.h5")
    if options.seed is None:
        options.seed = int.from_bytes(os.urandom(4), "little")
    return options
