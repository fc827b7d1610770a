"""The options, and how a run ends: the exit code, and one line where something is wrong."""
import argparse
import functools
import os
import sys

from constants import Constants


INTERRUPTED = 130, "interrupted"


class UserError(Exception):
    """What the user can mend; the message is one line that says how."""


def returns_exit_code(main):
    """Make a function a command: it returns 0, or an exit code after one line on stderr that says why.

    2 is for a UserError, 1 for a FloatingPointError, 130 for Ctrl-C. Other
    exceptions are the program's own mistakes and keep their traceback.
    """
    @functools.wraps(main)
    def command(arguments=None):
        try:
            main(arguments)
            return 0
        except UserError as error:
            return end(2, error)
        except FloatingPointError as error:
            return end(1, f"{error}; nothing was written; try a lower LEARNING_RATE (constants.py)")
        except KeyboardInterrupt:
            return end(*INTERRUPTED)
    return command


def end(code, reason):
    """Print the reason as one line on stderr; return the exit code."""
    print(f"lenet5.py: {one_line(reason)}", file=sys.stderr, flush=True)
    return code


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
    """Return the options as attributes: mnist, epochs, batch_size, seed, logs, evaluate.

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
    parser.add_argument("--evaluate", metavar="FILE", help="no training: load these weights and test them")
    options = parser.parse_args(arguments)
    if options.seed is None:
        options.seed = int.from_bytes(os.urandom(4), "little")
    return options
