/* Pictures of rows: the one routine that draws an image with a map, for grids and for single
 * images, and the blocks of images and maps that it needs. */
const Picture = (() => {
    const { index, make } = Dom;
    const { per, images } = index;
    const BLOCK_BYTES = 8 << 20, MAP_BYTES = 12 << 20, BITMAP_BYTES = 16 << 20, AT_A_TIME = 3;
    const OVERHEAD = 1 << 11; /* of a bitmap, about */
    const listeners = new Set();
    let turn = 0;

    /* Values by key, up to so many bytes; of more, the least recently used go first. `all`: what
     * has been used since the view began to draw stays, which would be asked for again. */
    function keep(most, drop, all = false) {
        const have = new Map();
        let bytes = 0;
        return {
            get(key) {
                const entry = have.get(key);
                if (entry === undefined)
                    return undefined;
                entry.turn = turn;
                have.delete(key);
                have.set(key, entry);
                return entry.value;
            },
            put(key, value, size) {
                const before = have.get(key);
                if (before) {
                    have.delete(key);
                    bytes -= before.size;
                    drop(before.value);
                }
                have.set(key, { value, size, turn });
                bytes += size;
                for (const [old, entry] of have) {
                    if (bytes <= most || (all && entry.turn === turn) || old === key)
                        break;
                    have.delete(old);
                    bytes -= entry.size;
                    drop(entry.value);
                }
                return value;
            },
        };
    }

    /* Blocks of one kind. `load` gives [block, bytes]. */
    function blocks(most, load, drop) {
        const have = keep(most, drop), wanted = new Map(), coming = new Map();

        async function bring(number, uses) {
            let block = null, bytes = 0;
            try {
                [block, bytes] = await load(number);
            } catch (error) {
                Dom.say(error.message);
            }
            coming.delete(number);
            have.put(number, block, bytes);
            uses.forEach((use) => use(block));
            listeners.forEach((l) => l());
            work();
        }

        function work() {
            while (coming.size < AT_A_TIME && wanted.size > 0) {
                const [number, uses] = wanted.entries().next().value;
                wanted.delete(number);
                coming.set(number, uses);
                bring(number, uses);
            }
        }

        return {
            /* What `use` makes of a block (null: it cannot be read), or undefined, and then it is
             * used when it has come. `key` tells uses apart. */
            ask(number, key, use) {
                const block = have.get(number);
                if (block !== undefined)
                    return use(block);
                const uses = coming.get(number) ?? wanted.get(number) ?? new Map();
                uses.set(key, use);
                if (!coming.has(number))
                    wanted.set(number, uses);
                work();
                return undefined;
            },
            /* Forgets what nobody waits for: a person who scrolls on does not wait for what has
             * left the window. */
            settle() {
                for (const [number, uses] of wanted) {
                    for (const key of uses.keys())
                        if (typeof key === "string")
                            uses.delete(key);
                    if (uses.size === 0)
                        wanted.delete(number);
                }
            },
        };
    }

    /* What is decoded is given back at once, not when memory is next looked through. */
    const close = (bitmap) => bitmap?.close();
    const pictures = blocks(BLOCK_BYTES, async (number) => {
        const bitmap = await Pieces.picture(`images.${number}`);
        return [bitmap, 4 * bitmap.width * bitmap.height];
    }, close);
    const mapBlocks = blocks(MAP_BYTES, async (number) => {
        const bytes = await Pieces.load(`maps.${number}`);
        return [Maps.block(bytes, Math.min(per, Rows.all.n - number * per)), bytes.length];
    }, () => {});

    const place = (row) => {
        const slot = Rows.all.slot[row];
        return [Math.floor(slot / per), slot % per];
    };

    /* The map of a row, undefined while it loads, null where there is none. */
    function map(row, word) {
        if (!Maps.shape)
            return null;
        const [block, k] = place(row);
        return mapBlocks.ask(block, `${row} ${word}`, (maps) => maps && Maps.of(row, word, (plane) => maps(k, plane)));
    }
    const mapLater = (row, word) => new Promise((resolve) => {
        if (!Maps.shape)
            return resolve(null);
        const [block, k] = place(row);
        const use = (maps) => resolve(maps && Maps.of(row, word, (plane) => maps(k, plane)));
        mapBlocks.ask(block, Symbol("later"), use);
    });

    /* Images and maps cut out and painted, as large as they are drawn: a grid in any order shows
     * images of hundreds of blocks, which need not stay. */
    const bitmaps = keep(BITMAP_BYTES, close, true);
    const bench = new OffscreenCanvas(1, 1);
    function bitmap(key, h, w, work) {
        bench.width = w;
        bench.height = h;
        work(bench.getContext("2d"));
        return bitmaps.put(key, bench.transferToImageBitmap(), 4 * h * w + OVERHEAD);
    }

    /* By how much an image may shrink and still have the pixels of a picture of this width. */
    const shrink = (w) => !images && !Maps.shape ? 1 : Math.max(1, Math.floor(size()[1] / (w * (window.devicePixelRatio || 1))));
    const shrunk = (by) => size().map((side) => Math.ceil(side / by));

    function imageBitmap(row, by, how) {
        const key = `${row} ${by}`, [block, k] = place(row), [h, w] = shrunk(by);
        const cut = (picture) => picture === null ? bitmaps.put(key, null, 0) : bitmap(key, h, w, (ctx) => {
            ctx.imageSmoothingQuality = "high";
            ctx.drawImage(picture, k % images.across * images.w, Math.floor(k / images.across) * images.h, images.w, images.h, 0, 0, w, h);
        });
        const have = bitmaps.get(key);
        return have === undefined && !how.far ? pictures.ask(block, key, cut) : have;
    }

    /* A map in colours, null where there is none or where it is blank and to be laid over. */
    function mapBitmap(row, how, by) {
        const key = `${row} ${by} ${how.map} ${how.cmap} ${!!how.alone} ${!!how.cells}`, [block, k] = place(row);
        const [h, w] = how.cells ? [Maps.shape.h, Maps.shape.w] : shrunk(by);
        const paint = (maps) => {
            const m = maps && Maps.of(row, how.map, (plane) => maps(k, plane));
            /* A blank map shows no place: nothing is laid over the image. */
            if (!m || (!how.alone && !m.signed && Maps.blank(m.values)))
                return bitmaps.put(key, null, 0);
            return bitmap(key, h, w, (ctx) => ctx.putImageData(Maps.paint(Maps.shown(m, h, w, how.cells), h, w, m.signed, how.cmap), 0, 0));
        };
        const have = bitmaps.get(key);
        return have === undefined && !how.far ? mapBlocks.ask(block, key, paint) : have;
    }

    /* Height and width of an image; without images, of something to show maps at. */
    const size = () => images ? [images.h, images.w] : [8 * Maps.shape.h, 8 * Maps.shape.w];
    const ratio = () => images || Maps.shape ? size()[0] / size()[1] : 1;

    /* Draws row's picture at (x, y), w by h. how.map: a word of Maps.of, or "" for none;
       how.alone: the map without its image; how.cells: its own grid; how.alpha: strength of the
       map over the image, from 0 to 1; how.far: nothing is loaded. Whether all was there. */
    function draw(ctx, row, x, y, w, h, how) {
        const by = shrink(w);
        let complete = true;
        ctx.fillStyle = how.paper ?? "#808080";
        ctx.fillRect(x, y, w, h);
        ctx.imageSmoothingEnabled = false;
        if (images && !how.alone) {
            const image = imageBitmap(row, by, how);
            complete = image !== undefined;
            if (image)
                ctx.drawImage(image, x, y, w, h);
        }
        if (!how.map || !Maps.shape)
            return complete;
        const m = mapBitmap(row, how, by);
        if (m) {
            ctx.imageSmoothingEnabled = !!how.alone && !how.cells;
            ctx.globalAlpha = how.alone || !images ? 1 : how.alpha;
            ctx.drawImage(m, x, y, w, h);
            ctx.globalAlpha = 1;
        }
        return complete && m !== undefined;
    }

    /* A scale for a signed map: its colours, and the values at their ends, which `show` sets. */
    function scale() {
        const low = make("span"), high = make("span"), ramp = make("div", { class: "ramp", "aria-hidden": "true" });
        const node = make("div", { class: "scale", hidden: true }, ramp, make("div", { class: "ends" }, low, make("span", { text: "0" }), high));
        ramp.style.background = Maps.SIGNED;
        return {
            node,
            show(limit) {
                const end = Number(limit.toPrecision(2));
                low.textContent = `−${end}\ntrue`;
                high.textContent = `+${end}\npredicted`;
                node.hidden = false;
            },
        };
    }

    return {
        draw, map, mapLater, ratio, scale, size,
        /* A view begins to draw: what it does not draw again may be forgotten. */
        begin() {
            turn++;
            pictures.settle();
            mapBlocks.settle();
        },
        /* Calls l when something that was missing has come. */
        listen(l) {
            listeners.add(l);
            return () => listeners.delete(l);
        },
    };
})();
