"""Time lenet5.py's training beside its peers, in turn, on the same work.

    python tests/benchmark.py [--mnist PATH] [--epochs N] [--rounds N] [--python36 PATH] [--json FILE]

Every contestant trains the same network on the same digits: batch 128, Adadelta,
shuffled, dropout, a test after each epoch. Each runs in a process of its own, one
after the other, round after round; a ratio is taken within its round. The time
is that of the epochs with their tests, from the first batch's start, compilation
included; start-up is told apart. Plain fit runs with what TensorFlow does by default:
with oneDNN on a CPU with AVX-512 VNNI, where it runs a second time without, and
without elsewhere. PyTorch, JAX and the published stack take part
where they are there (tests/requirements-benchmark.txt, --python36).
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, ROOT)
ENVIRONMENT = dict(os.environ)      # before lenet5.py adds its settings, which plain fit is to go without
GFLOP_PER_EPOCH = 152       # multiplications and additions of 60,000 trained and 10,000 tested digits
BATCH, TEST_BATCH = 128, 625


def report(seconds, accuracy, first_batch, longest_gap=None):
    with open("/proc/self/status") as file:     # getrusage's peak would begin with that of the parent process
        memory = 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1))
    print("RESULT " + json.dumps({
        "seconds": seconds, "accuracy": accuracy, "first_batch": first_batch, "longest_gap": longest_gap,
        "memory": memory}))


# The contestants; each is a function of the digits' path, the number of epochs and the start of its process

def keras_contestant(path, epochs, begin, ours):
    sys.modules["jax"] = None       # which TensorFlow would load; it is not among lenet5.py's requirements
    if not ours:    # TensorFlow as it starts by itself, before lenet5.py sets what it needs
        import tensorflow as tf
        tf.zeros(()) + 0
    import lenet5
    import keras
    digits = lenet5.load_mnist(path)
    seed = int(begin * 1000) % 2 ** 32
    fast = lenet5.set_up_backend(seed)[1] if ours else keras.utils.set_random_seed(seed)

    class Clock(keras.callbacks.Callback):
        first, last, gap = None, None, 0.

        def on_train_begin(self, logs=None):
            self.last = time.time()

        def on_batch_end(self, batch, logs=None):
            now = time.time()
            if self.first is None:
                self.first = now
            else:
                self.gap = max(self.gap, now - self.last)
            self.last = now

    clock = Clock()
    if ours:
        lenet = lenet5.build_lenet(fast)
        train, options = lenet5.feed(digits.pop("x_train"), digits.pop("y_train"), BATCH, 1)
        test, _ = lenet5.feed(digits["x_test"], digits["y_test"], TEST_BATCH)
        train = dict(options, x=train[0], y=train[1])
    else:
        lenet = lenet5.build_lenet()
        lenet.compile(loss=lenet.loss, optimizer=lenet.optimizer, metrics=["accuracy"])
        x, y, x_test, y_test = (
            digits[name] if name[0] == "y" else lenet5.scale(lenet5.pad(digits[name])) for name in lenet5.ARRAYS)
        test = x_test, keras.utils.to_categorical(y_test)
        train = {"x": x, "y": keras.utils.to_categorical(y), "batch_size": BATCH}
    start = time.time()
    history = lenet.fit(epochs=epochs, validation_data=test, callbacks=[clock], verbose=0, **train).history
    accuracy = history["val_accuracy" if "val_accuracy" in history else "val_acc"][-1]
    report(time.time() - start, float(accuracy), clock.first - begin, clock.gap)


def run_ours(path, epochs, begin):
    keras_contestant(path, epochs, begin, ours=True)


def run_plain(path, epochs, begin):
    keras_contestant(path, epochs, begin, ours=False)


def run_torch(path, epochs, begin):
    digits = dict(np.load(path))
    import torch
    from torch import nn
    torch.set_num_threads(os.cpu_count())
    convolution, pool = nn.Conv2d, nn.AvgPool2d
    network = nn.Sequential(
        convolution(1, 6, 5), nn.ReLU(), pool(2), nn.Dropout(.25), convolution(6, 16, 5), nn.ReLU(), pool(2),
        convolution(16, 120, 5), nn.ReLU(), nn.Flatten(), nn.Linear(120, 128), nn.ReLU(), nn.Dropout(.5),
        nn.Linear(128, 10)).to(memory_format=torch.channels_last)
    for layer in network:
        if hasattr(layer, "weight"):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adadelta(network.parameters(), lr=1., rho=.95, eps=1e-7)
    images = {part: nn.functional.pad(torch.from_numpy(digits["x_" + part])[:, None].float() / 255, (2,) * 4)
              .contiguous(memory_format=torch.channels_last) for part in ("train", "test")}
    labels = {part: torch.from_numpy(digits["y_" + part]).long() for part in ("train", "test")}
    start, first = time.time(), None
    for _ in range(epochs):
        network.train()
        for chosen in torch.randperm(len(images["train"])).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(images["train"][chosen]), labels["train"][chosen]).backward()
            optimizer.step()
            first = first or time.time()
        network.eval()
        with torch.no_grad():
            right = sum((network(x).argmax(1) == y).sum().item() for x, y in zip(
                images["test"].split(TEST_BATCH), labels["test"].split(TEST_BATCH)))
    report(time.time() - start, right / len(labels["test"]), first - begin)


def run_jax(path, epochs, begin):
    digits = dict(np.load(path))
    import jax
    import jax.numpy as jnp
    from jax import lax
    shapes = [(5, 5, 1, 6), (5, 5, 6, 16), (5, 5, 16, 120), (120, 128), (128, 10)]
    keys = jax.random.split(jax.random.key(int(begin * 1000) % 2 ** 32), 6)
    parameters = [(jax.nn.initializers.glorot_uniform()(key, shape), jnp.zeros(shape[-1]))
                  for key, shape in zip(keys, shapes)]

    def convolve(x, kernel):
        return lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def pool(x):
        return lax.reduce_window(x, 0., lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4

    def drop(x, rate, key):
        return x if key is None else jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0)

    def network(parameters, x, key=None):
        c1, c3, c5, f6, output = parameters
        one, two = (None, None) if key is None else jax.random.split(key)
        x = jnp.pad(x.astype(jnp.float32) / 255, ((0, 0), (2, 2), (2, 2)))[..., None]
        x = drop(pool(jax.nn.relu(convolve(x, c1[0]) + c1[1])), .25, one)
        x = pool(jax.nn.relu(convolve(x, c3[0]) + c3[1]))
        x = jax.nn.relu(convolve(x, c5[0]) + c5[1]).reshape(-1, 120)
        x = drop(jax.nn.relu(x @ f6[0] + f6[1]), .5, two)
        return x @ output[0] + output[1]

    def loss(parameters, x, y, key):
        return -jax.nn.log_softmax(network(parameters, x, key))[jnp.arange(len(y)), y].mean()

    def rms(x):
        return jnp.sqrt(x + 1e-7)

    @jax.jit
    def step(parameters, squares, updates, key, x, y):
        key, used = jax.random.split(key)
        gradients = jax.grad(loss)(parameters, x, y, used)
        squares = jax.tree.map(lambda a, g: .95 * a + .05 * g * g, squares, gradients)
        change = jax.tree.map(lambda a, u, g: -rms(u) / rms(a) * g, squares, updates, gradients)
        updates = jax.tree.map(lambda u, d: .95 * u + .05 * d * d, updates, change)
        return jax.tree.map(jnp.add, parameters, change), squares, updates, key

    @jax.jit
    def count_right(parameters, x, y):
        return (network(parameters, x).argmax(1) == y).sum()

    squares = updates = jax.tree.map(jnp.zeros_like, parameters)
    key, random = keys[5], np.random.default_rng()
    x, y, x_test, y_test = (digits[name] if name[0] == "x" else digits[name].astype(np.int32)
                            for name in ("x_train", "y_train", "x_test", "y_test"))
    start, first = time.time(), None
    for _ in range(epochs):
        order = random.permutation(len(x))
        for begin_batch in range(0, len(x), BATCH):
            chosen = order[begin_batch:begin_batch + BATCH]
            parameters, squares, updates, key = step(parameters, squares, updates, key, x[chosen], y[chosen])
            if first is None:
                jax.block_until_ready(parameters)
                first = time.time()
        right = sum(int(count_right(parameters, x_test[i:i + TEST_BATCH], y_test[i:i + TEST_BATCH]))
                    for i in range(0, len(x_test), TEST_BATCH))
    report(time.time() - start, right / len(y_test), first - begin)


def run_limit(path, epochs, begin):
    """The arithmetic alone, at this machine's rate of matrix products."""
    import lenet5       # noqa: F401, whose settings are those of our TensorFlow
    import tensorflow as tf
    a, b = tf.random.normal((2048, 2048)), tf.random.normal((2048, 2048))
    product = tf.function(tf.matmul)
    rates = []
    for _ in range(20):
        start = time.time()
        product(a, b).numpy()
        rates.append(2 * 2048 ** 3 / (time.time() - start))
    report(GFLOP_PER_EPOCH * 1e9 * epochs / float(np.median(rates)), None, None)


CONTESTANTS = {
    "lenet5.py": run_ours, "plain Keras 3 fit(x, y)": run_plain, "the same without oneDNN": run_plain,
    "PyTorch, eager, channels_last": run_torch, "JAX, jitted": run_jax, "the published stack of 2018": run_ours,
    "the arithmetic alone": run_limit}


def compete(name, options, python):
    """Run a contestant in a process of its own; return its result, or None where it cannot take part."""
    code = ("import sys, time; begin = time.time(); sys.path.insert(0, sys.argv[1]); import benchmark;"
            "benchmark.CONTESTANTS[sys.argv[2]](sys.argv[3], int(sys.argv[4]), begin)")
    environment = dict(ENVIRONMENT, TF_ENABLE_ONEDNN_OPTS="0") if name.endswith("without oneDNN") else ENVIRONMENT
    run = subprocess.run([python, "-c", code, os.path.dirname(os.path.abspath(__file__)), name, options.digits,
                          str(options.epochs)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    found = re.search("RESULT (.*)", run.stdout.decode())
    if not found:
        print(f"  {name} does not take part: {(run.stderr.decode().strip() or 'no output').splitlines()[-1]}",
              flush=True)
        return None
    return json.loads(found.group(1))


def hardware():
    """Return the CPU's name and whether it has AVX-512 VNNI, with which TensorFlow uses oneDNN by default."""
    import lenet5
    with open("/proc/cpuinfo") as file:
        return lenet5.name_cpu() + (", AVX-512 VNNI" if " avx512_vnni" in file.read() else ", no AVX-512 VNNI")


def table(rounds):
    """Return the Markdown table of the rounds' results."""
    lines = ["| | seconds, median (range) | times ours, median | test accuracy | longest gap, s | to first batch, s"
             " | memory, MB |", "|---|---|---|---|---|---|---|"]
    for name in CONTESTANTS:
        results = [each[name] for each in rounds if name in each]
        if results:
            seconds = [result["seconds"] for result in results]
            ratios = [each[name]["seconds"] / each["lenet5.py"]["seconds"] for each in rounds if name in each]

            def cell(key, form, scale=1, choose=np.median):
                values = [result[key] for result in results if result[key] is not None]
                return form.format(choose(values) / scale) if values else ""
            limit = name == "the arithmetic alone"
            lines.append(f"| {name} | {np.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})"
                         f" | {np.median(ratios):.2f} | {cell('accuracy', '{:.4f}')} | {cell('longest_gap', '{:.1f}', choose=max)}"
                         f" | {cell('first_batch', '{:.1f}')}"
                         f" | {'' if limit else cell('memory', '{:.0f}', 1e6)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", help="as lenet5.py takes it")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python36", help="the published stack's interpreter")
    parser.add_argument("--json", help="write the results there")
    options = parser.parse_args()
    import lenet5
    folder = tempfile.TemporaryDirectory()      # so that the peers need not load lenet5.py and its TensorFlow
    options.digits = os.path.join(folder.name, "digits.npz")
    np.savez(options.digits, **lenet5.load_mnist(options.mnist))
    absent, rounds = set() if options.python36 else {"the published stack of 2018"}, []
    if hardware().endswith("no AVX-512 VNNI"):
        absent.add("the same without oneDNN")
    for number in range(1, options.rounds + 1):
        print(f"round {number} of {options.rounds}", flush=True)
        rounds.append({})
        for name in CONTESTANTS:
            if name in absent:
                continue
            result = compete(name, options, options.python36 if name.startswith("the published") else sys.executable)
            if result is None:
                absent.add(name)
                continue
            rounds[-1][name] = result
            print(f"  {name}: {result['seconds']:.1f} s", flush=True)
        if options.json:
            with open(options.json, "w") as file:
                json.dump({"hardware": hardware(), "epochs": options.epochs, "rounds": rounds}, file, indent=1)
    print(f"\n{options.epochs} epochs, {options.rounds} rounds, {hardware()}\n\n{table(rounds)}")


if __name__ == "__main__":
    main()
