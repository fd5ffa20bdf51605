/* A class or a pair: its images apart, the mean of their maps, and the histogram of confidence. */
const Subject = (() => {
    const { index, make } = Dom;
    const MEAN_OF = 400, MEAN = 128; /* images, pixels */

    let panels = []; /* the mean maps that are shown: [rows, map] */

    /* What can be looked at apart: [part, text, conditions, whose map is meant]. */
    function parts(state) {
        const [a, b] = state.args;
        if (state.view === "pair")
            return [["all", "this direction", [`true=${a}`, `pred=${b}`], "pred"], ["reverse", "reverse", [`true=${b}`, `pred=${a}`], "pred"]];
        if (!index.labelled)
            return [["all", "predicted as this", [`pred=${a}`], "pred"]];
        return [["all", "all", [`true=${a}`], "true"], ["right", "correct", [`true=${a}`, "correct=1"], "true"],
            ["missed", "missed (wrong)", [`true=${a}`, "correct=0"], "true"], ["false", "false positives", [`pred=${a}`, "correct=0"], "pred"]];
    }

    const part = (state) => parts(state).find(([p]) => p === state.part) ?? parts(state)[0];

    /* The mean of the maps of rows, each from 0 to 1; a margin map keeps its values. */
    async function mean(rows, word) {
        const some = rows.subarray(0, MEAN_OF);
        let sum = null, n = 0, signed = false;
        for (const row of some) {
            const m = await Picture.mapLater(row, word);
            if (!m)
                continue;
            signed = m.signed;
            const v = Maps.shown(m, 0, 0, true);
            sum ??= new Float64Array(v.length);
            for (let i = 0; i < v.length; i++)
                sum[i] += v[i];
            n++;
        }
        return n === 0 ? null : { values: Float32Array.from(sum, (v) => v / n), signed, n };
    }

    function meanPanel(host, rows, word, text, current) {
        const box = make("figure", { class: "mean", hidden: true });
        host.append(box);
        mean(rows, word).then((m) => {
            if (!m || !current())
                return;
            const [h, w] = Picture.size(), small = document.createElement("canvas"), draw = () => {
                small.width = w;
                small.height = h;
                small.getContext("2d").putImageData(Maps.paint(Maps.shown({ ...m, signed: m.signed }, h, w, false), h, w, m.signed, Store.get().cmap), 0, 0);
                const ctx = canvas.getContext("2d");
                ctx.imageSmoothingEnabled = true;
                ctx.drawImage(small, 0, 0, MEAN, MEAN * Picture.ratio());
            };
            const scale = m.signed ? Picture.scale() : null;
            scale?.show(Maps.limit(Maps.shown(m, h, w, false)));
            const canvas = Dom.canvas(MEAN, MEAN * Picture.ratio(), { role: "img", "aria-label": `Mean map, ${text}` });
            box.append(canvas, scale?.node ?? "", make("figcaption", { text: `Mean map, ${text}: ${m.n < rows.length ? `the first ${m.n} of ${rows.length} images` : Dom.count(m.n, "image")}${m.signed ? `; ${Maps.SIDES}` : ""}` }));
            box.hidden = false;
            draw();
        }, (e) => Dom.say(e.message));
    }

    function confidence(host, rows) {
        const { conf } = Rows.all, e = { min: 0, max: 1, step: .05, n: 20, whole: false };
        const wrong = rows.filter((r) => Grid.isWrong(r));
        if (rows.length === 0 || Number.isNaN(conf[rows[0]]))
            return;
        const all = Filters.tally(conf, rows, e), bad = Filters.tally(conf, wrong, e);
        host.append(make("figure", { class: "confidence" },
            Filters.histogram(all, bad, e, { label: "Histogram of confidence", height: 70 }),
            make("div", { class: "ends", "aria-hidden": "true" }, make("span", { text: "0" }), make("span", { text: "1" })),
            make("figcaption", { text: index.labelled ? "Confidence: all, and errors in front" : "Confidence" })));
    }

    function title(state) {
        const [a, b] = state.args;
        return state.view === "pair" ? [Dom.name(Rows.className(a)), " predicted as ", Dom.name(Rows.className(b))] : [Dom.name(Rows.className(a))];
    }

    function view(host, state) {
        const [a, b] = state.args;
        const found = make("span", { class: "found" });
        const tabs = make("div", { class: "tabs", role: "group", "aria-label": "Which images" });
        const aside = make("aside", { class: "aside", "aria-label": "Of these images" });
        const main = make("div", { class: "beside" });
        const chosen = Grid.selection(), commands = make("div", { class: "commands" });
        const links = state.view === "pair"
            ? [make("a", { href: Address.to("class", [a]) }, Dom.name(Rows.className(a))), make("a", { href: Address.to("class", [b]) }, Dom.name(Rows.className(b)))]
            : [Rows.groupName(a) === null ? "" : make("span", { class: "quiet" }, "superclass ", Dom.name(Rows.groupName(a)))];
        host.append(make("div", { class: "head" }, make("h2", { tabIndex: -1 }, ...title(state)), ...links, found), tabs,
            Grid.tools(state), chosen.bar, make("div", { class: "columns" }, main, aside), commands);
        const grid = Grid.mount(main, { label: "Images" });
        let asked = "", shown = null;
        panels = [];

        async function update(s) {
            const key = JSON.stringify([s.args, s.part, s.where, s.sort, s.map, Tags.version()]);
            if (key === asked)
                return;
            asked = key;
            const all = await Promise.all(parts(s).map(async ([p, text, where]) => [p, text, (await Query.rows([...where, ...s.where], "")).length]));
            if (key !== asked)
                return;
            const [now, text, where, word] = part(s);
            tabs.replaceChildren(...all.map(([p, t, n]) => make("button", { type: "button", "aria-pressed": String(p === now), "data-part": p, onclick: () => Store.set({ part: p }) },
                t, " ", make("small", { text: n.toLocaleString("en") }))));
            const command = Command.rows([...where, ...s.where], s.sort);
            commands.replaceChildren(Command.line("These rows", command), Command.line("As pictures", command.then((c) => Command.pictures(c, s.map))));
            const rows = await Query.rows([...where, ...s.where], s.sort);
            if (key !== asked || rows === shown)
                return;
            shown = rows;
            found.textContent = Dom.count(rows.length, "image");
            grid.show(rows);
            Dom.empty(aside);
            panels = [];
            confidence(aside, rows);
            if (!Maps.shape || rows.length === 0)
                return;
            const current = () => shown === rows;
            const panel = (which, of, text, more = []) => {
                meanPanel(aside, which, of, text, current);
                panels.push([which, of]);
                const behind = Command.rows([...where, ...more, ...s.where], s.sort);
                commands.append(Command.line(`Mean map, ${text}`, behind.then((c) => Command.meanMap(c, of, which.length > MEAN_OF ? MEAN_OF : 0))));
            };
            panel(rows, word, word === "true" ? "true class" : "predicted class");
            if (s.view === "pair")
                panel(rows, "true", "true class");
            const wrong = index.labelled ? rows.filter((r) => Grid.isWrong(r)) : [];
            if (wrong.length > 0)
                panel(wrong, "margin", "margin of errors", wrong.length < rows.length ? ["correct=0"] : []);
        }
        const end = Store.listen((s) => s.view === state.view && update(s));
        update(state);
        return () => {
            end();
            chosen.end();
            grid.end();
        };
    }

    return { view, mean, shown: () => panels };
})();
