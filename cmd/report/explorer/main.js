/* The page: which view is shown, and the keys that all views share. */
(() => {
    const { index, make } = Dom;
    const main = document.getElementById("main"), stage = make("div", { id: "stage" });
    main.prepend(stage);

    /* Views by their names: sections that the page brings, or a function that fills the stage. */
    const SECTIONS = { overview: "overview", classes: "classes", about: "about" };
    const VIEWS = { grid: Grid.view, matrix: Matrix.view, class: Subject.view, pair: Subject.view, image: ImageView.view, scatter: Scatter.view, tags: Tags.view };
    /* Of these, which the filters change. */
    const FILTERED = new Set(["grid", "matrix", "class", "pair", "scatter"]);
    const NAV = [["overview", "Overview"], ["grid", "Images"], ["matrix", "Confusion"], ["classes", "Classes"], ["scatter", "Scatter"], ["tags", "Tags"], ["about", "About this run"]]
        .filter(([v]) => index.labelled || (v !== "matrix" && v !== "classes"));
    const title = document.title;
    let end = null, shown = "";

    function nav(state) {
        const under = { class: "classes", pair: "matrix", image: "grid" }[state.view] ?? state.view;
        document.getElementById("views").replaceChildren(...NAV.map(([v, text]) =>
            make("a", { href: Address.to(v), text, "aria-current": v === under ? "page" : null })));
    }

    async function show(state, how = {}) {
        const key = [state.view, ...state.args].join("/");
        nav(state);
        /* An image view goes on to the next image by itself. */
        if (key === shown || (state.view === "image" && shown.startsWith("image/")))
            return void (shown = key);
        const before = shown;
        shown = key;
        (await end)?.();
        if (shown !== key)
            return;
        Dom.empty(stage);
        for (const s of ["overview", "classes", "pairs", "about"])
            document.getElementById(s).hidden = SECTIONS[state.view] !== s && !(s === "pairs" && state.view === "matrix");
        Filters.host.hidden = !FILTERED.has(state.view);
        if (VIEWS[state.view]) {
            await Rows.ready;
            if (shown !== key)
                return;
            end = VIEWS[state.view](stage, Store.get());
        } else {
            end = null;
        }
        const head = (VIEWS[state.view] ? stage : document.getElementById(state.view)).querySelector("h2");
        document.title = head && state.view !== "overview" ? `${head.textContent} – ${title}` : title;
        if (before && !how.quiet) {
            if (head) {
                head.tabIndex = -1;
                head.focus({ preventScroll: true });
            }
            window.scrollTo(0, 0);
        }
        document.body.dataset.view = key;
    }

    /* A map is laid over or taken away by one key; the last one comes back. */
    let last = "pred";
    function toggleMap() {
        const { map } = Store.get();
        if (!Maps.shape)
            return;
        last = map || last;
        Store.set({ map: map ? "" : last }, { quiet: true });
        document.querySelectorAll("[data-tool=map]").forEach((s) => s.value = Store.get().map);
    }

    document.addEventListener("keydown", (e) => {
        if (e.defaultPrevented || e.ctrlKey || e.altKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName))
            return;
        if (e.key === "m")
            toggleMap();
        else if (e.key === "+" || e.key === "=" || e.key === "-")
            Grid.resize(e.key === "-" ? -1 : 1);
        else if (e.key === "t") {
            const input = document.querySelector("#stage .selection:not([hidden]) input, #tag-input");
            if (!input)
                return;
            input.focus();
        } else if (e.key === "Escape" && Store.get().view === "image")
            history.back();
        else
            return;
        e.preventDefault();
    });

    Store.set({ cmap: Maps.initial, alpha: .5 });
    Store.listen((state, before, how) => show(state, how));
    if (index.single)
        document.querySelector(".lead")?.after(make("p", { class: "warning", text: `This file holds ${Dom.count(index.rows, "image")}, those that the run's sheets show. The tables are of the whole run, and so are the commands.` }));
    document.body.classList.add("live");
    if (index.labelled)
        Classes.begin();
    Address.follow();
    Overview.begin();
    Filters.begin();
    Marks.begin();
})();
