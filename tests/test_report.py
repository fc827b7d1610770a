"""The READMEs' numbers and pictures are those that assets/report.py makes of the committed files."""
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from conftest import ROOT
from constants import Constants
from support import results

sys.path.insert(0, os.path.join(ROOT, "assets"))
import report                   # noqa: E402
import report_numbers as numbers        # noqa: E402
import report_pictures as pictures      # noqa: E402
import report_texts as texts    # noqa: E402


@pytest.mark.parametrize("version, count", [("3.15.1", 30), ("2.1.6", 20)])
def test_series_is_whole_and_of_this_code(version, count):
    records = numbers.select(numbers.load_records(), version)
    assert [record["config"]["seed"] for record in records] == list(range(count))
    assert {record["source"] for record in records} == {results.hash_source()}
    assert len({record["hardware"] for record in records}) == 1
    for record in records:
        assert record["data"]["sha256"] == Constants.MNIST_SHA256
        assert record["config"]["batch_size"] == Constants.BATCH_SIZE
        assert record["history"]["val_accuracy"][-1] == record["test_accuracy"]
        assert record["history"]["val_loss"][-1] == record["test_loss"]
        assert len(record["misclassified"]) == round(10000 * (1 - record["test_accuracy"]))


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """A folder with what report.py writes."""
    folder = tmp_path_factory.mktemp("report")
    subprocess.run([sys.executable, os.path.join(ROOT, "assets", "report.py"), "--into", str(folder)], check=True)
    return folder


@pytest.mark.parametrize("path", report.READMES)
def test_readme_is_as_written(written, path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        readme = file.read()
    assert readme == (written / path).read_text(encoding="utf-8")
    blocks = dict(re.findall("<!-- report: (.*?) -->\n?(.*?)<!-- end -->", readme, re.DOTALL))
    assert set(blocks) == set(texts.ENGLISH) - {"equal", "not equal"}
    assert {name for name, text in blocks.items() if not text.strip()} <= {"gpu"}


def test_weights_are_those_of_row_three(written):
    name = os.path.join("assets", "LeNet-5.weights.h5")
    with open(os.path.join(ROOT, name), "rb") as file:
        assert file.read() == (written / name).read_bytes()


def test_pictures_are_written(written):
    for name in "LeNet-5", "reproduction", "departures":
        assert (written / "assets" / f"{name}.jpeg").stat().st_size > 20000


def test_both_languages_have_the_same_numbers():
    def find_fields(words):
        return {name: sorted(set(re.findall("{.*?}", text))) for name, text in words.items()}
    assert find_fields(texts.ENGLISH) == find_fields(texts.CHINESE)
    assert find_fields(texts.ENGLISH_NAMES) == find_fields(texts.CHINESE_NAMES)


def test_blocks_are_replaced_between_their_markers():
    readme = "a\n<!-- report: one -->\nold\n<!-- end -->\nb <!-- report: two --><!-- end --> c"
    blocks = {"one": "1 and 2", "two": ""}
    once = report.replace(readme, blocks)
    assert once == "a\n<!-- report: one -->\n1 and 2\n<!-- end -->\nb <!-- report: two --><!-- end --> c"
    assert report.replace(once, blocks) == once
    with pytest.raises(KeyError):
        report.replace("<!-- report: three --><!-- end -->", blocks)


@pytest.mark.parametrize("t, freedom, tail", [
    (3., 1, .5 - np.arctan(3) / np.pi), (2., 2, .5 - 1 / np.sqrt(6)),       # in closed form
    (-1.3, 4.5, .871901956027983), (2.1, 27.3, .022551185601989213), (6., 48, 1.253665481572455e-07)])  # scipy.stats.t.sf
def test_students_t(t, freedom, tail):
    assert numbers.student_tail(t, freedom) == pytest.approx(tail, rel=1e-6)
    if t > 0:
        assert numbers.student_quantile(tail, freedom) == pytest.approx(t, rel=1e-6)


def test_equality_is_tested_both_ways():
    def make(center, width=.0007, count=20):
        accuracies = center + width * np.linspace(-1.5, 1.5, count)
        return [{"test_accuracy": accuracy} for accuracy in accuracies]
    cases = [(.9907, .9906, True), (.9907, .9897, False), (.9897, .9907, False)]
    for today, then, equal in cases:
        assert numbers.describe_equality(make(today), make(then))[1] == equal
    assert not numbers.describe_equality(make(.9907, count=3), make(.9906, count=3))[1]


def test_interval_of_a_difference():
    """Welch's, as scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval() has it."""
    difference, error, freedom = numbers.compare([1., 2., 4., 7.], [2., 3., 3.])
    half = numbers.half_interval(error, freedom)
    assert [difference - half, difference + half] == pytest.approx([-3.2490808010726613, 4.915747467739328], rel=1e-6)


def test_picture_of_departures_shows_them_all(monkeypatch):
    monkeypatch.setattr(pictures, "to_jpeg", lambda figure: figure)
    rows = [(name, 1 + place / 10, .05) for place, name in enumerate(pictures.DEPARTURES)]
    axes, = pictures.draw_departures(rows, .95).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(pictures.DEPARTURES.values())
    assert [line.get_xdata()[0] for line in axes.lines][:2] == [1, .95]
