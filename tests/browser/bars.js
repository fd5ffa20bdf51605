/* Bars: order, figures on focus, keys, and names that would be markup. */
const names = () => Array.from(document.querySelectorAll("#bars > li"), (b) => b.dataset.id).join(" ");
const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const order = (key) => document.querySelector(`[data-key=${key}]`).click();
const opacity = (id) => getComputedStyle(document.querySelector(`[data-id="${id}"] .tip`)).opacity;
const bar = (id) => document.querySelector(`#bars > [data-id="${id}"]`);
const height = (id) => parseFloat(getComputedStyle(bar(id).querySelector(".plot"), "::before").height);

expect("by accuracy, without images last", names(), "0 1 2 3 5 4");
order("accuracy");
expect("falling, without images still last", names(), "5 3 2 1 0 4");
order("id");
expect("by number", names(), "0 1 2 3 4 5");
order("group");
expect("by superclass", names(), "4 5 0 1 2 3");
expect("a gap before a superclass", document.querySelectorAll("#bars > li.first").length, 2);
order("name");
expect("pressed", document.querySelector("[aria-pressed=true]").textContent, "name");
order("id");

expect("one bar in the tab order", document.querySelectorAll('#bars > [tabindex="0"]').length, 1);
bar(0).focus();
expect("figures seen on focus", opacity(0), "1");
expect("and no others", opacity(1), "0");
expect("what they say", bar(0).querySelector(".tip").innerText.replace(/\s+/g, " "), "cat & dog (class ID 0) 49.5 %, 99 of 200 correct pets");
press("ArrowRight");
expect("the next bar", document.activeElement.dataset.id, "1");
press("End");
expect("the last bar", document.activeElement.dataset.id, "5");
press("ArrowRight");
expect("and no further", document.activeElement.dataset.id, "5");
press("Home");
expect("the first bar", document.activeElement.dataset.id, "0");

expect("heights follow the figures", Math.abs(height(3) / height(0) - 70 / 49.5) < .02, true);
const colours = ["0", "1", "2", "3", "5"].map((id) => getComputedStyle(bar(id).querySelector(".plot"), "::before").backgroundColor);
expect("bands: 49.5 | 50, 69.5 | 70, 100", [colours[0] !== colours[1], colours[1] === colours[2], colours[2] !== colours[3], colours[3] === colours[4]], [true, true, true, true]);
expect("markup stays text", bar(1).querySelector(".name").textContent, '<\/script><script>document.title="pwned"<\/script>');
expect("title", document.title, "Accuracy of each class");
expect("no element came from a name", document.querySelectorAll("img, #bars script").length, 0);
