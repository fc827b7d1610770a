"""--read: the digit in each picture file, and a picture of how the network reads it."""
import numpy as np

from support import UserError, command_line, results
from support.reading.network_picture import draw_network
from support.reading.photographs import read_photograph
from constants import Constants


def read_files(lenet, paths, logs, stamp):
    """Print the digit in each picture and its probability; return the exit code, 2 where a picture was refused."""
    code = 0
    with results.RunFolder(logs, stamp, lenet) as run:
        for number, path in enumerate(paths, 1):
            try:
                photograph = read_photograph(path)
            except UserError as error:
                code = command_line.end(error, name="")
                continue
            images = np.pad(photograph.digit, Constants.PADDING, "constant")[np.newaxis, ..., np.newaxis] / np.float32(255)
            probabilities, = lenet.predict(images, verbose=0)
            command_line.say(f"{path}: {probabilities.argmax()} ({probabilities.max():.2f})")
            picture = results.draw(draw_network, lenet, images[0], photograph.image, photograph.box)
            if picture:
                results.attempt(run.write, "LeNet-5-read.{}" + f"-{number}.jpeg", picture)
    return code
