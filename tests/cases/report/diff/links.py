"""Checks a page: every element that needs it is closed, and nothing is fetched from elsewhere."""
import sys
from html.parser import HTMLParser

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    open = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href") and not value.startswith(("compared/", "comparison.")):
                print("unexpected", name, value)
        if tag == "img" and not dict(attrs).get("alt"):
            print("a picture without words")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            print("not open:", tag, self.getpos())


page = Page()
page.feed(open(sys.argv[1]).read())
page.close()
print("open at the end:", page.open)
