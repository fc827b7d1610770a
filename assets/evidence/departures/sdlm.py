"""The paper's network, trained as the paper trained it, in JAX.

The paper is LeCun, Bottou, Bengio and Haffner, 1998: sections II.B (network),
II.C (criterion) and III.B (schedule), appendices A (squashing function, initial
weights) and C (the stochastic diagonal Levenberg-Marquardt method).
"""
import jax
import jax.numpy as jnp
import numpy as np

AMPLITUDE, SLOPE = 1.7159, 2 / 3    # the squashing function is A tanh(S a)
BACKGROUND, INK = -.1, 1.175        # the inputs: their mean is about 0, their variance about 1

# Table I: which maps of S2 (rows) each map of C3 (columns) is connected to
TABLE = np.array([[mark == "X" for mark in row] for row in """
    X...XXX..XXXX.XX
    XX...XXX..XXXX.X
    XXX...XXX..X.XXX
    .XXX..XXXX..X.XX
    ..XXX..XXXX.XX.X
    ...XXX..XXXX.XXX""".split()])

# The targets of F6: a bitmap of 7x12 for each digit, 1 for ink and -1 for paper.
# Drawn after Figure 3, whose own bitmaps are not given in numbers.
BITMAPS = """
    ....... ....... ....... ....... ....... ....... ....... ....... ....... .......
    ..###.. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
    .##.##. ..###.. ##...## ##...## ...###. ##..... .##.... ##...## ##...## ##...##
    ##...## .####.. ##...## .....## ..####. ##..... ##..... .....## ##...## ##...##
    ##...## ...##.. .....## .....## .##.##. ##..... ##..... ....##. ##...## ##...##
    ##...## ...##.. ....##. ..####. ##..##. ######. ######. ....##. .#####. ##...##
    ##...## ...##.. ...##.. .....## ####### .....## ##...## ...##.. ##...## .######
    ##...## ...##.. ..##... .....## ....##. .....## ##...## ...##.. ##...## .....##
    ##...## ...##.. .##.... .....## ....##. .....## ##...## ..##... ##...## .....##
    .##.##. ...##.. ##..... ##...## ....##. ##...## ##...## ..##... ##...## ....##.
    ..###.. .###### ####### .#####. ....##. .#####. .#####. ..##... .#####. .####..
    ....... ....... ....... ....... ....... ....... ....... ....... ....... ......."""
CODES = np.float32([[1 if mark == "#" else -1 for row in BITMAPS.strip().splitlines() for mark in row.split()[digit]]
                    for digit in range(10)])

MU = .02
GLOBAL_RATES = 2 * [5e-4] + 3 * [2e-4] + 3 * [1e-4] + 4 * [5e-5] + 8 * [1e-5]       # one for each of 20 passes
CURVATURE_IMAGES = 500              # before each pass

# Each layer is a function that is linear in its weights and in its inputs; squashing follows it.
# It takes weights, biases and maps (channels, height, width).


def convolve(kernel, bias, maps):
    """Convolve by a kernel (filters, channels * 5 * 5)."""
    channels, height, width = maps.shape[0], maps.shape[1] - 4, maps.shape[2] - 4
    patches = jnp.stack([maps[:, i:i + height, j:j + width] for i in range(5) for j in range(5)], 1)
    return (kernel @ patches.reshape(channels * 25, -1)).reshape(-1, height, width) + bias[:, None, None]


def convolve_by_table(kernels, bias, maps):
    """Convolve by the kernels (60, 25) of Table I's connections, sorted by C3's maps."""
    places = np.full(TABLE.T.shape, len(kernels))       # without a connection, the index of a kernel of zeros
    places[TABLE.T] = np.arange(len(kernels))
    kernels = jnp.concatenate([kernels, jnp.zeros((1, 25))])
    return convolve(kernels[places].reshape(len(TABLE.T), -1), bias, maps)


def subsample(coefficient, bias, maps):
    """Sum 2x2 pixels, times a coefficient for each map."""
    channels, height, width = maps.shape
    sums = maps.reshape(channels, height // 2, 2, width // 2, 2).sum((2, 4))
    return coefficient[:, None, None] * sums + bias[:, None, None]


def connect(matrix, bias, inputs):
    """Connect every output with every input by a matrix (outputs, inputs)."""
    return matrix @ inputs.ravel() + bias


def squash(sums, tanh=jnp.tanh):
    """Return the paper's squashing function of an array; tanh is that of the array's library."""
    return AMPLITUDE * tanh(SLOPE * sums)


LAYERS = [convolve, subsample, convolve_by_table, subsample, connect, connect]      # C1, S2, C3, S4, C5, F6
SIZES = [(6, 25), (6,), (TABLE.sum(), 25), (16,), (120, 400), (84, 120)]        # of the weights, without the biases
C3_FAN_IN = 25 * TABLE.sum(0)
FAN_INS = [(25, 25), (4, 4), (C3_FAN_IN.repeat(TABLE.sum(0))[:, None], C3_FAN_IN), (4, 4), (400, 400), (120, 120)]


def initial_weights(seed):
    """Draw each layer's weights and biases, uniformly from -2.4/n to 2.4/n for a unit of n inputs."""
    random = np.random.RandomState(seed)

    def draw(shape, fan_in):
        return jnp.float32(random.uniform(-2.4, 2.4, shape) / fan_in)

    return [(draw(size, fan_in), draw(np.shape(fan_in_bias) or size[:1], fan_in_bias))
            for size, (fan_in, fan_in_bias) in zip(SIZES, FAN_INS)]


def forward(weights, maps):
    """Return F6's 84 units for one input (1, 32, 32)."""
    for layer, (weight, bias) in zip(LAYERS, weights):
        maps = squash(layer(weight, bias, maps))
    return maps


def criterion(units, label, scale, j):
    """Return the paper's equation 9 for one image, with the squared distances from the codes multiplied by scale."""
    distances = scale * ((units - CODES) ** 2).sum(1)
    return distances[label] + jnp.logaddexp(-j, jax.nn.logsumexp(-distances))


def energy(weights, maps, label, scale, j):
    """Return the criterion as a function of the weights, for one image."""
    return criterion(forward(weights, maps), label, scale, j)


def second_derivatives(weights, maps, label, scale, j):
    """Estimate the second derivative of the criterion with respect to each weight, for one image.

    This is the diagonal Gauss-Newton approximation of appendix C. It propagates second
    derivatives back as gradients are, with the squares of weights, inputs and slopes in
    place of these, and sums over the connections that share a weight. It is exact in F6.
    """
    steps = []
    for layer, parameters in zip(LAYERS, weights):
        sums = layer(*parameters, maps)
        squares = jax.tree.map(jnp.square, (*parameters, maps))
        maps, slopes = jax.jvp(squash, (sums,), (jnp.ones_like(sums),))
        steps.append((layer, squares, slopes))
    curvature = jnp.diag(jax.hessian(criterion)(maps, label, scale, j))
    estimates = []
    for layer, squares, slopes in reversed(steps):
        _, flow_back = jax.vjp(layer, *squares)
        *estimate, curvature = flow_back(curvature.reshape(slopes.shape) * slopes ** 2)
        estimates.insert(0, tuple(estimate))
    return estimates


@jax.jit
def estimate_curvature(weights, images, labels, scale, j):
    """Return the images' mean second derivatives."""
    each = jax.vmap(second_derivatives, (None, 0, 0, None, None))(weights, images, labels, scale, j)
    return jax.tree.map(lambda values: values.mean(0), each)


@jax.jit
def train_pass(weights, rates, images, labels, order, scale, j):
    """Return the weights after one pass over the images, one by one in that order, and the mean criterion."""
    def step(weights, index):
        loss, gradients = jax.value_and_grad(energy)(weights, images[index], labels[index], scale, j)
        return jax.tree.map(lambda weight, rate, gradient: weight - rate * gradient, weights, rates, gradients), loss

    weights, losses = jax.lax.scan(step, weights, order)
    return weights, losses.mean()


def train(images, labels, seed, scale, j, global_rates=GLOBAL_RATES):
    """Train as the paper did; return the weights in the order and the shapes of the network in Keras.

    images, labels: (n, 32, 32, 1) in the paper's range, and one-hot (n, 10)
    scale, j: of the criterion
    global_rates: one for each pass
    """
    random = np.random.RandomState(seed)
    weights, images, labels = initial_weights(seed), images.transpose(0, 3, 1, 2), labels.argmax(1)
    for global_rate in global_rates:
        order = random.permutation(len(images))
        some = order[:CURVATURE_IMAGES]
        curvature = estimate_curvature(weights, images[some], labels[some], scale, j)
        rates = jax.tree.map(lambda value: global_rate / (MU + value), curvature)
        weights, _ = train_pass(weights, rates, images, labels, order, scale, j)
    return to_keras(weights)


def to_keras(weights):
    """Return the weights in the order and the shapes of Keras' get_weights: channels last, C3's kernels (5, 5, 60)."""
    (c1, *c1_bias), s2, (c3, *c3_bias), s4, (c5, *c5_bias), (f6, *f6_bias) = weights
    weights = [c1.T.reshape(5, 5, 1, 6), *c1_bias, *s2, c3.T.reshape(5, 5, 60), *c3_bias, *s4,
               c5.reshape(120, 16, 5, 5).transpose(2, 3, 1, 0), *c5_bias, f6.T, *f6_bias]
    return [np.asarray(weight) for weight in weights]
