#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# Copies in every format, decoded by others, and compared byte for byte with what the production wire carried.

load sender

setup() {
	sender_lab
}

teardown() {
	lab_end
}

same_packets() {
	diff "$LAB/wire" "$LAB/copies" | head -20 | cut -c1-200
	cmp "$LAB/wire" "$LAB/copies"
}

# copies_are CUT [TYPE CUT_OF_WIRE]: each packet on the wire has its copy, and there is no other copy.
copies_are() {
	capture_pair "${filter:-}"
	traffic
	capture_pair_end
	packets wire "${3:-0}" "${2:-}" >"$LAB/wire"
	packets copies "$1" "${2:-}" >"$LAB/copies"
	wc -l "$LAB/wire" "$LAB/copies"
	same_packets
	# TCP segments that were one packet each time they passed the programs
	(($(wc -l <"$LAB/wire") > 4000))
	(($(sent 4) > 3500))
	[[ $(sent 13) == 0 ]]
}

# Each of these chains of protocols is what tshark makes of some copy.
decoded() {
	local chain
	tshark -r "$LAB/copies.pcap" -T fields -e frame.protocols 2>/dev/null | sort | uniq -c >"$LAB/protocols"
	cat "$LAB/protocols"
	for chain; do
		grep -q "$chain" "$LAB/protocols"
	done
}

# Every checksum in the copies is right, as far as they are whole.
checksums_are_right() {
	[[ $(tshark -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE -r "$LAB/copies.pcap" \
		-Y 'ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0' | wc -l) == 0 ]]
}

@test "GUE over IPv4" {
	mirror_all --tunnel-type=gue --tunnel-remote-address=$LAB_COLLECTOR4
	copies_are 46 rawip 14
}

@test "GUE over IPv6" {
	mirror_all --tunnel-type=gue --tunnel-remote-address=$LAB_COLLECTOR6
	copies_are 66 rawip 14
}

@test "VXLAN over IPv4" {
	mirror_all --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4 --tunnel-id=77
	copies_are 50
	decoded udp:vxlan:eth:ethertype:ip:tcp udp:vxlan:eth:ethertype:ipv6:tcp
	checksums_are_right
}

@test "VXLAN over IPv6" {
	mirror_all --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR6 --tunnel-id=77
	copies_are 70
}

@test "Geneve with metadata" {
	mirror_all --tunnel-type=geneve --tunnel-remote-address=$LAB_COLLECTOR4 --tunnel-id=5 --tunnel-metadata=on
	copies_are 78
	decoded udp:geneve:eth:ethertype:ip:tcp
	checksums_are_right
}

@test "GRE over IPv4" {
	mirror_all --tunnel-type=gre --tunnel-remote-address=$LAB_COLLECTOR4
	copies_are 38
	decoded ip:gre:eth:ethertype:ip:tcp ip:gre:eth:ethertype:ipv6
	checksums_are_right
}

@test "GRE over IPv6" {
	mirror_all --tunnel-type=gre --tunnel-remote-address=$LAB_COLLECTOR6
	copies_are 58
}

@test "ERSPAN" {
	mirror_all --tunnel-type=erspan --tunnel-remote-address=$LAB_COLLECTOR4 --tunnel-id=9
	copies_are 50
	decoded gre:erspan:eth:ethertype:ip:tcp
}

@test "VLAN" {
	rules="mirror to vlan:eth1/33" mirror_all
	filter="vlan 33" copies_are 12:4
	decoded eth:ethertype:vlan:ethertype:ip:tcp
}

@test "a device" {
	rules="mirror to dev:eth1" mirror_all
	filter="not net 198.51.100.0/24" copies_are 0
}

@test "the kernel's VXLAN device takes the copies" {
	requires_device vxlan id 1 dstport 4789
	lab_vxlan
	on host ip link del vxlan0
	lab_no_offload collector eth0 vxlan0
	mirror_all --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4 --tunnel-id=42
	capture copies collector vxlan0 -s 4000
	capture wire client eth0 -s 4000
	traffic
	capture_pair_end
	packets wire 0 >"$LAB/wire"
	packets copies 0 >"$LAB/copies"
	same_packets
}

@test "trimmed copies are the beginnings of the packets" {
	mirror_all --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4 --snaplen=100
	capture_pair
	traffic
	capture_pair_end
	packets wire 0 | cut -c1-200 | sort >"$LAB/wire"
	packets copies 50 >"$LAB/copies"
	[[ $(wc -l <"$LAB/wire") == $(wc -l <"$LAB/copies") ]]
	# those whose checksum was left to the NIC, and nobody can tell it without the payload, are counted
	local unknown
	unknown=$(sent 7)
	((unknown > 0))
	[[ $(comm -13 "$LAB/wire" "$LAB/copies" | wc -l) == "$unknown" ]]
}
