"""The drawing of a history (tests/linear/timeline.html): it runs without an error, and draws."""

import json
import pathlib
import subprocess
import tempfile
import unittest

OPERATIONS = [{"client": client, "key": "x", "op": "put", "value": f"{client}.{at}", "invoked": at + client, "returned": at + 900,
               "outcome": "ok"} for client in range(3) for at in range(0, 50000, 1000)]
FAULTS = [{"event": "partition", "what": "1 | 2 3", "at": 10000, "until": 30000}, {"event": "kill", "at": 20000, "until": 25000},
          {"event": "kill", "at": 26000, "until": 27000}]

COLOURS = """
const canvas = document.getElementById('view'), all = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
const found = new Set();
for (let at = 0; at < all.length; at += 4) { if (all[at + 3] === 255) { found.add(all.slice(at, at + 3).join()); } }
return [...found];"""


class Drawing(unittest.TestCase):
    def draw(self, lines):
        program = pathlib.Path(self.raftd).parent / "linear"
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "history.html"
            subprocess.run([program, "--html", page, "-"], input="\n".join(map(json.dumps, lines)), text=True, check=False,
                           stdout=subprocess.DEVNULL)
            self.browser.take_log("browser")
            self.browser.set_view(1280, 600)
            self.browser.go(page.as_uri())
            height = self.browser.run("return document.getElementById('view').clientHeight")
            self.assertEqual([], self.browser.take_log("browser"))
            return height, self.browser.run(COLOURS)

    def test_operations_are_drawn_and_faults_at_the_same_time_below_each_other(self):
        height, colours = self.draw(OPERATIONS + FAULTS)
        self.assertIn("47,158,91", colours)  # A put.
        one_by_one = [dict(fault, at=10000 * number, until=10000 * number + 5000) for number, fault in enumerate(FAULTS, 1)]
        self.assertGreater(height, self.draw(OPERATIONS + one_by_one)[0])

    def test_what_fits_in_no_way_is_red(self):
        wrong = {"client": 9, "key": "x", "op": "get", "seen": "never", "invoked": 60000, "returned": 61000, "outcome": "ok"}
        self.assertIn("207,34,46", self.draw(OPERATIONS + [wrong])[1])
