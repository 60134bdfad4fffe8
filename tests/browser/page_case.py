"""What the checks of the page have in common."""

import json
import unittest
import urllib.parse

from webdriver import wait_for

VIEWS = [(360, 740), (560, 800), (768, 1024), (1179, 800), (1180, 800), (1280, 900), (1920, 1080), (3840, 2160)]

# Each run of text with the contrast between its colour and the nearest ground that is painted behind it: in a drawing the
# last shape before it that is filled and lies under its middle.
CONTRASTS = """
const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
const parse = (color) => color.match(/[0-9.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const ground = (node) => {
    const box = node.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    for (let shape = node instanceof SVGTextElement ? node.previousElementSibling : null; shape; shape = shape.previousElementSibling) {
        const under = shape.getBoundingClientRect();
        const style = getComputedStyle(shape);
        const hit = shape instanceof SVGGeometryElement && x > under.left && x < under.right && y > under.top && y < under.bottom;
        if (hit && style.fill.startsWith("rgb(") && style.fillOpacity === "1") return parse(style.fill);
    }
    for (; node; node = node.parentElement) {
        const color = parse(getComputedStyle(node).backgroundColor);
        if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const owner = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !owner.checkVisibility() || owner.localName === "option") continue;
    const [a, b] = [light(parse(getComputedStyle(owner).color)), light(ground(owner))];
    found.push([walker.currentNode.data.trim().slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
}
return found;
"""


class PageCase(unittest.TestCase):
    browser = url = nodes = pictures = stand_in = raftd = None

    def open_page(self, url=None, width=1280, height=900, dark=False):
        self.browser.go("about:blank")  # What the page before still asks and says does not count.
        self.browser.take_log("browser")
        self.browser.take_log("performance")
        self.browser.set_view(width, height, dark)
        self.width = width
        self.browser.go((url or self.url) + "/")
        wait_for(lambda: self.state() != "loading", 10, "the first picture")

    def change_view(self, width, height, dark):
        """Another window for the page that is open; it is drawn anew when this returns."""
        self.browser.set_view(width, height, dark)
        self.width = width
        self.browser.run_async("requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(arguments[0])))")

    def state(self):
        return self.browser.run("return document.getElementById('banner').dataset.state")

    def wait_for_state(self, state):
        wait_for(lambda: self.state() == state, 10, f"state {state}, is {self.state()}")

    def rows(self, table="nodes"):
        """[{column label: text}] of a table, with the row's key and role added."""
        return self.browser.run(
            "return [...document.querySelectorAll(`#${arguments[0]} tbody tr[data-key]`)].map((row) => ({"
            " key: Number(row.dataset.key), role: row.dataset.role,"
            " ...Object.fromEntries([...row.cells].map((cell) => [cell.dataset.label, cell.textContent])) }))",
            table,
        )

    def send(self, box, text):
        """Writes into a box, presses its button, and returns what was sent as outcome, problem and answer."""
        before = f"#{box} .outcome"
        self.browser.run("document.querySelector(arguments[0]).textContent = 'being asked'", before)
        self.browser.run(
            "const area = document.querySelector(arguments[0]); area.value = arguments[1];"
            "area.dispatchEvent(new Event('input'))", f"#{box} textarea", text,
        )
        self.browser.click(f"#{box} button.primary")
        return self.take_result(box)

    def take_result(self, box):
        wait_for(lambda: self.browser.text(f"#{box} .outcome") != "being asked", 15, f"the answer to {box}")
        return {part: self.browser.text(f"#{box} {selector}")
                for part, selector in (("outcome", ".outcome"), ("problem", ".problem"), ("answer", "pre"))}

    def choose(self, action, **fields):
        """Fills in the box of actions and goes on to its question."""
        for name, value in {"action": action, **{f"member-{name}": value for name, value in fields.items()}}.items():
            self.browser.run(
                "const field = document.getElementById(arguments[0]); field.value = arguments[1];"
                "field.dispatchEvent(new Event('input', { bubbles: true }))", name, str(value),
            )
        self.browser.run("document.querySelector('#operate .outcome').textContent = 'under way'")
        self.browser.click("#operate button.primary")
        wait_for(lambda: self.browser.run("return document.getElementById('sure').open"), 5, "the question")
        return self.browser.text("#sure-question")

    def take_outcome(self, seconds=30):
        running = ("No answer yet.", "under way")
        wait_for(lambda: self.browser.text("#operate .outcome") not in running, seconds, "the outcome")
        return self.browser.text("#operate .outcome")

    def assert_quiet_console(self):
        entries = [entry["message"] for entry in self.browser.take_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        self.assertEqual([], entries)

    def assert_no_foreign_request(self):
        origin = urllib.parse.urlsplit(self.url)[:2]
        sent = [json.loads(entry["message"])["message"] for entry in self.browser.take_log("performance")]
        urls = [event["params"]["request"]["url"] for event in sent if event["method"] == "Network.requestWillBeSent"]
        self.assertTrue(urls, "the performance log has the page's requests")
        self.assertEqual([], [url for url in urls if urllib.parse.urlsplit(url)[:2] != origin])

    def assert_readable(self):
        poor = [(text, round(ratio, 2)) for text, ratio in self.browser.run(CONTRASTS) if ratio < 4.5]
        self.assertEqual([], poor, "text below 4.5:1")

    def assert_no_sideways_scroll(self):
        width, view = self.browser.run("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        self.assertLessEqual(width, view)
        self.assertLessEqual(view, self.width, "a phone lays a page that is too wide out on a wider view and shrinks it")
        spilling = self.browser.run(
            "return [...document.querySelectorAll('td, tbody th, dd, p, h1, h2, button, label')].filter((cell) =>"
            " cell.checkVisibility() && cell.scrollWidth > cell.clientWidth + 1 && cell.clientWidth > 1"
            ").map((cell) => cell.textContent)"
        )
        self.assertEqual([], spilling)

    def keep_picture(self, name):
        if self.pictures:
            self.browser.save_screenshot(self.pictures / f"{name}.png")
