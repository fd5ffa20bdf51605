"""Drives headless Chromium (DevTools protocol over a pipe) and Firefox (Marionette) with
Python's standard library alone. Both offer the same methods; neither reaches a network.

    with drive.start("chromium") as b:
        b.open("file:///...")
        b.js("document.title")
"""
import base64, json, os, shutil, socket, subprocess, sys, tempfile, time

NAMES = {"chromium": ["chromium", "chromium-browser", "google-chrome"], "firefox": ["firefox-esr", "firefox"]}
# What Marionette calls keys; DevTools wants the name and the code.
KEYS = {"Enter": ("\ue007", 13), "Escape": ("\ue00c", 27), "Tab": ("\ue004", 9), "ArrowLeft": ("\ue012", 37),
        "ArrowUp": ("\ue013", 38), "ArrowRight": ("\ue014", 39), "ArrowDown": ("\ue015", 40), "Home": ("\ue011", 36),
        "End": ("\ue010", 35), "PageUp": ("\ue00e", 33), "PageDown": ("\ue00f", 34), " ": (" ", 32)}


def find(kind):
    for name in NAMES[kind]:
        if path := shutil.which(name):
            return path
    return None


def start(kind, **options):
    path = find(kind)
    if not path:
        raise FileNotFoundError(kind)
    return (Chromium if kind == "chromium" else Firefox)(path, **options)


class Browser:
    """console: messages and errors of the page; requests: addresses asked for that are no
    file, data or blob."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="browser.")
        self.console, self.requests = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait(self, condition, seconds=60):
        """Until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.js(condition):
                return
            time.sleep(0.02)
        raise TimeoutError(f"{condition}: still false after {seconds} s")


class Chromium(Browser):
    def __init__(self, path, width=1400, height=900, watched=True):
        """watched: whether the browser reports requests, for which it keeps what was loaded."""
        super().__init__()
        ours, theirs = os.pipe(), os.pipe()
        # Descriptors 3 and 4 are where Chromium reads and writes.
        self.process = subprocess.Popen(
            ["bash", "-c", 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"', "-", str(ours[0]), str(theirs[1]), path,
             "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe",
             "--host-resolver-rules=MAP * ~NOTFOUND", "--force-color-profile=srgb", "--hide-scrollbars",
             f"--user-data-dir={self.folder}", f"--window-size={width},{height}", "about:blank"],
            pass_fds=(ours[0], theirs[1]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(ours[0])
        os.close(theirs[1])
        self.to, self.back = os.fdopen(ours[1], "wb", 0), os.fdopen(theirs[0], "rb")
        self.serial, self.rest, self.session, self.loaded = 0, b"", None, 0
        page = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", *(["Network", "Accessibility"] if watched else [])):
            self.call(domain + ".enable")
        self.size(width, height)

    def read(self):
        while b"\0" not in self.rest:
            more = os.read(self.back.fileno(), 1 << 20)
            if not more:
                raise EOFError("Chromium ended")
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def note(self, message):
        method, p = message.get("method"), message.get("params", {})
        if method == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(a.get("value", a.get("description"))) for a in p["args"]))
        elif method == "Runtime.exceptionThrown":
            d = p["exceptionDetails"]
            self.console.append(d.get("exception", {}).get("description") or d["text"])
        elif method == "Log.entryAdded":
            self.console.append(p["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            url = p["request"]["url"]
            if not url.startswith(("file:", "data:", "blob:", "about:")):
                self.requests.append(url)
        elif method == "Page.loadEventFired":
            self.loaded += 1

    def call(self, method, **params):
        self.serial += 1
        message = {"id": self.serial, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.to.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.serial:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.note(answer)

    def open(self, url):
        before = self.loaded
        self.call("Page.navigate", url="about:blank")
        while self.loaded == before:
            self.note(self.read())
        before = self.loaded
        self.call("Page.navigate", url=url)
        while self.loaded == before:
            self.note(self.read())

    def js(self, expression):
        r = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in r:
            raise RuntimeError(r["exceptionDetails"].get("exception", {}).get("description", "error"))
        return r["result"].get("value")

    def key(self, key, shift=False):
        code = KEYS[key][1] if key in KEYS else ord(key.upper())
        # Without the text no character is typed and no button is pressed.
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        p = dict(key=key, windowsVirtualKeyCode=code, modifiers=8 if shift else 0)
        self.call("Input.dispatchKeyEvent", type="keyDown", **p, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **p)

    def mouse(self, *points, button="left"):
        """Presses at the first point, moves along the others, and lets go."""
        for i, (x, y) in enumerate([points[0], *points, points[-1]]):
            kind = "mousePressed" if i == 0 else "mouseReleased" if i > len(points) else "mouseMoved"
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, buttons=1, clickCount=1)

    def wheel(self, x, y, by):
        self.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=by)

    def size(self, width, height, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)

    def dark(self, on):
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if on else "light"}])

    def scripts(self, on):
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def shot(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def pdf(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"]))

    def memory(self):
        """Bytes of all of the browser's renderers."""
        total = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", errors="replace") as f:
                    line = f.read()
                if self.folder in line and "--type=renderer" in line:
                    with open(f"/proc/{pid}/smaps_rollup") as f:
                        total += sum(int(l.split()[1]) << 10 for l in f if l.startswith("Pss:"))
            except OSError:
                pass
        return total

    def tree(self):
        """Roles and names of what a screen reader finds, in order."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [(n["role"]["value"], n.get("name", {}).get("value", ""),
                 {p["name"]: p["value"].get("value") for p in n.get("properties", [])})
                for n in nodes if not n["ignored"]]


class Firefox(Browser):
    def __init__(self, path, width=1400, height=900):
        super().__init__()
        with open(os.path.join(self.folder, "user.js"), "w") as f:
            for name, value in {"marionette.port": 0, "network.dns.offline-localhost": False, "browser.shell.checkDefaultBrowser": False,
                                "network.proxy.type": 1, "network.proxy.http": "127.0.0.1", "network.proxy.http_port": 9,
                                "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 9,
                                "datareporting.policy.dataSubmissionEnabled": False, "app.update.enabled": False,
                                "ui.prefersReducedMotion": 1, "browser.aboutConfig.showWarning": False}.items():
                f.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        self.process = subprocess.Popen(
            [path, "--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", self.folder, "about:blank"],
            env=dict(os.environ, HOME=self.folder, MOZ_CRASHREPORTER_DISABLE="1"), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port, end = os.path.join(self.folder, "MarionetteActivePort"), time.monotonic() + 60
        while not (os.path.exists(port) and open(port).read().strip()):
            if time.monotonic() > end or self.process.poll() is not None:
                raise TimeoutError("Firefox did not start")
            time.sleep(0.05)
        self.socket = socket.create_connection(("127.0.0.1", int(open(port).read())))
        self.file, self.serial = self.socket.makefile("rb"), 0
        self.read()
        self.call("WebDriver:NewSession", capabilities={"alwaysMatch": {"webSocketUrl": False}})
        self.size(width, height)
        self.chrome("""
            globalThis.heatpipe = { requests: [] };
            Services.obs.addObserver({ observe(subject) {
                const channel = subject.QueryInterface(Ci.nsIHttpChannel);
                /* What the browser asks for itself is no page's. */
                if (!channel.loadInfo.triggeringPrincipal.isSystemPrincipal)
                    heatpipe.requests.push(channel.URI.spec);
            } }, "http-on-modify-request");""")

    def read(self):
        n = b""
        while (c := self.file.read(1)) != b":":
            if not c:
                raise EOFError("Firefox ended")
            n += c
        return json.loads(self.file.read(int(n)))

    def call(self, method, **params):
        self.serial += 1
        data = json.dumps([0, self.serial, method, params]).encode()
        self.socket.sendall(b"%d:%s" % (len(data), data))
        while True:
            kind, serial, error, result = self.read()
            if serial == self.serial:
                if error:
                    raise RuntimeError(f"{method}: {error['error']}: {error['message']}")
                return result

    def chrome(self, script):
        self.call("Marionette:SetContext", value="chrome")
        try:
            return self.call("WebDriver:ExecuteScript", script=script, args=[], newSandbox=False, sandbox="system")["value"]
        finally:
            self.call("Marionette:SetContext", value="content")

    def note(self):
        """What the page said since the last call, and whom it asked."""
        self.console += self.chrome("""
            const all = Services.console.getMessageArray().filter((m) => m instanceof Ci.nsIScriptError &&
                (m.sourceName || "").startsWith("file:")).map((m) => m.errorMessage);
            Services.console.reset();
            return all;""")
        self.requests += self.chrome("return globalThis.heatpipe.requests.splice(0);")

    def open(self, url):
        self.call("WebDriver:Navigate", url="about:blank")
        self.call("WebDriver:Navigate", url=url)

    def js(self, expression):
        value = self.call("WebDriver:ExecuteAsyncScript", args=[], newSandbox=False, scriptTimeout=60000, script=f"""
            const done = arguments[arguments.length - 1];
            Promise.resolve().then(() => ({expression})).then((v) => done([v === undefined ? null : v]), (e) => done(String(e) + e.stack));""")["value"]
        if isinstance(value, str):
            raise RuntimeError(value)
        return value[0]

    def key(self, key, shift=False):
        k = KEYS[key][0] if key in KEYS else key
        keys = [{"type": "keyDown", "value": k}, {"type": "keyUp", "value": k}]
        if shift:
            keys = [{"type": "keyDown", "value": "\ue008"}] + keys + [{"type": "keyUp", "value": "\ue008"}]
        self.call("WebDriver:PerformActions", actions=[{"type": "key", "id": "k", "actions": keys}])

    def mouse(self, *points, button="left"):
        move = lambda x, y: {"type": "pointerMove", "duration": 0, "origin": "viewport", "x": round(x), "y": round(y)}
        press = lambda kind: {"type": kind, "button": 0}
        self.call("WebDriver:PerformActions", actions=[{"type": "pointer", "id": "m", "parameters": {"pointerType": "mouse"}, "actions": [
            move(*points[0]), press("pointerDown"), *(move(*p) for p in points[1:]), press("pointerUp")]}])

    def wheel(self, x, y, by):
        self.call("WebDriver:PerformActions", actions=[{"type": "wheel", "id": "w", "actions": [
            {"type": "scroll", "origin": "viewport", "x": round(x), "y": round(y), "deltaX": 0, "deltaY": by, "duration": 0}]}])

    def size(self, width, height, scale=1):
        # The window has a frame of its own.
        frame = self.js("[outerWidth - innerWidth, outerHeight - innerHeight]")
        self.call("WebDriver:SetWindowRect", width=width + frame[0], height=height + frame[1])

    def dark(self, on):
        self.chrome(f'Services.prefs.setIntPref("layout.css.prefers-color-scheme.content-override", {0 if on else 1});')

    def shot(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("WebDriver:TakeScreenshot", full=False)["value"]))


if __name__ == "__main__":
    # drive.py BROWSER PAGE EXPRESSION: what the page says.
    # drive.py BROWSER PAGE WIDTHxHEIGHT FILE.png: what it looks like when the expression
    # `document.body.dataset.loading` is "0", as of the explorer.
    with start(sys.argv[1]) as browser:
        if len(sys.argv) == 4:
            browser.open(sys.argv[2])
            print(json.dumps(browser.js(sys.argv[3]), ensure_ascii=False))
        else:
            browser.size(*(int(n) for n in sys.argv[3].split("x")))
            browser.open(sys.argv[2])
            browser.wait("document.body.dataset.view !== undefined && document.body.dataset.loading === '0'")
            time.sleep(1)
            browser.shot(sys.argv[4])
