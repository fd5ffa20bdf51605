/* Pieces of data: scripts and pictures beside the page, or inside it; see lib/pieces/store.h. */
const Pieces = (() => {
    const { index, make } = Dom;
    const folder = decodeURIComponent(location.pathname.split("/").pop()).replace(/\.html$/, "");
    const waiting = new Map();

    const inside = (name) => document.querySelector(`script[data-piece="${name}"]`);
    const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

    function fromWide(text, bytes) {
        const out = new Uint8Array(bytes);
        let held = 0, bits = 0, at = 0;
        for (let i = 0; at < bytes; i++) {
            held = (held & 0x7fff) << 15 | (text.charCodeAt(i) - 0x3400);
            bits += 15;
            while (bits >= 8 && at < bytes) {
                bits -= 8;
                out[at++] = held >> bits & 255;
            }
        }
        return out;
    }

    async function unzip(bytes) {
        const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
        return new Uint8Array(await new Response(stream).arrayBuffer());
    }

    /* What a piece's script calls. */
    window.heatpipePiece = (name, stamp, bytes, text) => {
        const w = waiting.get(name);
        if (!w)
            return;
        if (stamp === index.stamp)
            w.resolve(fromWide(text, bytes));
        else
            w.reject(new Error(`${folder}/${name}.js is of another run: write the page again`));
    };

    function loadScript(name) {
        return new Promise((resolve, reject) => {
            waiting.set(name, { resolve, reject });
            const script = make("script", { src: `${encodeURIComponent(folder)}/${name}.js` });
            const end = () => {
                waiting.delete(name);
                script.remove();
            };
            script.onload = end;
            script.onerror = () => {
                end();
                reject(new Error(`${folder}/${name}.js cannot be read: the folder ${folder} belongs beside the page`));
            };
            document.head.append(script);
        });
    }

    /* How many are being loaded stands in the page, for those who wait. */
    let loading = 0;
    async function counted(promise) {
        document.body.dataset.loading = ++loading;
        try {
            return await promise;
        } finally {
            document.body.dataset.loading = --loading;
        }
    }

    /* The bytes of a piece; who asks while it is loaded gets the same. */
    const coming = new Map();
    function load(name) {
        if (!coming.has(name)) {
            const bytes = (async () => unzip(index.single ? fromBase64(inside(name).textContent) : await loadScript(name)))();
            coming.set(name, counted(bytes).finally(() => coming.delete(name)));
        }
        return coming.get(name);
    }

    function picture(name) {
        return counted(new Promise((resolve, reject) => {
            const image = new Image();
            image.onload = () => resolve(image);
            image.onerror = () => reject(new Error(`${folder}/${name}.png cannot be read`));
            image.src = index.single ? `data:image/png;base64,${inside(name).textContent}`
                : `${encodeURIComponent(folder)}/${name}.png`;
        }));
    }

    return { load, picture };
})();
