#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# docs/quickstart.md: its commands work as written, and every line of output that it shows appears; numbers may
# differ, and counts of what happens to pass.

load ../lab

document=$BATS_TEST_DIRNAME/../../docs/quickstart.md

# The console text below this heading, up to the next heading of the same level.
console() {
	awk -v heading="## $1" '/^## / { here = $0 == heading } /^```/ { inside = !inside; next } here && inside' "$document"
}

without_numbers() {
	sed 's/[0-9]\+/N/g; s/ \+/ /g'
}

@test "the steps of the quickstart" {
	requires_root
	requires_command ip tcpdump
	requires_device vxlan id 1 dstport 4789
	local steps line
	steps=$(console "Step by step" | awk '/^# / || more { more = /\\$/; print }' | sed 's/^# //' |
		grep -vE '^(make|unshare .*|exit)$')
	# the collector gets a moment to open its socket
	run timeout 60 unshare --net --mount bash -c "cd '$BATS_TEST_DIRNAME/../..'; ${steps//&$'\n'/& sleep 1$'\n'}" 3>&-
	echo "$output"
	output=$(without_numbers <<<"$output")
	while read -r line; do
		grep -qxF -- "$line" <(sed 's/^ //' <<<"$output") || { echo "missing: $line"; return 1; }
	done < <(console "Step by step" | grep -vE '^(# |      --)|disabled|no_match|asleep' | without_numbers | sed 's/^ //')
}
