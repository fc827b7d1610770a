"""accelerate(lenet): the same network, trained faster on a CPU. Without this room the numbers are the same."""
import contextlib

from support import backend
from support.command_line import say

STEPS = 157     # batches an execution: a third of MNIST's epoch, so that the progress bar still moves


def accelerate(lenet):
    """Return a network of the same layers and weights that a CPU trains faster, to be compiled; lenet stays as it is.

    Its fit, evaluate and predict give what lenet's give (outputs to 1e-6; dropout draws other units), and lenet then
    has the trained weights. All else that is done with a network is done with lenet. On a GPU, another backend, an
    older Keras or in a distribution strategy it is lenet itself; where a layer is not known, too, after a line.
    """
    if not backend.can_accelerate():
        return lenet
    import tensorflow as tf
    if tf.distribute.has_strategy() or lenet.distribute_strategy is not tf.distribute.get_strategy():
        return lenet
    from support.speed.network import FastNetwork, find_obstacle
    obstacle = find_obstacle(lenet)
    if obstacle:
        say(f"Not accelerated: {obstacle}; Keras' own layers do the work")
        return lenet
    return FastNetwork([*lenet.inputs, *lenet.layers], name=lenet.name)


def layers_used(network):
    """Return "fast" if accelerate made the network, and its layers are replaced; else "keras"."""
    if type(network).__name__ != "FastNetwork":
        return "keras"
    from support.speed.network import find_obstacle
    return "keras" if find_obstacle(network) else "fast"


@contextlib.contextmanager
def several_steps(network):
    """Let a network that accelerate made take STEPS steps an execution; afterwards as many as it was compiled for.

    Yields the arguments that fit and evaluate then need, by name. One step an execution takes a fifth more processor
    time. Meanwhile Keras makes its input pipelines without autotuning: at the end of an epoch, TensorFlow 2.21 waits
    for the tuning thread, which sometimes misses that it is to stop, and sleeps on for as long as the epoch took.
    """
    if type(network).__name__ != "FastNetwork":
        yield {}
        return
    import tensorflow as tf
    from support.speed.network import ProgressBar, UntunedOptions
    compiled, options = network.steps_per_execution, tf.data.Options
    # The functions, which are compiled for another number of steps, are discarded with it
    network.steps_per_execution, network.train_function, network.test_function = STEPS, None, None
    tf.data.Options = UntunedOptions
    try:
        yield {"callbacks": [ProgressBar()]}
    finally:
        tf.data.Options = options
        network.steps_per_execution, network.train_function, network.test_function = compiled, None, None
