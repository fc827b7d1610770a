"""Data: what is taken, what is refused, where it comes from."""
import contextlib
import gzip
import http.server
import io
import os
import random
import resource
import shutil
import struct
import threading
import time
import zipfile

import numpy as np
import pytest

import lenet5
from constants import Constants
from lenet5 import ARRAYS, IDX_FILES


def write_idx(folder, digits, gzipped):
    os.makedirs(str(folder), exist_ok=True)
    for name, file_name in zip(ARRAYS, IDX_FILES):
        array = digits[name]
        content = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()
        with (gzip.open if gzipped else open)(os.path.join(str(folder), file_name + ".gz" * gzipped), "wb") as file:
            file.write(content)
    return str(folder)


def same(digits, others):
    return all(np.array_equal(digits[name], others[name]) for name in ARRAYS)


# What is taken

def test_padding_and_scaling():
    images = np.zeros((3, 28, 28), np.uint8)
    images[1, 0, 0], images[1, 27, 26], images[2] = 255, 51, 102
    (dataset, _), _ = lenet5.feed(images, np.array([3, 0, 9], np.uint8), 2)
    batches = [(x.numpy(), y.numpy()) for x, y in dataset]
    assert [len(x) for x, _ in batches] == [2, 1]       # the last, partial batch is there
    x, y = (np.concatenate(parts) for parts in zip(*batches))
    assert x.shape == (3, 32, 32, 1) and x.dtype == np.float32 and y.dtype == np.float32
    assert x[1, 2, 2, 0] == 1 and x[1, 29, 28, 0] == np.float32(.2) and np.count_nonzero(x[1]) == 2
    assert np.count_nonzero(x[2]) == 28 * 28 and x[2, 2, 2, 0] == np.float32(.4)
    assert y.argmax(1).tolist() == [3, 0, 9] and y.sum() == 3


def test_shuffling_over_the_whole_set_anew_each_epoch():
    images = np.repeat(np.arange(200, dtype=np.uint8), 28 * 28).reshape(200, 28, 28)
    labels = (np.arange(200) % 10).astype(np.uint8)
    (dataset, _), _ = lenet5.feed(images, labels, 32, seed=1)
    epochs = []
    for _ in range(2):
        batches = [(np.rint(x.numpy()[:, 5, 5, 0] * 255).astype(int), y.numpy().argmax(1)) for x, y in dataset]
        order, y = (np.concatenate(parts) for parts in zip(*batches))
        assert sorted(order) == list(range(200)) and (y == order % 10).all()
        assert abs(order[:32].mean() - 99.5) < 40       # from everywhere
        epochs.append(order.tolist())
    assert epochs[0] != epochs[1]


def test_pipeline_ends_at_once():
    (dataset, _), _ = lenet5.feed(np.zeros((100000, 28, 28), np.uint8), np.zeros(100000, np.uint8), 1)
    for _ in range(6):      # were the pipeline tuned, half of the ends would wait, .28 s for one as young as this
        batches, start = iter(dataset), time.time()
        while time.time() - start < .35:
            next(batches)
        end = time.time()
        del batches
        assert time.time() - end < .2


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzipped"])
def test_idx_gives_the_digits_of_the_npz(tiny, tmp_path, gzipped):
    np.savez(str(tmp_path / "a.npz"), **dict(tiny, y_train=tiny["y_train"].astype(np.int64)))
    folder = write_idx(tmp_path / "idx", tiny, gzipped)
    assert same(lenet5.load_mnist(folder), tiny) and same(lenet5.load_mnist(str(tmp_path / "a.npz")), tiny)


# What is refused, with one line and before any training

def npz(path, **arrays):
    np.savez(str(path), **arrays)
    return path


@pytest.mark.parametrize("change, words", [
    (lambda d: d.pop("y_test"), ["y_test"]),
    (lambda d: d.update(x_train=d["x_train"][:, :20]), ["x_train", "(40, 20, 28)"]),
    (lambda d: d.update(x_train=d["x_train"].reshape(40, 784)), ["x_train"]),
    (lambda d: d.update(x_train=d["x_train"] / 255), ["x_train", "float64"]),
    (lambda d: d.update(x_test=np.uint8(3)), ["x_test"]),
    (lambda d: d.update(y_train=d["y_train"].astype(float)), ["y_train", "float64"]),
    (lambda d: d.update(y_train=d["y_train"][:39]), ["y_train", "(39,)"]),
    (lambda d: d.update(y_train=np.eye(10)[d["y_train"]]), ["y_train"]),
    (lambda d: d.update(y_test=d["y_test"] + 1), ["y_test", "0 to 9"]),
    (lambda d: d.update(y_test=d["y_test"].astype(int) - 1), ["y_test", "0 to 9"]),
    (lambda d: d.update(x_test=d["x_test"][:0], y_test=d["y_test"][:0]), ["x_test", "empty"]),
    (lambda d: d.update(x_train=np.array([{}], object)), ["x_train"]),
], ids=["missing key", "shape", "flat", "float images", "scalar", "float labels", "count", "one-hot", "label 10",
        "label -1", "empty", "pickled"])
def test_npz_of_another_form(tiny, tmp_path, refused, change, words):
    digits = dict(tiny)
    change(digits)
    refused("--mnist", npz(tmp_path / "bad.npz", **digits), "--logs", tmp_path, words=["bad.npz"] + words)


def test_other_files(tiny, tmp_path, refused):
    bad = tmp_path / "bad.npz"
    refused("--mnist", tmp_path / "none.npz", words=["no such file"])
    for content in b"", b"<html></html>", b"\x80\x04K\x01.":
        bad.write_bytes(content)
        refused("--mnist", bad, words=["bad.npz"])
    (tmp_path / "empty").mkdir()
    refused("--mnist", tmp_path / "empty", words=["train-images"])
    folder = write_idx(tmp_path / "idx", tiny, True)
    path = os.path.join(folder, IDX_FILES[0] + ".gz")
    whole = open(path, "rb").read()
    open(path, "wb").write(whole[:-10])
    refused("--mnist", folder)
    os.remove(os.path.join(folder, IDX_FILES[0] + ".gz"))
    refused("--mnist", folder, words=["train-images"])


def test_pickles_are_not_executed(tiny, tmp_path, refused):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)
    refused("--mnist", npz(tmp_path / "bad.npz", **dict(tiny, x_train=np.array([Bomb()], object))))
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("arguments", [
    ("--epochs", "0"), ("--epochs", "1.5"), ("--batch-size", "-1"), ("--batch-size", "41"), ("--seed", "-1"),
    ("--seed", str(2 ** 32)), ("--epochs", "x"), ("--epoch-count", "3"), ("--mnist",)], ids=" ".join)
def test_arguments(digits_npz, tiny, tmp_path, refused, arguments):
    refused(*(("--mnist", npz(tmp_path / "tiny.npz", **tiny), "--logs", tmp_path) + arguments), words=arguments[:1])


def test_logs_folders(digits_npz, tmp_path, refused):
    (tmp_path / "file").write_text("")
    for logs in tmp_path / "file", tmp_path / "file" / "below", "/proc/none":
        refused("--mnist", digits_npz, "--logs", logs, words=["--logs", str(logs)])


# Damage, by the thousand

def damage(content, chance):
    content = bytearray(content)
    kind = chance.randrange(5)
    if kind == 0:
        for _ in range(chance.choice([1, 1, 1, 5, 50])):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del content[chance.randrange(len(content)):]
    elif kind == 2:
        start = chance.randrange(len(content))
        content[start:start + chance.randrange(1, 100)] = chance.randbytes(chance.randrange(100))
    elif kind == 3:     # a size that lies
        start = chance.randrange(max(1, len(content) - 4))
        content[start:start + 4] = struct.pack(chance.choice("<>") + "I", chance.choice([0, 1, 2 ** 31, 2 ** 32 - 1]))
    else:               # a part of the file twice, or moved
        a, b = sorted(chance.randrange(len(content)) for _ in range(2))
        content[chance.randrange(len(content)):0] = content[a:b]
    return bytes(content)


def bombs(tiny):
    """Archives whose arrays are, or say that they are, far larger than the file."""
    for shape in "(10000000, 28, 28)", "(99999999999999, 28, 28)", "(-1, 28, 28)", "(" * 5000:
        header = ("{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + ", }").encode().ljust(118) + b"\n"
        for length in 0, 2 ** 31:
            content = io.BytesIO()
            with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
                for name in ARRAYS:
                    with archive.open(name + ".npy", "w", force_zip64=True) as file:
                        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
                        for _ in range(length // 2 ** 24 if name == "x_train" else 0):
                            file.write(bytes(2 ** 24))
            yield content.getvalue()
            if length == 0 and shape.startswith("(9"):
                break


def test_damaged_data_is_refused_or_the_same(tiny, tmp_path, request):
    cases = 5000 if request.config.getoption("--long") else 200
    chance = random.Random(0)
    path, folder = str(tmp_path / "a.npz"), write_idx(tmp_path / "idx", tiny, True)
    np.savez(path, **tiny)
    compressed = str(tmp_path / "b.npz")
    np.savez_compressed(compressed, **tiny)
    idx = [os.path.join(folder, name + ".gz") for name in IDX_FILES]
    contents = {file: open(file, "rb").read() for file in [path, compressed] + idx}
    outcomes = {"refused": 0, "the same": 0}

    def judge(target):
        start = time.time()
        try:
            outcome = lenet5.load_mnist(target)
        except lenet5.UserError as error:
            assert "\n" not in str(error)
            outcomes["refused"] += 1
        else:
            assert same(outcome, tiny), case
            outcomes["the same"] += 1
        assert time.time() - start < 10, case

    for case in range(cases):
        file = chance.choice([path, compressed, *idx])
        with open(file, "wb") as damaged:
            damaged.write(damage(contents[file], chance))
        if file in idx and chance.random() < .2:    # swapped members
            other = chance.choice([name for name in idx if name != file])
            shutil.copy(other, file)
        judge(folder if file in idx else file)
        with open(file, "wb") as mended:
            mended.write(contents[file])
    assert outcomes["refused"] > cases / 2 and outcomes["the same"] > cases / 100, outcomes
    for case, content in enumerate(bombs(tiny) if request.config.getoption("--long") else []):
        with open(path, "wb") as file:
            file.write(content)
        with pytest.raises(lenet5.UserError):
            lenet5.load_mnist(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2 * 2 ** 20     # KiB


# Downloads, from a server of our own

class Server(http.server.BaseHTTPRequestHandler):
    content = other = b""

    def do_GET(self):
        kind = self.path.split("/")[1]
        self.send_response(404 if kind == "none" else 200)
        self.send_header("Content-Length", str(len(self.content) + 10 ** 6 * (kind == "slow")))
        self.end_headers()
        with contextlib.suppress(OSError):
            if kind == "good":
                self.wfile.write(self.content)
            elif kind == "html":
                self.wfile.write(b"<html>Log in to this network</html>".ljust(len(self.content)))
            elif kind == "other":
                self.wfile.write(self.other)
            elif kind == "reset":
                self.wfile.write(self.content[:len(self.content) // 2])
                self.connection.close()
            elif kind == "slow":
                for _ in range(100):
                    self.wfile.write(b"x")
                    time.sleep(.1)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def mirrors(tiny, tmp_path, monkeypatch):
    """A function that makes paths of the server the mirrors; the digits called MNIST are the tests' own."""
    content = io.BytesIO()
    np.savez(content, **tiny)
    other = io.BytesIO()
    np.savez(other, **dict(tiny, y_test=9 - tiny["y_test"]))
    handler = type("Handler", (Server,), {"content": content.getvalue(), "other": other.getvalue()})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(Constants, "MNIST_SHA256", lenet5.hash_arrays(tiny))
    monkeypatch.setattr(Constants, "MIRROR_TIMEOUT", 2)

    def use(*paths):
        urls = [path if "://" in path else f"http://127.0.0.1:{server.server_port}/{path}/mnist.npz" for path in paths]
        monkeypatch.setattr(Constants, "MNIST_MIRRORS", urls)
        return urls
    yield use
    server.shutdown()
    server.server_close()


REFUSED = "http://127.0.0.1:9/mnist.npz"


@pytest.mark.parametrize("first", [None, REFUSED, "none", "html", "other", "reset", "slow"])
def test_download(tiny, mirrors, tmp_path, first):
    mirrors(*([first, "good"] if first else ["good"]))
    cache = tmp_path / "keras" / "datasets" / "mnist.npz"
    start = time.time()
    assert same(lenet5.load_mnist(), tiny) and time.time() - start < 10
    assert same(lenet5.read_digits(str(cache)), tiny) and os.listdir(str(cache.parent)) == ["mnist.npz"]
    mirrors()
    assert same(lenet5.load_mnist(), tiny)      # from the cache now


def test_no_network_and_no_cache(mirrors, refused, tmp_path):
    urls = mirrors(REFUSED, "reset", "other", "slow")
    refused("--logs", tmp_path, words=urls + [str(tmp_path / "keras" / "datasets" / "mnist.npz"), "--mnist"])
    assert not (tmp_path / "keras").exists()


def test_damaged_cache(tiny, mirrors, refused, tmp_path):
    cache = tmp_path / "keras" / "datasets" / "mnist.npz"
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"damaged")
    mirrors("none")
    refused("--logs", tmp_path)
    assert cache.read_bytes() == b"damaged"     # kept where nothing better is to be had
    mirrors("good")
    assert same(lenet5.load_mnist(), tiny) and same(lenet5.read_digits(str(cache)), tiny)


def test_cache_is_known_by_its_content(tiny, mirrors, tmp_path):
    mirrors(REFUSED)
    cache = tmp_path / "keras" / "datasets" / "mnist.npz"
    cache.parent.mkdir(parents=True)
    np.savez_compressed(str(cache), **tiny)
    assert same(lenet5.load_mnist(), tiny)


def test_mirrors_fail_within_a_minute():
    assert len(Constants.MNIST_MIRRORS) * Constants.MIRROR_TIMEOUT < 50
