"""Looks at every link of the manual's HTML: the file or the section must be there, ids may not be used
twice, pictures need a size that is there, and every page must be reached from the index."""
import os
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

VOID = {"meta", "link", "img", "br", "hr", "col", "input"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.ids, self.open, self.faults = [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        # A word of a heading that is a macro's name, such as An or In, is taken for the macro.
        if tag != "a" and self.open and self.open[-1] in ("h1", "h2", "h3", "a") and {"h1", "h2", "h3"} & {*self.open}:
            self.faults.append(f"<{tag}> in a heading")
        self.links += [attrs[name] for name in ("href", "src") if name in attrs]
        self.ids += [attrs["id"]] if "id" in attrs else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in ("p", "li", "dt", "dd", "td", "tr"):
            self.faults.append(f"</{tag}> closes no <{self.open[-1] if self.open else ''}>")


folder = sys.argv[1]
pages = {}
for name in sorted(os.listdir(folder)):
    if name.endswith(".html"):
        pages[name] = Page()
        pages[name].feed(open(os.path.join(folder, name), encoding="utf-8").read())
reached, todo = set(), ["index.html"]
while todo:
    name = todo.pop()
    if name in reached:
        continue
    reached.add(name)
    page = pages[name]
    for twice in {i for i in page.ids if page.ids.count(i) > 1}:
        print(f"{name}: id {twice} twice")
    for fault in page.faults:
        print(f"{name}: {fault}")
    for link in page.links:
        if link.startswith(("https://", "http://")):
            continue
        path, anchor = urldefrag(link)
        path = unquote(path) or name
        if path in pages:
            todo.append(path)
            if anchor and unquote(anchor) not in pages[path].ids:
                print(f"{name}: no section {link}")
        elif not os.path.isfile(os.path.join(folder, path)):
            print(f"{name}: no file {link}")
for name in sorted(set(pages) - reached):
    print(f"{name}: no page links to it")
for name in sorted(os.listdir(folder + "/pictures")):
    if not any(f"pictures/{name}" in page.links for page in pages.values()):
        print(f"pictures/{name}: on no page")
