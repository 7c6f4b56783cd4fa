#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Session Bridge authors
# SPDX-License-Identifier: Apache-2.0

# Installs from Debian what the tests need and this machine lacks, or what make
# bench needs if it is called with "bench". Elsewhere it says what is missing and
# lets them go on.
set -euo pipefail

# One line per package: its name, and a command that succeeds if it is there.
needs() {
	if [ "${1:-}" = bench ]; then
		echo 'wrk command -v wrk'                    # loads a server over HTTP/1.1
		echo 'redis-server command -v redis-server'  # keeps the sessions of some rows
		return
	fi
	cat <<'NEEDS'
gcc        command -v "${CC:-gcc}"             # links the race detector
libc6-dev  test -e /usr/include/stdlib.h       # with the C library
libssl3    compgen -G '/usr/lib*/libssl.so.3' || compgen -G '/usr/lib/*/libssl.so.3'  # https of the .NET peer
nginx      command -v nginx || test -x /usr/sbin/nginx  # a proxy that buffers requests
haproxy    command -v haproxy || test -x /usr/sbin/haproxy  # before nodes that restart
chromium   command -v chromium                 # the demo's pages
curl       command -v curl                     # the walk-through of docs/first-page.md
redis-server  command -v redis-server          # what package redisstore keeps sessions in
NEEDS
}

missing=()
while read -r package check; do
	if ! eval "$check" >/dev/null 2>&1; then
		missing+=("$package")
	fi
done < <(needs "$@")

if [ ${#missing[@]} -eq 0 ]; then
	exit 0
fi
if ! command -v apt-get >/dev/null; then
	echo "NOT DEBIAN: this needs what Debian calls: ${missing[*]}; going on without" >&2
	exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	as_root=(sudo)
fi
echo "installing: ${missing[*]}"
"${as_root[@]}" apt-get update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
