"""What every run passes through: Keras loaded, options, digits, record, pictures. What all of it shares stands here."""
import os
import stat

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class UserError(Exception):
    """A mistake that the user can correct; the message is one line that says how."""


def one_line(error):
    """Return an exception's message as one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or repr(error)


LARGEST = 2 ** 31       # bytes of a foreign file, and of what is unpacked from one


def check_file(path):
    """Raise OSError or ValueError unless a path is that of a plain file, not of a pipe, of LARGEST bytes at most."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is a folder or a pipe, not a plain file")
    check_size(status.st_size)


def check_size(size):
    if size > LARGEST:
        raise ValueError(f"it has {size} bytes, more than {LARGEST}")
