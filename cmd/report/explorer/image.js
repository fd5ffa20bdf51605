/* One image: as it is, with its maps, what was predicted, and all that the tables say of it. */
const ImageView = (() => {
    const { index, make, draw } = Dom;
    const SMALL = 64, LARGE = matchMedia("(min-width: 150rem)");

    function view(host, state) {
        const WIDTH = LARGE.matches ? 448 : 256;
        const body = make("div", { class: "image-view" });
        host.append(body);
        const how = { get cells() { return !!Store.get().cells; } };
        let row = -1, redraw = () => {}, off = [];

        function frame(text, map, alone) {
            const h = WIDTH * Picture.ratio();
            const canvas = Dom.canvas(WIDTH, h, { role: "img", "aria-label": text, class: "picture" });
            const caption = make("figcaption", {}, make("span", { text }), make("output", { class: "value" }));
            const scale = map && alone ? Picture.scale() : null;
            const figure = make("figure", {}, canvas, scale?.node ?? "", caption);
            canvas.addEventListener("pointermove", (e) => {
                const m = map && Picture.map(row, map());
                if (!m)
                    return;
                const box = canvas.getBoundingClientRect(), [ih, iw] = how.cells ? [Maps.shape.h, Maps.shape.w] : Picture.size();
                const x = Math.min(iw - 1, Math.max(0, Math.floor((e.clientX - box.left) / box.width * iw)));
                const y = Math.min(ih - 1, Math.max(0, Math.floor((e.clientY - box.top) / box.height * ih)));
                const shown = Maps.shown(m, ih, iw, how.cells);
                const cell = [Math.min(Maps.shape.w - 1, Math.floor(x / iw * Maps.shape.w)), Math.min(Maps.shape.h - 1, Math.floor(y / ih * Maps.shape.h))];
                caption.lastChild.textContent = `${m.signed ? "" : `${shown[y * iw + x].toFixed(2)}, `}cell ${cell[1] + 1},${cell[0] + 1}: ${Dom.number(m.values[cell[1] * Maps.shape.w + cell[0]])}`;
            });
            canvas.addEventListener("pointerleave", () => caption.lastChild.textContent = "");
            const paint = () => {
                const s = Store.get(), word = map ? map() : "";
                Picture.draw(canvas.getContext("2d"), row, 0, 0, WIDTH, h, { map: word, alone, cells: how.cells, cmap: s.cmap, alpha: s.alpha, paper: Dom.color("soft") });
                if (word && alone && how.cells)
                    lines(canvas.getContext("2d"), WIDTH, h);
                const m = word ? Picture.map(row, word) : undefined;
                figure.classList.toggle("blank", !!m && !m.signed && Maps.blank(m.values));
                figure.hidden = !!word && m === null;
                if (scale && m?.signed)
                    scale.show(Maps.limit(Maps.shown(m, ...Picture.size(), how.cells)));
                else if (scale)
                    scale.node.hidden = true;
            };
            return { figure, paint };
        }

        function lines(ctx, w, h) {
            ctx.strokeStyle = "#ffffff80";
            ctx.lineWidth = 1;
            ctx.beginPath();
            for (let i = 1; i < Maps.shape.w; i++) {
                ctx.moveTo(Math.round(i * w / Maps.shape.w) + .5, 0);
                ctx.lineTo(Math.round(i * w / Maps.shape.w) + .5, h);
            }
            for (let i = 1; i < Maps.shape.h; i++) {
                ctx.moveTo(0, Math.round(i * h / Maps.shape.h) + .5);
                ctx.lineTo(w, Math.round(i * h / Maps.shape.h) + .5);
            }
            ctx.stroke();
        }

        /* The five most probable classes as bars. */
        function bars(columns) {
            const list = make("ol", { class: "five" }), { truth, pred, conf } = Rows.all;
            const five = [[pred[row], conf[row]]];
            for (let i = 2; i <= 5; i++) {
                const [c, p] = [columns.get(`pred${i}`), columns.get(`conf${i}`)];
                if (c?.kind === "number" && p?.kind === "number" && !Number.isNaN(c.numbers[row]))
                    five.push([c.numbers[row], p.numbers[row]]);
            }
            const p = columns.get("p_true");
            if (p && truth[row] === truth[row] && !five.some(([c]) => c === truth[row]))
                five.push([truth[row], p.numbers[row]]);
            list.append(...five.map(([c, share]) => make("li", { class: c === truth[row] ? "truth" : "" },
                make("button", { type: "button", title: "Show the map of this class", "aria-label": `${Rows.className(c)}, ${Dom.percent(share)}${c === truth[row] ? ", the true class" : ""}: show its map`,
                    onclick: () => Store.set({ other: String(c) }, { quiet: true }) }, Dom.name(Rows.className(c)), c === truth[row] ? " (true class)" : ""),
                make("b", { text: Dom.percent(share) }),
                bar(share))));
            return list;
        }
        const bar = (share) => {
            const svg = draw("svg", { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
            svg.append(draw("rect", { width: 100, height: 8 }), draw("rect", { width: 100 * share, height: 8 }));
            return svg;
        };

        /* Previous and next of the list from which the image was opened, or of all rows. */
        function beside(by) {
            const { list } = Store.get(), at = list.indexOf(row);
            const next = at >= 0 ? list[at + by] : row + by;
            return next === undefined || next < 0 || next >= Rows.all.n ? -1 : next;
        }
        const cells = (on) => Store.set({ cells: on ? "1" : "" }, { quiet: true });
        const go = (to) => to >= 0 && Store.set({ args: [Rows.all.id[to]] });

        function neighbour(by, text) {
            const to = beside(by);
            if (to < 0)
                return make("span", { class: "neighbour" });
            const canvas = Dom.canvas(SMALL, SMALL * Picture.ratio(), { "aria-hidden": "true" });
            off.push(() => Picture.draw(canvas.getContext("2d"), to, 0, 0, SMALL, SMALL * Picture.ratio(), { map: "", paper: Dom.color("soft") }));
            return make("a", { class: "neighbour", href: Address.to("image", [Rows.all.id[to]]), "aria-label": `${text}: ${Grid.label(to)}` }, canvas, make("span", { text: by < 0 ? "← previous" : "next →" }));
        }

        /* Images of the neighbouring ids, which often come from one source. */
        function neighbours() {
            const box = make("div", { class: "near" });
            for (let by = -3; by <= 3; by++) {
                const to = Rows.find(Rows.all.id[row] + by);
                if (to < 0 || by === 0)
                    continue;
                const canvas = Dom.canvas(SMALL, SMALL * Picture.ratio(), { "aria-hidden": "true" });
                off.push(() => Picture.draw(canvas.getContext("2d"), to, 0, 0, SMALL, SMALL * Picture.ratio(), { map: "", paper: Dom.color("soft") }));
                box.append(make("a", { href: Address.to("image", [Rows.all.id[to]]), "aria-label": Grid.label(to) }, canvas, make("span", { text: Rows.all.id[to] })));
            }
            return box;
        }

        /* The columns that the page always shows, and later all of them. */
        const columns = async (names) => new Map((await Promise.all(names.map((name) => Rows.column(name)))).filter(Boolean).map((c) => [c.name, c]));
        const FIVE = ["p_true", "file", ...[2, 3, 4, 5].flatMap((i) => [`pred${i}`, `conf${i}`])];

        let asked = 0;
        async function build() {
            const mine = ++asked, s = Store.get();
            await Rows.ready;
            row = Rows.find(s.args[0]);
            if (mine !== asked)
                return;
            if (row < 0) {
                body.replaceChildren(make("h2", { tabIndex: -1, text: `Image ${s.args[0]}` }), make("p", { text: index.single ? "This file does not hold this image." : "No row has this id." }));
                return;
            }
            off = [];
            const { id, truth, pred, conf } = Rows.all, wrong = Grid.isWrong(row);
            const maps = !!Maps.shape, labelled = truth[row] === truth[row];
            const main = () => Store.get().map || (Maps.choices()[0]?.[0] ?? "");
            const frames = [frame("Image", null, false)];
            const pair = [];
            if (maps) {
                const said = () => Maps.choices().find(([v]) => v === main())?.[1] ?? Rows.className(Number(main()));
                frames.push(frame(`Over the image: ${said()}`, main, false), frame(`Map: ${said()}`, main, true));
                if (wrong)
                    pair.push(frame(`True class: ${Rows.className(truth[row])}`, () => "true", false), frame(`Predicted: ${Rows.className(pred[row])}`, () => "pred", false),
                        frame(`Margin map: ${Maps.SIDES}`, () => "margin", true));
                const { other } = s;
                if (/^\d+$/.test(other))
                    pair.push(frame(`Map of ${Rows.className(Number(other))}`, () => other, false));
            }
            redraw = () => {
                Picture.begin();
                for (const f of [...frames, ...pair])
                    f.paint();
                off.forEach((f) => f());
            };
            const some = await columns(FIVE.filter((name) => index.tables[0].columns.includes(name)));
            if (mine !== asked)
                return;
            const file = some.get("file");
            const tags = make("p", { class: "tag-list" });
            const input = make("input", { type: "text", size: "14", placeholder: "word", "aria-label": "Tag for this image", autocomplete: "off", id: "tag-input" });
            const tag = () => Tags.add([row], input.value) && (input.value = "", showTags());
            const showTags = () => tags.replaceChildren("Tags: ", ...Tags.of(row).map((w) => make("span", { class: "chip" }, Dom.name(w), make("button", { type: "button", text: "×", "aria-label": `Remove the tag ${w}`, onclick: () => {
                Tags.remove(id[row], w);
                showTags();
            } }))), input, make("button", { type: "button", text: "Tag (t)", onclick: tag }));
            input.addEventListener("keydown", (e) => e.key === "Enter" && tag());
            showTags();
            const tools = Grid.tools(s, { order: false, size: false, map: maps ? main() : null });
            if (maps) {
                const classes = Maps.shape.words ? [] : index.classes.names.slice(0, Maps.shape.planes).map((_, c) => [String(c), Rows.className(c)]);
                if (classes.length > 0)
                    tools.append(Grid.choice("Map of a class", s.other, [["", "choose"], ...classes], (other) => Store.set({ other }, { quiet: true }), "other"));
                tools.append(make("label", { class: "tool" }, make("input", { type: "checkbox", checked: how.cells, "data-tool": "cells", onchange: (e) => cells(e.target.checked) }), make("span", { text: `Cells (${Maps.shape.h} by ${Maps.shape.w})` })));
            }
            const marked = Marks.of(row).map((text) => make("p", { class: "warning" }, make("span", { class: "mark", "aria-hidden": "true", text: "!" }), " ", Dom.name(text)));
            const facts = make("dl", { class: "facts" });
            const before = document.activeElement?.id;
            const one = `awk -F '\\t' 'NR == 1 { ${Command.COLUMNS}; print; next } ${Command.field("id")} == ${id[row]}' ${Command.quote(index.tables[0].file)}`;
            Dom.empty(body);
            body.append(make("div", { class: "head" }, neighbour(-1, "Previous"),
                make("div", {}, make("h2", { tabIndex: -1 }, `Image ${id[row]}`, file ? make("small", {}, " ", Dom.name(Rows.text(file, row))) : ""),
                    make("p", { class: wrong ? "verdict wrong" : "verdict" }, wrong ? ["✗ ", make("a", { href: Address.to("class", [truth[row]]) }, Dom.name(Rows.className(truth[row]))), " predicted as ",
                        make("a", { href: Address.to("pair", [truth[row], pred[row]]) }, Dom.name(Rows.className(pred[row])))] : [labelled ? "✓ " : "predicted as ", make("a", { href: Address.to("class", [pred[row]]) }, Dom.name(Rows.className(pred[row])))],
                    `, confidence ${Dom.percent(conf[row])}`),
                    marked), neighbour(1, "Next")),
            tools, make("div", { class: "columns" },
                make("div", { class: "frames" }, [...frames, ...pair].map((f) => f.figure)),
                make("section", { class: "beside", "aria-label": "Predictions" }, make("h3", { text: "Most probable classes" }), bars(some), tags,
                    make("h3", { text: "Images before and after it" }), neighbours())),
            make("h3", { text: "All that the tables say" }), facts,
            make("div", { class: "commands" }, Command.line("This row", one), Command.line("Its picture", Promise.resolve(Command.pictures(one, s.other || main())))));
            redraw();
            if (before === "tag-input")
                input.focus();
            const all = await columns([...(await Rows.known()).keys()]);
            if (mine === asked)
                facts.append(...[...all.values()].map((c) => make("div", {}, make("dt", { text: c.name }), make("dd", {}, Dom.name(Rows.text(c, row))))));
        }

        const keys = (e) => {
            if (e.defaultPrevented || e.ctrlKey || e.altKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName))
                return;
            if (e.key === "ArrowLeft")
                go(beside(-1));
            else if (e.key === "ArrowRight")
                go(beside(1));
            else if (e.key === "g" && Maps.shape) {
                cells(!how.cells);
                body.querySelector("[data-tool=cells]").checked = how.cells;
            } else
                return;
            e.preventDefault();
        };
        document.addEventListener("keydown", keys);
        const soft = () => requestAnimationFrame(() => redraw());
        const ends = [Picture.listen(soft), Store.listen((s, before) => {
            if (s.view !== "image")
                return;
            if (s.args[0] !== before.args[0] || s.map !== before.map || s.other !== before.other || s.marked !== before.marked)
                build();
            else
                soft();
        })];
        build();
        return () => {
            document.removeEventListener("keydown", keys);
            ends.forEach((f) => f());
            asked++;
        };
    }

    return { view };
})();
