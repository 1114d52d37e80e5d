#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# Reloads and polls at the same time, on a host with many mirrored interfaces and a pin that cannot be read.
# RELOADS sets their number (10).

load l3afd

interfaces=29 # beside eth0
reloads=${RELOADS:-10}

# Mirrored without l3afd, which would take a minute for them.
mirror_more() {
	local i
	for ((i = 1; i <= interfaces; i++)); do
		on host ip link add "more$i" up type veth peer name "peer$i"
		on host tc_root start --iface="more$i" --quiet
		on host mirroring start --iface="more$i" --direction=ingress --map-name="${pins%eth0}more$i/tc_ingress_root_array" \
			--rules=mirror --tunnel-type=vxlan --tunnel-id="$i" --tunnel-remote-address="$LAB_COLLECTOR4" --quiet
	done
}

# A map of another size in the place of one of ours, at an interface that l3afd does not manage.
break_pin() {
	on host ip link add broken up type veth
	on host mkdir -p /sys/fs/bpf/tc/globals/broken
	on host bpftool map create /sys/fs/bpf/tc/globals/broken/mirroring_ingress_config type array key 4 value 4 entries 1 name config
}

# polls N: what N polls print, as l3afd calls them, one a line. By another name: l3afd kills what is called like cmd_start.
polls() {
	local i
	for ((i = 0; i < $1; i++)); do
		on host "$LAB/poll" "--cmd =status" "--iface =eth0" "--direction =ingress" 2>&1 | tr '\n' ' '
		echo
	done
}

running() {
	[[ $(on host curl --silent --fail http://localhost:8898/metrics |
		grep -c '^l3afd_BPFRunning{.*ebpf_program="traffic-mirroring".*} 1') == 2 ]]
}

# How often l3afd itself took a program for unloaded that it was reloading, and loaded it twice: it does so when its
# monitor runs between the moment when it forgets the program's ID and the load of the next one, whatever the poll says.
races() {
	grep -c 'BPF program is not loaded' "$LAB/l3afd.log" || true
}

mirrored() {
	wait_until 5 chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> end" && wait_until 5 copied_more_than ingress 0
}

# As docs/l3afd.md says.
repair() {
	remove traffic-mirroring
	deploy collectors.json
	mirrored
}

@test "30 interfaces, a broken pin, reloads and polls at once: every reply 200, every poll RUNNING, no chain broken" {
	local i poller before=0 now=0 clean=0
	ln -s "$(command -v mirroring)" "$LAB/poll"
	mirror_more
	break_pin
	traffic
	l3afd_start
	deploy collectors.json || repair
	for ((i = 1; i <= reloads; i++)); do
		# a race may have begun during the reload before
		before=$now now=$(races)
		polls 5 >"$LAB/polls" &
		poller=$!
		if deploy collectors.json 'mirrors.start_args["tunnel-id"] = "'$i'"' && mirrored && wait "$poller" &&
			[[ $(sort -u "$LAB/polls") == RUNNING ]]; then
			clean=$((clean + 1))
			continue
		fi
		cat "$LAB/polls"
		[[ $(races) != "$before" ]]
		repair
	done
	echo "# $clean of $reloads reloads without a race of l3afd's own" >&3
	wait_until 20 running
	((clean < reloads)) || [[ $(grep -c 'not running error' "$LAB/l3afd.log") == 0 ]]
	traffic_end
}
