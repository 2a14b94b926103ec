"""A real browser without a window, driven over a pair of pipes by the DevTools protocol, and what its page has said and asked for."""
import base64
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
WAIT_S = 60

SWITCHES = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions",
            "--no-first-run", "--no-default-browser-check", "--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


class Browser:
    """One program; open() gives pages."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="spate-browser-")
        to_read, self.to = os.pipe()
        self.answers, from_write = os.pipe()
        # The browser reads from its descriptor 3 and writes to 4.
        command = f'exec "$@" 3<&{to_read} 4>&{from_write}'
        self.process = subprocess.Popen(["bash", "-c", command, "bash", PROGRAM, *SWITCHES, f"--user-data-dir={self.profile}", "about:blank"],
                                        pass_fds=(to_read, from_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.last, self.waiting, self.pages, self.lock = 0, {}, {}, threading.Lock()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        with os.fdopen(self.answers, "rb") as stream:
            rest = b""
            while piece := stream.read1(1 << 16):
                *messages, rest = (rest + piece).split(b"\0")
                for message in messages:
                    self.take(json.loads(message))

    def take(self, message):
        with self.lock:
            if "id" in message:
                self.waiting.pop(message["id"]).put(message)
            elif page := self.pages.get(message.get("sessionId")):
                page.events.append((message["method"], message["params"]))

    def call(self, method, session=None, **params):
        answer = queue.Queue()
        with self.lock:
            self.last += 1
            self.waiting[self.last] = answer
            message = {"id": self.last, "method": method, "params": params, **({"sessionId": session} if session else {})}
            os.write(self.to, json.dumps(message).encode() + b"\0")
        answer = answer.get(timeout=WAIT_S)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def open(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.call("Page.navigate", url=url)
        return page

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        shutil.rmtree(self.profile, ignore_errors=True)


class Page:
    def __init__(self, browser, session):
        self.browser, self.session, self.events = browser, session, []

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def value(self, expression):
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise RuntimeError(json.dumps(done["exceptionDetails"])[:2000])
        return done["result"].get("value")

    def text(self, selector):
        """What a person reads there; empty when it is not there or not shown."""
        return self.value(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def wait(self, what, holds, seconds=WAIT_S):
        """Until holds(what()) is true; gives what it then was."""
        deadline = time.monotonic() + seconds
        while not holds(seen := what()):
            if time.monotonic() > deadline:
                raise AssertionError(f"still after {seconds} s: {seen!r}\n{self.complaints()}")
            time.sleep(0.1)
        return seen

    def wait_text(self, selector, word, seconds=WAIT_S):
        return self.wait(lambda: self.text(selector), lambda text: word in text, seconds)

    def of(self, method):
        return [params for name, params in list(self.events) if name == method]

    def asked_for(self):
        return [e["request"]["url"] for e in self.of("Network.requestWillBeSent")]

    def complaints(self):
        """Errors of scripts, and all else that a console shows in red."""
        said = [json.dumps(e["exceptionDetails"])[:1000] for e in self.of("Runtime.exceptionThrown")]
        said += [json.dumps(e["args"])[:1000] for e in self.of("Runtime.consoleAPICalled") if e["type"] in ("error", "assert")]
        return said + [f"{e['entry']['text']} {e['entry'].get('url', '')}" for e in self.of("Log.entryAdded") if e["entry"]["level"] == "error"]

    def resize(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def colours(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def overflow(self):
        """How far the page is wider than its window."""
        return self.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def picture(self, path):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))
