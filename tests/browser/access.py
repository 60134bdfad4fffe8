"""The page of nodes that ask for tokens: what each role sees, how a refusal is told, and where the token never is."""

import json
import os
import pathlib
import subprocess
import tempfile

from cluster import Cluster
from page_case import PageCase
from webdriver import wait_for

PATIENCE = 20
TOKENS = {role: f"t0ken-of-{role}" for role in ("read", "write", "admin", "peer")}
PUT = '{"op":"put","key":"a","value":1}'


class TokenCluster(PageCase):
    """Two nodes with a token file for each test; `raftd` is the program."""

    def setUp(self):
        if self.raftd is None:
            self.skipTest("needs --raftd to start nodes of its own")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        file = pathlib.Path(folder.name) / "tokens"
        file.write_text("".join(f"{role} {token}\n" for role, token in TOKENS.items()), encoding="ascii")
        os.chmod(file, 0o600)
        self.cluster = Cluster(self.raftd, 2, "--token-file", str(file), token=TOKENS["read"]).__enter__()
        self.addCleanup(self.cluster.__exit__)
        self.url = self.cluster.url(1)
        self.open_page(self.url)
        self.wait_for_state("token")

    def enter(self, token):
        self.browser.type_into("#token", token)
        self.browser.click("#token-form button.primary")

    def enter_another(self, token):
        """By the button beside a refusal; the new token counts when the form is gone."""
        self.browser.click("#propose .another")
        self.assertEqual("token", self.browser.run("return document.activeElement.id"))
        self.enter(token)
        wait_for(lambda: not self.shows_form(), PATIENCE, "that the token is taken")

    def shows_form(self):
        return self.browser.run("return !document.getElementById('token-form').hidden")

    def assert_kept_nowhere(self):
        told = self.browser.run(
            "return [JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), document.cookie, location.href,"
            " document.documentElement.outerHTML, ...[...document.querySelectorAll('input, textarea')].map((field) => field.value),"
            " ...performance.getEntries().map((entry) => entry.name)]")
        self.assertEqual(["{}", "{}", ""], told[:3])
        for token in TOKENS.values():
            self.assertFalse([text for text in told if token in text])

    def test_a_token_that_may_read_sees_the_cluster_and_one_that_may_write_proposes(self):
        self.assertIn("started with a token file", self.browser.text("#sentence"))
        self.assertEqual([], self.rows())
        self.enter("wr0ng")
        wait_for(lambda: "not known to this node: enter one" in self.browser.text("#sentence"), PATIENCE, "the wrong one is refused")
        self.enter(TOKENS["read"])
        self.wait_for_state("fine")
        self.assertFalse(self.shows_form())
        self.assertEqual("banner", self.browser.run("return document.activeElement.id"))
        self.assertEqual([1, 2], sorted(row["key"] for row in self.rows()))
        refused = self.send("propose", PUT)
        self.assertTrue(refused["outcome"].startswith("403 · "), refused)
        self.assertIn("a token with the role read is not enough: this needs write.", refused["problem"])
        self.assertIn("It never takes effect. Enter a token that may", refused["problem"])
        self.enter_another(TOKENS["write"])
        self.assertTrue(self.send("propose", PUT)["outcome"].startswith("200 OK"))
        self.assertFalse(self.browser.run("return document.querySelector('#propose .another').checkVisibility()"))
        self.assert_kept_nowhere()
        self.browser.take_log("browser")

    def test_what_changes_the_cluster_wants_an_administrator_and_a_backup_is_downloaded_with_a_token(self):
        self.enter(TOKENS["write"])
        self.wait_for_state("fine")
        self.send("propose", PUT)
        self.choose("snapshot")
        self.browser.click("#sure-yes")
        self.assertTrue(self.take_outcome().startswith("403 · "))
        self.assertIn("this needs admin", self.browser.text("#operate .problem"))
        self.browser.click("#token-change")
        self.enter(TOKENS["admin"])
        wait_for(lambda: not self.shows_form(), PATIENCE, "that the token is taken")
        self.choose("snapshot")
        self.browser.click("#sure-yes")
        self.assertTrue(self.take_outcome().startswith("200 OK"), self.browser.text("#operate .problem"))
        with tempfile.TemporaryDirectory() as folder:
            self.browser.devtools("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder)
            self.choose("download")
            self.browser.click("#sure-yes")
            self.assertTrue(self.take_outcome().startswith("200 OK"), self.browser.text("#operate .problem"))
            told = json.loads(self.browser.text("#operate pre"))
            file = pathlib.Path(folder) / told["file"]
            wait_for(lambda: file.exists() and file.stat().st_size == told["size_bytes"], PATIENCE, "the file")
        self.assertGreater(told["size_bytes"], 0)
        self.assert_kept_nowhere()
        self.browser.take_log("browser")

    def test_every_curl_line_names_the_variable_and_works_with_the_token_in_it(self):
        self.enter(TOKENS["admin"])
        self.wait_for_state("fine")
        self.send("propose", PUT)
        self.choose("snapshot")
        lines = [self.browser.text(place) for place in ("#propose .curl code", "#query .curl code", "#operate .curl code", "#sure-curl")]
        self.browser.click("#sure-no")
        for line in lines:
            self.assertIn('-H "Authorization: Bearer $TOKEN"', line)
            self.assertNotIn(TOKENS["admin"], line)
            told = subprocess.run(["sh", "-c", line + " -sS -o /dev/null -w '%{http_code}'"], capture_output=True, text=True, check=True,
                                  env={**os.environ, "TOKEN": TOKENS["admin"]})
            self.assertEqual("200", told.stdout, line)
        self.browser.take_log("browser")

    def test_a_reload_forgets_the_token_and_so_does_the_button(self):
        self.enter(TOKENS["read"])
        self.wait_for_state("fine")
        self.browser.click("#token-change")
        self.browser.click("#token-forget")
        self.wait_for_state("token")
        self.enter(TOKENS["read"])
        self.wait_for_state("fine")
        self.browser.go(self.url + "/")
        self.wait_for_state("token")
        self.assertTrue(self.shows_form())
        self.assertNotIn('Authorization', self.browser.text("#query .curl code"))
        self.assert_kept_nowhere()
        self.browser.take_log("browser")

    def test_what_cannot_be_a_token_is_said_to_be_none_and_is_not_sent(self):
        for text, words in (("", "Enter a token first."), ("with space", "no spaces"), ("päss", "visible ASCII")):
            with self.subTest(text):
                self.enter(text)
                self.assertIn(words, self.browser.text("#token-words"))
                self.assertEqual("token", self.state())
        self.browser.take_log("browser")
