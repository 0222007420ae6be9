"""Looks at a page in Chromium: usage browser.py CHROMIUM URL WIDTH HEIGHT light|dark [PICTURE].

Waits until the page is live, lets it be brought up to date twice, and prints what was found as
JSON.
"""

import base64
import json
import subprocess
import sys
import tempfile
import time
import urllib.request

from websockets.sync.client import connect

chromium, url, width, height, scheme = sys.argv[1:6]
QUESTIONS = {
    "title": "document.title",
    "live": "document.getElementById('live').textContent",
    "text": "document.body.innerText",
    "anchors": "[...document.querySelectorAll('tr[id]')].map(row => row.id)",
    "scripts": "document.scripts.length",
    "images": "document.images.length",
    "overflow": "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    "cut": "[...document.querySelectorAll('.scroll')].filter("
           "box => box.scrollWidth > box.clientWidth).map(box => box.getAttribute('aria-label'))",
    # One line is about 1.5 times its letters; a word squeezed to a letter a line is much more.
    "broken": "[...document.querySelectorAll('.box dt')].filter(word => word.offsetHeight"
              " > 2.5 * parseFloat(getComputedStyle(word).fontSize)).map(word => word.textContent)",
    # A cell in a list has its pieces parted: a name has to be one.
    "parted": "[...document.querySelectorAll('td')].filter(cell => getComputedStyle(cell).display === 'flex'"
              " && cell.childNodes.length > 1).map(cell => cell.textContent)",
    "ground": "getComputedStyle(document.body).backgroundColor",
    "tables": "[...document.querySelectorAll('table')].every(t => t.caption"
              " && [...t.querySelectorAll('th')].every(h => h.scope))",
    "landmarks": "['header', 'main', 'footer', 'nav'].every(n => document.querySelector(n))",
    "focusKept": "document.activeElement === window.marked && window.marked.isConnected",
    "focusSeen": "getComputedStyle(window.marked).outlineStyle",
}


class Page:
    def __init__(self, socket):
        self.socket = socket
        self.number = 0

    def call(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps(
            {"id": self.number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv(timeout=30))
            if answer.get("id") == self.number:
                return answer.get("result", answer)

    def ask(self, expression):
        return self.call("Runtime.evaluate", expression=expression,
                         returnByValue=True)["result"].get("value")

    def wait(self, expression):
        end = time.monotonic() + 30
        while not self.ask(expression):
            if time.monotonic() > end:
                sys.exit(f"never true: {expression}")
            time.sleep(0.05)


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    browser = subprocess.Popen(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--hide-scrollbars", "--remote-debugging-port=0", f"--user-data-dir={profile}",
         "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        for line in browser.stderr:
            if line.startswith("DevTools listening on "):
                host = line.split("ws://")[1].split("/")[0]
                break
        pages = json.load(urllib.request.urlopen(f"http://{host}/json/list"))
        target = next(p for p in pages if p["type"] == "page")["webSocketDebuggerUrl"]
        with connect(target, max_size=None) as socket:
            page = Page(socket)
            page.call("Emulation.setDeviceMetricsOverride", width=int(width), height=int(height),
                      deviceScaleFactor=1, mobile=int(width) < 600)
            page.call("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": scheme}])
            page.call("Page.navigate", url=url)
            page.wait("document.readyState === 'complete' && window.patch !== undefined"
                      " && document.getElementById('live').textContent === 'Live.'")
            # A key brings the focus to the third place; it must stay there while parts change.
            for _ in range(3):
                for kind in ("keyDown", "keyUp"):
                    page.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab",
                              windowsVirtualKeyCode=9)
            page.ask("window.marked = document.activeElement;"
                     " window.before = document.getElementById('summary').textContent; 1")
            for _ in range(2):
                page.wait("document.getElementById('summary').textContent !== window.before")
                page.ask("window.before = document.getElementById('summary').textContent; 1")
            found = {name: page.ask(text) for name, text in QUESTIONS.items()}
            found["reached"] = page.ask("window.marked.className || window.marked.tagName")
            if len(sys.argv) > 6:
                shot = page.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
                with open(sys.argv[6], "wb") as picture:
                    picture.write(base64.b64decode(shot["data"]))
            print(json.dumps(found))
    finally:
        browser.terminate()
        browser.wait()
