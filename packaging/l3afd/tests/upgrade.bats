#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# From the package of 6076bbd (1.0.0, layout 1) to this one and back by l3afd, under traffic, as docs/upgrade.md says.

load l3afd

old=1.0.0

# The root programs are the old package's all the time: they stay where they are.
setup_file() {
	local built
	[[ ${L3AFD:-} ]] || return 0
	l3afd_repository
	built=$("$l3afd_root/ci/old-package" 6076bbd)
	[[ $built ]] || skip "commit 6076bbd is not in this history"
	l3afd_package tc-root latest "$built"/tc-root/*
	l3afd_package traffic-mirroring $old "$built"/traffic-mirroring/mirror*
}

# The senders that run, by their programs.
senders() {
	local pid
	for pid in $(pgrep --exact mirror-sender); do
		readlink "/proc/$pid/exe"
	done
}

# One sender runs, of this version.
sender_is() {
	[[ $(senders) == "$LAB/run/bpf/traffic-mirroring/$1/l3af_traffic_mirroring/mirror-sender" ]]
}

copies_come() {
	expect 0 on collector timeout 8 tcpdump -n -c 3 -i vxlan0 "icmp[icmptype] == $1"
}

# mirror_with VERSION
mirror_with() {
	deploy collectors.json "mirrors.version = \"$1\""
	chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> end"
	wait_until 10 sender_is "$1"
	copies_come icmp-echo
	copies_come icmp-echoreply
}

# change_to VERSION
change_to() {
	remove traffic-mirroring
	mirror_with "$1"
}

@test "upgrade and back: no packet of production is lost, and copies come from the one sender of that version" {
	local new
	new=$(jq -r .version "$l3afd_root/manifest.json")
	traffic
	l3afd_start
	mirror_with $old
	change_to "$new"
	on host test ! -e /sys/fs/bpf/mirroring
	change_to $old
	on host test ! -e /sys/fs/bpf/mirroring-3
	traffic_end
}
