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

    /* Without a Blob or a Response, which the browser would keep elsewhere for a while. */
    async function unzip(bytes) {
        const stream = new DecompressionStream("gzip"), writer = stream.writable.getWriter(), parts = [];
        const written = writer.write(bytes).then(() => writer.close());
        let size = 0;
        for (const reader = stream.readable.getReader();;) {
            const { done, value } = await reader.read();
            if (done)
                break;
            parts.push(value);
            size += value.length;
        }
        await written;
        if (parts.length === 1 && parts[0].byteOffset === 0 && parts[0].buffer.byteLength === size)
            return parts[0];
        const all = new Uint8Array(size);
        parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
        return all;
    }

    /* What a piece's script calls. */
    window.heatpipePiece = (name, stamp, bytes, text) => {
        const w = waiting.get(name);
        if (!w)
            return;
        waiting.delete(name);
        if (stamp === index.stamp)
            w.resolve(fromWide(text, bytes));
        else
            w.reject(new Error(`${folder}/${name}.js is of another run: write the page again`));
    };

    function loadScript(name) {
        return new Promise((resolve, reject) => {
            waiting.set(name, { resolve, reject });
            const script = make("script", { src: `${encodeURIComponent(folder)}/${name}.js` });
            script.onload = () => script.remove();
            script.onerror = () => {
                script.remove();
                waiting.delete(name);
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

    /* A picture decoded: the element, its file and what the browser keeps of them go at once. */
    const picture = (name) => counted(new Promise((resolve, reject) => {
        const image = new Image(), end = () => image.removeAttribute("src");
        const { ending } = index.images, file = `${name}.${ending}`;
        const fail = () => reject(new Error(`${folder}/${file} cannot be read`));
        image.onload = () => createImageBitmap(image).then(resolve, fail).finally(end);
        image.onerror = fail;
        image.src = index.single ? `data:image/${ending === "jpg" ? "jpeg" : "png"};base64,${inside(name).textContent}`
            : `${encodeURIComponent(folder)}/${file}`;
    }));

    return { load, picture };
})();
