"""--read: the digit in each picture file, and a picture of how the network reads it."""
import numpy as np

from constants import Constants
from support import UserError, command_line, results
from support.reading.network_picture import draw_network
from support.reading.photographs import NO_DIGIT, read_photograph

SURE, REFUSED = .5, .4      # the network's probability, below which a digit is unsure, or there is none


class Reading:
    """A digit that was read. Returned by read; a notebook shows it by its picture.

    digit: int; probabilities: ten floats; image: uint8 (28, 28), what the network got, light ink on dark;
    jpeg: a picture of how it was read, in bytes, which takes a while to draw
    """

    def __init__(self, lenet, photograph):
        padded = np.pad(photograph.digit, Constants.PADDING, "constant")[..., np.newaxis]
        self.lenet, self.photograph, self.image = lenet, photograph, photograph.digit
        self.input = np.divide(padded, Constants.MAX_PIXEL, dtype="float32")
        self.probabilities = lenet.predict(self.input[np.newaxis], verbose=0)[0].tolist()
        self.digit = int(np.argmax(self.probabilities))

    def __repr__(self):
        probability = max(self.probabilities)
        return f"{self.digit} ({probability:.2f})" + ", unsure" * (probability < SURE)

    @property
    def jpeg(self):
        return draw_network(self.lenet, self.input, self.photograph.image, self.photograph.box)

    def _repr_jpeg_(self):
        return self.jpeg._repr_jpeg_()


def read(lenet, path):
    """Read the digit in a picture file; return a Reading. Raises UserError where that is no picture of one digit."""
    reading = Reading(lenet, read_photograph(path))
    if max(reading.probabilities) < REFUSED:
        raise UserError(f"{path}: {NO_DIGIT}")
    return reading


def read_files(lenet, paths, logs, stamp):
    """Print the digit in each picture and its probability; return the exit code, 2 where a picture was refused."""
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
            file = jpeg and results.attempt(run.write, f"LeNet-5-read.{{}}-{number}.jpeg", jpeg)
            written += [file] if file else []
    if written:
        last = f" to {written[-1][written[-1].rindex('-'):]}" if len(written) > 1 else ""
        command_line.say(f"Pictures: {written[0]}{last}")
    return code
