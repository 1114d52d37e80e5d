#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# Copies in every format are the packets of the production wire, byte by byte, as others decode them. The host's packets
# are larger than the wire's (GSO, GRO), and their checksums are left to the device; those on the wire are not.

load ring

setup() {
	requires_command tshark
	ring_lab
	vlan
	# all packets have room, with the longest headers and two tags
	on host ip link set eth1 mtu 2000
	on collector ip link set eth0 mtu 2000
	ring_wire
	lab_neighbour client eth0 host eth0 192.0.5.2
	lab_neighbour host eth0 client eth0 192.0.5.1
	mac_client=$(lab_mac client eth0)
	mac_host=$(lab_mac host eth0)
	spawn host server "$tools/ring_traffic.py" serve
	wait_until 5 grep -q ready "$LAB/server.log"
}

# 192.0.5.1 at the client and 192.0.5.2 at the host are in VLAN 5. The host's tags are pushed before our programs see the
# packet, and popped behind them.
vlan() {
	local host
	for host in client host; do
		on $host bpftool prog loadall "$mirroring_build/traffic-mirroring/tests/vlan.bpf.o" /sys/fs/bpf/vlan
		[[ $host == host ]] || on $host tc qdisc add dev eth0 clsact
		on $host tc filter add dev eth0 egress pref 1 bpf direct-action object-pinned /sys/fs/bpf/vlan/vlan_push
		on $host tc filter add dev eth0 ingress pref 65000 bpf direct-action object-pinned /sys/fs/bpf/vlan/vlan_pop
	done
	on client ip addr add 192.0.5.1/24 dev eth0
	on host ip addr add 192.0.5.2/24 dev eth0
}

# 192.0.6.1 and 192.0.6.2 are in VXLAN with a group's ID, on a port that is not the usual one.
tunnel() {
	local host number=1 ends="local $LAB_CLIENT4 remote $LAB_HOST4"
	for host in client host; do
		on $host ip link add gbp0 type vxlan id 6 dstport 12345 gbp $ends
		# it says nothing by itself
		on $host sysctl -qw net.ipv6.conf.gbp0.disable_ipv6=1
		on $host ip link set gbp0 up
		on $host ip addr add 192.0.6.$number/24 dev gbp0
		number=2 ends="local $LAB_HOST4 remote $LAB_CLIENT4"
	done
	lab_neighbour client gbp0 host gbp0 192.0.6.2
	lab_neighbour host gbp0 client gbp0 192.0.6.1
	tunnelled=192.0.6.2
}

# Everything there is, with datagrams of the sizes given.
traffic() {
	on client "$tools/ring_traffic.py" talk $LAB_HOST4,$LAB_HOST6,192.0.5.2 "$@"
	[[ ! ${tunnelled:-} ]] || on client "$tools/ring_traffic.py" talk "$tunnelled"
	# shellcheck disable=SC2016
	on client bash -euc 'for host; do for size in 0 3000; do ping -q -c 1 -s $size $host; done; done' ping \
		$LAB_HOST4 $LAB_HOST6 192.0.5.2 >/dev/null
	on client "$tools/ring_traffic.py" frames eth0 "$mac_host" $LAB_CLIENT4 $LAB_HOST4 $LAB_CLIENT6 $LAB_HOST6
	on host "$tools/ring_traffic.py" frames eth0 "$mac_client" $LAB_HOST4 $LAB_CLIENT4 $LAB_HOST6 $LAB_CLIENT6
}

few=(0 1 1472 1473 20000)

# judge FORMAT FILTER [SNAPLEN]: traffic, and what came of it by the counters, by tcpdump and by tshark; if $listen says
# where, by mirror-collector, too.
judge() {
	local name=$1
	[[ ! ${listen:-} ]] || receive
	sent_all >"$LAB/before"
	capture "$name" host "${device:-eth1}" -s 4000 "$2"
	capture "$name-wire" client eth0 -s 4000
	traffic "${sizes[@]:-${few[@]}}"
	wait_until 5 idle
	capture_end "$name-wire"
	capture_end "$name"
	sent_all >"$LAB/after"
	expect 0 "$tools/ring_compare.py" "$name" "$LAB/$name-wire.pcap" "$LAB/$name.pcap" "${@:3}"
	accounted
	[[ ! ${listen:-} ]] || received "$output"
}

# mirror-collector, from now on; its process is $collector
receive() {
	rm -f "$LAB/receive.log"
	spawn collector receive mirror-collector --listen "$listen" --filter "not ether src $(lab_mac host eth1)" -w "$LAB/received.pcap"
	collector=$pid
	wait_until 5 grep -q '^NoNewPrivs:.1' "/proc/$collector/status"
}

# received REPORT: its frames are those of the wire, as many as ring_compare.py has reported of the copies.
received() {
	kill -TERM "$collector" && wait "$collector" || { cat "$LAB/receive.log" && return 1; }
	expect 0 "$tools/ring_compare.py" dev "$LAB/$name-wire.pcap" "$LAB/received.pcap"
	[[ $output == "$1" ]]
}

# What the tools have counted is what the counters say; the kernel may have sent a few packets of its own before.
accounted() {
	[[ $output =~ ^([0-9]+)" packets, "([0-9]+)" copies, "([0-9]+)" not IP, "([0-9]+)" without a checksum"$ ]]
	local packets=${BASH_REMATCH[1]} copies=${BASH_REMATCH[2]} not_ip=${BASH_REMATCH[3]} unknown=${BASH_REMATCH[4]}
	declare -gA grown=()
	local name value old
	while IFS='=' read -r name value old; do
		grown[$name]=$((value - old))
	done < <(paste -d= "$LAB/after" <(sed 's/.*=//' "$LAB/before"))
	# ahead of the rest of the output
	explained || { echo "# not explained: $output; $(declare -p grown)" >&3 && return 1; }
}

explained() {
	((packets > 1500 && packets == copies + not_ip && grown[copies] >= copies && grown[copies] < copies + 20)) &&
		# of those whose checksum nobody could compute, one in 65,536 is right
		((grown[checksum_unknown] >= unknown && grown[checksum_unknown] < unknown + 5)) &&
		((grown[not_ip] == not_ip && grown[unsplit] == 0)) &&
		((${whole:-0} ? grown[whole] > 40 && grown[split] == 0 : grown[split] > 800 && grown[whole] == 0)) &&
		((grown[oversize_truncated] == 0 && grown[no_collector] == 0 && grown[refused] == 0))
}

over_ipv4="ip and dst host $LAB_COLLECTOR4 and not icmp"
over_ipv6="ip6 and dst host $LAB_COLLECTOR6 and not icmp6"

# Super-packets of IPv6 are larger than 64 KiB.
big_tcp() {
	requires_command nft
	on host ip link set eth0 gso_max_size 180000
	on host nft -f - <<-'END'
		table ip6 super {
			chain output {
				type filter hook output priority 0
				meta length > 70000 counter
			}
		}
	END
	export WINDOW=600000
}

@test "gue, datagrams of many sizes, and BIG TCP" {
	big_tcp
	ring_start --tunnel-remote-address=$LAB_COLLECTOR4
	sizes=(0-200/7 1400-1500/3 2000-65507/9001 65507)
	tunnel
	judge gue "$over_ipv4"
	((grown[trimmed] == 0))
	on host nft list table ip6 super | grep 'counter packets [1-9]'
}

# in_tunnels ADDRESS FILTER OPTION…: each tunnel but gue, with an ID where it has one.
in_tunnels() {
	local tunnel
	ring_start --tunnel-type=vxlan --tunnel-remote-address="$1" "${@:3}"
	for tunnel in vxlan/7 geneve/7 erspan/7 gre/0; do
		ring_update --tunnel-type="${tunnel%/*}" --tunnel-id="${tunnel#*/}"
		[[ $tunnel != gre* && $tunnel != erspan* ]] || listen=${tunnel%/*}
		judge "${tunnel%/*}" "$2"
	done
}

@test "over IPv4" {
	in_tunnels $LAB_COLLECTOR4 "$over_ipv4"
}

@test "over IPv6" {
	in_tunnels $LAB_COLLECTOR6 "$over_ipv6" --tunnel-metadata=on
	ring_update --tunnel-type=gue
	listen='' judge gue "$over_ipv6"
}

# Every packet goes to both legs, each in its own format and truncated to its own snaplen.
judge_legs() {
	capture gue host eth1 -s 4000 "$over_ipv4 and udp dst port 6080"
	capture vxlan host eth1 -s 4000 "$over_ipv4 and udp dst port 4789"
	capture wire client eth0 -s 4000
	traffic "${few[@]}"
	wait_until 5 idle
	capture_end wire
	capture_end gue
	capture_end vxlan
	expect 0 "$tools/ring_compare.py" gue "$LAB/wire.pcap" "$LAB/gue.pcap"
	expect 0 "$tools/ring_compare.py" vxlan "$LAB/wire.pcap" "$LAB/vxlan.pcap" 128
}

@test "truncated to snaplen, and legs" {
	ring_start --tunnel-remote-address=$LAB_COLLECTOR4 --snaplen=128
	judge gue "$over_ipv4" 128
	ring_update --tunnel-type=vxlan --snaplen=100
	judge vxlan "$over_ipv4" 100
	ring_update --rules="mirror snaplen 0+128 to gue:$LAB_COLLECTOR4 + vxlan:$LAB_COLLECTOR4/7"
	judge_legs
	ring_update --rules=mirror --snaplen=headers+16
	judge vxlan "$over_ipv4" headers+16
	ring_update --snaplen=headers+zero
	judge vxlan "$over_ipv4" headers+zero
}

@test "out of devices" {
	local whole=1
	ring_start --tunnel-type=vlan --tunnel-id=99 --redirect-to=eth1
	listen=vlan:eth0 judge vlan "vlan 99"
	ring_update --tunnel-type=dev --tunnel-id=0
	listen=dev:eth0 judge dev "not ether src $(lab_mac host eth1)"
	# one that takes bare IP packets
	spawn host tun "$tools/ring_traffic.py" tun tun0
	wait_until 5 on host ip link set tun0 mtu 2000 addrgenmode none up
	device=tun0
	ring_update --redirect-to=tun0
	judge dev "ip or ip6"
	ring_update --segment=on
	whole=0 judge dev "ip or ip6"
}

# Flows whose packets are small and large: segmented by the kernel, every copy is a packet of the wire, and in its order.
@test "out of a device, by ring and by clone" {
	local direction
	ring_start --tunnel-type=dev --redirect-to=eth1 --clone-above=2000
	capture copies host eth1 -s 4000 "not ether src $(lab_mac host eth1)"
	capture wire client eth0 -s 4000
	traffic "${few[@]}"
	wait_until 5 idle
	capture_end wire
	capture_end copies
	expect 0 "$tools/ring_compare.py" dev "$LAB/wire.pcap" "$LAB/copies.pcap"
	for direction in ingress egress; do
		(($(outcome $direction ring) > 100))
	done
	(($(outcome egress device) > 10 && $(outcome egress device_failed) == 0 && $(outcome egress device_busy) == 0))
}
