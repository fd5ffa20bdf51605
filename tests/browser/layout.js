/* The page of bars at the width of the window: bars fill the row, and none is cut off. */
const list = document.getElementById("bars"), all = Array.from(list.children);
const box = list.getBoundingClientRect();
const edge = (bar, side) => bar.getBoundingClientRect()[side];
const scrolls = list.scrollWidth > list.clientWidth;
say(`${all.length} bars at ${innerWidth} px, ${scrolls ? "scrolling" : "fitting"}`);
expect("the page does not scroll sideways", document.documentElement.scrollWidth <= innerWidth, true);
expect("the first bar begins the row", Math.abs(edge(all[0], "left") - box.left) < 1, true);
list.scrollLeft = list.scrollWidth;
expect("the last bar ends it", Math.abs(edge(all.at(-1), "right") - box.right) < 1, true);
const names = all.map((bar) => bar.querySelector(".name").getBoundingClientRect());
expect("names do not overlap", names.every((n, i) => i === 0 || n.width === 0 || n.left >= names[i - 1].right - 1), true);
