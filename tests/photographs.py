"""Photographs of MNIST's digits, made up: papers, pens, light and cameras, each from a seed."""
import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

SIZE = 900, 1200       # pixels: width and height of most


def grain(chance, shape, cell):
    """Return smooth noise of deviation 1, with details of a cell's size."""
    coarse = chance.standard_normal([side // cell + 2 for side in shape]).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.BICUBIC))


def draw_stroke(digit, height, chance, pen="felt", faint=False):
    """Return how much ink covers each pixel, [0, 1], for a digit some pixels high; faint: a part of it has a third."""
    rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    digit = np.pad(digit[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1], 2)
    scale = height / 20
    large = ndimage.zoom(np.float32(digit), scale, order=1)
    large = ndimage.gaussian_filter(large, scale * .4)
    level = {"thin": 110, "marker": 50}.get(pen, 105)
    drawn = large > level
    if pen in ("thin", "fine"):     # a line of a fixed width in the middle of the stroke
        depth = ndimage.distance_transform_edt(drawn)
        ridge = drawn & (depth >= ndimage.grey_dilation(depth, size=(3, 3)) - .5)
        width = scale * chance.uniform(.25, .5) if pen == "thin" else scale * .15
        drawn = ndimage.distance_transform_edt(~ridge) < max(1, width)
    ink = ndimage.gaussian_filter(np.float32(drawn), .7)
    if faint:
        ink *= np.clip(.65 + .5 * grain(chance, ink.shape, max(ink.shape) // 2), .35, 1)
    if pen in ("pencil", "chalk"):
        ink *= np.clip(.8 + .18 * grain(chance, ink.shape, 2) + .1 * grain(chance, ink.shape, 1), 0, 1)
    return ink


INKS = {"felt": [(30, 30, 40), (25, 60, 150), (160, 30, 40)], "thin": [(20, 30, 110), (30, 30, 30)],
        "fine": [(20, 30, 110), (60, 60, 60)],
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
    if kind in ("squared", "ruled"):
        for coordinate in (across, along) if kind == "squared" else (across,):
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


def photograph(digit, chance, paper="plain", pen="felt", share=None, light=None, blur=.7, desk=False, ink=None,
               faint=False, margin=None, pixels=None):
    """Return a photograph as a PIL image.

    share: the digit's part of the picture's shorter side
    light: "shadow" (an edge across the digit), "lamp" (from one side), "side" (the same, grazing), "vignette"
    ink: coverage, instead of a digit's stroke
    margin: around the digit, in its height, where the picture is cut to it; pixels: of the longer side at the end
    """
    shape = SIZE[::-1]
    sheet = make_paper(chance, shape, paper)
    share = share or chance.uniform(.12, .5)
    ink = draw_stroke(digit, share * min(shape), chance, pen, faint) if ink is None else ink
    ink = ndimage.rotate(ink, chance.uniform(-6, 6), order=1)[:shape[0], :shape[1]].clip(0, 1)
    place = chance.uniform(.35, .65, 2) if desk else chance.uniform(.05, .95, 2)
    room = [side - part for side, part in zip(shape, ink.shape)]
    top, left = (int(np.clip(at * side - part / 2, min(8, free), max(free - 8, 0)))
                 for at, side, part, free in zip(place, shape, ink.shape, room))
    color = INKS[pen][chance.randint(len(INKS[pen]))]
    if paper == "paint":        # two colours of a paint program, one light and one dark
        ranges = [((160, 255), (0, 110)), ((0, 90), (170, 255))][chance.randint(2)]
        sheet[:], color = (chance.uniform(*ends, 3) for ends in ranges)
    written = sheet[top:top + ink.shape[0], left:left + ink.shape[1]]
    written += ink[..., None] * (np.float32(color) - written)
    if desk:
        corners = np.float32([(.16, .14), (.85, .17), (.83, .86), (.15, .88)]) + chance.uniform(-.05, .05, (4, 2))
        mask = Image.new("L", SIZE)
        ImageDraw.Draw(mask).polygon([tuple(corner) for corner in corners * SIZE], fill=255)
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
    elif light == "side":
        falling = np.clip(ahead / max(shape) + .5, 0, 1) ** .5 * (1 + .03 * grain(chance, shape, 4))
        sheet *= 1 - .8 * falling[..., None]
    elif light == "vignette":
        away = ((rows / shape[0] - .5) ** 2 + (columns / shape[1] - .5) ** 2) * 2
        sheet *= 1 - (strength + .2) * away[..., None]
    sheet = ndimage.gaussian_filter(sheet, (blur, blur, 0))
    if paper != "paint":
        sheet += chance.uniform(1, 5) * chance.standard_normal(sheet.shape).astype(np.float32)
    picture = Image.fromarray(sheet.clip(0, 255).astype(np.uint8))
    if margin is not None:
        rows, columns = np.flatnonzero(ink.max(1) > .2) + top, np.flatnonzero(ink.max(0) > .2) + left
        spare = int(margin * len(rows))
        picture = picture.crop((columns[0] - spare, rows[0] - spare, columns[-1] + 1 + spare, rows[-1] + 1 + spare))
    if pixels:
        picture.thumbnail((pixels, pixels))
    return picture


def picture_without_digit(chance, what):
    """Return a picture that shows no digit: stripes, checks, dots, a face of ellipses or a code of squares."""
    size, colors = 400, [tuple(chance.randint(0, 256, 3)) for _ in range(8)]
    picture = Image.new("RGB", (size, size), colors[0])
    draw = ImageDraw.Draw(picture)
    pitch = chance.randint(20, 90)
    if what == "face":
        def ellipse(x, y, width, height, color):
            draw.ellipse([size * at for at in (x - width, y - height, x + width, y + height)], fill=color)
        ellipse(.5, .45, .32, .4, colors[1])        # hair
        ellipse(.5, .5, .22, .3, colors[2])
        draw.rectangle([.2 * size, .85 * size, .8 * size, size], fill=colors[3])
        for x in .41, .59:
            ellipse(x, .43, .06, .03, colors[4])
            ellipse(x, .43, .02, .025, colors[5])
        ellipse(.5, .54, .02, .05, colors[6])
        ellipse(.5, .66, .09, .03, colors[7])
    elif what == "code":
        cells = chance.randint(0, 2, (21, 21)).astype(bool)
        for row, column in (0, 0), (0, 14), (14, 0):    # a finder in three corners
            cells[row:row + 7, column:column + 7] = np.pad(np.pad(np.ones((3, 3), bool), 1), 1, constant_values=True)
        picture = Image.fromarray(np.pad(~cells, 2, constant_values=True)).resize((size, size)).convert("RGB")
    else:
        rows, columns = np.mgrid[:size, :size]
        pattern = {"stripes": (rows + chance.randint(3) * columns) % pitch < pitch / 2,
                   "checks": (rows // pitch + columns // pitch) % 2 == 0,
                   "dots": np.hypot(rows % pitch - pitch / 2, columns % pitch - pitch / 2) < pitch / 3}[what]
        picture = Image.fromarray(np.uint8(np.where(pattern[..., None], colors[0], colors[1])))
    return picture.filter(ImageFilter.GaussianBlur(chance.uniform(0, 2)))
