"""Damaged data directories are refused with the cure named; the torn tail of a power loss is not."""

import glob
import json
import os
import shutil
import unittest

from harness import ClusterTest, wait_for


class StoreTest(ClusterTest):
    def used_node(self):
        """A node alone with some entries, stopped by kill -9."""
        cluster = self.cluster(count=1).start()
        node = cluster.nodes[0]
        body = "".join(json.dumps({"op": "put", "key": f"k{i}", "value": "v" * 50}) + "\n" for i in range(200))
        answer = node.ask("POST", "/v1/propose", body, {"Content-Type": "application/x-ndjson"})
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body.count(b'"result"'), 200)
        node.kill()
        return node

    def level_file(self, node, pattern):
        return sorted(f for f in glob.glob(os.path.join(node.directory, "**", pattern), recursive=True)
                      if os.path.isfile(f))[-1]

    def check_refused(self, node, damage):
        node.start()
        self.assertEqual(node.wait_exit(), 1, f"{damage}: {node.log()}")
        line = node.log().strip().splitlines()[-1]
        self.assertIn(node.directory, line, damage)
        self.assertRegex(line, "remove|wipe", damage)

    def test_a_log_that_is_gone_empty_or_cut_is_refused(self):
        for damage in ("deleted", "emptied", "cut"):
            node = self.used_node()
            log = self.level_file(node, "*.log")
            size = os.path.getsize(log)
            if damage == "deleted":
                os.unlink(log)
            else:
                os.truncate(log, 0 if damage == "emptied" else size // 2)
            self.check_refused(node, damage)

    def test_flipped_bits_in_the_middle_of_the_log_are_refused(self):
        node = self.used_node()
        log = self.level_file(node, "*.log")
        shutil.copytree(node.directory, node.directory + ".good")
        size = os.path.getsize(log)
        for offset in (1, 5, 7, size // 3, size // 2):
            shutil.rmtree(node.directory)
            shutil.copytree(node.directory + ".good", node.directory)
            with open(log, "r+b") as file:
                file.seek(offset)
                byte = file.read(1)[0]
                file.seek(offset)
                file.write(bytes([byte ^ 0x10]))
            self.check_refused(node, f"bit flipped at {offset} of {size}")

    def test_a_missing_current_file_is_refused_and_makes_no_new_store(self):
        node = self.used_node()
        os.unlink(self.level_file(node, "CURRENT"))
        self.check_refused(node, "CURRENT deleted")

    def test_the_torn_tail_of_a_power_loss_is_cut_and_said(self):
        node = self.used_node()
        with open(self.level_file(node, "*.log"), "ab") as file:
            file.write(b"\x12\x34\x56\x78\xff\x7f\x01 the beginning of a record whose end never reached the disk")
        node.start()
        wait_for(node.ready, "the node is ready")
        self.assertEqual(node.query({"op": "count"}).json()["result"], {"count": 200})

    def test_a_directory_of_something_else_is_refused(self):
        cluster = self.cluster(count=1)
        node = cluster.nodes[0]
        os.mkdir(node.directory)
        with open(os.path.join(node.directory, "thesis.tex"), "w", encoding="ascii") as file:
            file.write("precious")
        node.start()
        self.assertEqual(node.wait_exit(), 1)
        self.assertIn(node.directory, node.log())
        self.assertLessEqual(set(os.listdir(node.directory)), {"thesis.tex", "lock"})
        with open(os.path.join(node.directory, "thesis.tex"), encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")


if __name__ == "__main__":
    unittest.main()
