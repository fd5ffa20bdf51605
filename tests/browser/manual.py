"""The pages of the manual in Chromium: on a telephone nothing is wider than the window, every picture
is there, text stands out from its ground in light and in dark, and on a desk commands are not cut off.

    manual.py FOLDER
"""
import os
import sys

import drive

CONTRAST = """(() => {
    const rgb = (c) => c.match(/[\\d.]+/g).slice(0, 3).map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    const light = (c) => { const [r, g, b] = rgb(c); return .2126 * r + .7152 * g + .0722 * b; };
    const paper = light(getComputedStyle(document.body).backgroundColor);
    return Math.min(...[...document.querySelectorAll('main *')].filter((e) => e.textContent.trim()).map((e) => {
        const ink = light(getComputedStyle(e).color);
        return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
    }));
})()"""

# The longest line of each display that is wider than its box.
CUT_OFF = """[...document.querySelectorAll('pre')].filter((p) => p.scrollWidth > p.clientWidth)
    .map((p) => p.textContent.split('\\n').reduce((a, b) => b.length > a.length ? b : a))"""

folder = os.path.abspath(sys.argv[1])
with drive.start("chromium") as browser:
    browser.size(390, 900)
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".html"):
            continue
        browser.dark(False)
        browser.open("file://" + folder + "/" + name)
        if (width := browser.js("document.documentElement.scrollWidth")) > 390:
            print(f"{name}: {width} pixels wide in a window of 390")
        if missing := browser.js("[...document.images].filter((i) => !i.naturalWidth).map((i) => i.src)"):
            print(f"{name}: no picture {missing}")
        for dark in False, True:
            browser.dark(dark)
            if (least := browser.js(CONTRAST)) < 4.5:
                print(f"{name}: contrast {least:.2f} {'in dark' if dark else 'in light'}")
    browser.size(1200, 900)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".html"):
            browser.open("file://" + folder + "/" + name)
            for text in browser.js(CUT_OFF):
                print(f"{name}: wider than the page: {text}")
