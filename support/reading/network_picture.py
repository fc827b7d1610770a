"""The network's picture: what each layer makes of a digit, after the paper's Fig. 2."""
import io

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from support.backend import load_keras
from support.pictures import DPI, GREY, LARGE, TEST, Jpeg

POINT = DPI / 72                                            # pixels of the picture, as are all lengths here
WIDTH, GAP, CAPTION = 6 * DPI, int(.3 * DPI), int(.7 * DPI)     # of the picture; between two cells; above a cell
SMALL = 11                                                  # points: of the captions, below their headings
PAPER = "#EFEFEC"                                           # white would glare on a dark page


def draw_network(lenet, image, photograph=None, box=None):
    """Draw an image, all maps and units of the layers named in capitals, and the output as bars: a JPEG's bytes.

    Nothing is shared between calls, so that several threads may draw.

    lenet: a plain Keras network; image: float (32, 32, 1) in [0, 1]
    photograph: uint8 (height, width, 3), drawn first where there is one; box: (left, top, right, bottom) of
        the digit in it, in its pixels
    """
    cells = list_cells(lenet, image)
    if photograph is not None:
        cells.insert(0, ("Photograph", "{1}×{0}".format(*photograph.shape), photograph))
    columns = 3 if len(cells) % 3 == 0 else 4
    step, size = WIDTH // columns, WIDTH // columns - GAP
    picture = Image.new("RGB", (WIDTH, -(-len(cells) // columns) * (CAPTION + size + GAP)), PAPER)
    draw = ImageDraw.Draw(picture)
    for place, (name, caption, values) in enumerate(cells):
        left, top = place % columns * step + GAP // 4, place // columns * (CAPTION + size + GAP) + GAP // 3
        middle, below = left + size // 2, top + CAPTION
        draw.text((middle, top), name, "black", font(LARGE, "-Bold"), "ma")
        if place < len(cells) - 1:
            draw.multiline_text((middle, top + 22 * POINT), caption, "black", font(SMALL), "ma", align="center")
            draw.text((left + size + GAP / 2, below + size // 2), "\u2192", GREY, font(LARGE), "mm")
        if name == "Photograph":
            paste_photograph(picture, draw, values, box, (left, below, size))
        elif place == len(cells) - 1:
            spare = int(.35 * DPI)      # ten bars take their caption's room
            draw_bars(draw, values.ravel(), left, below - spare, size, size + spare)
        else:
            paste(picture, tile(values if values.ndim == 3 else values.reshape(1, 1, -1), size), left, below, size)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90, dpi=(DPI, DPI))
    return Jpeg(buffer.getvalue())


def list_cells(network, image):
    """Return name, caption and values of the image, of each layer with a name in capitals, and of the last layer."""
    keras = load_keras()
    layers = [layer for layer in network.layers if layer.name[0].isupper() or layer is network.layers[-1]]
    watched = keras.Model(network.inputs[0], [layer.output for layer in layers])
    watched.run_eagerly = True          # else it is traced anew for each picture
    features = watched.predict(image[np.newaxis], verbose=0)
    features = features if isinstance(features, list) else [features]       # Keras 2.1.6
    return [("Input", describe_shape(image), image)] + [
        (layer.name, f"{describe_kind(layer)}\n{describe_shape(maps[0])}", maps[0])
        for layer, maps in zip(layers, features)]


def describe_kind(layer):
    """Return a layer's kind in few letters, whatever layer it is."""
    kind = type(layer).__name__
    for attribute, name in ("kernel_size", "conv"), ("pool_size", "maximum" if "Max" in kind else "average"):
        if hasattr(layer, attribute):
            return name + " " + "×".join(str(length) for length in np.ravel(getattr(layer, attribute)))
    return kind.lower()[:12]


def describe_shape(maps):
    if maps.ndim < 3 or maps.shape[:2] == (1, 1):
        return f"{maps.size} units"
    return ("{0}×{1}" if maps.shape[2] == 1 else "{2}@{0}×{1}").format(*maps.shape)     # as the paper writes it


def font(points, weight=""):
    """Return matplotlib's own font, which every machine with matplotlib has."""
    path = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans{weight}.ttf"
    return ImageFont.truetype(path, int(points * POINT))


def tile(maps, size):
    """Return maps (height, width, n), or units (1, 1, n), side by side, zero white and the greatest value black.

    size: of the image's longer side, in pixels; one image of many maps is drawn faster than many
    """
    height, width, count = maps.shape
    root = int(np.ceil(np.sqrt(count)))
    columns = next((columns for columns in range(root, 2 * root) if count % columns == 0), root)    # no gap at the end
    low, high = min(0, maps.min()), maps.max()
    levels = 255 - np.nan_to_num((maps - low) * (255 / (high - low or 1))).astype(np.uint8)
    step = max(3, size // columns)
    side = max(1, step - max(3, step // 16))        # of a map, without its frame and the gap to the next
    rows, across = np.arange(side) * height // side, np.arange(side) * width // side
    levels = np.pad(levels[rows][:, across], ((1, 1), (1, 1), (0, 0)), "constant", constant_values=85)
    sheet = Image.new("RGB", (columns * step, -(-count // columns) * step), PAPER)
    for index in range(count):
        sheet.paste(Image.fromarray(levels[..., index]), (index % columns * step, index // columns * step))
    sheet.thumbnail((size, size))       # thousands of units
    return sheet


def paste(picture, image, left, top, size):
    """Paste an image into the middle of a square; return its left and top."""
    corner = left + (size - image.width) // 2, top + (size - image.height) // 2
    picture.paste(image, corner)
    return corner


def paste_photograph(picture, draw, photograph, box, place):
    """Paste a photograph, and draw around the digit a frame that stands out from any paper."""
    scale = place[2] / max(photograph.shape)
    shape = [max(1, int(length * scale)) for length in photograph.shape[1::-1]]
    left, top = paste(picture, Image.fromarray(photograph).resize(shape, Image.BICUBIC), *place)
    spread = np.array([-1, -1, 1, 1])
    edges = np.multiply(box, scale) + spread * place[2] / 50 + (left, top, left, top)
    for color, margin, width in ("white", 4, 16), (TEST, 0, 8):
        draw.rectangle(tuple(int(edge) for edge in edges + spread * margin), None, color, width)


def draw_bars(draw, probabilities, left, top, width, height):
    """Draw each class's probability as a bar, and the greatest in letters."""
    step, start = height / len(probabilities), left + width // 6
    letters = min(SMALL, .8 * step / POINT)
    for digit, probability in enumerate(probabilities):
        is_read = digit == probabilities.argmax()
        color, weight = (TEST, "-Bold") if is_read else (GREY, "")
        length, middle = np.clip(probability, .01, 1) * (left + width - start), top + (digit + .5) * step
        draw.rectangle([start, int(middle - .4 * step), int(start + length), int(middle + .4 * step)], color)
        draw.text((start - 3 * POINT, middle), str(digit), color, font(letters, weight), "rm")
        if is_read:
            offset, anchor, color = (-3, "rm", "white") if probability > .5 else (3, "lm", color)
            draw.text((start + length + offset * POINT, middle), f"{probability:.2f}", color, font(letters), anchor)
