"""The digit in a photograph or a scan, found and prepared as MNIST's were; no machine learning."""
import collections
import os
import warnings

import numpy as np
from PIL import Image

from constants import Constants
from support.command_line import UserError, one_line

FORMATS = "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP"     # none that runs other programs
LONGEST = 1000                          # pixels of the picture's longer side, from here on
LONGER_SIDES = 40, 80, 160, 320, 640    # a digit of any size is SIZES pixels large in one of these
SIZES = 18, 56
THRESHOLDS = .06, .12, .24, .48         # of contrast: from hard pencil to a marker
DARK, LIGHT = 16, 10                    # the windows that exceed a stroke's width in pixels; light sheets are no strokes
FAINTEST = 0
FINE = 80                               # pixels: the digit's size when it is cut out
STROKE = .09                            # of the digit's size; MNIST's strokes are 0.08 to 0.26
GAP = 15
MASK = .4
BROAD = 32
FLOOR = 24
BOX = 20                                # pixels: MNIST's digits fit it before they are centred

Photograph = collections.namedtuple("Photograph", "image box digit")
Candidate = collections.namedtuple("Candidate", "score box dark contrast")


def read_photograph(path):
    """Find the digit in a picture, and prepare it as MNIST's digits are.

    Returns a Photograph:
        image   uint8 (height, width, 3): the picture, upright, reduced to LONGEST pixels at most,
            on white where it is transparent, or on black where only that shows what is drawn
        box     left, top, right, bottom of the digit in it, in pixels
        digit   uint8 (28, 28), light ink on dark
    Raises UserError where it is no picture, or shows no digit or several.
    """
    picture = open_picture(path)
    candidates = [each for each in sorted(find_candidates(picture), reverse=True) if each.score > FAINTEST]
    sheets = []
    while candidates:
        best = candidates.pop(0)
        found = cut_out(picture, best)
        if found:
            return Photograph(np.asarray(picture), *found)
        sheets.append(best.box)         # what is on it comes first
        candidates.sort(key=lambda other: (sum(encloses(sheet, other.box) for sheet in sheets), other.score), reverse=True)
    raise UserError(f"{path}: no digit found; write one larger, or with a darker pen")


def encloses(box, other):
    return box[0] < other[0] and box[1] < other[1] and box[2] > other[2] and box[3] > other[3]


def open_picture(path):
    """Decode a picture of any mode into upright RGB of LONGEST pixels at most."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # of Pillow's, on files that it reads all the same
            with Image.open(path, formats=FORMATS) as file:
                turn = file.getexif().get(0x0112, 1)
                file.draft("RGB", (LONGEST, LONGEST))
                if file.mode[0] in "IF":        # 16 bits and more, which Pillow would clip
                    values = np.asarray(file, np.float64)
                    file = Image.fromarray((values.clip(0) * (255 / max(values.max(), 1e-9))).astype(np.uint8))
                transparent = "transparency" in file.info or file.mode[-1] in "Aa"
                picture = file.convert("RGBA" if transparent else "RGB")
                picture.thumbnail((LONGEST, LONGEST), Image.BICUBIC)
    except Exception as error:      # whatever a damaged or hostile file provokes
        raise UserError(f"{path}: {one_line(error)}; save it as JPEG or PNG")
    if transparent:
        on_white, on_black = (Image.alpha_composite(Image.new("RGBA", picture.size, color), picture).convert("RGB")
                              for color in ("white", "black"))
        picture = on_white if np.asarray(on_white).min() < 192 else on_black
    pixels = np.asarray(picture)
    if turn in (5, 6, 7, 8):        # EXIF's orientations: rows and columns exchanged, and then mirrored
        pixels = pixels.swapaxes(0, 1)
    if turn in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if turn in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return Image.fromarray(np.ascontiguousarray(pixels))


def find_candidates(picture):
    """Yield what may be a digit, at any size and in both polarities."""
    for longer_side in LONGER_SIDES:
        scale = longer_side / max(picture.size)
        if scale > 2:
            continue
        small = picture.resize([max(1, round(side * scale)) for side in picture.size], Image.BICUBIC)
        colors = np.asarray(small, np.float32)
        for dark in True, False:
            grey = colors.min(2) if dark else colors.max(2)     # where coloured ink shows
            ink = find_ink(grey, DARK if dark else LIGHT, dark)
            for threshold in THRESHOLDS:
                for score, box, contrast in rate_parts(ink, threshold):
                    yield Candidate(score * (1 if dark else .5), tuple(edge / scale for edge in box), dark, contrast)


def spread(image, window, pick):
    """Give each pixel the largest (np.maximum) or smallest (np.minimum) value within a square window around it."""
    for axis in 0, 1:
        image = np.moveaxis(image, axis, 0)
        image = np.pad(image, [(window // 2, (window - 1) // 2)] + [(0, 0)] * (image.ndim - 1), mode="edge")
        reach = 1
        while reach < window:
            step = min(reach, window - reach)
            image = pick(image[:-step], image[step:])
            reach += step
        image = np.moveaxis(image, 0, axis)
    return image


def find_ink(grey, window, dark):
    """Return by what part ink takes from the paper's light, or adds to a board's: strokes narrower than the window.

    A morphological closing (opening) is the paper: shadows, and whatever is wider, stay in it.
    """
    lighter, darker = (np.maximum, np.minimum) if dark else (np.minimum, np.maximum)
    paper = spread(spread(grey, window, lighter), window, darker)
    paper = paper - np.median(paper - grey)     # noise lifts a closing
    return np.clip(paper - grey if dark else grey - paper, 0, None) / (np.maximum(paper, grey) + FLOOR)


def label_parts(mask):
    """Number the parts of a mask that hang together, corners included.

    Returns the labels, 0 outside and then from 1, and for each part its left, top, right and bottom.
    """
    padded = np.pad(mask, 1, mode="constant")
    width = padded.shape[1]
    steps = np.diff(padded.ravel().astype(np.int8))
    starts, ends = np.flatnonzero(steps == 1) + 1, np.flatnonzero(steps == -1) + 1      # of runs, row by row
    roots = list(range(len(starts)))

    def root(run):
        while roots[run] != run:
            run = roots[run]
        return run

    below = zip(np.searchsorted(ends, starts + width), np.searchsorted(starts, ends + width, "right"))
    for run, (first, last) in enumerate(below):
        for other in range(first, last):
            low, high = sorted((root(run), root(other)))
            roots[high] = low
    names, parts = np.unique([root(run) for run in roots], return_inverse=True)
    labels = np.zeros(padded.size, int)
    labels[padded.ravel()] = np.repeat(parts + 1, ends - starts)
    boxes = np.zeros((len(names), 4), int)
    boxes[:, :2] = max(padded.shape)
    rows = starts // width
    for side, pick, edges in ((0, np.minimum, starts - rows * width - 1), (1, np.minimum, rows - 1),
                              (2, np.maximum, ends - rows * width - 1), (3, np.maximum, rows)):
        pick.at(boxes[:, side], parts, edges)
    return labels.reshape(padded.shape)[1:-1, 1:-1], boxes


def rate_parts(ink, threshold):
    """Yield score, box and contrast of the parts of the ink that have a digit's size."""
    labels, boxes = label_parts(ink > threshold)
    amounts = np.bincount(labels.ravel(), ink.ravel())[1:]
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(1)
    fitting = np.flatnonzero((sizes >= SIZES[0]) & (sizes <= SIZES[1]))
    for index in fitting[np.argsort(-amounts[fitting])][:12]:
        left, top, right, bottom = boxes[index]
        width, height, size = right - left, bottom - top, sizes[index]
        part = labels == index + 1
        contrast = ink[part].mean()
        margin = size // 4
        ring = np.zeros(ink.shape, bool)
        ring[max(top - margin, 0):bottom + margin, max(left - margin, 0):right + margin] = True
        ring[top:bottom, left:right] = False
        alone = max(0, 1 - ink[ring].mean() / contrast) if ring.any() else .5
        sides = (left == 0) + (top == 0) + (right == ink.shape[1]) + (bottom == ink.shape[0])
        upright = min(1, height / width, 10 * width / height)
        score = contrast * (size / max(ink.shape)) ** .5 * alone ** 12 * upright ** 2 * .05 ** sides
        yield score, (left, top, right, bottom), contrast


def cut_out(picture, found):
    """Return the digit's box and its 28x28 pixels, or None where it has no strokes."""
    box = found.box
    window = FINE // 2 if found.dark else FINE
    for _ in range(3):      # the second and third time around what was found, and with a window for its strokes
        size = max(box[2] - box[0], box[3] - box[1])
        scale = FINE / size
        area = [max(box[0] - .5 * size, 0), max(box[1] - .5 * size, 0),
                min(box[2] + .5 * size, picture.width), min(box[3] + .5 * size, picture.height)]
        shape = [max(1, int(round((area[2 + side] - area[side]) * scale))) for side in (0, 1)]
        near = np.asarray(picture.resize(shape, Image.BICUBIC, box=area), np.float32)
        left, top, right, bottom = (max(0, int(round((box[side] - area[side % 2]) * scale))) for side in range(4))
        inside = np.s_[top:bottom, left:right]

        inks = np.stack([find_ink(near[..., channel], window, found.dark) for channel in range(3)], -1)
        strong = inks.sum(2) > .5 * np.percentile(inks[inside].sum(2), 98)
        if not strong.any():
            return None
        weights = inks[strong].mean(0)
        ink = inks @ (weights / weights.sum())      # of the channels where it shows
        full = np.percentile(ink[strong], 60)
        parts, boxes = label_parts(ink > MASK * full)
        main = 1 + np.bincount(parts[inside].ravel(), ink[inside].ravel(), len(boxes) + 1)[1:].argmax()
        digit = parts == main
        if not found.dark and spread(spread(digit, 5, np.maximum), BROAD, np.minimum).any():
            return None     # a sheet
        window = max(24, int(3 * measure_stroke(digit)))
        box = [area[side % 2] + boxes[main - 1, side] / scale for side in range(4)]

    outermost = set(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    nearby = set(parts[spread(digit, GAP, np.maximum)]) - outermost - {0}
    digit = spread(digit | np.isin(parts, list(nearby)), 5, np.maximum)
    low = min(.4, np.percentile(ink[~digit], 95) / full) if not digit.all() else 0
    drawn = np.clip((ink * digit / full - low) / (1 - low), 0, 1)
    missing = int(round(STROKE * FINE - measure_stroke(drawn > .5)))
    if missing > 0:
        drawn = spread(drawn, 1 + missing, np.maximum)
    rows, columns = np.flatnonzero((drawn > .1).any(1)), np.flatnonzero((drawn > .1).any(0))
    edges = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    box = tuple(int(round(area[side % 2] + edges[side] / scale)) for side in range(4))
    return box, centre(drawn[edges[1]:edges[3], edges[0]:edges[2]])


def measure_stroke(mask):
    """Return the mean width of strokes in pixels: a long one has two edges."""
    edges = mask & ~spread(mask, 3, np.minimum)
    return 2 * mask.sum() / max(edges.sum(), 1)


def centre(drawn):
    """Scale strokes in [0, 1] to MNIST's 20x20 box, and put their centre of mass into the middle of 28x28."""
    scale = BOX / max(drawn.shape)
    shape = [max(1, int(round(side * scale))) for side in drawn.shape[::-1]]
    small = np.asarray(Image.fromarray(drawn.astype(np.float32)).resize(shape, Image.BOX))
    digit = np.zeros((Constants.DIGIT_SIZE,) * 2, np.uint8)
    place = []
    for axis in 0, 1:
        side = small.shape[axis]
        middle = (small.sum(1 - axis) * np.arange(side)).sum() / small.sum()
        start = int(np.clip(round(Constants.DIGIT_SIZE / 2 - middle), 0, Constants.DIGIT_SIZE - side))
        place.append(slice(start, start + side))
    digit[tuple(place)] = np.round(255 * small)
    return digit
