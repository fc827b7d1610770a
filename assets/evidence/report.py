"""Write the pages' numbers, draw their pictures, and copy the weights of row III.

    python assets/evidence/report.py [--into FOLDER]

Everything comes from committed files: the JSON in the folders beside this file,
and constants.py. In each page the text between <!--NAME--> and <!----> is replaced
by the value of that name; values.py has them all. With a folder, everything is
written there instead. It takes scipy, which tests/requirements.txt names.
"""
import argparse
import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(folder) for folder in (ROOT, HERE, HERE / "changes", HERE / "reference")]

import lenet5
import numpy as np
import pictures
import values
from constants import Constants
from scipy import stats
from support import mnist, weights

PAGES = ["README.md", "assets/README.zh-CN.md", "assets/evidence/README.md"]
MARKED = re.compile(r"<!--([\w.-]+)-->(.*?)<!---->", re.DOTALL)
DIGIT = 0       # of the test set: the one in the network's picture, a 7


def fill(page, known):
    """Return a page's text with the known values between their markers; raises ValueError for another name."""
    def replace(found):
        name, before = found.groups()
        if name not in known or "<!--" in before:
            raise ValueError(f"<!--{name}-->: no such value, or no <!----> behind it")
        return f"<!--{name}-->{known[name]}<!---->"
    return MARKED.sub(replace, page)


def draw(weights_path):
    """Return the pictures' bytes by name, the network's with the weights of a file."""
    lenet = lenet5.build_lenet()
    weights.load_weights(lenet, weights_path)
    digits = mnist.load_digits()
    image = lenet5.pad_and_scale(digits["x_test"][DIGIT:DIGIT + 1])[0]
    errors, rows = values.group_departures(), []
    for name in pictures.DEPARTURES:
        low, high = stats.ttest_1samp(errors[name], 0).confidence_interval()
        rows.append((name, np.mean(errors[name]), (high - low) / 2))
    return {"LeNet-5": pictures.draw_network(lenet, image, digits["y_test"][DIGIT]),
            "reproduction": pictures.draw_reproduction(values.load_series("today")),
            "departures": pictures.draw_departures(rows, Constants.PAPER["test_error"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", metavar="FOLDER", type=pathlib.Path, default=ROOT,
                        help="write there, and leave the repository's files alone")
    into, known = parser.parse_args().into, values.compute()
    into.joinpath("assets", "evidence").mkdir(parents=True, exist_ok=True)
    for path in PAGES:
        page = fill(ROOT.joinpath(path).read_text(encoding="utf-8"), known)
        into.joinpath(path).write_text(page, encoding="utf-8", newline="\n")
    row_iii = HERE / "series" / "keras-3" / "00.weights.h5"
    for name, jpeg in draw(str(row_iii)).items():
        into.joinpath("assets", name + ".jpeg").write_bytes(jpeg)
    shutil.copyfile(row_iii, into / "assets" / "LeNet-5.weights.h5")


if __name__ == "__main__":
    main()
