/* What is looked for: conditions as chips, and a panel that offers every property with a
 * histogram or its words. */
const Filters = (() => {
    const { make, draw } = Dom;
    const BINS = 40, WORDS = 200;
    const host = document.getElementById("filters");

    /* A condition as a person would say it. */
    function say(text) {
        const c = Query.parse(text);
        if (!c)
            return text;
        const cls = (c.column === "true" || c.column === "pred") && /^\d+$/.test(c.value) ? Rows.className(Number(c.value)) : Rows.plain(c.value);
        const words = { "=": "is", "!=": "is not", "~": "contains" }[c.op] ?? c.op;
        const column = { true: "true class", pred: "predicted" }[c.column] ?? c.column;
        if (c.column === "correct" && c.op === "=")
            return c.value === "1" ? "correct" : c.value === "0" ? "wrong" : text;
        return `${column} ${words} ${cls}`;
    }

    const set = (where, how) => Store.set({ where }, how);
    const without = (column, ops) => Store.get().where.filter((w) => {
        const c = Query.parse(w);
        return !c || c.column !== column || (ops && !ops.includes(c.op));
    });

    /* --- numbers --- */

    /* Edges of the bins: whole numbers have bins of their own as far as possible. */
    function edges(v) {
        let min = Infinity, max = -Infinity, whole = true;
        for (const x of v) {
            if (x !== x)
                continue;
            min = x < min ? x : min;
            max = x > max ? x : max;
            whole = whole && Number.isInteger(x);
        }
        if (min > max)
            return null;
        const step = whole ? Math.max(1, Math.ceil((max - min + 1) / BINS)) : (max - min || 1) / BINS;
        return { min, max, step, whole, n: Math.min(BINS, Math.floor((max - min) / step) + 1) };
    }

    function tally(v, rows, e) {
        const n = new Float64Array(e.n);
        for (const r of rows)
            if (v[r] === v[r])
                n[Math.min(e.n - 1, Math.floor((v[r] - e.min) / e.step))]++;
        return n;
    }

    /* Bars of two counts, one in front of the other. `pick` gets the bounds of a bar. */
    function histogram(all, some, e, { label, pick, height = 90 }) {
        const most = Math.max(1, ...all), width = 10 * e.n;
        const svg = draw("svg", { class: "histogram", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label });
        for (let i = 0; i < e.n; i++) {
            const tall = (n) => n === 0 ? 0 : Math.max(1.5, height * n / most);
            const [a, b] = [tall(all[i]), tall(some[i])];
            const low = e.min + i * e.step, high = e.whole ? low + e.step - 1 : low + e.step;
            const bar = draw("g", {}, draw("rect", { class: "all", x: 10 * i + .5, width: 9, y: height - a, height: a }),
                draw("rect", { class: "some", x: 10 * i + .5, width: 9, y: height - b, height: b }),
                draw("rect", { class: "hit", x: 10 * i, width: 10, y: 0, height }),
                draw("title", {}, `${Dom.number(low)}${high === low ? "" : ` to ${Dom.number(high)}`}: ${some[i]} of ${all[i]}`));
            if (pick)
                bar.addEventListener("click", () => pick(low, e.whole ? high : i === e.n - 1 ? e.max : high));
            svg.append(bar);
        }
        return svg;
    }

    const bound = (column, op) => {
        const w = Store.get().where.map(Query.parse).find((c) => c && c.column === column && c.op === op);
        return w ? w.value : "";
    };

    function numberPanel(c, rows) {
        const e = edges(c.numbers);
        if (!e)
            return [make("p", { text: "All values are NA." })];
        const every = Int32Array.from({ length: Rows.all.n }, (_, r) => r);
        const low = make("input", { type: "number", step: "any", value: bound(c.name, ">="), placeholder: Dom.number(e.min), "aria-label": `${c.name} at least` });
        const high = make("input", { type: "number", step: "any", value: bound(c.name, "<="), placeholder: Dom.number(e.max), "aria-label": `${c.name} at most` });
        const apply = () => set([...without(c.name), ...low.value === "" ? [] : [`${c.name}>=${low.value}`],
            ...high.value === "" ? [] : [`${c.name}<=${high.value}`]]);
        low.addEventListener("change", apply);
        high.addEventListener("change", apply);
        const pick = (a, b) => {
            low.value = String(a);
            high.value = String(b);
            apply();
        };
        const total = tally(c.numbers, every, e), part = tally(c.numbers, rows, e);
        return [histogram(total, part, e, { label: `Histogram of ${c.name}, from ${Dom.number(e.min)} to ${Dom.number(e.max)}`, pick }),
            make("div", { class: "ends", "aria-hidden": "true" }, make("span", { text: Dom.number(e.min) }), make("span", { text: Dom.number(e.max) })),
            make("div", { class: "bounds" }, make("label", {}, "from ", low), make("label", {}, "to ", high))];
    }

    /* --- words --- */

    function wordPanel(c, rows) {
        const n = new Map();
        const count = (r, w) => n.set(w, (n.get(w) ?? 0) + 1);
        for (const r of rows) {
            count(r, c.code[r]);
            c.more?.get(r)?.forEach((w) => count(r, w));
        }
        const chosen = new Set(Store.get().where.map(Query.parse).filter((w) => w && w.column === c.name && w.op === "=").map((w) => w.value));
        const list = make("ul", { class: "words" });
        const search = make("input", { type: "search", placeholder: "find", "aria-label": `Find a value of ${c.name}` });
        const order = c.words.map((_, i) => i).sort((a, b) => (n.get(b) ?? 0) - (n.get(a) ?? 0) || Query.compareWords(c.words[a], c.words[b]));
        function fill() {
            const want = search.value.toLowerCase();
            const fit = order.filter((w) => Rows.plain(c.words[w]).toLowerCase().includes(want));
            list.replaceChildren(...fit.slice(0, WORDS).map((w) => {
                const word = c.words[w];
                const box = make("input", { type: "checkbox", checked: chosen.has(word) });
                box.addEventListener("change", () => {
                    if (box.checked)
                        chosen.add(word);
                    else
                        chosen.delete(word);
                    set([...without(c.name, ["="]), ...[...chosen].map((v) => `${c.name}=${v}`)]);
                });
                return make("li", {}, make("label", {}, box, Dom.name(Rows.plain(word)), make("small", { text: (n.get(w) ?? 0).toLocaleString("en") })));
            }), fit.length > WORDS ? make("li", { text: `and ${fit.length - WORDS} more: search for them` }) : "");
        }
        search.addEventListener("input", fill);
        fill();
        return [c.words.length > 12 ? search : "", list];
    }

    async function panel(name, body) {
        const state = Store.get();
        const c = await Rows.column(name);
        const rows = await Query.rows(state.where, "");
        if (!c) {
            body.replaceChildren(make("p", { text: name === "tag" ? "Nothing has a tag yet." : "No such property." }));
            return;
        }
        body.replaceChildren(...(c.kind === "number" ? numberPanel(c, rows) : wordPanel(c, rows)));
    }

    /* --- the bar --- */

    const PRESETS = [["correct=0", "wrong"], ["correct=1", "correct"], ["conf>0.9", "above 90\u00a0%"], ["conf<=0.5", "up to 50\u00a0%"]];
    let open = null;

    function update(state) {
        const table = Dom.index.tables[0].columns;
        const chips = state.where.length > 12
            ? [make("li", {}, make("span", { class: "chip", text: `${state.where.length} conditions` }))]
            : state.where.map((w) => make("li", {}, make("span", { class: "chip" }, Dom.name(say(w)),
                make("button", { type: "button", text: "×", "aria-label": `Remove the filter: ${say(w)}`, onclick: () => set(state.where.filter((x) => x !== w)) }))));
        const presets = PRESETS.filter(([w]) => table.includes(Query.parse(w).column) && (Dom.index.labelled || !w.startsWith("correct")));
        const list = host.querySelector(".chips");
        list.replaceChildren(...chips);
        list.hidden = chips.length === 0;
        host.querySelector(".presets").replaceChildren(...presets.map(([w, text]) => {
            const on = state.where.includes(w), column = Query.parse(w).column;
            return make("button", { type: "button", "aria-pressed": String(on), text, onclick: () => set(on ? state.where.filter((x) => x !== w) : [...without(column), w]) });
        }));
        host.querySelector(".clear").hidden = state.where.length === 0;
        const key = `${open} ${state.where}`;
        if (open && host.dataset.panel !== key) {
            host.dataset.panel = key;
            panel(open, host.querySelector(".panel-body"));
        }
    }

    async function begin() {
        const body = make("div", { class: "panel-body" });
        const select = make("select", { "aria-label": "Property" });
        const details = make("details", { class: "panel" }, make("summary", { text: "Filter" }), make("div", { class: "panel-head" }, select), body);
        host.append(make("div", { class: "filter-bar", role: "group", "aria-label": "Filters" },
            details, make("span", { class: "presets" }), make("ul", { class: "chips", "aria-label": "Filters that are set" }),
            make("button", { type: "button", class: "clear", text: "Clear filters", onclick: () => set([]) })));
        const change = () => {
            open = details.open ? select.value : null;
            host.dataset.panel = "";
            update(Store.get());
        };
        details.addEventListener("toggle", change);
        select.addEventListener("change", change);
        host.addEventListener("keydown", (e) => {
            if (e.key === "Escape" && details.open) {
                details.open = false;
                details.querySelector("summary").focus();
                e.stopPropagation();
            }
        });
        document.addEventListener("click", (e) => {
            if (details.open && !details.contains(e.target) && e.target.isConnected)
                details.open = false;
        });
        const names = [...(await Rows.known()).keys()];
        select.append(...names.map((n) => make("option", { value: n, text: n })));
        select.value = names.includes("conf") ? "conf" : names[0];
        if (!names.includes("tag"))
            select.append(make("option", { value: "tag", text: "tag" }));
        Store.listen(update);
        update(Store.get());
    }

    return { begin, histogram, edges, tally, say, host };
})();
