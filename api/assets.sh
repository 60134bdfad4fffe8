#!/bin/sh
# Writes the C file with the table of what is built in: api/assets.sh FILE... > assets.c. The bytes themselves are taken in by
# the assembler (.incbin), so that no file has to be turned into text and back.
set -eu

content_type() {
    case $1 in
    *.html) echo 'text/html; charset=utf-8' ;;
    *.css) echo 'text/css; charset=utf-8' ;;
    *.js) echo 'text/javascript; charset=utf-8' ;;
    *.json) echo 'application/json' ;;
    *.svg) echo 'image/svg+xml' ;;
    *.png) echo 'image/png' ;;
    *) echo "api/assets.sh: no content type for $1" >&2; exit 1 ;;
    esac
}

echo '/* Made by api/assets.sh. */'
echo '#include "api/asset.h"'
number=0
for file in "$@"; do
    cat <<END
__asm__(".section .rodata; .balign 16; asset_$number: .incbin \"$file\"; asset_${number}_end: .byte 0; .previous");
END
    echo "extern const char asset_${number}[];"
    echo "extern const char asset_${number}_end[];"
    number=$((number + 1))
done
echo 'const struct asset asset_table[] = {'
number=0
for file in "$@"; do
    type=$(content_type "$file")
    name=$(basename "$file")
    etag=$(sha256sum "$file" | cut -c 1-16)
    for path in "/$name" $([ "$name" = index.html ] && echo /); do
        cat <<END
    {"$path", "$type", "\"$etag\"", asset_$number, asset_${number}_end},
END
    done
    number=$((number + 1))
done
echo '};'
echo 'const size_t asset_count = sizeof asset_table / sizeof asset_table[0];'
