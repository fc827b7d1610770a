"""The digit in a photograph or a scan, found and prepared as MNIST's were, by Pillow and NumPy."""
import collections
import contextlib
import threading
import warnings

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin

from constants import Constants
from support import UserError, check_file, one_line

FORMATS = "AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP"      # none that runs other programs
LARGEST = 52e6      # pixels that are decoded: telephones take 50 million, and JPEG 2000 takes 20 bytes for each
LONGEST = 1000      # pixels of a picture's longer side, from its reduction on
SIDE = 320          # pixels of the longer side of a picture in which digits are sought, of whatever size
FINE = 80           # pixels of a digit's longer side when it is cut out
WIDEST = .22        # of a picture's longer side: strokes are narrower, so that a square of that width has bare paper
SOLID = .4          # of a digit's longer side: the same
FLOOR = 24          # grey levels, added to the paper's: the noise of dark paper is no ink
INKED = .12         # the part of the paper's light that ink takes at least
RIVAL = .2          # of the best score: where another part has more there are several digits
SHARE = .5          # of a digit's ink that its largest part has at least: no letter of a text has so much
TANGLED = 6.5       # a line's length by its digit's, times its greatest width by its mean one: pictures have more
THINNEST = 2        # of the 20 pixels that MNIST's digits have: thinner strokes are widened, for MNIST has none
NO_DIGIT = "no single digit found; show one alone, larger or darker, on even paper"

Photograph = collections.namedtuple("Photograph", "image box digit")
Candidate = collections.namedtuple("Candidate", "score box dark")
decoding = threading.Lock()     # since threads share the filters of warnings


def read_photograph(path):
    """Find the one digit in a picture, and prepare it as MNIST's are. Raises UserError where there is none or several.

    Returns a Photograph: image, uint8 (height, width, 3), upright and reduced to LONGEST pixels; box, the left,
    top, right and bottom of the digit in it, in pixels; digit, uint8 (28, 28), light ink on dark.
    """
    picture = open_picture(path)
    candidates = sorted(find_candidates(picture), reverse=True)
    if candidates:
        best = candidates[0]
        box, digit = cut_out(picture, best)
        rivals = [other for other in candidates if other.dark == best.dark and other.score > RIVAL * best.score and (
            other.box[2] <= box[0] or box[2] <= other.box[0] or other.box[3] <= box[1] or box[3] <= other.box[1])]
        if digit is not None and not rivals:
            return Photograph(np.asarray(picture), box, digit)
    raise UserError(f"{path}: {NO_DIGIT}")


def open_picture(path):
    """Decode a picture of any mode; return it upright, reduced, in RGB, on white or, where that hides it, on black."""
    try:
        check_file(path)
        with open(path, "rb") as file:
            start = file.read(11)
        if start[4:] in (b"ftyphei", b"ftyphev", b"ftypmif"):
            raise OSError("HEIC; an iPhone takes JPEGs by Settings > Camera > Formats > Most Compatible")
        with decoding, warnings.catch_warnings():
            warnings.simplefilter("ignore")             # about files that Pillow reads all the same
            Image.init()
            with (JpegImagePlugin.JpegImageFile(path) if start.startswith(b"\xff\xd8\xff") else     # of whatever size
                  Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN])) as picture:
                if "progressive" not in picture.info:   # such a JPEG is decoded whole in any case
                    picture.draft("RGB", (LONGEST, LONGEST))
                if picture.width * picture.height > LARGEST:
                    raise OSError(f"more than {LARGEST / 1e6:.0f} million pixels")
                small = picture.convert(picture.mode[0] if picture.mode[0] in "IF" else "RGBA")
                small.thumbnail((LONGEST, LONGEST))
                if small.mode in "IF":      # 16 bits and more, of which Pillow's conversion keeps the lowest 8
                    values = np.array(small, np.float64)
                    values[~np.isfinite(values)] = np.median(values[np.isfinite(values)])
                    values = values.clip(0) * (255 / max(values.max(), 1))
                    small = Image.fromarray(values.astype(np.uint8)).convert("RGBA")
                on_white, on_black = (Image.alpha_composite(Image.new("RGBA", small.size, color), small).convert("RGB")
                                      for color in ("white", "black"))
                image = on_white if np.asarray(on_white).min() < 192 else on_black
                with contextlib.suppress(Exception):    # whatever else is in EXIF may be damaged
                    image.getexif()[0x0112] = picture.getexif()[0x0112]     # how the camera was held
                return ImageOps.exif_transpose(image)
    except Exception as error:      # whatever a damaged or hostile file provokes
        raise UserError(f"{path}: no picture that can be read ({one_line(error)}); give a JPEG or PNG")


def find_ink(picture, dark, reach):
    """Return the channel in which coloured ink shows, the bare paper's, and the part of its light that ink takes.

    The paper is a morphological closing: nothing dark is left that is narrower than 2 reach + 1 pixels, while the
    edges of shadows stay. All have a margin of reach pixels, into which the paper goes on, but no stroke.
    """
    grey = np.asarray(picture, np.float32)
    grey = np.pad(grey.min(2) if dark else 255 - grey.max(2), 1, "edge")
    for turned in grey, grey.T:
        for edge in 0, -1:
            turned[edge] = spread(spread(turned[[edge]], reach), reach, np.minimum)
    grey = np.pad(grey, reach - 1, "edge")
    paper = spread(spread(grey, reach), reach, np.minimum)
    paper = np.maximum(paper - np.median(paper - grey), grey)       # noise makes the closing too bright
    return grey, paper, (paper - grey) / (paper + FLOOR)


def spread(image, reach, pick=np.maximum):
    """Give each pixel the largest (np.maximum) or smallest (np.minimum) value in a square around it."""
    for _ in "rows", "columns":
        image, span = np.pad(image, [(reach, reach), (0, 0)], "edge"), 1
        while span <= 2 * reach:        # of two spans that touch or overlap, a longer one
            step = min(span, 2 * reach + 1 - span)
            image, span = pick(image[:-step], image[step:]), span + step
        image = image.T
    return image


def label_parts(mask):
    """Give each pixel the number of what it hangs together with, corners included; 0 outside."""
    pixels, width = np.cumsum(mask).reshape(mask.shape) * mask, mask.shape[1] + 2
    flat = np.pad(pixels, 1, "constant").ravel()
    pairs = np.hstack([(flat[step:], flat[:-step]) for step in (1, width - 1, width, width + 1)])
    pairs, heads = pairs[:, pairs.all(0)], np.arange(pixels.max() + 1)
    while True:
        low, high = np.sort(heads[pairs], 0)
        if (low == high).all():
            return heads[pixels]
        heads[high[low < high]] = low[low < high]       # a part joins another, with all that joined it
        while (heads[heads] != heads).any():
            heads = heads[heads]


def find_candidates(picture):
    """Yield what may be a digit, of any size, darker or lighter than what surrounds it."""
    scale, margin = SIDE / max(picture.size), int(SIDE * WIDEST / 2)
    small = picture.resize([max(1, round(length * scale)) for length in picture.size], Image.BICUBIC)
    for dark in True, False:
        grey, paper, ink = find_ink(small, dark, margin)
        labels = label_parts(ink > INKED)
        amounts = np.bincount(labels.ravel(), ink.ravel())
        for label in [label for label in np.argsort(-amounts)[:16] if label and amounts[label] > 0]:
            part = labels == label
            left, top, right, bottom = box = Image.fromarray(np.uint8(part)).getbbox()
            width, height, size = right - left, bottom - top, max(right - left, bottom - top)
            if spread(part, int(SOLID / 2 * size), np.minimum).any():
                continue
            around = np.zeros(ink.shape, bool)
            around[max(top - size // 4, 0):bottom + size // 4, max(left - size // 4, 0):right + size // 4] = True
            around[top:bottom, left:right] = False
            contrast, inked, bare = (values[part].mean() for values in (ink, grey, paper))
            alone = max(1 - ink[around].mean() / contrast, 0) ** 12
            alone *= np.clip((grey[around] - inked) / (bare - inked), 0, 1).mean()     # no loop of a stroke
            score = contrast * (size / SIDE) ** .5 * alone * min(1, height / width, 10 * width / height) ** 2
            yield Candidate(score if dark else score / 2, [(edge - margin) / scale for edge in box], dark)


def cut_out(picture, candidate):
    """Return the box of a candidate, and its 28x28 pixels, or None where it is no digit."""
    box, margin = np.array(candidate.box), int(SOLID / 2 * FINE)
    scale = FINE / max(box[2:] - box[:2])
    start, end = np.maximum(box[:2] - FINE / 2 / scale, 0), np.minimum(box[2:] + FINE / 2 / scale, picture.size)
    shape = np.maximum(np.round((end - start) * scale), 1).astype(int).tolist()
    ink = find_ink(picture.resize(shape, Image.BICUBIC, (*start, *end)), candidate.dark, margin)[2]
    left, top, right, bottom = np.round((box - [*start, *start]) * scale).astype(int) + margin
    inside = np.s_[top:bottom, left:right]
    full = max(.8 * np.percentile(ink[inside], 98), INKED / 2)
    parts = label_parts(ink > .4 * full)
    digit = parts == np.bincount(parts[inside].ravel(), ink[inside].ravel(), 2)[1:].argmax() + 1
    joined = digit | np.isin(parts, np.setdiff1d(parts[spread(digit, FINE // 6)], [0]))     # interrupted strokes
    drawn = spread(joined, 2) * np.clip((ink / full - .3) / .7, 0, 1)       # without grain and rulings
    if spread(spread(digit, 1), margin, np.minimum).any() or ink[digit].sum() <= SHARE * ink[joined].sum():
        return box, None
    left, top, right, bottom = found = Image.fromarray(np.uint8(drawn > .1)).getbbox()
    box = np.round((np.array(found) - margin) / scale + [*start, *start]).astype(int).tolist()
    return box, None if right - left > 2 * (bottom - top) else center(drawn[top:bottom, left:right])


def center(drawn):
    """Fit what is drawn into 20x20 pixels, centred by mass in 28x28, as MNIST's; None where it is no digit's line."""
    mask, size = np.pad(np.float32(drawn > .5 * drawn.max()), 1, "constant"), max(drawn.shape)
    length = np.hypot(np.diff(mask, axis=0)[:, 1:], np.diff(mask, axis=1)[1:]).sum() / 2        # half of the outline
    width = mask.sum() / length
    if spread(mask, int(TANGLED * width * size / length / 2) + 1, np.minimum).any():
        return None
    missing = max(0, THINNEST * size / 20 - width) / 2
    drawn = np.pad(drawn, int(np.ceil(missing)), "constant")
    less, more = (spread(drawn, int(missing) + step) for step in (0, 1))
    drawn = less + missing % 1 * (more - less)
    shape = [max(1, int(round(20 * length / max(drawn.shape)))) for length in drawn.shape[::-1]]
    small = Image.fromarray(np.float32(255 * drawn)).resize(shape, Image.BOX)
    start = [int(round(Constants.DIGIT_SIZE / 2 - np.average(np.arange(length), weights=np.asarray(small).sum(axis))))
             for axis, length in enumerate(shape)]
    digit = Image.new("F", [Constants.DIGIT_SIZE] * 2)
    digit.paste(small, tuple(start))
    return np.asarray(digit).round().astype(np.uint8)
