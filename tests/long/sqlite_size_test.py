#!/usr/bin/env python3
"""The database of the SQLite machine filled to its limit: what does not fit is refused and changes nothing, and what was deleted gives room again."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
os.environ.setdefault("RAFTD_TEST_LIBRARIES", os.path.join(os.path.dirname(os.environ.get("RAFTD", "build/raftd")), "tests", "cluster"))
from harness import ClusterTest, wait_for
from machines_test import Sqlite

FILL = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 50) INSERT INTO t (v) SELECT zeroblob(999000) FROM c"
COUNT = {"sql": "SELECT count(*) FROM t"}


class SqliteSizeTest(ClusterTest):
    @unittest.skipUnless(os.path.exists(Sqlite.argument), "the example machine sqlite was left out")
    def test_a_database_of_a_gigabyte_is_full(self):
        node = self.cluster(count=1, extra=["--machine", Sqlite.argument, "--snapshot-entries", "1000"]).start().nodes[0]
        self.assertEqual(node.propose({"sql": "CREATE TABLE t (id INTEGER PRIMARY KEY, v)"}).status, 200)
        times = 0
        while (answer := node.propose({"sql": FILL}, "?timeout=30s", timeout=40)).status == 200:
            times += 1
        self.assertEqual(answer.status, 422)
        self.assertIn("full", answer.json()["detail"])
        self.assertEqual(times, 21)  # 50 rows of 244 pages each.
        self.assertEqual(node.query(COUNT).json()["result"]["rows"], [[50 * times]])
        self.assertEqual(node.propose({"sql": "DELETE FROM t WHERE id > 500"}).status, 200)
        self.assertEqual(node.propose({"sql": FILL}, "?timeout=30s").status, 200)
        # A snapshot of it is taken while a query is answered, and the node starts from it.
        self.assertEqual(node.ask("POST", "/v1/snapshot?timeout=60s", timeout=90).status, 200)
        node.kill()
        node.start()
        wait_for(node.ready, "it is ready", 60)
        self.assertEqual(node.query(COUNT).json()["result"]["rows"], [[550]])


if __name__ == "__main__":
    unittest.main(verbosity=2)
