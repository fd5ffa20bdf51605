/* Images in rows and columns, of which only those in the window exist. */
const Grid = (() => {
    const { make } = Dom;
    const GAP = 6, CAPTION = 34, CAPTION_FROM = 72, MORE = 2; /* rows beyond the window's edge */
    const SIZES = [24, 32, 48, 64, 96, 128, 192, 256];

    const isWrong = (row) => Rows.all.truth[row] === Rows.all.truth[row] && Rows.all.truth[row] !== Rows.all.pred[row];

    /* What a picture is called. */
    function label(row) {
        const { id, truth, pred, conf } = Rows.all;
        const says = isWrong(row) ? `wrong: ${Rows.className(truth[row])} predicted as ${Rows.className(pred[row])}`
            : Number.isNaN(truth[row]) ? `predicted as ${Rows.className(pred[row])}` : `correct: ${Rows.className(pred[row])}`;
        return [`Image ${id[row]}, ${says}, confidence ${Dom.percent(conf[row])}`, ...Marks.of(row)].join("; ");
    }

    function caption(row) {
        const { truth, pred, conf } = Rows.all;
        return [make("span", { class: "line" }, isWrong(row) ? "✗ " : "", Dom.name(Rows.className(pred[row]))),
            make("span", { class: "line quiet" }, Dom.percent(conf[row], 0), isWrong(row) ? [", is ", Dom.name(Rows.className(truth[row]))] : "")];
    }

    /* Shows rows in `host`; how.label names the list. Returns functions to show others and to end. */
    function mount(host, how) {
        let rows = new Int32Array(0), active = 0, anchor = 0, columns = 1, cell = { w: 0, h: 0, picture: 0 }, frame = 0, before = 0;
        const cells = new Map(), spare = [];
        const under = make("canvas", { class: "under", "aria-hidden": "true" });
        const space = make("div", { class: "space", role: "none" });
        const list = make("div", {
            class: "grid", role: "listbox", tabIndex: 0, "aria-label": how.label, "aria-multiselectable": "true",
        }, under, space);
        const empty = make("p", { class: "empty", hidden: true, text: "No image fits these filters." });
        host.append(empty, list);

        function layout() {
            const { size } = Store.get();
            under.style.height = under.style.marginBottom = "0";
            const picture = Math.round(size * Picture.ratio());
            cell = { w: size, picture, h: picture + (size >= CAPTION_FROM ? CAPTION : 0) };
            columns = Math.max(1, Math.floor((list.clientWidth - GAP) / (size + GAP)));
            space.style.height = `${Math.ceil(rows.length / columns) * (cell.h + GAP) + GAP}px`;
            /* A bar that scrolls may have come or gone. */
            columns = Math.max(1, Math.floor((list.clientWidth - GAP) / (size + GAP)));
            space.style.height = `${Math.ceil(rows.length / columns) * (cell.h + GAP) + GAP}px`;
            const height = list.clientHeight;
            Dom.resize(under, list.clientWidth, height);
            under.style.marginBottom = `-${height}px`;
        }

        const at = (i) => ({ x: GAP + i % columns * (cell.w + GAP), y: GAP + Math.floor(i / columns) * (cell.h + GAP) });

        /* What has left the window is used again: a grid that scrolls makes no new elements. */
        function put(i) {
            const row = rows[i], state = Store.get(), captions = state.size >= CAPTION_FROM;
            let element = cells.get(i);
            if (!element) {
                element = spare.pop() ?? space.appendChild(make("div", { role: "option" }));
                cells.set(i, element);
            }
            const text = label(row), shows = `${i} ${row} ${captions} ${text}`;
            if (element.dataset.shows !== shows) {
                element.dataset.shows = shows;
                element.dataset.at = i;
                element.id = `o${row}`;
                element.title = text;
                element.className = isWrong(row) ? "cell wrong" : "cell";
                element.setAttribute("aria-label", text);
                element.setAttribute("aria-posinset", i + 1);
                element.setAttribute("aria-setsize", rows.length);
                element.replaceChildren(...captions ? [make("span", { class: "caption" }, ...caption(row))] : [],
                    ...Marks.of(row).length > 0 ? [make("span", { class: "mark", "aria-hidden": "true", text: "!" })] : []);
            }
            const { x, y } = at(i), { style } = element;
            style.transform = `translate(${x}px, ${y}px)`;
            style.width = `${cell.w}px`;
            style.height = `${cell.h}px`;
            style.setProperty("--tall", `${cell.picture}px`);
            element.setAttribute("aria-selected", state.selected.has(row));
            element.classList.toggle("active", i === active);
        }

        function paint() {
            frame = 0;
            const state = Store.get(), top = list.scrollTop, height = list.clientHeight;
            const ctx = under.getContext("2d"), pitch = cell.h + GAP;
            const first = Math.max(0, Math.floor((top - GAP) / pitch) - MORE) * columns;
            const last = Math.min(rows.length, (Math.ceil((top + height) / pitch) + MORE) * columns);
            ctx.clearRect(0, 0, list.clientWidth, height);
            for (const [i, element] of cells)
                if (i < first || i >= last) {
                    spare.push(element);
                    cells.delete(i);
                }
            Picture.begin();
            /* What flies past, as while the bar is dragged, is not loaded. */
            const far = Math.abs(top - before) > height / 4;
            before = top;
            if (far)
                setTimeout(soon, 60);
            const look = { far, map: state.map, cmap: state.cmap, alpha: state.alpha, paper: Dom.color("soft") };
            for (let i = first; i < last; i++) {
                put(i);
                const { x, y } = at(i);
                if (y + cell.picture > top && y < top + height)
                    Picture.draw(ctx, rows[i], x, y - top, cell.w, cell.picture, look);
            }
            spare.splice(0).forEach((element) => element.remove());
            if (rows.length > 0)
                list.setAttribute("aria-activedescendant", `o${rows[active]}`);
            else
                list.removeAttribute("aria-activedescendant");
        }
        const soon = () => frame ||= requestAnimationFrame(paint);

        function reveal() {
            const { y } = at(active);
            if (y < list.scrollTop)
                list.scrollTop = y - GAP;
            else if (y + cell.h > list.scrollTop + list.clientHeight)
                list.scrollTop = y + cell.h + GAP - list.clientHeight;
            soon();
        }

        function select(i, values) {
            const selected = new Set(values.clear ? [] : Store.get().selected);
            const [from, to] = values.range ? [Math.min(anchor, i), Math.max(anchor, i)] : [i, i];
            const off = !values.range && selected.has(rows[i]);
            for (let k = from; k <= to; k++)
                if (off)
                    selected.delete(rows[k]);
                else
                    selected.add(rows[k]);
            if (!values.range)
                anchor = i;
            Store.set({ selected }, { quiet: true });
        }

        const open = (i) => Store.set({ view: "image", args: [Rows.all.id[rows[i]]], list: rows });

        list.addEventListener("click", (e) => {
            const cellAt = e.target.closest("[role=option]");
            if (!cellAt)
                return;
            active = Number(cellAt.dataset.at);
            if (e.ctrlKey || e.metaKey || e.shiftKey)
                select(active, { range: e.shiftKey });
            else
                open(active);
            soon();
        });
        list.addEventListener("keydown", (e) => {
            const page = columns * Math.max(1, Math.floor(list.clientHeight / (cell.h + GAP)) - 1);
            const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: page, PageUp: -page }[e.key];
            if (rows.length === 0 || e.ctrlKey || e.metaKey || e.altKey)
                return;
            if (step !== undefined || e.key === "Home" || e.key === "End") {
                active = e.key === "Home" ? 0 : e.key === "End" ? rows.length - 1 : Math.max(0, Math.min(rows.length - 1, active + step));
                if (e.shiftKey)
                    select(active, { range: true });
                reveal();
            } else if (e.key === "Enter") {
                open(active);
            } else if (e.key === " ") {
                select(active, {});
            } else {
                return;
            }
            e.preventDefault();
        });
        list.addEventListener("scroll", soon, { passive: true });
        const size = new ResizeObserver(() => {
            layout();
            soon();
        });
        size.observe(list);
        const ends = [Picture.listen(soon), Store.listen((state, before) => {
            if (state.size !== before.size) {
                layout();
                reveal();
            }
            soon();
        }), () => size.disconnect()];

        return {
            show(found) {
                rows = found;
                active = 0;
                cells.forEach((element) => element.remove());
                cells.clear();
                list.scrollTop = 0;
                empty.hidden = rows.length > 0;
                list.hidden = rows.length === 0;
                list.dataset.count = rows.length;
                layout();
                paint();
                Store.set({ list: rows }, { quiet: true });
            },
            end: () => ends.forEach((f) => f()),
        };
    }

    /* --- the tools above a grid --- */

    const choice = (text, value, options, change, key) => make("label", { class: "tool" }, make("span", { text }),
        make("select", { onchange: (e) => change(e.target.value), "data-tool": key },
            options.map(([v, t]) => make("option", { value: v, text: t, selected: v === value }))));

    const slider = (text, value, [min, max, step], change, key) => make("label", { class: "tool" }, make("span", { text }),
        make("input", { type: "range", min: String(min), max: String(max), step: String(step), value: String(value), "data-tool": key, oninput: (e) => change(Number(e.target.value)) }));

    /* Orders that are asked for most, then all others. */
    const USUAL = [["", "id"], ["-conf", "confidence, falling"], ["conf", "confidence, rising"], ["margin", "margin, rising"],
        ["-margin", "margin, falling"], ["-entropy", "entropy, falling"], ["-loss", "loss, falling"], ["loss", "loss, rising"]];
    function orders(state) {
        const { columns } = Dom.index.tables[0];
        const usual = USUAL.filter(([v]) => v === "" || columns.includes(v.replace("-", "")));
        return usual.some(([v]) => v === state.sort) ? usual : [...usual, [state.sort, state.sort.startsWith("-") ? `${state.sort.slice(1)}, falling` : `${state.sort}, rising`]];
    }

    /* `others`: whether all properties may be an order, which are then offered. */
    function tools(state, parts = {}) {
        const quiet = { quiet: true };
        const bar = make("div", { class: "tools", role: "group", "aria-label": "How the images are shown" });
        if (parts.order !== false) {
            const order = choice("Order", state.sort, orders(state), (sort) => Store.set({ sort }), "sort");
            bar.append(order);
            Rows.known().then((all) => {
                const select = order.querySelector("select"), there = new Set([...select.options].map((o) => o.value));
                const group = make("optgroup", { label: "All properties" });
                for (const name of all.keys())
                    for (const v of [name, `-${name}`])
                        if (!there.has(v))
                            group.append(make("option", { value: v, text: `${name}, ${v[0] === "-" ? "falling" : "rising"}` }));
                select.append(group);
            });
        }
        if (Maps.shape) {
            const map = parts.map ?? state.map;
            const maps = [...parts.map ? [] : [["", "none"]], ...Maps.choices()];
            if (!maps.some(([v]) => v === map))
                maps.push([map, /^\d+$/.test(map) ? Rows.className(Number(map)) : map]);
            bar.append(choice("Map (m)", map, maps, (map) => Store.set({ map }, quiet), "map"),
                slider("Strength", state.alpha, [.1, 1, .05], (alpha) => Store.set({ alpha }, quiet), "alpha"),
                choice("Colours", state.cmap, Maps.NAMES.map((n) => [n, n]), (cmap) => Store.set({ cmap }, quiet), "cmap"));
        }
        if (parts.size !== false)
            bar.append(slider("Size (+ −)", state.size, [16, 256, 8], (size) => Store.set({ size }, quiet), "size"));
        return bar;
    }

    /* What is done with the images that are selected. */
    function selection() {
        const bar = make("div", { class: "selection", role: "group", "aria-label": "Selected images", hidden: true });
        let shown = "";
        function update(state) {
            const n = state.selected.size, key = `${n}`;
            bar.hidden = n === 0;
            if (key === shown && bar.childElementCount > 0)
                return;
            shown = key;
            const input = make("input", { type: "text", size: "14", placeholder: "word", "aria-label": "Tag for the selected images", autocomplete: "off" });
            const tag = () => {
                if (Tags.add([...Store.get().selected], input.value))
                    input.value = "";
            };
            input.addEventListener("keydown", (e) => e.key === "Enter" && tag());
            bar.replaceChildren(make("b", { text: Dom.count(n, "image") + " selected" }),
                make("button", { type: "button", text: "Show only these", onclick: showOnly }), input,
                make("button", { type: "button", text: "Tag (t)", onclick: tag }),
                make("button", { type: "button", text: "Clear", onclick: () => Store.set({ selected: new Set() }, { quiet: true }) }));
        }
        const end = Store.listen(update);
        update(Store.get());
        return { bar, end };
    }

    function showOnly() {
        const ids = [...Store.get().selected].map((r) => Rows.all.id[r]).sort((a, b) => a - b);
        Store.set({ view: "grid", args: [], where: ids.map((id) => `id=${id}`), selected: new Set() });
    }

    /* The next larger or smaller size. */
    function resize(by) {
        const { size } = Store.get();
        const next = by > 0 ? SIZES.find((s) => s > size) : SIZES.findLast((s) => s < size);
        if (next)
            Store.set({ size: next }, { quiet: true });
    }

    /* The view of all images that fit. */
    function view(host, state) {
        const title = make("h2", { tabIndex: -1, text: "Images" });
        const found = make("span", { class: "found" }), marked = make("span", { class: "found", text: Marks.legend() });
        const chosen = selection();
        const commands = make("div", { class: "commands" });
        host.append(make("div", { class: "head" }, title, found, marked), tools(state), chosen.bar);
        const grid = mount(host, { label: "Images" });
        host.append(commands);
        let asked = "";
        async function update(s) {
            marked.textContent = Marks.legend();
            const key = JSON.stringify([s.where, s.sort, Tags.version(), s.map]);
            if (key === asked)
                return;
            asked = key;
            const command = Command.rows(s.where, s.sort);
            commands.replaceChildren(Command.line("These rows", command), Command.line("As pictures", command.then((c) => Command.pictures(c, s.map))));
            const rows = await Query.rows(s.where, s.sort);
            if (key !== asked)
                return;
            if (rows !== shown) {
                shown = rows;
                found.textContent = `${rows.length.toLocaleString("en")} of ${Dom.count(Rows.all.n, "image")}`;
                grid.show(rows);
            }
        }
        let shown = null;
        const end = Store.listen((s) => s.view === "grid" && update(s));
        update(state);
        return () => {
            end();
            chosen.end();
            grid.end();
        };
    }

    return { mount, tools, selection, view, resize, label, choice, slider, isWrong };
})();
