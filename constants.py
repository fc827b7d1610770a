"""The numbers of the experiment, each with its unit and its source.

"Published" is the run that this project reproduces, row I of the README's
table. "Paper" is LeCun, Bottou, Bengio and Haffner, 1998.
"""


class Constants:
    """The numbers of the experiment, but for the layers' own, which stand in build_lenet."""

    # Data: MNIST, http://yann.lecun.com/exdb/mnist/
    NUM_CLASSES = 10                # the digits 0 to 9
    DIGIT_SIZE = 28                 # pixels, both ways, as MNIST comes
    PADDING = 2                     # pixels of zeros on each side: the paper's 32x32 input
    IMG_ROWS = DIGIT_SIZE + 2 * PADDING
    IMG_COLS = DIGIT_SIZE + 2 * PADDING
    INPUT_SHAPE = (IMG_ROWS, IMG_COLS, 1)
    MAX_PIXEL = 255                 # pixel values are divided by it

    # Training, as published
    BATCH_SIZE = 128                # images
    EPOCHS = 12

    # Adadelta's defaults in Keras 2.1.6, stated because Keras 3 has another learning rate, 0.001
    LEARNING_RATE = 1.0
    RHO = 0.95
    EPSILON = 1e-7

    LOGS_DIR = "logs-lenet"

    # SHA-256 of each array's bytes, as uint8 in C order
    MNIST_SHA256 = {
        "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    }

    # The paper's test error in percent, without distortions of the training set (section III.B), for the README
    PAPER = {"test_error": 0.95}

    # The published run: the log of 2022-04-04 and its table. The pictures show it dashed.
    PUBLISHED = {
        "stamp": 1649035239.3396833,
        "versions": {"keras": "2.1.6", "tensorflow": "1.11.0", "python": "3.6.5"},
        "hardware": "NVIDIA GeForce MX250",
        "training_time": 99.07298493385315,     # seconds: fit, plots and evaluate
        "test_loss": 0.029901272440085995,
        "test_accuracy": 0.9905,
        "history": {
            "loss": [0.4000, 0.1239, 0.0928, 0.0772, 0.0647, 0.0565,
                     0.0508, 0.0459, 0.0418, 0.0404, 0.0357, 0.0353],
            "accuracy": [0.8751, 0.9642, 0.9733, 0.9772, 0.9811, 0.9834,
                         0.9848, 0.9870, 0.9875, 0.9878, 0.9893, 0.9893],
            "val_loss": [0.0919, 0.0640, 0.0469, 0.0428, 0.0348, 0.0326,
                         0.0321, 0.0319, 0.0297, 0.0278, 0.0295, 0.0299],
            "val_accuracy": [0.9701, 0.9784, 0.9845, 0.9853, 0.9886, 0.9895,
                             0.9900, 0.9894, 0.9906, 0.9912, 0.9912, 0.9905],
        },
    }
