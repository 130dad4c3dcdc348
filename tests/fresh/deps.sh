#!/bin/sh
# Installs the Debian packages that are missing: `deps.sh build` (build, run, test) or `deps.sh dev` (lint, fuzz, fresh).
set -eu
build="gcc libc6-dev make pkg-config libdnnl-dev libhdf5-dev libsqlite3-dev libgsl-dev libfftw3-dev zlib1g-dev libzip-dev libyaml-dev
libcjson-dev libmatio-dev libpng-dev libturbojpeg0-dev libssl-dev libcmocka-dev gnuplot-nox fonts-dejavu-core sqlite3"
# clang's runtime bears the number of Debian's clang: 14 in Debian 12, 19 in Debian 13
debian=$(sed -n 's/^VERSION_ID="\{0,1\}\([0-9]*\).*/\1/p' /etc/os-release)
case $debian in 12) clang=14 ;; *) clang=19 ;; esac
dev="clang clang-format libclang-rt-$clang-dev libomp-dev shellcheck valgrind debootstrap"
case ${1:-build} in
build) want=$build ;;
dev) want=$dev ;;
*) echo "usage: deps.sh build|dev" >&2; exit 2 ;;
esac
missing=
for p in $want; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q ' installed$' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
sudo=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "these packages are missing, and there is no sudo to install them:$missing" >&2; exit 1; }
    sudo=sudo
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086  # the list is words
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
