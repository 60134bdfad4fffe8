#!/usr/bin/env python3
"""A state machine as a program of its own: raftd --machine exec:./tags.py. It keeps things with their tags.

propose {"tag": "red", "thing": "apple"}    the result is how many tags the thing has
propose {"untag": "red", "thing": "apple"}  the same
query   {"tag": "red"}                      the things that have it, in order
query   {"thing": "apple"}                  its tags, in order

server/machine/machine_exec.h says what raftd asks; what is printed to standard error goes to the node's log. The same commands must do the
same on every node: so nothing here looks at a clock, and what has no order of its own (a set) is sorted before it is told."""

import json
import sys

things = {}  # The name of each thing that has tags: a set of them.


class Refused(Exception):
    """Not understood, or not possible; nothing has changed."""


def text(command, name):
    if not isinstance(command, dict) or not isinstance(command.get(name), str):
        raise Refused(f"{name} must be a string")
    return command[name]


def apply(command):
    thing = text(command, "thing")
    tags = things.get(thing, set())
    changed = tags | {text(command, "tag")} if "tag" in command else tags - {text(command, "untag")}
    things[thing] = changed
    if not changed:
        del things[thing]
    return len(changed)


def query(question):
    if isinstance(question, dict) and "tag" in question:
        return sorted(thing for thing, tags in things.items() if text(question, "tag") in tags)
    return sorted(things.get(text(question, "thing"), ()))


def restore(snapshot):
    things.update((thing, set(tags)) for thing, tags in snapshot.items())


def answer(question):
    try:
        if question["do"] == "hello":
            return {"name": "tags", "version": 1}
        if question["do"] == "apply":
            return {"result": apply(question["command"])}
        if question["do"] == "query":
            return {"result": query(question["query"])}
        if question["do"] == "snapshot":
            return {"snapshot": {thing: sorted(things[thing]) for thing in sorted(things)}}
        if question["do"] == "restore":
            restore(question["snapshot"])
            return {"restored": True}
        return {"refused": "that is none of the questions"}
    except Refused as refused:
        return {"refused": str(refused)}


# A frame is a number of bytes, a line feed, so many bytes of JSON, and a line feed.
while line := sys.stdin.buffer.readline():
    frame = sys.stdin.buffer.read(int(line) + 1)
    reply = json.dumps(answer(json.loads(frame))).encode()
    sys.stdout.buffer.write(b"%d\n%s\n" % (len(reply), reply))
    sys.stdout.buffer.flush()
