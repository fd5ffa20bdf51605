"""The page of two runs compared in a browser: diff.py FOLDER BROWSER. FOLDER holds
comparison.html and data/diff_summary.tsv. Prints what is not as it must be, and at the end what
was looked at."""
import csv, os, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import drive

faults = []
ROWS = {"Compared": "images", "Same prediction": "same_prediction", "Other prediction": "changed_prediction",
        "Correct in both": "both_correct", "Fixed (wrong in A, correct in B)": "fixed",
        "Broken (correct in A, wrong in B)": "broken", "Wrong in both, same prediction": "wrong_same",
        "Wrong in both, other prediction": "wrong_other"}


def expect(what, found, expected):
    if found != expected:
        faults.append(f"{what}: expected {expected!r}, found {found!r}")


def numbers(b, folder):
    """Those of the page are those of the table."""
    with open(os.path.join(folder, "data/diff_summary.tsv"), encoding="utf-8") as f:
        table = {r["measure"]: r["value"] for r in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)}
    rows = {r[0]: r[1:] for r in b.js("[...document.querySelectorAll('tr')].map((r) => [...r.cells].map((c) => c.textContent.trim()))")}
    for word, measure in ROWS.items():
        expect(word, rows[word][0], table[measure])
    expect("Accuracy", rows["Accuracy"], [f"{100 * float(table[m]):.2f}\u00a0%" for m in ("accuracy_a", "accuracy_b")])
    for kind in "Broken", "Fixed":
        shown = b.js(f"[...document.querySelectorAll('h2')].find((h) => h.textContent === '{kind} images').nextElementSibling.nextElementSibling.children.length")
        expect(kind, shown, min(24, int(table[kind.lower()])))


def look(b, folder):
    url = "file://" + os.path.abspath(os.path.join(folder, "comparison.html"))
    for dark in False, True:
        b.dark(dark)
        for width in 400, 1400, 3840:
            b.size(width, 900)
            b.open(url)
            wide, inner = b.js("[document.documentElement.scrollWidth, innerWidth]")
            if wide > inner:
                faults.append(f"at {width}: {wide} pixels wide")
            out = b.js("[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).length")
            expect(f"elements outside of the window at {width}", out, 0)
    numbers(b, folder)
    # They load when they come into view.
    images = b.js("document.images.length")
    expect("images that are shown", b.js("""(async () => {
        let n = 0;
        for (const i of document.images) { i.loading = "eager"; await i.decode(); n += i.naturalWidth > 0; }
        return n; })()"""), images)
    expect("images without words", b.js("[...document.images].filter((i) => !i.alt).length"), 0)
    b.js("document.activeElement.blur()")
    links = b.js("document.links.length")
    for _ in range(links):
        b.key("Tab")
    expect("the last stop of the keyboard", b.js("document.activeElement === document.links[document.links.length - 1]"), True)
    if hasattr(b, "tree"):
        tree = b.tree()
        expect("headings", [n for r, n, _ in tree if r == "heading"][:3], ["Two runs compared", "Images", "Both runs"])
        expect("pictures for a screen reader", sum(r == "image" and bool(n) for r, n, _ in tree), images)
        expect("figures of a table have a header", sum(r == "rowheader" for r, _, _ in tree) >= len(ROWS), True)
    if hasattr(b, "chrome"):
        b.note()
    expect("messages", b.console, [])
    expect("requests", b.requests, [])


def main():
    folder, kind = sys.argv[1:]
    if not drive.find(kind):
        print(f"no {kind}", file=sys.stderr)
        return 77
    with drive.start(kind) as b:
        look(b, folder)
    print("\n".join(faults) if faults else f"{kind}: figures, pictures, widths, keyboard")
    return 0


if __name__ == "__main__":
    sys.exit(main())
