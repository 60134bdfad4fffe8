"""What the page shows while nodes of a real cluster die, pause, come back and join."""

import json
import subprocess
import threading
import time

from accessible import find_axe, violations
from cluster import Cluster
from page_case import PageCase
from webdriver import wait_for

# Long enough for a machine that is busy; what the page promises is measured where it is promised.
PATIENCE = 20
SEEN_WITHIN = 2.0
LEADER_WITHIN = 5.0


class FaultyCluster(PageCase):
    """Three nodes for each test; `raftd` is the program."""

    size = 3
    flags = ()

    def setUp(self):
        if self.raftd is None:
            self.skipTest("needs --raftd to start nodes of its own")
        self.cluster = Cluster(self.raftd, self.size, *self.flags).__enter__()
        self.addCleanup(self.cluster.__exit__)
        self.leader = wait_for(self.cluster.leader, PATIENCE, "a leader")
        self.followers = [node_id for node_id in self.cluster.ports if node_id != self.leader]
        self.url = self.cluster.url(self.followers[0])
        self.open_page(self.url)

    def role(self, node_id):
        return next((row["role"] for row in self.rows() if row["key"] == node_id), None)

    def lane(self, node_id):
        """What the log view shows of a node."""
        return self.browser.run(
            "const row = [...document.querySelectorAll('.lane')].find((one) => one.querySelector('b').textContent === arguments[0]);"
            "return row && { state: row.dataset.state, note: row.querySelector('.lane-note').textContent,"
            " runs: row.querySelectorAll('.cells').length, conflicts: row.querySelectorAll('.conflict').length }", f"node {node_id}",
        )

    def events(self):
        return self.browser.run("return [...document.querySelectorAll('#time-list li')].map((item) => item.textContent)")

    def test_a_leader_that_is_killed_is_seen_and_so_is_the_next_without_a_reload(self):
        wait_for(lambda: self.browser.text("#figure-leader") == f"node {self.leader}", PATIENCE, "the leader on a follower's page")
        self.browser.run("window.same = true")
        begun = time.monotonic()
        self.cluster.kill(self.leader)
        wait_for(lambda: self.role(self.leader) == "unreachable", PATIENCE, "that it does not answer")
        dead_after = time.monotonic() - begun
        names = [f"node {node_id}" for node_id in self.followers]
        wait_for(lambda: self.browser.text("#figure-leader") in names, PATIENCE, "the new leader")
        led_after = time.monotonic() - begun
        self.assertLess(dead_after, SEEN_WITHIN)
        self.assertLess(led_after, LEADER_WITHIN)
        self.assertTrue(self.browser.run("return window.same"))
        wait_for(lambda: any(" leads in term " in event for event in self.events()), PATIENCE, "the election in the time line")
        self.assertTrue(any(f"node {self.leader} does not answer" in event for event in self.events()))
        self.assertEqual("unreachable", self.browser.text("#headline") and self.state())
        self.assert_quiet_console()

    def test_the_charts_of_a_page_that_is_opened_later_show_what_was_before(self):
        own = next(node_id for node_id in self.cluster.ports if node_id != self.cluster.leader())
        self.browser.go("about:blank")
        looks = lambda: self.cluster.ask(own, "/v1/events")["samples"]["commit_index"]
        wait_for(lambda: looks()[-1:] > [0], PATIENCE, "a look before")
        self.cluster.propose(self.cluster.leader(), 200, 10)
        told = self.cluster.ask(self.cluster.leader(), "/v1/status")["commit_index"]
        wait_for(lambda: min(looks()[-2:]) >= told, PATIENCE, "two looks at all of it")
        self.open_page(self.cluster.url(own))
        highest = "return Math.min(99, ...(document.querySelector('#chart-rate .line-0')?.getAttribute('d')?.split(/[ML]/).slice(1).map((at) => +at.split(' ')[1]) ?? []))"
        wait_for(lambda: self.browser.run(highest) < 60, 5, "the commits of before are drawn")

    def test_a_follower_that_pauses_lags_and_is_repaired_when_it_goes_on(self):
        paused = self.followers[1]
        self.cluster.propose(self.leader, 5)
        wait_for(lambda: self.lane(paused)["state"] == "fine", PATIENCE, "that it has the log")
        begun = time.monotonic()
        self.cluster.pause(paused)
        wait_for(lambda: self.lane(paused)["state"] == "silent", PATIENCE, "that it does not answer")
        self.assertLess(time.monotonic() - begun, SEEN_WITHIN + 0.5, "a third of the page's time is the driver's")
        self.cluster.propose(self.leader, 12)
        wait_for(lambda: self.lane(paused)["note"] == "12 behind", PATIENCE, "that it lags")
        self.keep_picture("paused")
        self.cluster.go_on(paused)
        wait_for(lambda: self.lane(paused)["state"] == "fine", PATIENCE, "that it is repaired")
        self.assertTrue(any(f"node {paused} answers again" in event for event in self.events()))
        self.assert_quiet_console()

    def test_a_leader_whose_entries_nobody_else_has_comes_back_and_all_logs_look_alike(self):
        old, url = self.leader, self.cluster.url(self.leader)
        self.cluster.propose(old, 3)
        for node_id in self.followers:
            self.cluster.pause(node_id)
        stuck = threading.Thread(target=lambda: self.propose_in_vain(old))
        stuck.start()
        last = lambda: self.cluster.ask(old, "/v1/status")  # noqa: E731
        wait_for(lambda: last()["last_index"] >= last()["commit_index"] + 4, PATIENCE, "entries that only the old leader has")
        stuck.join()
        wait_for(lambda: not self.is_leading(url), PATIENCE, "that it steps down")
        self.cluster.pause(old)
        for node_id in self.followers:
            self.cluster.go_on(node_id)
        wait_for(lambda: self.cluster.leader(self.followers) in self.followers, PATIENCE, "the next leader")
        self.cluster.propose(self.followers[0], 2)
        self.open_page()
        self.cluster.go_on(old)
        wait_for(lambda: self.lane(old)["state"] == "fine", PATIENCE, "that it is repaired")
        terms = [self.cluster.ask(node_id, "/v1/status")["log_terms"] for node_id in self.cluster.ports]
        self.assertEqual([terms[0]] * self.size, terms)
        self.assert_quiet_console()

    def propose_in_vain(self, node_id):
        try:
            lines = b'{"op":"put","key":"lost","value":1}\n' * 4
            command = ["curl", "-sS", "-m", "3", "-H", "Content-Type: application/x-ndjson", "--data-binary", "@-",
                       self.cluster.url(node_id) + "/v1/propose?timeout=2s"]
            subprocess.run(command, input=lines, capture_output=True, check=False)
        except OSError:
            pass

    def is_leading(self, url):
        node_id = next(one for one in self.cluster.ports if self.cluster.url(one) == url)
        return self.cluster.ask(node_id, "/v1/status")["role"] == "leader"

    def test_the_pages_own_node_dies_the_others_are_offered_and_it_comes_back_by_itself(self):
        own = self.followers[0]
        begun = time.monotonic()
        self.cluster.kill(own)
        self.wait_for_state("silent")
        self.assertLess(time.monotonic() - begun, SEEN_WITHIN + 0.5)
        self.assertEqual(f"Node {own} does not answer", self.browser.text("#headline"))
        links = self.browser.run("return [...document.querySelectorAll('#others a')].map((link) => link.href)")
        self.assertEqual(sorted(self.cluster.url(node_id) + "/" for node_id in self.cluster.ports if node_id != own), sorted(links))
        self.cluster.start(own)
        self.wait_for_state("fine")
        self.browser.take_log("browser")

    def test_a_fourth_node_is_added_from_the_page(self):
        node_id = self.cluster.join("--learner")
        wait_for(lambda: self.role(node_id) == "learner", PATIENCE, "the new node on the page")
        self.choose("promote", id=node_id)
        self.browser.click("#sure-yes")
        self.assertTrue(self.take_outcome(70).startswith("200 OK"), self.browser.text("#operate .problem"))
        wait_for(lambda: self.role(node_id) == "follower", PATIENCE, "the new voter")
        self.assertIn("4 of 4 voters reachable", self.browser.text("#sentence"))
        wait_for(lambda: self.lane(node_id)["state"] == "fine", PATIENCE, "its log")

    def test_an_entry_is_chosen_by_keyboard_and_its_content_is_read_back_to_the_last_digit(self):
        self.send("propose", '{"op":"put","key":"a","value":10000000000000000001}')
        answer = json.loads(self.browser.text("#propose pre"))
        last, term = answer["index"], answer["term"]
        wait_for(lambda: self.browser.run("return Number(document.getElementById('lanes-slider').ariaValueMax)") >= last, PATIENCE, "it")
        self.browser.run("document.getElementById('lanes-slider').focus()")
        self.browser.press("\ue010")
        chosen = lambda: int(self.browser.text("#entry-title").removeprefix("Entry ") or 0)  # noqa: E731
        end = wait_for(chosen, PATIENCE, "an entry")
        for index in range(end - 1, last - 1, -1):  # On a busy machine another leader may have put a no-op behind it.
            self.browser.press("\ue012")
            wait_for(lambda: chosen() == index, PATIENCE, "the one before")  # noqa: B023
        self.assertEqual(last, chosen())
        wait_for(lambda: "10000000000000000001" in self.browser.text("#entry-text"), PATIENCE, "its content")
        facts = f"command, term {term}, committed; of term {term} on nodes 1, 2, 3"
        wait_for(lambda: self.browser.text("#entry-facts") == facts, PATIENCE, "who holds it")
        self.browser.press("\ue012")
        wait_for(lambda: self.browser.text("#entry-title") == f"Entry {last - 1}", PATIENCE, "the one before")
        self.browser.press("\ue011")
        wait_for(lambda: self.browser.text("#entry-title") == "Entry 1", PATIENCE, "the first")
        wait_for(lambda: "configuration" in self.browser.text("#entry-facts"), PATIENCE, "what it is")
        self.assert_quiet_console()

    def test_the_page_is_accessible_by_the_rules_of_axe(self):
        axe = find_axe()
        if axe is None:
            self.skipTest("axe-core is not there and npm cannot bring it")
        self.cluster.propose(self.leader, 5)
        for width, dark in ((1280, False), (1280, True), (390, False)):
            with self.subTest(width=width, dark=dark):
                self.open_page(width=width, dark=dark)
                for _ in range(self.browser.run("return document.querySelectorAll('.fold[aria-expanded=\"false\"]').length")):
                    self.browser.click(".fold[aria-expanded='false']")
                wait_for(lambda: len(self.events()) > 3, PATIENCE, "events")
                self.assertEqual([], violations(self.browser, axe))
