#!/usr/bin/env bash
# Proves the two commands on a machine that has nothing: a bare Debian (12 or 13) with make, git and ca-certificates, made by
# debootstrap in a chroot from the host's own apt mirror; a clean clone of the current commit; `make demo` and `make test`.
#   tests/fresh/run.sh 12 [DIR]      DIR (default build/fresh-12) is removed and made anew; needs root and debootstrap
# ../shared, where it is present, is bind-mounted read-only beside the clone.
set -euo pipefail
version=${1:?usage: tests/fresh/run.sh 12|13 [DIR]}
case $version in 12) suite=bookworm ;; 13) suite=trixie ;; *) echo "Debian 12 or 13" >&2; exit 2 ;; esac
top=$(git rev-parse --show-toplevel)
dir=${2:-$top/build/fresh-$version}
[ "$(id -u)" = 0 ] || { echo "needs root (debootstrap, chroot)" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "debootstrap is missing: make deps-dev" >&2; exit 1; }
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 '/debian/*$')
mirror=${mirror%/}
security=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 'debian-security' || true)
leave() {
    for m in "$dir/src/shared" "$dir/proc" "$dir/dev"; do mountpoint -q "$m" && umount -l "$m"; done
    true
}
trap leave EXIT
leave
rm -rf --one-file-system "$dir"
mkdir -p "$dir"
echo "== debootstrap $suite"
debootstrap --variant=minbase "$suite" "$dir" "$mirror" >"$dir.log" 2>&1 || { tail -5 "$dir.log"; exit 1; }
# the way out: the host's own resolver, proxy and certificates
cp /etc/resolv.conf "$dir/etc/resolv.conf"
cp -r /etc/apt/apt.conf.d/. "$dir/etc/apt/apt.conf.d/" 2>/dev/null || true
rm -f "$dir"/etc/apt/apt.conf.d/*docker-clean
[ -d /usr/local/share/ca-certificates ] && mkdir -p "$dir/usr/local/share" && cp -r /usr/local/share/ca-certificates "$dir/usr/local/share/"
[ -n "$security" ] && echo "deb $security $suite-security main" >>"$dir/etc/apt/sources.list"
mount -t proc proc "$dir/proc"
mount --rbind /dev "$dir/dev" && mount --make-rslave "$dir/dev"
inside() { chroot "$dir" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8 \
    http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" "$@"; }
inside apt-get update -qq
inside apt-get install -y -qq --no-install-recommends make git ca-certificates >/dev/null
git clone -q "$top" "$dir/src/limn"
if [ -d "$top/../shared" ]; then
    mkdir -p "$dir/src/shared"
    mount --bind "$(cd "$top/../shared" && pwd)" "$dir/src/shared"
    mount -o remount,bind,ro "$dir/src/shared"
fi
for target in demo test; do
    echo "== make $target in a bare Debian $version"
    inside sh -c "cd /src/limn && make $target" | tee "$dir.$target.log" | tail -40
    tail -1 "$dir.$target.log" | grep -q . || exit 1
done
tail -1 "$dir.test.log" | grep -qE '^[1-9][0-9]* passed, 0 failed, [0-9]+ skipped$'
echo "Debian $version: make demo and make test: ok"
