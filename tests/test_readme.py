"""The pages' links lead somewhere, and the README's code works as printed."""
import re

import numpy as np
import pytest

import lenet5
import report
import series
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
    here = report.ROOT / path
    text = re.sub("^```.*?^```", "", read(path), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)]+)\)", text) + re.findall('src="(.*?)"', text)
    assert links
    for link in links:
        if not link.startswith("http"):
            target, _, heading = link.partition("#")
            target = here.parent / target if target else here
            assert target.exists(), link
            assert not heading or heading in find_headings(target.read_text(encoding="utf-8")), link


def test_options_are_those_of_the_program(capsys):
    with pytest.raises(SystemExit):
        lenet5.main(["--help"])
    options = set(re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    assert options == set(re.findall(r"^\| `(--[a-z-]+)", read("README.md"), re.MULTILINE))


def test_digits_written_as_the_readme_says_are_taken(digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"`(numpy\.savez.*?)`", read("README.md")).group(1), dict(digits, numpy=np))
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
        assert layers_used(network) == ("keras" if "MaxPool2D" in after else "fast")
