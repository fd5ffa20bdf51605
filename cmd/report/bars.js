"use strict";
(function () {
    const list = document.getElementById("bars");
    const bars = Array.from(list.children);
    const buttons = Array.from(document.querySelectorAll(".sort button"));
    const direction = document.querySelector(".direction");
    const names = new Intl.Collator(undefined, { numeric: true });
    let key = "accuracy", falling = false;

    const number = (bar, name) => Number(bar.dataset[name]);
    const compare = {
        accuracy: (a, b) => number(a, "accuracy") - number(b, "accuracy"),
        id: (a, b) => number(a, "id") - number(b, "id"),
        name: (a, b) => names.compare(a.dataset.name, b.dataset.name),
        group: (a, b) => number(a, "group") - number(b, "group"),
    };

    /* One bar is in the tab order; the arrow keys move on from it. */
    function enter(bar) {
        for (const b of bars)
            b.tabIndex = b === bar ? 0 : -1;
    }

    function arrange() {
        const empty = (bar) => Number(bar.dataset.accuracy < 0);
        bars.sort((a, b) => (key === "accuracy" && empty(a) - empty(b))
            || (falling ? -1 : 1) * compare[key](a, b)
            || number(a, "id") - number(b, "id"));
        bars.forEach((bar, i) => {
            bar.classList.toggle("first", key === "group" && i > 0
                && bar.dataset.group !== bars[i - 1].dataset.group);
            list.append(bar);
        });
        enter(bars[0]);
        for (const b of buttons)
            b.setAttribute("aria-pressed", String(b.dataset.key === key));
        direction.textContent = falling ? "falling" : "rising";
    }

    /* Keeps the label of a bar near the edge inside the chart, or inside the row of
       bars where that is wider and scrolls: it must not grow by them. */
    function keepInside(bar) {
        const tip = bar.querySelector(".tip");
        tip.style.setProperty("--shift", "0px");
        const box = list.getBoundingClientRect(), own = tip.getBoundingClientRect();
        const first = bars[0].getBoundingClientRect().left;
        const last = bars[bars.length - 1].getBoundingClientRect().right;
        const scrolls = last - first > box.width;
        const left = scrolls ? Math.max(first, box.left) : box.left;
        const right = scrolls ? Math.min(last, box.right) : box.right;
        const shift = Math.max(left - own.left, 0) - Math.max(own.right - right, 0);
        tip.style.setProperty("--shift", `${shift}px`);
    }

    for (const b of buttons) {
        b.addEventListener("click", () => {
            falling = b.dataset.key === key && !falling;
            key = b.dataset.key;
            arrange();
        });
    }
    list.addEventListener("mouseover", (e) => {
        const bar = e.target.closest("li");
        if (bar)
            keepInside(bar);
    });
    list.addEventListener("focusin", (e) => {
        const bar = e.target.closest("li");
        enter(bar);
        keepInside(bar);
    });
    list.addEventListener("keydown", (e) => {
        const at = bars.indexOf(e.target), last = bars.length - 1;
        const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[e.key];
        if (at < 0 || to === undefined)
            return;
        e.preventDefault();
        bars[Math.min(Math.max(to, 0), last)].focus();
    });
    document.querySelector(".sort").hidden = false;
    arrange();
})();
