#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The sender as a process: one per host, without privileges, idle when there is nothing; killed, replaced and ended.

load sender

start() {
	mirror_all --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4 "$@"
}

# pings COUNT [INTERVAL]: all have to be answered.
pings() {
	local answers
	answers=$(on client busybox ping -q -c "$1" -i "${2:-0.01}" -W 1 $LAB_HOST4)
	[[ $answers == *" $1 packets received"* ]] || { echo "$answers" && return 1; }
}

# Each packet between client and host has a copy; one that was on its way when the sender was killed may have two.
each_has_a_copy() {
	capture_pair_end
	packets wire 0 | sort -u >"$LAB/wire"
	packets copies 50 | sort -u >"$LAB/copies"
	wc -l "$LAB/wire" "$LAB/copies"
	diff "$LAB/wire" "$LAB/copies"
}

state() {
	on host bpftool -j map lookup pinned $host_pins/state key 0 0 0 0 | jq -r '.value['"$1"'][2:4]'
}

@test "one per host, which says what it does, has no privilege, and keeps no lock of its starter" {
	expect ! on host mirror-sender
	[[ $output == *"mirroring start"* ]]
	expect ! on host mirror-sender --status
	[[ $output == *"mirroring start"* ]]
	expect ! on host mirror-sender --nonsense
	expect ! on host mirror-sender nonsense
	exec 8>"$LAB/lock"
	flock 8
	start
	exec 8>&-
	flock --nonblock "$LAB/lock" true
	pings 5
	wait_until 3 eval '(($(sent 1) >= 10))'
	expect 0 on host mirror-sender --status
	grep -q "^sender   running, process [0-9]" <<<"$output"
	grep -q "^rings    $(getconf _NPROCESSORS_CONF)" <<<"$output"
	grep -q "vxlan:$LAB_COLLECTOR4 .* copies" <<<"$output"
	# status and metrics describe a counter with the same words
	on host mirroring metrics | sed -n 's/^# HELP mirroring_sender_.*_total \(.*\)\.$/\1/p' >"$LAB/words"
	sed -n '/^counters/,/^group/ s/^  \(.*[^ ]\)  *[0-9]*$/\1/p' <<<"$output" >"$LAB/counters"
	(($(wc -l <"$LAB/counters") >= 3))
	diff <(grep -ixFf "$LAB/words" "$LAB/counters") "$LAB/counters"
	expect 0 on host mirroring status --json
	jq -e '.[0].sender | .up and .process > 1 and .counters.records >= 10 and .shed_ratio == 0 and .errors == {}' <<<"$output"
	jq -e --arg collector "vxlan:$LAB_COLLECTOR4" '.[0].sender.collectors |
		length == 1 and (.[0] | .collector == $collector and .copies >= 10 and .refused == 0 and .reachable)' <<<"$output"
	local first
	first=$(sender)
	expect 0 on host mirror-sender
	[[ $output == *"process $first is this host's sender already"* ]]
	expect 0 on host mirror-sender --foreground
	[[ $(sender) == "$first" ]]
	on host cat "/proc/$(sender)/status"
	for want in "Uid: 65525 65525 65525 65525" "Gid: 65525 65525 65525 65525" "Groups: " "NoNewPrivs: 1" "Seccomp: 2" \
		"CapInh: 0000000000000000" "CapPrm: 0000000000000000" "CapEff: 0000000000000000" "CapAmb: 0000000000000000"; do
		on host cat "/proc/$(sender)/status" | tr -s '\t ' ' ' | sed 's/^Groups:$/Groups: /' | grep -qx "$want"
	done
	[[ $(on host ps -o ni= -p "$(sender)" | tr -d ' ') == 5 ]]
	# nor may its memory be written to a file, or read by another process of its user
	[[ $(stat -c %U "/proc/$(sender)/environ") == root ]]
	(cat /etc/passwd && echo "mirror-sender:x:4321:1234::/:/bin/false") >"$LAB/passwd"
	on host mount --bind "$LAB/passwd" /etc/passwd
	kill -USR1 "$(sender)"
	wait_until 3 eval '[[ ! $(sender) ]]'
	on host mirror-sender
	[[ $(grep -E '^[UG]id' "/proc/$(sender)/status" | tr -s '\t\n' ' ') == "Uid: 4321 4321 4321 4321 Gid: 1234 1234 1234 1234 " ]]
	kill -KILL "$(sender)"
	wait_until 2 eval '[[ ! $(sender) ]]'
	[[ $(on host mirroring status --json | jq '.[0].sender.up') == false ]]
	expect 1 on host mirror-sender --status
	grep -q "not running, and did not end by itself" <<<"$output"
}

# sleeps PID: how often it has given up its processor to wait.
sleeps() {
	sed -n 's/^voluntary_ctxt_switches:\s*//p' "/proc/$1/status"
}

@test "asleep it wakes up a few times a second, and copies leave at once" {
	start
	pings 3
	sleep 0.5
	local pid before after
	pid=$(sender)
	before=$(sleeps "$pid")
	sleep 1
	after=$(sleeps "$pid")
	echo "# asleep it waited $((after - before)) times a second" >&3
	# eight times, and for events of the network; naps would be thousands
	((after - before <= 100))
	# from the wire to the collector: the time between a packet and its copy, by one clock
	capture_pair
	pings 20 0.05
	capture_pair_end
	local file
	for file in wire copies; do
		tshark -n -r "$LAB/$file.pcap" -Y "icmp.type == 8 || icmp.type == 0" -T fields -e icmp.type -e icmp.seq -e frame.time_epoch |
			awk '{ print $1 "." $2, $3 }' | sort >"$LAB/$file"
	done
	join "$LAB/wire" "$LAB/copies" | awk '{ printf "%d\n", ($3 - $2) * 1e6 }' | sort -n >"$LAB/delays"
	[[ $(wc -l <"$LAB/delays") == 40 ]]
	echo "# copies leave after $(head -1 "$LAB/delays") to $(tail -1 "$LAB/delays") µs, median $(sed -n 20p "$LAB/delays")" >&3
	# woken up, not after its sleep of 250 ms
	(($(sed -n 20p "$LAB/delays") < 100000))
}

@test "killed under traffic, ten times: production unharmed, no packet without its copy" {
	start
	capture_pair
	LAB_TIMEOUT=40 pings 1500 0.002 &
	local traffic=$!
	for i in {1..10}; do
		sleep 0.1
		kill -KILL "$(sender)"
		wait_until 2 eval '[[ ! $(sender) ]]'
		on host mirror-sender
		[[ $(sender) ]]
	done
	wait $traffic
	each_has_a_copy
	[[ $(sent 13) == 0 && $(outcome ring_full) == 0 && $(outcome no_sender) == 0 ]]
	# what is in the rings is sent by the next one
	capture_pair
	kill -STOP "$(sender)"
	pings 50
	[[ $(state 0) == 01 ]]
	kill -KILL "$(sender)"
	wait_until 2 eval '[[ ! $(sender) ]]'
	pings 50
	on host mirror-sender
	each_has_a_copy
	(($(wc -l <"$LAB/wire") >= 200))
}

@test "SIGUSR1 leaves the rings to the next one, SIGTERM and SIGINT end mirroring" {
	start
	capture_pair
	pings 10
	kill -USR1 "$(sender)"
	wait_until 3 eval '[[ ! $(sender) ]]'
	[[ $(state 0) == 01 ]]
	pings 10
	on host mirror-sender
	each_has_a_copy
	kill -TERM "$(sender)"
	wait_until 3 eval '[[ ! $(sender) ]]'
	[[ $(state 0) == 00 ]]
	pings 10
	(($(outcome no_sender) >= 20))
	# in the foreground it ends with its signal, and says what it does
	spawn host foreground mirror-sender --foreground -v
	local pid=$! before
	wait_until 3 eval '[[ $(sender) ]]'
	before=$(sent 1)
	pings 5
	wait_until 3 eval '(($(sent 1) >= before + 10))'
	kill -INT "$(sender)"
	wait $pid
	cat "$LAB/foreground.log"
	grep -q "sends what . CPUs copy" "$LAB/foreground.log"
	[[ $(state 0) == 00 ]]
}

@test "a group that comes later replaces the sender, and nothing is lost" {
	start
	local first
	first=$(sender)
	capture_pair
	pings 500 0.002 &
	local traffic=$!
	sleep 0.3
	expect 0 on host mirroring update --iface=eth0 --direction=egress --rules="mirror to geneve:$LAB_COLLECTOR4"
	[[ $(sender) && $(sender) != "$first" ]]
	wait $traffic
	# the outer headers of VXLAN and of Geneve have one size
	each_has_a_copy
	[[ $(captured copies udp port 6081) != 0 ]]
}

@test "a flow whose packets change CPUs keeps its order" {
	start
	local pid i
	capture_pair
	# both rings hold packets of the flow before the first one leaves
	kill -STOP "$(sender)"
	lab_enter client
	"${enter[@]}" busybox ping -q -c 1000 -i 0.002 -W 1 $LAB_HOST4 >"$LAB/ping.log" &
	pid=$!
	for ((i = 0; i < 200; i++)); do
		taskset -cp $((i % $(nproc))) $pid >/dev/null || break
		sleep 0.01
	done
	wait $pid
	kill -CONT "$(sender)"
	each_has_a_copy
	tshark -n -r "$LAB/wire.pcap" -Y icmp -T fields -e icmp.type -e icmp.seq >"$LAB/wire.order"
	tshark -n -r "$LAB/copies.pcap" -Y icmp -T fields -e icmp.type -e icmp.seq >"$LAB/copies.order"
	(($(wc -l <"$LAB/wire.order") == 2000))
	cmp "$LAB/wire.order" "$LAB/copies.order"
}

# numbered COUNT: so many packets of each of 16 flows, with the flow and a number as payload.
numbered() {
	on client /usr/bin/python3 -c '
import socket, struct, time
flows = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(16)]
for n in range('$1'):
    for i, flow in enumerate(flows):
        flow.sendto(struct.pack("!II", i, n), ("'$LAB_HOST4'", 9))
    time.sleep(0.005)
'
}

# threads N: so many send from now on.
threads() {
	expect 0 on host mirroring update --iface=eth0 --direction=ingress --sender-threads=$1
	# the first one learns of the others from the settings
	wait_until 3 eval '[[ $(on host mirroring status --json | jq ".[0].sender.threads | length") == '$1' ]]'
}

@test "one thread, two, killed, one again: each flow is whole and in order" {
	local traffic before file bytes
	directions=ingress rules="mirror proto udp" start --sender-threads=2
	wait_until 3 eval '[[ $(state 36) == 01 ]]'
	kill -USR1 "$(sender)"
	wait_until 3 eval '[[ ! $(sender) ]]'
	# as after a sender that had one thread only: its records come before those of the second thread
	mapfile -t bytes < <(on host bpftool -j map lookup pinned $host_pins/state key 0 0 0 0 | jq -r '.value[]')
	bytes[36]=0
	on host bpftool map update pinned $host_pins/state key 0 0 0 0 value "${bytes[@]}"
	capture_pair
	LAB_TIMEOUT=60 numbered 500 &
	traffic=$!
	sleep 0.5
	on host mirror-sender
	before=$(sent 2)
	wait_until 5 eval '(($(sent 2) > before + 500))'
	expect 0 on host mirror-sender --status
	# half of the flows each, about
	[[ $(grep -c "^thread [01]  *[1-9]" <<<"$output") == 2 ]]
	# records that wait are those of both threads
	kill -STOP "$(sender)"
	sleep 0.1
	kill -KILL "$(sender)"
	wait_until 2 eval '[[ ! $(sender) ]]'
	threads 1
	threads 2
	wait $traffic
	capture_pair_end
	for file in wire copies; do
		tshark -r "$LAB/$file.pcap" -Y "data.len == 8 && udp.dstport == 9 && !icmp" -T fields -e data.data |
			awk '!seen[$0]++' >"$LAB/$file"
	done
	[[ $(wc -l <"$LAB/wire") == 8000 ]]
	diff <(sort "$LAB/wire") <(sort "$LAB/copies")
	# stable: sorted by flow alone
	cmp <(sort -s -k1.1,1.8 "$LAB/wire") <(sort -s -k1.1,1.8 "$LAB/copies")
	[[ $(sent 13) == 0 && $(outcome ring_full) == 0 && $(outcome no_sender) == 0 ]]
}

# flows COUNT: so many, one after the other, of ten packets each; a thousand packets a second if the machine is fast enough.
flows() {
	on client /usr/bin/python3 -c '
import socket, time
start = time.monotonic()
for n in range('$1'):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for _ in range(10):
            s.sendto(b"copy me", ("'$LAB_HOST4'", 9))
    time.sleep(max(0, start + n / 100 - time.monotonic()))
'
}

@test "a rate limit leaves out whole flows, SIGTERM forgets what was left out" {
	directions=ingress rules="mirror proto udp" start --max-rate=200pps
	flows 150 # it settles
	(($(outcome shed) > 0))
	capture_pair
	flows 200
	capture_pair_end
	# packets of each flow, by the client's port
	for file in wire copies; do
		tshark -n -r "$LAB/$file.pcap" -Y "udp.dstport == 9 && !icmp" -T fields -e udp.srcport 2>/dev/null |
			awk -F, '{ n[$NF]++ } END { for (port in n) print port, n[port] }' | sort >"$LAB/$file"
	done
	local all complete broken
	all=$(wc -l <"$LAB/wire")
	complete=$(comm -12 "$LAB/wire" "$LAB/copies" | wc -l)
	broken=$(comm -13 "$LAB/wire" "$LAB/copies" | wc -l)
	echo "# of $all flows $complete arrived whole, $broken in part" >&3
	# no two flows are under way at once, so that each change of the share breaks one, at most
	((complete > 0 && complete < all && broken <= 10))
	kill -TERM "$(sender)"
	wait_until 3 eval '[[ ! $(sender) ]]'
	expect 1 on host mirror-sender --status
	[[ $output == *"overload 0.0 % of the flows are shed"* ]]
	expect 0 on host mirroring update --iface=eth0 --direction=ingress --max-rate=off
	on host mirror-sender
	local shed
	shed=$(outcome shed)
	flows 50
	[[ $(outcome shed) == "$shed" ]]
}
