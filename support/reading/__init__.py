"""--read: the digit in a picture, how sure the network is of it, and a picture of how it reads it."""
import numpy as np

from constants import Constants
from support import UserError, command_line, pictures, results
from support.reading.network_picture import draw_network
from support.reading.photographs import no_digit, read_photograph

UNSURE = .5         # the probability below which the line says so
REFUSED = .4        # below this one, hardly a digit was read right, and a third of the pictures without a digit were


class Reading:
    """What the network reads in a picture: digit, a number; probabilities, of ten; image, uint8 (28, 28), its input."""

    def __init__(self, lenet, photograph):
        self.lenet, self.photograph, self.image = lenet, photograph, photograph.digit
        padded = np.pad(self.image, Constants.PADDING, "constant")[..., np.newaxis]
        self.input = padded / np.float32(Constants.MAX_PIXEL)
        self.probabilities, = lenet.predict(self.input[np.newaxis], verbose=0)
        self.digit = int(self.probabilities.argmax())

    def __repr__(self):
        sure = ", unsure" if self.probabilities.max() < UNSURE else ""
        return f"{self.digit} ({self.probabilities.max():.2f}){sure}"

    @property
    def jpeg(self):
        """The network's picture, drawn when it is asked for: a JPEG's bytes."""
        return pictures.Jpeg(draw_network(self.lenet, self.input, self.photograph.image, self.photograph.box))

    def _repr_jpeg_(self):
        return self.jpeg._repr_jpeg_()


def read(lenet, path):
    """Return the Reading of a picture file. Raises UserError where it is none, or shows no digit or several."""
    reading = Reading(lenet, read_photograph(path))
    if reading.probabilities.max() < REFUSED:
        raise no_digit(path)
    return reading


def read_files(lenet, paths, logs, stamp):
    """Print what is read in each picture, and write its picture; return the exit code, 2 where one was refused."""
    code, written = 0, []
    with results.RunFolder(logs, stamp, lenet) as run:
        for number, path in enumerate(paths, 1):
            try:
                reading = read(lenet, path)
            except UserError as error:
                code = command_line.end(error, name="")
                continue
            command_line.say(f"{path}: {reading}")
            jpeg = results.draw(lambda: reading.jpeg)
            written += filter(None, [jpeg and results.attempt(run.write, "LeNet-5-read.{}" + f"-{number}.jpeg", jpeg)])
    if written:
        last = f" to -{written[-1].rpartition('-')[2]}" if len(written) > 1 else ""
        command_line.say(f"Pictures: {written[0]}{last}")
    return code
