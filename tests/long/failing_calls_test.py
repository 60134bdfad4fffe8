#!/usr/bin/env python3
"""Every single system call of a raftd that changes its data directory fails (tests/cluster/failing_calls_test.py)."""

import os
import sys
import unittest

os.environ.setdefault("FAIL_STRIDE", "1")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
from failing_calls_test import FailingCallsTest  # pylint: disable=unused-import

if __name__ == "__main__":
    unittest.main(verbosity=2)
