"""Every number of the READMEs comes from a file of the repository."""
import glob
import itertools
import json
import os
import re

import numpy as np
import pytest

import benchmark
from conftest import ROOT
from constants import Constants

PUBLISHED = Constants.PUBLISHED
READMES = [os.path.join(ROOT, "README.md"), os.path.join(ROOT, "assets", "README.zh-CN.md")]


@pytest.fixture(params=READMES, ids=["English", "Chinese"])
def readme(request):
    with open(request.param, encoding="utf-8") as file:
        return file.read()


def load(*path):
    with open(os.path.join(ROOT, *path)) as file:
        return json.load(file)


def load_records(keras_version, backend="tensorflow"):
    records = [load("logs-lenet", os.path.basename(path)) for path in glob.glob(os.path.join(ROOT, "logs-lenet", "*.json"))]
    records = [record for record in records if record["versions"]["keras"] == keras_version and record["backend"] == backend
               and record["config"]["seed"] < 10 and record["data"]["name"] == "MNIST"]
    return sorted(records, key=lambda record: record["config"]["seed"])


def spread(values, digits):
    return f"{np.mean(values):.{digits}f} \u00b1 {np.std(values, ddof=1):.{digits}f}"


def results(records):
    """Test accuracies, test losses and numbers of misclassified digits."""
    return ([record["test_accuracy"] for record in records], [record["test_loss"] for record in records],
            [len(record["misclassified"]) for record in records])


def permutation_test(a, b):
    """Two-sided exact p-value of the difference of two means."""
    values, size = np.array(a + b), len(a)
    chosen = np.array(list(itertools.combinations(range(len(values)), size)))
    first = values[chosen].sum(1)
    differences = abs(first / size - (values.sum() - first) / len(b))
    return np.mean(differences >= abs(np.mean(a) - np.mean(b)) - 1e-12)


def test_results_table(readme):
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in readme.splitlines()
            if re.match(r"\| (I|\[I+V?\]\(.*\)) \|", line)]
    assert len(rows) >= 3
    assert rows[0] == ["I", "2.1.6", "1.11.0", "3.6.5", "NVIDIA GeForce `MX250`"] + [
        str(PUBLISHED[key]) for key in ("training_time", "test_loss", "test_accuracy")]
    for number, row in zip(("II", "III", "IV"), rows[1:]):
        link = re.fullmatch(rf"\[{number}\]\((?:\.\./)?(logs-lenet/LeNet-5\.[\d.]+\.json)\)", row[0])
        record = load(link.group(1))
        assert record["interrupted"] is False and record["data"] == {"name": "MNIST", "sha256": Constants.MNIST_SHA256}
        assert record["config"]["epochs"] == Constants.EPOCHS and record["config"]["batch_size"] == Constants.BATCH_SIZE
        assert row[1:] == [record["versions"][name] for name in ("keras", "tensorflow", "python")] + [
            record["hardware"]] + [str(record[key]) for key in ("training_time", "test_loss", "test_accuracy")]
        stem = os.path.join(ROOT, "logs-lenet", "LeNet-5")
        stamp = repr(record["stamp"])
        for name in (f"{stem}.{stamp}.weights.h5", *(f"{stem}-{plot}.{stamp}.jpeg" for plot in ("acc", "loss", "errors"))):
            assert os.path.exists(name)


def test_every_committed_record_is_a_whole_run():
    for version, count in ("3.15.1", 10), ("2.1.6", 5):
        records = load_records(version)
        assert [record["config"]["seed"] for record in records] == list(range(count))
        assert abs(np.mean([record["test_accuracy"] for record in records]) - .991) < .001
        for record in records:
            assert not record["interrupted"] and record["config"]["epochs"] == 12
            assert record["history"]["val_accuracy"][-1] == record["test_accuracy"]
            assert len(record["misclassified"]) == round(10000 * (1 - record["test_accuracy"]))
            assert abs(record["test_accuracy"] - .990) < .003 and abs(record["test_loss"] - .030) < .006


def test_spread(readme):
    today, then = results(load_records("3.15.1")), results(load_records("2.1.6"))
    for (accuracy, loss, wrong) in today, then:
        cells = [spread(accuracy, 4), spread(loss, 4), spread(wrong, 1)]
        assert f"| {len(accuracy)} | " + " | ".join(cells) + " |" in readme
    assert f"| 1 | {PUBLISHED['test_accuracy']} | {PUBLISHED['test_loss']:.4f} |" \
        f" {round(10000 * (1 - PUBLISHED['test_accuracy']))} |" in readme
    inside = all(min(values) <= PUBLISHED[key] <= max(values)
                 for values, key in zip(today, ("test_accuracy", "test_loss")))
    assert inside == ("lie inside the range" in readme or "\u8303\u56f4\u4e4b\u5185" in readme)
    text = readme.replace("\u3002", ".")      # the Chinese full stop
    assert f"p = {permutation_test(today[0], then[0]):.2f}." in text
    assert f"{100 - 100 * np.mean(today[0]):.2f}%." in text
    assert f"{100 * np.sqrt(.99 * .01 / 10000):.2f} " in readme     # standard error in points


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(readme, backend):
    record, = load_records("3.15.1", backend)
    assert record["config"]["epochs"] == Constants.EPOCHS and abs(record["test_accuracy"] - .990) < .002
    assert re.search(rf"\[{record['test_accuracy']}\]\([^)]*{record['stamp']!r}.json\)", readme)


def test_race(readme):
    race = load("tests", "reference", "race.json")
    worst = [max(step.values()) for step in race["steps"]]
    off = sum(value > 1e-3 for value in worst)
    assert re.search(rf"\b{off}\b.*\b{len(worst)}\b|\b{len(worst)}\b.*\b{off}\b", readme)
    assert f"{100 * max(worst):.0f}%" in readme


def test_benchmark_table(readme):
    found = load("tests", "benchmark.json")
    assert benchmark.table(found["rounds"]) in readme
    line, = [line for line in readme.splitlines() if found["hardware"] in line and not re.match("[|#`]|Keras", line)]
    numbers = re.findall(r"\d+", line.replace(found["hardware"], ""))
    assert numbers == [str(len(found["rounds"])), str(found["epochs"])]


def test_excerpt_is_of_run_three(readme):
    record = load(re.search(r"\[III\]\((?:\.\./)?(.*?)\)", readme).group(1))
    last = {key: np.float32(values[-1]) for key, values in record["history"].items()}      # as Keras rounds it
    for text in (f"Training Time: {record['training_time']}", f"Testing Loss: {record['test_loss']}",
                 f"Testing Accuracy: {record['test_accuracy']}",
                 f"accuracy: {last['accuracy']:.4f} - loss: {last['loss']:.4f} -"
                 f" val_accuracy: {last['val_accuracy']:.4f} - val_loss: {last['val_loss']:.4f}"):
        assert text in readme
    import lenet5
    for text in lenet5.__doc__.split("ends with")[1].split("\n\n")[1].splitlines():
        assert text.strip() in readme


def test_parameters(readme):
    import lenet5
    lenet = lenet5.build_lenet()
    counts = [f"{layer.count_params():,}" for layer in lenet.layers if layer.name[0].isupper()]
    assert f"| {' | '.join(counts)} | {lenet.count_params():,} |" in readme


def test_parameters_of_the_paper(readme):
    """Section II.B: C3's maps take 3, 4 or all 6 maps (Table I); S2 and S4 train a factor and a bias for each map."""
    c1, c3, c5 = 6 * (25 + 1), 6 * (3 * 25 + 1) + 9 * (4 * 25 + 1) + (6 * 25 + 1), 120 * (16 * 25 + 1)
    s2, s4, f6 = 6 * 2, 16 * 2, Constants.PAPER["f6_units"] * (120 + 1)
    counts = " | ".join(f"{count:,}" for count in (c1, s2, c3, s4, c5, f6))
    assert re.search(rf"\| {re.escape(counts)} \| \w+ \| {c1 + s2 + c3 + s4 + c5 + f6:,} \|", readme)


def test_departures_from_the_paper(readme):
    import lenet5
    paper, lenet = Constants.PAPER, lenet5.build_lenet()
    start = next(line for line in readme.splitlines() if line.startswith("4. "))
    assert re.findall(r" (\d+)\b", start) == [str(lenet.get_layer("F6").units), str(paper["f6_units"])]
    assert [f"({layer.rate:g})" in readme for layer in lenet.layers if hasattr(layer, "rate")] == [True, True]
    low, high = paper["input_range"]
    assert f"[{low}, {high}]" in readme
    assert re.search(rf"\b{paper['test_error']}%.*\b{paper['test_error_distortions']}%", readme)


def test_tolerances(readme):
    from test_reference import GRADIENTS, OUTPUTS, STEPS, TOLERANCES
    sentence, = re.findall(r"[^.\u3002]*1e-6[^.\u3002]*", readme)
    expected = [f"{value:.0e}".replace("e-0", "e-") for value in (OUTPUTS, GRADIENTS, TOLERANCES[max(STEPS)])]
    assert sorted(re.findall(r"\d[-e\d]*", sentence)) == sorted(expected + [str(max(STEPS))])


def test_pins_in_the_readme(readme):
    with open(os.path.join(ROOT, "requirements.txt")) as file:
        pins = dict(re.findall(r"^(\w+)==([\d.]+); python_version >= ", file.read(), re.MULTILINE))
    assert f"tensorflow[and-cuda]=={pins['tensorflow']}" in readme and f"Keras {pins['keras']}" in readme


def test_both_languages_have_the_same_parts():
    english, chinese = (open(path, encoding="utf-8").read() for path in READMES)
    for pattern in r"^(#+) ", r"^(\|[-|]+\|)$", "^```.*?^```$":
        found = [re.findall(pattern, text, re.MULTILINE | re.DOTALL) for text in (english, chinese)]
        assert found[0] == found[1] and len(found[0]) > 5, pattern
    english, chinese = ([os.path.basename(link) for link in re.findall(r"\]\(([^)]+)\)", text)][1:]   # but that to the other
                        for text in (english, chinese))
    assert sorted(english) == sorted(chinese)


def test_links(readme, request):
    folder = os.path.dirname(READMES["Chinese" in request.node.name])
    for link in re.findall(r"\]\(([^)]+)\)", readme):
        assert link.startswith("http") or os.path.exists(os.path.join(folder, link)), link


@pytest.mark.parametrize("swapped", [False, True], ids=["ink on paper", "paper on ink"])
@pytest.mark.parametrize("digit", [0, 2, 3, 5, 8])
def test_a_digit_of_your_own(swapped, digit, tmp_path, capsys):
    from PIL import Image, ImageOps
    from digits import FONTS
    from matplotlib.figure import Figure
    figure = Figure(figsize=(3, 4), dpi=100)
    figure.text(.2, .4, str(digit), fontproperties=FONTS[0], size=120)
    figure.savefig(str(tmp_path / "digit.png"))
    if swapped:
        ImageOps.invert(Image.open(str(tmp_path / "digit.png")).convert("L")).save(str(tmp_path / "digit.png"))
    with open(READMES[0], encoding="utf-8") as file:
        code, = re.findall("```python\n(.*?)```", file.read(), re.DOTALL)
    folder = os.getcwd()
    os.chdir(ROOT)
    try:
        exec(code.replace("digit.png", str(tmp_path / "digit.png")), {})
    finally:
        os.chdir(folder)
    assert capsys.readouterr().out.split()[-1] == str(digit)


def test_the_project_speaks_of_itself_alone():
    files = [path for path in glob.glob(os.path.join(ROOT, "**", "*.*"), recursive=True)
             if path.endswith((".py", ".md", ".txt")) and "/." not in path.replace(ROOT, "")]
    assert len(files) > 12
    for path in files:
        with open(path, encoding="utf-8") as file:
            assert ".." + "/shared" not in file.read(), path
