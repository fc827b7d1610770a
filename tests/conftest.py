import os
import subprocess
import sys

import numpy as np
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [ROOT, HERE, os.path.join(HERE, "reference")]


def pytest_addoption(parser):
    parser.addoption("--mnist", help="MNIST as lenet5.py takes it, where it is not in Keras' cache")
    parser.addoption("--python36", help="a Python 3.6 with requirements.txt installed: the published stack")
    parser.addoption("--long", action="store_true", help="5,000 damaged files for 200, 50 kills for 3")


@pytest.fixture(scope="session")
def digits_npz(tmp_path_factory):
    """A small stand-in for MNIST, of 2,000 training and 500 test digits."""
    from digits import write_digits
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    write_digits(path, 2000, 500)
    return str(path)


@pytest.fixture(scope="session")
def tiny(digits_npz):
    """Forty training and twenty test digits, as arrays."""
    with np.load(digits_npz) as digits:
        return {name: digits[name][:40 if "train" in name else 20] for name in digits}


class Run:
    """lenet5.py in a process of its own."""

    def __init__(self, *arguments, python=sys.executable, code=None, **environment):
        command = [python] + (["-c", code] if code else [os.path.join(ROOT, "lenet5.py")])
        self.process = subprocess.Popen(
            command + [str(argument) for argument in arguments], cwd=ROOT, text=True,
            env=dict(os.environ, **environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self):
        self.out, self.err = self.process.communicate(timeout=300)
        self.code = self.process.returncode
        return self


@pytest.fixture
def lenet5_run():
    """A function that runs lenet5.py to its end."""
    return lambda *arguments, **options: Run(*arguments, **options).finish()


@pytest.fixture
def refused(capsys):
    """A function that asserts that the command line refuses arguments with one line that has the given words."""
    import lenet5

    def check(*arguments, words=()):
        capsys.readouterr()
        assert lenet5.main([str(argument) for argument in arguments]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and error.startswith("lenet5.py: ") and len(error) < 1000
        assert all(word in error for word in words), error
    return check
