#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The command mirror-collector: what it receives, writes, shows and says.

load collector

setup() {
	requires_root
	requires_command bpftool capinfos curl editcap mergecap jq tcpdump tshark zstd
	lab_begin && lab_host host collector && lab_wire host eth0 collector eth0 &&
		on collector ip link set eth0 mtu 1600 && on host ip link set eth0 mtu 1600 &&
		lab_addresses host eth0 $LAB_UPLINK4 $LAB_UPLINK6 && lab_addresses collector eth0 $LAB_COLLECTOR4 $LAB_COLLECTOR6
	chmod 755 "$LAB"
}

# tunnel FORMAT PORT BYTES [ADDRESS]: sends a datagram, in hexadecimal, to the collector.
datagram() {
	on host bash -c "xxd -r -p <<<'$2' >/dev/udp/${3:-$LAB_COLLECTOR4}/$1"
}

# gre BYTES [ADDRESS]: sends a packet of IP protocol 47.
gre() {
	on host /usr/bin/python3 -c 'import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
socket.socket(family, socket.SOCK_RAW, 47).sendto(bytes.fromhex(sys.argv[1]), (sys.argv[2], 0))' "$1" "${2:-$LAB_COLLECTOR4}"
}

ip4=4500001c000000004011000001020304050607080035003600080000
ip6=60000000000811400102030405060708090a0b0c0d0e0f10111213141516171819101112131415160035003600080000
frame=02000000000202000000000108004500001c000000004011000001020304050607080035003600080000
vxlan7=0800000000000700

# packets_of FILE [FILTER]: how many match
packets_of() {
	tcpdump --count -r "$1" "${@:2}" 2>/dev/null | cut -d' ' -f1
}

@test "every format, over IPv4 and IPv6" {
	collect --listen gue --listen vxlan --listen vxlan:5000 --listen geneve --listen gre --listen erspan --write "$LAB/copies.pcapng"
	local to
	for to in $LAB_COLLECTOR4 $LAB_COLLECTOR6; do
		datagram 6080 00040000$ip4 $to
		datagram 6080 $ip6 $to
		datagram 4789 $vxlan7$frame $to
		datagram 5000 0800000000000900$frame $to
		datagram 6081 0000655800000800$frame $to
		datagram 6081 00000800000000004500004e0000000040110000c0000201c0000202d43112b5003a0000$vxlan7$frame $to
		gre 00006558$frame $to
		gre 2000080000000005$ip4 $to
		gre 100088be00000001100000060000000a$frame $to
	done
	gre 000022eb$frame
	datagram 6080 00
	datagram 4789 0000000000000700$frame
	datagram 6081 0080655800000800$frame
	collect_end
	counters datagrams=22 packets=18 packets_written=18 datagrams_short=1 datagrams_invalid=2 datagrams_control=1
	[[ $(packets_of "$LAB/copies.pcapng" 'ip and src 1.2.3.4 and udp port 53') == 16 ]]
	[[ $(packets_of "$LAB/copies.pcapng" ip6) == 2 ]]
	# an interface per source, format and VNI
	expect 0 capinfos -I "$LAB/copies.pcapng"
	[[ $(tshark -n -r "$LAB/copies.pcapng" -T fields -e frame.interface_name | sort -u) == "$(sort <<-END
		gue $LAB_UPLINK4
		gue $LAB_UPLINK6
		vxlan $LAB_UPLINK4 vni 7
		vxlan $LAB_UPLINK6 vni 7
		vxlan $LAB_UPLINK4 vni 9
		vxlan $LAB_UPLINK6 vni 9
		geneve $LAB_UPLINK4 vni 8
		geneve $LAB_UPLINK6 vni 8
		gre $LAB_UPLINK4
		gre $LAB_UPLINK6
		erspan $LAB_UPLINK4 vni 6
		erspan $LAB_UPLINK6 vni 6
	END
	)" ]]
	[[ $(tshark -n -r "$LAB/copies.pcapng" -T fields -e frame.time_epoch | head -1) =~ \.[0-9]{9}$ ]]
}

@test "what the sender tells in Geneve: time, length, direction; in a compressed file" {
	collect --listen geneve --write "$LAB/copies.pcapng.zst"
	datagram 6081 0700655800000700fff1010103010000fff10201000005dcfff1030217979cfe362a0005$frame
	collect_end
	counters packets=1 packets_cut=1
	expect 0 tshark -n -r "$LAB/copies.pcapng.zst" -T fields -e frame.time_epoch -e frame.len -e frame.cap_len -e frame.packet_flags_direction
	[[ $output == *$'1700000000.000000005\t1500\t42\t0x00000002' ]]
	[[ $(zstd -dc "$LAB/copies.pcapng.zst" | tcpdump --count -r - 2>/dev/null) == '1 packet' ]]
}

@test "stdout is live, and ends when its reader does" {
	mkfifo "$LAB/pipe"
	spawn collector reader timeout 10 tcpdump -l -n -r "$LAB/pipe"
	spawn collector collect bash -c "exec mirror-collector --listen vxlan -w - >'$LAB/pipe'"
	wait_until 5 on collector bash -c 'ss -Huln | grep -q :4789'
	datagram 4789 $vxlan7$frame
	wait_until 2 grep -q '1.2.3.4.53 > 5.6.7.8.54' "$LAB/reader.log"
	kill "${LAB_SPAWNED[0]}"
	local process=${LAB_SPAWNED[1]}
	sleep 0.3
	datagram 4789 $vxlan7$frame
	datagram 4789 $vxlan7$frame
	wait "$process"
}

# datagrams N: sends the bytes of $LAB/copy N times.
datagrams() {
	on host /usr/bin/python3 -c 'import socket, sys
copy, to = open(sys.argv[2], "rb").read(), socket.socket(type=socket.SOCK_DGRAM)
for _ in range(int(sys.argv[1])):
    to.sendto(copy, (sys.argv[3], 4789))' "$1" "$LAB/copy" $LAB_COLLECTOR4
}

@test "a pipe that nobody reads does not keep it from ending" {
	mkfifo "$LAB/pipe"
	exec 5<>"$LAB/pipe"
	spawn collector collect bash -c "exec mirror-collector --listen vxlan --workers 1 --grace 1 -w - >'$LAB/pipe' 5>&-"
	collector=$!
	wait_until 5 on collector bash -c 'ss -Huln | grep -q :4789'
	xxd -r -p <<<"$vxlan7$frame$(printf '%02000d' 0)" >"$LAB/copy"
	datagrams 2000
	kill -TERM "$collector"
	wait_until 6 bash -c "! grep -q '^State:.[^Z]' /proc/$collector/status"
	exec 5>&-
	grep -q 'cannot write' "$LAB/collect.log"
}

@test "a pipe without a reader keeps it neither from ending nor from feeding others" {
	mkfifo "$LAB/pipe"
	spawn collector collect mirror-collector --listen vxlan -w "$LAB/pipe"
	wait_until 5 grep -q mirror-collecto "/proc/$pid/comm"
	kill -TERM "$pid"
	wait_until 2 bash -c "! grep -q '^State:.[^Z]' /proc/$pid/status"
	exec 5<>"$LAB/pipe"
	spawn collector collect bash -c "exec mirror-collector --listen vxlan --tap ids0 --grace 1 -w - >'$LAB/pipe' 5>&-"
	collector=$!
	wait_until 5 on collector bash -c 'ss -Huln | grep -q :4789'
	xxd -r -p <<<"$vxlan7$frame$(printf '%02800d' 0)" >"$LAB/copy"
	datagrams 8000
	collect_end || true # the pipe was given up
	exec 5>&-
	(($(counter packets_unwritten) > 0))
	[[ $(counter packets_fed) == "$(counter packets)" ]]
}

@test "files are rotated by size, and the oldest go" {
	chmod 777 "$LAB"
	collect --listen vxlan --write "$LAB/copies.pcap" --rotate-size 4K --rotate-files 3
	local i
	for i in {1..60}; do
		datagram 4789 "$vxlan7$frame$(printf '%01000d' 0)"
	done
	collect_end
	counters packets=60 packets_written=60
	(($(counter files) > 5))
	ls "$LAB"/copies-*.pcap
	[[ $(find "$LAB" -name 'copies-*.pcap' | wc -l) == 3 ]]
	local file sum=0
	for file in "$LAB"/copies-*.pcap; do
		expect 0 capinfos -c -M "$file"
		(($(stat -c %s "$file") < 6000))
		sum=$((sum + $(packets_of "$file")))
	done
	((sum >= 14))
	[[ $(ls "$LAB"/copies-*.pcap | tail -1) == *-"$(printf %05d "$(counter files)")".pcap ]]
}

# file_of PROCESS: the capture file that it has open.
file_of() {
	readlink "/proc/$1/fd/"* | grep '/copies-'
}

# The next copy begins the next file when the time is over. On a busy machine that is the first copy.
@test "rotation by time" {
	chmod 777 "$LAB"
	local begun=${EPOCHREALTIME/./} before
	collect --listen vxlan --write "$LAB/copies.pcap" --rotate-time 1s
	before=$(file_of "$collector")
	wait_until 5 eval 'datagram 4789 $vxlan7$frame; [[ $(file_of $collector) != "$before" ]]'
	((${EPOCHREALTIME/./} - begun >= 1000000))
	collect_end
	counters packets_written="$(counter packets)"
}

@test "rotation in a sticky folder, by SIGHUP, and of two runs in one second" {
	mkdir -m 1777 "$LAB/sticky" && chmod 755 "$LAB"
	local before
	for _ in 1 2; do
		collect --listen vxlan --write "$LAB/sticky/copies.pcap" --rotate-size 1G --rotate-files 2
		for _ in 1 2; do
			datagram 4789 $vxlan7$frame
			before=$(file_of "$collector")
			kill -HUP "$collector"
			wait_until 5 eval '[[ $(file_of $collector) != "$before" ]]'
		done
		collect_end
		counters packets_written=2 files=3
	done
	ls -l "$LAB/sticky"
	[[ $(find "$LAB/sticky" -name 'copies-*.pcap' | wc -l) == 4 ]]
}

@test "rotation where the user may not make files is refused" {
	expect 1 on collector mirror-collector --listen vxlan --write "$LAB/copies.pcap" --rotate-time 1s
	[[ $output == *'user 65534 cannot make files in "'"$LAB/\""* ]]
}

@test "a full disk ends it with a message" {
	requires_command mount
	on collector mkdir /run/small
	on collector mount -t tmpfs -o size=64k none /run/small
	collect --listen vxlan --write /run/small/copies.pcap
	on host bash -c "for i in {1..200}; do xxd -r -p <<<'$vxlan7$frame$(printf '%02000d' 0)'; done >/dev/udp/$LAB_COLLECTOR4/4789"
	local status=0
	wait "$collector" || status=$?
	[[ $status == 1 ]]
	grep -q 'cannot write "/run/small/copies.pcap": No space left on device' "$LAB/collect.log"
}

@test "snaplen, and the original length" {
	collect --listen vxlan --write "$LAB/copies.pcap" --snaplen 60
	datagram 4789 "$vxlan7$frame$(printf '%0200d' 0)"
	collect_end
	expect 0 tshark -n -r "$LAB/copies.pcap" -T fields -e frame.len -e frame.cap_len
	[[ $output == *$'142\t60' ]]
}

@test "the inner filter" {
	collect --listen gue --write "$LAB/copies.pcap" --filter 'ip6 and udp dst port 54'
	datagram 6080 $ip4
	datagram 6080 $ip6
	collect_end
	counters packets=2 packets_filtered=1 packets_written=1
	[[ $(packets_of "$LAB/copies.pcap" ip6) == 1 ]]
}

@test "identical copies are written and shown once" {
	collect --listen vxlan --dedup 60000 --tap tap0 --write "$LAB/copies.pcap"
	local other=${frame/02000000000202000000000108/02000000000302000000000408}
	datagram 4789 $vxlan7$frame
	datagram 4789 0800000000000800$other
	datagram 4789 $vxlan7$frame $LAB_COLLECTOR6
	datagram 4789 $vxlan7${frame%00}01
	collect_end
	counters packets=4 packets_duplicate=2 packets_written=2 packets_fed=2
}

@test "only from allowed hosts and VNIs" {
	collect --listen vxlan --from "$LAB_UPLINK4,2001:db8:9::/48" --vni 5,7-8
	datagram 4789 $vxlan7$frame
	datagram 4789 0800000000000600$frame
	datagram 4789 $vxlan7$frame $LAB_COLLECTOR6
	collect_end
	counters datagrams=3 packets=1 datagrams_foreign=1 datagrams_vni=1
}

@test "on an address or an interface" {
	on collector ip addr add 198.51.100.8/24 dev eth0
	collect --listen vxlan:$LAB_COLLECTOR4 --listen "gue:[$LAB_COLLECTOR6]:7000" --listen geneve:lo --listen gre:$LAB_COLLECTOR4
	expect 0 on collector ss -Huln
	[[ $(awk '{ print $4 }' <<<"$output" | sort -u) == "$(sort <<-END
		$LAB_COLLECTOR4:4789
		*%lo:6081
		[$LAB_COLLECTOR6]:7000
	END
	)" ]]
	datagram 4789 $vxlan7$frame
	datagram 7000 $ip6 $LAB_COLLECTOR6
	gre 00006558$frame
	# not these
	datagram 4789 $vxlan7$frame 198.51.100.8
	datagram 7000 $ip4
	datagram 6081 0000655800000800$frame
	gre 00006558$frame 198.51.100.8
	gre 00006558$frame $LAB_COLLECTOR6
	collect_end
	counters datagrams=3 packets=3
}

# frames HEX…: sends frames to the collector's device.
frames() {
	on host /usr/bin/python3 -c 'import socket, sys
device = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
device.bind(("eth0", 0))
for frame in sys.argv[1:]:
    device.send(bytes.fromhex(frame))' "$@"
}

@test "frames at a device, with and without a tag" {
	local macs=${frame:0:24}
	collect --listen dev:eth0 --filter "ether src 02:00:00:00:00:01" --write "$LAB/copies.pcapng"
	frames $frame ${macs}81000063${frame:24} ${macs}08004500004e0000000040110000c0000201c0000202d43112b5003a0000$vxlan7$frame
	wait_until 5 eval '[[ $(packets_of "$LAB/copies.pcapng" 2>/dev/null) == 3 ]]'
	collect_end
	[[ $(packets_of "$LAB/copies.pcapng" 'src 1.2.3.4') == 2 && $(packets_of "$LAB/copies.pcapng" 'vlan 99 and src 1.2.3.4') == 1 ]]
	[[ $(tshark -n -r "$LAB/copies.pcapng" -T fields -e frame.interface_name | sort -u) == $'dev\nvxlan vni 7' ]]
	collect --listen vlan:eth0 --vni 99 --write "$LAB/copies.pcapng"
	frames $frame ${macs}81000063${frame:24} ${macs}81000062${frame:24}
	wait_until 5 eval '[[ $(packets_of "$LAB/copies.pcapng" 2>/dev/null) == 1 ]]'
	collect_end
	counters packets=1 datagrams_vni=1
	[[ $(tshark -n -r "$LAB/copies.pcapng" -T fields -e frame.interface_name) == 'vlan vni 99' ]]
	[[ $(tcpdump -XX -r "$LAB/copies.pcapng" 2>/dev/null | sed -n 's/^\t0x[0-9a-f]*:  \(.*\)  .*/\1/p' | tr -d ' \n') == "$frame" ]]
}

# VXLAN with VNI 7 in Geneve with VNI 5
nested=00000800000005004500004e0000000040110000c0000201c0000202d43112b5003a0000$vxlan7$frame

@test "the VNI of the innermost tunnel, or of the outermost one" {
	local vni
	for vni in 7 "7 --vni-of=innermost" "5 --vni-of=outermost"; do
		# shellcheck disable=SC2086
		collect --listen geneve --vni $vni
		datagram 6081 $nested
		datagram 6081 0000655800000600$frame
		collect_end
		counters packets=1 datagrams_vni=1
	done
}

@test "depth 1 leaves inner tunnels alone" {
	collect --listen geneve --write "$LAB/copies.pcap" --depth 1
	datagram 6081 $nested
	collect_end
	[[ $(packets_of "$LAB/copies.pcap" 'src 192.0.2.1 and udp port 4789') == 1 ]]
}

@test "a TAP device shows the copies, and the stack does not see them" {
	collect --listen vxlan --tap tap0
	capture seen collector tap0
	# an echo request to the collector's own address, by its own MAC: nobody answers
	local mac
	mac=$(lab_mac collector tap0)
	datagram 4789 "$vxlan7${mac//:/}0200000000010800450000240000000040012667c6336402c633640908009397000100013132333400000000"
	datagram 4789 $vxlan7$frame
	datagram 4789 "${vxlan7}ffffffffffff02000000000108060001080006040001020000000001c6336402000000000000c6336409"
	capture_end seen
	collect_end
	counters packets_fed=3 feed_errors=0
	[[ $(captured seen 'icmp or arp or udp') == 3 && $(captured seen) == 3 ]]
	[[ $(on collector nstat -asz IcmpInMsgs | awk '/IcmpInMsgs/ { print $2 }') == 0 ]]
	! on collector ip link show tap0
}

# flows N: sends two copies of each of N flows, from a port of its own as mirror-sender does.
flows() {
	on host /usr/bin/python3 -c 'import socket, sys
copy, place = bytearray.fromhex(sys.argv[2]), len(bytes.fromhex(sys.argv[2])) - 8
for flow in range(int(sys.argv[1])):
    copy[place + 1] = flow # of its source port
    to = socket.socket(type=socket.SOCK_DGRAM)
    for _ in range(2):
        to.sendto(copy, (sys.argv[3], 4789))' "$1" $vxlan7$frame $LAB_COLLECTOR4
}

# The packets of each queue of tap0, by a fanout group, as an IDS reads them: "queue flow" a line.
cat_queues() {
	spawn collector queues /usr/bin/python3 -uc 'import select, socket
group = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) for _ in range(3)]
for one in group:
    one.bind(("tap0", 3))
    one.setsockopt(263, 18, 5 << 16 | 7) # SOL_PACKET, PACKET_FANOUT: by queue, group 7
print("ready")
while True:
    for one in select.select(group, [], [])[0]:
        print(group.index(one), one.recv(99)[35])'
	wait_until 5 grep -q ready "$LAB/queues.log"
}

@test "a TAP device with several queues: each has flows of its own" {
	collect --listen vxlan --tap tap0 --workers 3 --tap-queues 3
	cat_queues
	flows 32
	wait_until 5 eval '(($(wc -l <"$LAB/queues.log") == 65))'
	collect_end
	grep '^[0-9]' "$LAB/queues.log" | sort | uniq -c | awk '{ print $1, $2 }' >"$LAB/counts"
	cat "$LAB/counts"
	# two of each flow, side by side; and each queue has flows: the chance is 1 in 140,000 that one has none
	[[ $(cut -d' ' -f1 "$LAB/counts" | sort -u) == 2 && $(wc -l <"$LAB/counts") == 32 ]]
	[[ $(cut -d' ' -f2 "$LAB/counts" | sort -u | xargs) == "0 1 2" ]]
}

# read_files OPTION…: runs the collector until it ends by itself.
read_files() {
	expect 0 on collector mirror-collector "$@"
	echo "$output" >"$LAB/collect.log"
}

@test "a file is read to its end: what was written is written again, without duplicates as editcap sees them" {
	collect --listen vxlan --write "$LAB/copies.pcap"
	local i
	for i in 1 2 1 3 1; do
		datagram 4789 "$vxlan7${frame%00}0$i$(printf '%02800d' 0)"
	done
	collect_end
	for i in {1..9}; do cp "$LAB/copies.pcap" "$LAB/copies$i.pcap"; done
	mergecap -a -F nsecpcap -w "$LAB/many.pcap" "$LAB"/copies?.pcap
	read_files --read "$LAB/many.pcap" --write "$LAB/again.pcap"
	cmp "$LAB/many.pcap" "$LAB/again.pcap"
	counters datagrams=45 packets=45 packets_written=45
	editcap -F nsecpcap -w 60 "$LAB/many.pcap" "$LAB/expected.pcap"
	read_files --read "$LAB/many.pcap" --write "$LAB/again.pcap" --dedup 60000
	cmp "$LAB/expected.pcap" "$LAB/again.pcap"
	counters packets=45 packets_duplicate=42 packets_written=3
	# several, one of them incomplete
	head -c -7 "$LAB/copies.pcap" >"$LAB/cut.pcap"
	expect 1 on collector mirror-collector -r "$LAB/copies.pcap" -r "$LAB/cut.pcap" -r "$LAB/copies.pcap" -q -w "$LAB/again.pcap"
	[[ $output == *"cannot read \"$LAB/cut.pcap\": "* && $(packets_of "$LAB/again.pcap") == 9 ]]
}

@test "a capture of tunnels: all of them, those of --listen, or none" {
	capture wire collector eth0 'udp or proto gre'
	datagram 4789 $vxlan7$frame
	datagram 5000 $vxlan7$frame $LAB_COLLECTOR6
	gre 100088be00000001100000060000000a$frame
	capture_end wire
	read_files --read "$LAB/wire.pcap" --write "$LAB/copies.pcapng"
	[[ $(tshark -n -r "$LAB/copies.pcapng" -T fields -e frame.interface_name) == $'vxlan vni 7\ndev\ndev' ]]
	read_files --read "$LAB/wire.pcap" --write "$LAB/copies.pcapng" --depth 1
	[[ $(tshark -n -r "$LAB/copies.pcapng" -T fields -e frame.interface_name | uniq) == dev ]]
	read_files --read - --listen vxlan:5000 --listen erspan --from $LAB_UPLINK4,$LAB_UPLINK6 --write "$LAB/copies.pcapng" <"$LAB/wire.pcap"
	counters datagrams=3 datagrams_other=1 packets=2
	[[ $(tshark -n -r "$LAB/copies.pcapng" -T fields -e frame.interface_name) == "vxlan $LAB_UPLINK6 vni 7"$'\n'"erspan $LAB_UPLINK4 vni 6" ]]
}

@test "output that is slow gets all of a file; a pipe to read from keeps it from nothing" {
	xxd -r -p <<<"$vxlan7$frame$(printf '%02800d' 0)" >"$LAB/copy"
	collect --listen vxlan --write "$LAB/copies.pcap"
	datagrams 8000
	collect_end
	local packets
	packets=$(counter packets_written)
	expect 0 on collector bash -c "mirror-collector -r '$LAB/copies.pcap' -q -w - | { sleep 0.5; tcpdump --count -r - 2>&1; }"
	[[ $output == *"$packets packets"* ]]
	mkfifo "$LAB/pipe"
	exec 5<>"$LAB/pipe"
	head -c 100 "$LAB/copies.pcap" >&5
	spawn collector collect bash -c "exec mirror-collector --read - --grace 1 <'$LAB/pipe' 5>&-"
	collector=$!
	wait_until 5 grep -q '^NoNewPrivs:.1' "/proc/$collector/status"
	kill -TERM "$collector"
	wait_until 3 bash -c "! grep -q '^State:.[^Z]' /proc/$collector/status"
	wait "$collector"
	exec 5>&-
}

metrics_say() {
	on collector curl -sf --max-time 1 http://127.0.0.1:9100/metrics | grep -qx "mirroring_collector_$1 $2"
}

@test "metrics on loopback, health for everybody" {
	collect --listen vxlan --metrics 9100 --health 9101
	datagram 4789 $vxlan7$frame
	wait_until 2 metrics_say packets_total 1
	expect 0 on collector curl -sf http://127.0.0.1:9100/metrics
	[[ $(grep -c '^# TYPE' <<<"$output") == $(grep -c '^# HELP' <<<"$output") ]]
	# the old prefix, for one release
	diff <(sed -n 's/l3af_collector_/mirroring_collector_/p' <<<"$output") <(grep mirroring_collector_ <<<"$output")
	# each counter is documented
	diff <(sed -n 's/^mirroring_collector_\(.*\)_total .*/\1/p' <<<"$output") \
		<(sed -n '/^| counter |/,/^$/ s/^| `\([a-z0-9_]*\)` .*/\1/p' "$BATS_TEST_DIRNAME/../../../docs/monitoring.md")
	expect '!' on host curl -s --max-time 2 http://$LAB_COLLECTOR4:9100/metrics
	expect 0 on host bash -c "exec 3<>/dev/tcp/$LAB_COLLECTOR4/9101"
	expect 0 on host bash -c "exec 3<>/dev/tcp/$LAB_COLLECTOR6/9101"
	# somebody who says nothing holds up nobody
	spawn collector silent bash -c 'exec 3<>/dev/tcp/127.0.0.1/9100; sleep 5'
	sleep 0.2
	datagram 4789 $vxlan7$frame
	wait_until 2 metrics_say packets_total 2
	# nor does somebody who never ends
	spawn collector slow bash -c 'while sleep 0.1; do exec 3<>/dev/tcp/127.0.0.1/9100; while printf x >&3; do sleep 0.1; done; done'
	sleep 0.3
	local begun=$SECONDS
	collect_end
	((SECONDS - begun <= 2))
}

# pcap_client NAME: writes the packets that the server sends to $LAB/NAME.pcap.
pcap_client() {
	spawn collector "$1" bash -c "exec tcpdump -Z root -n -U -r - -w '$LAB/$1.pcap' </dev/tcp/127.0.0.1/9102"
}

@test "tcpdump and Wireshark read from the pcap server, as user nobody" {
	collect --listen vxlan --serve-pcap 9102 --write "$LAB/copies.pcap"
	pcap_client early
	spawn collector wireshark tshark -l -n -i TCP@127.0.0.1:9102 -w "$LAB/wireshark.pcapng"
	wait_until 10 on collector bash -c '(($(ss -Htn state established sport = :9102 | wc -l) == 2))'
	wait_until 10 eval 'datagram 4789 $vxlan7$frame; (($(packets_of "$LAB/wireshark.pcapng" "src 1.2.3.4 and udp port 53") > 0))'
	expect '!' on host bash -c "exec 3<>/dev/tcp/$LAB_COLLECTOR4/9102"
	collect_end
	counters pcap_clients=2 packets_unserved=0 packets_served=$((2 * $(counter packets)))
	[[ $(packets_of "$LAB/early.pcap") == "$(counter packets)" ]]
	cmp <(tcpdump -xx -n -tt -r "$LAB/early.pcap") <(tcpdump -xx -n -tt -r "$LAB/copies.pcap")
}

@test "it keeps no privilege" {
	collect --listen vxlan:700 --tap tap0 --write "$LAB/copies.pcap" --replay 80=http://127.0.0.1:8080
	expect 0 grep -hE '^(Uid|Gid|Groups|Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' /proc/$collector/task/*/status
	[[ $(sort -u <<<"$output" | tr -s '\t ' ' ') == "$(printf '%s\n' 'CapAmb: 0000000000000000' 'CapEff: 0000000000000000' \
		'CapInh: 0000000000000000' 'CapPrm: 0000000000000000' 'Gid: 65534 65534 65534 65534' 'Groups: ' \
		'NoNewPrivs: 1' 'Uid: 65534 65534 65534 65534')" ]]
	collect_end
}

@test "what the kernel drops is counted" {
	collect --listen vxlan --workers 1 --receive-buffer 4096
	kill -STOP "$collector"
	local i
	for i in {1..50}; do
		datagram 4789 $vxlan7$frame
	done
	kill -CONT "$collector"
	collect_end
	(($(counter kernel_drops) > 0))
	(($(counter kernel_drops) + $(counter packets) == 50))
}

@test "bad options are refused, each with its value; a wrong command line exits 2" {
	local formats
	formats=$(mirror-collector --help | sed -n 's/.* receive \(.*\); may be repeated/\1/p')
	[[ $formats == "gue, vxlan, "* ]]
	local where='FORMAT[:WHERE][:PORT]'
	local place="$where with a format ($formats), an address or device, and a port that no other format has"
	while IFS='|' read -r status options message; do
		message=${message/'$place'/$place} message=${message/'$where'/$where}
		# shellcheck disable=SC2086
		expect "$status" on collector mirror-collector $options
		[[ $output == "mirror-collector: $message"* && $(wc -l <<<"$output") == 1 ]]
	done <<-'END'
		2||--listen or --read is missing
		2|--read=|--read: expected at most 256 names of files, got ""
		1|--read /nowhere/x|cannot read "/nowhere/x": No such file or directory
		1|--read /dev/null|cannot read "/dev/null": truncated dump file
		2|--listen gu|--listen: expected $place, got "gu"
		2|--listen vxlan:0|--listen: expected $place, got "vxlan:0"
		2|--listen vxlan:70000|--listen: expected $place, got "vxlan:70000"
		2|--listen vxlan --listen gue:4789|--listen: expected $place, got "gue:4789"
		2|--listen dev|--listen: expected $place, got "dev"
		2|--listen|--listen: expected $where, got nothing
		1|--listen vxlan:80abc|cannot listen on "vxlan:80abc": No such device
		1|--listen gre:192.0.2.99|cannot listen on "gre:192.0.2.99": Cannot assign requested address
		1|--listen dev:eth9|cannot listen on "dev:eth9": No such device exists
		2|--listen vxlan --vni-of both|--vni-of: expected innermost or outermost, got "both"
		2|--listen vxlan --colour|unknown option "--colour"
		2|--listen vxlan extra|unexpected word "extra"
		2|--listen vxlan --vni 16777216|--vni: expected VNIs from 0 to 16777215 and ranges of them, got "16777216"
		2|--listen vxlan --vni 9-5|--vni: expected VNIs from 0 to 16777215 and ranges of them, got "9-5"
		2|--listen vxlan --vni 5,,6|--vni: expected VNIs from 0 to 16777215 and ranges of them, got ""
		2|--listen vxlan --from 192.0.2.1/33|--from: expected IPv4 and IPv6 addresses and prefixes, got "192.0.2.1/33"
		2|--listen vxlan --from host|--from: expected IPv4 and IPv6 addresses and prefixes, got "host"
		2|--listen vxlan --dedup 0|--dedup: expected a number from 1 to 60000, got "0"
		2|--listen vxlan --depth 4|--depth: expected a number from 1 to 3, got "4"
		2|--listen vxlan --workers 0|--workers: expected a number from 1 to 64, got "0"
		2|--listen vxlan --filter nonsense|--filter: expected an expression of pcap-filter(7), got "nonsense": 
		2|--listen vxlan --format raw|--format: expected pcap or pcapng, got "raw"
		2|--listen vxlan --snaplen 5|--snaplen: expected a number from 14 to 262144, got "5"
		2|--listen vxlan --rotate-size 1M|--rotate-size, --rotate-time and --rotate-files need --write
		2|--listen vxlan -w - --rotate-size 1M|--rotate-size and --rotate-time need a file, but --write=- is standard output
		2|--listen vxlan -w x --rotate-files 3|--rotate-files needs
		2|--listen vxlan -w x --rotate-time 5x|--rotate-time: expected a time from 1s to 366d, got "5x"
		1|--listen vxlan -w /nowhere/x|cannot write "/nowhere/x": No such file or directory
		1|--listen vxlan --tap a/b|cannot open the TAP device "a/b"
		1|--listen vxlan --tap averyverylongname|cannot open the TAP device "averyverylongname"
		2|--listen vxlan --replay 80|--replay: expected PORT=http[s]://HOST[:PORT][,...][+...], each PORT once, got "80"
		2|--listen vxlan --replay 80=ftp://127.0.0.1|--replay: expected PORT=http[s]://HOST[:PORT][,...][+...], each PORT once, got "80=ftp://127.0.0.1"
		2|--listen vxlan --replay 80=http://127.0.0.1/path|--replay: expected PORT=http[s]://HOST[:PORT][,...][+...], each PORT once, got "80=http://127.0.0.1/path"
		2|--listen vxlan --replay 80=http://127.0.0.1:0|--replay: expected PORT=http[s]://HOST[:PORT][,...][+...], each PORT once, got "80=http://127.0.0.1:0"
		2|--listen vxlan --replay 0=http://127.0.0.1|--replay: expected PORT=http[s]://HOST[:PORT][,...][+...], each PORT once, got "0=http://127.0.0.1"
		2|--listen vxlan --replay 80=http://127.0.0.1,|--replay: expected PORT=http[s]://HOST[:PORT][,...][+...], each PORT once, got "80=http://127.0.0.1,"
		2|--listen vxlan --replay 80=http://[::1|--replay: expected PORT=http[s]://HOST[:PORT][,...][+...], each PORT once, got "80=http://[::1"
		2|--listen vxlan --tcp 5432=127.0.0.1|--tcp: expected PORT=HOST:PORT[,...][+...], each PORT once, got "5432=127.0.0.1"
		2|--listen vxlan --replay 80=http://127.0.0.1 --tcp 80=127.0.0.1:1|--tcp: expected PORT=HOST:PORT[,...][+...], each PORT once, got "80=127.0.0.1:1"
		1|--listen vxlan --replay 80=https://127.0.0.1 --replay-ca /nowhere/ca|cannot read certificates from "/nowhere/ca": No such file or directory
		2|--listen vxlan --replay-percent 101|--replay-percent: expected a number from 0 to 100, got "101"
		2|--listen vxlan --replay-client-header X:|--replay-client-header: expected letters, digits, - and _, got "X:"
		2|--listen vxlan --memory 1M|--memory: expected a size from 16M to 1T, got "1M"
		1|--listen vxlan --user nobody-at-all|--user: there is no user "nobody-at-all"
		2|--listen vxlan --tap tap0 --workers 2 --tap-queues 3|--tap-queues: expected at most --workers (2), got "3"
		2|--listen vxlan --serve-pcap localhost:9102|--serve-pcap: expected a port, alone or as ADDRESS:PORT, got "localhost:9102"
		1|--listen vxlan --serve-pcap 192.0.2.77:9102|cannot listen on TCP port 9102: Cannot assign requested address
		2|--listen vxlan --metrics 99999|--metrics: expected a number from 1 to 65535, got "99999"
	END
}

@test "a second collector is refused, so that it does not take half of the copies" {
	collect --listen gue --listen vxlan
	expect 1 on collector mirror-collector --listen vxlan
	[[ $output == 'mirror-collector: cannot listen on "vxlan": Address already in use' ]]
	collect_end
}
