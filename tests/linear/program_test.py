"""The program tests/linear/main.c: files that are good, bad and unreadable, its exit codes and what it prints and draws."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

LINEAR = os.environ.get("LINEAR", "build/linear")


def operation(op, invoked, returned, **members):
    return {"client": 1, "key": "x", "op": op, "invoked": invoked, "returned": returned, "outcome": "ok", **members}


PUT = operation("put", 0, 10, value="a", seen=None)
GET = operation("get", 20, 30, seen="a")
STALE = operation("get", 40, 50, seen=None)


def run(lines, *options):
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n"
    return subprocess.run([LINEAR, *options, "-"], input=text, capture_output=True, text=True, timeout=60, check=False)


class ProgramTest(unittest.TestCase):
    def test_a_good_history(self):
        done = run([PUT, "", GET, {"event": "kill", "at": 5}])
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertIn("linearizable: 2 operations on 1 keys", done.stdout)
        self.assertEqual(run([]).returncode, 0)

    def test_a_bad_history_names_the_culprit(self):
        done = run([GET, STALE, PUT])
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("not linearizable: key x, line 2", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^> +2 .* get: absent$")
        self.assertRegex(done.stdout, r"(?m)^ +1 .* get: \"a\"$")

    def test_what_is_not_checked(self):
        self.assertEqual(run([PUT, {**STALE, "consistency": "stale"}]).returncode, 0)
        self.assertEqual(run([PUT, {**STALE, "consistency": "lease"}]).returncode, 1)
        rejected = operation("put", 15, 16, value="b", outcome="rejected")
        self.assertEqual(run([PUT, rejected, GET]).returncode, 0)
        self.assertEqual(run([PUT, rejected, {**GET, "seen": "b"}]).returncode, 1)

    def test_unknown_operations(self):
        unknown = operation("put", 15, None, value="b", outcome="unknown")
        for seen, status in (("a", 0), ("b", 0), ("c", 1)):
            self.assertEqual(run([PUT, unknown, {**GET, "seen": seen}]).returncode, status, seen)
        removal = operation("delete", 15, None, outcome="unknown")
        self.assertEqual(run([PUT, removal, GET, STALE]).returncode, 0)

    def test_swaps(self):
        swapped = operation("cas", 31, 35, expected="a", value={"b": [1]}, swapped=True, seen="a")
        self.assertEqual(run([PUT, swapped, {**GET, "invoked": 40, "returned": 41, "seen": {"b": [1.0]}}]).returncode, 0)
        self.assertEqual(run([PUT, {**swapped, "swapped": False}]).returncode, 1)
        created = operation("cas", 0, 5, value=1, swapped=True, seen=None)
        self.assertEqual(run([created]).returncode, 0)
        self.assertEqual(run([PUT, {**created, "invoked": 12, "returned": 13}]).returncode, 1)

    def test_a_file_that_cannot_be_read_says_where_and_why(self):
        for line, why in (("{", "not a JSON object"), ("[]", "not a JSON object"), ("{} x", "not a JSON object"),
                          ({**PUT, "op": "push"}, "no such op"), ({**PUT, "outcome": "late"}, "no such outcome"),
                          ({**PUT, "returned": -1}, "returned"), ({**GET, "returned": 19}, "returned before invoked"),
                          ({**PUT, "invoked": 0.5}, "invoked"), ({**PUT, "returned": None}, "returned"),
                          ({**PUT, "value": None}, "value"), ({**PUT, "key": 1}, "key"),
                          ({name: GET[name] for name in GET if name != "seen"}, "seen"),
                          (operation("cas", 1, 2, value=1), "swapped"), ({"event": "kill"}, "at")):
            done = run([PUT, line])
            self.assertEqual(done.returncode, 2, line)
            self.assertRegex(done.stderr, r"^linear: -:2: .*" + re.escape(why), line)

    def test_wrong_use(self):
        for arguments in ([], ["/does/not/exist"], ["a", "b"], ["--steps", "x", "-"], ["--nothing", "-"]):
            done = subprocess.run([LINEAR, *arguments], input="", capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertTrue(done.stderr)
        self.assertIn('"op":"put"', subprocess.run([LINEAR, "--help"], capture_output=True, text=True, check=True).stdout)

    def test_undecided(self):
        puts = [operation("put", 0, 100, value=value) for value in range(20)]
        self.assertEqual(run(puts, "--steps", "5").returncode, 3)
        self.assertEqual(run(puts).returncode, 0)

    def test_the_drawing_has_everything_and_needs_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "history.html")
            odd = {**PUT, "key": "</script><b>", "value": "\"\\\n</script>"}
            done = run([PUT, GET, STALE, odd, {"event": "cut", "at": 1, "until": 9, "what": "1 | 2 </script>"}], "--html", out)
            self.assertEqual(done.returncode, 1, done)
            with open(out, encoding="utf-8") as file:
                page = file.read()
        data = json.loads(page.split('id="data">')[1].split("</script>")[0])
        self.assertEqual((data["culprit"], len(data["ops"]), data["keys"]), (3, 4, ["x", "</script><b>"]))
        self.assertEqual(data["events"], [["cut", "1 | 2 </script>", 1, 9]])
        self.assertEqual(page.count("</script>"), 2)
        self.assertNotRegex(page, r"https?://|\bsrc=|@import|\burl\(")
        self.assertEqual(run([PUT], "--html", "/does/not/exist").returncode, 2)


if __name__ == "__main__":
    sys.exit(unittest.main())
