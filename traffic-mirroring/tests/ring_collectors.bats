#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# Several collectors: which flow's copies go where, and what of that changes when the list does.

load ring

setup() {
	ring_lab
	mac_client=$(lab_mac client eth0)
	mac_host=$(lab_mac host eth0)
	# nothing waits for an answer of ARP
	lab_neighbour host eth1 collector eth0 $LAB_COLLECTOR4
}

# collectors FIRST LAST: their addresses, as a list.
collectors() {
	local list n
	list=$(for ((n = $1; n <= $2; n++)); do echo "198.51.100.$n"; done)
	# shellcheck disable=SC2086
	lab_neighbour host eth1 collector eth0 $list
	echo "${list//$'\n'/,}"
}

# spread NAME COUNT: sends so many flows, both directions of which are one collector's. The map is in $LAB/NAME.
spread() {
	capture "$1" host eth1 -s 200 udp dst port 6080
	on client "$tools/ring_flows.py" send eth0 "$mac_host" out "$2"
	on host "$tools/ring_flows.py" send eth0 "$mac_client" back "$2"
	wait_until 10 idle
	capture_end "$1"
	"$tools/ring_flows.py" where "$LAB/$1.pcap" "$2" >"$LAB/$1"
	echo "$1: $(jq -c '[.[]] | group_by(.) | map({(.[0]): length}) | add' "$LAB/$1")"
}

# even NAME: no collector's share is more than a tenth off.
even() {
	jq -e '[.[]] | group_by(.) | map(length) | (add / length) as $mean | all(. >= 0.9 * $mean and . <= 1.1 * $mean)' "$LAB/$1"
}

# moves BEFORE AFTER: the flows that are elsewhere now, as "from to", how many of each.
moves() {
	jq -r -n --slurpfile a "$LAB/$1" --slurpfile b "$LAB/$2" \
		'$a[0] | to_entries[] | select($b[0][.key] != .value) | "\(.value) \($b[0][.key])"' | sort | uniq -c
}

@test "10,000 flows over 2, 3 and 8 collectors, and one more" {
	rules="mirror proto udp,icmp" ring_start --tunnel-remote-address="$(collectors 101 102)"
	spread two 10000
	even two
	ring_update --tunnel-remote-address="$(collectors 101 103)"
	spread three 10000
	even three
	ring_update --tunnel-remote-address="$(collectors 101 108)"
	spread eight 10000
	even eight
	ring_update --tunnel-remote-address="$(collectors 101 109)"
	spread nine 10000
	even nine
	local count from to moved=0
	while read -r count from to; do
		echo "$count from $from to $to"
		[[ $to == 198.51.100.109 ]]
		((moved += count))
	done < <(moves eight nine)
	echo "# of 10,000 flows over 8 collectors $moved moved to a ninth" >&3
	((moved > 1000 && moved <= 1411))
}

@test "weights; drained and restored, a collector's own flows move, and only these" {
	rules="mirror proto udp,icmp" ring_start --tunnel-remote-address="$(collectors 101 104 | sed 's/101/&@3/')"
	spread before 2000
	# 3 of 6
	jq -e '[.[]] | map(select(. == "198.51.100.101")) | length | . > 920 and . < 1080' "$LAB/before"
	ring_update --tunnel-remote-address="$(collectors 101 104 | sed 's/101/&@3/; s/103/&@0/')"
	spread drained 2000
	moves before drained | tee "$LAB/moves"
	[[ $(wc -l <"$LAB/moves") == 3 && ! $(grep -v ' 198.51.100.103 ' "$LAB/moves") ]]
	[[ $(awk '{ n += $1 } END { print n }' "$LAB/moves") == $(jq '[.[]] | map(select(. == "198.51.100.103")) | length' "$LAB/before") ]]
	ring_update --tunnel-remote-address="$(collectors 101 104 | sed 's/101/&@3/')"
	spread restored 2000
	[[ ! $(moves before restored) ]]
	# the order of the list does not matter
	ring_update --tunnel-remote-address=198.51.100.104,198.51.100.102,198.51.100.101@3,198.51.100.103
	spread reordered 2000
	[[ ! $(moves before reordered) ]]
}

@test "all drained: counted" {
	rules="mirror proto icmp" ring_start --tunnel-remote-address=198.51.100.101@0,198.51.100.102@0
	pings 5
	wait_until 5 idle
	[[ $(sent copies) == 0 && $(sent no_collector) == 10 ]]
}

# counted COPIES REFUSED COPIES REFUSED: by the first leg and the second.
counted() {
	wait_until 5 idle
	[[ $(report '[.sender.collectors | sort_by(.collector)[] | .copies, .refused] | @sh') == "$*" ]]
}

# reachable true|false: the second leg
reachable() {
	[[ $(report '.sender.collectors[] | select(.collector | startswith("vxlan")) | .reachable') == "$1" ]]
}

second_leg_up() {
	on host ip link set leg0 up
	on host ip neigh replace 203.0.113.2 lladdr 02:00:00:00:00:01 dev leg0
}

@test "two legs: one that is down does not disturb the other, and rollback brings both back" {
	local rule="mirror proto icmp snaplen 0+64 oversize drop+truncate to gue:$LAB_COLLECTOR4 + vxlan:203.0.113.2/7"
	on host ip link add leg0 type veth peer name leg1
	on host ip addr add 203.0.113.1/30 dev leg0
	on host ip link set leg1 up
	second_leg_up
	mirror 0 start --map-name="$pins/tc_ingress_root_array" --rules="$rule"
	shows "$rule"
	pings 10
	counted 10 0 10 0
	on host ip link set leg0 down
	wait_until 5 reachable false
	[[ $(report '.problems[]') == *"collector vxlan:203.0.113.2/7: no route to it, or its link is down"* ]]
	pings 5
	counted 15 0 10 5
	[[ $(outcome ingress link_down) == 0 ]]
	second_leg_up
	wait_until 5 reachable true
	pings 5
	counted 20 0 15 5
	mirror 0 update --rules="mirror proto icmp to gre:$LAB_COLLECTOR4"
	mirror 0 rollback
	shows "$rule"
	pings 5
	wait_until 5 idle
	[[ $(report '[.sender.collectors[] | .copies] | sort | @sh') == "0 20 25" ]]
}

@test "a commit that gives a filter other groups keeps its copies in order" {
	rules="mirror proto icmp"
	mirror 0 start --map-name="$pins/tc_ingress_root_array" --rules="$rules" --tunnel-remote-address=$LAB_COLLECTOR4 --ttl=10
	capture copies host eth1 -s 200 udp dst port 6080
	lab_enter client
	"${enter[@]}" ping -q -f -l 256 -c 60000 $LAB_HOST4 >"$LAB/ping" &
	local ping=$! ttl=10
	while kill -0 $ping; do
		ttl=$((21 - ttl))
		mirror 0 update --ttl=$ttl >"$LAB/update"
	done
	wait_until 5 idle
	capture_end copies
	(($(captured copies 'ip[8] == 10') > 0 && $(captured copies 'ip[8] == 11') > 0))
	"$tools/ring_flows.py" order "$LAB/copies.pcap"
}
