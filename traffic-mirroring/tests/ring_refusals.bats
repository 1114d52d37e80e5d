#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# What is wrong about collectors and the sender is refused in one line that names it, and changes nothing: neither filters
# nor collectors nor settings, and the sender goes on.

load ring

setup() {
	ring_lab
	stub
	on host ip link add down0 type veth peer name down1
}

# Filters, settings, groups of collectors, and the sender's process.
everything() {
	small_maps && on host bpftool -j map dump pinned /sys/fs/bpf/mirroring-3/settings &&
		on host mirror-sender --status | sed -n 's/, asleep$//; s/ *[0-9]* copies .*//; /^sender/p; /^group/,$p'
}

# refused TEXT OPTION…: of an update.
refused() {
	mirror '!' update "${@:2}"
	[[ $output == "mirroring: "*"$1"* && $output != *$'\n'* ]]
	everything | cmp - "$LAB/before"
	((rejected += 1))
}

@test "bad values of each option" {
	ring_start --tunnel-remote-address=$LAB_COLLECTOR4
	everything >"$LAB/before"
	local value rejected=0
	for value in GUE gue6 4 'gue '; do
		refused "--tunnel-type: expected gue, vxlan, " "--tunnel-type=$value"
		[[ $output == *" or dev, got \"$value\"" ]]
	done
	for value in -1 16777216 1a 0x10; do
		refused "--tunnel-id: expected a number from 0 to 16777215, got \"$value\"" "--tunnel-id=$value"
	done
	refused "--tunnel-type: collector \"gue:$LAB_COLLECTOR4/1\" has an ID, but its format has none" --tunnel-id=1
	refused "has an ID that is too large" --tunnel-type=erspan --tunnel-id=1024
	refused "needs a VLAN ID" --tunnel-type=vlan --redirect-to=eth1
	refused "has an ID that is too large" --tunnel-type=vlan --redirect-to=eth1 --tunnel-id=4095
	refused "needs a device" --tunnel-type=dev
	refused "--redirect-to: device down0 is not up" --tunnel-type=dev --redirect-to=down0
	refused "has a port, but its format has none" --tunnel-type=gre --tunnel-remote-port=5
	for value in ' 1' 256 0 1.5; do
		refused "--ttl: expected a number from 1 to 255, got \"$value\"" "--ttl=$value"
	done
	for value in 64 -1 ef; do
		refused "--dscp: expected a number from 0 to 63, got \"$value\"" "--dscp=$value"
	done
	for value in 13 262145 64k zero; do
		refused "--snaplen: expected 0, a number of bytes from 14 to 262144, one for each leg (A+B), headers, headers+N or headers+zero, got \"$value\"" "--snaplen=$value"
	done
	for value in cut Drop truncate,drop; do
		refused "--oversize: expected truncate, drop, fragment, or one for each leg (A+B), got \"$value\"" "--oversize=$value"
	done
	refused '--segment: expected off, on, or one for each leg (A+B), got "wire"' --segment=wire
	refused '--clone-above: expected a number from 0 to 262144, got "4K"' --clone-above=4K
	refused '--tunnel-metadata: expected off, on, or one for each leg (A+B), got "yes"' --tunnel-metadata=yes
	for value in 0+0+0+0+0 128+ 128+13; do
		refused "headers, headers+N or headers+zero, got \"$value\"" "--snaplen=$value"
	done
	refused 'filter 1: snaplen has values for 2 legs, but copies go to 1' --snaplen=128+0
	refused 'filter 1: oversize has values for 2 legs, but copies go to 3' --oversize=drop+truncate \
		--tunnel-remote-address=198.51.100.1+198.51.100.2+198.51.100.3
	for value in 198.51.100 eth1; do
		refused "--tunnel-local-address: expected an IPv4 or IPv6 address, got \"$value\"" "--tunnel-local-address=$value"
	done
	for value in 198.51.100.77 2001:db8:2::77; do
		refused "--tunnel-local-address: expected an address of this host, got \"$value\"" "--tunnel-local-address=$value"
	done
	for value in '' 1023K 65G 64m2 -1M 18446744073709551616; do
		refused "--ring-memory: expected a size from 1M to 64G, got \"$value\"" "--ring-memory=$value"
	done
	for value in '' 0pps 10 10xbit 1.5Mbit -1kpps 99999999999999999999pps; do
		refused "--max-rate: expected a rate such as 100kpps or 500Mbit, or off, got \"$value\"" "--max-rate=$value"
	done
	for value in '' yes 1; do
		refused "--failover: expected off or on, got \"$value\"" "--failover=$value"
	done
	for value in '' -21 20 5.5 '- 5'; do
		refused "--sender-nice: expected a number from -20 to 19, got \"$value\"" "--sender-nice=$value"
	done
	local addresses="up to 16 IPv4 or IPv6 addresses, each alone or with @WEIGHT from 0 to 1000, in up to 4 legs (A+B)"
	for value in 198.51.100.9@ 198.51.100.9@1001 198.51.100.9@-1 198.51.100.9@1@2 [2001:db8::1 2001:db8::1] \
		198.51.100.9+ ::1+::2+::3+::4+::5; do
		refused "--tunnel-remote-address: expected $addresses, got \"$value\"" "--tunnel-remote-address=$value"
	done
	refused "--tunnel-remote-address: expected $addresses, got \"198.51.100.17\"" \
		--tunnel-remote-address="$(printf '198.51.100.%d,' {1..16})198.51.100.17"
	# the good ones beside a bad one are not put in force
	refused "--failover" --max-rate=5kpps --sender-nice=3 --ring-memory=8M --ttl=9 --failover=maybe
	echo "# $rejected rejected" >&3
}

@test "bad collectors in rules" {
	ring_start --tunnel-remote-address=$LAB_COLLECTOR4
	everything >"$LAB/before"
	local value rejected=0
	for value in gue: gue:198.51.100.300 gue:2001:db8::1 gue:[2001:db8::1 gue:[198.51.100.9] gue:[2001:db8::1]x \
		gue:198.51.100.9:0 gue:198.51.100.9:65536 gue:198.51.100.9:80a gue:198.51.100.9@1001 gue:198.51.100.9/5 \
		vxlan:198.51.100.9/16777216 vxlan:198.51.100.9/x gre:198.51.100.9:99 erspan:198.51.100.9/1024 \
		vlan:eth1 vlan:eth1/4095 dev: dev:a-name-that-is-too-long ipip:198.51.100.9; do
		refused "\"$value\"" --rules="mirror to $value"
	done
	refused 'there is no device "nosuch"' --rules="mirror to dev:nosuch"
	refused "device down0 is not up" --rules="mirror to vlan:down0/5"
	refused "names both kernel devices and collectors" --rules="mirror to eth1,gue:198.51.100.9"
	refused "filter 1: the kernel device eth1 cannot be one of several legs: dev:eth1 is a collector" \
		--rules="mirror to eth1 + down0"
	refused "names both kernel devices and collectors" --rules="mirror to gue:$LAB_COLLECTOR4 + eth1"
	refused "snaplen has values for 2 legs, but copies go to 1" --rules="mirror snaplen 128+0"
	refused "one too many" --rules="mirror to $(printf 'gue:198.51.100.%d,' {1..8})gue:198.51.100.9"
	refused "is in the list twice" --rules="mirror to gue:198.51.100.9,gue:198.51.100.9"
	echo "# $rejected rejected" >&3
}

@test "a collector without a route is named, at start and at update" {
	mirror 1 start --map-name="$pins/tc_ingress_root_array" --rules=mirror --tunnel-remote-address=$LAB_COLLECTOR4,203.0.113.5
	[[ $output == "mirroring: no route to collector gue:203.0.113.5: "* && $output != *$'\n'* ]]
	# nothing is left of it
	expect 0 on host find /sys/fs/bpf -name '*mirroring*'
	[[ ! $output ]]
	ring_start --tunnel-remote-address=$LAB_COLLECTOR4
	everything >"$LAB/before"
	refused "no route to collector vxlan:[2001:db8:77::1]/7: " --rules="mirror to vxlan:[2001:db8:77::1]/7"
}

@test "settings stay as they are if the filters beside them are refused" {
	ring_start --tunnel-remote-address=$LAB_COLLECTOR4
	everything >"$LAB/before"
	echo "mirror src $(prefixes 65537 0)" >"$LAB/too-many"
	local settings=(--max-rate=5kpps --sender-nice=3 --ring-memory=8M --failover=on)
	refused "65537 different IPv4 src prefixes" "${settings[@]}" --rules-file="$LAB/too-many"
	refused "no route to collector gue:203.0.113.5: " "${settings[@]}" --tunnel-remote-address=203.0.113.5
}
