"""Both READMEs have the same parts, and their links lead somewhere."""
import os
import re
import subprocess

import pytest

from conftest import ROOT

READMES = ["README.md", os.path.join("assets", "README.zh-CN.md")]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


@pytest.mark.parametrize("path", READMES)
def test_links(path):
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", read(path))]
    assert links
    for link in links:
        assert link.startswith("http") or os.path.exists(os.path.join(ROOT, os.path.dirname(path), link)), link


@pytest.mark.parametrize("part", ["^#+ ", r"^\|[-:| ]+\|$", "^```.*?^```$"], ids=["headings", "tables", "code"])
def test_both_languages_have_the_same_parts(part):
    english, chinese = ([re.sub(" +#.*", "", found) for found in re.findall(part, read(path), re.MULTILINE | re.DOTALL)]
                        for path in READMES)        # but for comments in code
    assert english == chinese != []


def test_both_languages_have_the_same_links():
    english, chinese = (sorted({os.path.basename(link.split("#")[0]) for link in re.findall(r"\]\(([^)]+)\)", read(path))})
                        for path in READMES)
    names = {os.path.basename(path) for path in READMES}       # each links to the other
    assert set(english) ^ set(chinese) == names


def test_the_project_speaks_of_itself_alone():
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                           stdout=subprocess.PIPE, text=True).stdout.split()
    texts = [path for path in files if path.endswith((".py", ".md", ".txt", "run")) and os.path.exists(path)]
    assert len(texts) > 12
    assert not [path for path in texts if ".." + "/shared" in read(path)]
