"""Opens every view of explorers that are unlike others: edges.py RUN ...

Prints what is not as it must be: messages, requests, markup of names, views that are wider than
the window; and at the end what was looked at. Chromium; status 77 without.
"""
import os, sys
from urllib.parse import quote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import drive
from explorer import SETTLED, Page, expect, faults


def views(p):
    """The views that a page offers, of its first class, pair and images."""
    p.open("overview")
    offered = p.b.js("[...document.querySelectorAll('#views a')].map((a) => a.hash.slice(1).split('?')[0])")
    classes = p.b.js("Dom.index.classes.names.length")
    more = ["class/0", "grid?map=pred&size=96", "grid?where=" + quote("conf>2")]
    more += ["image/" + str(p.b.js("Rows.ready.then((r) => r.id[0])"))] if p.b.js("Dom.index.rows") else []
    more += ["pair/0/1", "pair/1/0"] if classes > 1 else []
    return offered + more + ["image/123456789", "class/99999", "nonsense/%E0%A4%A?where=%&where=a"]


def look(p, name, shots):
    for view in views(p):
        for width in 400, 1400:
            p.b.size(width, 900)
            p.open(view)
            wide, inner = p.b.js("[document.documentElement.scrollWidth, innerWidth]")
            if wide > inner:
                faults.append(f"{name}: {view} at {width}: {wide} pixels wide")
            expect(f"{name}: {view}: cells that run over others at {width}", p.b.js("""[...document.querySelectorAll("td, th")]
                .filter((c) => [...c.children].some((e) => e.getBoundingClientRect().right > c.getBoundingClientRect().right + 1)).length"""), 0)
            expect(f"{name}: {view}: nothing of a name ran", p.b.js("typeof pwned"), "undefined")
            expect(f"{name}: {view}: no markup of a name", p.b.js("document.querySelectorAll('bdi *:not(wbr), [onerror], [onload], [onclick], img, iframe').length"), 0)
            if shots:
                p.b.shot(os.path.join(shots, f"{name}-{view.split('?')[0].replace('/', '-')}-{width}.png"))
    # Everything that can be pressed.
    p.open("overview")
    p.b.js("document.querySelectorAll('button').forEach((b) => b.click())")
    p.quiet(name)


def main():
    if not drive.find("chromium"):
        print("no browser (chromium)", file=sys.stderr)
        return 77
    with drive.start("chromium") as b:
        for run in sys.argv[1:]:
            look(Page(b, run), os.path.basename(os.path.abspath(run)), os.environ.get("SHOTS"))
            if not faults:
                print(f"{os.path.basename(os.path.abspath(run))}: all views")
    print("\n".join(faults), end="\n" if faults else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
