#!/bin/sh
# deb.sh ROOT VERSION OUTPUT: a Debian package of what `make install DESTDIR=ROOT PREFIX=/usr` has put into ROOT, written into the folder OUTPUT.
# The same files make the same bytes: times are SOURCE_DATE_EPOCH's, owners root's, and names come in order. ROOT is used up.
set -eu
root=$1
version=$2
output=$3
here=$(dirname "$(realpath "$0")")
: "${SOURCE_DATE_EPOCH:?}"
export SOURCE_DATE_EPOCH
umask 022

architecture=$(dpkg --print-architecture)
install -D -m 644 "$here/raftd.default" "$root/etc/default/raftd"
doc=$root/usr/share/doc/raftd
mv "$doc/LICENSE" "$doc/copyright"
gzip -9n "$doc/CHANGELOG.md"
maintainer="${DEBFULLNAME:-The raftd authors} <${DEBEMAIL:-raftd@localhost}>"
printf 'raftd (%s) unstable; urgency=medium\n\n  * CHANGELOG.md.gz says what is new.\n\n -- %s  %s\n' "$version" "$maintainer" \
    "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$doc/changelog.gz"
find "$root/usr/share/man" -type f ! -name '*.gz' -exec gzip -9n {} +
find "$root/usr/bin" "$root/usr/lib" -type f | while read -r file; do
    if head -c 4 "$file" | grep -q ELF; then
        strip --remove-section=.comment --remove-section=.note "$file"
    elif [ "${file%.a}" != "$file" ]; then
        strip --strip-debug --enable-deterministic-archives "$file"
    fi
done

# What libraries it runs with, by the versions it was linked against.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/debian"
printf 'Source: raftd\n\nPackage: raftd\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && find "$root/usr/bin" "$root/usr/lib" -type f -exec sh -c 'head -c 4 "$1" | grep -q ELF' sh {} \; -print |
    LC_ALL=C sort | xargs dpkg-shlibdeps -O 2>/dev/null | sed -n 's/^shlibs:Depends=//p')

mkdir "$root/DEBIAN"
for script in postinst prerm postrm; do
    install -m 755 "$here/deb.$script" "$root/DEBIAN/$script"
done
echo /etc/default/raftd >"$root/DEBIAN/conffiles"
# Who is linked against a library needs this package, and the loader's cache has to be made anew.
for library in "$root"/usr/lib/lib*.so.*; do
    library=$(basename "$library")
    echo "${library%%.so.*} ${library##*.so.} raftd (>= $version)"
done >"$root/DEBIAN/shlibs"
echo "activate-noawait ldconfig" >"$root/DEBIAN/triggers"
cat >"$root/DEBIAN/control" <<END
Package: raftd
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -sk --apparent-size "$root/usr" "$root/etc" | awk '{ kilobytes += $1 } END { print kilobytes }')
Depends: $depends, adduser, init-system-helpers (>= 1.54~)
Conflicts: libraft-dev
Section: database
Priority: optional
Description: replicated state machine that is spoken to over HTTP
 A node of a Raft cluster: commands are proposed and state is queried with HTTP
 and JSON, on any node, by curl or a browser. Commands are on the disks of a
 majority before they are answered. Ships with the state machines hashmap (keys
 and values) and register.
 .
 With raftctl, a command line for clusters, and the libraries libraft (the
 consensus module by itself), libraftclient and libraftd (a whole node) for
 other programs, and their headers. (libraft-dev is another library of the same
 name.)
END
(cd "$root" && find usr etc -type f ! -path 'etc/default/raftd' | LC_ALL=C sort | xargs -d '\n' md5sum) >"$root/DEBIAN/md5sums"
chmod 644 "$root/DEBIAN/shlibs" "$root/DEBIAN/triggers" "$root/DEBIAN/control" "$root/DEBIAN/conffiles" "$root/DEBIAN/md5sums"
find "$root" -depth -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$output"
package=$output/raftd_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$package" >/dev/null
rm -rf "$root"
echo "$package"
