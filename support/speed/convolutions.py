"""LeNet-5's convolutional layers, written out so that a CPU is fast at them.

Few channels do not fill a processor's vector registers. So neighbouring pixels
of a feature map are computed together, as channels of one larger pixel.
"""
import keras
import numpy as np
import tensorflow as tf

from support import device


def prepare(layers, training):
    """Return faster replacements for the calls of the layers from C1 to C5, and of any Dropout between them, in order.

    Each takes images or maps (n, height, width, channels), and gives maps for the next.

    layers: Conv2D 5x5, AveragePooling2D 2x2, Conv2D 5x5, AveragePooling2D 2x2, Conv2D 5x5,
        any Dropout between them, and whatever comes next
    """
    c1, sp2, c3, sp4, c5 = [layer for layer in layers if not isinstance(layer, keras.layers.Dropout)][:5]
    wide = 2 if "AVX-512" in device.describe_cpu() else 1       # 24 channels fill AVX2's registers, 48 AVX-512's
    faster = {      # (n, height, width, rows * columns * filters of the published network)
        c1: convolve(c1, rows=4, columns=wide),             # (n, 7, 28, 4 * 1 * 6) or (n, 7, 14, 4 * 2 * 6)
        sp2: average(c1.filters, rows=4, columns=wide),     # (n, 7, 14, 2 * 1 * 6)
        c3: convolve(c3, rows=2, rows_seen=2),              # (n, 5, 10, 2 * 1 * 16)
        sp4: average(c3.filters, rows=2),                   # (n, 5, 5, 16)
        c5: multiply(c5),                                   # (n, 1, 1, 120)
    }
    return [faster.get(layer) or drop(layer, training) for layer in layers[:layers.index(c5) + 1]]


def convolve(layer, rows, columns=1, rows_seen=1):
    """Return a replacement for the call of a Conv2D, with rows * columns of its output in a pixel.

    rows_seen: how many rows of its input are in a pixel
    """
    size, _, channels, filters = layer.kernel.shape

    def shift(count):       # the kernel's places in the window, along one of its sides
        return [np.eye(size, size - 1 + count, place) for place in range(count)]

    # One product lays the kernel out at all its places, since padding it for each takes longer to trace. In where there
    # is a 1 if weight (k, l) meets (h, w) of the window for the output's pixel (r, c). In the product, s is a row in a
    # pixel, i a channel and f a filter.
    where = np.einsum("rkh,clw->hwrckl", shift(rows), shift(columns)).astype("float32")
    where = where.reshape(-1, rows_seen, *where.shape[1:])
    kernel = tf.einsum("hswrckl,klif->hwsircf", where, layer.kernel)
    kernel = tf.reshape(kernel, (-1, size - 1 + columns, rows_seen * channels, rows * columns * filters))
    bias = tf.tile(layer.bias, [rows * columns]) if layer.use_bias else 0.

    def function(maps):
        outputs = tf.nn.conv2d(maps, kernel, (rows // rows_seen, columns), "VALID") + bias
        shape = outputs.shape[1:]       # the activation gets the filters as the last axis, as in Keras
        return tf.reshape(layer.activation(tf.reshape(outputs, (-1, filters))), (-1, *shape))
    return function


def average(filters, rows, columns=1):
    """Return a replacement for the call of an AveragePooling2D on maps with rows * columns of them in a pixel."""
    pairs = np.eye(rows // 2).repeat(2 * columns, 0)        # which parts of a pixel go into which row of the output
    averages = np.kron(np.tile(pairs, (2 // columns, 1)), np.eye(filters)).astype("float32") / 4

    def function(maps):
        _, height, width, _ = maps.shape
        outputs = tf.matmul(tf.reshape(maps, (-1, len(averages))), averages)
        return tf.reshape(outputs, (-1, height, width * columns // 2, rows // 2 * filters))
    return function


def multiply(layer):
    """Return a replacement for the call of a Conv2D whose kernel covers the whole of its input."""
    kernel = tf.reshape(layer.kernel, (-1, layer.filters))

    def function(maps):
        outputs = tf.matmul(tf.reshape(maps, (-1, kernel.shape[0])), kernel)
        if layer.use_bias:
            outputs += layer.bias
        return layer.activation(tf.reshape(outputs, (-1, 1, 1, layer.filters)))
    return function


def drop(layer, training):
    """Return a replacement for the call of a Dropout: a random byte for each unit, where its rate is whole 256ths."""
    def function(maps):
        units = maps.shape[1:].num_elements()       # None where the shape is not known
        if not training or layer.rate in (0, 1) or 256 * layer.rate % 1 or not units or units % 4:
            return layer(maps)
        drawn = tf.random.stateless_uniform([tf.size(maps) // 4], layer.seed_generator.next(), None, None, "uint32")
        kept = tf.reshape(tf.bitcast(drawn, "uint8"), tf.shape(maps)) >= int(256 * layer.rate)
        return maps * (tf.cast(kept, maps.dtype) / (1 - layer.rate))
    return function
