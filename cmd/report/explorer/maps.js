/* Maps: from bytes to values, from values to colours. */
const Maps = (() => {
    const { index } = Dom;
    const shape = index.maps;
    const table = (hex) => Uint8Array.from(hex.match(/../g), (h) => parseInt(h, 16));
    const TABLES = Object.fromEntries(Object.entries(index.colors).map(([name, hex]) => [name, table(hex)]));
    const NAMES = Object.keys(index.colors).filter((n) => n !== "signed");
    const EPSILON = 1e-7, NONE = 255, HOLE = -128, STEPS = 16, LEVELS = 127;
    const FACTOR = Float64Array.from({ length: 256 }, (_, k) => k === NONE ? 0 : 2 ** (-k / STEPS) / LEVELS);

    /* The maps of a block of `m` images; see lib/pieces/quantise.h. */
    function block(bytes, m) {
        const { planes } = shape, cells = shape.h * shape.w;
        const top = new Float32Array(bytes.buffer, 0, m);
        const scale = new Uint8Array(bytes.buffer, 4 * m, 2 * m * planes);
        const q = new Int8Array(bytes.buffer, 4 * m + 2 * m * planes, m * planes * cells);
        return (k, plane) => {
            const at = k * planes + plane, values = new Float32Array(cells);
            if (q[at * cells] === HOLE)
                return null;
            const up = top[k] * FACTOR[scale[2 * at]], down = top[k] * FACTOR[scale[2 * at + 1]];
            for (let i = 0; i < cells; i++) {
                const v = q[at * cells + i];
                values[i] = v * (v > 0 ? up : down);
            }
            return values;
        };
    }

    /* --- as lib/cam does it --- */

    function rectify(v) {
        for (let i = 0; i < v.length; i++)
            v[i] = v[i] > 0 ? v[i] : 0;
    }

    function normalise(v) {
        let min = Infinity, max = -Infinity;
        for (const x of v) {
            min = x < min ? x : min;
            max = x > max ? x : max;
        }
        for (let i = 0; i < v.length; i++)
            v[i] = (v[i] - min) / (EPSILON + max - min);
    }

    /* Where each row or column of a result comes from: two of the grid's, and the share of the second. */
    const taps = new Map();
    function tap(from, to) {
        const key = `${from} ${to}`;
        if (!taps.has(key)) {
            const low = new Int32Array(to), high = new Int32Array(to), share = new Float32Array(to);
            for (let i = 0; i < to; i++) {
                const f = (i + .5) * from / to - .5, l = Math.floor(f);
                low[i] = Math.max(0, Math.min(from - 1, l));
                high[i] = Math.max(0, Math.min(from - 1, l + 1));
                share[i] = f - l;
            }
            taps.set(key, { low, high, share });
        }
        return taps.get(key);
    }

    /* Bilinear with half-pixel centres, from the grid to h by w. */
    function resize(v, h, w) {
        if (h === shape.h && w === shape.w)
            return v.slice();
        const r = tap(shape.h, h), c = tap(shape.w, w), out = new Float32Array(h * w);
        let at = 0;
        for (let y = 0; y < h; y++) {
            const low = r.low[y] * shape.w, high = r.high[y] * shape.w, b = r.share[y];
            for (let x = 0; x < w; x++) {
                const l = c.low[x], g = c.high[x], a = c.share[x];
                const top = v[low + l] * (1 - a) + v[low + g] * a;
                const bottom = v[high + l] * (1 - a) + v[high + g] * a;
                out[at++] = top * (1 - b) + bottom * b;
            }
        }
        return out;
    }

    /* Whether a map shows no place: no positive value, or the same everywhere. */
    const blank = (v) => v.every((x) => x <= 0) || v.every((x) => x === v[0]);

    /* A map of a class from 0 to 1 at h by w; a signed one keeps its values. */
    function shown(map, h, w, cells) {
        if (map.signed)
            return cells ? map.values.slice() : resize(map.values, h, w);
        let v = map.values.slice();
        rectify(v);
        normalise(v);
        if (cells)
            return v;
        v = resize(v, h, w);
        rectify(v);
        normalise(v);
        return v;
    }

    /* What the ends of the colours of a signed map stand for. */
    const limit = (values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

    /* The colours of signed maps, from the lowest value to the highest, for a style sheet. */
    const SIGNED = `linear-gradient(to right, ${Array.from({ length: 17 }, (_, i) => `rgb(${TABLES.signed.subarray(48 * i, 48 * i + 3).join(" ")})`).join(", ")})`;

    /* Values as pixels: the one place where colours are chosen. */
    function paint(values, h, w, signed, cmap) {
        const image = new ImageData(w, h), p = image.data;
        const colors = signed ? TABLES.signed : TABLES[cmap] ?? TABLES.viridis;
        const most = signed ? limit(values) : 1;
        for (let i = 0; i < values.length; i++) {
            const v = signed ? Math.max(-1, Math.min(1, most > 0 ? values[i] / most : 0)) : Math.max(0, Math.min(1, values[i] || 0));
            const at = 3 * (signed ? 128 + Math.round(128 * v) : Math.floor(255 * v));
            p[4 * i] = colors[at];
            p[4 * i + 1] = colors[at + 1];
            p[4 * i + 2] = colors[at + 2];
            p[4 * i + 3] = 255;
        }
        return image;
    }

    /* How a margin map is read. */
    const SIDES = "orange speaks for the prediction, blue for the true class"
        + (shape?.earlier ? `; at ${shape.earlier} its cells do not add up to the logit difference` : "");

    /* What a map can be of, for a choice: [value, text]. */
    function choices() {
        if (!shape)
            return [];
        const said = { pred: "predicted class", true: "true class", margin: "margin: predicted less true" };
        const all = [["pred", said.pred]];
        if (index.labelled)
            all.push(["true", said.true], ["margin", said.margin]);
        /* That of the predicted class, which every image has, first. */
        return shape.words ? [...shape.words].sort((a, b) => (b === "pred") - (a === "pred")).map((w) => [w, said[w] ?? w]) : all;
    }

    /* The plane of a row that a word means, or null; `plane` gives values of a plane of this row. */
    function of(row, word, plane) {
        const { truth, pred } = Rows.all;
        if (shape.words) {
            const at = shape.words.indexOf(word);
            const values = at < 0 ? null : plane(at);
            return values && { values, signed: word === "margin" };
        }
        const number = (c) => Number.isInteger(c) && c < shape.planes;
        if (word === "margin") {
            if (!number(truth[row]))
                return null;
            const a = plane(pred[row]), b = plane(truth[row]);
            return { values: a.map((v, i) => v - b[i]), signed: true };
        }
        const c = word === "pred" ? pred[row] : word === "true" ? truth[row] : Number(word);
        return number(c) ? { values: plane(c), signed: false } : null;
    }

    return { shape, block, shown, paint, limit, SIGNED, SIDES, blank, choices, of, NAMES, initial: NAMES[index.cmap] ?? "viridis" };
})();
