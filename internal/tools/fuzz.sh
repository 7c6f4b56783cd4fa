#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Session Bridge authors
# SPDX-License-Identifier: Apache-2.0

# Runs each fuzz target for FUZZTIME (default 5s). What it finds is written to
# the package's testdata/fuzz: commit that with the repair.
set -euo pipefail
cd "$(dirname "$0")/../.."

# fuzz runs the target $2 of the package $1. At the end of its time Go 1.26 may
# fail with nothing but "context deadline exceeded" (go.dev/issue/75804): that
# is no finding.
fuzz() {
	local output status=0
	output=$(go test -run='^$' -fuzz="^$2\$" -fuzztime="${FUZZTIME:-5s}" "$1" 2>&1) || status=$?
	echo "$output"
	if [ $status -ne 0 ] && grep -q '^ *context deadline exceeded$' <<<"$output" &&
		! grep -qE 'Failing input|panic:|_test\.go:' <<<"$output"; then
		echo "ran out of time, found nothing (go.dev/issue/75804)"
		return 0
	fi
	return $status
}

failed=()
while IFS=: read -r file declaration; do
	target=${declaration#func }
	echo "== $target in $(dirname "$file")"
	fuzz "$(dirname "$file")" "$target" || failed+=("$target")
done < <(grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort)

if [ ${#failed[@]} -gt 0 ]; then
	echo "FAILED: ${failed[*]}" >&2
	exit 1
fi
