#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# max-rate of a filter: its own copies are limited, by whole flows, and no other filter's.

load sender

# many_flows RATE: 3,000 packets, so many a second, half to port 9, half to port 10, of 300 flows each.
many_flows() {
	on client /usr/bin/python3 -c '
import socket, time
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(300)]
start = time.monotonic()
for n in range(3000):
    sockets[n // 2 % 300].sendto(b"copy me", ("'$LAB_HOST4'", 9 + n % 2))
    time.sleep(max(0, start + n / '$1' - time.monotonic()))
'
}

@test "a filter's copies keep to its rate, the other filter's are all there" {
	rules='mirror proto udp dst-port 9 max-rate 100pps; mirror proto udp dst-port 10' \
		mirror_all --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
	[[ $(on host mirroring show --iface=eth0 --direction=ingress) == \
		$'mirror proto udp dst-port 9 max-rate 100pps\nmirror proto udp dst-port 10' ]]
	many_flows 2000 # it settles
	capture_pair
	many_flows 1000
	capture_pair_end
	# tshark decodes what is in VXLAN
	count() {
		tshark -n -r "$LAB/$1.pcap" -Y "udp.dstport == $2" 2>/dev/null | wc -l
	}
	local limited all
	all=$(count copies 10)
	limited=$(count copies 9)
	echo "# of 1500 and 1500 packets in 3 s, $limited and $all were copied" >&3
	((all == 1500))
	# flows are few: the share that is let through is not exact
	((limited > 50 && limited < 600))
	(($(outcome shed) > 0))
}

@test "two filters with the same rate and collector have a rate each" {
	rules='mirror proto udp dst-port 9 max-rate 100kpps; mirror proto udp dst-port 10 max-rate 100kpps' \
		mirror_all --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
	# two filters in each of two directions
	[[ $(on host mirror-sender --status | grep -c '^group') == 4 ]]
}

@test "a rate needs a collector" {
	expect 1 on host mirroring start --iface=eth0 --direction=ingress --map-name="$globals/tc_ingress_root_array" \
		--redirect-to=eth1 --rules='mirror max-rate 1kpps'
	[[ $output == *"filter 1: max-rate: a kernel device gets all copies; a rate needs a collector" ]]
}
