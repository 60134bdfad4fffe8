#!/usr/bin/env python3
"""Five real nodes and everything that may happen to them, for FAULT_SECONDS (300), with the time-outs that raftd has by default.
FAULT_SEED repeats a choice of faults. Prints the longest write outage per kind of fault."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
from faults_test import suffer


class LongFaultsTest(unittest.TestCase):
    def test_a_history_through_faults_is_linearizable_and_nothing_is_lost(self):
        suffer(self, "--seconds", os.environ.get("FAULT_SECONDS", "300"), "--seed", os.environ.get("FAULT_SEED", "0"))


if __name__ == "__main__":
    unittest.main()
