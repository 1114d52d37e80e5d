#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# What is wrong is refused in one line that names it, and changes nothing: after each command the maps are what they were.

load ../../tests/mirroring

setup() {
	mirroring_lab
	stub
	on host ip link add down0 type veth peer name down1
	local rules="skip src 192.0.2.7,2001:db8::7; mirror proto tcp dst-port 80 sample 1/10; mirror proto icmp,icmpv6"
	mirror_start --rules="$rules; mirror proto udp port 53 to eth1"
	mirror 0 update --rules="$rules; mirror vlan 5"
	mirror 0 update --rules="$rules"
	small_maps >"$LAB/small"
	all_maps >"$LAB/all"
	rejected=0
}

teardown() {
	if [[ $BATS_TEST_COMPLETED ]]; then
		all_maps | cmp - "$LAB/all"
		echo "# $rejected rejected" >&3
	fi
	lab_end
}

# refused TEXT WORD…: the command line fails with one line, in which TEXT stands.
refused() {
	local text=$1
	shift
	expect '!' on host mirroring "$@"
	[[ $output == "mirroring: "*"$text"* && $output != *$'\n'* ]]
	small_maps | cmp - "$LAB/small"
	((rejected += 1))
}

# The same of an update, or of a single rule in one.
refused_update() {
	refused "$1" update --iface=eth0 --direction=ingress "${@:2}"
}

refused_rule() {
	refused_update "$1" --rules="$2"
}

@test "command lines" {
	local us=(--iface=eth0 --direction=ingress)
	refused 'unknown command "begin"' begin "${us[@]}"
	refused 'unexpected word "stop"' start stop "${us[@]}"
	refused 'unexpected word "b"' check a b c
	refused '--cmd: expected one command, got "start" and "stop"' start --cmd=stop "${us[@]}"
	refused 'unknown command ""' --cmd= "${us[@]}"
	refused "--iface is missing" update --direction=ingress
	refused "--direction is missing" update --iface=eth0
	refused '--direction: expected ingress or egress, got "inwards"' update --iface=eth0 --direction=inwards
	refused 'no interface "nosuch"' update --iface=nosuch --direction=ingress
	refused 'no interface ""' update --iface= --direction=ingress
	refused 'no interface "an-interface-name-too-long"' update --iface=an-interface-name-too-long --direction=ingress
	refused 'unknown option "--color"' update "${us[@]}" --color=red
	refused 'unknown option "-q"' update "${us[@]}" -q
	refused "--rules: expected TEXT, got nothing" update "${us[@]}" --rules
	refused "--rules: expected TEXT, got nothing" update --rules "${us[@]}"
	refused '--quiet: expected no value, got "yes"' update "${us[@]}" --quiet=yes
	refused '--rules: expected one value, got "mirror" and "skip"' update "${us[@]}" --rules=mirror --rules=skip
	refused "check: expected FILE, got nothing" check
	refused "nosuch: No such file or directory" check nosuch
	refused 'check: expected a regular file of at most 64 MiB, got "/"' check /
	refused "--pcap is missing" explain --rules=mirror
	refused "--pcap: nosuch: No such file or directory" explain --pcap=nosuch --rules=mirror
	refused '--pcap: expected a pcap or pcapng file, got "/"' explain --pcap=/ --rules=mirror
	refused '--pcap: expected a pcap or pcapng file, got "/etc/hostname"' explain --pcap=/etc/hostname --rules=mirror
	refused "no traffic-mirroring is pinned for eth0 egress" rollback --iface=eth0 --direction=egress
	refused "no traffic-mirroring is pinned for eth1 ingress version 7" show --iface=eth1 --direction=ingress --version=7
	refused "no traffic-mirroring is pinned for eth0 egress" --iface=eth0 --direction=egress # as l3afd calls start
	refused "no root program is attached to eth1 ingress" start --iface=eth1 --direction=ingress
	refused "no traffic-mirroring is running on eth0 egress" --cmd=status --iface=eth0 --direction=egress
}

@test "files and chain maps" {
	printf 'mirror\0' >"$LAB/binary"
	refused_update "nosuch: No such file or directory" --rules-file=nosuch
	mkfifo "$LAB/fifo"
	truncate -s 64M "$LAB/large"
	echo >>"$LAB/large"
	local file
	for file in "$LAB" "$LAB/fifo" "$LAB/large" /dev/zero; do
		refused_update "--rules-file: expected a regular file of at most 64 MiB, got \"$file\"" --rules-file="$file"
	done
	refused_update "$LAB/binary: " --rules-file="$LAB/binary"
	refused_update "filters are given twice" --rules=mirror --rules-file=/dev/null
	refused_update "filters are given twice" --rules=mirror --protocol=tcp
	refused_update "filters are given twice" --rules-file=/dev/null --dst-port=80
	local us=(start --iface=eth0 --direction=ingress)
	refused "--map-name: $pins/nosuch: No such file or directory" "${us[@]}" --map-name="$pins/nosuch"
	refused "--map-name: /etc/hostname: " "${us[@]}" --map-name=/etc/hostname
	refused "expected a chain map (a PROG_ARRAY with one entry), got \"$pins/mirroring_ingress_exits\"" "${us[@]}" --map-name="$pins/mirroring_ingress_exits"
	refused "expected a chain map (a PROG_ARRAY with one entry), got \"$pins/mirroring_ingress_config\"" "${us[@]}" --map-name="$pins/mirroring_ingress_config"
	refused "--map-name: : " "${us[@]}" --map-name=
	on host tc_root start --iface eth1 --quiet
	for map in "$pins/tc_egress_root_array" "${pins/eth0/eth1}/tc_ingress_root_array"; do
		refused "--map-name: expected a chain map of eth0 ingress, got \"$map\"" "${us[@]}" --map-name="$map"
	done
}

@test "delivery" {
	local option value
	for option in tunnel-interface-name redirect-to; do
		refused_update "expected a device name of 1 to 15 characters, got \"a-name-too-long!\"" --$option=a-name-too-long!
		refused_update "--$option: there is no device \"nosuch\"" --$option=nosuch
		refused_update "--$option: device down0 is not up" --$option=down0
	done
	for option in tunnel-local-port tunnel-remote-port; do
		for value in 0 65536 80abc -1 ' 80' 0x50 99999999999999999999; do
			refused_update "--$option: expected a number from 1 to 65535, got \"$value\"" "--$option=$value"
		done
	done
	for value in 192.0.2 192.0.2.1.1 192.0.2.1/24 collector.example 2001:db8::g '192.0.2.1,'; do
		refused_update "--tunnel-remote-address: expected up to 16 IPv4 or IPv6 addresses, each alone or with @WEIGHT from 0 to 1000, in up to 4 legs (A+B), got \"${value#*,}\"" "--tunnel-remote-address=$value"
	done
	for value in 1T 0p 20kb; do
		refused_update "--first: expected bytes or packets such as 20K, 1M or 10p, up to 1G, or 0, got \"$value\"" --first=$value
	done
	refused_update '--flow-memory: expected ' --flow-memory=1K
	for value in 192.0.2 eth0 '192.0.2.1 '; do
		refused_update "--gtw-address: expected an IPv4 or IPv6 address, got \"$value\"" "--gtw-address=$value"
	done
	refused_update "--gtw-address" --redirect-to=eth1 --tunnel-remote-address=203.0.113.1 --gtw-address=2001:db8::1
	refused_update "give its gateway with --gtw-address" --redirect-to=eth1 --tunnel-remote-address=2001:db8:77::1
}

@test "the upstream package's filter options" {
	local option
	for option in src-address dst-address; do
		refused_update "--$option: \"192.0.2.300\" is not " --$option=192.0.2.300
		refused_update "--$option: the prefix length of \"10.0.0.0/33\"" --$option=10.0.0.0/33
		refused_update "--$option: the prefix length of \"2001:db8::/129\"" --$option=192.0.2.1,2001:db8::/129
		refused_update "--$option: empty element" --$option=10.0.0.1,,10.0.0.2
		refused_update "--$option: " --$option=
	done
	for option in src-port dst-port; do
		refused_update "--$option: \"65536\" is not " --$option=65536
		refused_update "--$option: \"80abc\" is not " --$option=443,80abc
		refused_update "--$option: range \"90-80\" ends before it starts" --$option=90-80
		refused_update "--$option: \"80:90\" is not " --$option=80:90
		refused_update "--$option: empty element" --$option=80,
	done
	refused_update '--protocol: "tpc" is not ' --protocol=tpc
	refused_update '--protocol: "256" is not ' --protocol=256
	refused_update '--protocol: "tcp udp" is not ' '--protocol=tcp udp'
	refused_update '--domain: "a..b" is not a domain name' --domain=example.com,a..b
}

@test "rules" {
	refused_rule 'rules:1:1: "mirrors" is not an action' "mirrors"
	refused_rule 'rules:1:8: "tcp" is not a keyword' "mirror tcp"
	refused_rule 'rules:1:9: "proto" has no value' "mirror  proto"
	refused_rule 'rules:2:14: "tpc" is not ' $'mirror\nmirror proto tpc'
	refused_rule 'rules:1:23: "256" is not ' "mirror; mirror  proto 256"
	refused_rule '"proto" is in the line twice' "mirror proto tcp proto udp"
	refused_rule '"10.0.0.0/33"' "mirror src 10.0.0.0/33"
	refused_rule '"10.0.0/8" is not ' "mirror src 10.0.0/8"
	refused_rule '"," is not a keyword' "mirror src 10.0.0.0/8 , 11.0.0.0/8"
	refused_rule 'empty element in a list' "mirror port 80,,443"
	refused_rule '"65536" is not ' "mirror dst-port 65536"
	refused_rule 'range "90-80" ends before it starts' "mirror port 90-80"
	refused_rule '"80-" is not ' "mirror port 80-"
	refused_rule '"none" needs a mask' "mirror tcp-flags none"
	refused_rule '"syn/ack" has flags outside its mask' "mirror tcp-flags syn/ack"
	refused_rule '"sin" is not ' "mirror tcp-flags sin/syn"
	refused_rule '"256" is not ' "mirror icmp-type 256"
	refused_rule '"4096" is not ' "mirror vlan 4096"
	refused_rule '"1/0" is not ' "mirror sample 1/0"
	refused_rule '"2/3" is not ' "mirror sample 2/3"
	refused_rule '"1/4294967296" is not ' "mirror sample 1/4294967296"
	refused_rule '"13" is not ' "mirror snaplen 13"
	refused_rule '"262145" is not ' "mirror snaplen 262145"
	refused_rule 'filter 1: snaplen needs a collector' "mirror snaplen 128"
	refused_update 'filter 1: snaplen needs a collector' --rules=mirror --snaplen=headers+zero
	refused_rule "filter 2 copies to kernel device eth1 at once, but filter 1 has domain" "skip domain example.com; mirror to eth1"
	refused_rule "4097 names in domain" "$(printf 'mirror to gue:%s domain x' $LAB_COLLECTOR4; printf ',%s.example' {1..4096})"
	refused_rule '"sample" is an option, and skip takes none' "skip sample 1/10"
	refused_rule '"to" is an option, and skip takes none' "skip to eth1"
	refused_rule 'filter 2: there is no device "nosuch"' "skip proto tcp; mirror to eth1,nosuch"
	refused_rule 'filter 1: device down0 is not up' "mirror to down0"
	refused_rule '"eth1" is in the list twice' "mirror to eth1,eth1"
	refused_rule '"i" is one too many' "mirror to a,b,c,d,e,f,g,h,i"
	refused_rule "more than 64 filters" "$(printf 'skip;%.0s' {1..65})"
	refused_rule 'rules:1:1: "\x01mirror" is not an action' $'\001mirror'
}
