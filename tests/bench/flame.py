"""A flame graph from `perf script` on standard input: flame.py TITLE > FILE. A box is as wide as its share of the samples; what called it is below."""

import collections
import sys
from xml.sax.saxutils import escape, quoteattr

WIDTH, ROW = 1200, 17


def fold(lines):
    """Samples by stack: the thread's name, then functions from the outermost."""
    stacks, thread, frames = collections.Counter(), None, []
    for line in [*lines, ""]:
        if not line.strip():
            if thread is not None:
                stacks[(thread, *reversed(frames))] += 1
            thread, frames = None, []
        elif line[0] not in " \t":
            thread = line.split()[0]
        else:
            words = line.split(None, 1)
            frames.append(words[1].rsplit(" (", 1)[0].rsplit("+0x", 1)[0] if len(words) > 1 else "?")
    return dict(stacks)


def tree_of(stacks):
    """Nested (samples, {name: ...})."""
    root = [0, {}]
    for stack, samples in stacks.items():
        node = root
        node[0] += samples
        for name in stack:
            node = node[1].setdefault(name, [0, {}])
            node[0] += samples
    return root


def depth_of(node):
    return 1 + max((depth_of(child) for child in node[1].values()), default=0)


def boxes(node, x, depth, height, scale, total):
    for name, child in sorted(node[1].items()):
        width = child[0] * scale
        if width >= 0.5:
            y = height - (depth + 1) * ROW
            share = f"{name}: {child[0]} samples, {child[0] / total * 100:.1f} %"
            colour = f"hsl({20 + hash_of(name) % 35},85%,{60 + hash_of(name) % 15}%)"
            yield f"<g><title>{escape(share)}</title><rect x=\"{x:.1f}\" y=\"{y}\" width=\"{width:.1f}\" height=\"{ROW - 1}\" fill={quoteattr(colour)}/>"
            if width > 40:
                yield f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(name[:int(width / 6.5)])}</text>'
            yield "</g>"
            yield from boxes(child, x, depth + 1, height, scale, total)
        x += width


def hash_of(name):
    return sum((i + 1) * byte for i, byte in enumerate(name.encode()))


def draw(stacks, title):
    tree = tree_of(stacks)
    height = (depth_of(tree) + 1) * ROW + 30
    parts = boxes(tree, 0, 0, height, WIDTH / max(1, tree[0]), max(1, tree[0]))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"><style>text{{font:11px monospace}}</style>' \
           f'<rect width="{WIDTH}" height="{height}" fill="#fff"/><text x="10" y="18">{escape(title)}: {tree[0]} samples</text>' \
           + "\n".join(parts) + "</svg>\n"


def hottest(stacks, count=25):
    """Functions by the samples in which they were the innermost."""
    own = collections.Counter()
    for stack, samples in stacks.items():
        own[stack[-1]] += samples
    return own.most_common(count)


def main():
    stacks = fold(sys.stdin.read().splitlines())
    print(draw(stacks, sys.argv[1]), end="")
    total = sum(stacks.values())
    for name, samples in hottest(stacks):
        print(f"{samples / max(1, total) * 100:6.1f} %  {name}", file=sys.stderr)


if __name__ == "__main__":
    main()
