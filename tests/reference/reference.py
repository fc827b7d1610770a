"""Compute the reference numbers, on the published stack (Python 3.6, Keras 2.1.6, TensorFlow 1.11.0).

    python3.6 tests/reference/reference.py FOLDER

From fixed weights and batches, with dropout rates 0, it writes
    start.npz       the softmax outputs, the loss and the gradients at the start
    step-N.npz      all weights and both Adadelta accumulators after N training steps
TensorFlow runs one operation at a time, as lenet5.py has it: otherwise the
update of C5's kernel races the gradients that flow back through it.
"""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

BATCH = 128
STEPS = [1, 2, 5, 10]


def make_weights(shapes):
    """Glorot-uniform kernels and zero biases of the given shapes, float32, ever the same."""
    random = np.random.RandomState(0)
    weights = []
    for shape in shapes:
        fans = np.prod(shape[:-2]) * (shape[-2] + shape[-1]) if len(shape) > 1 else 1
        limit = np.sqrt(6 / fans) if len(shape) > 1 else 0
        weights.append(random.uniform(-limit, limit, shape).astype(np.float32))
    return weights


def make_batches():
    """Ten batches: images float32 (128, 32, 32, 1) in [0, 1], one-hot labels (128, 10).

    Each class is a coarse random pattern; each image adds random noise to it.
    """
    random = np.random.RandomState(1)
    patterns = np.kron(random.randint(0, 2, (10, 7, 7)), np.ones((4, 4), int)) * 200
    batches = []
    for _ in range(max(STEPS)):
        labels = random.randint(0, 10, BATCH)
        pixels = patterns[labels] + random.randint(0, 56, (BATCH, 28, 28))
        images = np.pad(pixels, ((0, 0), (2, 2), (2, 2)), "constant")[..., np.newaxis]
        batches.append(((images / 255).astype(np.float32), np.eye(10, dtype=np.float32)[labels]))
    return batches


def prepare(lenet):
    """Give the network the fixed weights and no dropout."""
    for layer in lenet.layers:
        if type(layer).__name__ == "Dropout":
            layer.rate = 0
    lenet.set_weights(make_weights([weight.shape for weight in lenet.get_weights()]))


def main(folder):
    import lenet5       # before keras: it hushes the old stack's warnings
    import keras
    lenet5.set_up_backend(0)
    dropout = keras.layers.Dropout
    keras.layers.Dropout = lambda rate: dropout(0)      # Keras 2 looks at the rate when it builds
    lenet = lenet5.build_lenet()
    prepare(lenet)
    batches = make_batches()
    tensors = [lenet.inputs[0], lenet.targets[0], lenet.sample_weights[0], keras.backend.learning_phase()]
    outputs = keras.backend.function(tensors, [lenet.outputs[0], lenet.total_loss] + keras.backend.gradients(
        lenet.total_loss, lenet.trainable_weights))
    softmax, loss, *gradients = outputs([*batches[0], np.ones(BATCH, np.float32), 1])
    np.savez_compressed(os.path.join(folder, "start.npz"), softmax=softmax, loss=loss,
                        **{f"gradient_{i}": gradient for i, gradient in enumerate(gradients)})
    for step, (images, labels) in enumerate(batches, 1):
        lenet.train_on_batch(images, labels)
        if step in STEPS:
            accumulators = lenet.optimizer.get_weights()
            groups = lenet.get_weights(), accumulators[:10], accumulators[10:]
            np.savez_compressed(os.path.join(folder, f"step-{step}.npz"), **{
                f"{name}_{i}": array for name, group in zip(("weight", "squares", "updates"), groups)
                for i, array in enumerate(group)})


if __name__ == "__main__":
    main(sys.argv[1])
