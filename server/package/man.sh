#!/bin/sh
# man.sh TEMPLATE PROGRAM VERSION DATE: the manual page on standard output. Synopsis and options are what the program itself says, so that
# the page has no option too few and none too many.
set -eu
template=$1
program=$2
version=$3
date=$4
help=$(mktemp)
trap 'rm -f "$help"' EXIT
"$program" --help >"$help"
name=$(basename "$program")

awk -v version="$version" -v date="$date" -v help="$help" -v name="$name" '
function plain(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/-/, "\\-", text)
    gsub(/`/, "\\(ga", text)
    return text
}
# "  raftd health [URL]     what it does" and "  --option VALUE   what it does": two columns, at least two spaces between them.
function column(line, which) {
    sub(/^ +/, "", line)
    where = match(line, /   +/)
    if (where == 0) where = match(line, /  +/)
    if (where == 0) return which == 1 ? line : ""
    return which == 1 ? substr(line, 1, where - 1) : substr(line, where + RLENGTH)
}
function entry(line) {
    printf ".TP\n.B %s\n", plain(column(line, 1))
    if (column(line, 2) != "") print plain(column(line, 2))
}
function print_matching(pattern, as_synopsis,    line) {
    while ((getline line < help) > 0) {
        if (line !~ pattern) continue
        entry(line)
    }
    close(help)
}
/^@SYNOPSIS@$/ { print_matching("^  " name "( |$)"); next }
/^@OPTIONS@$/ { print_matching("^  --[a-z]"); next }
{ gsub(/@VERSION@/, version); gsub(/@DATE@/, date); print }
' "$template"
