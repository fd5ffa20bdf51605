/* The table of classes, which the page brings, sorted and searched. */
const Classes = (() => {
    const { make } = Dom;
    const section = document.getElementById("classes"), table = section.querySelector("table");
    const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
    const names = new Intl.Collator(undefined, { numeric: true });

    /* Where confmat --classes has a column, as the key of sort; others are made before. */
    const COLUMN = { class: "1,1", name: "2,2", group_name: "4,4", total: "5,5", accuracy: "7,7", precision: "8,8", f1: "10,10", mean_conf: "12,12", top_wrong: "15,15" };
    const MADE = { errors: "$5 - $6", over_conf: '($12 == "NA" || $7 == "NA" ? "NA" : $12 - $7)' };
    const WORDS = new Set(["name", "group_name"]);

    /* The order of the address, "-errors"; that of the page where it names no column. */
    function order() {
        const text = Store.get().by, key = text.replace(/^-/, "");
        return heads.some((h) => h.dataset.key === key && h.dataset.sort) ? { key, falling: text.startsWith("-") } : { key: "accuracy", falling: false };
    }
    let by = { key: "accuracy", falling: false };

    function value(row, i) {
        const v = row.cells[i].dataset.v;
        return v === undefined ? row.cells[i].textContent : v === "" ? NaN : Number(v);
    }

    function sort() {
        const i = heads.findIndex((h) => h.dataset.key === by.key), sign = by.falling ? -1 : 1;
        const compare = (a, b) => {
            const x = value(a, i), y = value(b, i);
            if (typeof x === "string")
                return sign * names.compare(x, y);
            /* Unknown ones come last, whatever the order. */
            return Number.isNaN(x) || Number.isNaN(y) ? Number.isNaN(x) - Number.isNaN(y) : sign * (x - y);
        };
        rows.sort((a, b) => compare(a, b) || value(a, 0) - value(b, 0));
        body.append(...rows);
        for (const h of heads)
            if (h.dataset.key === by.key)
                h.setAttribute("aria-sort", by.falling ? "descending" : "ascending");
            else
                h.removeAttribute("aria-sort");
    }

    async function command() {
        const all = await Command.confmat("--classes", []);
        const r = by.falling ? "r" : "", table0 = Command.quote(Dom.index.tables[0].file);
        if (by.key === "low_correct" || by.key === "highest_wrong") {
            const what = by.key === "low_correct" ? `${Command.field("correct")} == 1 && ${Command.field("conf")} <= 0.5` : `${Command.field("correct")} == 0 && ${Command.field("conf")} > 0.9`;
            return `awk -F '\\t' 'FNR == 1 { split("", c); ${Command.COLUMNS}; if (++file == 2) print "key\\t" $0; next } file == 1 { n[${Command.field("true")}] += ${what}; next } { print n[$1] + 0 "\\t" $0 }' ${table0} <(${all}) | (sed -u 1q; LC_ALL=C sort -t $'\\t' -k 1,1g${r} -k 2,2n) | cut -f 2-`;
        }
        if (by.key === "interval")
            return all;
        if (by.key in MADE)
            return `${all} | awk -F '\\t' '{ print (NR == 1 ? "key" : ${MADE[by.key]}) "\\t" $0 }' | (sed -u 1q; LC_ALL=C sort -t $'\\t' -k 1,1g${r} -k 2,2n) | cut -f 2-`;
        return `${all} | (sed -u 1q; LC_ALL=C sort -t $'\\t' -k ${COLUMN[by.key]}${WORDS.has(by.key) ? "" : "g"}${r} -k 1,1n)`;
    }

    function begin() {
        const search = make("input", { type: "search", placeholder: "class, superclass, wrong prediction", autocomplete: "off", spellcheck: false });
        const found = make("span", { class: "found", role: "status" });
        const commands = make("div", { class: "commands" });
        function filter() {
            const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
            let n = 0;
            for (const row of rows) {
                const text = row.textContent.toLowerCase();
                row.hidden = !words.every((w) => text.includes(w));
                n += !row.hidden;
            }
            found.textContent = `${n} of ${Dom.count(rows.length, "class", "classes")}`;
        }
        const tell = () => commands.replaceChildren(Command.line("This table", command()));
        for (const h of heads) {
            if (!h.dataset.sort)
                continue;
            const button = make("button", { type: "button" }, ...h.childNodes);
            h.replaceChildren(button);
            button.addEventListener("click", () => {
                const falling = by.key === h.dataset.key ? !by.falling : h.dataset.sort === "descending";
                Store.set({ by: `${falling ? "-" : ""}${h.dataset.key}` }, { quiet: true });
            });
        }
        search.addEventListener("input", filter);
        section.querySelector("h2").after(make("div", { class: "tools" }, make("label", { class: "tool" }, make("span", { text: "Search" }), search), found));
        section.append(commands);
        Store.listen((state, before) => {
            if (state.by === before.by)
                return;
            by = order();
            sort();
            tell();
        });
        filter();
        tell();
    }

    return { begin };
})();
