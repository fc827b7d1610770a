"""Write the READMEs' numbers, draw their pictures, and copy the weights of row III.

    python assets/report.py [--into FOLDER]

Everything comes from committed files: the records in logs-lenet, benchmark.json
and departures.json beside this file, race.json and racing.json in
tests/reference, and constants.py. In both READMEs the text between
<!-- report: NAME --> and <!-- end --> is replaced. With a folder, everything is
written there instead.
"""
import argparse
import os
import re
import shutil
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT, os.path.join(ROOT, "assets"), os.path.join(ROOT, "tests", "reference")]

import lenet5                           # noqa: E402
import report_numbers as numbers        # noqa: E402
import report_pictures as pictures      # noqa: E402
import report_texts as texts            # noqa: E402
from constants import Constants         # noqa: E402
from support import mnist, weights      # noqa: E402

DIGIT = 0       # of the test set: the one in the network's picture, a 7
READMES = {     # by path: texts, names, and the way from there to the repository's root
    "README.md": (texts.ENGLISH, texts.ENGLISH_NAMES, ""),
    "assets/README.zh-CN.md": (texts.CHINESE, texts.CHINESE_NAMES, "../"),
}


def replace(readme, blocks):
    """Return a README's text with the blocks between their markers."""
    return re.sub("(<!-- report: (.*?) -->)(\n?).*?(<!-- end -->)",
                  lambda found: found[1] + found[3] + blocks[found[2]] + found[3] + found[4], readme, flags=re.DOTALL)


def find_rows(records):
    """Return the records of rows II, III and, where a GPU was measured, IV: the first seed of each series."""
    series = numbers.select(records, "2."), numbers.select(records, "3."), numbers.select(records, "3.", cpu=False)
    return [runs[0] for runs in series if runs]


def write_blocks(records, words, names, up):
    """Return the blocks in one language, by name."""
    then, today = numbers.select(records, "2."), numbers.select(records, "3.")
    equality, equal = numbers.describe_equality(today, then)
    rows = find_rows(records)
    facts = {"results": numbers.describe_rows(rows, up), "excerpt": numbers.describe_excerpt(rows[1])}
    for more in (numbers.describe_series("today", today), numbers.describe_series("then", then), equality,
                 numbers.describe_published(today), numbers.describe_parameters(lenet5.build_lenet()),
                 numbers.describe_paper(), numbers.describe_reference(), numbers.describe_race(),
                 numbers.describe_racing(then), numbers.describe_benchmark(names), numbers.describe_departures(names)):
        facts.update(more)
    facts["verdict"] = words["equal" if equal else "not equal"].format(**facts)
    blocks = {name: text.format(**facts) for name, text in words.items()}
    return dict(blocks, gpu="" if len(rows) > 2 else blocks["gpu"])


def draw(today):
    """Return the pictures' bytes by name; the network is the trained one of the first record of today's series."""
    lenet = lenet5.build_lenet()
    weights.load_weights(lenet, find_weights(today[0]))
    digits = mnist.load_digits()
    image = lenet5.pad_and_scale(digits["x_test"][DIGIT:DIGIT + 1])[0]
    departures = numbers.measure_departures(pictures.DEPARTURES)
    return {"LeNet-5": pictures.draw_network(lenet, image, digits["y_test"][DIGIT]),
            "reproduction": pictures.draw_reproduction(today),
            "departures": pictures.draw_departures(departures, Constants.PAPER["test_error"])}


def find_weights(record):
    return os.path.join(ROOT, record["path"][:-len("json")] + "weights.h5")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", metavar="FOLDER", help="write there, and leave the repository's files alone")
    options = parser.parse_args()
    folder = options.into or ROOT
    os.makedirs(os.path.join(folder, "assets"), exist_ok=True)
    records = numbers.load_records()
    for path, (words, names, up) in READMES.items():
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            readme = replace(file.read(), write_blocks(records, words, names, up))
        with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
            file.write(readme)
    today = numbers.select(records, "3.")
    for name, jpeg in draw(today).items():
        with open(os.path.join(folder, "assets", name + ".jpeg"), "wb") as file:
            file.write(jpeg)
    shutil.copyfile(find_weights(today[0]), os.path.join(folder, "assets", "LeNet-5.weights.h5"))


if __name__ == "__main__":
    main()
