/* Explorer: order by every column, search, links, and names that would be markup. */
const rows = () => Array.from(document.querySelectorAll("#classes tbody tr"));
const shown = () => rows().filter((r) => !r.hidden).map((r) => r.cells[0].textContent).join(" ");
const heads = Array.from(document.querySelectorAll("#classes thead th"));
const head = (text) => heads.find((h) => h.textContent === text);
const sort = (text) => head(text).querySelector("button").click();
const search = document.getElementById("search");
const find = (text) => {
    search.value = text;
    search.dispatchEvent(new Event("input"));
};

expect("by accuracy, without images last", shown(), "1 0 2 3 4");
expect("said so", head("Accuracy").getAttribute("aria-sort"), "ascending");
sort("Accuracy");
expect("falling, without images still last", shown(), "3 2 0 1 4");
sort("Class");
expect("by name", shown(), "4 3 2 0 1");
expect("one column is the order", heads.filter((h) => h.hasAttribute("aria-sort")).length, 1);
sort("Class ID");
expect("by number", shown(), "0 1 2 3 4");
sort("Wrong");
expect("wrong predictions fall first", shown(), "1 0 2 3 4");
sort("Low-confidence correct");
expect("correct predictions of low confidence", shown(), "0 1 2 3 4");
sort("Highest-confidence wrong");
expect("wrong predictions of highest confidence", shown(), "0 2 1 3 4");
sort("Most frequent wrong predictions");
expect("by the most frequent", shown(), "1 0 2 3 4");
sort("Superclass");
expect("by superclass, then number", shown(), "0 1 2 3 4");

find("pets");
expect("search for a superclass", shown(), "0 1");
find("BUS dog");
expect("all words, any case", shown(), "1");
find("nothing");
expect("nothing found", document.getElementById("found").textContent, "0 of 5 classes");
find("");
expect("all again", shown(), "0 1 2 3 4");

const link = rows()[1].querySelector("a");
expect("a class sheet", link.getAttribute("href"), "worst_predictions/class_001_dog.png");
expect("no sheet without images", rows()[4].querySelector("a"), null);
expect("pairs", Array.from(document.querySelectorAll(".gallery a"), (a) => a.getAttribute("href")).slice(0, 2),
    ["confused_pair_1_dog_to_cat.png", "confused_pair_2_cat_to_dog.png"]);
