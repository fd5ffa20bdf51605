/* Pictures of rows: the one routine that draws an image with a map, for grids and for single
 * images, and the blocks of images and maps that it needs. */
const Picture = (() => {
    const { index } = Dom;
    const { per, images } = index;
    const MOST_BLOCKS = 96, AT_A_TIME = 8;
    const listeners = new Set();

    /* Blocks of one kind, the least recently used dropped first. What is wanted last is loaded
       first: a person who scrolls on does not wait for what has left the window. */
    function cache(load, drop) {
        const have = new Map(), wanted = new Map();
        let running = 0;

        function work() {
            while (running < AT_A_TIME && wanted.size > 0) {
                const [block, promises] = [...wanted].at(-1);
                wanted.delete(block);
                running++;
                load(block).then((value) => {
                    have.set(block, value);
                    if (have.size > MOST_BLOCKS) {
                        const [oldest, gone] = have.entries().next().value;
                        have.delete(oldest);
                        drop?.(gone);
                    }
                    promises.forEach((p) => p.resolve(value));
                    listeners.forEach((l) => l());
                }, (error) => {
                    have.set(block, null);
                    promises.forEach((p) => p.reject(error));
                    Dom.say(error.message);
                }).finally(() => {
                    running--;
                    work();
                });
            }
        }

        /* What is here, or undefined, which begins to load it. */
        function peek(block) {
            if (have.has(block)) {
                const value = have.get(block);
                have.delete(block);
                have.set(block, value);
                return value;
            }
            if (!wanted.has(block)) {
                wanted.set(block, []);
                work();
            }
            return undefined;
        }

        function get(block) {
            return new Promise((resolve, reject) => {
                if (have.has(block))
                    return resolve(have.get(block));
                wanted.set(block, [...wanted.get(block) ?? [], { resolve, reject }]);
                work();
            });
        }
        /* Forgets what nobody waits for. */
        const settle = () => wanted.forEach((p, block) => p.length === 0 && wanted.delete(block));
        return { peek, get, settle };
    }

    const inBlock = (block) => Math.min(per, Rows.all.n - block * per);
    /* What is decoded is given back at once, not when memory is next looked through. */
    const pictures = cache((block) => Pieces.picture(`images.${block}`), (image) => image?.removeAttribute("src"));
    const mapBlocks = cache(async (block) => Maps.block(await Pieces.load(`maps.${block}`), inBlock(block)));

    const place = (row) => {
        const slot = Rows.all.slot[row];
        return [Math.floor(slot / per), slot % per];
    };

    /* The map of a row, undefined while it loads, null where there is none. */
    function map(row, word) {
        if (!Maps.shape)
            return null;
        const [block, k] = place(row), maps = mapBlocks.peek(block);
        return maps && Maps.of(row, word, (plane) => maps(k, plane));
    }
    async function mapLater(row, word) {
        if (!Maps.shape)
            return null;
        const [block, k] = place(row), maps = await mapBlocks.get(block);
        return maps && Maps.of(row, word, (plane) => maps(k, plane));
    }

    /* Maps as small canvases, which are drawn again and again while a grid scrolls. */
    const painted = new Map(), MOST_PAINTED = 800;
    function paintedMap(row, word, cmap, cells) {
        const key = `${row} ${word} ${cmap} ${cells}`;
        let c = painted.get(key);
        if (c)
            return c;
        const m = map(row, word);
        if (!m)
            return m;
        const [h, w] = cells ? [Maps.shape.h, Maps.shape.w] : size();
        c = document.createElement("canvas");
        c.width = w;
        c.height = h;
        c.getContext("2d").putImageData(Maps.paint(Maps.shown(m, h, w, cells), h, w, m.signed, cmap), 0, 0);
        c.blank = !m.signed && Maps.blank(m.values);
        if (painted.size >= MOST_PAINTED) {
            const [oldest, gone] = painted.entries().next().value;
            painted.delete(oldest);
            gone.width = gone.height = 0;
        }
        painted.set(key, c);
        return c;
    }

    /* Height and width of an image; without images, of something to show maps at. */
    const size = () => images ? [images.h, images.w] : [8 * Maps.shape.h, 8 * Maps.shape.w];
    const ratio = () => images || Maps.shape ? size()[0] / size()[1] : 1;

    /* Draws row's picture at (x, y), w by h. how.map: a word of Maps.of, or "" for none;
       how.alone: the map without its image; how.cells: its own grid; how.alpha: strength of the
       map over the image, from 0 to 1. Whether all was there. */
    function draw(ctx, row, x, y, w, h, how) {
        let complete = true;
        ctx.fillStyle = how.paper ?? "#808080";
        ctx.fillRect(x, y, w, h);
        ctx.imageSmoothingEnabled = false;
        if (images && !how.alone) {
            const [block, k] = place(row), picture = pictures.peek(block);
            complete = picture !== undefined;
            if (picture)
                ctx.drawImage(picture, k % images.across * images.w, Math.floor(k / images.across) * images.h,
                    images.w, images.h, x, y, w, h);
        }
        if (!how.map || !Maps.shape)
            return complete;
        const m = paintedMap(row, how.map, how.cmap, how.cells);
        if (!m)
            return complete && m === null;
        /* A blank map shows no place: nothing is laid over the image. */
        if (!m.blank || how.alone) {
            ctx.imageSmoothingEnabled = !!how.alone && !how.cells;
            ctx.globalAlpha = how.alone || !images ? 1 : how.alpha;
            ctx.drawImage(m, x, y, w, h);
            ctx.globalAlpha = 1;
        }
        return complete;
    }

    return {
        draw, map, mapLater, ratio, size,
        settle() {
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
