"""The accelerated network, for Keras 3 on TensorFlow: C1 to C5 as in convolutions.py, the rest as Keras has it."""
import sys

import keras
import tensorflow as tf

from support.speed import convolutions

# The layers that convolutions.py replaces. Channels, filters, biases and activations of Keras' own are free.
CONVOLUTION = keras.layers.Conv2D, {
    "kernel_size": (5, 5), "strides": (1, 1), "padding": "valid", "dilation_rate": (1, 1), "groups": 1}
POOLING = keras.layers.AveragePooling2D, {"pool_size": (2, 2), "strides": (2, 2), "padding": "valid"}
KNOWN_LAYERS = [CONVOLUTION, POOLING, CONVOLUTION, POOLING, CONVOLUTION]


class FastNetwork(keras.Sequential):
    """A keras.Sequential that takes the two halves of a batch through C1 to C5 side by side, by faster layers.

    One of these layers is too little work to keep all cores busy. The layers are looked at whenever the call is
    traced; where one is not known, all of them are Keras' own.
    """

    def call(self, inputs, training=None, mask=None):
        if inputs.shape[1:] != self.input_shape[1:] or inputs.dtype != self.compute_dtype or find_obstacle(self):
            return super().call(inputs, training, mask)
        # With an odd count the middle image is in both halves, and is dropped from the second: none may be empty
        count = tf.shape(inputs)[0]
        halves = [inputs[:(count + 1) // 2], inputs[count // 2:]]
        functions = convolutions.prepare(self.layers, training)
        for function in functions:
            halves = [function(half) for half in halves]
        outputs = tf.concat([halves[0], halves[1][count % 2:]], 0)
        for layer in self.layers[len(functions):]:
            outputs = layer(outputs)        # Keras hands training on
        return outputs


def find_obstacle(network):
    """Return why C1 to C5 are no layers that convolutions.py replaces, in words, or None."""
    if not isinstance(network, keras.Sequential) or not network.built or network.input_shape[1:3] != (32, 32):
        return "the network is not a keras.Sequential that begins with an InputLayer of 32x32 pixels"
    known = list(KNOWN_LAYERS)
    for layer in network.layers:
        kind, settings = known[0] if type(layer) is not keras.layers.Dropout else (
            keras.layers.Dropout, {"noise_shape": None})
        if type(layer) is not kind:
            return f"{layer.name} is a {type(layer).__name__} layer, not {kind.__name__}"
        for name, value in dict(settings, data_format="channels_last", compute_dtype="float32",
                                activity_regularizer=None).items():
            if getattr(layer, name, value) != value:
                return f"{layer.name} has {name} {getattr(layer, name)}, not {value}"
        activation = getattr(layer, "activation", keras.activations.linear)
        if getattr(keras.activations, getattr(activation, "__name__", ""), None) is not activation:
            return f"{layer.name} has an activation that is not Keras' own"      # which may look beyond an image
        if kind is not keras.layers.Dropout:
            known.pop(0)
        if not known:
            return None
    return f"{len(KNOWN_LAYERS) - len(known)} of the {len(KNOWN_LAYERS)} layers C1 to C5 are there"


class UntunedOptions(tf.data.Options):
    def __init__(self):
        super().__init__()
        self.autotune.enabled = False


class ProgressBar(keras.callbacks.ProgbarLogger):
    """Keras' progress bar, which a last execution of fewer steps would carry beyond its end; in a notebook, a line."""

    def set_params(self, params):
        super().set_params(dict(params, verbose=2) if "ipykernel" in sys.modules and params["verbose"] else params)

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(min(batch, self.target - 1), logs)

    def on_test_batch_end(self, batch, logs=None):
        super().on_test_batch_end(min(batch, self.target - 1), logs)
