#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The whole path: clients and nginx on the host, the data path, the ring, the sender, the collector, a second nginx.

load ../../tests/collector

requests=${REPLAY_REQUESTS:-100000}
connections=200

setup() {
	requires_root
	requires_command bpftool curl ethtool jq nginx python3 tshark
	lab_begin && lab_three_hosts && on host tc_root start --iface eth0 --quiet
	server origin host 80 && server target collector 8080
}

# Before the others get a CPU: a sender that is late sheds flows.
mirror_port_80() {
	expect 0 on host mirroring start --iface=eth0 --direction=ingress \
		--map-name=/sys/fs/bpf/tc/globals/eth0/tc_ingress_root_array --rules="mirror proto tcp dst-port 80" --sender-nice=-20 "$@"
}

# The bytes that they sent are in $sent.
clients() {
	LAB_TIMEOUT=120 expect 0 on client "$BATS_TEST_DIRNAME/clients.py" $LAB_HOST4 80 "$1" "$2"
	sent=$output
}

# What the devices of the collector's host have received: copies, and requests on their way to the target.
received() {
	on collector cat /sys/class/net/{eth0,lo}/statistics/rx_packets
}

# Ends the collector when nothing more comes.
collect_all() {
	local - && set +T
	local before=
	until [[ $before == "$(received)" ]]; do
		before=$(received)
		sleep 0.6
	done
	collect_end
}

@test "requests at the target are those at the origin, all of them" {
	collect --listen vxlan --replay "80=http://127.0.0.1:8080" --status
	mirror_port_80 --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4 --tunnel-id=7
	clients "$requests" $connections
	collect_all
	requests_of origin >"$LAB/origin.sorted"
	requests_of target >"$LAB/target.sorted"
	[[ $(wc -l <"$LAB/origin.sorted") == "$requests" ]]
	cmp "$LAB/origin.sorted" "$LAB/target.sorted"
	counters requests="$requests" requests_sent="$requests" responses="$requests" stream_bytes_requests="$sent" \
		stream_gaps=0 stream_bytes_skipped=0 stream_bytes_missing=0 kernel_drops=0 flows=$connections
}

@test "with one copy in a hundred lost, what arrives is true, and what does not is accounted for" {
	requires_command nft
	lab_no_offload host eth1
	on collector nft -f - <<-'END'
		table inet loss {
			chain input {
				type filter hook input priority 0
				udp dport 4789 numgen random mod 100 < 1 counter drop
			}
		}
	END
	collect --listen vxlan --replay "80=http://127.0.0.1:8080"
	mirror_port_80 --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
	clients "$requests" $connections
	collect_all
	on collector nft list ruleset | grep counter
	requests_of origin >"$LAB/origin.sorted"
	requests_of target >"$LAB/target.sorted"
	# no request that the origin did not get, none twice
	[[ ! $(LC_ALL=C comm -13 "$LAB/origin.sorted" "$LAB/target.sorted" | head -c 1) ]]
	local arrived bytes
	arrived=$(wc -l <"$LAB/target.sorted")
	counters requests="$arrived" responses="$arrived" kernel_drops=0
	# each byte that a client sent: in a request, skipped, or missing. A lost FIN counts as one, too.
	bytes=$(($(counter stream_bytes_requests) + $(counter stream_bytes_skipped) + $(counter stream_bytes_missing)))
	echo "# $arrived of $requests requests, $(counter stream_gaps) gaps, $bytes bytes accounted for, $sent sent" >&3
	((arrived < requests && arrived > requests * 9 / 10))
	((bytes >= sent && bytes <= sent + connections))
}

@test "what is replayed is what tshark sees in the same copies" {
	collect --listen vxlan --replay "80=http://127.0.0.1:9090" --write "$LAB/copies.pcap"
	spawn collector replayed timeout 20 python3 -c 'import shutil, socket, sys
connection = socket.create_server(("127.0.0.1", 9090)).accept()[0]
shutil.copyfileobj(connection.makefile("rb"), sys.stdout.buffer)'
	wait_until 5 listens 9090
	mirror_port_80 --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
	head -c 30000 /dev/urandom >"$LAB/body"
	expect 0 on client curl --silent --output /dev/null --data-binary "@$LAB/body" http://$LAB_HOST4/upload
	collect_all || true # nobody answers
	tshark -q -r "$LAB/copies.pcap" -z follow,tcp,raw,0 | grep -E '^[0-9a-f]+$' | tr -d '\n' | xxd -r -p >"$LAB/followed"
	(($(stat -c %s "$LAB/followed") > 30000))
	# the server writes what it was sent a little later
	wait_until 5 eval '(($(stat -c %s "$LAB/replayed.log") >= $(stat -c %s "$LAB/followed")))'
	cmp "$LAB/followed" "$LAB/replayed.log"
}

# listens PORT: whether something does, at the collector's host.
listens() {
	on collector ss -Hltn "sport = :$1" | grep -q .
}

# replay OPTION…: copies to port 80 go to the collector, which replays them. To be ended with collect_all.
replay() {
	collect --listen vxlan --replay "80=http://127.0.0.1:8080" "$@"
	mirror_port_80 --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
}

fetch() {
	expect 0 on client curl --silent --fail --output /dev/null "$@"
}

@test "the target's name as Host, and the client's address" {
	replay --replay-host target --replay-client-header X-Client
	fetch --data 12345 http://$LAB_HOST4/a
	fetch "http://[$LAB_HOST6]/b"
	collect_all
	requests_of target
	[[ $(requests_of target) == "$(printf '%s\n' "GET /b 127.0.0.1:8080  $LAB_CLIENT6 " "POST /a 127.0.0.1:8080  $LAB_CLIENT4 12345")" ]]
}

@test "dry run, and a share of the connections" {
	replay --replay-dry-run --replay-percent 50
	clients 400 200
	collect_all
	counters flows=200 requests_sent=0
	[[ $(counter requests) == "$(counter requests_dry)" ]]
	(($(counter flows_not_chosen) > 60 && $(counter flows_not_chosen) < 140))
	[[ $(counter requests) == $((2 * (200 - $(counter flows_not_chosen)))) ]]
}

@test "a rate" {
	replay --replay-rate 100
	clients 2000 10
	collect_all
	counters requests=2000
	(($(counter requests_sent) >= 11 && $(counter requests_sent) < 1500))
	[[ $(($(counter requests_sent) + $(counter requests_rate))) == 2000 ]]
}

@test "a dead target, a silent one and one that is too slow hold up nothing" {
	collect --listen vxlan --replay 80=http://127.0.0.1:9999 --write "$LAB/copies.pcap"
	mirror_port_80 --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
	clients 2000 20
	collect_all
	counters requests=2000 requests_unsent=2000 kernel_drops=0 segments_overflow=0
	[[ $(counter packets) == "$(counter packets_written)" ]]

	# connections are made, and nobody takes them
	spawn collector silent timeout 30 python3 -c 'import socket, time
server = socket.create_server(("127.0.0.1", 9998), backlog=64)
time.sleep(30)'
	wait_until 5 listens 9998
	collect --listen vxlan --replay 80=http://127.0.0.1:9998 --write "$LAB/copies.pcap" --flow-memory 64K
	clients 2000 20
	collect_all
	counters requests=2000 responses=0 kernel_drops=0 segments_overflow=0
	(($(counter requests_memory) > 0))
	[[ $(($(counter requests_memory) + $(counter requests_unsent) + $(counter responses_late) +
		$(counter responses_lost) + $(counter responses_bad))) == 2000 ]]
}

@test "a target that closes after each answer gets all" {
	sed -i 's/keepalive_requests 100000/keepalive_requests 3/' "$LAB/target/nginx.conf"
	on collector nginx -p "$LAB/target" -c "$LAB/target/nginx.conf" -e "$LAB/target/error.log" -s reload
	sleep 0.5
	replay
	clients 2000 20
	collect_all
	requests_of origin >"$LAB/origin.sorted"
	requests_of target >"$LAB/target.sorted"
	cmp "$LAB/origin.sorted" "$LAB/target.sorted"
	counters requests=2000 responses=2000 requests_resent=0
}

@test "TLS and HTTP/2 are counted and said once" {
	replay
	local i
	for i in 1 2; do
		on client bash -c "exec 3<>/dev/tcp/$LAB_HOST4/80; printf '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03' >&3; cat <&3" >/dev/null
		on client bash -c "exec 3<>/dev/tcp/$LAB_HOST4/80; printf 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' >&3; cat <&3" >/dev/null
	done
	collect_all
	counters flows_tls=2 flows_http2=2 requests=0
	[[ $(grep -c 'is TLS' "$LAB/collect.log") == 1 && $(grep -c 'is HTTP/2' "$LAB/collect.log") == 1 ]]
}

@test "a target whose own connections are mirrored is refused" {
	server more host 8080
	expect 0 on host mirroring start --iface=eth0 --direction=ingress \
		--map-name=/sys/fs/bpf/tc/globals/eth0/tc_ingress_root_array --rules="mirror proto tcp dst-port 80,8080" \
		--tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
	collect --listen vxlan --replay "8080=http://$LAB_HOST4:8080"
	fetch http://$LAB_HOST4:8080/a
	fetch http://$LAB_HOST4:8080/b
	collect_all
	counters flows_loop=2 requests=0 requests_sent=0
	[[ $(grep -c "connections to the target http://$LAB_HOST4:8080 are mirrored" "$LAB/collect.log") == 1 ]]
}
