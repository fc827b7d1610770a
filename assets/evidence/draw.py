"""Write the trained weights, and the test digits that the network misreads with them, into assets/draw.html.

    python assets/evidence/draw.py [--into FOLDER]

The page is its own template: what stands in its elements "weights" and "digits"
is replaced. With a folder, the page is written there instead.
"""
import argparse
import base64
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

import lenet5                           # noqa: E402, before keras, for it loads Keras without chatter
from support import mnist, weights      # noqa: E402

PAGE = os.path.join("assets", "draw.html")
WEIGHTS = os.path.join("assets", "LeNet-5.weights.h5")
RECORD = os.path.join("assets", "evidence", "series", "keras-3", "00.json")       # of the run with these weights


def encode(content):
    return base64.b64encode(content).decode()


def encode_weights():
    """Return float32, little endian, in Keras' order: of each layer the kernel, then the bias."""
    lenet = lenet5.build_lenet()
    weights.load_weights(lenet, os.path.join(ROOT, WEIGHTS))
    return encode(b"".join(weight.astype("<f4").tobytes() for weight in lenet.get_weights()))


def load_misclassified():
    with open(os.path.join(ROOT, RECORD), encoding="utf-8") as file:
        return json.load(file)["misclassified"]


def encode_misread():
    """Return a JSON list, a digit a line: its place in the test set, its label, its 28x28 bytes."""
    images = mnist.load_digits()["x_test"]
    digits = [{"index": index, "label": label, "pixels": encode(images[index].tobytes())}
              for index, label, _ in load_misclassified()]
    return "[\n" + ",\n".join(map(json.dumps, digits)) + "\n]"


def fill(page, name, content):
    """Return the page with the content of one of its data elements replaced."""
    return re.sub(f'(<script type="[^"]*" id="{name}">).*?(</script>)',
                  lambda found: found[1] + content + found[2], page, flags=re.DOTALL)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", metavar="FOLDER", help="write there, and leave the repository's page alone")
    path = os.path.join(parser.parse_args(arguments).into or ROOT, PAGE)
    with open(os.path.join(ROOT, PAGE), encoding="utf-8", newline="") as file:
        page = fill(fill(file.read(), "weights", encode_weights()), "digits", encode_misread())
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(page)


if __name__ == "__main__":
    main()
