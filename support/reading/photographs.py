"""The digit in a photograph or a scan, found and prepared as MNIST's were, by Pillow and NumPy."""
import collections
import functools
import os
import warnings

import numpy as np
from PIL import Image, ImageOps

from constants import Constants
from support import UserError, one_line

FORMATS = "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP"     # none that runs other programs
LONGEST = 1000                      # pixels of a picture's longer side, from its reduction on
# A digit of any size is SIZES pixels large in one of the pictures whose longer sides are these
SIDES, SIZES = (64, 192, 576), (18, 60)
REACH = 8                           # of those pixels: a square that reaches so far around its middle holds no stroke
FLOOR = 24                          # grey levels that keep the noise of dark paper from being ink
INKED = .12                         # the part of the paper's light that ink takes at least
FAINTEST, RIVAL = .01, .4          # scores: of no digit, and of another one beside the best, relative to it
SHARE = .55                         # of a digit's ink that its largest part has at least; of a text's letters none has
FINE = 80                           # pixels of the digit's size when it is cut out

Photograph = collections.namedtuple("Photograph", "image box digit")
Candidate = collections.namedtuple("Candidate", "score box dark")


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
    image, margin = np.asarray(picture), 0
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    paper = np.median(border, 0).astype(int)
    if np.median(np.abs(border - paper).max(1)) < 10:       # even paper goes on, for a scan may have no margin
        margin = max(picture.size) // 8 + 1
        picture = ImageOps.expand(picture, margin, tuple(paper.tolist()))
    candidates = sorted(find_candidates(picture, margin), reverse=True)
    if candidates and candidates[0].score > FAINTEST:
        best = candidates[0]
        box, digit, share = cut_out(picture, best.box, best.dark)
        rivals = [other for other in candidates if other.dark == best.dark and other.score > RIVAL * best.score and (
            other.box[2] <= box[0] or box[2] <= other.box[0] or other.box[3] <= box[1] or box[3] <= other.box[1])]
        if share > SHARE and not rivals and box[2] - box[0] < 2 * (box[3] - box[1]):
            return Photograph(image, tuple(edge - margin for edge in box), digit)
    raise no_digit(path)


def no_digit(path):
    return UserError(f"{path}: no single digit found; show one alone, larger or darker, on even paper")


def open_picture(path):
    """Decode a picture of any mode; return it upright, in RGB."""
    if not os.path.isfile(path):
        raise UserError(f"{path}: not a file; give the path of a picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # about files that Pillow reads all the same
            with Image.open(path, formats=FORMATS) as picture:
                picture.draft("RGB", (LONGEST, LONGEST))    # a large JPEG is decoded at a half, a quarter or an eighth
                picture = ImageOps.exif_transpose(picture)
                if picture.mode[0] in "IF":     # 16 bits and more, of which Pillow's conversion keeps the lowest 8
                    values = np.asarray(picture, np.float64).clip(0)
                    picture = Image.fromarray((values * (255 / max(values.max(), 1))).astype(np.uint8))
                picture = picture.convert("RGBA")
                picture.thumbnail((LONGEST, LONGEST))
                on_white, on_black = (Image.alpha_composite(Image.new("RGBA", picture.size, color), picture)
                                      for color in ("white", "black"))
                return (on_white if np.asarray(on_white).min() < 192 else on_black).convert("RGB")
    except Exception as error:      # whatever a damaged or hostile file provokes
        raise UserError(f"{path}: no picture that can be read ({one_line(error)}); save it as JPEG or PNG")


def find_candidates(picture, margin):
    """Yield what may be a digit, of any size, darker or lighter than what surrounds it."""
    for side in SIDES:
        scale = side / max(picture.size)
        if scale > 4:
            continue
        small = picture.resize([max(1, round(length * scale)) for length in picture.size], Image.BICUBIC)
        frame = margin * scale + .5 * (margin > 0)
        for dark in True, False:
            grey, paper, ink = find_ink(small, dark, REACH)
            labels = label_parts(ink > INKED)
            amounts = np.bincount(labels.ravel(), ink.ravel())
            amounts[0] = 0
            for label in np.argsort(-amounts)[:16]:
                part = labels == label
                if not amounts[label]:
                    break
                left, top, right, bottom = box = find_box(part)
                width, height = right - left, bottom - top
                size = max(width, height)
                if not SIZES[0] <= size <= SIZES[1]:
                    continue
                ring = np.zeros(ink.shape, bool)
                ring[max(top - size // 4, 0):bottom + size // 4, max(left - size // 4, 0):right + size // 4] = True
                ring[top:bottom, left:right] = False
                contrast, alone = ink[part].mean(), .25
                if ring.any():
                    inked, bare = grey[part].mean(), paper[part].mean()
                    alone = max(1 - ink[ring].mean() / contrast, 0) ** 12
                    alone *= np.clip((grey[ring] - inked) / (bare - inked), 0, 1).mean()     # no loop of a stroke
                score = contrast * (size / side) ** .5 * alone * min(1, height / width, 10 * width / height) ** 2
                if (min(left, top, small.width - right, small.height - bottom) <= frame
                        and min(width / (small.width - 2 * frame), height / (small.height - 2 * frame)) < .7):
                    score *= .05        # a finger, a pen, a desk
                if not dark:            # rarer, and it may be a sheet
                    score *= .15 if spread(part, size // 6, np.minimum).any() else .5
                yield Candidate(score, tuple(length / scale for length in box), dark)


def find_box(mask):
    """Return left, top, right and bottom of what is set."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def find_ink(picture, dark, reach):
    """Return the channel in which coloured ink shows, the bare paper's, and the part of its light that ink takes.

    The paper is a morphological closing: nothing dark remains that is narrower than the
    square, while the edges of shadows and of sheets stay where they are.
    """
    colors = np.asarray(picture, np.float32)
    grey = colors.min(2) if dark else 255 - colors.max(2)
    paper = spread(spread(grey, reach, np.maximum), reach, np.minimum)
    paper = np.maximum(paper - np.median(paper - grey), grey)     # noise lifts a closing
    return grey, paper, (paper - grey) / (paper + FLOOR)


def spread(image, reach, pick):
    """Give each pixel the largest (np.maximum) or smallest (np.minimum) value in a square around it."""
    for _ in range(2):
        padded = np.pad(image, [(reach, reach), (0, 0)], mode="edge")
        image = functools.reduce(pick, (padded[start:start + len(image)] for start in range(2 * reach + 1))).T
    return image


def label_parts(mask):
    """Give each pixel the number of what it hangs together with, corners included; 0 outside."""
    labels = mask * np.arange(1, mask.size + 1).reshape(mask.shape)
    heads = np.arange(mask.size + 1)
    while True:
        nearby = mask * spread(labels, 1, np.maximum)
        joining = nearby > labels
        if not joining.any():
            return labels
        heads[labels[joining]] = nearby[joining]    # a part follows its neighbour, with all that follow it
        labels = heads[heads[labels]]


def cut_out(picture, box, dark):
    """Return the digit's box, its 28x28 pixels, and the largest part's share of its ink: of no stroke, 0."""
    scale = FINE / max(box[2] - box[0], box[3] - box[1])
    spare = FINE / 2 / scale
    area = (max(box[0] - spare, 0), max(box[1] - spare, 0),
            min(box[2] + spare, picture.width), min(box[3] + spare, picture.height))
    shape = [max(1, int(round((area[2 + axis] - area[axis]) * scale))) for axis in (0, 1)]
    ink = find_ink(picture.resize(shape, Image.BICUBIC, area), dark, FINE // 4)[2]
    left, top, right, bottom = (int(round((box[side] - area[side % 2]) * scale)) for side in range(4))
    inside = np.s_[top:bottom, left:right]
    full = .8 * np.percentile(ink[inside], 98)
    parts = label_parts(ink > .4 * full)
    main = np.bincount(parts[inside].ravel(), ink[inside].ravel(), 2)[1:].argmax() + 1
    digit = parts == main
    if not digit.any() or spread(spread(digit, 2, np.maximum), FINE // 4, np.minimum).any():     # noise, or a sheet
        return box, None, 0
    outermost = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    joined = set(parts[spread(digit, FINE // 8, np.maximum)]) - set(outermost) - {0} | {main}   # interrupted strokes
    share = ink[digit].sum() / ink[np.isin(parts, list(joined))].sum()
    digit = spread(np.isin(parts, list(joined)), 2, np.maximum)
    drawn = digit * np.clip((ink / full - .3) / .7, 0, 1)       # without grain and rulings
    left, top, right, bottom = find_box(drawn > .1)
    box = [int(round(area[axis % 2] + edge / scale)) for axis, edge in enumerate((left, top, right, bottom))]
    return box, center(drawn[top:bottom, left:right]), share


def center(drawn):
    """Fit what is drawn, in [0, 1], into 20x20 pixels, and these into 28x28 by the centre of mass, as MNIST does."""
    scale = 20 / max(drawn.shape)
    shape = [max(1, int(round(length * scale))) for length in drawn.shape[::-1]]
    small = Image.fromarray(np.float32(255 * drawn)).resize(shape, Image.BOX)
    start = [int(round(Constants.DIGIT_SIZE / 2 - np.average(np.arange(length), weights=np.asarray(small).sum(axis))))
             for axis, length in enumerate(shape)]
    digit = Image.new("F", [Constants.DIGIT_SIZE] * 2)
    digit.paste(small, tuple(start))
    return np.asarray(digit).round().astype(np.uint8)
