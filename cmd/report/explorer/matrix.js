/* The confusion matrix: errors by colour, the diagonal held back. */
const Matrix = (() => {
    const { index, make } = Dom;
    const classes = index.classes.names.length;
    const LABELS_FROM = 9, CELL_MOST = 36, NAME = 15; /* pixels, pixels, letters */

    /* Counts by true and predicted class, those of the tables where nothing is filtered. */
    async function count(where) {
        const n = new Int32Array(classes * classes);
        if (where.length === 0) {
            const cells = new Int32Array((await Pieces.load("confusion")).buffer);
            for (let i = 0; i < cells.length; i += 3)
                n[cells[i] * classes + cells[i + 1]] += cells[i + 2];
            return n;
        }
        const { truth, pred } = Rows.all;
        for (const r of await Query.rows(where, ""))
            if (truth[r] === truth[r])
                n[truth[r] * classes + pred[r]]++;
        return n;
    }

    const total = (n, c) => n.subarray(c * classes, (c + 1) * classes).reduce((a, b) => a + b, 0);

    function order(n, by) {
        const ids = Array.from({ length: classes }, (_, c) => c);
        const accuracy = (c) => n[c * classes + c] / (total(n, c) || NaN);
        const group = (c) => index.classes.group[c] < 0 ? Infinity : index.classes.group[c];
        switch (by) {
        case "accuracy": return ids.map((c) => [c, accuracy(c)]).sort(([a, x], [b, y]) => (Number.isNaN(x) - Number.isNaN(y)) || x - y || a - b).map(([c]) => c);
        case "name": return ids.sort((a, b) => Rows.className(a).localeCompare(Rows.className(b), undefined, { numeric: true }) || a - b);
        case "cluster": return index.cluster;
        case "id": return ids;
        default: return ids.sort((a, b) => group(a) - group(b) || a - b);
        }
    }

    function view(host, state) {
        const found = make("span", { class: "found" });
        const commands = make("div", { class: "commands" });
        const tip = make("p", { class: "tip", role: "status", "aria-live": "polite" });
        const canvas = make("canvas", { tabIndex: 0, role: "img", "aria-label": "Confusion matrix. Arrow keys move from cell to cell, Enter opens its images.", class: "matrix" });
        const scroll = make("div", { class: "matrix-scroll" }, canvas);
        const legend = make("div", { class: "legend" });
        const orders = [["group", "superclass"], ["accuracy", "accuracy"], ["name", "name"], ["cluster", "clustered by confusion"], ["id", "class ID"]]
            .filter(([v]) => v !== "group" || index.classes.groups.length > 0);
        host.append(make("div", { class: "head" }, make("h2", { tabIndex: -1, text: "Confusion matrix" }), found),
            make("div", { class: "tools" },
                Grid.choice("Order", orders.some(([v]) => v === state.order) ? state.order : "id", orders, (o) => Store.set({ order: o }, { quiet: true }), "order"),
                Grid.choice("Colour", state.rates, [["", "counts"], ["1", "shares of the true class"]], (rates) => Store.set({ rates }, { quiet: true }), "rates"), legend),
            tip, scroll, commands);

        let n = new Int32Array(0), rows = [], at = { x: 0, y: 0 }, cell = 4, left = 0, top = 0, picture = null, asked = "";
        const value = (t, p) => Store.get().rates ? n[t * classes + p] / (total(n, t) || 1) : n[t * classes + p];
        let most = 1;

        function prepare(s) {
            rows = order(n, orders.some(([v]) => v === s.order) ? s.order : "id");
            most = 0;
            const sums = Array.from({ length: classes }, (_, c) => total(n, c) || 1);
            const of = (t, p) => s.rates ? n[t * classes + p] / sums[t] : n[t * classes + p];
            for (let t = 0; t < classes; t++)
                for (let p = 0; p < classes; p++)
                    if (t !== p)
                        most = Math.max(most, of(t, p));
            /* Square roots: single errors are seen beside the most frequent ones. */
            const v = new Float32Array(classes * classes);
            for (let y = 0; y < classes; y++)
                for (let x = 0; x < classes; x++)
                    v[y * classes + x] = x === y || most === 0 ? 0 : Math.sqrt(of(rows[y], rows[x]) / most);
            const image = Maps.paint(v, classes, classes, false, s.cmap);
            const paper = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
            const line = Dom.color("line"), grey = line.match(/[0-9a-f]{2}/gi).map((h) => parseInt(h, 16));
            for (let i = 0; i < v.length; i++)
                if (v[i] === 0)
                    image.data.set(i % (classes + 1) === 0 ? grey : paper.slice(0, 3), 4 * i);
            picture = document.createElement("canvas");
            picture.width = picture.height = classes;
            picture.getContext("2d").putImageData(image, 0, 0);
            legend.replaceChildren(make("span", { text: most === 0 ? "no errors" : s.rates ? "0\u00a0%" : "0" }));
            if (most > 0) {
                const c = Dom.canvas(120, 12, { "aria-hidden": "true" });
                const scale = document.createElement("canvas");
                scale.width = 120;
                scale.height = 1;
                scale.getContext("2d").putImageData(Maps.paint(Float32Array.from({ length: 120 }, (_, i) => Math.sqrt(i / 119)), 1, 120, false, s.cmap), 0, 0);
                c.getContext("2d").drawImage(scale, 0, 0, 120, 12);
                legend.append(c, make("span", { text: s.rates ? Dom.percent(most) : String(most) }));
            }
        }

        function paint() {
            if (!picture)
                return;
            const width = scroll.clientWidth, short = (c) => {
                const name = [...Rows.className(c)];
                return name.length > NAME ? `${name.slice(0, NAME - 1).join("")}…` : name.join("");
            };
            const longest = Math.max(...rows.map((c) => [...short(c)].length));
            const margin = Math.min(130, 12 + 6.2 * longest);
            /* Whole pixels where there is room for letters; else as much as fits. In a high window
             * the whole is seen at once. */
            const high = (window.innerHeight - scroll.getBoundingClientRect().top - window.scrollY - margin - 24) / classes;
            const wide = (width - margin - 4) / classes, labels = wide >= LABELS_FROM;
            const room = Math.min(CELL_MOST, high >= LABELS_FROM ? Math.min(wide, high) : wide);
            cell = labels ? Math.floor(room) : Math.max(1, Math.min(LABELS_FROM, (width - 8) / classes));
            left = labels ? margin : 4;
            top = left;
            const side = cell * classes;
            canvas.dataset.cells = `${left} ${top} ${cell}`;
            Dom.resize(canvas, left + side + 4, top + side + 4);
            const ctx = canvas.getContext("2d");
            ctx.clearRect(0, 0, left + side + 4, top + side + 4);
            ctx.imageSmoothingEnabled = false;
            ctx.drawImage(picture, left, top, side, side);
            ctx.strokeStyle = Dom.color("line");
            ctx.strokeRect(left - .5, top - .5, side + 1, side + 1);
            if (labels) {
                ctx.fillStyle = Dom.color("ink");
                ctx.font = `${Math.min(12, cell)}px system-ui, sans-serif`;
                ctx.textBaseline = "middle";
                rows.forEach((c, i) => {
                    const middle = (i + .5) * cell;
                    ctx.textAlign = "right";
                    ctx.fillText(short(c), left - 4, top + middle);
                    ctx.save();
                    ctx.translate(left + middle, top - 4);
                    ctx.rotate(-Math.PI / 2);
                    ctx.textAlign = "left";
                    ctx.fillText(short(c), 0, 0);
                    ctx.restore();
                });
                if (cell >= 20) {
                    ctx.textAlign = "center";
                    ctx.font = `${Math.min(12, cell / 2)}px system-ui, sans-serif`;
                    for (let y = 0; y < classes; y++)
                        for (let x = 0; x < classes; x++) {
                            const v = n[rows[y] * classes + rows[x]];
                            if (v === 0)
                                continue;
                            const share = x === y || most === 0 ? null : Math.sqrt(value(rows[y], rows[x]) / most);
                            ctx.fillStyle = share === null ? Dom.color("quiet") : share > .55 ? "#000000" : "#ffffff";
                            ctx.fillText(String(v), left + (x + .5) * cell, top + (y + .5) * cell);
                        }
                }
            }
            ctx.strokeStyle = Dom.color("focus");
            ctx.lineWidth = 2;
            ctx.strokeRect(left + at.x * cell - 1, top + at.y * cell - 1, cell + 2, cell + 2);
        }

        function tell() {
            if (rows.length === 0)
                return;
            const t = rows[at.y], p = rows[at.x], v = n[t * classes + p], all = total(n, t);
            const share = all > 0 ? ` of ${all} (${Dom.percent(v / all)})` : "";
            tip.replaceChildren(...t === p ? [Dom.name(Rows.className(t)), ` correct: ${v}${share}`]
                : [Dom.name(Rows.className(t)), " predicted as ", Dom.name(Rows.className(p)), `: ${v}${share}`]);
        }
        function move(x, y) {
            x = Math.max(0, Math.min(classes - 1, x));
            y = Math.max(0, Math.min(classes - 1, y));
            if (x === at.x && y === at.y)
                return;
            at = { x, y };
            paint();
            tell();
        }
        function open() {
            const t = rows[at.y], p = rows[at.x];
            Store.set(t === p ? { view: "class", args: [t], part: "right" } : { view: "pair", args: [t, p], part: "all" });
        }
        const cellOf = (e) => {
            const box = canvas.getBoundingClientRect();
            return [Math.floor((e.clientX - box.left - left) / cell), Math.floor((e.clientY - box.top - top) / cell)];
        };
        const inside = ([x, y]) => x >= 0 && y >= 0 && x < classes && y < classes;
        canvas.addEventListener("pointermove", (e) => inside(cellOf(e)) && move(...cellOf(e)));
        canvas.addEventListener("click", (e) => {
            if (!inside(cellOf(e)))
                return;
            move(...cellOf(e));
            open();
        });
        canvas.addEventListener("keydown", (e) => {
            const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1], Home: [-classes, 0], End: [classes, 0], PageUp: [0, -10], PageDown: [0, 10] }[e.key];
            if (step)
                move(at.x + step[0], at.y + step[1]);
            else if (e.key === "Enter")
                open();
            else
                return;
            e.preventDefault();
        });

        async function update(s) {
            const key = JSON.stringify([s.where, s.order, s.rates, s.cmap, Tags.version()]);
            if (key === asked)
                return;
            asked = key;
            commands.replaceChildren(Command.line("This matrix", Command.confmat(s.order === "group" && orders[0][0] === "group" ? "--order group" : "--long", s.where)));
            await Rows.ready;
            const counts = await count(s.where);
            if (key !== asked)
                return;
            n = counts;
            const all = n.reduce((a, b) => a + b, 0);
            let right = 0;
            for (let c = 0; c < classes; c++)
                right += n[c * classes + c];
            found.textContent = `${Dom.count(all, "image")}, ${Dom.count(all - right, "error")}`;
            prepare(s);
            canvas.dataset.images = all;
            canvas.dataset.order = rows.join(" ");
            paint();
            tell();
        }
        const watch = new ResizeObserver(paint);
        watch.observe(scroll);
        const end = Store.listen((s) => s.view === "matrix" && update(s));
        const scheme = matchMedia("(prefers-color-scheme: dark)"), repaint = () => {
            prepare(Store.get());
            paint();
        };
        scheme.addEventListener("change", repaint);
        update(state);
        return () => {
            end();
            watch.disconnect();
            scheme.removeEventListener("change", repaint);
        };
    }

    return { view, count };
})();
