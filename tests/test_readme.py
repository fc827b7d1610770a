"""Both READMEs have the same parts, their links lead somewhere, and the English one's code works as printed."""
import os
import re
import subprocess

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT
from support.fast import accelerate, layers_used

READMES = ["README.md", os.path.join("assets", "README.zh-CN.md")]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def find_links(path):
    """Return the links outside of code, without places in a page."""
    text = re.sub("^```.*?^```", "", read(path), flags=re.MULTILINE | re.DOTALL)
    return [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)]


@pytest.mark.parametrize("path", READMES)
def test_links(path):
    links = find_links(path)
    assert links
    for link in links:
        assert link.startswith("http") or os.path.exists(os.path.join(ROOT, os.path.dirname(path), link)), link


@pytest.mark.parametrize("part", ["^#+ ", r"^\|[-:| ]+\|$", "^```.*?^```$"], ids=["headings", "tables", "code"])
def test_both_languages_have_the_same_parts(part):
    english, chinese = ([re.sub(" +#.*", "", found) for found in re.findall(part, read(path), re.MULTILINE | re.DOTALL)]
                        for path in READMES)        # but for comments in code
    assert english == chinese != []


def test_both_languages_have_the_same_links():
    english, chinese = ({os.path.basename(link) for link in find_links(path)} for path in READMES)
    names = {os.path.basename(path) for path in READMES}       # each links to the other
    assert english ^ chinese == names


def find_code(language):
    return re.findall(f"^```{language}\n(.*?)^```", read("README.md"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("dark_on_light", [True, False])
def test_a_digit_of_your_own(digits, tmp_path, monkeypatch, capsys, dark_on_light):
    monkeypatch.chdir(ROOT)
    code, right = find_code("python")[0], 0
    for image, label in zip(digits["x_test"][:10], digits["y_test"]):
        page = np.zeros((400, 300), np.uint8)
        page[40:208, 70:238] = np.kron(image, np.ones((6, 6), np.uint8))
        Image.fromarray(255 - page if dark_on_light else page).save(tmp_path / "digit.png")
        exec(code.replace("digit.png", str(tmp_path / "digit.png")), {})
        right += capsys.readouterr().out.split()[-1] == str(label)
    assert right >= 9


def test_digits_written_as_the_readme_says_are_taken(digits, tmp_path, monkeypatch):
    from support import mnist
    monkeypatch.chdir(tmp_path)
    exec(find_code("python")[1], dict(digits))
    taken = mnist.load_digits("digits.npz")
    assert all((taken[name] == digits[name]).all() for name in digits)


@pytest.mark.parametrize("place", range(3))
def test_changes_work_as_printed(batch, place):
    old, new = (line[1:] for line in find_code("diff")[place].splitlines())
    source = read("lenet5.py")
    assert source.count(old) == 1
    changed = {"__name__": "changed"}
    exec(source.replace(old, new), changed)
    lenet = accelerate(changed["build_lenet"]())
    assert layers_used(lenet) == ("keras" if "MaxPool2D" in new else "fast")
    assert np.isfinite(lenet.fit(*batch, epochs=1, verbose=0).history["loss"][0])


def test_the_project_speaks_of_itself_alone():
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                           stdout=subprocess.PIPE, text=True).stdout.split()
    texts = [path for path in files if path.endswith((".py", ".md", ".txt", "run")) and os.path.exists(path)]
    assert len(texts) > 12
    assert not [path for path in texts if ".." + "/shared" in read(path)]
