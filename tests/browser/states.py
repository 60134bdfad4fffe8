"""Every designed state of the page, against canned pictures, and the parts of it that are pure functions."""

import json
import subprocess
import time

from page_case import PageCase
from live import squeeze
from webdriver import wait_for

STATES = {
    "fine": ("fine", "All fine", "3 of 3 voters reachable: the cluster survives the loss of 1 more node."),
    "unreachable": (
        "unreachable", "Node 3 does not answer",
        "2 of 3 voters reachable: the cluster works, but does not survive the loss of another.",
    ),
    "no-leader": ("no-leader", "No leader", "3 of 3 voters reachable: nobody leads in term 5, an election may be under way."),
    "majority-lost": (
        "majority-lost", "Majority lost",
        "1 of 3 voters reachable: nothing is committed until 1 more node answers. Stale queries still work. "
        "Nodes 2 and 3 do not answer.",
    ),
    "waiting": ("waiting", "Waiting to form", "Node 1 waits for 2 other nodes and goes on asking:"),
    "conflict": ("fine", "All fine", "3 of 3 voters reachable: the cluster survives the loss of 1 more node."),
    "alone": ("fine", "All fine", "1 of 1 voter reachable: a single node, and no loss is survived."),
    "catching-up": ("fine", "All fine", "5 of 5 voters reachable: the cluster survives the loss of 2 more nodes."),
    "extremes": (
        "deaf", "The leader hears no majority",
        "Node 1 leads, but has heard nobody in the last second. It commits nothing meanwhile, and steps down if this lasts. "
        "From here 3 of 3 voters reachable.",
    ),
    "disk-full": ("disk", "A disk is full or stalls", "3 of 3 voters reachable: the cluster survives the loss of 1 more node."),
    "seven": ("fine", "All fine", "7 of 7 voters reachable: the cluster survives the loss of 3 more nodes."),
    "partition": (
        "majority-lost", "Majority lost",
        "2 of 5 voters reachable: nothing is committed until 1 more node answers. Stale queries still work. "
        "Nodes 3, 4 and 5 do not answer.",
    ),
    "transfer": ("no-leader", "No leader", "3 of 3 voters reachable: nobody leads in term 4, an election may be under way."),
    "deaf-leader": (
        "deaf", "The leader hears no majority",
        "Node 1 leads, but has heard nobody in the last second. It commits nothing meanwhile, and steps down if this lasts. "
        "From here 3 of 3 voters reachable.",
    ),
    "joint": (
        "unreachable", "Node 3 does not answer",
        "3 of 3 voters and 2 of 3 outgoing reachable: the cluster works, but does not survive the loss of another.",
    ),
    "removed": (
        "removed", "Node 1 was removed", "It is no longer a member of the cluster. What it shows stopped with its removal.",
    ),
    "empty": ("fine", "All fine", "3 of 3 voters reachable: the cluster survives the loss of 1 more node."),
    "diverged": (
        "diverged", "Replicas differ",
        "Nodes 1, 2 and 3 tell different state hashes at index 1284000. "
        "3 of 3 voters reachable: the cluster survives the loss of 1 more node.",
    ),
    "out-of-service": (
        "diverged", "Replicas differ",
        "Node 3: out of service until mended by a snapshot. "
        "3 of 3 voters reachable: the cluster survives the loss of 1 more node.",
    ),
}


class DesignedStates(PageCase):
    def setUp(self):
        self.stand_in.state = "fine"

    def cluster_requests(self):
        return sum(path == "/v1/cluster" for _, path in self.stand_in.requests)

    def test_each_state_is_told_in_words_and_readable_in_light_dark_and_on_a_phone(self):
        for name, (state, headline, sentence) in STATES.items():
            self.stand_in.state = name
            self.open_page()
            for width, dark in ((1280, False), (1280, True), (1180, False), (768, False), (360, False)):
                with self.subTest(name, width=width, dark=dark):
                    self.change_view(width, 900, dark)
                    self.wait_for_state(state)
                    self.assertEqual(headline, self.browser.text("#headline"))
                    self.assertEqual(sentence, self.browser.text("#sentence"))
                    self.assert_no_sideways_scroll()
                    self.assert_readable()
                    self.assert_quiet_console()
                    self.keep_picture(f"{name}-{width}-{'dark' if dark else 'light'}")

    def test_who_can_still_reach_a_majority_is_told_in_words(self):
        for state, words in (
            ("fine", "All voters are within reach; a majority is 2 of 3."),
            ("alone", "The only voter is a majority by itself."),
            ("unreachable", "Nodes 1 and 2 can reach a majority (2 of 3). Node 3 cannot."),
            ("partition", "Nodes 1 and 2 cannot reach a majority (3 of 5). "
                          "Nodes 3, 4 and 5 would be one, if they reach each other: their own pages tell."),
            ("joint", "Nodes 1, 2, 4 and 5 can reach a majority (of the old and of the new voters). Node 3 cannot."),
            ("deaf-leader", "All voters are within reach; a majority is 2 of 3. Node 1 leads, but has heard nobody in the last second."),
            ("no-leader", "Arrows show votes. All voters are within reach; a majority is 2 of 3."),
            ("waiting", ""),
        ):
            with self.subTest(state):
                self.stand_in.state = state
                self.open_page()
                wait_for(lambda: self.browser.text("#ring-words") == words, 5, f"the words, are {self.browser.text('#ring-words')}")  # noqa: B023

    def folded(self):
        return self.browser.run("return [...document.querySelectorAll('.fold')].filter((one) => one.ariaExpanded === 'false')"
                                ".map((one) => one.textContent)")

    def test_on_a_phone_panels_are_folded_and_unfold_and_on_a_wider_view_they_are_all_there(self):
        self.stand_in.state = "seven"
        self.open_page(width=390, height=844)
        self.assertEqual(["Nodes", "Replication", "Time line", "The last minutes", "Query", "Operate"], self.folded())
        self.assertLess(self.browser.run("return document.documentElement.scrollHeight"), 2600)
        seen = "return [...document.querySelectorAll('#nodes, #time, #charts, #query form, #member-id')].filter((one) => one.checkVisibility()).length"
        self.assertEqual(0, self.browser.run(seen))
        for _ in range(6):
            self.browser.click(".fold[aria-expanded='false']")
        self.assertEqual([], self.folded())
        self.assertEqual(5, self.browser.run(seen))
        wait_for(lambda: self.browser.run("return document.querySelectorAll('#time text').length") > 7, 5, "the time line is drawn")
        wait_for(lambda: self.browser.run("return document.querySelectorAll('#charts path').length") > 7, 5, "the charts are drawn")
        self.assert_no_sideways_scroll()
        self.assert_readable()
        self.browser.click("#query-title .fold")
        self.change_view(1280, 900, False)
        self.assertEqual([5, 0], [self.browser.run(seen), self.browser.run("return document.querySelectorAll('.fold').length")])
        self.change_view(390, 844, False)
        self.assertEqual(["Query"], self.folded())

    def test_on_the_largest_screens_drawings_grow_with_the_letters(self):
        self.open_page(width=3840, height=2160)
        height = "return document.querySelector(arguments[0]).getBoundingClientRect().height"
        wait_for(lambda: self.browser.run("return document.querySelectorAll('.lane .cells').length") > 0, 5, "the lanes")
        self.assertGreater(self.browser.run(height, ".lane text"), 18)
        self.assertGreater(self.browser.run(height, "#time .who"), 18)
        self.browser.click("#log-older")  # What is drawn stands still.
        wait_for(lambda: self.browser.run("return document.querySelectorAll('.lane .cells').length") > 0, 5, "the lanes")
        self.browser.run(  # The entry under the pointer is the one that is chosen.
            "const box = document.querySelector('.lane .cells').getBoundingClientRect(), [x, y] = [box.left + 4, box.top + 4];"
            "document.elementFromPoint(x, y).dispatchEvent(new MouseEvent('click', { bubbles: true, clientX: x, clientY: y }))")
        wait_for(lambda: self.browser.run("return document.querySelector('.lane .cursor') !== null"), 5, "the chosen entry's mark")
        chosen = self.browser.run("const [cursor, cells] = ['.cursor', '.cells'].map((one) => document.querySelector(`.lane ${one}`)"
                                  ".getBoundingClientRect().left); return Math.abs(cursor - cells)")
        self.assertLess(chosen, 4)

    def test_without_motion_nothing_moves(self):
        self.open_page()
        moving = "return document.getAnimations().filter((one) => one.playState === 'running').length"
        self.assertEqual(1, self.browser.run(moving), "the dot that breathes")
        self.browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
        wait_for(lambda: self.browser.run(moving) == 0, 5, "stillness")

    def test_many_pictures_that_come_at_once_are_drawn_once(self):
        self.open_page()
        self.set_hidden(True)
        wait_for(lambda: self.stand_in.streams == 0, 5, "no stream")
        drawings = self.browser.run_async(  # A burst of 50 pictures, each with another index, in one piece.
            "const done = arguments[arguments.length - 1];"
            "fetch('v1/cluster').then((answer) => answer.json()).then((picture) => {"
            " let text = ''; for (let at = 1; at <= 50; at += 1) {"
            "  picture.nodes[0].status.commit_index = 2000000 + at; text += `event: cluster\\ndata: ${JSON.stringify(picture)}\\n\\n`; }"
            " const real = window.fetch; let drawings = 0;"
            " window.fetch = (path, how) => String(path).endsWith('watch') ? Promise.resolve(new Response(new ReadableStream({ start(out) {"
            "  out.enqueue(new TextEncoder().encode(text)); } }), { headers: { 'Raft-Node': '1' } })) : real(path, how);"
            " const figure = document.getElementById('figure-commit');"
            " new MutationObserver((records) => { drawings += records.length; if (figure.textContent === '2000050') {"
            "  window.fetch = real; setTimeout(() => done(drawings), 100); } }).observe(figure, { childList: true });"
            " Object.defineProperty(document, 'hidden', { value: false, configurable: true });"
            " document.dispatchEvent(new Event('visibilitychange')); })")
        self.assertEqual(1, drawings)

    def test_waiting_to_form_names_each_missing_node_and_why(self):
        self.stand_in.state = "waiting"
        self.open_page()
        notes = self.browser.run("return [...document.querySelectorAll('#notes li')].map((item) => item.textContent)")
        self.assertEqual(["node 2 at http://node2:8001: connection refused",
                          "node 3 at http://node3:8001: the name does not resolve"], notes)

    def test_a_node_that_falls_silent_leaves_the_last_picture_and_the_others_and_comes_back(self):
        self.open_page()
        before = self.rows()
        self.stand_in.state = "silent"
        self.wait_for_state("silent")
        self.assertEqual("Node 1 does not answer", self.browser.text("#headline"))
        self.assertRegex(self.browser.text("#sentence"), r"^Below is the last picture, [0-9]+ s old\.")
        self.assertEqual([row["key"] for row in before], [row["key"] for row in self.rows()])
        self.assertIn("past", self.browser.run("return document.getElementById('picture').className"))
        links = self.browser.run("return [...document.querySelectorAll('#others a')].map((link) => link.href)")
        self.assertEqual(["http://localhost:8002/", "http://localhost:8003/"], links)
        self.assert_readable()
        self.keep_picture("silent-1280-light")
        tries = lambda: sum(path == "/v1/cluster/watch" for _, path in self.stand_in.requests)  # noqa: E731
        asked = tries()
        wait_for(lambda: tries() > asked + 1, 10, "the page goes on trying")
        self.stand_in.state = "fine"
        self.wait_for_state("fine")
        self.assertNotIn("past", self.browser.run("return document.getElementById('picture').className"))
        self.browser.take_log("browser")

    def test_a_proposal_without_an_answer_says_that_its_outcome_is_unknown(self):
        self.open_page()
        self.stand_in.state = "silent"
        result = self.send("propose", '{"op":"put","key":"a","value":1}')
        self.assertTrue(result["outcome"].startswith("no answer · "))
        self.assertIn("It may have taken effect, or still may", result["problem"])
        self.browser.take_log("browser")

    def test_without_a_leader_a_proposal_is_refused_in_words_and_a_stale_query_is_answered(self):
        self.stand_in.state = "no-leader"
        self.open_page()
        result = self.send("propose", '{"op":"put","key":"a","value":1}')
        self.assertEqual("No leader (no_leader). node 1 knows no leader in term 5; an election may be under way. "
                         "It never takes effect.", result["problem"])
        self.browser.run("document.getElementById('consistency').value = 'stale'")
        self.assertTrue(self.send("query", '{"op":"count"}')["outcome"].startswith("200 OK"))
        self.browser.take_log("browser")

    def test_a_hidden_tab_asks_nothing_and_asks_at_once_when_it_is_seen_again(self):
        self.open_page()
        self.stand_in.gate.clear()
        asked = self.cluster_requests()
        wait_for(lambda: self.cluster_requests() > asked, 5, "a request that is on its way while the tab is hidden")
        self.set_hidden(True)
        self.stand_in.gate.set()
        time.sleep(0.6)  # What was already on its way is let through.
        asked = self.cluster_requests()
        time.sleep(1.6)  # That nothing happens can only be seen by letting time pass: three polls and more.
        self.assertEqual(asked, self.cluster_requests())
        self.set_hidden(False)
        wait_for(lambda: self.cluster_requests() > asked, 2, "the page asks again")

    def set_hidden(self, hidden):
        self.browser.run(
            "Object.defineProperty(document, 'hidden', { value: arguments[0], configurable: true });"
            "document.dispatchEvent(new Event('visibilitychange'))", hidden,
        )

    def test_a_tab_has_one_stream_and_none_while_it_is_hidden(self):
        self.open_page()
        wait_for(lambda: self.stand_in.streams == 1, 5, "one stream, and those of pages before are gone")
        for _ in range(3):
            self.set_hidden(True)
            self.set_hidden(False)
        self.set_hidden(True)
        wait_for(lambda: self.stand_in.streams == 0, 5, "no stream")
        self.set_hidden(False)
        wait_for(lambda: self.stand_in.streams == 1, 5, "one stream")

    def test_a_node_that_wants_a_token_gets_it_with_every_request_and_the_curl_line_names_no_secret(self):
        self.stand_in.state = "token"
        self.open_page()
        self.wait_for_state("token")
        self.assert_readable()
        self.browser.type_into("#token", "wrong")
        self.browser.click("#token-form button")
        wait_for(lambda: "not known" in self.browser.text("#sentence"), 5, "the wrong token is refused")
        self.browser.type_into("#token", "open-sesame")
        self.browser.click("#token-form button")
        self.wait_for_state("fine")
        self.assertTrue(self.send("query", '{"op":"count"}')["outcome"].startswith("200 OK"))
        line = self.browser.text("#query .curl code")
        self.assertIn('-H "Authorization: Bearer $TOKEN"', line)
        self.assertNotIn("open-sesame", line)
        self.browser.take_log("browser")

    def lanes(self):
        return self.browser.run(
            "return [...document.querySelectorAll('.lane')].map((row) => ({ state: row.dataset.state,"
            " note: row.querySelector('.lane-note').textContent, conflicts: row.querySelectorAll('.conflict').length,"
            " terms: [...row.querySelectorAll('.cells')].map((cell) => cell.getAttribute('class').match(/term-([0-9])/)[1]),"
            " loose: row.querySelectorAll('.loose').length, match: row.querySelectorAll('.match').length,"
            " next: row.querySelectorAll('.next').length, commit: row.querySelectorAll('.commit').length }))")

    def test_entries_that_will_be_cut_are_marked_and_their_repair_is_told(self):
        self.stand_in.state = "conflict"
        self.open_page()
        wait_for(lambda: len(self.lanes()) == 3, 5, "the lanes")
        first, leader, third = self.lanes()
        self.assertEqual(("fine", 0, 1, 1), (first["state"], first["conflicts"], first["match"], first["next"]))
        self.assertEqual(("fine", 0, 0, 0), (leader["state"], leader["conflicts"], leader["match"], leader["next"]))
        self.assertEqual(["2", "3", "4"], list(dict.fromkeys(leader["terms"])))
        self.assertEqual(("conflict", "✕ 5 conflicting entries", 1), (third["state"], third["note"], third["conflicts"]))
        self.assertEqual((["2", "3"], 1), (list(dict.fromkeys(third["terms"])), third["loose"]))
        self.stand_in.state = "repaired"
        wait_for(lambda: self.lanes()[2]["note"] == "✓ repaired", 5, "the repair")
        self.assertEqual(self.lanes()[0]["terms"], self.lanes()[2]["terms"])
        self.assertEqual(0, self.lanes()[2]["conflicts"])

    def test_a_follower_far_behind_widens_the_scale_until_it_is_in_sight(self):
        self.stand_in.state = "catching-up"
        self.open_page()
        wait_for(lambda: len(self.lanes()) == 6, 5, "the lanes")
        self.assertEqual("behind", self.lanes()[2]["state"])
        self.assertGreater(len(self.lanes()[2]["terms"]), 0)
        self.assertRegex(self.browser.text("#log-scale"), "^one cell is [0-9]+ entries$")
        self.assertEqual("gets a snapshot", self.lanes()[5]["note"])

    def test_scrolling_back_stays_where_it_is_until_the_end_is_followed_again(self):
        self.open_page()
        axis = "return [...document.querySelectorAll('#lanes-axis text')].map((label) => label.textContent)"
        asked = self.cluster_requests()
        wait_for(lambda: self.cluster_requests() > asked + 2, 5, "newer pictures")
        self.browser.click("#log-older")
        back = self.browser.run(axis)
        asked = self.cluster_requests()
        wait_for(lambda: self.cluster_requests() > asked + 3, 5, "newer pictures")
        self.assertEqual(back, self.browser.run(axis))
        self.assertEqual("false", self.browser.run("return document.getElementById('log-follow').ariaPressed"))
        self.browser.click("#log-follow")
        self.assertGreater(int(self.browser.run(axis)[0]), int(back[0]))
        self.browser.click("#log-first")
        wait_for(lambda: "It is in the snapshot" in self.browser.text("#entry-facts"), 5, "that it is compacted")

    def drawn(self, chart):
        """The points of a chart's first line, in its drawing's units: 300 wide."""
        path = self.browser.run("return document.querySelector(`#chart-${arguments[0]} .line-0`)?.getAttribute('d') ?? ''", chart)
        return [tuple(map(float, point.split())) for point in path.replace("M", "L").split("L") if point]

    def test_charts_begin_with_what_the_nodes_tell_of_the_minutes_before(self):
        self.stand_in.samples = 120
        self.addCleanup(setattr, self.stand_in, "samples", 0)
        self.open_page()
        wait_for(lambda: len(self.drawn("rate")) > 100, 5, "two minutes of points")
        self.assertEqual("last 2 min", self.browser.text("#chart-rate .chart-foot span"))
        self.assertLess(self.drawn("rate")[0][0], 10, "it reaches back to the left edge")
        before = [height for x, height in self.drawn("rate") if x < 280]
        self.assertEqual(1, len(set(before)), "forty a second, all the time")
        for chart in ("latency", "disk", "waiting", "size"):
            self.assertGreater(len(self.drawn(chart)), 100, chart)
        self.assert_quiet_console()

    def test_charts_fill_in_what_was_while_the_tab_was_hidden_and_keep_no_more_than_they_draw(self):
        self.open_page()
        wait_for(lambda: len(self.drawn("disk")) > 0, 5, "a first look")
        self.set_hidden(True)
        self.stand_in.samples = 400
        self.addCleanup(setattr, self.stand_in, "samples", 0)
        self.set_hidden(False)
        wait_for(lambda: len(self.drawn("disk")) > 290, 5, "five minutes of points")
        self.assertLessEqual(len(self.drawn("disk")), 300)
        places = [x for x, _ in self.drawn("disk")]
        self.assertEqual(sorted(places), places, "none twice, none out of order")

    def test_what_is_kept_does_not_grow_with_the_updates(self):
        self.open_page()
        grown = self.browser.run_async(  # More updates than are kept of anything, without the time that they take.
            "const done = arguments[arguments.length - 1];"
            "Promise.all(['charts.js', 'timeline.js', 'stream.js'].map((file) => import(`${location.origin}/${file}`))).then(async"
            " ([charts, lines, streams]) => { const status = { id: 1, commit_index: 1, disk_write_ms: {}, storage_bytes: 1 };"
            " const real = performance.now.bind(performance); let past = 0; performance.now = () => real() + past;"
            " const panel = new charts.chart_panel(); const line = new lines.time_line(); let told = 0;"
            " const reader = new streams.event_reader(() => { told += 1; });"
            " for (let second = 0; second < 700; second += 1) { past += 1000;"
            "  panel.take({ nodes: [{ status }] }); line.see([{ id: 1, reachable: second % 2 === 0 }]);"
            "  reader.take('event: x\\ndata: {}\\n\\n'); }"
            " performance.now = real; done([panel.samples.length, line.own.get(1).length, reader.rest.length, told]); })",
        )
        self.assertEqual([300, 64, 0, 700], grown)

    def test_a_learner_on_its_way_and_its_snapshot_are_told_in_words(self):
        self.stand_in.state = "catching-up"
        self.open_page()
        self.assertEqual("learnerbecomes a voter", next(row["Role"] for row in self.rows() if row["key"] == 6))
        self.assertEqual("snapshot, 42 %", next(row["State"] for row in self.rows("peers") if row["key"] == 6))
        self.assertEqual(42, self.browser.run("return document.querySelector('#peers [data-key=\"6\"] progress').value"))

    def test_the_node_that_is_in_trouble_is_marked_in_its_row(self):
        for state, key, words in (("disk-full", 2, "disk full"), ("out-of-service", 3, "out of service")):
            with self.subTest(state):
                self.stand_in.state = state
                self.open_page()
                self.assertEqual({key: "follower" + words}, {row["key"]: row["Role"] for row in self.rows() if row["Role"] not in ("leader", "follower")})

    def test_a_retry_after_silence_goes_with_the_same_key_and_another_command_with_another(self):
        self.open_page()
        command = '{"op":"put","key":"a","value":1}'
        self.stand_in.state = "silent"
        self.send("propose", command)
        self.stand_in.state = "fine"
        self.browser.click("#propose button.primary")
        wait_for(lambda: self.browser.text("#propose .outcome").startswith("200 OK"), 10, "the retry")
        self.send("propose", command.replace("1", "2"))
        first, second, third = [key for key in self.stand_in.keys][-3:]
        self.assertEqual(first, second)
        self.assertNotEqual(second, third)
        self.assertIn(f"-H 'Idempotency-Key: {third}'", self.browser.text("#propose .curl code"))
        self.browser.take_log("browser")

    def test_each_action_asks_first_and_sends_what_its_curl_line_says(self):
        member = {"id": 4, "url": "http://node4:8001"}
        for action, fields, sent in (
            ("add", member, ("POST", "/v1/members", member)),
            ("add", {**member, "role": "learner"}, ("POST", "/v1/members", {**member, "role": "learner"})),
            ("promote", {"id": 4}, ("POST", "/v1/members/4/promote", None)),
            ("remove", {"id": 3}, ("DELETE", "/v1/members/3", None)),
            ("transfer", {"id": 2}, ("POST", "/v1/leader/transfer", {"to": 2})),
            ("snapshot", {}, ("POST", "/v1/snapshot", None)),
        ):
            with self.subTest(action, **fields):
                self.stand_in.operations.clear()
                self.open_page()
                self.assertTrue(self.choose(action, **fields).endswith(("?", ".")))
                line = self.browser.text("#sure-curl")
                self.browser.click("#sure-no")
                self.assertEqual([], self.stand_in.operations)
                self.choose(action, **fields)
                self.assert_readable()
                self.browser.click("#sure-yes")
                self.assertTrue(self.take_outcome().startswith("200 OK"))
                subprocess.run(["sh", "-c", line], capture_output=True, check=True)
                self.assertEqual([sent, sent], self.stand_in.operations)
                self.assert_quiet_console()

    def test_a_change_that_is_refused_says_why(self):
        self.stand_in.state = "catching-up"
        self.open_page()
        self.choose("promote", id=6)
        self.browser.click("#sure-yes")
        self.assertTrue(self.take_outcome().startswith("409"))
        self.assertEqual("Change in progress (change_in_progress). node 6 is being added. It never takes effect.",
                         self.browser.text("#operate .problem"))
        self.browser.take_log("browser")

    def test_a_change_that_takes_its_time_shows_how_far_it_is(self):
        self.stand_in.state = "catching-up"
        self.open_page()
        self.stand_in.operate_gate.clear()
        try:
            self.choose("promote", id=6)
            self.browser.click("#sure-yes")
            wait_for(lambda: "Node 6 is sent a snapshot: 42 %." in self.browser.text("#operate .problem"), 5, "the progress")
            self.assertEqual("under way", self.browser.text("#operate .outcome"))
        finally:
            self.stand_in.operate_gate.set()
        self.take_outcome()
        self.browser.take_log("browser")

    def test_a_download_shows_how_far_it_is(self):
        self.open_page()
        self.stand_in.operate_gate.clear()
        try:
            self.choose("download")
            self.browser.click("#sure-yes")
            wait_for(lambda: "1.0 MiB of 2.0 MiB, 50 %." in self.browser.text("#operate .problem"), 8, "the progress")
            self.assertEqual("under way", self.browser.text("#operate .outcome"))
        finally:
            self.stand_in.operate_gate.set()
        self.assertTrue(self.take_outcome().startswith("200 OK"))
        self.assertEqual({"file": "raftd-9-3.snapshot", "size_bytes": 2 * 1024 * 1024}, json.loads(self.browser.text("#operate pre")))
        self.assert_quiet_console()

    def test_an_answer_that_comes_in_pieces_is_given_up_only_after_a_pause(self):
        self.open_page()
        armed, stopped = self.browser.run_async(  # The time-out is known by its length; it is stopped and set again with each piece.
            "const done = arguments[arguments.length - 1]; const length = 54321; const armed = []; const stopped = [];"
            "import(`${location.origin}/answer.js`).then(async ({ answer_view }) => {"
            " const section = document.createElement('section'); section.innerHTML = '<button class=primary>x</button>';"
            " const view = new answer_view(section, length); const [set, clear] = [window.setTimeout, window.clearTimeout];"
            " window.setTimeout = (act, after) => { const id = set(act, after); if (after === length) armed.push(id); return id; };"
            " window.clearTimeout = (id) => { if (armed.includes(id)) stopped.push(id); clear(id); };"
            " await view.run('v1/cluster', {}, false, async (response, guard) => { guard(); guard(); return response.text(); });"
            " window.setTimeout = set; window.clearTimeout = clear; done([armed.length, stopped.length]); })")
        self.assertEqual([3, 3], [armed, stopped])

    def test_a_node_without_an_id_or_a_url_is_not_asked_about(self):
        self.open_page()
        self.browser.click("#operate button.primary")
        self.assertFalse(self.browser.run("return document.getElementById('sure').open"))

    def test_growing_numbers_do_not_move_the_layout(self):
        self.open_page()
        places = ("return [...document.querySelectorAll('#nodes th, #nodes td, .figures div, section')].map((cell) => {"
                  " const box = cell.getBoundingClientRect(); return [box.x, box.y, box.width, box.height]; })")
        before, commit = self.browser.run(places), self.browser.text("#figure-commit")
        wait_for(lambda: self.browser.text("#figure-commit") != commit, 5, "a newer picture")
        wait_for(lambda: self.browser.text("#figure-rate") != "–", 5, "a rate")
        self.assertEqual(before, self.browser.run(places))

    def test_a_text_that_somebody_wrote_is_never_replaced(self):
        self.open_page()
        self.browser.type_into("#propose textarea", "mine")
        asked = self.cluster_requests()
        wait_for(lambda: self.cluster_requests() > asked + 2, 5, "newer pictures")
        self.assertEqual("mine", self.browser.run("return document.querySelector('#propose textarea').value"))

    def test_the_page_stays_below_its_budget(self):
        from stand_in import PAGE

        self.assertLess(sum(file.stat().st_size for file in PAGE.iterdir()), 150_000)


class PureParts(PageCase):
    def call(self, module, function, *arguments):
        return self.browser.run_async(
            "const [module, name, values, done] = arguments;"
            "import(module).then((parts) => done(parts[name](...values)), (error) => done(String(error)));",
            f"{self.url}/{module}", function, list(arguments),
        )

    def setUp(self):
        self.stand_in.state = "fine"
        self.open_page()

    def test_a_quoted_word_reaches_a_program_unchanged(self):
        for text in ("plain", "", "it's", "''", "$HOME `id` \\ \"", "a\nb\n", "-n", "!x *? [a] ~ # ;&|<>(){}", "ä€😀", "@file"):
            with self.subTest(text):
                quoted = self.call("format.js", "shell_quote", text)
                told = subprocess.run(["sh", "-c", f"printf %s. {quoted}"], capture_output=True, text=True, check=True)
                self.assertEqual(text + ".", told.stdout)

    def test_a_text_that_begins_with_an_at_sign_is_not_read_as_a_file_name(self):
        self.assertIn("--data-raw '@\"'", self.call("format.js", "curl_line", "http://a/", '@"', False))
        self.assertIn("-d '[1]'", self.call("format.js", "curl_line", "http://a/", "[1]", False))

    def test_laying_out_changes_nothing_but_the_space_between_tokens(self):
        long = '"' + "x" * 80 + '"'
        for text in (f'{{"a":[1e2,10000000000000000001,-0.0,{{}},[]],"b":{long}}}', f'[{long},"\\"{{,:}}\\\\",null]', long,
                     f"[[[[[]]]],{long}]", f'{{"k\\u0041":{long},"":{{"x":[{{}}]}}}}'):
            with self.subTest(text):
                laid_out = self.call("format.js", "lay_out", text)
                self.assertEqual(text, squeeze(laid_out))
                if text != long:
                    self.assertIn("\n", laid_out)

    def test_a_short_text_and_one_that_is_not_json_stay_as_they_are(self):
        for text in ('{"a":1}', "", "x" * 100, '"' + "x" * 100, '{"a":"' + "x" * 100 + '"}\n{"b":2}'):
            with self.subTest(text):
                self.assertEqual(text, self.call("format.js", "lay_out", text))

    def test_figures_change_their_unit_at_the_edge(self):
        for function, value, text in (
            ("bytes", 0, "0 B"), ("bytes", 1023, "1023 B"), ("bytes", 1024, "1.0 KiB"), ("bytes", 102400, "100 KiB"),
            ("bytes", 1024**2 - 1, "1.0 MiB"), ("bytes", 5 * 1024**4, "5.0 TiB"), ("duration", 59.9, "59 s"),
            ("duration", 60, "1 min 0 s"), ("duration", 3599, "59 min 59 s"), ("duration", 3600, "1 h 0 min"),
            ("duration", 86399, "23 h 59 min"), ("duration", 86400, "1 d 0 h"), ("milliseconds", 0.3, "0.30 ms"),
            ("milliseconds", 9.994, "9.99 ms"), ("milliseconds", 9.996, "10.0 ms"), ("milliseconds", 99.96, "100 ms"),
            ("milliseconds", 12345, "12.3 s"), ("rate", 0, "0"), ("rate", 0.4, "0.4"), ("rate", 9.96, "10"), ("rate", None, "–"),
        ):
            with self.subTest(function, value=value):
                self.assertEqual(text, self.call("format.js", function, value))

    def test_only_a_web_address_becomes_a_link(self):
        addresses = {"http://a:1": True, "https://a": True, "javascript:alert(1)": False, "": False, None: False}
        for address, linked in addresses.items():
            with self.subTest(address):
                self.assertEqual(linked, self.call("dom.js", "is_web_address", address))

    def judge(self, voters, outgoing, reachable):
        status = {"role": "leader", "term": 2, "state_hash": None, "peers": [{"id": i, "last_contact_ms": 9} for i in reachable],
                  "configuration": {"index": 5, "voters": [{"id": i} for i in voters], "learners": [],
                                    "outgoing": [{"id": i} for i in outgoing]}}
        members = sorted({*voters, *outgoing})
        nodes = [{"id": i, "reachable": i in reachable, "status": status if i == 1 else None} for i in members]
        return self.call("verdict.js", "judge", {"leader": 1, "term": 2, "nodes": nodes}, 1)

    def test_every_count_of_reachable_voters_gives_the_right_promise(self):
        for voters in range(1, 8):
            for up in range(1, voters + 1):
                with self.subTest(voters=voters, up=up):
                    told = self.judge(range(1, voters + 1), [], range(1, up + 1))
                    spare = up - (voters // 2 + 1)
                    self.assertEqual(spare < 0, told["state"] == "majority-lost")
                    self.assertEqual(spare > 0, "survives the loss of" in told["sentence"])
                    if spare > 0:
                        self.assertIn(f"the loss of {spare} more", told["sentence"])

    def test_every_standing_in_a_configuration_has_its_words(self):
        voters, outgoing = [{"id": 1}, {"id": 4}], [{"id": 1}, {"id": 2}, {"id": 3}]
        learners = [{"id": 3}, {"id": 5, "promote": True}, {"id": 6}]
        configuration = {"index": 9, "voters": voters, "outgoing": outgoing, "learners": learners}
        for node_id, words in ((1, ""), (2, "outgoing voter"), (3, "voter, becomes learner"), (4, "incoming voter"),
                               (5, "becomes a voter"), (6, "does not vote"), (7, "no member")):
            with self.subTest(node_id):
                self.assertEqual(words, self.call("verdict.js", "standing_words", configuration, node_id))

    def test_in_joint_consensus_the_scarcer_side_decides(self):
        self.assertEqual("majority-lost", self.judge([1, 4, 5], [1, 2, 3], [1, 4, 5])["state"])
        self.assertIn("survives the loss of 1 more node", self.judge([1, 4, 5], [1, 2, 3], [1, 2, 3, 4, 5])["sentence"])
