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
	local before=
	until [[ $before == "$(received)" ]]; do
		before=$(received)
		sleep 0.4
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
	local requests=$((requests / 4))
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

# recorder NAME PORT: writes down what one connection brings.
recorder() {
	spawn collector "$1" timeout 20 /usr/bin/python3 -c 'import shutil, socket, sys
connection = socket.create_server(("127.0.0.1", int(sys.argv[1]))).accept()[0]
shutil.copyfileobj(connection.makefile("rb"), sys.stdout.buffer)' "$2"
}

@test "what is replayed is what tshark sees in the same copies; of any TCP, what the client sent" {
	collect --listen vxlan --replay "80=http://127.0.0.1:9090" --replay-mark= --tcp 5432=127.0.0.1:9091 --grace 1 \
		--write "$LAB/copies.pcap"
	recorder replayed 9090
	wait_until 5 listens 9090
	expect 0 on host mirroring start --iface=eth0 --direction=ingress --map-name=/sys/fs/bpf/tc/globals/eth0/tc_ingress_root_array \
		--rules="mirror proto tcp dst-port 80,5432" --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
	head -c 30000 /dev/urandom >"$LAB/body"
	expect 0 on client curl --silent --output /dev/null --data-binary "@$LAB/body" http://$LAB_HOST4/upload

	# a server that speaks first; its replay begins when the client has gone
	spawn host greeter timeout 20 /usr/bin/python3 -c 'import socket
connection = socket.create_server(("", 5432)).accept()[0]
connection.sendall(b"hello")
while connection.recv(65536):
    pass
connection.sendall(b"bye")'
	wait_until 5 on host bash -c 'ss -Hltn "sport = :5432" | grep -q .'
	expect 0 on client /usr/bin/python3 -c 'import socket, sys
connection = socket.create_connection((sys.argv[1], 5432))
assert connection.recv(5) == b"hello"
connection.sendall(open(sys.argv[2], "rb").read())
connection.shutdown(socket.SHUT_WR)
assert connection.recv(5) == b"bye"' $LAB_HOST4 "$LAB/body"
	recorder stream 9091
	wait_until 5 cmp "$LAB/body" "$LAB/stream.log"
	wait "$pid" # for a FIN

	collect_all || true # nobody answers
	counters stream_bytes_tcp=30000 tcp_bytes_sent=30000 tcp_bytes_unsent=0 stream_bytes_missing=0
	tshark -q -r "$LAB/copies.pcap" -z follow,tcp,raw,0 | grep -E '^[0-9a-f]+$' | tr -d '\n' | xxd -r -p >"$LAB/followed"
	(($(stat -c %s "$LAB/followed") > 30000))
	# the server writes what it was sent a little later
	wait_until 5 eval '(($(stat -c %s "$LAB/replayed.log") >= $(stat -c %s "$LAB/followed")))'
	cmp "$LAB/followed" "$LAB/replayed.log"
}

# replay_file FILE OPTION…: until it ends by itself.
replay_file() {
	LAB_TIMEOUT=60 expect 0 on collector mirror-collector --read "$1" --replay 80=http://127.0.0.1:8080 "${@:2}"
	echo "$output" >"$LAB/collect.log"
}

@test "a capture at the origin is replayed as the requests were sent, and each is answered" {
	lab_no_offload client eth0
	capture seen host eth0 -s 2000 "tcp dst port 80"
	clients 1000 50
	capture_end seen
	replay_file "$LAB/seen.pcap"
	requests_of origin >"$LAB/origin.sorted"
	requests_of target >"$LAB/target.sorted"
	[[ $(wc -l <"$LAB/origin.sorted") == 1000 ]]
	cmp "$LAB/origin.sorted" "$LAB/target.sorted"
	counters requests=1000 responses=1000 stream_gaps=0 segments_bad=0 stream_bytes_requests="$sent"
}

@test "a capture has its own time: for what is late, and for a rate; a target may be slow, and be the origin" {
	local captures=$BATS_TEST_DIRNAME/captures.py
	"$captures" late 192.0.2.2 80 >"$LAB/late.pcap"
	replay_file "$LAB/late.pcap"
	counters requests=1 responses=1 stream_gaps=1
	"$captures" together 192.0.2.2 80 >"$LAB/together.pcap"
	replay_file "$LAB/together.pcap" --replay-rate 10
	counters requests=6 responses=6 requests_rate=0
	spawn collector slow /usr/bin/python3 -c 'import http.server, time
class Slow(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        time.sleep(0.4)
        self.send_response(204)
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", 8181), Slow).serve_forever()'
	wait_until 5 listens 8181
	"$captures" together 127.0.0.1 8181 >"$LAB/together.pcap"
	replay_file "$LAB/together.pcap" --replay 8181=http://127.0.0.1:8181 --max-age 1 --grace 0
	counters requests=6 responses=6 requests_aged=0 flows_loop=0
	# 1.5 s for all bytes, none of which may wait for one; with small buffers in the kernel
	on collector sysctl -q -w net.ipv4.tcp_wmem="4096 16384 65536"
	spawn collector reader /usr/bin/python3 -c 'import socket, time
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
server.bind(("127.0.0.1", 9091))
server.listen()
connection = server.accept()[0]
while data := connection.recv(65536):
    time.sleep(len(data) / 4e6)'
	wait_until 5 listens 9091
	"$captures" bulk 192.0.2.2 5432 >"$LAB/bulk.pcap"
	replay_file "$LAB/bulk.pcap" --tcp 5432=127.0.0.1:9091 --max-age 1
	counters tcp_bytes_sent=6000000 tcp_bytes_unsent=0
}

# executed FILE: requests of the corpus in the lines of a file.
executed() {
	grep -aoE '[A-Z-]+ [^ ]*/(odd|after|evil)/[0-9]+' "$1" | sed -E 's| .*/(odd\|after\|evil)/| \1/|' | LC_ALL=C sort
}

@test "what nginx, HAProxy or Python do not execute is not replayed" {
	requires_command haproxy
	local odd=$BATS_TEST_DIRNAME/odd_requests.py number=0 port name cases
	sed 's/PORT/81/' "$BATS_TEST_DIRNAME/haproxy.cfg" >"$LAB/haproxy.cfg"
	spawn host haproxy haproxy -f "$LAB/haproxy.cfg"
	spawn host python "$odd" serve 82
	for port in 8180 8181 8182; do spawn collector sent$port "$odd" record $port; done
	for port in 81 82; do wait_until 5 on host bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"; done
	for port in 8180 8181 8182; do wait_until 5 listens $port; done
	collect --listen vxlan --replay 80=http://127.0.0.1:8180 --replay 81=http://127.0.0.1:8181 --replay 82=http://127.0.0.1:8182
	expect 0 on host mirroring start --iface=eth0 --direction=ingress --map-name=/sys/fs/bpf/tc/globals/eth0/tc_ingress_root_array \
		--rules="mirror proto tcp dst-port 80-82" --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
	local sending=()
	for port in 80 81 82; do spawn client send$port timeout 60 "$odd" send $LAB_HOST4 $port; sending+=("$pid"); done
	for pid in "${sending[@]}"; do wait "$pid"; done
	cases=$(cat "$LAB/send80.log")
	collect_all
	requests_of origin >"$LAB/nginx.log"
	((cases > 150))
	for name in nginx haproxy python; do
		executed "$LAB/$name.log" >"$LAB/$name.executed"
		executed "$LAB/sent818$((number++)).log" >"$LAB/$name.replayed"
		echo "# $name: of $cases odd requests and as many after them $(wc -l <"$LAB/$name.executed") executed," \
			"$(wc -l <"$LAB/$name.replayed") replayed" >&3
		[[ ! $(LC_ALL=C comm -13 "$LAB/$name.executed" "$LAB/$name.replayed" | tee /dev/fd/2) ]]
		# all plain ones are: without this, a collector that replays nothing would pass
		[[ $(LC_ALL=C comm -12 "$LAB/$name.executed" "$LAB/$name.replayed" | grep -cE '(odd|after)/[012]$') == 6 ]]
	done
	(($(counter requests_malformed) > cases && $(counter flows_uncertain) > 0))
}

# listens PORT: whether something does, at the collector's host.
listens() {
	on collector ss -Hltn "sport = :$1" | grep -q .
}

# replay OPTION…: copies to port 80 go to the collector, which replays them to $targets. To be ended with collect_all.
replay() {
	collect --listen vxlan --replay "80=${targets:-http://127.0.0.1:8080}" "$@"
	mirror_port_80 --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
}

fetch() {
	expect 0 on client curl --silent --fail --output /dev/null "$@"
}

@test "the target's name as Host, and the client's address, with and without TLS" {
	requires_command openssl
	expect 0 openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$LAB/key" -out "$LAB/certificate" \
		-subj /CN=test -addext subjectAltName=DNS:localhost
	server secure collector 8443 "s|backlog|ssl &|; s|server {|ssl_certificate $LAB/certificate; ssl_certificate_key $LAB/key; &|"
	targets=http://127.0.0.1:8080+https://localhost:8443 replay --replay-ca "$LAB/certificate" \
		--replay-host target --replay-client-header X-Client
	fetch --data 12345 http://$LAB_HOST4/a
	fetch "http://[$LAB_HOST6]/b"
	collect_all
	requests_of target
	requests_of secure
	[[ $(requests_of target) == "$(printf '%s\n' "GET /b 127.0.0.1:8080  $LAB_CLIENT6 " "POST /a 127.0.0.1:8080  $LAB_CLIENT4 12345")" ]]
	[[ $(requests_of secure) == "$(printf '%s\n' "GET /b localhost:8443  $LAB_CLIENT6 " "POST /a localhost:8443  $LAB_CLIENT4 12345")" ]]
}

@test "dry run, a share of the connections, a rate; TLS and HTTP/2 are counted and said once" {
	replay --replay-dry-run --replay-percent 50
	clients 400 200
	collect_all
	counters flows=200 requests_sent=0
	[[ $(counter requests) == "$(counter requests_dry)" ]]
	(($(counter flows_not_chosen) > 60 && $(counter flows_not_chosen) < 140))
	[[ $(counter requests) == $((2 * (200 - $(counter flows_not_chosen)))) ]]

	collect --listen vxlan --replay 80=http://127.0.0.1:8080 --replay-rate 100
	local i
	for i in 1 2; do
		on client bash -c "exec 3<>/dev/tcp/$LAB_HOST4/80; printf '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03' >&3; cat <&3" >/dev/null
		on client bash -c "exec 3<>/dev/tcp/$LAB_HOST4/80; printf 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' >&3; cat <&3" >/dev/null
	done
	clients 2000 10
	collect_all
	counters requests=2000 flows_tls=2 flows_http2=2
	(($(counter requests_sent) >= 11 && $(counter requests_sent) < 1500))
	[[ $(($(counter requests_sent) + $(counter requests_rate))) == 2000 ]]
	[[ $(grep -c 'is TLS' "$LAB/collect.log") == 1 && $(grep -c 'is HTTP/2' "$LAB/collect.log") == 1 ]]
}

# p99_lags: the 99th percentile of the milliseconds between origin and target, of each time that the clients ran.
p99_lags() {
	awk '{ request = $2 " " $3 }
		NR == FNR { at[request, ++nth[request]] = $1; next }
		{ run = ++seen[request]; print run, ($1 - at[request, run]) * 1000 }' "$LAB/origin/times.log" "$LAB/target/times.log" |
		sort -k 1,1n -k 2,2n | awk '{ lag[$1, ++n[$1]] = $2 } END { for (run in n) printf "%d ", lag[run, int(0.99 * n[run])] }'
}

@test "an endless target, a slow one, a silent one and a dead one hold up only their own requests" {
	server origin81 host 81 && server target81 collector 8081
	local kinds=(endless silent slow) port i
	for i in 0 1 2; do spawn collector "${kinds[i]}" "$BATS_TEST_DIRNAME/bad_target.py" "${kinds[i]}" 818$i; done
	for port in 8180 8181 8182; do wait_until 5 listens $port; done
	collect --listen vxlan --replay 80=http://127.0.0.1:8080 --memory 16M --max-age 4 --grace 1 --write "$LAB/copies.pcap" \
		--replay 81=http://127.0.0.1:8180+http://127.0.0.1:8181,http://127.0.0.1:9999+http://127.0.0.1:8182+http://127.0.0.1:8081
	expect 0 on host mirroring start --iface=eth0 --direction=ingress --map-name=/sys/fs/bpf/tc/globals/eth0/tc_ingress_root_array \
		--rules="mirror proto tcp dst-port 80,81" --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
	# the good one alone, which is slower the first time, and beside the bad ones
	clients 400 100
	clients 400 100
	spawn client bad "$BATS_TEST_DIRNAME/clients.py" $LAB_HOST4 81 400 100
	clients 400 100
	wait "$pid"
	# all of them together are given up in time, not one by one
	wait_until 10 eval '[[ ! $(on collector ss -Htn state established "( dport >= :8180 and dport <= :8182 )") ]]'
	local begun=$SECONDS
	collect_end
	((SECONDS - begun <= 3))
	for i in origin target origin81 target81; do requests_of $i >"$LAB/$i.sorted"; done
	cmp "$LAB/origin.sorted" "$LAB/target.sorted"
	cmp "$LAB/origin81.sorted" "$LAB/target81.sorted"
	echo "# ms from origin to target, 99th percentile: $(p99_lags)(at first, alone, beside bad targets)" >&3
	counters requests=1600 responses=1600 kernel_drops=0 segments_overflow=0
	(($(counter requests_aged) + $(counter requests_unsent) + $(counter responses_late) + $(counter responses_lost) +
		$(counter requests_memory) == 1200 && $(counter requests_unsent) > 0 && $(counter responses_late) > 0))
	[[ $(counter packets) == "$(counter packets_written)" ]]
}

@test "connections are spread over targets, and one that closes after each answer gets all" {
	server second collector 8081 's/keepalive_requests 100000/keepalive_requests 3/'
	targets=http://127.0.0.1:8080,http://127.0.0.1:8081 replay
	clients 2000 20
	collect_all
	local name
	for name in origin target second; do requests_of $name >"$LAB/$name.sorted"; done
	[[ -s $LAB/target.sorted && -s $LAB/second.sorted ]]
	LC_ALL=C sort -m "$LAB/target.sorted" "$LAB/second.sorted" | cmp "$LAB/origin.sorted" -
	counters requests=2000 responses=2000 requests_resent=0
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
	[[ $(grep -c "connections to the target $LAB_HOST4 port 8080 are mirrored" "$LAB/collect.log") == 1 ]]
}
