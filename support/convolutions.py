"""LeNet-5's convolutional layers, written out so that a CPU is fast at them.

Few channels do not fill a processor's vector registers. So feature maps have
some rows side by side, as channels of one row:
(n, height / rows, width, rows * channels).
"""
import keras
import numpy as np

from support.backend import tf


def carry_out(layers, images, training):
    """Return what C1 to C5 make of images (n, 32, 32, channels): (n, 1, 1, filters).

    layers: two pairs of a Conv2D with a kernel of 5x5 and an AveragePooling2D of
        2x2, a Conv2D, and any Dropout between them
    """
    maps, rows = images, 1
    for layer in layers:
        if isinstance(layer, keras.layers.Dropout):
            maps = drop(layer, maps, training)
        elif isinstance(layer, keras.layers.AveragePooling2D):
            maps, rows = average(maps, rows), rows // 2
        elif maps.shape[1:3] == layer.kernel_size:
            maps = multiply(layer, maps)
        else:
            rows_out = 4 // rows        # C1's 28 rows side by side by 4, C3's 10 by 2
            maps, rows = convolve(layer, maps, rows, rows_out), rows_out
    return maps


def convolve(layer, maps, rows, rows_out):
    """Carry out a Conv2D on maps with that many rows side by side, to maps with rows_out."""
    size, _, channels, filters = layer.kernel.shape
    seen = size - 1 + rows_out      # rows of the input that rows_out rows of the output see
    # 1 where a row of the output sees a row of the input through a row of the kernel: (input, output, kernel)
    places = np.stack([np.eye(seen, size, -place, dtype="float32") for place in range(rows_out)], 1)
    kernel = tf.tensordot(places.reshape(-1, rows, rows_out, size), layer.kernel, 1)
    # (block of input rows, row in it, row of output, column of the kernel, channel, filter)
    kernel = tf.reshape(tf.transpose(kernel, (0, 3, 1, 4, 2, 5)), (-1, size, rows * channels, rows_out * filters))
    outputs = tf.nn.conv2d(maps, kernel, (rows_out // rows, 1), "VALID")
    if layer.use_bias:
        outputs += tf.tile(layer.bias, [rows_out])
    shape = outputs.shape[1:]       # the activation gets the filters as last axis, as Keras gives it
    return tf.reshape(layer.activation(tf.reshape(outputs, (-1, *shape[:2], rows_out, filters))), (-1, *shape))


def multiply(layer, maps):
    """Carry out a Conv2D whose kernel covers the whole of its input: a product of matrices."""
    kernel = tf.reshape(layer.kernel, (-1, layer.filters))
    outputs = tf.matmul(tf.reshape(maps, (-1, kernel.shape[0])), kernel)
    if layer.use_bias:
        outputs += layer.bias
    return layer.activation(tf.reshape(outputs, (-1, 1, 1, layer.filters)))


def average(maps, rows):
    """Carry out an AveragePooling2D to maps with half as many rows side by side: a product of matrices."""
    _, height, width, depth = maps.shape
    pairs = np.eye(rows // 2).repeat(2, 0)      # of rows
    averages = np.tile(np.kron(pairs, np.eye(depth // rows)) / 4, (2, 1)).astype("float32")
    return tf.reshape(tf.matmul(tf.reshape(maps, (-1, 2 * depth)), averages), (-1, height, width // 2, depth // 2))


def drop(layer, maps, training):
    """Carry out a Dropout by drawing a byte for each unit, where its rate is a number of 256ths."""
    units = maps.shape[1:].num_elements()       # None where the shape is not known
    if not training or layer.rate in (0, 1) or 256 * layer.rate % 1 or not units or units % 4:
        return layer(maps)
    drawn = tf.random.stateless_uniform([tf.size(maps) // 4], layer.seed_generator.next(), None, None, "uint32")
    kept = tf.reshape(tf.bitcast(drawn, "uint8"), tf.shape(maps)) >= int(256 * layer.rate)
    return maps * (tf.cast(kept, maps.dtype) / (1 - layer.rate))
