/* What joined tables warn of: a row whose column `flagged` is 1, as of label-check, each row of a
 * table of pairs, columns `id` and `other`, as of duplicates, and blank and saturated maps, as of
 * cam-compute --stats. */
const Marks = (() => {
    const { index } = Dom;
    const FLAG = "flagged", OTHER = "other", BLANK = "blank";
    /* Kinds of pairs that need not show one picture. */
    const LIKE = ["near", "alike"];
    const TARGETS = { pred: "predicted", true: "true" };
    /* A score that levels off has hardly a gradient above this probability of its class. */
    const CERTAIN = .999, vanishes = index.score !== null && index.score !== "logit";
    const marks = new Map(), sources = [];
    let added = 0;

    const has = (t, name) => index.tables[t].columns.includes(name);
    const title = (t) => index.tables[t].file.split("/").pop().replace(/\.[^.]*$/, "").replaceAll("_", " ");

    function add(row, text) {
        if (row < 0 || marks.get(row)?.includes(text))
            return;
        marks.set(row, [...marks.get(row) ?? [], text]);
        added++;
    }

    /* A function that says the value of a column in a row of a table, "" where there is none. */
    async function reader(t, name) {
        if (!has(t, name))
            return () => "";
        const c = await Rows.raw(t, name);
        return (i) => c.kind === "number" ? (Number.isNaN(c.numbers[i]) ? "" : String(c.numbers[i]))
            : c.words[c.code[i]] === "NA" ? "" : Rows.plain(c.words[c.code[i]]);
    }

    async function flags(t) {
        const [id, flag, suggested] = await Promise.all(["id", FLAG, "suggested_name"].map((name) => reader(t, name)));
        for (let i = 0; i < Rows.length(t); i++)
            if (flag(i) === "1")
                add(Rows.find(Number(id(i))), `${title(t)}: flagged${suggested(i) ? `, ${suggested(i)} suggested` : ""}`);
    }

    async function pairs(t) {
        const [id, other, set, kind] = await Promise.all(["id", OTHER, "set", "kind"].map((name) => reader(t, name)));
        for (let i = 0; i < Rows.length(t); i++) {
            const outside = set(i) === "against", how = kind(i) ? `, ${kind(i)}` : "", like = LIKE.includes(kind(i));
            add(Rows.find(Number(id(i))), `${title(t)}: ${like ? "looks like" : "repeats"} ${outside ? "training image" : "image"} ${other(i)}${how}`);
            if (!outside)
                add(Rows.find(Number(other(i))), `${title(t)}: ${like ? "looks like" : "repeated by"} image ${id(i)}${how}`);
        }
    }

    async function maps(t) {
        const [id, target, blank, saturation] = await Promise.all(["id", "target", BLANK, "saturation"].map((name) => reader(t, name)));
        for (let i = 0; i < Rows.length(t); i++) {
            const cls = TARGETS[target(i)];
            if (cls && blank(i) === "1")
                add(Rows.find(Number(id(i))), `${title(t)}: blank map of the ${cls} class`);
            else if (cls && vanishes && saturation(i) !== "" && Number(saturation(i)) < 1 - CERTAIN)
                add(Rows.find(Number(id(i))), `${title(t)}: saturated map of the ${cls} class`);
        }
    }

    /* Which of the readers a table is for; on a grid without places all maps are alike. */
    const readerOf = (t) => has(t, FLAG) ? flags : has(t, OTHER) ? pairs
        : has(t, BLANK) && index.maps && Math.min(index.maps.h, index.maps.w) >= 4 ? maps : null;

    /* Reads the tables; whether anything is marked. */
    async function begin() {
        await Rows.ready;
        for (let t = 1; t < index.tables.length; t++)
            if (readerOf(t)) {
                const before = added;
                await readerOf(t)(t);
                if (added > before)
                    sources.push(title(t));
            }
        if (marks.size > 0)
            Store.set({ marked: marks.size }, { quiet: true });
    }

    /* What the mark means, "" where nothing is marked. */
    const legend = () => sources.length > 0 ? `! marked by ${sources.join(", ")}` : "";

    return { begin, legend, of: (row) => marks.get(row) ?? [] };
})();
