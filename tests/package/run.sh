#!/usr/bin/env bash
# The Debian package: built twice in two places it has the same bytes; manual page, completion and unit hold what the program says; and, where a
# container engine runs, it installs, starts, is watched, is started again and is purged under a systemd of its own.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
container=
finish() {
    [ -z "$container" ] || docker rm -f "$container" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT

checks=0
check() {
    checks=$((checks + 1))
    echo "ok $checks: $1"
}
fail() {
    echo "not ok: $1" >&2
    exit 1
}

# -- Built twice --
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y VERSION)
export SOURCE_DATE_EPOCH
for place in here somewhere/further/away; do
    mkdir -p "$work/$place"
    git ls-files -z | xargs -0 cp --parents --target-directory "$work/$place"
    make -C "$work/$place" deb >"$work/log" 2>&1 || { cat "$work/log"; fail "the package cannot be made"; }
done
package=$(cd "$work/here/build" && echo raftd_*.deb)
cmp "$work/here/build/$package" "$work/somewhere/further/away/build/$package" || fail "two builds differ"
check "two builds in two places are the same $(stat -c %s "$work/here/build/$package") bytes"

# -- What is in it --
root=$work/root
dpkg-deb -x "$work/here/build/$package" "$root"
raftd=$root/usr/bin/raftd
raftctl=$root/usr/bin/raftctl
for program in "$raftd" "$raftctl"; do
    ! grep -qa "$work" "$program" || fail "$program names the place where it was built"
done
check "the binary does not say where it was built"
for library in libraft libraftclient libraftd; do
    dpkg-deb -I "$work/here/build/$package" shlibs | grep -qx "$library 1 raftd (>= .*)" || fail "who is linked against $library does not get the package"
    [ -s "$root/usr/lib/$library.so" ] || fail "$library.so leads nowhere"
    ! grep -qa "$work" "$root/usr/lib/$library.a" || fail "$library.a names the place where it was built"
done
check "its libraries can be linked and run"

"$raftd" --help | grep -oE -- '--[a-z][a-z-]*' | sort -u >"$work/options"
[ "$(wc -l <"$work/options")" -ge 20 ] || fail "the options cannot be read from --help"
zcat "$root/usr/share/man/man8/raftd.8.gz" >"$work/raftd.8"
grep -oE -- '\\-\\-[a-z][a-z\\-]*' "$work/raftd.8" | tr -d '\134' | sed 's/-$//' | sort -u >"$work/manual"
diff "$work/options" "$work/manual" || fail "the manual has other options than the program"
check "the manual page has the program's options, all $(wc -l <"$work/options")"
"$raftctl" --help | sed -n 's/^  \(--[a-z][a-z-]*\).*/\1/p' | sort -u >"$work/ctl_options"
[ "$(wc -l <"$work/ctl_options")" -ge 20 ] || fail "the options of raftctl cannot be read from --help"
zcat "$root/usr/share/man/man1/raftctl.1.gz" >"$work/raftctl.1"
sed -n 's/^\.B \(\\-\\-[a-z].*\)/\1/p' "$work/raftctl.1" | tr -d '\134' | sed 's/ .*//' | grep -v '^--help$' | sort -u >"$work/ctl_manual"
diff <(grep -v '^--help$' "$work/ctl_options") "$work/ctl_manual" || fail "the manual of raftctl has other options than the program"
check "and that of raftctl its, all $(wc -l <"$work/ctl_options")"
if command -v groff >/dev/null; then
    for page in raftd.8 raftctl.1; do
        warnings=$(groff -man -ww -Tutf8 "$work/$page" 2>&1 >/dev/null)
        [ -z "$warnings" ] || fail "$page: $warnings"
    done
    check "groff has nothing against it"
fi

completed() { # WORD...: what the last one can become
    # shellcheck disable=SC2016
    PATH=$root/usr/bin:$PATH bash -c '
        . "$0/$1"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        "_$(basename "$1")"
        printf "%s\n" "${COMPREPLY[@]}"' "$root/usr/share/bash-completion/completions" "$@"
}
[ "$(completed raftd --data)" = --data-dir ] || fail "--data is not completed: $(completed raftd --data)"
[ "$(completed raftd hea)" = health ] || fail "hea is not completed"
[ "$(completed raftd --log-format j)" = json ] || fail "the value of --log-format is not completed"
[ "$(completed raftd -- | sort -u)" = "$(cat "$work/options")" ] || fail "completion has other options than the program"
check "completion knows the options, their values and what raftd can be asked"
[ "$(completed raftctl st)" = status ] || fail "st is not completed"
[ "$(completed raftctl -- | sort -u)" = "$(cat "$work/ctl_options")" ] || fail "completion of raftctl has other options than the program"
[ "$(completed raftctl watch --c)" = --count ] || fail "an option of watch is not completed"
[ -z "$(completed raftctl status --c)" ] || fail "status is offered an option of another command"
[ "$(completed raftctl --output json members pro)" = promote ] || fail "members pro is not completed"
[ "$(completed raftctl snapshot s)" = save ] || fail "snapshot s is not completed"
for what in save restore; do
    [ "$(completed raftctl snapshot $what "$work/opti")" = "$work/options" ] || fail "the file of snapshot $what is not completed"
done
[ "$(completed raftctl query --consistency le)" = lease ] || fail "the value of --consistency is not completed"
check "that of raftctl knows its commands, and the options of each"

if command -v systemd-analyze >/dev/null; then
    sed "s|/usr/bin/raftd|$raftd|; /^Documentation=/d" "$root/usr/lib/systemd/system/raftd.service" >"$work/raftd.service"
    said=$(systemd-analyze verify "$work/raftd.service" 2>&1) || fail "the unit: $said"
    [ -z "$said" ] || fail "the unit: $said"
    systemd-analyze security --offline=yes --threshold=20 "$work/raftd.service" >/dev/null || fail "the unit is more exposed than 2.0"
    check "systemd finds nothing wrong with the unit, and an exposure of at most 2.0"
fi

# -- Under systemd --
skip() {
    echo "under systemd: skipped, $1"
    exit 0
}
command -v docker >/dev/null || skip "there is no docker command"
timeout 10 docker info >/dev/null 2>&1 || skip "no container engine runs"
docker image inspect debian:bookworm-slim >/dev/null 2>&1 || timeout 120 docker pull -q debian:bookworm-slim >/dev/null 2>&1 ||
    skip "the image debian:bookworm-slim cannot be had"
mkdir "$work/image"
cat >"$work/image/Dockerfile" <<'END'
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends systemd systemd-sysv curl procps
CMD ["/sbin/init"]
END
image=$(docker build -q "$work/image") || fail "no image with systemd can be made"
cp "$work/here/build/$package" "$work/raftd.deb"
container=$(docker run -d --cap-add SYS_ADMIN --security-opt seccomp=unconfined --tmpfs /run --tmpfs /tmp --cgroupns host \
    -v /sys/fs/cgroup:/sys/fs/cgroup:rw -v "$work/raftd.deb:/raftd.deb:ro" "$image")
within() {
    docker exec "$container" "$@"
}
until_true() { # SECONDS WHAT COMMAND...
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $end ]; then
            within journalctl --no-pager -n 30 >&2 || true
            fail "$what"
        fi
        sleep 0.2
    done
    check "$what"
}
runs() {
    [ "$(within systemctl is-system-running)" = running ]
}
for _ in $(seq 50); do
    runs 2>/dev/null && break
    sleep 0.2
done
runs 2>/dev/null || skip "systemd does not run in a container here"

shown() {
    within systemctl show raftd --property "$1" --value
}
wrote() {
    within curl -sf -m 5 -d '{"op":"put","key":"a","value":1}' http://127.0.0.1:8001/v1/propose
}
reads() {
    [ "$(within curl -sf -m 5 -d '{"op":"get","key":"a"}' http://127.0.0.1:8001/v1/query | grep -c '"value":1}')" = 1 ]
}
leads() {
    [[ "$(shown StatusText)" == "node 1 leads in term "* ]]
}
other_than() {
    local now
    now=$(shown MainPID)
    [ "$now" != 0 ] && [ "$now" != "$1" ]
}
within apt-get install -y /raftd.deb >"$work/log" 2>&1 || { cat "$work/log"; fail "it cannot be installed"; }
[ "$(shown ActiveState)" = active ] || fail "it is not started by its installation"
check "installed, it is started"
until_true 10 "systemctl status says what it does" leads
until_true 10 "it takes a write" wrote
[ "$(within stat -c '%U %a' /var/lib/raftd)" = "raftd 700" ] || fail "its data is not its own"
check "its data is its own user's alone"
process=$(shown MainPID)
within kill -9 "$process"
until_true 20 "killed, it is started again" other_than "$process"
until_true 10 "and has what it had" reads
within mkdir -p /run/systemd/system/raftd.service.d
within sh -c 'printf "[Service]\nWatchdogSec=2s\n" >/run/systemd/system/raftd.service.d/watchdog.conf; systemctl daemon-reload; systemctl restart raftd'
process=$(shown MainPID)
[ "$(shown Result)" = success ] || fail "it did not end cleanly"
within kill -STOP "$process"
until_true 60 "frozen, the watchdog has it started again" other_than "$process"
until_true 10 "and has what it had" reads
within apt-get purge -y raftd >"$work/log" 2>&1 || { cat "$work/log"; fail "it cannot be purged"; }
left=$(within sh -c 'find / -xdev -name "*raftd*" ! -path "/proc/*" ! -path /raftd.deb; getent passwd raftd || true; pgrep -x raftd || true')
left=$(grep -v '^/run/systemd' <<<"$left" || true)
[ -z "$left" ] || fail "purged, it leaves $left"
check "purged, it leaves nothing"
