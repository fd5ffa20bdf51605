/* The images as rows: columns of the tables, loaded when they are looked at. Numbers are a
 * Float64Array with NaN for NA; words are numbers of words, as they stand in the table. */
const Rows = (() => {
    const { index } = Dom;
    const columns = new Map();
    const all = { n: index.rows, id: null, slot: null, truth: null, pred: null, conf: null };
    let rowOf = null;

    const NUMBERS = {
        u8: [Uint8Array, 255], u16: [Uint16Array, 65535], i32: [Int32Array, -(2 ** 31)], f64: [Float64Array, NaN],
        w8: [Uint8Array], w16: [Uint16Array], w32: [Uint32Array],
    };

    /* A segment of a column: { numbers } or { words, code }. */
    function segment(type, bytes) {
        const [Kind, na] = NUMBERS[type];
        if (type[0] !== "w") {
            const numbers = Float64Array.from(new Kind(bytes.buffer));
            if (na === na)
                for (let i = 0; i < numbers.length; i++)
                    if (numbers[i] === na)
                        numbers[i] = NaN;
            return { numbers };
        }
        const length = new Uint32Array(bytes.buffer, 0, 1)[0];
        const words = new TextDecoder().decode(bytes.subarray(4, 4 + length)).split("\n").slice(0, -1);
        return { words, code: new Kind(bytes.buffer, 4 + Math.ceil(length / 4) * 4) };
    }

    /* A column of one table, in the order of its rows. */
    async function raw(t, name) {
        const table = index.tables[t], c = table.columns.indexOf(name);
        const parts = await Promise.all(table.segments.map(async (s, i) =>
            segment(s.types[c], await Pieces.load(`t${t}.${name}.${i}`))));
        const n = length(t);
        let at = 0;
        /* A column holds words in all segments or in none. */
        if (parts.every((p) => p.numbers)) {
            const numbers = new Float64Array(n);
            for (const p of parts) {
                numbers.set(p.numbers, at);
                at += p.numbers.length;
            }
            return { kind: "number", numbers };
        }
        const words = [], known = new Map(), code = new Int32Array(n);
        const word = (w) => {
            if (!known.has(w)) {
                known.set(w, words.length);
                words.push(w);
            }
            return known.get(w);
        };
        for (const p of parts) {
            const of = p.words.map(word);
            for (const c of p.code)
                code[at++] = of[c];
        }
        return { kind: "word", words, code };
    }

    const length = (t) => index.tables[t].segments.reduce((sum, s) => sum + s.rows, 0);

    /* --- joined tables, whose rows belong to ids --- */

    /* Of each row of the table the row of the image, or -1; `target` chooses among the rows of an id. */
    const rowsOf = new Map();
    function joinedRows(t, target) {
        const key = `${t} ${target}`;
        if (!rowsOf.has(key))
            rowsOf.set(key, findRows(t, target));
        return rowsOf.get(key);
    }
    async function findRows(t, target) {
        const [{ numbers: ids }, of] = await Promise.all([raw(t, "id"), target === null ? null : raw(t, "target")]);
        const rows = new Int32Array(ids.length);
        for (let i = 0; i < ids.length; i++)
            rows[i] = of && of.words[of.code[i]] !== target ? -1 : rowOf.get(ids[i]) ?? -1;
        return rows;
    }

    async function joined(p) {
        const [rows, c] = await Promise.all([joinedRows(p.table, p.target), raw(p.table, p.column)]);
        if (c.kind === "number") {
            const numbers = new Float64Array(all.n).fill(NaN);
            for (let i = 0; i < rows.length; i++)
                if (rows[i] >= 0)
                    numbers[rows[i]] = c.numbers[i];
            return { kind: "number", numbers };
        }
        /* An image may have several words: further ones are in `more`. */
        const code = new Int32Array(all.n).fill(-1), more = new Map();
        for (let i = 0; i < rows.length; i++) {
            const r = rows[i];
            if (r < 0 || code[r] === c.code[i])
                continue;
            if (code[r] < 0)
                code[r] = c.code[i];
            else
                more.set(r, [...more.get(r) ?? [], c.code[i]]);
        }
        if (code.includes(-1)) {
            let na = c.words.indexOf("NA");
            if (na < 0)
                na = c.words.push("NA") - 1;
            for (let r = 0; r < code.length; r++)
                code[r] = code[r] < 0 ? na : code[r];
        }
        return { kind: "word", words: c.words, code, more };
    }

    /* --- properties: columns by the names that conditions use --- */

    /* What a column of a table holds is known before it is loaded. */
    const kindOf = (t, column) => {
        const { columns: names, segments } = index.tables[t], c = names.indexOf(column);
        return segments.every((s) => s.types[c][0] !== "w") ? "number" : "word";
    };
    const property = (name, table, column, target) => [name, { name, table, column, target, kind: kindOf(table, column) }];
    const properties = new Map(index.tables[0].columns.map((column) => property(column, 0, column, null)));

    async function findProperties() {
        for (let t = 1; t < index.tables.length; t++) {
            const { columns: names, file } = index.tables[t];
            const stem = file.split("/").pop().replace(/\.[^.]*$/, "").toLowerCase().replace(/[^a-z0-9_]/g, "_");
            const targets = names.includes("target") ? (await raw(t, "target")).words ?? [] : [null];
            for (const target of targets)
                for (const column of names) {
                    if (column === "id" || column === "target")
                        continue;
                    let name = target === null ? column : `${column}_${target.replace(/[^a-z0-9_]/g, "_")}`;
                    if (properties.has(name))
                        name = `${stem}_${name}`;
                    properties.set(...property(name, t, column, target));
                }
        }
        return properties;
    }
    let found = null;

    /* All properties, by name. */
    const known = () => found ??= ready.then(findProperties);

    /* A property's values by row, or null where there is no such property. */
    async function column(name) {
        await ready;
        if (!properties.has(name))
            await known();
        const p = properties.get(name);
        if (!p)
            return null;
        if (!columns.has(name))
            columns.set(name, (p.table === 0 ? raw(0, p.column) : joined(p)).then((c) => ({ ...p, ...c })));
        return columns.get(name);
    }

    /* A word without the table's escapes, for people. */
    const plain = (word) => word === "NA" ? "–"
        : word.replace(/\\(.)/g, (_, c) => c === "t" ? "\t" : c === "n" ? "\n" : c);

    /* A value as text for people. */
    function text(c, row) {
        if (c.kind === "number")
            return Dom.number(c.numbers[row]);
        return [c.code[row], ...c.more?.get(row) ?? []].map((w) => plain(c.words[w])).join(", ");
    }

    async function begin() {
        const get = (name) => index.tables[0].columns.includes(name) ? raw(0, name) : null;
        const [id, truth, pred, conf, slots] = await Promise.all([get("id"), get("true"), get("pred"), get("conf"),
            Pieces.load("slots")]);
        const none = () => new Float64Array(all.n).fill(NaN);
        all.id = id.numbers;
        all.slot = new Int32Array(slots.buffer);
        all.truth = truth?.numbers ?? none();
        all.pred = pred.numbers;
        all.conf = conf?.numbers ?? none();
        rowOf = new Map();
        for (let r = 0; r < all.n; r++)
            if (!rowOf.has(all.id[r]))
                rowOf.set(all.id[r], r);
        return all;
    }
    const ready = begin();

    /* Names of classes and superclasses. */
    const className = (c) => Number.isNaN(c) ? "no label" : index.classes.names[c] ?? `class ${c}`;
    const groupName = (c) => index.classes.groups[index.classes.group[c]] ?? null;

    return { all, ready, raw, length, column, known, text, plain, className, groupName, find: (id) => rowOf.get(id) ?? -1 };
})();
