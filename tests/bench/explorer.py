"""The explorer of 100,000 images in Chromium: time to the first images, frames while the whole
grid is scrolled through, and the memory of the tab at its highest.

explorer.py RUN: RUN is a folder that tests/browser/make_run.sh made; see explorer.sh.
"""
import os, sys, threading, time
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../browser"))
import drive

SHOWN = "document.body.dataset.loading === '0' && !!document.querySelector('.grid [role=option]')"
# Steps of a window at every frame, as fast as the wheel turns; what is scrolled past loads no more.
SCROLL = """(async () => {
    const grid = document.querySelector('.grid'), frames = [];
    let long = 0;
    const watch = new PerformanceObserver((l) => { for (const e of l.getEntries()) long = Math.max(long, e.duration); });
    watch.observe({ entryTypes: ['longtask'] });
    let last = performance.now();
    for (let i = 0; i < 1000; i++) {
        const next = %s;
        grid.scrollTop = next;
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        frames.push(now - last);
        last = now;
    }
    await new Promise((r) => setTimeout(r, 100));
    watch.disconnect();
    frames.sort((a, b) => a - b);
    return [frames[500], frames[950], frames.at(-1), long].map((v) => Math.round(10 * v) / 10);
})()"""


class Watch:
    """The highest memory of the tab, looked at while something runs."""

    def __init__(self, browser):
        self.browser, self.most, self.on = browser, 0, True
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.on:
            self.most = max(self.most, self.browser.memory())
            time.sleep(.25)

    def end(self):
        self.on = False
        self.thread.join()
        return self.most >> 20


def main():
    run = sys.argv[1]
    with drive.start("chromium", watched=False) as b:
        watch = Watch(b)
        url = "file://" + quote(os.path.join(os.path.abspath(run), "explorer.html"))

        def say(what, *more):
            print(f"{what:34} {b.memory() >> 20:5} MiB now, {watch.most >> 20:5} MiB at most", *more, flush=True)

        start = time.monotonic()
        b.open(url + "#grid?map=pred&sort=-entropy&size=64")
        b.wait(SHOWN)
        say("first images", f"{time.monotonic() - start:.2f} s")
        # Through the whole grid; then slowly, so that all of it is drawn.
        for what, step in ("the whole grid", "i / 1000 * grid.scrollHeight"), ("40 pixels a frame", "40 * i"):
            frames = b.js(SCROLL % step)
            b.wait(SHOWN)
            say(what, "frames: median {}, 95 % {}, longest {} ms; longest task {} ms".format(*frames))
        start, n = time.monotonic(), b.js("Dom.index.rows")
        for i in range(50):
            b.js(f"location.hash = '#image/{i * (n // 50)}?map=pred'")
            b.wait(f"document.body.dataset.loading === '0' && document.querySelector('h2')?.textContent.startsWith('Image {i * (n // 50)}')")
        say("50 images", f"{(time.monotonic() - start) / 50:.3f} s each")
        for view in ("scatter?x=x&y=y", "matrix", "grid?where=conf%3E0.9&sort=loss", "class/3?map=pred", "overview"):
            start = time.monotonic()
            name = view.split("?")[0]
            b.js(f"location.hash = '#{view}'")
            b.wait(f"document.body.dataset.view === '{name}' && document.body.dataset.loading === '0'")
            say(view, f"{time.monotonic() - start:.2f} s")
        print("at most", watch.end(), "MiB", *b.console)


if __name__ == "__main__":
    main()
