/* Pages of hostile names, see tests/cases/analysis/hostile: after everything was clicked. */
for (const b of document.querySelectorAll("button"))
    b.click();
expect("nothing ran", typeof pwned, "undefined");
/* The page's own script, and two of this check. */
expect("scripts", document.scripts.length, 3);
expect("no handler", document.querySelectorAll("[onerror], [onload], [onclick]").length, 0);
const links = Array.from(document.querySelectorAll("[href], [src]"), (e) => e.getAttribute("href") ?? e.getAttribute("src"));
expect("links into the folder", links.filter((l) => !/^(#\w+|[\w./-]+)$/.test(l) || l.includes("..")), []);
expect("no markup of a name", document.querySelectorAll("#classes b, #classes img, .name *, .tip img").length, 0);
const text = document.querySelector("#classes tbody, #bars").textContent;
for (const name of ["<\/script><script>pwned=1<\/script>", "\"><img src=x onerror=pwned=1>", "<b>bold</b> &amp; <span foreground='red'>",
    "javascript:pwned=1", "../../escape", "line?paragraph?end", "0;pwned 31mred ?isolated?", "--><img/src/onerror=pwned=1>?2J"])
    expect(`shown: ${escape(name)}`, text.includes(name), true);
