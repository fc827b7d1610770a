"""Photographs of MNIST's digits, made up: papers, pens, light and cameras, each from a seed."""
import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

SIZE = 900, 1200       # pixels: width and height of most


def grain(chance, shape, cell):
    """Return smooth noise of deviation 1, with details of a cell's size."""
    coarse = chance.standard_normal([side // cell + 2 for side in shape]).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.BICUBIC))


def draw_stroke(digit, height, chance, pen="felt"):
    """Return how much ink covers each pixel, [0, 1], for a digit some pixels high."""
    rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    digit = np.pad(digit[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1], 2)
    scale = height / 20
    large = ndimage.zoom(np.float32(digit), scale, order=1)
    if scale < 2:
        return large.clip(0, 255) / 255
    large = ndimage.gaussian_filter(large, scale * .4)
    level = {"thin": 110, "marker": 50}.get(pen, 105)
    drawn = large > level
    if pen == "thin":       # a line of a fixed width in the middle of the stroke
        depth = ndimage.distance_transform_edt(drawn)
        ridge = drawn & (depth >= ndimage.grey_dilation(depth, size=(3, 3)) - .5)
        drawn = ndimage.distance_transform_edt(~ridge) < max(1, scale * chance.uniform(.25, .5))
    ink = ndimage.gaussian_filter(np.float32(drawn), .7)
    if pen in ("pencil", "chalk"):
        ink *= np.clip(.8 + .18 * grain(chance, ink.shape, 2) + .1 * grain(chance, ink.shape, 1), 0, 1)
    return ink


INKS = {"felt": [(30, 30, 40), (25, 60, 150), (160, 30, 40)], "thin": [(20, 30, 110), (30, 30, 30)],
        "marker": [(20, 20, 20), (200, 40, 30), (20, 110, 60), (60, 40, 160)],
        "pencil": [(110, 110, 115), (90, 90, 95)], "chalk": [(230, 230, 225), (235, 220, 140), (150, 200, 235)]}


def make_paper(chance, shape, kind):
    """Return a sheet, float (height, width, 3)."""
    color = {"board": (38, 62, 52), "slate": (48, 48, 52), "note": (246, 226, 110), "kraft": (184, 146, 104),
             "rose": (238, 176, 186), "whiteboard": (226, 229, 232)}.get(kind, (236, 234, 228))
    paper = np.ones(shape + (3,), np.float32) * np.float32(color)
    paper += (2 * grain(chance, shape, 3) + 2 * grain(chance, shape, 60))[..., None]
    rows, columns = np.mgrid[:shape[0], :shape[1]].astype(np.float32)
    tilt = np.tan(np.radians(chance.uniform(-5, 5)))
    across, along = rows - tilt * columns, columns + tilt * rows
    pitch = min(shape) / chance.uniform(14, 30)

    if kind in ("board", "slate"):      # smears of the sponge
        smears = grain(chance, (shape[0], shape[1] // 8 + 1), 25).repeat(8, 1)[:, :shape[1]]
        paper += 5 * np.maximum(smears, 0)[..., None]
    if kind == "squared":
        for coordinate in across, along:
            cover = np.clip(1.5 - np.abs((coordinate + 1000) % pitch - pitch / 2), 0, 1)[..., None] * .8
            paper += cover * (np.float32((150, 180, 225)) - paper)
    if kind == "whiteboard":            # a lamp mirrored
        row, column = chance.uniform(0, 1, 2) * shape
        glare = np.exp(-((rows - row) ** 2 + (columns - column) ** 2 / 3) / (.1 * min(shape)) ** 2)
        paper += 60 * glare[..., None]
    return paper


def make_desk(chance, shape):
    color = [(52, 44, 40), (140, 98, 62), (96, 100, 106), (30, 32, 36)][chance.randint(4)]
    desk = np.ones(shape + (3,), np.float32) * np.float32(color) + 3 * grain(chance, shape, 2)[..., None]
    grains = grain(chance, (shape[0], shape[1] // 30 + 1), 4).repeat(30, 1)[:, :shape[1]]
    return desk + 8 * ndimage.gaussian_filter(grains, (0, 12))[..., None]


def photograph(digit, chance, paper="plain", pen="felt", share=None, place=None, size=SIZE, light=None, blur=.7,
               desk=False, ink=None):
    """Return a photograph as a PIL image.

    share: the digit's part of the picture's shorter side; place: of its middle, each in [0, 1]
    light: "shadow" (an edge across the digit), "lamp" (from one side), "vignette"
    ink: coverage, instead of a digit's stroke
    """
    shape = size[::-1]
    sheet = make_paper(chance, shape, paper)
    share = share or chance.uniform(.12, .5)
    ink = draw_stroke(digit, share * min(shape), chance, pen) if ink is None else ink
    ink = ndimage.rotate(ink, chance.uniform(-6, 6), order=1)[:shape[0], :shape[1]].clip(0, 1)
    if place is None:
        place = chance.uniform(.35, .65, 2) if desk else chance.uniform(.05, .95, 2)
    room = [side - part for side, part in zip(shape, ink.shape)]
    top, left = (int(np.clip(at * side - part / 2, min(8, free), max(free - 8, 0)))
                 for at, side, part, free in zip(place, shape, ink.shape, room))
    color = INKS[pen][chance.randint(len(INKS[pen]))]
    written = sheet[top:top + ink.shape[0], left:left + ink.shape[1]]
    written += ink[..., None] * (np.float32(color) - written)
    if desk:
        corners = np.float32([(.16, .14), (.85, .17), (.83, .86), (.15, .88)]) + chance.uniform(-.05, .05, (4, 2))
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).polygon([tuple(corner) for corner in corners * size], fill=255)
        shade = np.float32(mask.filter(ImageFilter.GaussianBlur(12)))[..., None] / 255
        mask = np.float32(mask.filter(ImageFilter.GaussianBlur(1)))[..., None] / 255
        table = make_desk(chance, shape) * (1 - .4 * shade)
        if chance.randint(2):           # another pen lies beside
            table[int(.94 * shape[0]):int(.96 * shape[0]), int(.2 * shape[1]):int(.7 * shape[1])] = (40, 60, 130)
        sheet = mask * sheet + (1 - mask) * table
    rows, columns = np.mgrid[:shape[0], :shape[1]].astype(np.float32)
    turn = chance.uniform(0, 2 * np.pi)
    ahead = (rows - top - ink.shape[0] / 2) * np.sin(turn) + (columns - left - ink.shape[1] / 2) * np.cos(turn)
    strength = chance.uniform(.3, .6)
    if light == "shadow":
        sheet *= 1 - strength * np.clip(ahead / chance.uniform(2, 40) + .5, 0, 1)[..., None]
    elif light == "lamp":
        sheet *= 1 - strength * np.clip(ahead / max(shape) + .5, 0, 1)[..., None]
    elif light == "vignette":
        away = ((rows / shape[0] - .5) ** 2 + (columns / shape[1] - .5) ** 2) * 2
        sheet *= 1 - (strength + .2) * away[..., None]
    sheet = ndimage.gaussian_filter(sheet, (blur, blur, 0))
    sheet += chance.uniform(1, 5) * chance.standard_normal(sheet.shape).astype(np.float32)
    return Image.fromarray(sheet.clip(0, 255).astype(np.uint8))
