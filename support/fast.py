"""accelerate(lenet): the same network, carried out faster by TensorFlow 2."""
import keras

from support import backend, convolutions
from support.adadelta import Adadelta
from support.backend import tf
from support.execution import STEPS_PER_EXECUTION, Execution

# The layers that convolutions.py carries out, by their public attributes. What is not
# named is free: channels, filters, Keras' activations, biases, dropout between them.
CONVOLUTION = keras.layers.Conv2D, {
    "kernel_size": (5, 5), "strides": (1, 1), "padding": "valid", "dilation_rate": (1, 1), "groups": 1}
POOLING = keras.layers.AveragePooling2D, {"pool_size": (2, 2), "strides": (2, 2), "padding": "valid"}
KNOWN_LAYERS = [CONVOLUTION, POOLING, CONVOLUTION, POOLING, CONVOLUTION]
KNOWN_IMAGE_SIZE = (32, 32)

ON_EACH_IMAGE_ALONE = (
    keras.layers.Conv2D, keras.layers.AveragePooling2D, keras.layers.MaxPooling2D, keras.layers.Dropout,
    keras.layers.Flatten, keras.layers.Dense, keras.layers.Activation)


def accelerate(lenet):
    """Have TensorFlow 2 carry out a compiled network faster; return it.

    It stays the network that it was, by its layers, weights, loss and optimizer.
    Outputs stay the same to 1e-6; dropout draws other units. Other backends go
    on as they are. Prints a line where a CPU has to make do with Keras' own layers.
    """
    if not backend.TENSORFLOW_2 or lenet.run_eagerly or isinstance(lenet, Execution):
        return lenet
    kind, bases = type(lenet), [Execution]
    if not backend.find_gpu():
        if kind is keras.Sequential and lenet.built:
            bases.insert(0, Halves)
            obstacle = find_obstacle(lenet)
        else:
            obstacle = "the network is not a keras.Sequential that begins with an InputLayer"
        if obstacle:
            print(f"Not accelerated: {obstacle}; Keras' own layers do the work")
        if type(lenet.optimizer) is keras.optimizers.Adadelta and not lenet.optimizer.built:
            lenet.optimizer.__class__ = Adadelta
    # The same object of another class: what cannot be made anew from its
    # configuration, such as a lambda for a loss, goes on as it is.
    lenet.__class__ = type(kind.__name__, (*bases, kind), {"__module__": kind.__module__})
    lenet.steps_per_execution = STEPS_PER_EXECUTION
    return lenet


def layers_used(lenet):
    """Return "fast" where convolutions.py carries out a network's layers, else "keras"."""
    return "fast" if isinstance(lenet, Halves) and not find_obstacle(lenet) else "keras"


def find_obstacle(lenet):
    """Return why a network's first layers are none that convolutions.py carries out, in words, or None."""
    if len(lenet.input_shape) != 4 or lenet.input_shape[1:3] != KNOWN_IMAGE_SIZE:
        return f"the input has the shape {lenet.input_shape[1:]}, not {(*KNOWN_IMAGE_SIZE, 'channels')}"
    layers = [layer for layer in lenet.layers if type(layer) is not keras.layers.Dropout]
    if len(layers) <= len(KNOWN_LAYERS):
        return f"there are {len(layers)} layers, not more than {len(KNOWN_LAYERS)}"
    for layer, (kind, settings) in zip(layers, KNOWN_LAYERS):
        if type(layer) is not kind:
            return f"{layer.name} is a {type(layer).__name__} layer, not {kind.__name__}"
        for name, value in dict(settings, data_format="channels_last", compute_dtype="float32").items():
            if getattr(layer, name) != value:
                return f"{layer.name} has {name} {getattr(layer, name)}, not {value}"
    for layer in lenet.layers[:depth(lenet.layers)]:
        if not acts_on_each_image_alone(layer):
            return f"{layer.name} has a function of your own or looks beyond a single image"
    return None


def depth(layers):
    """Return how many of the first layers convolutions.py carries out: those up to C5."""
    return 1 + [index for index, layer in enumerate(layers) if type(layer) is keras.layers.Conv2D][2]


def acts_on_each_image_alone(layer):
    """Tell whether a batch's halves give what the batch gives; a function of the reader's own may do anything."""
    return (type(layer) in ON_EACH_IMAGE_ALONE and not layer.activity_regularizer
            and not getattr(layer, "noise_shape", None)
            and getattr(layer, "activation", None) in (None, *vars(keras.activations).values()))


class Halves:
    """A class to put before keras.Sequential: layers take a batch's halves side by side.

    A layer is too little work to keep all cores busy. The last one takes the whole
    batch, since a softmax that is joined later hides its logits from Keras' loss.
    """

    def call(self, inputs, training=None, mask=None):
        if inputs.shape[1:] != self.input_shape[1:] or inputs.dtype != self.compute_dtype:
            return super().call(inputs, training, mask)     # which adapts them
        count = tf.shape(inputs)[0]

        def split(batch):       # an odd one's middle image goes to both: TensorFlow fails on an empty half
            return batch[:(count + 1) // 2], batch[count // 2:]

        def join(first, second):
            return tf.concat([first, second[count % 2:]], 0)

        halves, layers = split(inputs), self.layers
        if not find_obstacle(self):
            known, layers = layers[:depth(layers)], layers[depth(layers):]
            halves = [convolutions.carry_out(known, half, training) for half in halves]
        for layer in layers[:-1]:
            if not acts_on_each_image_alone(layer):
                halves = split(layer(join(*halves)))
            elif isinstance(layer, keras.layers.Dropout):
                halves = [convolutions.drop(layer, half, training) for half in halves]
            else:
                halves = [layer(half) for half in halves]       # Keras hands training on
        return layers[-1](join(*halves))
