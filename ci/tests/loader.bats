#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The contract with l3afd, without l3afd: the shipped objects loaded by the Go library that it uses, in the versions that
# it uses; attached, chained, given packets; the loader killed and started again.

load ../lab

root=$(readlink -f "$BATS_TEST_DIRNAME/../..")
export PATH=$root/build/tc-root:$root/build/traffic-mirroring:/usr/local/go/bin:$PATH

setup() {
	requires_root
	requires_command bpftool go jq ping tc
	lab_begin
	lab_host client host
	lab_wire client eth0 host eth0
	lab_addresses client eth0 "$LAB_CLIENT4" "$LAB_CLIENT6"
	lab_addresses host eth0 "$LAB_HOST4" "$LAB_HOST6"
	on host ip link add copies0 type veth peer name copies1
	on host ip link set copies0 up
	on host ip link set copies1 up
}

# build_loader MOD-FILE: $LAB/loader with the library's version that the file names.
build_loader() {
	local needed has
	needed=$(sed -n 's/^go //p' "$root/ci/loader/$1") has=$(go env GOVERSION)
	[[ $(printf '%s\n' "$needed" "${has#go}" | sort -V | head -n 1) == "$needed" ]] || skip "needs Go $needed, here is ${has#go}"
	(cd "$root/ci/loader" && expect 0 timeout 120 go build -modfile="$1" -o "$LAB/loader" .)
}

older() {
	[[ $(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1) != "$1" ]]
}

# load_object PACKAGE OBJECT ENTRY OPTION…: as l3afd; its process is $loader. The layout is that of $versions.
load_object() {
	local package=$1 object=$2 entry=$3 layout=eth0
	((!versions)) || layout=eth0/$package/1_2_3
	spawn host "$entry" "$LAB/loader" -object "$root/build/$package/$object.bpf.o" -entry "$entry" \
		-maps "/sys/fs/bpf/tc/globals/$layout" -pin "/sys/fs/bpf/progs/$layout/${entry}_tc" "${@:4}"
	loaders+=("$pid")
	wait_until 10 grep -q '^loaded$' "$LAB/$entry.log" || { cat "$LAB/$entry.log"; return 1; }
}

# Both packages in both directions.
load_all() {
	local direction root_pins=/sys/fs/bpf/tc/globals/eth0 tcx
	((!versions)) || root_pins+=/tc-root/1_2_3
	loaders=()
	for direction in ingress egress; do
		tcx=()
		((!versions)) || tcx=(-tcx eth0 -link "/sys/fs/bpf/links/eth0/tc-root/1_2_3/$direction")
		((!versions)) || [[ $direction == ingress ]] || tcx+=(-egress)
		load_object tc-root tc_root_$direction tc_${direction}_root "${tcx[@]}"
		((versions)) || on host tc filter replace dev eth0 $direction handle 1 prio 1 protocol all bpf direct-action \
			object-pinned "/sys/fs/bpf/progs/eth0/tc_${direction}_root_tc"
		load_object traffic-mirroring mirroring_$direction _${direction}_redirect \
			-behind "$root_pins/tc_${direction}_root_array"
	done
}

chains_are() {
	expect 0 on host tc_root status --iface eth0
	[[ $(sed 's/ ([^)]*)//g' <<<"$output") == "eth0 ingress: tc_ingress_root -> _ingress_redirect -> end"$'\n'"eth0 egress: \
tc_egress_root -> _egress_redirect -> end" ]]
}

# Every map of each pinned program is pinned, under its name.
maps_are_pinned() {
	local pin map pinned
	pinned=" $(on host find /sys/fs/bpf/tc -type f -exec bpftool -j map show pinned {} \; | jq -s -r 'map(.id) | join(" ")') "
	on host find /sys/fs/bpf/progs -type f | sort >"$LAB/programs"
	[[ $(wc -l <"$LAB/programs") == 4 ]]
	while read -r pin; do
		for map in $(on host bpftool -j prog show pinned "$pin" | jq '.map_ids[]'); do
			[[ $pinned == *" $map "* ]] || { echo "$pin: map $map is not pinned"; return 1; }
		done
	done <"$LAB/programs"
}

copied() {
	on host mirroring status --json | jq -r 'map("\(.direction) \(.counters.device)") | join(" ")'
}

pings() {
	expect 0 on client ping -q -i 0.01 -c "$1" -W 1 "$LAB_HOST4" && [[ $output == *" 0% packet loss"* ]]
}

contract() {
	local before
	((versions)) || on host tc qdisc add dev eth0 clsact
	load_all
	chains_are
	maps_are_pinned
	for direction in ingress egress; do
		expect 0 on host mirroring start --iface=eth0 --direction=$direction --tunnel-interface-name=copies0 \
			--rules="mirror proto icmp" "${version[@]}"
	done
	pings 5
	[[ $(copied) == "egress 5 ingress 5" || $(copied) == "ingress 5 egress 5" ]]

	before=$(cat "$LAB/programs")
	kill -KILL "${loaders[@]}"
	wait "${loaders[@]}" 2>/dev/null || true # killed
	pings 5
	load_all
	chains_are
	maps_are_pinned
	[[ $(cat "$LAB/programs") == "$before" ]]
	pings 5
	[[ $(copied) == "egress 15 ingress 15" || $(copied) == "ingress 15 egress 15" ]]
}

@test "as l3afd v2.1.0: cilium/ebpf v0.16.0, clsact, flat pins" {
	build_loader ebpf-v0.16.mod
	versions=0 version=()
	contract
}

@test "as l3afd after v2.1.0: cilium/ebpf v0.22.0, TCX, pins with package and version" {
	! older 6.6 || skip "TCX needs kernel 6.6"
	build_loader go.mod
	versions=1 version=(--version=1.2.3)
	contract
}

@test "cilium/ebpf v0.22.0, clsact, flat pins" {
	build_loader go.mod
	versions=0 version=()
	contract
}
