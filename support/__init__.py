"""What every run passes through: Keras loaded, options, digits, record, pictures. What all of it shares stands here."""
import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class UserError(Exception):
    """A mistake that the user can correct; the message is one line that says how."""


def one_line(error):
    """Return an exception's message as one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or repr(error)
