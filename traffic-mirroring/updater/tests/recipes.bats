#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# docs/map-abi.md: the tables in it are true, and its recipes work as they are written there.

load ../../tests/mirroring

document=$BATS_TEST_DIRNAME/../../../docs/map-abi.md

# Mirrors, with the real program or, after `stub`, with its maps alone.
mirroring_runs() {
	mirror_start --rules="mirror proto tcp dst-port 80; mirror proto icmp"
	# the other bank holds the same
	mirror 0 update --tunnel-interface-name=vxlan0
}

# recipe TITLE: the preamble and this paragraph of the document's code.
recipe() {
	local preamble code
	preamble=$(paragraph Preamble)
	code=$(paragraph "$1")
	[[ $code ]] || { echo "no recipe '$1'"; return 1; }
	expect 0 on host bash -euc "$preamble"$'\n'"$code"
}

paragraph() {
	awk -v title="# $1" -v RS= '{ gsub(/(^|\n)```(sh\n)?/, "") } index($0, title) == 1' "$document"
}

# The rows of the table whose first column is called so: columns by one blank, without back quotes.
rows() {
	awk -v head="| $1 |" 'index($0, head) == 1 { here = 1; next } !/^\|/ { here = 0 } here && !/^\|-/' "$document" |
		tr -d '`' | sed 's/^| //; s/ *| */ /g'
}

@test "every map is in the document, with its type and sizes" {
	stub
	mirroring_runs
	local name type key value entries
	while read -r name type key value entries _; do
		expect 0 on host bpftool -j map show pinned "$pins/mirroring_ingress_$name"
		[[ $(jq -r '"\(.type) \(.bytes_key) \(.bytes_value) \(.max_entries)"' <<<"$output") == "$type $key $value $entries" ]]
	done < <(rows name)
	diff <(rows name | cut -d' ' -f1 | sort) \
		<(on host ls "$pins" | sed -n 's/^mirroring_ingress_//p' | grep -v '^chained_behind$' | sort)
}

@test "every map of the host is in the document, with its type and sizes, and has BTF where it can" {
	stub
	mirroring_runs
	mirror 0 update --rules="mirror domain example.com to gue:$LAB_COLLECTOR4" --failover=on
	local name type key value entries
	while read -r name type key value entries _; do
		expect 0 on host bpftool -j map show pinned "/sys/fs/bpf/mirroring-3/$name"
		[[ $(jq -r '"\(.type) \(.bytes_key) \(.bytes_value) \(.max_entries)"' <<<"$output") == "$type $key $value $entries" ]]
		[[ $name =~ ^(state|accepts)$ || $(jq .btf_id <<<"$output") != null ]]
	done < <(rows "host's map")
	diff <(rows "host's map" | cut -d' ' -f1 | sort) \
		<(on host ls /sys/fs/bpf/mirroring-3 | grep -vE '^(near|spill)_[0-9]+$|^(sender|flows)$' | sort)
	recipe "See the settings of the host"
	[[ $(jq -c '.[0].value | [.ring_memory, .failover, .nice]' <<<"$output") == "[67108864,1,5]" ]]
}

@test "every outcome is in the document, in the order of the keys" {
	stub
	mirroring_runs
	diff <(rows key | cut -d' ' -f2) \
		<(on host mirroring metrics | sed -n 's/^mirroring_packets_total{.*outcome="\(.*\)".*/\1/p')
	diff <(rows key | cut -d' ' -f1) <(seq "$(rows key | wc -l)")
}

@test "every field is in the document, at its place" {
	stub
	mirroring_runs
	local map
	for map in config banks filters; do
		diff <(rows "value of" | awk -v map="$map" '$1 == map { sub(/\[.*/, "", $3); print $3 }') \
			<(on host bpftool -j map lookup pinned "$pins/mirroring_ingress_$map" key 0 0 0 0 |
				jq -r '.formatted.value | keys_unsorted[]')
	done
}

@test "which bank is active" {
	stub
	mirroring_runs
	recipe "See which bank is active"
	[[ $(jq '.[0].value.bank' <<<"$output") == 0 ]]
	mirror 0 update
	recipe "See which bank is active"
	[[ $(jq '.[0].value.bank' <<<"$output") == 1 ]]
}

@test "off and on, with a commit in between" {
	mirroring_runs
	recipe "Switch mirroring off"
	pings 3
	[[ $(report '"\(.off) \(.counters.device)"') == "true 0" ]]
	mirror 0 status
	[[ $output == *"eth0 ingress: off"*"PROBLEM    switched off in the config map"* ]]
	expect 0 on host mirroring metrics
	[[ $output == *'mirroring_on{iface="eth0",direction="ingress"} 0'* ]]
	mirror 0 update --rules="mirror proto icmp"
	pings 3
	[[ $(report '"\(.off) \(.counters.device)"') == "true 0" ]]
	recipe "Switch mirroring on"
	pings 3
	[[ $(report '"\(.off) \(.counters.device)"') == "false 3" ]]
	shows "mirror proto icmp"
}

@test "another device, in either bank" {
	mirroring_runs
	mirror 0 update --rules="mirror proto icmp; mirror proto tcp"
	recipe "Change the mirror port"
	shows "mirror proto icmp to eth1" "mirror proto tcp"
	capture wire collector eth0 icmp
	capture copies collector vxlan0 icmp
	pings 3
	capture_end wire
	capture_end copies
	[[ $(captured wire) == 3 && $(captured copies) == 0 ]]
	mirror 0 update --rules="mirror proto icmp; mirror proto tcp"
	recipe "Change the mirror port"
	shows "mirror proto icmp to eth1" "mirror proto tcp"
	# the updater takes the edit over
	mirror 0 update --tunnel-interface-name=vxlan0
	shows "mirror proto icmp to eth1" "mirror proto tcp"
}

@test "another port, in either bank" {
	mirroring_runs
	recipe "Add a port to a filter"
	shows "mirror proto tcp dst-port 80,8443" "mirror proto icmp"
	on client bash -c "echo >/dev/tcp/$LAB_HOST4/8443" || true
	on client bash -c "echo >/dev/tcp/$LAB_HOST4/8444" || true
	[[ $(report '.filters[0].packets') == 1 ]]
	mirror 0 update --rules="mirror proto tcp dst-port 81"
	recipe "Add a port to a filter"
	shows "mirror proto tcp dst-port 81,8443"
	mirror 0 rollback
	shows "mirror proto tcp dst-port 80,8443" "mirror proto icmp"
}

@test "counters, with what is pending" {
	mirroring_runs
	pings 70
	recipe "Read the counters"
	[[ $(jq '.[8]' <<<"$output") == 70 ]]
	[[ $(jq length <<<"$output") == $(($(rows key | wc -l) + 1)) ]]
	[[ $(on host bpftool -j map lookup pinned "$pins/mirroring_ingress_counters" key 8 0 0 0 | jq .formatted.value) -lt 70 ]]
	recipe "Read the packets of each filter"
	[[ $output == "[0,70]" ]]
}

@test "the next program" {
	stub
	mirroring_runs
	recipe "See the next program of the chain"
	[[ $output == "[]" ]]
	load_flow_log a
	set_next "$pins/mirroring_ingress_jmp_table" "$flow_logs/a/program"
	recipe "See the next program of the chain"
	[[ $(jq '.[0].value' <<<"$output") == $(on host bpftool -j prog show pinned "$flow_logs/a/program" | jq .id) ]]
}

@test "a recipe waits for a writer, and a writer for a recipe" {
	stub
	mirroring_runs
	spawn host holder flock "$pins" sleep 1
	wait_until 5 on host bash -c "! flock --nonblock '$pins' true"
	recipe "Switch mirroring off"
	expect 1 kill -0 "$!"
	mirror 0 update
}
