"""The pages' links lead somewhere, and their code is lenet5.py's, or works as printed."""
import inspect
import re
import textwrap

import numpy as np
import pytest

import lenet5
import report
import series
from conftest import BACKEND
from support import mnist
from support.speed import layers_used


def read(path):
    return (report.ROOT / path).read_text(encoding="utf-8")


def find_headings(text):
    """Return the headings' names in links, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall("^#+ (.*)", text, re.MULTILINE)}


@pytest.mark.parametrize("path", report.PAGES)
def test_links(path):
    page, text = report.ROOT / path, re.sub("^```.*?^```", "", read(path), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)]+)\)", text) + re.findall('src="(.*?)"', text):
        if not link.startswith("http"):
            target, _, heading = link.partition("#")
            target = page.parent / target if target else page
            assert target.exists(), link
            assert not heading or heading in find_headings(target.read_text(encoding="utf-8")), link


def test_network_is_as_in_the_code():
    body = inspect.getsource(lenet5.build_lenet).split('"""\n')[-1]
    assert f"```py\n{textwrap.dedent(body)}```\n" in read("README.md")


def test_digits_written_as_the_page_says_are_taken(digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"`(numpy\.savez.*?)`", read(report.PAGES[-1])).group(1), dict(digits, numpy=np))
    taken = mnist.load_digits("digits.npz")
    assert all((taken[name] == digits[name]).all() for name in digits)


def test_changes_work_as_printed(batch):
    source, page = read("lenet5.py"), read("README.md")
    _, *changes = series.CHANGES.values()
    for before, after in changes:
        assert source.count(before) == 1 and f"`{before}`" in page and f"`{after}`" in page
        changed = {"__name__": "changed"}
        exec(source.replace(before, after), changed)
        network = changed["accelerate"](changed["build_lenet"]())
        changed["compile_lenet"](network)
        assert np.isfinite(network.fit(*batch, epochs=1, verbose=0).history["loss"][0])
        known = BACKEND == "tensorflow" and "MaxPool2D" not in after
        assert layers_used(network) == ("fast" if known else "keras")
