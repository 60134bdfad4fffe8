"""The rules of axe, on the designed states: axe-core comes from npm, for the tests only."""

import pathlib
import shutil
import subprocess
import tempfile

from page_case import PageCase


def find_axe():
    """The text of axe-core; None: it is not there and npm cannot bring it."""
    kept = pathlib.Path(tempfile.gettempdir()) / "raftd-axe"
    script = kept / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists() and shutil.which("npm"):
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(kept), "axe-core@4"],
                       capture_output=True, timeout=60, check=False)
    return script.read_text(encoding="utf-8") if script.exists() else None


def violations(browser, axe):
    """["rule: the elements that break it"] on the page as it is now."""
    browser.devtools("Runtime.evaluate", expression=axe)
    return browser.run_async(
        "const done = arguments[arguments.length - 1]; axe.run().then((all) => done(all.violations.map((one) =>"
        " `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`)), (error) => done([String(error)]))")


class AccessibleStates(PageCase):
    def setUp(self):
        self.axe = find_axe()
        if self.axe is None:
            self.skipTest("axe-core is not there and npm cannot bring it")

    def test_no_designed_state_breaks_a_rule(self):
        for state in ("waiting", "partition", "joint", "removed", "disk-full", "out-of-service", "catching-up", "conflict", "token"):
            self.stand_in.state = state
            for width, dark in ((1280, True), (390, False)):
                with self.subTest(state, width=width):
                    self.open_page(width=width, dark=dark)
                    self.assertEqual([], violations(self.browser, self.axe))
        self.browser.take_log("browser")

    def test_neither_does_what_is_opened_and_what_is_refused(self):
        self.stand_in.state = "no-leader"
        self.open_page()
        self.send("propose", '{"op":"put","key":"a","value":1}')
        self.browser.click("#lanes-slider")
        self.assertEqual([], violations(self.browser, self.axe))
        self.choose("promote", id=2)
        self.assertEqual([], violations(self.browser, self.axe))
        self.browser.click("#sure-no")
        self.stand_in.state = "silent"
        self.wait_for_state("silent")
        self.assertEqual([], violations(self.browser, self.axe))
        self.browser.take_log("browser")
