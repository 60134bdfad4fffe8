"""A few seconds of everything at once on five real nodes (tests/cluster/faults.py); the long run is tests/long/faults_test.py."""

import os
import subprocess
import sys
import unittest

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "faults.py")
SKIPPED = 77


def suffer(test, *arguments):
    """Runs the program, shows what it says, and answers nothing when all holds."""
    done = subprocess.run([sys.executable, PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout, flush=True)
    if done.returncode == SKIPPED:
        test.skipTest(done.stdout.strip())
    test.assertEqual(done.returncode, 0, "see above")


class FaultsTest(unittest.TestCase):
    def test_a_history_through_faults_is_linearizable_and_nothing_is_lost(self):
        suffer(self, "--seconds", "10", "--election", "300", "--snapshot-entries", "200")


if __name__ == "__main__":
    unittest.main(verbosity=2)
