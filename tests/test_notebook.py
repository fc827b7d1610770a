"""assets/lenet5.ipynb runs as it is, and its committed outputs are of the kinds that come out.

To make its outputs anew, with nbconvert beside tests/requirements.txt, and a look at what came out:

    jupyter nbconvert --to notebook --execute --inplace --coalesce-streams \\
        --ExecutePreprocessor.record_timing=False assets/lenet5.ipynb
"""
import copy
import itertools
import os
import re

import pytest

from conftest import BACKEND, ROOT

nbclient = pytest.importorskip("nbclient", reason="needs nbclient, see tests/requirements.txt")
nbformat = pytest.importorskip("nbformat", reason="needs nbformat, see tests/requirements.txt")
pytest.importorskip("ipykernel", reason="needs ipykernel, see tests/requirements.txt")
PATH = os.path.join(ROOT, "assets", "lenet5.ipynb")


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(PATH, 4)


def execute(notebook, folder):
    """Execute a copy as if it were opened in a folder, and return it."""
    executed = copy.deepcopy(notebook)
    resources = {"metadata": {"path": folder}}
    nbclient.NotebookClient(executed, timeout=300, kernel_name="python3", resources=resources).execute()
    return executed


def list_kinds(cell):
    """Return the kinds of a cell's outputs; one stream comes in any number of pieces."""
    kinds = [output.get("name") or sorted(output.get("data", ["error"])) for output in cell.get("outputs", [])]
    return [kind for kind, _ in itertools.groupby(kinds)]


def test_outputs(notebook):
    executed = execute(notebook, os.path.dirname(PATH))
    for cell, again in zip(notebook.cells, executed.cells):
        assert list_kinds(cell) == list_kinds(again), cell.source
    printed = "".join(output.text for output in executed.cells[-1].outputs)
    accuracies = [float(number) for number in re.findall(r"kernels?: test accuracy (.*)", printed)]
    assert len(accuracies) == 2 and .95 < accuracies[1] < accuracies[0]


def test_what_is_committed(notebook):
    assert os.path.getsize(PATH) <= 600 * 1000
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, 1 + len(code)))
    assert not any("execution" in cell.metadata for cell in code)       # times of the machine
    outputs = [output for cell in code for output in cell.outputs]
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    assert texts and not any(re.search(r"/\w+/|\\\w+\\|warning|error", text, re.IGNORECASE) for text in texts)


def test_runs_in_a_notebook(digits_npz, tmp_path):
    arguments = ["--mnist", str(digits_npz), "--epochs", "2", "--logs", str(tmp_path)]
    cells = [f"%run lenet5.py {' '.join(arguments)}", "import lenet5", *[f"lenet5.main({arguments})"] * 2,
             "print('all', 'of', 'it')"]
    executed = execute(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), ROOT)
    streams = [[output for output in cell.outputs if output.output_type == "stream"] for cell in executed.cells]
    for outputs in streams[0], *streams[2:4]:
        assert {output.name for output in outputs} == {"stdout"}
        printed = "".join(output.text for output in outputs)
        assert "Epoch 2/2" in printed
        if BACKEND == "tensorflow":     # on others, Keras' bar shows more steps
            assert "\b" not in printed and len(re.split("[\r\n]", printed)) < 25
    assert [output.text for output in streams[-1]] == ["all of it\n"]      # its stdout is the notebook's again
