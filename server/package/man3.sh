#!/bin/sh
# man3.sh LIBRARY WHAT VERSION DATE FOLDER HEADER...: the library's manual, made of what its headers say, into FOLDER. LIBRARY.3 is the opening
# comment of each header with what belongs to no part of it; a part of a header (/* -- Name -- */) is a page of its own; each function has
# a name that leads to its page.
set -eu
library=$1
what=$2
version=$3
date=$4
folder=$5
shift 5

LC_ALL=C awk -v library="$library" -v what="$what" -v version="$version" -v date="$date" -v folder="$folder" '
function plain(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    gsub(/`/, "\\(ga", text)
    gsub(/~/, "\\(ti", text)
    gsub(/\^/, "\\(ha", text)
    gsub(/\302\247/, "\\(sc", text)
    if (text ~ /^[.\047]/) text = "\\\\&" text
    return text
}
# What a page will say is collected by its name: first the declarations of its functions, then the rest.
function put(text) { body[page] = body[page] text "\n" }
function begin_page(name, title) {
    page = name
    if (!(page in titles)) {
        pages[++page_count] = page
        titles[page] = title
    }
}
function slug(text) {
    text = tolower(text)
    sub(/ *\(.*/, "", text)
    sub(/^the /, "", text)
    sub(/^what the /, "", text)
    gsub(/[^a-z]+/, "_", text)
    return text
}
# Paragraphs are filled; lines that are indented stay as they are.
function put_comment(   i, line, as_is) {
    put(".PP")
    for (i = 1; i <= said_count; i++) {
        line = said[i]
        if (as_is && line !~ /^    /) { put(".fi\n.RE"); as_is = 0 }
        if (line ~ /^    / && !as_is) { put(".PP\n.RS 4\n.nf"); as_is = 1 }
        if (line == "") { if (i < said_count) put(".PP") }
        else if (as_is) put(plain(substr(line, 5)))
        else if (line ~ /^- /) put(".IP \\(bu 2\n" plain(substr(line, 3)))
        else { sub(/^ +/, "", line); put(plain(line)) }
    }
    if (as_is) put(".fi\n.RE")
    said_count = 0
}
function add_comment(line) {
    sub(/ *\*\/ *$/, "", line)
    if (inside) sub(/^ \*? ?/, "", line)
    else sub(/^\/\*+ ?/, "", line)
    said[++said_count] = line
}
function end_code(   name, i, text) {
    if (match(code[1], /[a-z_]+\(/) && code[1] !~ /^typedef|[{]|^#/) {
        name = substr(code[1], RSTART, RLENGTH - 1)
        functions[page] = functions[page] (functions[page] == "" ? "" : ", ") name
        where[name] = page
        for (i = 1; i <= code_count; i++) text = text plain(code[i]) "\n"
        synopsis[page] = synopsis[page] text
        put(".SS " name)
    }
    put(name == "" ? ".PP\n.nf" : ".nf")
    for (i = 1; i <= code_count; i++) put(plain(code[i]))
    put(".fi")
    if (said_count > 0) put_comment()
    code_count = 0
    depth = 0
}
FNR == 1 {
    begin_page(library, what)
    n = split(FILENAME, parts, "/")
    header = "raftd/" parts[n]
    includes = includes "#include <" header ">\n"
    opening = 1
}
{ header_of[page] = header }
# The opening comment.
opening && FNR == 1 { put(".SH DESCRIPTION OF " toupper(header)) }
skipped { if (/^#endif/) skipped = 0; next }
!code_count && /^#ifdef __cplusplus/ { skipped = 1; next }
!code_count && !inside && /^#define [A-Z_]+ / { code[++code_count] = $0; end_code(); next }
!code_count && !inside && /^#/ { next }
!code_count && !inside && /^\/\* -- .* -- \*\/$/ {
    name = $0
    gsub(/^\/\* -- | -- \*\/$/, "", name)
    begin_page(library "_" slug(name), name)
    header_of[page] = header
    next
}
inside { add_comment($0); if (/\*\/ *$/) { inside = 0; if (opening) { put_comment(); opening = 0 } } next }
!code_count && /^\/\*/ {
    said_count = 0
    add_comment($0)
    if (!/\*\/ *$/) inside = 1
    else if (opening) { put_comment(); opening = 0 }
    next
}
!code_count && /^$/ { if (said_count > 0) put_comment(); next }
{
    code[++code_count] = $0
    bare = $0
    gsub(/\/\*.*/, "", bare)
    depth += gsub(/[{]/, "{", bare) - gsub(/[}]/, "}", bare)
    if (depth == 0 && bare ~ /; *$/) end_code()
}
END {
    for (i = 1; i <= page_count; i++) {
        page = pages[i]
        file = folder "/" page ".3"
        printf ".TH %s 3 \"%s\" \"raftd %s\" \"Library functions\"\n.SH NAME\n", toupper(page), date, version >file
        printf "%s \\- %s\n", page (functions[page] == "" ? "" : ", " functions[page]), plain(page == library ? titles[page] : library ": " titles[page]) >file
        printf ".SH LIBRARY\n.RI \"cc ... $(pkg\\-config \\-\\-cflags \\-\\-libs \" %s )\n.SH SYNOPSIS\n.nf\n", library >file
        printf "%s", (page == library ? plain(includes) : plain("#include <" header_of[page] ">") "\n") >file
        if (synopsis[page] != "") printf ".PP\n%s", synopsis[page] >file
        printf ".fi\n" >file
        if (page != library) printf ".SH DESCRIPTION\n" >file
        printf "%s.SH SEE ALSO\n", body[page] >file
        separator = ""
        for (j = 1; j <= page_count; j++) if (j != i) { printf "%s.BR %s (3)", separator, pages[j] >file; separator = ",\n" }
        printf "%s.BR raftd (8)\n", separator >file
        close(file)
    }
    for (name in where) if (name != where[name]) {
        file = folder "/" name ".3"
        printf ".so man3/%s.3\n", where[name] >file
        close(file)
    }
}' "$@"
