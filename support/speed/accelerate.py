"""accelerate(lenet): another network of the same layers, carried out faster by TensorFlow 2 on a CPU."""
import keras

from support import backend
from support.backend import tf
from support.speed import convolutions

# What convolutions.py carries out, by public attributes; what is not named is free: channels, filters, biases
CONVOLUTION = keras.layers.Conv2D, {
    "kernel_size": (5, 5), "strides": (1, 1), "padding": "valid", "dilation_rate": (1, 1), "groups": 1}
POOLING = keras.layers.AveragePooling2D, {"pool_size": (2, 2), "strides": (2, 2), "padding": "valid"}
KNOWN_LAYERS = [CONVOLUTION, POOLING, CONVOLUTION, POOLING, CONVOLUTION]
ON_EACH_IMAGE_ALONE = (
    keras.layers.Conv2D, keras.layers.AveragePooling2D, keras.layers.Dropout, keras.layers.Flatten, keras.layers.Dense)


def accelerate(lenet):
    """Return a network of the same layers and weights that a CPU trains faster, to be compiled; lenet stays as it is.

    Its outputs are the same to 1e-6; dropout draws other units. Where there is nothing
    to gain, or a layer is not known, it is lenet itself; a line says so in the latter case.
    """
    if (not backend.TENSORFLOW_2 or backend.find_gpu() or tf.distribute.has_strategy()
            or lenet.distribute_strategy is not tf.distribute.get_strategy()):      # built in the scope of one
        return lenet
    obstacle = find_obstacle(lenet)
    if obstacle:
        print(f"Not accelerated: {obstacle}; Keras' own layers do the work")
        return lenet
    return FastLayers([*lenet.inputs, *lenet.layers], name=lenet.name)


def layers_used(network):
    """Return "fast" where convolutions.py carries out a network's layers, else "keras"."""
    return "fast" if isinstance(network, FastLayers) else "keras"


def find_obstacle(lenet):
    """Return why a network's first layers are none that convolutions.py carries out, in words, or None."""
    if type(lenet) is not keras.Sequential or not lenet.built or lenet.input_shape[1:3] != (32, 32):
        return "the network is not a keras.Sequential that begins with an InputLayer of 32x32 pixels"
    layers = [layer for layer in lenet.layers if type(layer) is not keras.layers.Dropout]
    if len(layers) <= len(KNOWN_LAYERS):
        return f"there are {len(layers)} layers, not more than {len(KNOWN_LAYERS)}"
    for layer, (kind, settings) in zip(layers, KNOWN_LAYERS):
        if type(layer) is not kind:
            return f"{layer.name} is a {type(layer).__name__} layer, not {kind.__name__}"
        for name, value in dict(settings, data_format="channels_last", compute_dtype="float32").items():
            if getattr(layer, name) != value:
                return f"{layer.name} has {name} {getattr(layer, name)}, not {value}"
    for layer in lenet.layers[:1 + lenet.layers.index(layers[len(KNOWN_LAYERS) - 1])]:
        if not acts_on_each_image_alone(layer):
            return f"{layer.name} has a function of your own or looks beyond a single image"
    return None


def acts_on_each_image_alone(layer):
    """Tell whether the halves of a batch give what the batch gives; a function of the reader's own may do anything."""
    activation = getattr(layer, "activation", keras.activations.linear)
    return (type(layer) in ON_EACH_IMAGE_ALONE and not layer.activity_regularizer
            and not getattr(layer, "noise_shape", None)
            and getattr(keras.activations, getattr(activation, "__name__", ""), None) is activation)


class FastLayers(keras.Sequential):
    """A keras.Sequential that takes the halves of a batch through its layers side by side.

    A layer is too little work to keep all cores busy. The last one takes the whole
    batch, since a softmax that is joined later hides its logits from Keras' loss.
    """

    def call(self, inputs, training=None, mask=None):
        if inputs.shape[1:] != self.input_shape[1:] or inputs.dtype != self.compute_dtype:
            return super().call(inputs, training, mask)     # which adapts them
        count = tf.shape(inputs)[0]     # an odd one's middle image goes to both: TensorFlow fails on an empty half
        halves = [inputs[:(count + 1) // 2], inputs[count // 2:]]
        rest, functions = list(self.layers), convolutions.prepare(self.layers)
        while len(rest) > 1 and acts_on_each_image_alone(rest[0]):
            layer = rest.pop(0)
            if isinstance(layer, keras.layers.Dropout):
                halves = [convolutions.drop(layer, half, training) for half in halves]
            else:
                halves = [functions.get(layer, layer)(half) for half in halves]
        outputs = tf.concat([halves[0], halves[1][count % 2:]], 0)
        for layer in rest:
            outputs = layer(outputs)        # Keras hands training on
        return outputs

    def compile(self, optimizer="rmsprop", *arguments, **options):
        """Keras' compile, for which an Adadelta becomes one of the same settings that is faster."""
        if type(optimizer) is keras.optimizers.Adadelta and not optimizer.use_ema:
            optimizer = Adadelta.from_config(optimizer.get_config())
        super().compile(optimizer, *arguments, **options)

    def save(self, *arguments, **options):
        """Save the plain network, to be compiled again: whoever loads it may not have this class."""
        keras.Sequential([*self.inputs, *self.layers], name=self.name).save(*arguments, **options)


class Adadelta(keras.optimizers.Adadelta):
    """Adadelta as TensorFlow's own operation in place of a dozen for each array: a twentieth less of an epoch."""

    def add_optimizer_variables(self, variables, names, *arguments, **options):
        """Make the averages of squares and of updates, and remember whose they are."""
        made = super().add_optimizer_variables(variables, names, *arguments, **options)
        averages = {variable.value.ref(): each for variable, *each in zip(variables, *made)}
        self.find_averages = averages.get       # TensorFlow's checkpoints would want a dictionary's keys to be names
        return made

    def update_step(self, gradient, variable, learning_rate):
        squares, updates = self.find_averages(variable.ref())
        tf.raw_ops.ResourceApplyAdadelta(
            var=variable.handle, accum=squares.value.handle, accum_update=updates.value.handle,
            lr=learning_rate, rho=self.rho, epsilon=self.epsilon, grad=tf.convert_to_tensor(gradient))


if backend.TENSORFLOW_2:
    keras.saving.register_keras_serializable()(FastLayers)      # Keras copies and pickles by name
