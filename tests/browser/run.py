#!/usr/bin/env python3
"""Checks the page in headless Chromium. Needs the packages `chromium` and `chromium-driver`, and curl.

    tests/browser/run.py                                  # every designed state, against canned pictures
    tests/browser/run.py --url http://127.0.0.1:8001      # a running cluster
    tests/browser/run.py --url http://127.0.0.1:8001 --nodes http://127.0.0.1:8002,http://127.0.0.1:8003
    tests/browser/run.py --pictures DIRECTORY             # also keep what the page looked like
"""

import argparse
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True

import access  # noqa: E402
import accessible  # noqa: E402
import busy  # noqa: E402
import drawing  # noqa: E402
import endurance  # noqa: E402
import faults  # noqa: E402
import foreign  # noqa: E402
import live  # noqa: E402
import states  # noqa: E402
from stand_in import StandIn  # noqa: E402
from webdriver import Browser  # noqa: E402

STATES = [states.DesignedStates, states.PureParts, accessible.AccessibleStates, endurance.HourOfUpdates]
CLUSTERS = [drawing.Drawing, faults.FaultyCluster, access.TokenCluster, foreign.ForeignPages, busy.BusyCluster]


def make_suite(browser, url, nodes, pictures, stand_in):
    suite = unittest.TestSuite()
    for case in [live.LivePage] + (STATES if stand_in else CLUSTERS):
        case.browser, case.url, case.nodes, case.pictures, case.stand_in = browser, url, nodes, pictures, stand_in
        suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    return suite


def named(suite, part):
    """Those of a suite whose name has `part` in it."""
    return unittest.TestSuite(test for test in suite if part in test.id())


def main():
    parser = argparse.ArgumentParser(description="Check the page in headless Chromium.")
    parser.add_argument("--url", help="any node of a running cluster; default: canned pictures")
    parser.add_argument("--nodes", default="", help="further nodes, separated by commas, whose pages must tell the same")
    parser.add_argument("--pictures", type=pathlib.Path, help="a directory for screenshots")
    parser.add_argument("--only", default="", help="a part of the names of the tests to run")
    parser.add_argument("--raftd", help="the program, for a further node that joins the running cluster")
    options = parser.parse_args()
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    stand_in = None if options.url else StandIn()
    for case in (live.LivePage, *CLUSTERS):
        case.raftd = options.raftd
    url = (options.url or stand_in.url).rstrip("/")
    nodes = [node.rstrip("/") for node in options.nodes.split(",") if node]
    try:
        with Browser() as browser:
            suite = named(make_suite(browser, url, nodes, options.pictures, stand_in), options.only)
            done = unittest.TextTestRunner(verbosity=2).run(suite)
    finally:
        if stand_in:
            stand_in.close()
    return 0 if done.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
