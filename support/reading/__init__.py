"""--read: the digit in each picture file, and a picture of how the network reads it."""
import numpy as np

from support import UserError, command_line, results
from support.reading.network_picture import draw_network
from support.reading.photographs import read_photograph


def read_files(lenet, preprocess, paths, logs, stamp):
    """Print the digit in each picture and its probability; return the exit code, 2 where a picture was refused.

    preprocess: a function that turns uint8 images (n, 28, 28) into what lenet takes
    """
    results.check_writable(logs, lenet)
    code = 0
    for number, path in enumerate(paths, 1):
        try:
            photograph = read_photograph(path)
        except UserError as error:
            code = command_line.end(2, error, name="")
            continue
        images = preprocess(photograph.digit[np.newaxis])
        probabilities, = lenet.predict(images, verbose=0)
        print(f"{path}: {probabilities.argmax()} ({probabilities.max():.2f})")
        picture = results.draw(draw_network, lenet, images[0], photograph.image, photograph.box)
        results.write_picture(logs, f"read.{stamp!r}-{number}", picture)
    return code
