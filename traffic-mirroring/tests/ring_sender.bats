#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The sender's life as the updater and l3afd see it: started, found dead and started again, left over, taken over, removed.

load ring

setup() {
	ring_lab
	rules="mirror proto icmp"
}

# The only thing that l3afd does regularly.
poll() {
	[[ $(on host mirroring --cmd=status --iface=eth0 --direction=ingress) == RUNNING ]]
}

@test "killed under traffic, ten times: production unharmed; after l3afd's next poll copies come again" {
	ring_start --tunnel-remote-address=$LAB_COLLECTOR4
	capture copies host eth1 -s 200 udp dst port 6080
	lab_enter client
	"${enter[@]}" busybox ping -q -i 0.002 -c 1500 $LAB_HOST4 >"$LAB/ping" &
	local ping=$! round before
	for round in {1..10}; do
		sleep 0.1
		kill -KILL "$(sender)"
		wait_until 2 eval '[[ ! $(sender) ]]'
		before=$(sent copies)
		poll
		# the long ping may be over on a slow machine, and then there is nothing to copy
		wait_until 2 eval 'pings 1; (($(sent copies) > before))'
	done
	wait $ping
	cat "$LAB/ping"
	grep -q ' 1500 packets received, 0% packet loss' "$LAB/ping"
	wait_until 5 idle
	capture_end copies
	# what the rings held is not lost: the next one sends it
	echo "$(outcome ingress ring) and $(outcome egress ring) in the rings, $(captured copies) copies"
	(($(captured copies) >= $(outcome ingress ring) + $(outcome egress ring)))
	[[ $(outcome ingress no_sender) == 0 && $(outcome ingress ring_full) == 0 ]]
}

@test "nobody polls: copies wait in the rings, what is too much is counted, and production does not notice" {
	ring_start --tunnel-remote-address=$LAB_COLLECTOR4 --ring-memory=1M
	kill -KILL "$(sender)"
	wait_until 2 eval '[[ ! $(sender) ]]'
	on client ping -q -f -s 1400 -c 2000 $LAB_HOST4 | grep -q ' 2000 received'
	(($(outcome ingress ring_full) + $(outcome egress ring_full) > 1000))
	mirror 0 status
	[[ $output == *"mirror-sender is not running"* ]]
	poll
	[[ $(sender) ]]
	wait_until 5 idle
	[[ $(sent copies) == $(($(outcome ingress ring) + $(outcome egress ring))) ]]
}

@test "one that hangs: a problem within a second; l3afd's next poll replaces it, and what waits in the rings is sent" {
	ring_start --tunnel-remote-address=$LAB_COLLECTOR4
	wait_until 5 idle
	mirror 0 status
	[[ $output != *"does not answer"* ]]
	local first
	first=$(sender)
	kill -STOP "$first"
	pings 5
	wait_until 1 eval 'mirror 0 status && [[ $output == *"PROBLEM    mirror-sender, process $first, does not answer"* ]]'
	grep -qx "sender   running, process $first, does not answer" <<<"$output"
	on host mirroring metrics | grep -qx 'mirroring_sender_up 0'
	poll
	[[ $(sender) && $(sender) != "$first" ]]
	wait_until 5 idle
	[[ $(sent copies) == 10 ]]
	mirror 0 status
	[[ $output != *"does not answer"* ]]
	# the same by start
	kill -STOP "$(sender)"
	sleep 0.8
	LAB_TIMEOUT=20 ring_start --tunnel-remote-address=$LAB_COLLECTOR4
	pings 5
	wait_until 5 idle
	[[ $(sent copies) == 20 ]]
}

@test "many CPUs: their rings are given to a data path at once, which waits for four grace periods instead of two per CPU" {
	requires_command strace
	rules="mirror proto icmp"
	expect 0 on host strace -qq -e trace=bpf -o "$LAB/calls" mirroring start --iface=eth0 --direction=ingress \
		--map-name="$pins/tc_ingress_root_array" --rules="$rules" --tunnel-remote-address=$LAB_COLLECTOR4
	(($(grep -c "BPF_MAP_UPDATE_BATCH.*count=$(($(getconf _NPROCESSORS_CONF) - 1))" "$LAB/calls") == 2))
	pings 5
	wait_until 5 idle
	[[ $(sent copies) == 5 ]]
}

@test "one that ended by itself stays ended" {
	ring_start --tunnel-remote-address=$LAB_COLLECTOR4
	kill -TERM "$(sender)"
	wait_until 2 eval '[[ ! $(sender) ]]'
	poll
	[[ ! $(sender) ]]
	pings 5
	(($(outcome ingress no_sender) == 5))
	# until somebody wants it again
	ring_start
	[[ $(sender) ]]
}

@test "one for both directions, and for another interface; stop of the last removes all" {
	on host tc_root start --iface eth1 --quiet
	ring_start --tunnel-remote-address=$LAB_COLLECTOR4
	local first
	first=$(sender)
	expect 0 on host mirroring start --iface=eth1 --direction=ingress --rules=mirror \
		--map-name=/sys/fs/bpf/tc/globals/eth1/tc_ingress_root_array --tunnel-remote-address=$LAB_COLLECTOR4
	[[ $(sender) == "$first" ]]
	mirror 0 stop
	expect 0 on host mirroring stop --iface=eth0 --direction=egress
	[[ $(sender) == "$first" ]]
	expect 0 on host mirroring stop --iface=eth1 --direction=ingress
	wait_until 2 eval '[[ $(ps -o stat= -p '"$first"') != [^Z]* ]]'
	expect 0 on host find /sys/fs/bpf -name '*mirror*' -o -name 'ring_*'
	[[ ! $output ]]
}

@test "left over after l3afd took the programs away without a stop: harmless, and taken over by the next start" {
	load_like_l3afd
	mirror 0 start --rules="$rules" --tunnel-remote-address=$LAB_COLLECTOR4
	pings 5
	wait_until 5 idle
	[[ $(sent copies) == 5 ]]
	local first
	first=$(sender)
	on host bash -c "bpftool map delete pinned $pins/tc_ingress_root_array key 0 0 0 0 && rm $pins/mirroring_*"
	on host rm -r /sys/fs/bpf/progs/eth0
	pings 5
	[[ $(sender) == "$first" && $(sent copies) == 5 ]]
	load_like_l3afd
	mirror 0 start --rules="$rules" --tunnel-remote-address=$LAB_COLLECTOR4
	pings 5
	wait_until 5 idle
	[[ $(sent copies) == 10 && $(sender) ]]
	mirror 0 stop
	[[ ! $(sender) ]]
	expect '!' on host ls /sys/fs/bpf/mirroring-3
}

settings() {
	on host bpftool -j map dump pinned /sys/fs/bpf/mirroring-3/settings | jq -c '.[].formatted.value'
}

@test "settings that come before the first collector, or after it: the same; the last stop forgets them" {
	local given=(--ring-memory=8M --failover=on --sender-nice=3 --max-rate=5kpps) want
	load_like_l3afd
	mirror 0 start "${given[@]}" --rules= --tunnel-remote-address=$LAB_COLLECTOR4
	[[ ! $(sender) ]]
	mirror 0 update --rules="$rules" --max-rate=9kpps
	want=$(settings)
	[[ $(jq -c '[.ring_memory, .max_rate.packets, .failover, .nice]' <<<"$want") == "[8388608,9000,1,3]" ]]
	[[ $(ps -o nice= -p "$(sender)" | tr -d ' ') == 3 ]]
	mirror 0 stop
	on host test ! -e /sys/fs/bpf/mirroring-3
	# update waits for a start that comes later
	on host mirroring update --iface=eth0 --direction=ingress --rules="$rules" --max-rate=9kpps 3>&- &
	local job=$!
	mirror 0 start "${given[@]}" --rules= --tunnel-remote-address=$LAB_COLLECTOR4
	wait $job
	[[ $(settings) == "$want" ]]
	# an interface without collectors: the settings are those of the host all the same
	mirror 1 update --max-rate=7kpps --sender-nice=4 --rules="mirror to nosuch"
	[[ $(settings) == "$want" ]]
	direction=egress load_like_l3afd
	direction=egress mirror 0 start --sender-nice=2
	[[ $(ps -o nice= -p "$(sender)" | tr -d ' ') == 2 ]]
	mirror 0 stop
	[[ $(jq .nice <<<"$(settings)") == 2 ]]
	direction=egress mirror 0 stop
	on host test ! -e /sys/fs/bpf/mirroring-3
}
