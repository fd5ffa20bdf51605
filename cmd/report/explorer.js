"use strict";
(function () {
    const body = document.querySelector("#classes tbody");
    const rows = Array.from(body.rows);
    const heads = Array.from(document.querySelectorAll("#classes thead th"));
    const search = document.getElementById("search");
    const found = document.getElementById("found");
    const names = new Intl.Collator(undefined, { numeric: true });

    /* A cell's value: a number where it has one, else its text. Unknown ones
       (data-v="") come last, whatever the order. */
    function value(row, column) {
        const cell = row.cells[column], v = cell.dataset.v;
        return v === undefined ? cell.textContent : v === "" ? null : Number(v);
    }

    function compare(a, b, column, sign) {
        const x = value(a, column), y = value(b, column);
        if (x === null || y === null)
            return Number(x === null) - Number(y === null);
        return sign * (typeof x === "number" ? x - y : names.compare(x, y));
    }

    function sort(column, falling) {
        rows.sort((a, b) => compare(a, b, column, falling ? -1 : 1) || compare(a, b, 0, 1));
        body.append(...rows);
        heads.forEach((h, i) => {
            if (i === column)
                h.setAttribute("aria-sort", falling ? "descending" : "ascending");
            else
                h.removeAttribute("aria-sort");
        });
    }

    function filter() {
        const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        let shown = 0;
        for (const row of rows) {
            const text = row.textContent.toLowerCase();
            row.hidden = !words.every((w) => text.includes(w));
            shown += row.hidden ? 0 : 1;
        }
        found.textContent = `${shown} of ${rows.length} class${rows.length === 1 ? "" : "es"}`;
    }

    heads.forEach((h, i) => {
        if (h.dataset.sort === undefined)
            return;
        const button = document.createElement("button");
        button.type = "button";
        button.append(...h.firstElementChild.childNodes);
        h.replaceChildren(button);
        button.addEventListener("click", () => {
            const now = h.getAttribute("aria-sort");
            /* Metrics of errors are first read from the largest. */
            sort(i, now ? now === "ascending" : h.dataset.sort === "falling");
        });
    });
    search.addEventListener("input", filter);
    document.querySelector(".search").hidden = false;
    filter();
})();
