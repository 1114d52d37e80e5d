# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# shellcheck shell=bash
#
# What the labs of mirror-sender share: three hosts; what passes host's eth0 is mirrored to the collector behind eth1.
#
#   sender_lab              First, the setup of tests without one of their own.
#                           Packets on the wires are what they are on real ones: segments, checksums.
#   mirror_all [OPTION…]    Mirrors both $directions of host's eth0, by $rules or everything.
#   sender                  The sender's process.
#   sent NAME               One of the sender's counters: its key in the map (enum mirror_sent).
#   outcome NAME            One of the data path's counters, both directions together.
#   capture_pair [FILTER]   Captures the wire between client and host, and the copies (if they match).
#   capture_pair_end        Ends that.
#   traffic                 Packets of many kinds between client and host, among them a file of $bytes (3000000) in TCP, twice.
#   number FILE [FILTER]    How many packets of a capture match; of encapsulated ones tcpdump prints several lines.
#   packets FILE CUT [TYPE] The packets of a capture that are between client and host, one a line in hexadecimal, in
#                           order of their bytes, after CUT (as editcap -C has it) was taken out of them; TYPE: then
#                           they start with ether or rawip.

source "${BASH_SOURCE[0]%/*}/../../../ci/lab.bash"

build=$(readlink -f "${BASH_SOURCE[0]%/*}/../../../build")
export PATH=$build/tc-root:$build/traffic-mirroring:$PATH
globals=/sys/fs/bpf/tc/globals/eth0
host_pins=/sys/fs/bpf/mirroring-3

sender_lab() {
	requires_root
	requires_command bpftool busybox curl editcap ethtool jq tshark
	requires_device vxlan id 1 dstport 4789
	lab_begin && lab_three_hosts && sinks &&
		# the host's TCP still makes packets of 64 KiB, which are cut behind the programs
		on host ethtool -K eth0 tso off tx-checksum-ip-generic off >/dev/null &&
		on host ethtool -K eth1 tso off gso off tx-udp-segmentation off tx-checksum-ip-generic off >/dev/null &&
		on client ethtool -K eth0 tso off gso off tx-checksum-ip-generic off >/dev/null &&
		lab_neighbour client eth0 host eth0 $LAB_HOST4 $LAB_HOST6 &&
		lab_neighbour host eth0 client eth0 $LAB_CLIENT4 $LAB_CLIENT6 &&
		on host tc_root start --iface eth0 --quiet
}

setup() {
	sender_lab
}

# Something that listens at the collectors' ports, and says nothing.
sinks() {
	local port address
	for port in 4789 6080 6081; do
		for address in $LAB_COLLECTOR4 $LAB_COLLECTOR6; do
			echo "link add sink${#address}$port type vxlan id 1 dstport $port local $address"
			echo "link set sink${#address}$port addrgenmode none up"
		done
	done | on collector ip -batch -
}

mirror_all() {
	local direction
	for direction in ${directions:-ingress egress}; do
		expect 0 on host mirroring start --iface=eth0 --direction=$direction \
			--map-name="$globals/tc_${direction}_root_array" --rules="${rules:-mirror}" "$@" || return
	done
}

sender() {
	on host mirror-sender --status | sed -n 's/^sender   running, process \([0-9]*\).*/\1/p'
}

sent() {
	local thread
	for thread in 0 1 2 3; do
		on host bpftool -j map lookup pinned $host_pins/sent key $((thread * 64 + $1)) 0 0 0
	done | jq -r '.value | reverse | reduce .[] as $b (""; . + $b[2:4])' | {
		local hex sum=0
		while read -r hex; do ((sum += 16#$hex)) || :; done
		echo $sum
	}
}

outcome() {
	on host mirroring status --iface=eth0 --json | jq "[.[].counters.$1 // 0] | add"
}

# Short slots: a buffer of those that tcpdump makes by default would be full at once.
capture_pair() {
	capture copies collector eth0 -s 4000 "$@" && capture wire client eth0 -s 4000
}

capture_pair_end() {
	capture_end copies && capture_end wire
}

number() {
	tcpdump -n -r "$LAB/$1.pcap" --count "${@:2}" 2>/dev/null | cut -d' ' -f1
}

traffic() {
	on host sh -c 'mkdir -p /run/www && head -c "$0" /dev/urandom >/run/www/file' "${bytes:-3000000}"
	spawn host httpd busybox httpd -f -p 80 -h /run/www
	# shellcheck disable=SC2016
	on client bash -ec '
		for address; do
			for size in 8 1400 9000; do
				ping -q -c 3 -i 0.01 -W 1 -s $size "$address"
			done
			for size in 1 100 1472 20000; do
				dd if=/dev/urandom bs=$size count=1 status=none >/dev/udp/$address/9
			done
		done
	' traffic $LAB_HOST4 $LAB_HOST6 || return
	wait_until 5 on client curl --silent --fail --output /dev/null "http://$LAB_HOST4/file" &&
		on client curl --silent --fail --output /dev/null "http://[$LAB_HOST6]/file"
}

# 0 and 0xffff are the same checksum of TCP: Linux writes the one into segments, the other into packets. In hexadecimal:
# Ethernet or nothing, IPv4 without options or IPv6, TCP.
same_checksum='s/^(.{24}0800|.{24}86dd|)(45.{16}06.{20}|6.{11}06.{66})(.{32})0000/\1\2\3ffff/'

packets() {
	local type=()
	[[ ! ${3:-} ]] || type=(-T "$3")
	editcap -F pcap "${type[@]}" -C "$2" "$LAB/$1.pcap" "$LAB/$1.cut" &&
		tcpdump -n -t -xx -r "$LAB/$1.cut" "host $LAB_CLIENT4 or host $LAB_CLIENT6" 2>/dev/null |
		awk '/^\t0x/ { sub(/^\t0x[0-9a-f]*: */, ""); printf "%s", $0; next } { print "" }' |
			tr -d ' ' | grep . | sed -E "$same_checksum" | sort
}
