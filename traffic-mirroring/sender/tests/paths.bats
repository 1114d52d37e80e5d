#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The ways to the collectors: links that go down, collectors that do not listen, paths too narrow for a copy, and copies
# that pass a mirrored interface themselves.

load sender

pings() {
	on client ping -q -c "$1" -i 0.01 -W 1 "${@:2}" $LAB_HOST4 | grep -q " $1 received"
}

# Copies with something inside of it that tshark finds by a filter.
found() {
	tshark -n -r "$LAB/copies.pcap" "${@:2}" -Y "$1" 2>/dev/null | wc -l
}

stopped() {
	on host mirror-sender --status | grep -q "stopped: no route"
}

@test "copies stop while the link to the collectors is down, and resume with it" {
	mirror_all --tunnel-type=gue --tunnel-remote-address=$LAB_COLLECTOR4
	pings 5
	wait_until 3 eval '(($(sent 2) >= 10))'
	wait_until 3 eval '! stopped'
	on host ip link set eth1 down
	wait_until 3 stopped
	local before
	before=$(sent 2)
	pings 10
	(($(outcome link_down) >= 20 && $(sent 2) == before))
	on host ip link set eth1 up
	wait_until 3 eval '! stopped'
	before=$(outcome link_down)
	pings 5
	[[ $(outcome link_down) == "$before" ]]
	wait_until 3 eval '(($(sent 2) > 10))'
	# before its link-local address may be used, the kernel asks for neighbours on behalf of packets alone
	on host sysctl -qw net.ipv6.conf.eth1.dad_transmits=20
	on host ip link set eth1 down
	on host ip link set eth1 up
	on host ip addr add $LAB_UPLINK6/64 dev eth1 nodad
	local lost=$(($(sent 12) + $(sent 13)))
	before=$(sent 2)
	mirror_all --tunnel-type=gue --tunnel-remote-address=$LAB_COLLECTOR6
	pings 5
	wait_until 2 eval '(($(sent 2) >= before + 10))'
	on host ip addr show dev eth1 | grep -q tentative
	(($(sent 12) + $(sent 13) == lost))
}

@test "a device that loses its carrier, goes away, and comes back" {
	rules="mirror to dev:eth1" mirror_all
	on collector ip link set eth0 down
	wait_until 3 stopped
	on collector ip link set eth0 up
	wait_until 3 eval '! stopped'
	on host ip link del eth1
	wait_until 3 stopped
	lab_wire host eth1 collector eth0
	wait_until 3 eval '! stopped'
	capture copies collector eth0
	pings 10
	capture_end copies
	[[ $(number copies icmp) == 20 ]]
}

# One packet of each of 30 flows.
send_flows() {
	on client bash -c "for i in {1..30}; do echo >/dev/udp/$LAB_HOST4/\$((2000 + i)); done"
	sleep 0.5
}

@test "a collector whose port is unreachable, or whose host does not answer, is left out while failover is on" {
	local silent=${LAB_COLLECTOR4%.*}.77
	rules="mirror proto udp to vxlan:$LAB_COLLECTOR4,vxlan:$LAB_COLLECTOR4:6999,vxlan:$silent" mirror_all --failover=on
	capture copies collector eth0
	send_flows
	capture_end copies
	(($(number copies udp port 4789) > 5 && $(number copies udp dst port 6999) > 5))
	wait_until 3 eval 'on host mirror-sender --status | grep -q "6999.*port unreachable"'
	on host mirroring status | grep -q "6999.*port unreachable"
	wait_until 10 eval 'on host mirror-sender --status | grep -q "77.*its host cannot be reached"'
	on host mirroring metrics | grep "reachable.*77.* 0\$"
	# only the flows of these two move
	capture copies collector eth0
	send_flows
	capture_end copies
	[[ $(number copies udp port 4789) == 30 && $(number copies udp dst port 6999) == 0 ]]
	[[ $(sent 12) == 0 ]]
}

@test "a collector whose sockets cannot be opened: start says which, and leaves nothing" {
	on host ip link add taker type vxlan id 1 dstport 6080
	on host ip link set taker up
	expect 1 on host mirroring start --iface=eth0 --direction=ingress --rules=mirror \
		--map-name="$globals/tc_ingress_root_array" --tunnel-remote-address=$LAB_COLLECTOR4 --tunnel-local-port=6080
	[[ $output == "mirror-sender: cannot open a socket for gue:$LAB_COLLECTOR4: Address already in use" ]]
	expect 1 on host mirroring status
	[[ $output == "mirroring: no traffic-mirroring is running" ]]
	on host ip link del taker
	directions=ingress rules="mirror proto icmp" mirror_all --tunnel-remote-address=$LAB_COLLECTOR4 --tunnel-local-port=6080
	pings 1
	wait_until 5 eval '(($(sent 2) == 1))'
}

problem() {
	on host mirroring status --iface=eth0 | grep -q "PROBLEM    collector gue:$silent: its host cannot be reached"
}

@test "a collector that answers no ARP: no copy counts as sent, a problem at once, reachable within two seconds" {
	silent=${LAB_COLLECTOR4%.*}.77
	on host sysctl -qw net.ipv4.neigh.eth1.{base_reachable_time_ms=500,delay_first_probe_time=1}
	rules="mirror proto icmp" mirror_all --tunnel-type=gue --tunnel-remote-address=$silent
	wait_until 2 problem
	pings 100
	wait_until 2 eval '(($(sent 12) + $(sent 13) == 200))'
	[[ $(sent 2) == 0 ]]
	on host mirror-sender --status | grep -q "No route to host  *200\$"
	on collector ip addr add $silent/24 dev eth0
	wait_until 2 eval '! problem'
	pings 5
	wait_until 2 eval '(($(sent 2) == 10))'
	# one that the kernel knew, and that has gone: no longer answers when the kernel has become doubtful
	on collector ip addr del $silent/24 dev eth0
	pings 350 &
	local traffic=$!
	wait_until 4 problem
	wait $traffic
	on collector ip addr add $silent/24 dev eth0
	wait_until 2 eval '! problem'
}

# 10,000 packets of 1,400 bytes to port 9, as many to port 10, of 500 flows each, in three seconds or more.
bulk() {
	LAB_TIMEOUT=60 on client /usr/bin/python3 -c '
import socket, time
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(500)]
start = time.monotonic()
for n in range(20000):
    sockets[n // 2 % 500].sendto(bytes(1400), ("'$LAB_HOST4'", 9 + n % 2))
    if n % 50 == 0:
        time.sleep(max(0, start + n / 7000 - time.monotonic()))
'
}

@test "a collector behind a slow link loses copies of its own flows, and is named" {
	local slow=203.0.113.9
	lab_wire host eth2 collector eth1
	lab_addresses host eth2 203.0.113.2 2001:db8:3::2 1600
	lab_addresses collector eth1 $slow 2001:db8:3::9 1600
	on collector ip link add slow type vxlan id 2 dstport 6080 local $slow
	on collector ip link set slow addrgenmode none up
	# a deep queue: nothing is dropped
	on host tc qdisc add dev eth2 root tbf rate 1mbit burst 20k limit 1g
	directions=ingress rules="mirror proto udp dst-port 9 to gue:$slow; mirror proto udp dst-port 10 to gue:$LAB_COLLECTOR4" \
		mirror_all --tunnel-local-port=6080 --ring-memory=16M
	bulk
	on host mirror-sender --status | grep " gue:$slow .* the path to it is full: .* of its flows are shed"
	wait_until 5 eval 'on host mirror-sender --status | grep " gue:$LAB_COLLECTOR4 * 10000 copies .* 0 refused$"'
	on host mirroring status | grep -q "PROBLEM    collector gue:$slow: the path to it is full: "
	(($(outcome ring_full) == 0))
	on host mirroring metrics | grep -q "collector_shed_ratio{.*$slow\"} 0.[0-9]*$"
	# what it sheds need not be copied
	(($(outcome shed) + $(sent 15) > 1000))
	# SIGTERM forgets what was left out
	kill -TERM "$(sender)"
	wait_until 5 eval '[[ ! $(sender) ]]'
	expect 1 on host mirror-sender --status
	[[ $output == *" gue:$slow "* && $output != *"flows are shed"*"flows are shed"* ]]
}

@test "without failover such a collector keeps its flows" {
	mirror_all --tunnel-type=gue --tunnel-remote-address=$LAB_COLLECTOR4 --tunnel-remote-port=6999
	pings 5
	wait_until 3 eval 'on host mirror-sender --status | grep -q "port unreachable"'
	pings 5
	wait_until 3 eval '(($(sent 2) >= 20))'
	[[ $(sent 13) == 0 ]]
}

# oversize POLICY: five packets of 1500 bytes, whose copies do not fit the MTU of 1500, each way.
oversize() {
	mirror_all --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4 --oversize="$1"
	capture copies collector eth0
	pings 5 -s 1472
	capture_end copies
}

@test "copies too large for the path are truncated, dropped or fragmented" {
	on host ip link set eth1 mtu 1500
	oversize truncate
	[[ $(number copies udp port 4789 and greater 1514) == 10 ]]
	[[ $(found icmp) == 10 && $(sent 8) == 10 ]]
	oversize drop
	[[ $(found icmp) == 0 && $(sent 9) == 10 ]]
	oversize fragment
	[[ $(found icmp -o ip.defragment:TRUE) == 10 && $(sent 10) == 10 ]]
	[[ $(found "ip.flags.mf == 1") == 10 ]]
}

@test "a path that becomes narrower on its way is found out by its router's answer" {
	on host ip link set eth1 mtu 9000
	on collector ip link set eth0 mtu 9000
	# the collector is behind a router with a narrow link
	lab_host far
	lab_wire collector far0 far eth0
	on collector ip addr add 203.0.113.1/24 dev far0
	on far ip addr add 203.0.113.9/24 dev eth0
	on collector ip link set far0 mtu 1400
	on far ip link set eth0 mtu 1400
	on far ip route add default via 203.0.113.1
	on collector sysctl -qw net.ipv4.ip_forward=1
	on host ip route add 203.0.113.0/24 via $LAB_COLLECTOR4
	mirror_all --tunnel-type=vxlan --tunnel-remote-address=203.0.113.9
	pings 5 -s 1400
	sleep 0.5
	capture copies far eth0
	pings 5 -s 1400
	capture_end copies
	# not the answers of its host, where nobody listens
	[[ $(found "icmp && udp.dstport == 4789 && !(ip.src == 203.0.113.9)") == 10 ]]
}

@test "TTL, DSCP, source address and source port are as asked for" {
	on host ip addr add 198.51.100.77/24 dev eth1
	mirror_all --tunnel-type=gue --tunnel-remote-address=$LAB_COLLECTOR4 --ttl=9 --dscp=10 \
		--tunnel-local-address=198.51.100.77 --tunnel-local-port=7777 --tunnel-remote-port=6666
	capture copies collector eth0 udp
	pings 5
	capture_end copies
	(($(number copies udp) >= 10))
	[[ $(number copies src host 198.51.100.77 and src port 7777 and dst port 6666) == $(number copies udp) ]]
	[[ $(number copies 'ip[8] = 9 and ip[1] = 40') == $(number copies udp) ]]
}

@test "copies that leave through a mirrored interface are not copied" {
	on host tc_root start --iface eth1 --quiet
	for to in gue:$LAB_COLLECTOR4 gre:$LAB_COLLECTOR4 "gue:[$LAB_COLLECTOR6]"; do
		expect 0 on host mirroring start --iface=eth1 --direction=egress --rules="mirror to $to" \
			--map-name=/sys/fs/bpf/tc/globals/eth1/tc_egress_root_array
		capture copies collector eth0
		on collector busybox ping -q -c 100 -i 0.002 $LAB_UPLINK4
		capture_end copies
		# neighbours may be looked for in between
		copies=$(number copies "(udp or ip proto 47) and (src host $LAB_UPLINK4 or src host $LAB_UPLINK6)")
		echo "$copies copies of 100 packets"
		((copies >= 100 && copies <= 110))
	done
}

@test "both directions of a flow go to one collector, from one port" {
	for i in 1 2 3; do on collector ip addr add "198.51.100.10$i/24" dev eth0; done
	mirror_all --tunnel-type=vxlan --tunnel-remote-address=198.51.100.101,198.51.100.102,198.51.100.103
	on host sh -c 'mkdir -p /run/www && echo >/run/www/file'
	spawn host httpd busybox httpd -f -p 80 -h /run/www
	wait_until 5 on client curl --silent --fail http://$LAB_HOST4/file
	capture copies collector eth0 dst port 4789
	# the server closes each connection
	on client curl --silent --fail --output /dev/null "http://$LAB_HOST4/file?[1-60]"
	capture_end copies
	# outer destination and source port, by the client's port
	tshark -n -r "$LAB/copies.pcap" -Y tcp -T fields -E occurrence=a -e ip.dst -e udp.srcport -e tcp.srcport -e tcp.dstport 2>/dev/null |
		awk '{ split($1, dst, ","); print $3 == 80 ? $4 : $3, dst[1], $2 }' | sort -u >"$LAB/flows"
	head -5 "$LAB/flows"
	[[ $(cut -d' ' -f1 "$LAB/flows" | sort -u | wc -l) -ge 60 ]]
	[[ $(cut -d' ' -f1 "$LAB/flows" | uniq -d | wc -l) == 0 ]]
	[[ $(cut -d' ' -f2 "$LAB/flows" | sort -u | wc -l) == 3 ]]
}
