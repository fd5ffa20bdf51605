"""The explorer of a finished run in real browsers: explorer.py RUN [BROWSER ...].

Prints what is not as it must be, and at the end what was checked. Status 77: no browser.
"""
import json, os, re, subprocess, sys
from urllib.parse import quote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import drive

# Views by their addresses; each has a command for its images. (VIEW, what it is.)
W = lambda *conditions: "&".join("where=" + quote(c) for c in conditions)
VIEWS = [
    "grid", "grid?" + W("correct=0"), "grid?" + W("correct=0") + "&sort=-conf", "grid?" + W("conf>0.5", "conf<=0.9") + "&sort=conf",
    "grid?" + W("true=3", "true=17", "correct=1") + "&sort=margin", "grid?sort=-loss", "grid?" + W("true_name~s"),
    "grid?" + W("true_group=flowers", "pred_group!=flowers"), "grid?" + W("pred_name!=bus", "rank_true>2") + "&sort=true_name",
    "grid?sort=-pred_name&" + W("entropy>=1"), "grid?" + W("entropy_pred>0.95") + "&sort=-entropy_pred",
    "grid?" + W("zero_share_true>=0.5", "correct=0") + "&sort=zero_share_true", "grid?" + W("overlap_true<0.3", "margin<-1"),
    "grid?" + W("class_pred=5") + "&sort=-border_share_pred", "grid?" + W("bias_pred!=NA") + "&sort=raw_max_true",
    "grid?" + W("id=3", "id=999", "id=0"), "grid?" + W("conf>2"), "grid?" + W("note=it's a \"test\"", "note=x") + "&sort=-note",
    "grid?" + W("note!=x") + "&sort=note", "grid?" + W("note=NA", "score>=0.25") + "&sort=-score", "grid?" + W("score=NA"), "grid?" + W("score!=NA") + "&sort=score",
    "grid?" + W("late=7.50") + "&sort=-late",
    "class/62", "class/62?part=missed&sort=-conf", "class/54?part=false&sort=entropy", "class/3?part=right", "pair/62/54",
    "pair/62/54?part=reverse", "pair/42/52?sort=-loss&" + W("conf>0.3"), "image/7",
]
SETTLED = ("document.body.dataset.view !== undefined && document.body.dataset.loading === '0' && "
           "[...document.querySelectorAll('#stage .command')].every((c) => 'ready' in c.dataset)")
SHOWN = "[...document.querySelectorAll('#stage [role=option]')].sort((a, b) => a.getAttribute('aria-posinset') - b.getAttribute('aria-posinset')).map((o) => Number(/\\d+/.exec(o.getAttribute('aria-label'))))"
FIRST_COMMAND = "document.querySelector('#stage .command code').textContent"
# Roles that need a name.
NAMED = {"button", "link", "combobox", "slider", "checkbox", "textbox", "searchbox", "listbox", "option", "image", "img", "region",
         "navigation", "spinbutton", "columnheader", "DisclosureTriangle", "figure-with-name"}
faults = []


def expect(what, found, expected):
    if found != expected:
        faults.append(f"{what}: expected {json.dumps(expected, ensure_ascii=False)[:300]}, found {json.dumps(found, ensure_ascii=False)[:300]}")


def command_ids(run, command):
    out = subprocess.run(["bash", "-c", command], cwd=run, capture_output=True, text=True)
    if out.returncode != 0 or out.stderr:
        return [f"status {out.returncode}", out.stderr]
    header, *rows = out.stdout.split("\n")[:-1]
    at = header.split("\t").index("id")
    return [int(r.split("\t")[at]) for r in rows]


def table(path):
    with open(path, encoding="utf-8", newline="\n") as f:
        header, *rows = [l.split("\t") for l in f.read().split("\n")[:-1]]
    return [dict(zip(header, r)) for r in rows]


def number(text):
    return None if text in ("", "NA", None) else float(text)


class Page:
    def __init__(self, browser, run, file="explorer.html"):
        self.b, self.run = browser, run
        self.url = "file://" + quote(os.path.join(os.path.abspath(run), file))

    def open(self, view, settled=SETTLED):
        self.b.open(self.url + "#" + view)
        self.b.wait(settled)
        self.b.js("new Promise((r) => setTimeout(r, 30))")

    def press(self, *keys):
        for k in keys:
            self.b.key(k)
        self.b.js("new Promise((r) => requestAnimationFrame(() => setTimeout(r, 30)))")

    def quiet(self, what):
        if hasattr(self.b, "note") and not isinstance(self.b, drive.Chromium):
            self.b.note()
        expect(f"{what}: console", self.b.console, [])
        expect(f"{what}: requests", self.b.requests, [])
        self.b.console, self.b.requests = [], []


def views(p):
    """What is shown is what the commands give, in order."""
    p.b.size(1400, 2600)
    for view in VIEWS:
        small = view + ("&" if "?" in view else "?") + "size=16"
        p.open(view if view.startswith("image") else small)
        shown = [int(view.split("/")[1])] if view.startswith("image") else p.b.js(SHOWN)
        count = p.b.js("document.querySelector('#stage .grid')?.dataset.count ?? '1'")
        expect(f"{view}: all of them are looked at", str(len(shown)), count)
        expect(f"{view}: ids", shown, command_ids(p.run, p.b.js(FIRST_COMMAND)))
        p.quiet(view)
    return f"{len(VIEWS)} views show what their commands give"


def numbers(p):
    """Every number of the tables is that of the run's tables."""
    p.b.size(1400, 900)
    p.open("overview")
    found = p.b.js("[...document.querySelectorAll('[data-measure]')].map((e) => [e.dataset.measure, e.dataset.v])")
    expect("figures", found, [[r["measure"], r["value"]] for r in table(p.run + "/data/summary.tsv") if r["measure"] not in ("best_class", "worst_class")])
    rows = p.b.js("""[...document.querySelectorAll('#classes tbody tr')].map((r) => Object.fromEntries([...r.cells].map((c, i) =>
        [document.querySelectorAll('#classes thead th')[i].dataset.key, c.dataset.v ?? c.textContent]).concat([['high', r.querySelector('[data-high]')?.dataset.high]])))""")
    tables = {r["class"]: r for r in table(p.run + "/data/per_class.tsv")}
    expect("classes", sorted(int(r["class"]) for r in rows), sorted(int(c) for c in tables))
    conf = {}
    for r in table(p.run + "/data/predictions.tsv"):
        low, high = conf.setdefault(r["true"], [0, 0])
        conf[r["true"]] = [low + (r["correct"] == "1" and float(r["conf"]) <= .5), high + (r["correct"] == "0" and float(r["conf"]) > .9)]
    for r in rows:
        t = tables[r["class"]]
        for mine, theirs in dict(name="name", group_name="group_name").items():
            expect(f"class {r['class']}: {mine}", r[mine], t[theirs])
        for key in ("total", "accuracy", "precision", "f1", "mean_conf"):
            expect(f"class {r['class']}: {key}", number(r[key]), number(t[key]))
        expect(f"class {r['class']}: errors", number(r["errors"]), float(t["total"]) - float(t["correct"]))
        expect(f"class {r['class']}: top wrong", number(r["top_wrong"]), float(t["top_wrong_count"]))
        expect(f"class {r['class']}: by confidence", [number(r["low_correct"]), number(r["highest_wrong"])], [float(x) for x in conf.get(r["class"], [0, 0])])
        if t["accuracy"] != "NA":
            n, k, z = float(t["total"]), float(t["correct"]), 1.959963984540054
            mid, half = (k / n + z * z / 2 / n) / (1 + z * z / n), z / (1 + z * z / n) * (k / n * (1 - k / n) / n + z * z / 4 / n / n) ** .5
            ends = [number(r["interval"]), number(r["high"])]
            if abs(ends[0] - (mid - half if k else 0)) > 1e-8 or abs(ends[1] - (mid + half if k < n else 1)) > 1e-8:
                faults.append(f"class {r['class']}: interval {ends}")
            if abs(number(r["over_conf"]) - (float(t["mean_conf"]) - float(t["accuracy"]))) > 1e-8:
                faults.append(f"class {r['class']}: over-confidence {r['over_conf']}")
    pairs = p.b.js("[...document.querySelectorAll('#pairs tbody tr')].map((r) => [r.dataset.true, r.dataset.pred, ...[1, 2, 3].map((i) => Number(r.cells[i].dataset.v))])")
    expect("pairs", pairs, [[r["true"], r["pred"], float(r["count"]), float(r["rate"]), float(r["reverse_count"])] for r in table(p.run + "/data/pairs.tsv")])
    errors = p.b.js("[...document.querySelectorAll('#errors [data-image]')].map((a) => Number(a.dataset.image))")
    command = p.b.js("document.querySelector('#errors').closest('.card').querySelector('code').textContent")
    expect("errors of highest confidence", errors, command_ids(p.run, command))
    for card, key in ("#class/", "class"), ("#pair/", "pair"):
        at = f"document.querySelector('#overview a[href^=\"{card}\"]').closest('.card')"
        listed = p.b.js(f"[...{at}.querySelectorAll('li a')].map((a) => a.getAttribute('href'))")
        out = subprocess.run(["bash", "-c", p.b.js(f"{at}.querySelector('code').textContent")], cwd=p.run, capture_output=True, text=True).stdout
        rows = [l.split("\t") for l in out.split("\n")[1:-1]]
        expect(f"overview: {key}", listed, [card + "/".join(r[:1 if key == "class" else 2]) for r in rows])
    p.open("matrix")
    expect("matrix: images", p.b.js("document.querySelector('canvas.matrix').dataset.images"), str(len(table(p.run + "/data/predictions.tsv"))))
    p.quiet("numbers")
    return "the numbers are those of the tables"


def sorted_classes(p):
    """The table of classes in the order of its command."""
    p.b.size(1700, 900)
    for key in "class name group_name total accuracy errors precision f1 mean_conf over_conf low_correct highest_wrong top_wrong".split():
        p.open("classes", SETTLED.replace("#stage", "#classes"))
        for turn in 1, 2:
            p.b.js(f"document.querySelector('#classes [data-key={key}] button').click()")
            p.b.wait("[...document.querySelectorAll('#classes .command')].every((c) => 'ready' in c.dataset)")
            shown = p.b.js("[...document.querySelectorAll('#classes tbody tr')].map((r) => r.cells[0].dataset.v)")
            out = subprocess.run(["bash", "-c", p.b.js("document.querySelector('#classes .command code').textContent")], cwd=p.run, capture_output=True, text=True)
            ids = [l.split("\t")[0] for l in out.stdout.split("\n")[1:-1]]
            unknown = {c["class"] for c in table(p.run + "/data/per_class.tsv") if c.get(key) == "NA"}
            # The page has unknown ones last, sort has them first or last.
            expect(f"classes by {key}, {turn}", [c for c in shown if c not in unknown], [c for c in ids if c not in unknown])
    p.quiet("classes")
    return "classes are sorted as by their commands"


def keyboard(p):
    p.b.size(1400, 900)
    p.open("grid?" + W("correct=0"))
    p.b.js("document.querySelector('.grid').focus()")
    active = "Number(/\\d+/.exec(document.getElementById(document.activeElement.getAttribute('aria-activedescendant')).getAttribute('aria-label')))"
    ids = command_ids(p.run, p.b.js(FIRST_COMMAND))
    expect("keys: the first", p.b.js(active), ids[0])
    p.press("ArrowRight", "ArrowRight", "ArrowLeft")
    expect("keys: right, right, left", p.b.js(active), ids[1])
    p.press("End")
    expect("keys: end", p.b.js(active), ids[-1])
    p.press("Home", " ")
    expect("keys: selected", p.b.js("document.querySelectorAll('[aria-selected=true]').length"), 1)
    p.press("m")
    expect("keys: a map", p.b.js("location.hash.includes('map=pred')"), True)
    p.press("+")
    p.b.wait("/size=96/.test(location.hash)")
    p.press("t")
    expect("keys: tag", p.b.js("document.activeElement.getAttribute('aria-label')"), "Tag for the selected images")
    for c in "odd":
        p.press(c)
    p.press("Enter")
    p.b.js("document.querySelector('.grid').focus()")
    p.press("Enter")
    p.b.wait(f"location.hash.startsWith('#image/{ids[0]}')")
    p.b.wait(SETTLED)
    expect("keys: the image is tagged", p.b.js("document.querySelector('.tag-list').textContent.includes('odd')"), True)
    p.press("ArrowRight")
    p.b.wait(f"location.hash.startsWith('#image/{ids[1]}')")
    p.b.wait(SETTLED)
    p.press("g")
    expect("keys: cells", p.b.js("document.querySelector('[data-tool=cells]').checked"), True)
    p.press("ArrowLeft")
    p.b.wait(f"location.hash.startsWith('#image/{ids[0]}')")
    p.open("grid?" + W("tag=odd") + "&size=16")
    expect("tags: filter", p.b.js(SHOWN), ids[:1])
    with open(os.path.join(p.run, "tags.tsv"), "w") as f:
        p.b.js("location.hash = '#tags'")
        p.b.wait("!!document.querySelector('#stage textarea')")
        f.write(p.b.js("document.querySelector('#stage textarea').value"))
    expect("tags: export", open(os.path.join(p.run, "tags.tsv")).read(), f"id\ttag\n{ids[0]}\todd\n")
    p.open("grid?" + W("tag=odd") + "&size=16")
    expect("tags: command", command_ids(p.run, p.b.js(FIRST_COMMAND)), ids[:1])
    p.open("matrix")
    p.b.js("document.querySelector('canvas.matrix').focus()")
    p.press("ArrowRight", "ArrowDown", "ArrowDown")
    tip = p.b.js("document.querySelector('.tip').textContent")
    expect("matrix: a cell is said", " predicted as " in tip, True)
    p.press("Enter")
    p.b.wait("location.hash.startsWith('#pair/')")
    # Back and forward.
    p.b.js("history.back()")
    p.b.wait("location.hash.startsWith('#matrix')")
    p.quiet("keyboard")
    return "keys"


def tensor(path):
    """Shape and numbers of an .npy file of float32."""
    import struct
    with open(path, "rb") as f:
        data = f.read()
    end = 10 + struct.unpack("<H", data[8:10])[0]
    shape = tuple(int(n) for n in re.search(rb"'shape': \(([^)]*)\)", data[:end])[1].split(b",") if n.strip())
    return shape, struct.unpack(f"<{(len(data) - end) // 4}f", data[end:])


def run_command(p, command):
    out = subprocess.run(["bash", "-c", command], cwd=p.run, capture_output=True, text=True)
    expect(f"{command}: status and messages", [out.returncode, out.stderr], [0, ""])
    return out.stdout


def means(p):
    """The mean maps of classes and pairs are those of their commands."""
    p.b.size(1400, 900)
    for view in "class/62", "class/54?part=false&sort=entropy", "pair/62/54", "class/62?" + W("correct=0"):
        p.open(view)
        p.b.wait("document.querySelectorAll('figure.mean:not([hidden])').length > 0")
        lines = p.b.js("[...document.querySelectorAll('#stage .command')].filter((c) => c.textContent.startsWith('Mean map')).map((c) => c.querySelector('code').textContent)")
        drawn = p.b.js("Promise.all(Store.get().list ? Subject.shown().map(([rows, word]) => Subject.mean(rows, word).then((m) => Array.from(m.values))) : [])")
        expect(f"{view}: a command for each mean map", len(lines), len(drawn))
        for command, values in zip(lines, drawn):
            run_command(p, command)
            shape, theirs = tensor(os.path.join(p.run, "mean.npy"))
            expect(f"{view}: {command}: shape", [shape[0], len(theirs)], [1, len(values)])
            scale = max(1, *(abs(v) for v in theirs))
            worst = max(abs(a - b) for a, b in zip(values, theirs)) / scale
            if not worst < .01:
                faults.append(f"{view}: {command}: off by {worst}")
    p.quiet("means")
    return "mean maps are those of their commands"


def matrix(p):
    """Orders, shares, filters and cells of the matrix, against the tables."""
    p.b.size(1400, 900)
    rows = table(p.run + "/data/predictions.tsv")
    classes = {r["class"]: r for r in table(p.run + "/data/per_class.tsv")}
    ids = list(range(len(classes)))
    group = lambda c: classes[str(c)]["group_name"]
    p.open("matrix")
    groups = p.b.js("Dom.index.classes.groups")
    expected = {
        "group": sorted(ids, key=lambda c: (groups.index(group(c)), c)),
        "accuracy": sorted(ids, key=lambda c: (float(classes[str(c)]["accuracy"]), c)),
        "id": ids,
    }
    orders = p.b.js("[...document.querySelector('[data-tool=order]').options].map((o) => o.value)")
    expect("matrix: orders", orders, ["group", "accuracy", "name", "cluster", "id"])
    for order in orders:
        p.open("matrix?order=" + order)
        p.b.wait("document.querySelector('canvas.matrix').dataset.order !== undefined")
        shown = p.b.js("document.querySelector('canvas.matrix').dataset.order.split(' ').map(Number)")
        expect(f"matrix by {order}: every class once", sorted(shown), ids)
        if order in expected:
            expect(f"matrix by {order}", shown, expected[order])
        if order == "name":
            names = [classes[str(c)]["name"] for c in shown]
            expect("matrix by name", names, sorted(names))
        if order == "cluster":
            # Errors lie nearer to the diagonal than by number.
            away = lambda o: sum(abs(o.index(int(r["true"])) - o.index(int(r["pred"]))) for r in rows if r["correct"] == "0")
            expect("matrix: confused classes are neighbours", away(shown) < .6 * away(ids), True)
        # The first cell is one of the diagonal, its right neighbour an error; both say their counts.
        p.b.js("document.querySelector('canvas.matrix').focus()")
        p.press("ArrowRight")
        n = sum(r["true"] == str(shown[0]) and r["pred"] == str(shown[1]) for r in rows)
        said = p.b.js("document.querySelector('.tip').textContent")
        expect(f"matrix by {order}: a cell", said.startswith(f"{classes[str(shown[0])]['name']} predicted as {classes[str(shown[1])]['name']}: {n} of "), True)
    for conditions in [], ["conf>0.9"], ["true_group=flowers", "correct=0"]:
        p.open("matrix?rates=1&" + W(*conditions))
        p.b.wait("document.querySelector('canvas.matrix').dataset.images !== undefined")
        cells = p.b.js("Matrix.count(Store.get().where).then((n) => [...n].flatMap((v, i) => v > 0 ? [[Math.floor(i / Dom.index.classes.names.length), i % Dom.index.classes.names.length, v]] : []))")
        command = p.b.js("document.querySelector('#stage .command code').textContent").replace("--order group", "--long")
        out = [l.split("\t") for l in run_command(p, command).split("\n")]
        at = [out[0].index(n) for n in ("true", "pred", "count")]
        theirs = sorted([int(l[i]) for i in at] for l in out[1:-1] if int(l[at[2]]) > 0)
        expect(f"matrix of {conditions}: cells", sorted(cells), theirs)
        expect(f"matrix of {conditions}: images", p.b.js("document.querySelector('canvas.matrix').dataset.images"), str(sum(c[2] for c in theirs)))
        expect(f"matrix of {conditions}: the scale in percent", p.b.js("document.querySelector('.legend').textContent.includes('%')"), True)
    # A cell of errors that there are opens them, by mouse as by keys.
    p.open("matrix?order=id")
    p.b.wait("document.querySelector('canvas.matrix').dataset.order !== undefined")
    t, c = min((int(r["true"]), int(r["pred"])) for r in rows if r["correct"] == "0")
    x, y = p.b.js(f"""(() => {{ const m = document.querySelector('canvas.matrix'), b = m.getBoundingClientRect(), [left, top, cell] = m.dataset.cells.split(' ').map(Number);
        return [b.left + left + ({c} + .5) * cell, b.top + top + ({t} + .5) * cell]; }})()""")
    p.b.mouse((x, y))
    p.b.wait(f"location.hash.startsWith('#pair/{t}/{c}')")
    p.b.wait(SETTLED)
    p.b.wait("document.querySelector('.grid')?.dataset.count !== undefined")
    expect("matrix: a cell opens its images", p.b.js("document.querySelector('.grid').dataset.count"), str(sum(r["true"] == str(t) and r["pred"] == str(c) for r in rows)))
    p.quiet("matrix")
    return "orders and cells of the matrix"


AREA = "(() => { const e = /area=([^&]*)/.exec(location.hash); return e && decodeURIComponent(e[1]).split(',').map(Number); })()"

SELECTED = "!!document.querySelector('#stage .selection:not([hidden])')"


def selected(p):
    """The ids of the images that are selected, from the view of these alone; and back."""
    count = p.b.js("document.querySelector('.selection b').textContent")
    p.b.js("document.querySelector('.selection button').click()")
    p.b.wait("location.hash.startsWith('#grid') && !!document.querySelector('#stage .grid')?.dataset.count")
    p.b.wait(SETTLED)
    ids = {int(i) for i in re.findall(r"where=id%3D(\d+)", p.b.js("location.hash"))}
    expect("the selection is said", count, f"{len(ids)} images selected")
    p.b.js("history.back()")
    p.b.wait("location.hash.startsWith('#scatter') && document.querySelector('canvas.scatter')?.dataset.count === '1000'")
    # What the mouse does before the view is drawn is lost.
    p.b.wait(SETTLED)
    p.b.js("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    p.b.js("document.querySelector('canvas.scatter').focus()")
    return ids


def scatter(p):
    """Zoom, pan and selection, by mouse and by keys; the address has the part that is seen."""
    p.b.size(1400, 900)
    points = {r["id"]: (float(r["x"]), float(r["y"])) for r in table(p.run + "/data/points.tsv")}
    xs, ys = [x for x, _ in points.values()], [y for _, y in points.values()]
    p.open("scatter")
    p.b.wait("document.querySelector('canvas.scatter').dataset.count === '1000'")
    expect("scatter: x and y of the joined table", p.b.js("['x', 'y'].map((t) => document.querySelector(`[data-tool=${t}]`).value)"), ["x", "y"])
    box = p.b.js("(() => { const b = document.querySelector('canvas.scatter').getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()")
    # Where a point lies while the whole is seen.
    at = lambda x, y: (box[0] + 8 + (x - min(xs)) / (max(xs) - min(xs)) * (box[2] - 16), box[1] + box[3] - 8 - (y - min(ys)) / (max(ys) - min(ys)) * (box[3] - 16))
    # A lasso around the upper right quarter of the plane.
    mx, my = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    left, low = at(mx, my)
    right, top = box[0] + box[2] - 1, box[1] + 1
    p.b.mouse((left, low), (right, low), (right, (low + top) / 2), (right, top), ((left + right) / 2, top), (left, top), (left, low))
    p.b.wait(SELECTED)
    theirs = {int(i) for i, (x, y) in points.items() if x > mx and y > my}
    # Points within a pixel of the line may lie on either side.
    near = {int(i) for i, (x, y) in points.items() if min(abs(at(x, y)[0] - left), abs(at(x, y)[1] - low)) < 2}
    mine = selected(p)
    expect("scatter: a lasso selects", [sorted(theirs - near - mine), sorted(mine - near - theirs)], [[], []])
    # The wheel and keys.
    p.b.wheel(box[0] + box[2] / 2, box[1] + box[3] / 2, -100)
    p.b.wait(f"{AREA} !== null")
    p.b.js("document.querySelector('canvas.scatter').focus()")
    p.press("+", "+")
    p.b.js("new Promise((r) => setTimeout(r, 400))")
    a = p.b.js(AREA)
    share = (a[1] - a[0]) / (max(xs) - min(xs))
    expect("scatter: zoomed", abs(share - 1 / 1.2 / 1.4 / 1.4) < .01, True)
    p.press("ArrowRight")
    p.b.js("new Promise((r) => setTimeout(r, 400))")
    b = p.b.js(AREA)
    expect("scatter: moved", abs((b[0] - a[0]) / (a[1] - a[0]) - .1) < .001 and abs(b[2] - a[2]) < 1e-6 * abs(a[2]) + 1e-6, True)
    # By keys alone: what is seen is selected.
    p.press("Enter")
    mine = selected(p)
    w, h = b[1] - b[0], b[3] - b[2]
    seen = lambda e: {int(i) for i, (x, y) in points.items() if b[0] - w * e <= x <= b[1] + w * e and b[2] - h * e <= y <= b[3] + h * e}
    expect("scatter: Enter selects what is seen", mine >= seen(0) and mine <= seen(.03) and len(mine) > 0, True)
    # The address opens the same part; another pair of axes the whole.
    link = p.b.js("location.hash.slice(1)")
    p.open(link)
    p.b.wait("document.querySelector('canvas.scatter').dataset.count === '1000'")
    expect("scatter: a link", p.b.js(AREA), b)
    p.b.js("(() => { const s = document.querySelector('[data-tool=y]'); s.value = 'margin'; s.dispatchEvent(new Event('change')); })()")
    p.b.js("new Promise((r) => setTimeout(r, 400))")
    expect("scatter: other axes", p.b.js(f"[{AREA}, location.hash.includes('y=margin')]"), [None, True])
    p.quiet("scatter")
    return "zoom, pan and lasso of the scatter"


def marks(p):
    """Images that joined tables warn of carry a mark, in grids and in their view."""
    p.b.size(1400, 900)
    flagged = sorted(int(r["id"]) for r in table(p.run + "/data/label_check.tsv") if r["flagged"] == "1")
    expect("marks: the label check flags some", len(flagged) > 0, True)
    marked = "[...document.querySelectorAll('#stage [role=option]')].filter((o) => o.querySelector('.mark')).map((o) => Number(/\\d+/.exec(o.getAttribute('aria-label')))).sort((a, b) => a - b)"
    p.b.size(1400, 2600)
    p.open("grid?size=16")
    p.b.wait("document.querySelectorAll('#stage .mark').length > 2")
    expect("marks: images of a grid", p.b.js(marked), sorted({*flagged, 17, 4, 20}))
    label = "document.querySelector('#stage [aria-label^=\"Image %d,\"]').getAttribute('aria-label')"
    expect("marks: a flag is said", "label check: flagged, " in p.b.js(label % flagged[0]), True)
    said = {17: "twins: repeats image 4, exact", 4: "twins: repeated by image 17, exact", 20: "twins: looks like training image 31, near"}
    for i, text in said.items():
        expect(f"marks: image {i}", text in p.b.js(label % i), True)
    for i, text in said.items():
        p.open(f"image/{i}")
        p.b.wait("!!document.querySelector('.image-view .warning')")
        expect(f"marks: view of image {i}", text in p.b.js("document.querySelector('.image-view').textContent"), True)
    p.open("grid?" + W("flagged=1") + "&size=16")
    expect("marks: a filter", sorted(p.b.js(SHOWN)), flagged)
    p.quiet("marks")
    return "marks of joined tables"


def links(p):
    """What is chosen in a view stands in its address, and a link opens it again; and so does
    `report explorer --open`."""
    p.b.size(1700, 900)
    p.open("classes", SETTLED.replace("#stage", "#classes"))
    p.b.js("document.querySelector('#classes [data-key=errors] button').click()")
    p.b.wait("location.hash.includes('by=-errors')")
    order = "[...document.querySelectorAll('#classes tbody tr')].slice(0, 9).map((r) => r.cells[0].dataset.v)"
    sorted_ = p.b.js(order)
    p.open(p.b.js("location.hash.slice(1)"), SETTLED.replace("#stage", "#classes"))
    expect("links: order of the classes", [p.b.js(order), p.b.js("document.querySelector('#classes [data-key=errors]').ariaSort")], [sorted_, "descending"])
    p.open("image/7")
    p.b.js("(() => { const s = document.querySelector('[data-tool=other]'); s.value = '5'; s.dispatchEvent(new Event('change')); })()")
    p.b.js("document.body.focus()")
    p.press("g")
    p.b.wait("location.hash.includes('other=5') && location.hash.includes('cells=1')")
    p.open(p.b.js("location.hash.slice(1)"))
    expect("links: map and cells of an image", p.b.js("[document.querySelector('[data-tool=other]').value, document.querySelector('[data-tool=cells]').checked]"), ["5", True])
    head = {"overview": "Overview", "grid": "Images", "matrix": "Confusion matrix", "classes": "Classes", "class 62": None, "pair 62 54": " predicted as ",
            "image 7": "Image 7", "scatter": "Scatter", "tags": "Tags", "about": None}
    for query, text in head.items():
        address = run_command(p, f"report explorer --open '{query}'").strip()
        p.b.open(p.url + "#" + address.split("#", 1)[1])
        p.b.wait("document.body.dataset.view !== undefined && document.body.dataset.loading === '0'")
        expect(f"links: --open '{query}': view", p.b.js("document.body.dataset.view"), query.replace(" ", "/"))
        if text:
            shown = p.b.js("[...document.querySelectorAll('h2')].filter((h) => h.offsetHeight > 0).map((h) => h.textContent)")
            expect(f"links: --open '{query}': heading", any(text in h for h in shown), True)
    p.quiet("links")
    return "links and --open"


ALL = ["overview", "grid?" + W("correct=0") + "&map=pred", "matrix", "matrix?order=cluster", "classes", "class/62", "pair/62/54", "image/7", "scatter", "tags", "about"]


def widths(p):
    """No view is wider than the window, whatever the window or the zoom."""
    for width, height, scale in (400, 800, 2), (700, 450, 2), (1400, 900, 1), (3840, 2160, 1):
        p.b.size(width, height, scale)
        for view in ALL:
            p.open(view)
            wide, inner = p.b.js("[document.documentElement.scrollWidth, innerWidth]")
            if wide > inner:
                faults.append(f"{view} at {width}: {wide} pixels wide")
    p.quiet("widths")
    return "no view is wider than the window"


# Text of less contrast than WCAG 2.1 asks for (4.5 to 1).
FAINT = """(() => {
    const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
    const light = (c) => { const f = c.slice(0, 3).map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
        return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
    const out = [];
    for (const e of document.querySelectorAll("body *")) {
        if (e.disabled || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) ||
            !e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }))
            continue;
        let behind = e, ground = [0, 0, 0, 0];
        for (; behind && ground[3] < 1; behind = behind.parentElement)
            ground = parse(getComputedStyle(behind).backgroundColor);
        const a = light(parse(getComputedStyle(e).color)), b = light(ground);
        if (ground[3] === 1 && (Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5)
            out.push(e.textContent.trim().slice(0, 40));
    }
    return out; })()"""


def contrast(p):
    """Text stands out, light and dark (Chromium)."""
    for dark in False, True:
        p.b.dark(dark)
        for view in ALL:
            p.open(view)
            expect(f"{view}, {'dark' if dark else 'light'}: faint text", p.b.js(FAINT), [])
    p.b.dark(False)
    return "text stands out, light and dark"


def accessible(p):
    """Names and roles of what a screen reader finds, and the order of the focus (Chromium)."""
    p.b.size(1400, 900)
    for view in ALL:
        p.open(view)
        nodes = p.b.tree()
        for role, name, _ in nodes:
            if role in NAMED and not name.strip():
                faults.append(f"{view}: {role} without a name")
        roles = [role for role, _, _ in nodes]
        for role in ("main", "navigation", "heading"):
            if role not in roles:
                faults.append(f"{view}: no {role}")
        if view.startswith("grid"):
            expect(f"{view}: a list of images", [n for r, n, _ in nodes if r == "listbox"][:1], ["Images"])
        # Each Tab moves on in the order of the page, the skip link first.
        p.b.js("document.activeElement.blur()")
        order = []
        for _ in range(12):
            p.b.key("Tab")
            order.append(p.b.js("(() => { const all = [...document.querySelectorAll('*')]; return all.indexOf(document.activeElement); })()"))
        # Behind the last comes the first again.
        on = order[:next((i for i in range(1, len(order)) if order[i] <= order[0]), len(order))]
        if on != sorted(on):
            faults.append(f"{view}: the focus moves back: {order}")
    p.open("grid")
    p.b.js("document.activeElement.blur()")
    p.b.key("Tab")
    expect("the skip link", p.b.js("document.activeElement.className"), "skip")
    p.quiet("accessible")
    return "names, roles, focus"


def maps(p):
    """Maps of the page are those of cam-compute, to 8 bits (Chromium)."""
    import struct
    p.open("grid")
    ids = [7, 500, 999]
    with open(os.path.join(p.run, "three.tsv"), "w") as f:
        rows = {r["id"]: r for r in table(p.run + "/data/predictions.tsv")}
        f.write("id\ttrue\tpred\n" + "".join(f"{i}\t{rows[str(i)]['true']}\t{rows[str(i)]['pred']}\n" for i in ids))
    for target, word in ("true", "true"), ("pred", "pred"), ("class:42", "42"):
        out = subprocess.run(f"cam-compute --class-maps data/class_maps.npy --ids data/ids.npy --target {target} --size 32x32 --scale unit < three.tsv",
                             shell=True, cwd=p.run, capture_output=True).stdout
        values = struct.unpack(f"<{3 * 1024}f", out[128:])
        for k, i in enumerate(ids):
            mine = p.b.js(f"(async () => {{ const m = await Picture.mapLater(Rows.find({i}), '{word}'); return Array.from(Maps.shown(m, 32, 32, false)); }})()")
            worst = max(abs(a - b) for a, b in zip(mine, values[1024 * k:1024 * k + 1024]))
            if not worst < .02:
                faults.append(f"map {target} of image {i}: off by {worst}")
    # The scale of a margin map ends at its largest value.
    i, row = next((i, r) for i, r in rows.items() if r["correct"] == "0")
    out = subprocess.run("cam-compute --class-maps data/class_maps.npy --ids data/ids.npy --target margin --size 32x32 --scale none",
                         shell=True, cwd=p.run, capture_output=True, input=f"id\ttrue\tpred\n{i}\t{row['true']}\t{row['pred']}\n".encode()).stdout
    most = max(map(abs, struct.unpack("<1024f", out[128:])))
    p.open("image/" + i)
    p.b.wait("!!document.querySelector('.frames .scale:not([hidden])')")
    ends = p.b.js("[...document.querySelectorAll('.frames .scale:not([hidden]) .ends span')].map((s) => s.textContent)")
    said = [re.sub(r"[0-9.]+", "", end) for end in ends] + [abs(float(re.sub("[^0-9.]", "", ends[-1])) - most) < .06 * most]
    expect("maps: the scale of a margin map", said, ["−\ntrue", "", "+\npredicted", True])
    p.quiet("maps")
    return "maps are those of cam-compute"


def plain(p):
    """Without JavaScript the tables remain, and the page prints (Chromium)."""
    p.b.scripts(False)
    p.b.open(p.url)
    for section in "overview", "classes", "pairs", "about":
        expect(f"without scripts: {section}", p.b.js(f"document.getElementById('{section}').offsetHeight > 50"), True)
    p.b.scripts(True)
    p.b.console = []
    p.open("class/62")
    p.b.pdf(os.path.join(p.run, "page.pdf"))
    expect("a page to print", os.path.getsize(os.path.join(p.run, "page.pdf")) > 10000, True)
    p.quiet("plain")
    return "without scripts, in print"


def addresses(p):
    """--open writes what the page itself would (Chromium)."""
    p.open("grid")
    for query in "correct=0 conf>0.9 sort=-conf", "class 42 part=missed", 'grid "true_name=it\'s a \\"b\\" & c"', "image 7", "pair 3 5 map=margin", "matrix order=cluster", 'grid note~ü%20':
        out = subprocess.run(["report", "explorer", "--open", query.replace('\\"', "")], capture_output=True, text=True).stdout.strip()
        expect(f"--open {query}", p.b.js(f"'explorer.html' + Address.make({{ ...Store.get(), ...Address.parse({json.dumps(out.split('#', 1)[-1])}) }})"), out.replace("%21", "!").replace("%27", "'").replace("%28", "(").replace("%29", ")").replace("%2A", "*"))
    return "--open writes addresses of the page"


def single(p):
    one = Page(p.b, p.run, "single.html")
    one.open("grid?size=16")
    shown = one.b.js(SHOWN)
    expect("one file: its images", len(shown) > 100, True)
    one.open("image/" + str(shown[0]))
    expect("one file: an image", one.b.js("document.querySelectorAll('.frames canvas').length > 2"), True)
    one.open("matrix")
    expect("one file: the matrix is of all", one.b.js("document.querySelector('canvas.matrix').dataset.images"), "1000")
    expect("one file: size", os.path.getsize(os.path.join(p.run, "single.html")) < 8 << 20, True)
    one.quiet("one file")
    return "one file"


def main():
    run, kinds = sys.argv[1], sys.argv[2:] or ["chromium", "firefox"]
    there = [k for k in kinds if drive.find(k)]
    if not there:
        print(f"no browser ({', '.join(kinds)})", file=sys.stderr)
        return 77
    done = []
    for kind in there:
        with drive.start(kind) as b:
            p = Page(b, run)
            # What only one of them offers is checked there.
            checks = [views, numbers, sorted_classes, scatter, marks, links, keyboard, widths, single]
            if kind == "chromium":
                checks += [matrix, means, accessible, contrast, maps, plain, addresses]
            only = os.environ.get("ONLY", "").split()
            for check in (c for c in checks if not only or c.__name__ in only):
                try:
                    done.append(f"{kind}: {check(p)}")
                except Exception as e:
                    faults.append(f"{kind}: {check.__name__}: {type(e).__name__}: {e}")
    print("\n".join(faults or done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
