#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The two layouts of pins, whatever the package is called in the payload, loaded by l3afd or by ourselves.

load ../../tests/mirroring

# Everything that needs the pins, with these options; then three pings, and their copies.
works_with() {
	mirror 0 start "$@" --tunnel-interface-name=vxlan0
	mirror 0 update "$@" --rules="mirror proto icmp"
	mirror 0 show "$@"
	[[ $output == "mirror proto icmp" ]]
	mirror 0 update "$@" --rules="mirror proto udp"
	mirror 0 rollback "$@"
	mirror 0 status "$@"
	[[ $output == *"-> _ingress_redirect ("* ]]
	local before
	before=$(copied "$@")
	pings 3
	[[ $(copied "$@") == $((before + 3)) ]]
}

copied() {
	on host mirroring status --iface=eth0 --direction=ingress --json "$@" | jq '.[0].counters.device'
}

@test "flat, loaded by l3afd" {
	load_like_l3afd
	works_with
}

@test "flat, loaded by l3afd, and a version is given" {
	load_like_l3afd
	works_with --version=latest
}

@test "with versions, loaded by l3afd: a dot is an underscore" {
	load_like_l3afd traffic-mirroring 2.1.0
	works_with --version=2.1.0
	works_with
	expect 0 on host mirroring status --json
	[[ $(jq -r '.[0].pins' <<<"$output") == "$pins/traffic-mirroring/2_1_0" ]]
}

@test "with versions, under another package name" {
	load_like_l3afd acme-mirror 1.0
	works_with --version=1.0
}

@test "several versions: an error, unless one is named" {
	load_like_l3afd traffic-mirroring 1.0
	load_like_l3afd traffic-mirroring 1.1
	local command
	for command in start update stop show rollback; do
		mirror 1 $command
		[[ $output == "mirroring: traffic-mirroring is pinned several times for eth0 ingress: choose one with --version" ]]
	done
	works_with --version=1.1
	mirror 0 show --version=1.0
	[[ ! $output ]]
	mirror 1 show --version=1.2
	[[ $output == *"no traffic-mirroring is pinned for eth0 ingress version 1.2"* ]]
}

@test "the same package twice under one version: an error" {
	stub
	load_like_l3afd traffic-mirroring 1.0
	load_like_l3afd acme-mirror 1.0
	mirror 1 show --version=1.0
	[[ $output == *"pinned several times"* ]]
}

@test "loaded by start, with a version: pinned where l3afd would" {
	works_with --version=1.2.3 --map-name="$pins/tc_ingress_root_array"
	on host test -e "$pins/traffic-mirroring/1_2_3/mirroring_ingress_config"
	on host test -e "/sys/fs/bpf/progs/eth0/traffic-mirroring/1_2_3/_ingress_redirect_tc"
	mirror 0 stop --version=1.2.3
	expect 0 on host find /sys/fs/bpf -name '*mirroring*'
	[[ ! $output ]]
}

@test "loaded by start from l3afd's folder: the package is called as in the payload" {
	local folder=$LAB/acme-mirror/1.2.3/l3af_traffic_mirroring
	mkdir -p "$folder"
	cp "$mirroring_build"/traffic-mirroring/{mirroring,*.bpf.o} "$folder"
	PATH=$folder:$PATH
	works_with --version=1.2.3 --map-name="$pins/tc_ingress_root_array"
	on host test -e "$pins/acme-mirror/1_2_3/mirroring_ingress_config"
	on host test -e "/sys/fs/bpf/progs/eth0/acme-mirror/1_2_3/_ingress_redirect_tc"
	mirror 0 stop --version=1.2.3
	on host test ! -e "$pins/acme-mirror"
	# elsewhere the folder's name says nothing
	works_with --version=9 --map-name="$pins/tc_ingress_root_array"
	on host test -e "$pins/traffic-mirroring/9/mirroring_ingress_config"
}

@test "an l3afd that was killed and started again takes over filters and counters" {
	load_like_l3afd
	works_with
	# as l3afd does then: it loads anew over the pinned maps
	# shellcheck disable=SC2016
	on host bash -euc '
		rm /sys/fs/bpf/progs/eth0/_ingress_redirect_tc
		for map in "$2"/mirroring_*; do mv "$map" /sys/fs/bpf/; done
		bpftool prog loadall "$1" /sys/fs/bpf/loaded
		for map in /sys/fs/bpf/mirroring_*; do mv "$map" "$2/"; done
		mv /sys/fs/bpf/loaded/_ingress_redirect /sys/fs/bpf/progs/eth0/_ingress_redirect_tc
	' load "$mirroring_build/traffic-mirroring/mirroring_ingress.bpf.o" "$pins"
	set_next "$pins/tc_ingress_root_array" /sys/fs/bpf/progs/eth0/_ingress_redirect_tc
	shows "mirror proto icmp"
	pings 3
	[[ $(report .counters.device) == 6 ]]
}

@test "another network namespace on the same bpffs is refused, and changes nothing" {
	mirror_start --rules="mirror proto icmp to gue:$LAB_COLLECTOR4"
	lab_host other
	local other=(on host nsenter --net="/proc/${LAB_HOLDER[other]}/ns/net") eth9=/sys/fs/bpf/tc/globals/eth9 command
	"${other[@]}" ip link add eth0 up type veth peer name eth9
	"${other[@]}" ip link set eth9 up
	"${other[@]}" ip addr add 198.51.100.1/24 dev eth9
	for command in start update stop show rollback; do
		expect 1 "${other[@]}" mirroring $command --iface=eth0 --direction=ingress
		[[ $output == "mirroring: $pins belongs to eth0 of another network namespace: "* && $output != *$'\n'* ]]
	done
	expect 1 "${other[@]}" mirroring start --iface=eth0 --direction=ingress --map-name="$pins/tc_ingress_root_array"
	[[ $("${other[@]}" mirroring --cmd=status --iface=eth0 --direction=ingress 2>&1) != *RUNNING* ]]
	# nor can it share the sender
	expect 0 "${other[@]}" tc_root start --iface eth9
	expect 1 "${other[@]}" mirroring start --iface=eth9 --direction=ingress --map-name=$eth9/tc_ingress_root_array \
		--rules="mirror to gue:$LAB_COLLECTOR4"
	[[ $output == *"/sys/fs/bpf/mirroring-3 belongs to another network namespace: use another bpffs in this one" ]]
	expect 0 on host mirror-sender --status
	shows "mirror proto icmp to gue:$LAB_COLLECTOR4"
	pings 3
	[[ $(report .counters.ring) == 3 ]]
}
