"""The pages' links lead somewhere, and the README's code works as printed."""
import re

import numpy as np
import pytest
from PIL import Image

import changes
import report
from support import mnist
from support.fast import layers_used


def read(path):
    return (report.ROOT / path).read_text(encoding="utf-8")


def find_headings(text):
    """Return the headings' names in links, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall("^#+ (.*)", text, re.MULTILINE)}


@pytest.mark.parametrize("path", report.PAGES)
def test_links(path):
    here = report.ROOT / path
    links = re.findall(r"\]\(([^)]+)\)", re.sub("^```.*?^```", "", read(path), flags=re.MULTILINE | re.DOTALL))
    assert links
    for link in links:
        if not link.startswith("http"):
            target, _, heading = link.partition("#")
            target = here.parent / target if target else here
            assert target.exists(), link
            assert not heading or heading in find_headings(target.read_text(encoding="utf-8")), link


def find_code(language):
    return re.findall(f"^```{language}\n(.*?)^```", read("README.md"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("dark_on_light", [True, False])
def test_a_digit_of_your_own(digits, tmp_path, monkeypatch, capsys, dark_on_light):
    monkeypatch.chdir(report.ROOT)
    code, right = find_code("python")[0], 0
    for image, label in zip(digits["x_test"][:10], digits["y_test"]):
        page = np.zeros((400, 300), np.uint8)
        page[40:208, 70:238] = np.kron(image, np.ones((6, 6), np.uint8))
        Image.fromarray(255 - page if dark_on_light else page).save(tmp_path / "digit.png")
        exec(code.replace("digit.png", str(tmp_path / "digit.png")), {})
        right += capsys.readouterr().out.split()[-1] == str(label)
    assert right >= 9


def test_digits_written_as_the_readme_says_are_taken(digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(find_code("python")[1], dict(digits))
    taken = mnist.load_digits("digits.npz")
    assert all((taken[name] == digits[name]).all() for name in digits)


def test_changes_work_as_printed(batch):
    found, source, used = changes.find_changes(), read("lenet5.py"), {}
    for before, after in found:
        changed = {"__name__": "changed"}
        exec(source.replace(before, after), changed)
        network = changed["accelerate"](changed["build_lenet"]())
        changed["compile_lenet"](network)
        used[after] = layers_used(network)
        assert np.isfinite(network.fit(*batch, epochs=1, verbose=0).history["loss"][0])
    assert [("MaxPool2D" in after, layers) for after, layers in used.items()] == [
        (False, "fast"), (True, "keras"), (False, "fast")]
