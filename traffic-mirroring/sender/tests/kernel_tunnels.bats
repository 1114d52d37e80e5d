#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The kernel's tunnels at either end: as devices that the data path clones packets into, and as receivers of the sender's copies
# out of their headers.

load sender

# The tunnels listen themselves.
sinks() {
	:
}

# tunnel HOST DEVICE TYPE…: as for `ip link add`, between the addresses of the hosts.
tunnel() {
	local host=$1 device=$2 kind=$3 ends
	case $host/$kind in
	*/geneve) [[ $host == host ]] && ends="remote $LAB_COLLECTOR4" || ends="remote $LAB_UPLINK4" ;;
	host/ip6*) ends="local $LAB_UPLINK6 remote $LAB_COLLECTOR6" ;;
	collector/ip6*) ends="local $LAB_COLLECTOR6 remote $LAB_UPLINK6" ;;
	host/*) ends="local $LAB_UPLINK4 remote $LAB_COLLECTOR4" ;;
	collector/*) ends="local $LAB_COLLECTOR4 remote $LAB_UPLINK4" ;;
	esac
	requires_device "$kind" $ends "${@:4}"
	on "$host" ip link add "$device" type "$kind" $ends "${@:4}"
	on "$host" ip link set "$device" addrgenmode none up
	lab_no_offload "$host" "$device"
}

# The collector takes GUE, over IPv4 or IPv6.
takes_gue() {
	unshare --net ip fou add port 6080 gue "$@" || lab_missing "this kernel has no fou"
	on collector ip fou add port 6080 gue "$@"
}

# come_out CUT_OF_WIRE CUT [TYPE] DEVICE…: out of the collector's devices comes what is on the production wire, and nothing
# else. Cuts and type as for `packets`.
come_out() {
	local wire_cut=$1 cut=$2 type=$3 device
	shift 3
	for device; do
		capture "$device" collector "$device" -s 4000
	done
	capture wire client eth0 -s 4000
	bytes=300000 traffic
	capture_end wire
	: >"$LAB/unsorted"
	for device; do
		capture_end "$device"
		packets "$device" "$cut" "$type" >>"$LAB/unsorted"
	done
	sort "$LAB/unsorted" >"$LAB/copies"
	packets wire "$wire_cut" "$type" >"$LAB/wire"
	wc -l "$LAB/wire" "$LAB/copies"
	diff "$LAB/wire" "$LAB/copies" | head -20 | cut -c1-200
	cmp "$LAB/wire" "$LAB/copies"
	(($(wc -l <"$LAB/wire") > 500))
}

# The two directions take different ways. Egress has the large packets: the host sends the file.
mirror_by() {
	directions=ingress rules=$1 mirror_all
	directions=egress rules=$2 mirror_all
}

@test "GUE over IPv4: ipip and sit devices as targets; fou, ipip and sit at the collector" {
	takes_gue
	tunnel collector in4 ipip
	tunnel collector in6 sit
	tunnel host out4 ipip encap gue encap-sport auto encap-dport 6080
	tunnel host out6 sit encap gue encap-sport auto encap-dport 6080
	local devices="mirror src 0.0.0.0/0 to out4; mirror src ::/0 to out6"
	local sender="mirror src 0.0.0.0/0,::/0 to gue:$LAB_COLLECTOR4"
	mirror_by "$devices" "$sender"
	come_out 14 0 rawip in4 in6
	mirror_by "$sender" "$devices"
	come_out 14 0 rawip in4 in6
}

@test "GUE over IPv6: fou and ip6tnl at the collector" {
	takes_gue -6
	tunnel collector in ip6tnl mode any
	rules="mirror src 0.0.0.0/0,::/0 to gue:[$LAB_COLLECTOR6]" mirror_all
	come_out 14 16 rawip in # tcpdump writes 16 bytes of its own before each packet
}

@test "VXLAN: as target, and at the collector" {
	tunnel collector in vxlan id 42 dstport 4789
	tunnel host out vxlan id 42 dstport 4789
	mirror_by "mirror to vxlan:$LAB_COLLECTOR4/42" "mirror to out"
	come_out 0 0 '' in
	# super-packets whole: the kernel segments them
	mirror_by "mirror to dev:out" "mirror to dev:out"
	come_out 0 0 '' in
	on host mirroring metrics | grep '^mirroring_sender_whole_total [1-9]'
}

@test "Geneve: as target, and at the collector" {
	tunnel collector in geneve id 5
	tunnel host out geneve id 5
	mirror_by "mirror to geneve:$LAB_COLLECTOR4/5" "mirror to out"
	come_out 0 0 '' in
}

@test "GRE over IPv4: gretap as target, and at the collector" {
	tunnel collector in gretap
	tunnel host out gretap
	mirror_by "mirror to out" "mirror to gre:$LAB_COLLECTOR4"
	come_out 0 0 '' in
}

@test "GRE over IPv6: ip6gretap as target, and at the collector" {
	tunnel collector in ip6gretap
	tunnel host out ip6gretap
	mirror_by "mirror to gre:[$LAB_COLLECTOR6]" "mirror to out"
	come_out 0 0 '' in
}

@test "ERSPAN: an erspan device at the collector" {
	tunnel collector in erspan seq key 9 erspan_ver 1
	rules="mirror to erspan:$LAB_COLLECTOR4/9" mirror_all
	come_out 0 0 '' in
}
