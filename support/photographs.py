"""The digit in a photograph or a scan, found and prepared as MNIST's were, by Pillow and NumPy."""
import collections
import os
import warnings

import numpy as np
from PIL import Image

from constants import Constants
from support.command_line import UserError, one_line

FORMATS = "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP"     # none that runs other programs
LONGEST = 1000                          # pixels of a picture's longer side, from its reduction on
# A digit of any size is SIZES pixels large in one of the pictures whose longer sides are these
SIDES, SIZES = (40, 80, 160, 320, 640), (18, 56)
THRESHOLDS = .06, .12, .24, .48         # of the part of light that ink takes, from a hard pencil's to a marker's
FAINTEST, RIVAL = .012, .4              # scores: of no digit, and of another one beside the best, relative to it
FINE = 80                               # pixels of the digit's size when it is cut out
SHEET = 32                              # of those: no stroke of MNIST's is as wide
STROKE = 7                              # of those: thinner strokes are thickened; MNIST's median is 8

Photograph = collections.namedtuple("Photograph", "image box digit")
Candidate = collections.namedtuple("Candidate", "score box dark contrast")


def read_photograph(path):
    """Find the one digit in a picture, and prepare it as MNIST's digits are.

    Returns a Photograph:
        image   uint8 (height, width, 3), upright, reduced to LONGEST pixels at most, transparent
            parts on white, or on black where only that shows what is drawn
        box     left, top, right and bottom of the digit in it, in pixels
        digit   uint8 (28, 28), light ink on dark
    Raises UserError where the file is no picture, or shows no digit, several or a text.
    """
    picture = open_picture(path)
    candidates = sorted(find_candidates(picture), reverse=True)
    waiting, sheets = [candidate for candidate in candidates if candidate.score > FAINTEST], []
    while waiting:
        best = waiting.pop(0)
        box, digit = cut_out(picture, best)
        if box:
            if (box[2] - box[0] > 2 * (box[3] - box[1])
                    or any(is_rival(other, best, box) for other in candidates)):
                raise UserError(f"{path}: several digits or a text; show one digit alone")
            return Photograph(np.asarray(picture), box, digit)
        sheets.append(best.box)     # what lies on it comes first
        waiting.sort(key=lambda other: (sum(lies_on(other.box, sheet) for sheet in sheets), other), reverse=True)
    raise UserError(f"{path}: no digit found; write it larger or darker, and let it fill more of the picture")


def open_picture(path):
    """Decode a picture of any mode; return it upright, in RGB."""
    if not os.path.isfile(path):
        raise UserError(f"{path}: no such file; give the picture's path")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # about files that Pillow reads all the same
            with Image.open(path, formats=FORMATS) as picture:
                turn = picture.getexif().get(0x0112)        # the tag of the orientation
                picture.draft("RGB", (LONGEST, LONGEST))    # a large JPEG is decoded at a half, a quarter or an eighth
                if picture.mode[0] in "IF":     # 16 bits and more, of which Pillow's conversion keeps the lowest 8
                    values = np.asarray(picture, np.float64).clip(0)
                    picture = Image.fromarray((values * (255 / max(values.max(), 1))).astype(np.uint8))
                transparent = picture.mode[-1] in "Aa" or "transparency" in picture.info
                picture = picture.convert("RGBA" if transparent else "RGB")
                picture.thumbnail((LONGEST, LONGEST))
    except Exception as error:      # whatever a damaged or hostile file provokes
        raise UserError(f"{path}: no picture that can be read ({one_line(error)}); save it as JPEG or PNG")
    if transparent:
        on_white, on_black = (Image.alpha_composite(Image.new("RGBA", picture.size, color), picture).convert("RGB")
                              for color in ("white", "black"))
        picture = on_white if np.asarray(on_white).min() < 192 else on_black
    pixels = np.asarray(picture)
    if turn in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if turn in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if turn in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return Image.fromarray(np.ascontiguousarray(pixels))


def find_candidates(picture):
    """Yield what may be a digit, of any size, darker or lighter than what surrounds it."""
    for side in SIDES:
        scale = side / max(picture.size)
        if scale > 2:
            continue
        small = picture.resize([max(1, round(length * scale)) for length in picture.size], Image.BICUBIC)
        for dark in True, False:
            grey = to_grey(small, dark)
            paper, ink = find_ink(grey, 16 if dark else 10, dark)   # light sheets are more common than light markers
            for threshold in THRESHOLDS:
                for score, box, contrast in rate_parts(grey, paper, ink, threshold):
                    yield Candidate(score if dark else score / 2, tuple(box / scale), dark, contrast)


def to_grey(picture, dark):
    """Return the channel of each pixel in which coloured ink shows, as float32."""
    colors = np.asarray(picture, np.float32)
    return colors.min(2) if dark else colors.max(2)


def find_ink(grey, window, dark):
    """Return the light of the bare paper, and the part of it that ink takes, or adds to that of a board.

    The paper is what a morphological closing (opening) leaves: nothing narrower than
    the window, while edges of shadows and of sheets stay where they are.
    """
    lighter, darker = (np.maximum, np.minimum) if dark else (np.minimum, np.maximum)
    paper = spread(spread(grey, window, lighter), window, darker)
    paper = paper - np.median(paper - grey)     # noise lifts a closing
    return paper, np.maximum(paper - grey if dark else grey - paper, 0) / (np.maximum(paper, grey) + 24)


def spread(image, window, pick):
    """Give each pixel the largest (np.maximum) or smallest (np.minimum) value in a square around it."""
    for _ in range(2):
        image = np.pad(image, [(window // 2, (window - 1) // 2), (0, 0)], mode="edge")
        reach = 1
        while reach < window:
            step = min(reach, window - reach)
            image = pick(image[step:], image[:-step])
            reach += step
        image = image.T
    return image


def label_parts(mask):
    """Number what hangs together, corners included: the labels, 0 outside, and each part's box (n, 4)."""
    padded = np.pad(mask, 1, mode="constant")
    width = padded.shape[1]
    steps = np.diff(padded.ravel().astype(np.int8))
    starts, ends = np.flatnonzero(steps == 1) + 1, np.flatnonzero(steps == -1) + 1      # of runs, row by row
    roots = list(range(len(starts)))

    def find_root(run):
        while roots[run] != run:
            run = roots[run]
        return run

    below = zip(np.searchsorted(ends, starts + width), np.searchsorted(starts, ends + width, "right"))
    for run, (first, last) in enumerate(below):
        for other in range(first, last):
            low, high = sorted((find_root(run), find_root(other)))
            roots[high] = low
    names, parts = np.unique([find_root(run) for run in roots], return_inverse=True)
    labels = np.zeros(padded.size, int)
    labels[padded.ravel()] = np.repeat(parts + 1, ends - starts)
    boxes = np.repeat([[padded.size, padded.size, 0, 0]], len(names), 0)
    rows = starts // width
    np.minimum.at(boxes, parts, np.stack([starts - rows * width - 1, rows - 1, boxes[parts, 0], boxes[parts, 1]], 1))
    np.maximum.at(boxes, parts, np.stack([starts * 0, starts * 0, ends - rows * width - 1, rows], 1))
    return labels.reshape(padded.shape)[1:-1, 1:-1], boxes


def rate_parts(grey, paper, ink, threshold):
    """Yield score, box and contrast of the twelve parts of a digit's size that have the most ink."""
    labels, boxes = label_parts(ink > threshold)
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(1)
    fitting = np.flatnonzero((SIZES[0] <= sizes) & (sizes <= SIZES[1]))
    amounts = np.bincount(labels.ravel(), ink.ravel())[1:]
    for index in fitting[np.argsort(-amounts[fitting])][:12]:
        left, top, right, bottom = boxes[index]
        part, size = labels == index + 1, sizes[index]
        contrast = ink[part].mean()
        ring = np.zeros(ink.shape, bool)
        ring[max(top - size // 4, 0):bottom + size // 4, max(left - size // 4, 0):right + size // 4] = True
        ring[top:bottom, left:right] = False
        alone = unlike = .5         # where it fills the picture
        if ring.any():
            inked, bare = grey[part].mean(), paper[part].mean()
            unlike = np.clip((grey[ring] - inked) / (bare - inked), 0, 1).mean()    # a loop's inside is like its outside
            alone = max(1 - ink[ring].mean() / contrast, 0)
        upright = min(1, (bottom - top) / (right - left), 10 * (right - left) / (bottom - top))
        sides = (left == 0) + (top == 0) + (right == ink.shape[1]) + (bottom == ink.shape[0])
        score = contrast * (size / max(ink.shape)) ** .5 * unlike * alone ** 12 * upright ** 2 * .05 ** sides
        yield score, boxes[index], contrast


def cut_out(picture, candidate):
    """Return the digit's box, and its 28x28 pixels; or None twice where a sheet or a line was taken for a digit."""
    box, window = candidate.box, FINE // 2 if candidate.dark else FINE
    for _ in range(3):      # the second and third time around what was found, with a window for its strokes
        size = max(box[2] - box[0], box[3] - box[1])
        scale = FINE / size
        area = (max(box[0] - size / 2, 0), max(box[1] - size / 2, 0),
                min(box[2] + size / 2, picture.width), min(box[3] + size / 2, picture.height))
        shape = [max(1, int(round((area[2 + axis] - area[axis]) * scale))) for axis in (0, 1)]
        grey = to_grey(picture.resize(shape, Image.BICUBIC, area), candidate.dark)
        ink = find_ink(grey, window, candidate.dark)[1]
        left, top, right, bottom = (int(round((box[side] - area[side % 2]) * scale)) for side in range(4))
        inside = np.s_[top:bottom, left:right]
        full = np.percentile(ink[ink > .5 * np.percentile(ink[inside], 98)], 60)
        parts, boxes = label_parts(ink > .4 * full)
        main = np.bincount(parts[inside].ravel(), ink[inside].ravel(), len(boxes) + 1)[1:].argmax()
        digit = parts == main + 1
        if not candidate.dark and spread(spread(digit, 5, np.maximum), SHEET, np.minimum).any():
            return None, None
        window = max(24, int(3 * measure_stroke(digit)))
        box = [area[side % 2] + boxes[main, side] / scale for side in range(4)]
    if size > 2 * max(candidate.box[2] - candidate.box[0], candidate.box[3] - candidate.box[1]):
        return None, None

    nearby = set(parts[spread(digit, 15, np.maximum)])      # strokes may be interrupted
    outermost = set(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    digit = spread(digit | np.isin(parts, list(nearby - outermost - {0})), 5, np.maximum)
    low = min(.4, np.percentile(ink[~digit], 95) / full) if not digit.all() else 0      # grain, rulings
    drawn = np.clip((ink * digit / full - low) / (1 - low), 0, 1)
    drawn = spread(drawn, 1 + max(0, int(round(STROKE - measure_stroke(drawn > .5)))), np.maximum)
    rows, columns = np.flatnonzero((drawn > .1).any(1)), np.flatnonzero((drawn > .1).any(0))
    left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    box = [int(round(area[axis % 2] + edge / scale)) for axis, edge in enumerate((left, top, right, bottom))]
    return tuple(box), center(drawn[top:bottom, left:right])


def measure_stroke(mask):
    """Return the mean width of strokes in pixels: a long one has two edges."""
    edges = mask & ~spread(mask, 3, np.minimum)
    return 2 * mask.sum() / max(edges.sum(), 1)


def center(drawn):
    """Fit what is drawn, in [0, 1], into 20x20 pixels, and these into 28x28 by the centre of mass, as MNIST does."""
    scale = 20 / max(drawn.shape)
    shape = [max(1, int(round(length * scale))) for length in drawn.shape[::-1]]
    small = np.asarray(Image.fromarray(drawn.astype(np.float32)).resize(shape, Image.BOX))
    digit = np.zeros((Constants.DIGIT_SIZE,) * 2, np.uint8)
    start = [int(np.clip(round(Constants.DIGIT_SIZE / 2 - np.average(np.arange(length), weights=small.sum(1 - axis))),
                         0, Constants.DIGIT_SIZE - length)) for axis, length in enumerate(small.shape)]
    digit[start[0]:start[0] + small.shape[0], start[1]:start[1] + small.shape[1]] = np.round(255 * small)
    return digit


def lies_on(box, sheet):
    return sheet[0] < box[0] and sheet[1] < box[1] and box[2] < sheet[2] and box[3] < sheet[3]


def is_rival(other, best, box):
    """Tell whether another candidate looks like a digit beside the one in the box."""
    apart = other.box[2] <= box[0] or box[2] <= other.box[0] or other.box[3] <= box[1] or box[3] <= other.box[1]
    size, others = (max(right - left, bottom - top) for left, top, right, bottom in (box, other.box))
    return (apart and other.dark == best.dark and other.score > RIVAL * best.score and size / 2 < others < 2 * size
            and best.contrast / 2 < other.contrast < 2 * best.contrast)
