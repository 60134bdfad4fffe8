"""Checks that hold for the page of any running cluster with a leader."""

import json
import pathlib
import secrets
import subprocess
import tempfile
import urllib.request

from page_case import VIEWS, PageCase
from webdriver import free_port, wait_for

# Numbers that no double holds, an exponent that printing would lose, and everything a shell could trip over.
VALUE = '[10000000000000000001,1e2,-0.0,"it\'s \\"quoted\\", $HOME `x` \\\\ \\u0041 ä €"]'


class LivePage(PageCase):
    def ask_cluster(self, url=None):
        with urllib.request.urlopen((url or self.url) + "/v1/cluster", timeout=10) as answer:
            return json.load(answer)

    def machine(self):
        return self.browser.text("#machine")

    def make_pair(self, value):
        """A command that stores the value, and the query that reads it."""
        if self.machine() == "register":
            return f'{{"op":"write","value":{value}}}', '{"op":"read"}'
        key = f"browser-{secrets.token_hex(4)}"
        return f'{{"op":"put","key":"{key}","value":{value}}}', f'{{"op":"get","key":"{key}"}}'

    def test_the_page_loads_without_a_word_in_the_console_or_a_request_to_another_host(self):
        self.open_page()
        wait_for(lambda: self.browser.text("#figure-rate") != "–", 10, "a few polls")
        self.assert_quiet_console()
        self.assert_no_foreign_request()

    def test_every_node_of_the_cluster_is_shown_and_exactly_one_leads(self):
        cluster = self.ask_cluster()
        self.open_page()
        rows = self.rows()
        self.assertEqual(sorted(node["id"] for node in cluster["nodes"]), sorted(row["key"] for row in rows))
        self.assertEqual([cluster["leader"]], [row["key"] for row in rows if row["role"] == "leader"])
        self.assertEqual(f"node {cluster['leader']}", self.browser.text("#figure-leader"))
        for node in cluster["nodes"]:
            row = next(row for row in rows if row["key"] == node["id"])
            self.assertIn(node["url"], row["Node"])
            self.assertEqual(node["reachable"], row["role"] != "unreachable")
        peers = next(node["status"]["peers"] for node in cluster["nodes"] if node["id"] == cluster["leader"])
        self.assertEqual(sorted(peer["id"] for peer in peers), sorted(row["key"] for row in self.rows("peers")))

    def test_every_node_tells_the_same_on_its_own_page(self):
        leader = self.ask_cluster()["leader"]
        for url in self.nodes:
            with self.subTest(url):
                self.open_page(url)
                self.assertEqual([leader], [row["key"] for row in self.rows() if row["role"] == "leader"])
                self.assert_quiet_console()

    def test_a_value_that_is_proposed_is_queried_back_to_the_last_digit(self):
        self.open_page()
        command, query = self.make_pair(VALUE)
        proposed = self.send("propose", command)
        self.assertRegex(proposed["outcome"], r"^200 OK · [0-9.]+ ms · from node [0-9]+ · index [0-9]+ · term [0-9]+$")
        self.assertEqual("", proposed["problem"])
        for level in ("linearizable", "stale"):
            with self.subTest(level):
                self.browser.run(
                    "const select = document.getElementById('consistency'); select.value = arguments[0];"
                    "select.dispatchEvent(new Event('change'))", level,
                )
                queried = self.send("query", query)
                self.assertTrue(queried["outcome"].endswith(level), queried["outcome"])
                if level == "linearizable":
                    self.assertEqual(squeeze(VALUE), squeeze(value_in(queried["answer"])))
        self.assert_quiet_console()

    def test_the_keyboard_alone_sends_a_proposal(self):
        self.open_page()
        wait_for(lambda: self.browser.run("return document.querySelector('#propose textarea').value"), 10, "the example")
        self.browser.run("document.querySelector('#propose .outcome').textContent = 'being asked'")
        self.browser.run("document.querySelector('#propose textarea').focus()")
        self.browser.press("\ue009", "\ue007")
        self.assertTrue(self.take_result("propose")["outcome"].startswith("200 OK"))

    def test_the_curl_line_does_in_a_shell_what_the_button_does(self):
        self.open_page()
        command, query = self.make_pair(VALUE)
        self.send("propose", command)
        self.send("query", query)
        line = self.browser.text("#query .curl code")
        self.assertEqual(squeeze(VALUE), squeeze(value_in(run_in_shell(line))))
        first = json.loads(self.browser.text("#propose pre"))
        answer = json.loads(run_in_shell(self.browser.text("#propose .curl code")))
        if self.stand_in is None:  # The line carries the key of the proposal that it ran: a retry is applied once.
            self.assertEqual({**first, "duplicate": True}, answer)

    def test_a_double_click_is_applied_once(self):
        if self.stand_in is not None:
            self.skipTest("a stand-in has no table of keys")
        self.open_page()
        self.browser.run(  # The second click comes the moment the first is answered, however busy the machine is.
            "const outcome = document.querySelector('#propose .outcome');"
            "const seen = new MutationObserver(() => { if (!outcome.textContent.startsWith('200 OK')) return; seen.disconnect();"
            " window.firstAnswer = document.querySelector('#propose pre').textContent;"
            " setTimeout(() => document.querySelector('#propose button.primary').click()); });"
            "seen.observe(outcome, { childList: true })",
        )
        self.send("propose", self.make_pair("1")[0])
        wait_for(lambda: "Applied once" in self.browser.text("#propose .problem"), 10, "the answer to the second click")
        second = json.loads(self.browser.text("#propose pre"))
        self.assertEqual({**json.loads(self.browser.run("return window.firstAnswer")), "duplicate": True}, second)

    def test_a_snapshot_is_taken_and_downloaded_from_the_page(self):
        if self.stand_in is not None:
            self.skipTest("a stand-in has no snapshots")
        self.open_page()
        self.send("propose", self.make_pair("1")[0])
        self.choose("snapshot")
        self.browser.click("#sure-yes")
        self.assertTrue(self.take_outcome().startswith("200 OK"))
        taken = json.loads(self.browser.text("#operate pre"))
        self.open_page()
        with tempfile.TemporaryDirectory() as folder:
            self.browser.devtools("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder)
            self.choose("download")
            self.browser.click("#sure-yes")
            self.assertTrue(self.take_outcome().startswith("200 OK"))
            told = json.loads(self.browser.text("#operate pre"))
            file = pathlib.Path(folder) / told["file"]
            wait_for(lambda: file.exists() and file.stat().st_size == told["size_bytes"], 10, "the file")
        self.assertGreater(told["size_bytes"], 0)
        self.assertGreater(taken["index"], 0)
        self.assert_quiet_console()

    def test_a_fourth_node_is_promoted_and_removed_from_the_page(self):
        if self.raftd is None:
            self.skipTest("needs --raftd to start a node of its own")
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with tempfile.TemporaryDirectory() as folder:
            node = subprocess.Popen([self.raftd, "--id", "4", "--listen", f"127.0.0.1:{port}", "--join", self.url, "--learner",
                                     "--data-dir", f"{folder}/node4"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                self.open_page()
                self.wait_for_role(4, "learnerdoes not vote")
                for action, fields, role in (("add", {"url": url, "role": "learner"}, "learnerdoes not vote"),
                                             ("promote", {}, "follower"), ("remove", {}, None)):
                    with self.subTest(action):
                        self.choose(action, id=4, **fields)
                        self.browser.click("#sure-yes")
                        self.assertTrue(self.take_outcome(70).startswith("200 OK"), self.browser.text("#operate .problem"))
                        self.wait_for_role(4, role)
                self.assert_quiet_console()
            finally:
                node.terminate()
                node.wait(10)

    def wait_for_role(self, node_id, role):
        told = lambda: next((row["Role"] for row in self.rows() if row["key"] == node_id), None)  # noqa: E731
        wait_for(lambda: told() == role, 20, f"node {node_id} as {role}")

    def test_leadership_is_handed_over_from_the_page(self):
        if self.stand_in is not None or not self.nodes:
            self.skipTest("needs a cluster of several nodes")
        cluster = self.ask_cluster()
        target = next(node["id"] for node in cluster["nodes"] if node["id"] != cluster["leader"])
        self.open_page()
        self.choose("transfer", id=target)
        self.browser.click("#sure-yes")
        self.assertTrue(self.take_outcome().startswith("200 OK"))
        wait_for(lambda: self.browser.text("#figure-leader") == f"node {target}", 10, "the new leader on the page")
        self.assert_quiet_console()

    def test_a_text_that_is_not_json_is_refused_in_words(self):
        self.open_page()
        result = self.send("propose", '{"op":"put",')
        self.assertTrue(result["outcome"].startswith("400 · "), result["outcome"])
        self.assertIn("(bad_json)", result["problem"])
        self.assertIn("It stops being JSON at byte 12.", result["problem"])
        self.assertIn("It never takes effect.", result["problem"])
        self.browser.take_log("browser")

    def test_light_and_dark_are_readable_and_no_width_scrolls_sideways(self):
        self.open_page()
        self.send("propose", self.make_pair(f'"{"long" * 40}"')[0])
        for dark in (False, True):
            for width, height in VIEWS:
                with self.subTest(width=width, dark=dark):
                    self.change_view(width, height, dark)
                    self.assert_no_sideways_scroll()
                    self.assert_readable()
                    self.keep_picture(f"live-{width}-{'dark' if dark else 'light'}")
            ground = self.browser.run("return getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
            self.assertEqual(dark, sum(ground) < 3 * 128, ground)

    def test_whatever_can_have_the_focus_has_a_name_and_tables_keep_their_roles_on_a_phone(self):
        self.open_page(width=360, height=740)
        while self.browser.run("return document.querySelector('.fold[aria-expanded=\"false\"]') !== null"):
            self.browser.click(".fold[aria-expanded='false']")
        wanted = "a[href], button, textarea, select, [tabindex='0']"
        found = self.browser.call("POST", "/elements", {"using": "css selector", "value": wanted})
        self.assertGreater(len(found), 10)
        for reference in found:
            element = next(iter(reference.values()))
            if self.browser.call("GET", f"/element/{element}/displayed"):
                self.assertNotEqual("", self.browser.call("GET", f"/element/{element}/computedlabel"))
        row = self.browser.find("#nodes tbody tr[data-key]")
        self.assertEqual("row", self.browser.call("GET", f"/element/{row}/computedrole"))


def run_in_shell(curl_line):
    quiet = curl_line.replace("curl ", "curl -sS ", 1)
    return subprocess.run(["sh", "-c", quiet], capture_output=True, text=True, check=True).stdout


def squeeze(json_text):
    """The tokens without the white space between them, which is all that laying out changes."""
    out, in_string, escaped = [], False, False
    for character in json_text:
        if in_string or not character.isspace():
            out.append(character)
        if in_string:
            in_string, escaped = escaped or character != '"', character == "\\" and not escaped
        else:
            in_string = character == '"'
    return "".join(out)


def value_in(answer):
    """The text of the member "value", which is the last one of the answer and of its result."""
    squeezed = squeeze(answer)
    return squeezed[squeezed.index('"value":') + len('"value":'):].removesuffix("}}")
