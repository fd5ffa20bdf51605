/* The overview: the tables that the page brings, with pictures and commands. */
const Overview = (() => {
    const { make } = Dom;
    const section = document.getElementById("overview");
    const thumbs = [];

    /* A picture beside the words of each error. */
    function paint() {
        const state = Store.get();
        Picture.begin();
        for (const [canvas, row] of thumbs)
            Picture.draw(canvas.getContext("2d"), row, 0, 0, 72, 72 * Picture.ratio(), { map: state.map, cmap: state.cmap, alpha: state.alpha, paper: Dom.color("soft") });
    }

    async function begin() {
        const errors = section.querySelector("#errors");
        const first = section.querySelectorAll(".card:not(.wide)");
        const table = Command.quote(Dom.index.tables[0].file);
        if (Dom.index.labelled) {
            const [worst, pairs] = [...first].map((c) => c.querySelectorAll("li").length);
            section.querySelector(".figures")?.after(Command.line("These figures", Command.confmat("--summary", [])));
            section.querySelector('a[href^="#class/"]')?.closest(".card")?.append(Command.line("These classes",
                Command.confmat("--classes", []).then((c) => `${c} | awk -F '\\t' 'NR == 1 || $5 > 0' | (sed -u 1q; LC_ALL=C sort -t $'\\t' -k 7,7g -k 1,1n) | head -n ${worst + 1}`)));
            section.querySelector('a[href^="#pair/"]')?.closest(".card")?.append(Command.line("These pairs", Command.confmat(`--pairs --top ${first.length > 1 ? pairs : worst}`, [])));
            errors?.closest(".card").append(Command.line("These images", `worst-k --by all --kind worst --errors highest --count ${errors.children.length} ${table}`));
        }
        if (!errors)
            return;
        await Rows.ready;
        for (const a of errors.querySelectorAll("a[data-image]")) {
            const row = Rows.find(Number(a.dataset.image));
            if (row < 0)
                continue;
            const canvas = Dom.canvas(72, 72 * Picture.ratio(), { "aria-hidden": "true" });
            a.prepend(canvas);
            thumbs.push([canvas, row]);
        }
        errors.addEventListener("click", (e) => {
            if (e.target.closest("a") && !e.ctrlKey && !e.metaKey && !e.shiftKey)
                Store.set({ list: Int32Array.from(thumbs, ([, row]) => row) }, { quiet: true });
        });
        Picture.listen(() => Store.get().view === "overview" && requestAnimationFrame(paint));
        Store.listen((s) => s.view === "overview" && paint());
        paint();
    }

    return { begin };
})();
