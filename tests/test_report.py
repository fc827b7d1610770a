"""The pages' numbers and pictures are those that report.py makes of the committed files."""
import re
import subprocess
import sys

import numpy as np
import pytest

import pictures
import report
import values
from test_readme import read

# Set, not measured: versions, the network's, the optimizers' and the paper's own numbers, licences, levels of tests
SET = set("1.11 1.13 1.14 2.11 2.15 2.18 2.22 3.6 3.7 3.8 3.9 3.10 3.11 3.12 3.13 3.14"
          " 0.25 0.5 0.1 1.175 1.7159 0.001 1.0 3.0 0.01 0.05 95%".split())
UNRECORDED = "2.0 to 3.9 for plain `fit`, in runs whose records are not kept here"


def test_pages_and_weights_are_as_written(tmp_path):
    subprocess.run([sys.executable, report.HERE / "report.py", "--into", tmp_path], check=True)
    for path in [*report.PAGES, "assets/LeNet-5.weights.h5"]:
        assert (report.ROOT / path).read_bytes() == (tmp_path / path).read_bytes(), path
    for name in "LeNet-5", "reproduction", "departures", "misread", "stacks":     # whose bytes are the libraries'
        assert (tmp_path / "assets" / f"{name}.jpeg").stat().st_size > 20000


@pytest.mark.parametrize("path", report.PAGES)
def test_no_measured_number_stands_outside_a_marker_and_none_begins_a_line(path):
    """Looked for: decimals, percentages and seconds, outside of code and of links' targets."""
    text = report.MARKED.sub("", read(path)).replace(UNRECORDED, "")
    text = re.sub(r"^```.*?^```|`.+?`|\]\(.+?\)|doi:\S+", "", text, flags=re.M | re.S)
    found = re.findall(r"(?<![\w.])(\d+\.\d+(?![.\d])|\d+ ?%|\d+ ?(?:seconds?|s|秒)\b)", text)
    assert not [number for number in found if number not in SET]
    # Markdown takes a line that begins with <!-- for HTML, with all that follows in it
    assert not re.search(r"^ {0,3}<!--.*-->.", read(path).replace("<!---->\n", ""), re.MULTILINE)


def test_chinese_page_has_no_number_of_its_own():
    english, chinese = (set(re.findall(r"\d+(?:[.,]\d+)*", re.sub(r"<!--.*?-->|\]\(.+?\)", "", read(path))))
                        for path in report.PAGES[:2])
    assert chinese and not chinese - english


def test_markers_without_a_value_or_an_end_are_refused():
    known = {"b": {"c": np.array([1, 2])}}
    assert report.fill("a <!--b.c.mean:.2f-->0<!----> d", known) == "a <!--b.c.mean:.2f-->1.50<!----> d"
    for page in "<!--b.d-->0<!---->", "<!--b.c-->0 <!--b.c-->0<!---->":
        with pytest.raises(ValueError):
            report.fill(page, known)


def test_what_the_pages_say_in_words():
    known = values.compute()
    p_values = {name: known["departures"][name]["p"] for name in pictures.DEPARTURES}
    assert {name for name, p in p_values.items() if p < .01} == {"tanh", "rbf", "paper"}
    assert {name for name, p in p_values.items() if .04 < p < .05} == {"no-dropout"}
    peers = {name: np.median(known["benchmark"][name]["times"]) for name in ("keras", "torch", "torch-compiled", "jax")}
    assert min(peers, key=peers.get) == "torch-compiled"


def test_p_values_are_corrected_by_holms_method():
    assert values.correct({"a": .03, "b": .01, "c": .04}) == pytest.approx({"b": .03, "a": .06, "c": .06})


def test_vote():
    """Of three runs, all misread digit 6; two misread 7 alike, two 8 in two ways; one misreads 9, one 10."""
    misread = [[[6, 1, 2], [7, 1, 2], [8, 1, 2]], [[6, 1, 2], [7, 1, 2], [8, 1, 3]], [[6, 1, 2], [9, 1, 2], [10, 1, 2]]]
    records = values.load_series("keras-3")[:3]
    found = values.describe_series([{**record, "misclassified": of} for record, of in zip(records, misread)])
    assert [found[key] for key in ("any", "all", "vote", "ties")] == [5, [6], 2, 1]
