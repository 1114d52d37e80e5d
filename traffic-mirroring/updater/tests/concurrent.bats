#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# l3afd starts `start` and `update` at the same moment. Whichever is first, and however many: the result is that of
# start, then update.

load ../../tests/mirroring

setup() {
	mirroring_lab
	on host ip link add first type veth peer name second
	on host ip link set first up
	on host ip link set second up
}

start=(--tunnel-interface-name=first --tunnel-remote-address=198.51.100.9 --tunnel-remote-port=6080 --rules="mirror proto tcp")
update=(--rules="skip src 192.0.2.77; mirror proto icmp" --tunnel-remote-port=7000)

# at_once WORD…: ten of each command at the same moment, in the order of the words; all have to succeed.
at_once() {
	local word jobs=() job i
	for word; do
		for ((i = 0; i < 10; i++)); do
			case $word in
			start) on host mirroring start --iface=eth0 --direction=ingress "${load[@]}" "${start[@]}" & ;;
			update) on host mirroring update --iface=eth0 --direction=ingress "${update[@]}" & ;;
			esac
			jobs+=($!)
		done
	done 3>&-
	for job in "${jobs[@]}"; do
		wait "$job"
	done
}

# The configuration in force, as it is in the maps, but not since when a rule counts: options, filters, addresses.
in_force() {
	mirror 0 show
	printf '%s\n' "$output"
	report .delivery
	local bank
	bank=$(on host bpftool -j map lookup pinned "$pins/mirroring_ingress_config" key 0 0 0 0 | jq .formatted.value.bank)
	on host bpftool -j map lookup pinned "$pins/mirroring_ingress_options" key "$bank" 0 0 0 | jq -c .formatted.value
	on host bpftool -j map lookup pinned "$pins/mirroring_ingress_filters" key $((bank * 64 + 1)) 0 0 0 |
		jq -c '.formatted.value | del(.since_ns, .base_packets, .base_bytes)'
	on host bpftool -j map dump pinned "$pins/mirroring_ingress_outers" | jq -c "[.[].formatted | select(.value.bank[$bank] != 0).key]"
}

same_in_any_order() {
	at_once start update
	in_force >"$LAB/start-first"
	grep -q '^mirror proto icmp$' "$LAB/start-first"
	grep -q '"tunnel-remote-port": "7000"' "$LAB/start-first"
	grep -q '"name":"first"' "$LAB/start-first"
	[[ $(chain) == "tc_ingress_root -> _ingress_redirect -> end" ]]
	pings 3
	[[ $(report .counters.device) == 3 ]]

	mirror 0 stop
	at_once update start
	in_force >"$LAB/update-first"
	expect 0 diff "$LAB/start-first" "$LAB/update-first"

	mirror 0 stop
	mirror 0 start "${load[@]}" "${start[@]}"
	mirror 0 update "${update[@]}"
	in_force >"$LAB/one-by-one"
	expect 0 diff "$LAB/one-by-one" "$LAB/start-first"
}

@test "ten starts and ten updates at once, loaded by l3afd" {
	load=()
	load_like_l3afd
	same_in_any_order
}

@test "ten starts and ten updates at once, where start loads" {
	load=(--map-name="$pins/tc_ingress_root_array")
	same_in_any_order
}

@test "starts, updates and stops of both directions at once leave the chain whole" {
	stub
	local i jobs=() job
	for ((i = 0; i < 5; i++)); do
		for direction in ingress egress; do
			on host mirroring start --iface=eth0 --direction=$direction --map-name="$pins/tc_${direction}_root_array" \
				"${start[@]}" &
			jobs+=($!)
			on host mirroring stop --iface=eth0 --direction=$direction &
			jobs+=($!)
		done
	done 3>&-
	for job in "${jobs[@]}"; do
		wait "$job"
	done
	for direction in ingress egress; do
		mirror 0 start --map-name="$pins/tc_${direction}_root_array" "${start[@]}"
		shows "mirror proto tcp"
		[[ $(chain) == "tc_${direction}_root -> _${direction}_redirect -> end" ]]
		mirror 0 stop
		[[ $(chain) == "tc_${direction}_root -> end" ]]
	done
	expect 0 on host find /sys/fs/bpf -name '*mirroring*'
	[[ ! $output ]]
}
