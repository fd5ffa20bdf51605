/* The state as an address, "#class/42?where=conf%3E0.9&sort=-conf", and back. */
const Address = (() => {
    /* Views with the numbers behind their names. */
    const VIEWS = { overview: 0, grid: 0, matrix: 0, classes: 0, class: 1, pair: 2, image: 1, scatter: 0, tags: 0, about: 0 };
    /* Settings as they are where an address does not tell. */
    const DEFAULTS = { sort: "", map: "", size: matchMedia("(min-width: 150rem)").matches ? 112 : 64, part: "all", order: "group", rates: "", x: "", y: "", area: "",
        by: "accuracy", other: "", cells: "" };

    function parse(hash) {
        const [path, rest = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
        const [view, ...args] = path.split("/");
        const state = { view, args: args.map(Number), where: [], ...DEFAULTS };
        if (!(view in VIEWS) || args.length !== VIEWS[view] || state.args.some((a) => !Number.isInteger(a) || a < 0)) {
            state.view = "overview";
            state.args = [];
        }
        for (const part of rest.split("&")) {
            const [key, value = ""] = part.split(/=(.*)/s);
            let text;
            try {
                text = decodeURIComponent(value);
            } catch {
                continue;
            }
            if (key === "where")
                state.where.push(text);
            else if (key === "size")
                state.size = Math.min(256, Math.max(16, Number(text) || DEFAULTS.size));
            else if (key in DEFAULTS)
                state[key] = text;
        }
        return state;
    }

    /* What of a state goes with another view: what is looked for, and how it is shown. */
    function make(state) {
        const path = [state.view, ...state.args].join("/");
        const parts = state.where.map((w) => `where=${encodeURIComponent(w)}`);
        for (const [key, usual] of Object.entries(DEFAULTS))
            if (state[key] !== usual)
                parts.push(`${key}=${encodeURIComponent(state[key])}`);
        return `#${path}${parts.length ? "?" : ""}${parts.join("&")}`;
    }

    /* An address of another view with the conditions and settings of this one. */
    const to = (view, args = [], values = {}) =>
        make({ ...Store.get(), part: DEFAULTS.part, other: "", ...values, view, args });

    /* Follows the address, and lets it follow the state. What changes while something is dragged
     * is written a few times a second: browsers refuse more. */
    const OFTEN = 250;
    function follow() {
        let written = 0, later = 0;
        const read = () => Store.set(parse(location.hash), { read: true });
        function replace(state) {
            clearTimeout(later);
            later = 0;
            written = performance.now();
            history.replaceState(null, "", make(state));
        }
        window.addEventListener("hashchange", () => {
            if (location.hash !== make(Store.get()))
                read();
        });
        Store.listen((state, before, how) => {
            const hash = make(state);
            if (how.read || hash === location.hash)
                return;
            if (!how.quiet) {
                if (later)
                    replace(before);
                history.pushState(null, "", hash);
            } else if (performance.now() - written > OFTEN) {
                replace(state);
            } else {
                later ||= setTimeout(() => replace(Store.get()), OFTEN);
            }
        });
        read();
    }

    return { parse, make, to, follow };
})();
