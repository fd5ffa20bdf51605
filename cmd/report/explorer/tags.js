/* Words that a person gives to images; kept by the browser, written as a table `id tag`. */
const Tags = (() => {
    const { make } = Dom;
    /* Of the run, not of the page: they outlive a page that is written again. */
    const KEY = `heatpipe tags ${document.title} ${Dom.index.paths.data ?? ""}`;
    const FILE = "tags.tsv";
    let tags = read(), changes = 0;

    function read() {
        try {
            return new Map(JSON.parse(localStorage.getItem(KEY) ?? "[]").map(([id, words]) => [id, new Set(words)]));
        } catch {
            return new Map();
        }
    }

    function save() {
        changes++;
        try {
            localStorage.setItem(KEY, JSON.stringify([...tags].map(([id, words]) => [id, [...words]])));
        } catch {
            Dom.say("The browser does not keep tags here: export them before the page is closed.");
        }
        Store.set({ tagged: changes }, { quiet: true });
    }

    /* A word as a field of a table: no tab, no line feed, and nothing that means NA. */
    const clean = (word) => word.trim().replace(/[\s\\"#]+/g, "_").replace(/^NA$/, "na");

    function add(rows, word) {
        const tag = clean(word);
        if (!tag) {
            Dom.say("A tag is a word.");
            return false;
        }
        for (const r of rows) {
            const id = Rows.all.id[r];
            tags.set(id, new Set([...tags.get(id) ?? [], tag]));
        }
        save();
        Dom.say(`${Dom.count(rows.length, "image")} tagged ${tag}.`);
        return true;
    }

    function remove(id, tag) {
        const words = new Set(tags.get(id));
        words.delete(tag);
        if (words.size > 0)
            tags.set(id, words);
        else
            tags.delete(id);
        save();
    }

    /* A condition on tags as a function of a row; null where there are none. */
    function test(op, value) {
        if (tags.size === 0)
            return null;
        const has = (r) => {
            const words = tags.get(Rows.all.id[r]);
            return words ? op === "~" ? [...words].some((w) => w.includes(value)) : words.has(value) : false;
        };
        return op === "!=" ? (r) => !has(r) : op === "=" || op === "~" ? has : () => false;
    }

    const tsv = () => ["id\ttag", ...[...tags].sort(([a], [b]) => a - b).flatMap(([id, words]) => [...words].sort(Query.compareWords).map((w) => `${id}\t${w}`))].join("\n") + "\n";

    function download() {
        const url = URL.createObjectURL(new Blob([tsv()], { type: "text/tab-separated-values" }));
        const a = make("a", { href: url, download: FILE });
        a.click();
        setTimeout(() => URL.revokeObjectURL(url), 10000);
    }

    function load(text) {
        const [head, ...lines] = text.split("\n").map((l) => l.split("\t"));
        const id = head.indexOf("id"), tag = head.indexOf("tag");
        if (id < 0 || tag < 0) {
            Dom.say("Expected a table with the columns id and tag.");
            return;
        }
        for (const f of lines)
            if (f.length === head.length && /^\d+$/.test(f[id]) && clean(f[tag]))
                tags.set(Number(f[id]), new Set([...tags.get(Number(f[id])) ?? [], clean(f[tag])]));
        save();
    }

    /* The view: words with their counts, and the table. */
    function view(host) {
        const list = make("div"), text = make("textarea", { readOnly: true, rows: 8, "aria-label": "The tags as a table", translate: "no" });
        const file = make("input", { type: "file", class: "hidden", accept: ".tsv,text/tab-separated-values", "aria-label": "A table of tags to add" });
        file.addEventListener("change", async () => file.files[0] && load(await file.files[0].text()));
        host.append(make("div", { class: "head" }, make("h2", { tabIndex: -1, text: "Tags" })),
            make("p", { text: "Select images in a grid (space, or click with Ctrl), then give them a word (t). The browser keeps tags on this machine; as a table they become a property of the page by report explorer --join tags.tsv." }),
            list, make("p", { class: "buttons" }, make("button", { type: "button", text: `Export ${FILE}`, onclick: download }),
                make("button", { type: "button", text: "Add tags from a file", onclick: () => file.click() }), file,
                make("button", { type: "button", text: "Remove all tags", onclick: () => {
                    tags = new Map();
                    save();
                } })), text, Command.line("The images of all tags, behind the export", `cat ${FILE}`));
        function update() {
            const n = new Map();
            for (const words of tags.values())
                for (const w of words)
                    n.set(w, (n.get(w) ?? 0) + 1);
            list.replaceChildren(n.size === 0 ? make("p", { text: "No image has a tag." })
                : make("ul", { class: "rows" }, [...n].sort(([a], [b]) => Query.compareWords(a, b)).map(([w, k]) =>
                    make("li", {}, make("a", { href: Address.to("grid", [], { where: [`tag=${w}`] }) }, Dom.name(w)), " ", make("span", { class: "n", text: Dom.count(k, "image") })))));
            text.value = tsv();
        }
        const end = Store.listen(update);
        update();
        return end;
    }

    return { add, remove, test, view, tsv, load, of: (row) => [...tags.get(Rows.all.id[row]) ?? []], size: () => tags.size, version: () => changes };
})();
