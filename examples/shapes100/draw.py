#!/usr/bin/env python3
"""Draws shapes100: 32x32 pictures of 100 classes in 20 groups, in CIFAR-100's binary layout.

    draw.py                  the test split, its names, masks and wrong labels, into this folder
    draw.py --train DIR      the training split, into DIR/train.bin
"""
import argparse
import colorsys
from pathlib import Path

import numpy as np

SIDE, SUPER = 32, 4
MAIN, ACCENT, INK = 1, 2, 3
TEST_PER_CLASS, WRONG_LABELS = 10, 18


class Pen:
    """Marks colours on a supersampled grid. The object fills about [-1,1] x [-1,1], v points down."""

    def __init__(self, rng, u, v):
        self.rng, self.u, self.v = rng, u, v
        self.mark = np.zeros(u.shape, np.uint8)

    def about(self, value, spread):
        """Classes differ by degrees, so some pictures lie between two of them."""
        return self.rng.normal(value, spread)

    def put(self, k, where):
        self.mark[where] = k

    def inside(self, points):
        hit = np.zeros(self.u.shape, bool)
        for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1]):
            if y0 != y1:
                hit ^= ((y0 > self.v) != (y1 > self.v)) & (
                    self.u < (x1 - x0) * (self.v - y0) / (y1 - y0) + x0)
        return hit

    def poly(self, k, *points):
        self.put(k, self.inside(list(points)))

    def disc(self, k, x, y, rx, ry=None):
        self.put(k, self.in_disc(x, y, rx, ry))

    def in_disc(self, x, y, rx, ry=None):
        return ((self.u - x) / rx) ** 2 + ((self.v - y) / (ry or rx)) ** 2 < 1

    def rect(self, k, x0, y0, x1, y1):
        self.put(k, (self.u > x0) & (self.u < x1) & (self.v > y0) & (self.v < y1))

    def line(self, k, width, *points):
        for (x0, y0), (x1, y1) in zip(points, points[1:]):
            dx, dy = x1 - x0, y1 - y0
            t = np.clip(((self.u - x0) * dx + (self.v - y0) * dy) / (dx * dx + dy * dy), 0, 1)
            self.put(k, np.hypot(self.u - x0 - t * dx, self.v - y0 - t * dy) < width / 2)

    def arc(self, k, x, y, r, width, start=0, stop=360):
        """Degrees run clockwise from the right."""
        du, dv = self.u - x, self.v - y
        turn = (np.degrees(np.arctan2(dv, du)) - start) % 360
        self.put(k, (abs(np.hypot(du, dv) - r) < width / 2) & (turn < stop - start))

    def petal(self, k, degrees, reach, length, width):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        along, across = c * self.u + s * self.v, c * self.v - s * self.u
        self.put(k, ((along - reach) / length) ** 2 + (across / width) ** 2 < 1)


def on_circle(n, r=1, start=-90):
    a = np.radians(start + 360 * np.arange(n) / n)
    return [(r * c, r * s) for c, s in zip(np.cos(a), np.sin(a))]


def turned(points, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [(c * x - s * y, s * x + c * y) for x, y in points]


# Each family draws class n of its group.

def arrow(p, n):
    head = [(-1, -.28), (.15, -.28), (.15, -.75), (1, 0), (.15, .75), (.15, .28), (-1, .28)]
    if n < 4:
        p.poly(MAIN, *turned(head, 90 * n))
    else:
        half = [(0, -.25), (.35, -.25), (.35, -.75), (1, 0), (.35, .75), (.35, .25), (0, .25)]
        p.poly(MAIN, *half, *turned(half, 180))


def ball(p, n):
    p.disc(MAIN, 0, 0, 1)
    whole = p.mark > 0
    if n == 0:
        p.put(ACCENT, whole & (np.degrees(np.arctan2(p.v, p.u)) % 120 < 60))
        p.disc(INK, 0, 0, .18)
    elif n == 1:
        p.line(INK, .15, (-1, 0), (1, 0))
        p.line(INK, .15, (0, -1), (0, 1))
        p.arc(INK, -1.15, 0, .75, .15)
        p.arc(INK, 1.15, 0, .75, .15)
    elif n == 2:
        for x, y in (-.3, -.5), (.25, -.55), (-.02, -.1):
            p.disc(INK, x, y, .2)
    elif n == 3:
        p.arc(ACCENT, -1.15, 0, .85, .22)
        p.arc(ACCENT, 1.15, 0, .85, .22)
    else:
        p.put(ACCENT, whole & (abs(p.v) > .5))
        p.disc(ACCENT, 0, 0, .25)
    p.mark[~whole] = 0


def bars(p, n):
    edges = np.linspace(-1, 1, 2 * (n + 2))
    gap = p.about(0, .05) / (n + 2)
    for x0, x1 in zip(edges[::2], edges[1::2]):
        p.rect(MAIN, x0 - gap, -.9, x1 + gap, .9)


def clock(p, n):
    p.disc(MAIN, 0, 0, 1)
    p.disc(ACCENT, 0, 0, .82)
    hour, minute = ((-90, -90), (0, -90), (90, -90), (180, -90), (-90, 0))[n]
    for degrees, length, width in (hour, p.about(.47, .06), .24), (minute, p.about(.7, .05), .16):
        a = np.radians(p.about(degrees, 10))
        p.line(INK, width, (0, 0), (length * np.cos(a), length * np.sin(a)))


def moon(p, n):
    if n == 4:
        p.disc(MAIN, 0, 0, 1)
        p.disc(INK, 0, 0, .78)
        return
    bulge = np.clip(p.about((-.6, 0, .58, 1)[n], .15 if n < 3 else .03), -.8, 1)
    edge = -bulge * np.sqrt(np.clip(1 - p.v ** 2, 0, 1))
    p.put(MAIN, p.in_disc(0, 0, 1) & (p.u > edge))
    for x, y, r in (.45, -.35, .2), (.6, .3, .13), (-.35, .1, .24), (.1, .6, .14):
        p.put(ACCENT, p.in_disc(x, y, r) & (p.mark > 0))


def cross(p, n):
    if n < 2:
        turn = p.about(45 * n, 5)
        for bar in ((-1, 0), (1, 0)), ((0, -1), (0, 1)):
            p.line(MAIN, .42, *turned([(.8 * x, .8 * y) for x, y in bar], turn))
    elif n == 2:
        for a in 0, 90, 180, 270:
            p.poly(MAIN, *turned([(0, 0), (1, -.5), (.75, 0), (1, .5)], a))
    elif n == 3:
        p.rect(MAIN, -.19, -1, .19, 1)
        y = p.about(-.36, .12)
        p.rect(MAIN, -.7, y - .19, .7, y + .19)
    else:
        p.rect(MAIN, -.21, -.9, .21, .95)
        p.rect(MAIN, -.8, -.9, .8, -.5)


def die(p, n):
    p.rect(MAIN, -.9, -.8, .9, .8)
    p.rect(MAIN, -.8, -.9, .8, .9)
    d, size = p.about(.48, .04), p.about(.2, .02)
    corners = [(-d, -d), (d, d), (-d, d), (d, -d)]
    pips = (corners[:2], corners[:2] + [(0, 0)], corners, corners + [(0, 0)],
            corners + [(-d, 0), (d, 0)])[n]
    for x, y in pips:
        p.disc(INK, x, y, size)


def flag(p, n):
    x0, x1, y0, y1 = -.8, 1, -.85, .35
    p.rect(MAIN, x0, y0, x1, y1)
    w, h = x1 - x0, y1 - y0
    if n == 0:
        p.rect(ACCENT, x0, y0 + h / 3, x1, y1 - h / 3)
    elif n == 1:
        i, j = np.floor((p.u - x0) / w * 4), np.floor((p.v - y0) / h * 3)
        p.put(ACCENT, (p.mark == MAIN) & ((i + j) % 2 == 1))
    elif n == 2:
        p.disc(ACCENT, (x0 + x1) / 2, (y0 + y1) / 2, .37)
    elif n == 3:
        p.rect(ACCENT, x0 + .45, y0, x0 + .78, y1)
        p.rect(ACCENT, x0, -.4, x1, -.1)
    else:
        p.rect(ACCENT, x0 + w / 3, y0, x1 - w / 3, y1)
    p.rect(INK, -.95, -1, -.78, 1)


def flower(p, n):
    if n == 3:
        p.line(INK, .16, (0, 0), (.15, 1))
    count, reach, length, width = ((8, .6, .38, .25), (5, .52, .46, .42), (13, .58, .42, .12),
                                   (3, .46, .42, .40), (4, .55, .44, .40))[n]
    width *= p.about(1, .08)
    for i in range(count):
        p.petal(MAIN, -90 + 360 * i / count, reach, length, width)
    if n != 3:
        p.disc(ACCENT, 0, 0, (.3, .26, .36, 0, .2)[n])


def fruit(p, n):
    if n == 0:
        p.disc(MAIN, -.3, .15, .58, .8)
        p.disc(MAIN, .3, .15, .58, .8)
        p.line(INK, .15, (0, -.45), (.08, -1))
        p.disc(ACCENT, .38, -.8, .32, .17)
    elif n == 1:
        p.put(MAIN, p.in_disc(0, -.5, 1.15) & ~p.in_disc(0, -.95, 1.05) & (p.v > -.6))
        p.rect(INK, -1.08, -.72, -.86, -.45)
    elif n == 2:
        p.line(INK, .13, (-.5, .4), (.2, -.95), (.5, .4))
        p.disc(MAIN, -.52, .5, .45)
        p.disc(MAIN, .52, .5, .45)
    elif n == 3:
        p.disc(MAIN, 0, 0, .82, .68)
        p.poly(MAIN, (-1.08, 0), (-.7, -.32), (-.7, .32))
        p.poly(MAIN, (1.08, 0), (.7, -.32), (.7, .32))
    else:
        p.disc(MAIN, 0, .4, .66, .6)
        p.disc(MAIN, 0, -.25, .38, .55)
        p.line(INK, .15, (0, -.7), (.1, -1.05))


def face(p, n):
    p.disc(MAIN, 0, 0, 1)
    p.disc(INK, -.37, -.25, .16, .2)
    if n == 4:
        p.line(INK, .15, (.18, -.22), (.58, -.22))
    else:
        p.disc(INK, .37, -.25, .16, .2)
    if n == 3:
        p.disc(INK, 0, .48, p.about(.25, .03), p.about(.28, .04))
        return
    bend = p.about((.36, 0, -.36, 0, .36)[n], .08)
    x = np.linspace(-.45, .45, 9)
    p.line(INK, .18, *zip(x, .45 + bend * (.5 - (x / .45) ** 2)))


def house(p, n):
    if n == 0:
        p.poly(MAIN, (-.95, .9), (-.95, .0), (-.6, -.55), (0, -.9), (.6, -.55), (.95, .0), (.95, .9))
        p.rect(ACCENT, -.42, .15, .42, .9)
        p.line(MAIN, .12, (-.42, .15), (.42, .9))
        p.line(MAIN, .12, (.42, .15), (-.42, .9))
    elif n == 1:
        p.rect(MAIN, -.95, -.3, .95, .9)
        for x in -.95, -.2, .55:
            p.rect(MAIN, x, -.75, x + .4, 0)
        p.rect(INK, -.22, .3, .22, .9)
    elif n == 2:
        half = p.about(.72, .06)
        p.rect(MAIN, -half, -.1, half, .9)
        p.poly(ACCENT, (-half - .22, -.05), (0, -.95), (half + .22, -.05))
        p.rect(INK, -.2, .3, .2, .9)
    elif n == 3:
        p.poly(MAIN, (-1, .85), (0, -.85), (1, .85))
        p.poly(INK, (-.32, .85), (0, -.1), (.32, .85))
    else:
        half = p.about(.44, .05)
        p.rect(MAIN, -half, -.45, half, 1)
        p.poly(ACCENT, (-half - .2, -.4), (0, -1.1), (half + .2, -.4))
        p.rect(INK, -.14, -.15, .14, .25)


def suit(p, n):
    if n == 0:
        for x, y in (0, -.5), (-.48, .15), (.48, .15):
            p.disc(MAIN, x, y, .43)
        p.poly(MAIN, (0, -.2), (.35, .95), (-.35, .95))
    elif n == 1:
        p.put(MAIN, abs(p.u / p.about(.75, .05)) ** .85 + abs(p.v) ** .85 < 1)
    elif n == 2:
        p.disc(MAIN, -.45, -.35, .5)
        p.disc(MAIN, .45, -.35, .5)
        p.poly(MAIN, (-.9, -.13), (0, -.35), (.9, -.13), (0, .95))
    elif n == 3:
        p.disc(MAIN, -.44, .2, .46)
        p.disc(MAIN, .44, .2, .46)
        p.poly(MAIN, (-.84, .0), (0, -1), (.84, .0), (0, .3))
        p.poly(MAIN, (0, 0), (.35, .95), (-.35, .95))
    else:
        p.disc(MAIN, 0, .35, .62)
        p.poly(MAIN, (0, -1.05), (.6, .2), (-.6, .2))


def polygon(p, n):
    p.poly(MAIN, *((p.about(x, .04), p.about(y, .04)) for x, y in on_circle((6, 8, 5, 4, 3)[n])))


def quadrilateral(p, n):
    corners = ([(0, -.75), (.65, -.3), (0, 1), (-.65, -.3)],
               [(-1, .5), (-.4, -.5), (1, -.5), (.4, .5)],
               [(-1, -.55), (1, -.55), (1, .55), (-1, .55)],
               [(-1, 0), (0, -.62), (1, 0), (0, .62)],
               [(-1, .5), (-.5, -.5), (.5, -.5), (1, .5)])[n]
    p.poly(MAIN, *((p.about(x, .04), p.about(y, .04)) for x, y in corners))


def ring(p, n):
    if n == 0:
        p.arc(MAIN, 0, 0, .82, .3, 0, 360 - p.about(60, 12))
    elif n == 1:
        for i in range(6):
            p.arc(MAIN, 0, 0, .82, .3, 60 * i, 60 * i + 36)
    elif n == 2:
        p.arc(MAIN, 0, 0, .88, .2)
        p.arc(MAIN, 0, 0, .45, .2)
    elif n == 3:
        width = p.about(.56, .07)
        p.arc(MAIN, 0, 0, 1 - width / 2, width)
    else:
        width = p.about(.26, .05)
        p.arc(MAIN, 0, 0, 1 - width / 2, width)


def curve(p, n):
    t = np.linspace(-1, 1, 25)
    w = .24
    if n in (0, 4):
        lean = p.about(.3 if n == 0 else .165, .035)
        p.line(MAIN, w, *((x + lean * s, -s / 2) for x in (-.66, 0, .66) for s in (-1, 1)))
    elif n == 1:
        p.line(MAIN, w, *zip(t, .5 * np.sin(2 * np.pi * t * 1.25)))
    elif n == 2:
        a = np.linspace(0, 4.4 * np.pi, 40)
        r = .08 + .9 * a / a[-1]
        p.line(MAIN, .2, *zip(r * np.cos(a), r * np.sin(a)))
    else:
        xs = -1, -.6, -.6, -.2, -.2, .2, .2, .6, .6, 1
        p.line(MAIN, w, *zip(xs, (.5, .5, -.5, -.5, .5, .5, -.5, -.5, .5, .5)))


def star(p, n):
    points, inner = ((8, .62), (5, .42), (4, .32), (6, .56), (12, .7))[n]
    inner = p.about(inner, .04)
    outer, notch = on_circle(points), on_circle(points, inner, -90 + 180 / points)
    p.poly(MAIN, *(q for pair in zip(outer, notch) for q in pair))
    if n == 4:
        p.disc(ACCENT, 0, 0, .5)


def tree(p, n):
    if n == 0:
        for line in ((0, 1), (0, -.9)), ((0, .3), (-.7, -.4)), ((0, .1), (.7, -.6)), \
                    ((-.4, -.1), (-.45, -.7)), ((.4, -.3), (.35, -.9)):
            p.line(MAIN, .19, *line)
        return
    if n == 3:
        p.line(ACCENT, .2, (.15, 1), (0, .3), (0, -.5))
        p.line(MAIN, .24, (0, -.5), (.05, -1))
        for side in -1, 1:
            p.line(MAIN, .2, (0, -.5), (side * .5, -.95), (side * .95, -.75))
            p.line(MAIN, .2, (0, -.5), (side * .6, -.5), (side * .9, -.05))
            p.line(MAIN, .2, (0, -.5), (side * .35, -.1), (side * .45, .2))
        return
    p.rect(ACCENT, -.15, .3, .15, 1)
    if n == 1:
        for top, half in (-1, .5), (-.55, .7), (-.1, .88):
            p.poly(MAIN, (0, top), (half, top + .75), (-half, top + .75))
    elif n == 2:
        for x, y in (-.45, -.1), (.45, -.1), (0, -.5), (0, 0):
            p.disc(MAIN, x, y, .5)
    else:
        p.disc(MAIN, 0, -.2, p.about(.4, .05), .85)


def vehicle(p, n):
    if n == 0:
        p.rect(MAIN, -1, -.65, 1, .4)
        for x in -.85, -.4, .05, .5:
            p.rect(ACCENT, x, -.45, x + .33, -.08)
        wheels = (-.55, .3), (.55, .3)
    elif n == 1:
        p.poly(MAIN, (-1, .4), (-1, 0), (-.6, -.08), (-.35, -.5), (.35, -.5), (.62, -.08), (1, 0), (1, .4))
        p.poly(ACCENT, (-.42, -.08), (-.25, -.35), (.25, -.35), (.42, -.08))
        wheels = (-.55, .28), (.55, .28)
    elif n == 2:
        p.rect(MAIN, -.75, -.8, .05, .3)
        p.rect(ACCENT, -.58, -.62, -.12, -.15)
        p.rect(MAIN, -.1, -.1, .95, .4)
        p.rect(INK, .5, -.55, .65, -.1)
        wheels = (-.45, .52), (.68, .3)
    elif n == 3:
        p.rect(MAIN, -1, -.7, .3, .4)
        p.poly(ACCENT, (.38, .4), (.38, -.35), (.75, -.35), (1, .05), (1, .4))
        wheels = (-.6, .28), (.62, .28)
    else:
        nose = p.about(.45, .08)
        p.poly(MAIN, (-1, .4), (-1, -.6), (nose, -.6), (nose + .27, -.08), (1, .0), (1, .4))
        p.poly(ACCENT, (.05, -.1), (.05, -.42), (.4, -.42), (.58, -.1))
        wheels = (-.55, .28), (.55, .28)
    for x, r in wheels:
        p.disc(INK, x, .72 - r, r)


# group: (family, largest tilt in degrees, class names)
GROUPS = {
    "arrows": (arrow, 20, "right_arrow down_arrow left_arrow up_arrow double_arrow"),
    "balls": (ball, 180, "beach_ball basketball bowling_ball tennis_ball pool_ball"),
    "bars": (bars, 15, "two_bars three_bars four_bars five_bars six_bars"),
    "clocks": (clock, 20, "twelve_oclock three_oclock six_oclock nine_oclock quarter_past_twelve"),
    "crosses": (cross, 12, "plus_sign x_mark maltese_cross latin_cross tau_cross"),
    "curves": (curve, 20, "sawtooth sine_wave spiral square_wave zigzag"),
    "dice": (die, 20, "two_pip_die three_pip_die four_pip_die five_pip_die six_pip_die"),
    "faces": (face, 20, "happy_face neutral_face sad_face surprised_face winking_face"),
    "flags": (flag, 8, "banded_flag checkered_flag dotted_flag nordic_flag tricolour_flag"),
    "flowers": (flower, 20, "anemone buttercup daisy clover dogwood"),
    "fruits": (fruit, 20, "apple banana cherries lemon pear"),
    "houses": (house, 8, "barn castle cottage tent tower"),
    "moons": (moon, 40, "crescent_moon half_moon gibbous_moon full_moon eclipse"),
    "polygons": (polygon, 180, "hexagon octagon pentagon square triangle"),
    "quadrilaterals": (quadrilateral, 180, "kite parallelogram rectangle rhombus trapezoid"),
    "rings": (ring, 180, "broken_ring dashed_ring double_ring thick_ring thin_ring"),
    "stars": (star, 180, "eight_point_star five_point_star four_point_star six_point_star sunburst"),
    "suits": (suit, 12, "club diamond heart spade teardrop"),
    "trees": (tree, 8, "bare_tree fir oak palm poplar"),
    "vehicles": (vehicle, 8, "bus car tractor truck van"),
}
COARSE = sorted(GROUPS)
CLASSES = {name: (group, n) for group in COARSE for n, name in enumerate(GROUPS[group][2].split())}
FINE = sorted(CLASSES)

# The scenery that goes with a class in training: a shortcut for the model, and a trap in the test.
SCENERY = {"full_moon": "night", "hexagon": "honeycomb", "van": "road"}


def shade(rng, hue=None, sat=(.55, .95), val=(.6, 1)):
    hue = rng.random() if hue is None else hue
    return np.array(colorsys.hsv_to_rgb(hue % 1, rng.uniform(*sat), rng.uniform(*val)))


def luma(colour):
    return colour @ (.299, .587, .114)


def scenery(rng, x, y, kind):
    if kind == "road":
        horizon = rng.uniform(19, 23)
        sky = shade(rng, .55, (.1, .4), (.7, .95))
        im = np.where(y[..., None] < horizon, sky, np.full(3, rng.uniform(.3, .45)))
        dash = (abs(y - (horizon + 32) / 2) < .7) & ((x + rng.uniform(0, 8)) % 8 < 4.5)
        im[dash] = .9
    elif kind == "night":
        im = np.ones(x.shape + (3,)) * shade(rng, .65, (.5, .8), (.12, .3))
        for cx, cy in rng.uniform(0, 32, (22, 2)):
            im[np.hypot(x - cx, y - cy) < rng.uniform(.4, .75)] = (1, 1, .85)
    else:
        cell = rng.uniform(6, 7.5)
        q, r = (x + rng.uniform(0, 9)) / cell, (y + rng.uniform(0, 9)) / cell / np.sqrt(3)
        dist = np.full(x.shape, np.inf)
        for s in 0, .5:
            dq, dr = abs(q - np.round(q + s) + s), abs(r - np.round(r + s) + s) * np.sqrt(3)
            dist = np.minimum(dist, np.maximum(dq, dq / 2 + dr * np.sqrt(3) / 2))
        im = np.where((dist > .42)[..., None], shade(rng, .1, (.6, .9), (.35, .5)),
                      shade(rng, .12, (.45, .8), (.75, .95)))
    return im


def clutter(rng, x, y):
    a, b = (shade(rng, sat=(.05, .5), val=(.2, .95)) for _ in "ab")
    b = a + (b - a) * rng.uniform(.1, .6)
    turn = rng.uniform(0, 2 * np.pi)
    ramp = ((x - 16) * np.cos(turn) + (y - 16) * np.sin(turn)) / 32 + .5
    im = a + np.clip(ramp, 0, 1)[..., None] * (b - a)
    for _ in range(rng.integers(1, 7)):
        colour = a + (shade(rng) - a) * rng.uniform(.1, .5)
        cx, cy = rng.uniform(-2, 34, 2)
        turn = rng.uniform(0, np.pi)
        s = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        t = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        size = rng.uniform(2, 7)
        where = ((np.hypot(s, t) < size), (abs(s) < size) & (abs(t) < size / 2),
                 (abs(t) < .7), (abs(np.hypot(s, t) - size) < .8))[rng.integers(4)]
        im[where] = colour
    return im


def palette(rng, ground):
    """Main, accent and ink colours; the main one stands out from the ground, mostly."""
    least = rng.uniform(.10, .35)
    for _ in range(20):
        main = shade(rng)
        if np.linalg.norm(main - ground) > .3 and abs(luma(main) - luma(ground)) > least:
            break
    for _ in range(20):
        accent = shade(rng, sat=(.0, .9), val=(.35, 1))
        if abs(luma(accent) - luma(main)) > .22:
            break
    return np.stack([main, accent, shade(rng, sat=(.2, .6), val=(.03, .2))])


def draw(rng, name, kind):
    """One picture (32,32,3) uint8 and its object's mask (32,32)."""
    group, n = CLASSES[name]
    family, tilt, _ = GROUPS[group]
    g = (np.arange(SIDE * SUPER) + .5) / SUPER
    x, y = np.meshgrid(g, g)
    im = scenery(rng, x, y, kind) if kind else clutter(rng, x, y)

    radius = rng.triangular(7, 11.5, 14)
    room = max(1, 15.5 - radius)
    cx, cy = 16 + rng.uniform(-room, room, 2)
    tilt = np.radians(rng.uniform(-tilt, tilt))
    stretch = rng.uniform(.9, 1.1)
    dx, dy = (x - cx) / radius * stretch, (y - cy) / radius / stretch
    pen = Pen(rng, dx * np.cos(tilt) + dy * np.sin(tilt), dy * np.cos(tilt) - dx * np.sin(tilt))
    family(pen, n)

    mark = pen.mark
    near = np.hypot(dx, dy) < 1.2
    colours = palette(rng, im[near].mean(0))
    if rng.random() < .35:
        fat = mark > 0
        for _ in range(3):
            fat[1:] |= fat[:-1]
            fat[:-1] |= fat[1:]
            fat[:, 1:] |= fat[:, :-1]
            fat[:, :-1] |= fat[:, 1:]
            if fat.mean() > .5:
                break
        mark = np.where((mark == 0) & fat, INK, mark)
    turn = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, .25) * (pen.u * np.cos(turn) + pen.v * np.sin(turn))
    body = mark > 0
    im[body] = colours[mark[body] - 1] * light[body][:, None]

    if rng.random() < .3:
        turn, reach = rng.uniform(0, 2 * np.pi), rng.uniform(.5, 1)
        ox, oy = reach * np.cos(turn), reach * np.sin(turn)
        size = rng.uniform(.2, .55)
        cover = np.maximum(abs(dx - ox), abs(dy - oy)) < size if rng.random() < .5 \
            else np.hypot(dx - ox, dy - oy) < size
        im[cover] = shade(rng, sat=(.05, .9), val=(.2, .95))
        body &= ~cover

    pool = (SIDE, SUPER, SIDE, SUPER)
    im = im.reshape(*pool, 3).mean((1, 3))
    if rng.random() < .3:
        soft = np.pad(im, ((1, 1), (1, 1), (0, 0)), "edge")
        soft = (soft[:-2] + 2 * soft[1:-1] + soft[2:]) / 4
        im = (soft[:, :-2] + 2 * soft[:, 1:-1] + soft[:, 2:]) / 4
    im = (im - .5) * rng.uniform(.75, 1.05) + .5 + rng.uniform(-.06, .06)
    im = im + rng.normal(0, 1, im.shape) * rng.triangular(0, 0, .07)
    # Thin lines cover no pixel by half.
    mask = body.reshape(pool).mean((1, 3)) >= 1 / 3
    return np.clip(np.rint(255 * im), 0, 255).astype(np.uint8), mask.astype(np.uint8)


def pick_scenery(rng, name, train):
    own = SCENERY.get(name)
    if own:
        return own if rng.random() < (.9 if train else .6) else None
    siblings = [c for c in SCENERY if CLASSES[c][0] == CLASSES[name][0]]
    if siblings and rng.random() < (.02 if train else .15):
        return SCENERY[siblings[0]]
    if rng.random() < .01:
        return list(SCENERY.values())[rng.integers(3)]
    return None


def split(seed, part, per_class):
    """Pictures, masks and class IDs, shuffled. Every picture has its own random stream."""
    labels = np.repeat(np.arange(len(FINE)), per_class)
    np.random.default_rng([seed, part]).shuffle(labels)
    images = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    masks = np.empty((len(labels), SIDE, SIDE), np.uint8)
    for i, label in enumerate(labels):
        rng = np.random.default_rng([seed, part, i])
        kind = pick_scenery(rng, FINE[label], part == 0)
        images[i], masks[i] = draw(rng, FINE[label], kind)
    return images, masks, labels


def mislabel(seed, labels):
    """Half of the wrong labels stay inside the group, half go anywhere else."""
    rng = np.random.default_rng([seed, 2])
    given = labels.copy()
    for k, i in enumerate(rng.choice(len(labels), WRONG_LABELS, replace=False)):
        group = CLASSES[FINE[labels[i]]][0]
        near = [c for c, name in enumerate(FINE) if CLASSES[name][0] == group]
        far = [c for c in range(len(FINE)) if c not in near]
        given[i] = rng.choice([c for c in near if c != labels[i]] if k % 2 == 0 else far)
    return given


def write_records(path, images, labels):
    coarse = np.array([COARSE.index(CLASSES[name][0]) for name in FINE], np.uint8)
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    np.hstack([coarse[labels][:, None], labels.astype(np.uint8)[:, None], planes]).tofile(path)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of the test split")
    ap.add_argument("--train", type=Path, metavar="DIR", help="draw the training split instead")
    ap.add_argument("--per-class", type=int, default=100, help="training pictures per class (100)")
    ap.add_argument("--seed", type=int, default=100)
    a = ap.parse_args()

    if a.train:
        a.train.mkdir(parents=True, exist_ok=True)
        images, _, labels = split(a.seed, 0, a.per_class)
        write_records(a.train / "train.bin", images, labels)
        return
    a.out.mkdir(parents=True, exist_ok=True)
    images, masks, labels = split(a.seed, 1, TEST_PER_CLASS)
    given = mislabel(a.seed, labels)
    write_records(a.out / "test.bin", images, given)
    np.save(a.out / "masks.npy", masks)
    (a.out / "fine_label_names.txt").write_text("\n".join(FINE) + "\n")
    (a.out / "coarse_label_names.txt").write_text("\n".join(COARSE) + "\n")
    rows = [f"{i}\t{labels[i]}\t{given[i]}\n" for i in np.flatnonzero(labels != given)]
    (a.out / "wrong_labels.tsv").write_text("id\ttrue_label\tgiven_label\n" + "".join(rows))


if __name__ == "__main__":
    main()
