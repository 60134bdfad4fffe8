#!/usr/bin/env python3
"""The flood of tests/cluster/flood_test.py for RAFTD_FLOOD_SECONDS (60): what grows slowly, memory or the leader's delays, shows."""

import os
import sys
import unittest

os.environ.setdefault("RAFTD_FLOOD_SECONDS", "60")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
from flood_test import FloodTest  # noqa: E402,F401 (run by unittest)

if __name__ == "__main__":
    unittest.main()
