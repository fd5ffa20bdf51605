/* Elements, numbers as text, and what the page was given. */
const Dom = (() => {
    const SVG = "http://www.w3.org/2000/svg";
    const index = JSON.parse(document.getElementById("index").textContent);

    function fill(e, attributes, children) {
        for (const [name, value] of Object.entries(attributes ?? {})) {
            if (value === undefined || value === null || value === false)
                continue;
            if (name.startsWith("on"))
                e.addEventListener(name.slice(2), value);
            else if (name === "text")
                e.textContent = value;
            else if (name in e && name !== "list" && typeof value !== "string")
                e[name] = value;
            else
                e.setAttribute(name, value === true ? "" : value);
        }
        e.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
        return e;
    }

    /* make("a", { href: "#grid", onclick: f }, "text", child) */
    const make = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
    const draw = (tag, attributes, ...children) => {
        const e = document.createElementNS(SVG, tag);
        for (const [name, value] of Object.entries(attributes ?? {}))
            e.setAttribute(name, value);
        e.append(...children);
        return e;
    };

    /* A name, which may run from right to left among text that does not. */
    const name = (text) => make("bdi", { text });

    /* Never 100 % of what is less than all, nor 0 % of what is more than nothing. */
    function percent(share, digits = 1) {
        const step = 10 ** -digits, v = 100 * share;
        return Number.isNaN(share) ? "–"
            : share < 1 && v >= 100 - step / 2 ? `>${(100 - step).toFixed(digits)}\u00a0%`
                : share > 0 && v < step / 2 ? `<${step.toFixed(digits)}\u00a0%`
                    : `${v.toFixed(digits)}\u00a0%`;
    }
    const number = (v) => Number.isNaN(v) ? "–" : String(Number(v.toPrecision(5)));
    const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

    /* A canvas of so many pixels of the page, sharp on any screen, and its context in these. */
    function canvas(width, height, attributes) {
        const c = make("canvas", attributes);
        resize(c, width, height);
        return c;
    }
    function resize(c, width, height) {
        const scale = window.devicePixelRatio || 1;
        c.width = Math.max(1, Math.round(width * scale));
        c.height = Math.max(1, Math.round(height * scale));
        c.style.width = `${width}px`;
        c.style.height = `${height}px`;
        c.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
    }

    /* Takes what an element holds out of the page, and gives back the pixels of its canvases at
     * once, not when memory is next looked through. */
    function empty(host) {
        host.querySelectorAll("canvas").forEach((c) => c.width = c.height = 0);
        host.replaceChildren();
    }

    /* The colour of a custom property of the style. */
    const color = (property) => getComputedStyle(document.documentElement).getPropertyValue(`--${property}`).trim();

    /* Says something to people who listen, and to those who look. */
    function say(text) {
        document.getElementById("say").textContent = text;
    }

    return { index, make, draw, name, percent, number, count, canvas, resize, empty, color, say };
})();
