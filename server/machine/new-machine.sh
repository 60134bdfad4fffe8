#!/bin/sh
# new-machine.sh NAME [FOLDER]: a state machine to begin with, that builds, runs and takes snapshots: FOLDER (./NAME) gets NAME.c, a Makefile
# and the interface. Nothing that is there is overwritten.
set -eu
here=$(dirname "$(realpath "$0")")
name=${1:-}
folder=${2:-$name}

refuse() {
    echo "new-machine: $1" >&2
    exit 2
}
[ -n "$name" ] || refuse "which one? make new-machine NAME=mine"
case $name in
*[!A-Za-z0-9._-]* | .* | -*) refuse "NAME is letters, digits, '.', '_' and '-', and begins with a letter, digit or '_': $name" ;;
hashmap | register) refuse "$name is a machine that ships with raftd" ;;
esac
[ "${#name}" -le 64 ] || refuse "NAME has at most 64 characters"
[ ! -e "$folder" ] || refuse "$folder is there already, and nothing is overwritten"

mkdir -p "$folder/raftd"
sed "s/@NAME@/$name/g" "$here/skeleton/machine.c.in" >"$folder/$name.c"
sed "s/@NAME@/$name/g" "$here/skeleton/Makefile.in" >"$folder/Makefile"
cp "$here/machine.h" "$folder/raftd/machine.h"
echo "$folder/$name.c is a state machine. Build and run it: make -C $folder && raftd --machine $folder/$name.so"
