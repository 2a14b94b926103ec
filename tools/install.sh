#!/bin/sh
# Installs what is missing on a bare Debian 12, as root or with sudo: install.sh build | test
# Asks the package manager only about what is not there, so that a second run costs nothing.
set -eu
missing=
want() { # want PACKAGE: unless it is installed
    dpkg -s "$1" >/dev/null 2>&1 || missing="$missing $1"
}
want_command() { # want_command COMMAND PACKAGE: for what may have come from elsewhere
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
want_command cc gcc
want libc6-dev
want_command pkg-config pkg-config
want_command meson meson
want_command ninja ninja-build
want_command python3 python3
want_command node nodejs
want_command npm npm
want libfyaml-dev
want libxxhash-dev
want zlib1g-dev
want libzstd-dev
want liblz4-dev
want libpq-dev
want libsqlite3-dev
want libmariadb-dev
want libmicrohttpd-dev
want libhiredis-dev
if [ "${1:-build}" = test ]; then
    want postgresql
    want postgresql-contrib
    want postgresql-15-plproxy
    want pgbouncer
    want redis-server
    want acl
    want attr
    want zstd
    want_command c++ g++
    want libjpeg-turbo-progs
    want xfsprogs
    want rsync
    want rclone
    want fpart
    want mariadb-server
    want mydumper
    want pgcopydb
    want sqlite3
    want_command chromium chromium
    want_command clang clang
    want libclang-rt-14-dev
fi
[ -n "$missing" ] || exit 0
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086  # the list is meant to be split
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
