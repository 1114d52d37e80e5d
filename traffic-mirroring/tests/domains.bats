#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# `domain`: of the flows with a name that is wanted the collector gets every packet that was on the wire, from the first
# one on, in both directions, and of no other flow any. Servers: nginx, with names by TLS and HTTP. Clients: TLS 1.2 with
# sessions resumed, TLS 1.3 with ClientHellos of three segments, HTTP/1, QUIC v1 and v2 (flights of aioquic), IPv4 and IPv6.

load ring

wanted_names="alpha.wanted.test|exact.test|plain.wanted.test"
rules="skip domain secret.wanted.test; mirror domain *.wanted.test,exact.test"

setup() {
	requires_command nft nginx openssl tshark
	ring_lab
	ring_wire
}

# The servers, at a host.
serve() {
	web_server "$1"
	spawn "$1" datagrams "$tools/domain_traffic.py" serve
	wait_until 5 grep -q ready "$LAB/datagrams.log"
}

web_server() {
	mkdir "$LAB/web" && chmod 755 "$LAB" && chmod 777 "$LAB/web"
	head -c 40000 /dev/zero >"$LAB/web/file"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$LAB/web/key" -subj /CN=test \
		-out "$LAB/web/certificate" 2>/dev/null
	cat >"$LAB/web/nginx.conf" <<-END
		daemon off;
		pid $LAB/web/nginx.pid;
		error_log $LAB/web/error.log;
		events { worker_connections 4096; }
		http {
			access_log off;
			client_body_temp_path $LAB/web/body;
			proxy_temp_path $LAB/web/proxy;
			fastcgi_temp_path $LAB/web/fastcgi;
			uwsgi_temp_path $LAB/web/uwsgi;
			scgi_temp_path $LAB/web/scgi;
			server {
				listen 80 backlog=4096;
				listen [::]:80 backlog=4096;
				listen 443 ssl backlog=4096;
				listen [::]:443 ssl backlog=4096;
				ssl_certificate $LAB/web/certificate;
				ssl_certificate_key $LAB/web/key;
				ssl_session_cache shared:sessions:1m;
				root $LAB/web;
			}
		}
	END
	spawn "$1" nginx nginx -p "$LAB/web" -c "$LAB/web/nginx.conf" -e "$LAB/web/error.log"
	wait_until 5 on "$1" bash -c "exec 3<>/dev/tcp/127.0.0.1/443"
}

# One packet in a hundred of either direction is lost, and one of those that the client sends is late.
bad_wire() {
	on client tc qdisc add dev eth0 root handle 1: htb default 10
	on client tc class add dev eth0 parent 1: classid 1:10 htb rate 10gbit
	on client tc class add dev eth0 parent 1: classid 1:20 htb rate 3mbit burst 1 cburst 1
	on client nft -f - <<-'END'
		table netdev wire {
			chain out {
				type filter hook egress device eth0 priority 0
				meta l4proto tcp numgen random mod 100 < 1 drop
				meta l4proto tcp numgen random mod 100 < 1 meta priority set 1:20
			}
			chain in {
				type filter hook ingress device eth0 priority 0
				meta l4proto tcp numgen random mod 100 < 1 drop
			}
		}
	END
}

# talk COUNT: as many connections, and flights of QUIC; and what came of them.
talk() {
	capture wire client eth0 -s 4000
	capture copies host eth1 -s 4000 "udp dst port 4789"
	LAB_TIMEOUT=60 on client "$tools/domain_traffic.py" talk "$1" $LAB_HOST4,$LAB_HOST6 >"$LAB/flows"
	wait_until 5 idle
	capture_end wire
	capture_end copies
	grep -E "^($wanted_names) " "$LAB/flows" | cut -d' ' -f2 >"$LAB/wanted"
	expect 0 "$tools/ring_compare.py" vxlan "$LAB/wire.pcap" "$LAB/copies.pcap" 0 "$LAB/wanted"
}

@test "every packet of the wanted flows, and none of the others" {
	serve host
	ring_start --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
	talk 200
	(($(wc -l <"$LAB/wanted") > 100 && $(wc -l <"$LAB/flows") == 206))
	(($(sent names_found) > 150 && $(sent held_dropped) > 0))
}

@test "1,000 connections, with loss and packets out of order" {
	serve host
	ring_start --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
	bad_wire
	talk 1000
}

# The host routes between client and servers.
forward() {
	on host sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	on client ip route add 198.51.100.0/24 via $LAB_HOST4
	on client ip route add 2001:db8:2::/64 via $LAB_HOST6
	on collector ip route add 192.0.2.0/24 via $LAB_UPLINK4
	on collector ip route add 2001:db8:1::/64 via $LAB_UPLINK6
	lab_no_offload collector eth0
	# on one CPU each: two would put packets of a flow on the wire in another order than they passed the program in
	local at
	for at in host collector; do
		on $at bash -c "echo 1 >/sys/class/net/eth0/queues/rx-0/rps_cpus"
	done
	on host tc_root start --iface eth1 --quiet
}

# mirror_names DEVICE DIRECTION VNI NAMES
mirror_names() {
	expect 0 on host mirroring start --iface="$1" --direction="$2" --rules="mirror domain $4" --tunnel-type=vxlan \
		--tunnel-id="$3" --tunnel-remote-address=$LAB_COLLECTOR4 \
		--map-name="/sys/fs/bpf/tc/globals/$1/tc_$2_root_array"
}

# arrived VNI WIRE NAMES: the copies with this VNI are the packets of these names' flows on that wire.
arrived() {
	grep -E "^($3) " "$LAB/flows" | cut -d' ' -f2 >"$LAB/wanted"
	expect 0 "$tools/ring_compare.py" vxlan "$LAB/$2.pcap" "$LAB/copies$1.pcap" 0 "$LAB/wanted"
	[[ $output == [1-9]* ]]
}

@test "two interfaces, one in each direction, each with names of its own" {
	local to_servers="(dst host $LAB_COLLECTOR4 or dst host $LAB_COLLECTOR6)" name
	forward
	serve collector
	mirror_names eth0 ingress 1 "*.wanted.test"
	mirror_names eth1 egress 2 exact.test,secret.wanted.test
	capture received client eth0 -s 4000 "$to_servers"
	capture sent collector eth0 -s 4000 "$to_servers and not udp dst port 4789"
	capture copies1 host eth1 -s 4000 "udp dst port 4789 and udp[12:4] = 0x100"
	capture copies2 host eth1 -s 4000 "udp dst port 4789 and udp[12:4] = 0x200"
	LAB_TIMEOUT=60 on client "$tools/domain_traffic.py" talk 60 $LAB_COLLECTOR4,$LAB_COLLECTOR6 >"$LAB/flows"
	wait_until 5 idle
	for name in received sent copies1 copies2; do
		capture_end $name
	done
	arrived 1 received "alpha.wanted.test|plain.wanted.test|secret.wanted.test"
	arrived 2 sent "exact.test|secret.wanted.test"
}
