/* Conditions and orders, with the meaning that awk and sort give them: command.js writes the
 * same. A condition is COLUMN OP VALUE; conditions = of one column are alternatives, all others
 * must hold together. */
const Query = (() => {
    const PATTERN = /^([a-z0-9_]+)(!=|<=|>=|=|<|>|~)(.*)$/s;

    function parse(text) {
        const m = PATTERN.exec(text);
        return m ? { column: m[1], op: m[2], value: m[3], text } : null;
    }

    /* As strings of code points, which is the order of their bytes in UTF-8. */
    function compareWords(a, b) {
        const n = Math.min(a.length, b.length);
        for (let i = 0; i < n; i++) {
            let x = a.charCodeAt(i), y = b.charCodeAt(i);
            if (x === y)
                continue;
            if (x >= 0xd800 && y >= 0xd800) {
                x += x >= 0xe000 ? -0x800 : 0x2000;
                y += y >= 0xe000 ? -0x800 : 0x2000;
            }
            return x - y;
        }
        return a.length - b.length;
    }

    /* --- one condition as a function of a row --- */

    function ofNumbers(v, op, value) {
        const x = Number(value);
        if (value === "NA")
            return op === "=" ? (r) => Number.isNaN(v[r]) : op === "!=" ? (r) => !Number.isNaN(v[r]) : () => false;
        if (value.trim() === "" || Number.isNaN(x))
            return op === "!=" ? (r) => !Number.isNaN(v[r]) : () => false;
        switch (op) {
        case "=": return (r) => v[r] === x;
        case "!=": return (r) => v[r] !== x && !Number.isNaN(v[r]);
        case "<": return (r) => v[r] < x;
        case "<=": return (r) => v[r] <= x;
        case ">": return (r) => v[r] > x;
        case ">=": return (r) => v[r] >= x;
        default: return () => false;
        }
    }

    function ofWords(c, op, value) {
        const fits = c.words.map(op === "~" ? (w) => w.includes(value) : (w) => w === value);
        if (op !== "~" && op !== "=" && op !== "!=")
            return () => false;
        const any = (r) => fits[c.code[r]] || (c.more?.get(r)?.some((w) => fits[w]) ?? false);
        return op === "!=" ? (r) => !any(r) : any;
    }

    /* A function of a row, or null where there is no such column. */
    async function test(condition) {
        const { column, op, value } = condition;
        const c = await Rows.column(column);
        const here = column === "tag" ? Tags.test(op, value) : null;
        const there = !c ? null : c.kind === "number" ? ofNumbers(c.numbers, op, value) : ofWords(c, op, value);
        return here && there ? (r) => here(r) || there(r) : here ?? there;
    }

    /* --- all conditions --- */

    async function filter(where) {
        const same = new Map(), tests = [];
        for (const text of where) {
            const condition = parse(text);
            const f = condition ? await test(condition) : null;
            if (!f) {
                Dom.say(`No such condition here: ${text}`);
                tests.push(() => false);
            } else if (condition.op === "=") {
                if (!same.has(condition.column))
                    same.set(condition.column, []);
                same.get(condition.column).push(f);
            } else {
                tests.push(f);
            }
        }
        for (const any of same.values())
            tests.push(any.length === 1 ? any[0] : (r) => any.some((f) => f(r)));
        const rows = new Int32Array(Rows.all.n);
        let n = 0;
        for (let r = 0; r < rows.length; r++)
            if (tests.every((f) => f(r)))
                rows[n++] = r;
        return rows.subarray(0, n);
    }

    /* NA comes before all numbers; of equals the lower id comes first. */
    async function order(rows, sort) {
        const falling = sort.startsWith("-"), c = await Rows.column(sort.replace(/^-/, ""));
        if (!c)
            return rows;
        const { id } = Rows.all, sign = falling ? -1 : 1;
        if (c.kind === "number") {
            const v = c.numbers;
            return rows.slice().sort((a, b) => {
                const x = v[a], y = v[b];
                if (x === y)
                    return id[a] - id[b];
                if (x !== x || y !== y)
                    return sign * ((y !== y) - (x !== x)) || id[a] - id[b];
                return sign * (x - y);
            });
        }
        const rank = new Int32Array(c.words.length);
        c.words.map((_, i) => i).sort((a, b) => compareWords(c.words[a], c.words[b])).forEach((w, i) => rank[w] = i);
        return rows.slice().sort((a, b) => sign * (rank[c.code[a]] - rank[c.code[b]]) || id[a] - id[b]);
    }

    /* The rows of conditions in an order; the last few results are kept. */
    const kept = new Map();
    function rows(where, sort) {
        const key = JSON.stringify([where, sort, where.some((w) => w.startsWith("tag")) ? Tags.version() : 0]);
        if (!kept.has(key)) {
            if (kept.size > 20)
                kept.delete(kept.keys().next().value);
            kept.set(key, Rows.ready.then(() => filter(where)).then((found) => sort ? order(found, sort) : found));
        }
        return kept.get(key);
    }

    return { parse, rows, filter, compareWords };
})();
