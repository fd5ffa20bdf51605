/* Two properties as a scatter: points, or images where there is room; a lasso selects. */
const Scatter = (() => {
    const { make } = Dom;
    const IMAGES_UP_TO = 400, THUMB = 28;

    async function view(host, state) {
        const title = make("h2", { tabIndex: -1, text: "Scatter" }), found = make("span", { class: "found" });
        const tools = make("div", { class: "tools" }), commands = make("div", { class: "commands" });
        const canvas = make("canvas", { tabIndex: 0, role: "img", class: "scatter", "aria-label": "Scatter of two properties. Draw a line around points to select them; the wheel and + and − zoom, arrow keys move." });
        const box = make("div", { class: "scatter-box" }, canvas);
        const chosen = Grid.selection();
        const hint = make("p", { class: "tip", text: `${Dom.index.labelled ? "Errors are red and larger, correct predictions blue. " : ""}Draw around points to select them; a click opens the nearest image. The wheel or + and − zoom, arrow keys or Alt and dragging move. Enter selects what is seen.` });
        host.append(make("div", { class: "head" }, title, found), tools, hint, chosen.bar, box, commands);
        const numbers = [...(await Rows.known()).values()].filter((p) => p.kind === "number").map((p) => p.name);
        const pick = (wanted, usual) => numbers.includes(wanted) ? wanted : usual.find((n) => numbers.includes(n)) ?? numbers[0];
        const axes = (s) => [pick(s.x, ["x", "conf"]), pick(s.y, ["y", "entropy", "margin"])];
        const options = numbers.map((n) => [n, n]), [x0, y0] = axes(state);
        tools.append(Grid.choice("Across", x0, options, (x) => Store.set({ x, area: "" }, { quiet: true }), "x"),
            Grid.choice("Up", y0, options, (y) => Store.set({ y, area: "" }, { quiet: true }), "y"),
            make("button", { type: "button", text: "Whole", onclick: whole }),
            make("button", { type: "button", text: "Select what is seen", onclick: () => select(seen()) }));

        let rows = new Int32Array(0), x = null, y = null, range = null, full = null, asked = "", lasso = null, frame = 0, drag = null;
        const size = () => [box.clientWidth, box.clientHeight];
        const place = (r) => {
            const [w, h] = size();
            return [8 + (x.numbers[r] - range.x0) / (range.x1 - range.x0 || 1) * (w - 16), h - 8 - (y.numbers[r] - range.y0) / (range.y1 - range.y0 || 1) * (h - 16)];
        };
        const inside = ([px, py]) => px >= 0 && py >= 0 && px <= size()[0] && py <= size()[1];
        const seen = () => rows.filter((r) => inside(place(r)));

        function extent() {
            let e = null;
            for (const r of rows) {
                const [a, b] = [x.numbers[r], y.numbers[r]];
                if (a !== a || b !== b)
                    continue;
                e ??= { x0: a, x1: a, y0: b, y1: b };
                e.x0 = Math.min(e.x0, a);
                e.x1 = Math.max(e.x1, a);
                e.y0 = Math.min(e.y0, b);
                e.y1 = Math.max(e.y1, b);
            }
            return e ?? { x0: 0, x1: 1, y0: 0, y1: 1 };
        }

        /* Points of thousands of images, as pixels: errors are larger, and lie above the others. */
        function points(ctx, visible, good, bad) {
            const { width, height } = canvas, scale = width / size()[0], image = ctx.createImageData(width, height);
            const pixels = new Uint32Array(image.data.buffer);
            /* As large as leaves room between them. */
            const most = Math.max(2, Math.min(6, Math.sqrt(size()[0] * size()[1] / visible.length) / 6));
            for (const wrong of [false, true]) {
                const [red, green, blue] = (wrong ? bad : good).match(/[0-9a-f]{2}/gi).map((h) => parseInt(h, 16));
                const ink = (0xc0 << 24 | blue << 16 | green << 8 | red) >>> 0, side = Math.round((most + wrong) * scale);
                for (const r of visible) {
                    if (Grid.isWrong(r) !== wrong)
                        continue;
                    const [px, py] = place(r);
                    const left = Math.max(0, Math.round(px * scale - side / 2)), top = Math.max(0, Math.round(py * scale - side / 2));
                    for (let v = top; v < Math.min(height, top + side); v++)
                        pixels.fill(ink, v * width + left, v * width + Math.min(width, left + side));
                }
            }
            ctx.putImageData(image, 0, 0);
        }

        function paint() {
            frame = 0;
            if (!x || !range)
                return;
            const [w, h] = size();
            if (canvas.style.width !== `${w}px` || canvas.style.height !== `${h}px`)
                Dom.resize(canvas, w, h);
            const ctx = canvas.getContext("2d"), s = Store.get(), visible = seen();
            ctx.clearRect(0, 0, w, h);
            Picture.begin();
            const [good, bad, mark] = [Dom.color("high"), Dom.color("low"), Dom.color("focus")];
            if (visible.length <= IMAGES_UP_TO) {
                const t = THUMB * Picture.ratio();
                for (const r of visible) {
                    const [px, py] = place(r);
                    Picture.draw(ctx, r, px - THUMB / 2, py - t / 2, THUMB, t, { map: s.map, cmap: s.cmap, alpha: s.alpha, paper: Dom.color("soft") });
                    ctx.strokeStyle = s.selected.has(r) ? mark : Grid.isWrong(r) ? bad : good;
                    ctx.lineWidth = s.selected.has(r) ? 3 : 1;
                    ctx.strokeRect(px - THUMB / 2, py - t / 2, THUMB, t);
                }
            } else {
                points(ctx, visible, good, bad);
                ctx.strokeStyle = mark;
                for (const r of s.selected)
                    if (x.numbers[r] === x.numbers[r] && inside(place(r)))
                        ctx.strokeRect(place(r)[0] - 3, place(r)[1] - 3, 6, 6);
            }
            ctx.fillStyle = Dom.color("quiet");
            ctx.font = "12px system-ui, sans-serif";
            ctx.textAlign = "left";
            ctx.fillText(`${x.name}: ${Dom.number(range.x0)} to ${Dom.number(range.x1)} →`, 10, h - 10);
            ctx.fillText(`↑ ${y.name}: ${Dom.number(range.y0)} to ${Dom.number(range.y1)}`, 10, 16);
            if (lasso) {
                ctx.strokeStyle = mark;
                ctx.lineWidth = 2;
                ctx.beginPath();
                lasso.forEach(([px, py]) => ctx.lineTo(px, py));
                ctx.closePath();
                ctx.stroke();
            }
        }
        const soon = () => frame ||= requestAnimationFrame(paint);

        /* What part of the plane is seen stands in the address, to six digits; "" is the whole. */
        const EDGES = ["x0", "x1", "y0", "y1"];
        function area(text) {
            const edge = text.split(",").map(Number);
            const some = edge.length === 4 && edge.every(Number.isFinite) && edge[0] < edge[1] && edge[2] < edge[3];
            return some ? Object.fromEntries(EDGES.map((name, i) => [name, edge[i]])) : { ...full };
        }
        function look(next) {
            range = next;
            Store.set({ area: EDGES.map((name) => Number(range[name].toPrecision(6))).join(",") }, { quiet: true });
            soon();
        }
        function whole() {
            Store.set({ area: "" }, { quiet: true });
            range = { ...full };
            soon();
        }
        function zoom(factor, cx = .5, cy = .5) {
            const w = (range.x1 - range.x0) * factor, h = (range.y1 - range.y0) * factor;
            const mx = range.x0 + cx * (range.x1 - range.x0), my = range.y0 + cy * (range.y1 - range.y0);
            look({ x0: mx - cx * w, x1: mx + (1 - cx) * w, y0: my - cy * h, y1: my + (1 - cy) * h });
        }
        function shift(dx, dy) {
            const w = (range.x1 - range.x0) * dx, h = (range.y1 - range.y0) * dy;
            look({ x0: range.x0 + w, x1: range.x1 + w, y0: range.y0 + h, y1: range.y1 + h });
        }
        const select = (some) => {
            Store.set({ selected: new Set(some) }, { quiet: true });
            Dom.say(`${Dom.count(some.length, "image")} selected.`);
        };

        /* Whether a point lies inside of a line that ends where it begins. */
        function within([px, py], line) {
            let in_ = false;
            for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
                const [ax, ay] = line[i], [bx, by] = line[j];
                if ((ay > py) !== (by > py) && px < (bx - ax) * (py - ay) / (by - ay) + ax)
                    in_ = !in_;
            }
            return in_;
        }

        const at = (e) => {
            const r = canvas.getBoundingClientRect();
            return [e.clientX - r.left, e.clientY - r.top];
        };
        canvas.addEventListener("pointerdown", (e) => {
            canvas.setPointerCapture(e.pointerId);
            if (e.altKey || e.button === 1)
                drag = at(e);
            else
                lasso = [at(e)];
        });
        canvas.addEventListener("pointermove", (e) => {
            const p = at(e), [w, h] = size();
            if (drag) {
                shift((drag[0] - p[0]) / w, (p[1] - drag[1]) / h);
                drag = p;
            } else if (lasso) {
                lasso.push(p);
                soon();
            }
        });
        canvas.addEventListener("pointerup", (e) => {
            const line = lasso;
            lasso = drag = null;
            if (line && line.length > 4)
                select(rows.filter((r) => within(place(r), line)));
            else if (line) {
                const p = at(e);
                const near = [...rows].map((r) => [r, Math.hypot(place(r)[0] - p[0], place(r)[1] - p[1])]).sort((a, b) => a[1] - b[1])[0];
                if (near && near[1] < 20)
                    Store.set({ view: "image", args: [Rows.all.id[near[0]]], list: rows });
            }
            soon();
        });
        canvas.addEventListener("wheel", (e) => {
            const [px, py] = at(e), [w, h] = size();
            e.preventDefault();
            zoom(e.deltaY > 0 ? 1.2 : 1 / 1.2, px / w, 1 - py / h);
        }, { passive: false });
        canvas.addEventListener("keydown", (e) => {
            const step = { ArrowRight: [.1, 0], ArrowLeft: [-.1, 0], ArrowUp: [0, .1], ArrowDown: [0, -.1] }[e.key];
            if (step)
                shift(...step);
            else if (e.key === "+" || e.key === "=")
                zoom(1 / 1.4);
            else if (e.key === "-")
                zoom(1.4);
            else if (e.key === "Enter" || e.key === " ")
                select(seen());
            else
                return;
            e.preventDefault();
            e.stopPropagation();
        });

        async function update(s, how = {}) {
            if (how.read && full)
                range = area(s.area);
            const names = axes(s), key = JSON.stringify([s.where, names, Tags.version()]);
            if (key !== asked) {
                asked = key;
                const command = Command.rows(s.where, "");
                commands.replaceChildren(Command.line("These rows", command));
                const [a, b, all] = await Promise.all([Rows.column(names[0]), Rows.column(names[1]), Query.rows(s.where, "")]);
                if (key !== asked)
                    return;
                [x, y] = [a, b];
                rows = all;
                full = extent();
                range = area(s.area);
                found.textContent = Dom.count(rows.length, "image");
                canvas.dataset.count = rows.length;
            }
            soon();
        }
        const watch = new ResizeObserver(soon);
        watch.observe(box);
        const ends = [Store.listen((s, _, how) => s.view === "scatter" && update(s, how)), Picture.listen(soon), chosen.end, () => watch.disconnect()];
        update(Store.get());
        return () => ends.forEach((f) => f());
    }

    return { view };
})();
