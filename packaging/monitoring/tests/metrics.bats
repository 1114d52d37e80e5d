#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The rules and the dashboard on what `mirroring metrics` says of a host: alerts fire and clear.

load ../../../ci/lab
load monitoring

build=$(readlink -f "$BATS_TEST_DIRNAME/../../../build")
export PATH=$build/tc-root:$build/traffic-mirroring:$PATH
pins=/sys/fs/bpf/tc/globals/eth0

setup() {
	monitoring_requires
	requires_device vxlan id 1 dstport 4789
	lab_begin
	lab_three_hosts
	on host tc_root start --iface eth0 --quiet
	spawn client traffic ping -q -i 0.02 -s 1400 $LAB_HOST4
}

start() {
	expect 0 on host mirroring start --iface=eth0 --direction="$direction" \
		--map-name="$pins/tc_${direction}_root_array" --rules="${rules:-mirror proto icmp}" "$@"
}

update() {
	expect 0 on host mirroring update --iface=eth0 --direction="$direction" "$@"
}

# Somebody who listens at the collector, and says nothing.
listener() {
	on collector ip link "$1" sink type vxlan id 1 dstport 4789 local $LAB_COLLECTOR4 && on collector ip link set sink up
}

sender() {
	on host mirror-sender --status | sed -n 's/^sender   running, process \([0-9]*\).*/\1/p'
}

# Connections of which a host with a closed port sees only the SYN.
syn_flood() {
	spawn client syns /usr/bin/python3 -c 'import socket, time
while True:
	s = socket.socket()
	s.setblocking(False)
	s.connect_ex(("'$LAB_HOST4'", 9))
	s.close()
	time.sleep(0.0005)'
}

# switch_off 0|1: the second byte of config, as the recipe in docs/map-abi.md.
switch_off() {
	local bytes
	mapfile -t bytes < <(on host bpftool -j map lookup pinned $pins/mirroring_ingress_config key 0 0 0 0 | jq -r '.value[]')
	bytes[1]=$1
	on host bpftool map update pinned $pins/mirroring_ingress_config key 0 0 0 0 value "${bytes[@]}"
}

@test "copies to a device: stopped, off, without filters, cut off, device down" {
	local direction=ingress
	lab_vxlan
	start --tunnel-interface-name=vxlan0
	textfile_start
	prometheus_start node=9100
	wait_until 10 has 'mirroring:packets:rate5m{outcome="device", iface="eth0", direction="ingress"} > 10'
	wait_until 5 has 'mirroring:active{iface="eth0", direction="ingress"} == 1'
	quiet

	expect 0 on host mirroring stop --iface=eth0 --direction=ingress
	fires MirroringStopped 'iface="eth0", direction="ingress"'
	start --tunnel-interface-name=vxlan0
	quiet

	switch_off 1
	fires MirroringStopped
	has 'mirroring_on == 0'
	switch_off 0
	clears MirroringStopped

	update --rules=
	fires MirroringStopped
	has 'mirroring_filters == 0'
	update --rules="mirror proto icmp"
	clears MirroringStopped

	update --for=1s
	wait_until 10 has 'mirroring_ended == 1 and mirroring_ended offset 1s == 1' # evaluated since then
	has_not 'ALERTS{alertname="MirroringStopped"}'
	update --for=off
	wait_until 5 has 'mirroring:active'

	on host bpftool map delete pinned $pins/tc_ingress_root_array key 0 0 0 0
	fires MirroringChainCut 'iface="eth0", direction="ingress"'
	on host bpftool map update pinned $pins/tc_ingress_root_array key 0 0 0 0 \
		value pinned /sys/fs/bpf/progs/eth0/_ingress_redirect_tc
	clears MirroringChainCut

	on host ip link set vxlan0 down
	fires MirroringCopiesFailing 'outcome=~"device_.*", iface="eth0", direction="ingress"'
	on host ip link set vxlan0 up
	quiet
	rules_are_healthy
}

@test "copies to a collector: sender, link, packet filter, MTU, listener, rate, old metrics; each query has an answer" {
	local direction query rules="mirror proto icmp; mirror proto tcp dst-port 9 domain www.example.org first 1M"
	listener add
	for direction in ingress egress; do
		start --tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4 --failover=on --hold-memory=1M
	done
	textfile_start
	prometheus_start node=9100
	wait_until 10 has 'mirroring:packets:rate5m{outcome="ring", direction="egress"} > 10'
	wait_until 5 has 'rate(mirroring_sender_collector_copies_total[2s]) > 20'
	quiet

	kill -KILL "$(sender)"
	fires MirroringNoSender 'outcome=""'
	on host mirror-sender
	clears MirroringNoSender

	kill -TERM "$(sender)"
	fires MirroringNoSender 'outcome="no_sender"'
	on host mirror-sender
	clears MirroringNoSender

	on host ip link set eth1 down
	fires MirroringCopiesFailing 'outcome="link_down", direction="egress"'
	on host ip link set eth1 up
	clears MirroringCopiesFailing

	on host nft 'table inet lab { chain out { type filter hook output priority 0; udp dport 4789 drop; }; }'
	fires MirroringCopiesRefused
	on host nft delete table inet lab
	clears MirroringCopiesRefused

	on host ip link set eth1 mtu 1400
	fires MirroringOversize 'handling="truncated"'
	on host ip link set eth1 mtu 1600
	clears MirroringOversize

	syn_flood
	fires MirroringHoldFull
	kill "$pid"
	clears MirroringHoldFull

	on host mirroring update --iface=eth0 --direction=ingress --max-rate=10pps
	fires MirroringShedding
	on host mirroring update --iface=eth0 --direction=ingress --max-rate=off # what it left out comes back little by little

	on collector ip link del sink
	fires MirroringCollectorUnreachable 'collector=~".*'$LAB_COLLECTOR4'.*"'
	fires MirroringNoCollector
	clears MirroringShedding
	listener add # the sender tries it again after ten seconds

	kill -STOP "$writer"
	fires MirroringMetricsStale
	kill -CONT "$writer"
	clears MirroringMetricsStale
	clears MirroringCollectorUnreachable
	quiet

	rules_are_healthy
	dashboard_queries >"$LAB/queries"
	while read -r query; do
		echo "$query"
		# what is shown only when it is above zero may be so no longer
		has "${query% > 0}"
	done <"$LAB/queries"
	(($(wc -l <"$LAB/queries") > 20))
}
