#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The host route to the collector: made only where it is needed, removed only by who made it.

load ../../tests/mirroring

setup() {
	mirroring_lab
	stub
}

remote=203.0.113.50 # not on any network of the host
gateway=198.51.100.9 # on that of eth1

delivery=(--tunnel-interface-name=vxlan0 --redirect-to=eth1)

start() {
	local direction=${direction:-ingress}
	mirror "${status:-0}" start --map-name="$pins/tc_${direction}_root_array" "${delivery[@]}" "$@"
}

# What the main table has to say of a collector.
route() {
	on host ip route show "${1:-$remote}" | sed 's/ *$//'
}

made="$remote via $gateway dev eth1 proto 109"

@test "a collector on a network of the NIC needs no route" {
	on host ip route >"$LAB/before"
	start --tunnel-remote-address="$LAB_COLLECTOR4"
	diff "$LAB/before" <(on host ip route)
	on host ip -6 route >"$LAB/before"
	mirror 0 update --tunnel-remote-address="$LAB_COLLECTOR6"
	diff "$LAB/before" <(on host ip -6 route)
}

@test "one elsewhere gets a route by the gateway, once; stop removes it" {
	on host ip route >"$LAB/before"
	start --tunnel-remote-address=$remote --gtw-address=$gateway
	[[ $output == *"route to $remote through eth1 added"* ]]
	[[ $(route) == "$made" ]]
	start --tunnel-remote-address=$remote --gtw-address=$gateway
	[[ $output != *route* ]]
	[[ $(route) == "$made" ]]
	mirror 0 stop
	[[ $output == *"route to $remote through eth1 removed"* ]]
	diff "$LAB/before" <(on host ip route)
}

@test "the same over IPv6" {
	start --tunnel-remote-address=2001:db8:77::1 --gtw-address="$LAB_COLLECTOR6"
	[[ $(on host ip -6 route show 2001:db8:77::1) == "2001:db8:77::1 via $LAB_COLLECTOR6 dev eth1 proto 109 "* ]]
	mirror 0 stop
	[[ ! $(on host ip -6 route show 2001:db8:77::1) ]]
}

@test "a way through the NIC that is there is left alone, by stop too" {
	on host ip route add 203.0.113.0/24 via 198.51.100.7 dev eth1
	start --tunnel-remote-address=$remote --gtw-address=$gateway
	[[ ! $(route) ]]
	mirror 0 stop
	[[ $(on host ip route show 203.0.113.0/24) == "203.0.113.0/24 via 198.51.100.7 dev eth1"* ]]
	on host ip route add $remote via 198.51.100.7 dev eth1
	start --tunnel-remote-address=$remote --gtw-address=$gateway
	mirror 0 stop
	[[ $(route) == "$remote via 198.51.100.7 dev eth1" ]]
}

@test "a host route by another NIC is somebody's wish, and stays" {
	on host ip route add $remote via "$LAB_CLIENT4" dev eth0
	start --tunnel-remote-address=$remote --gtw-address=$gateway
	[[ $(route) == "$remote via $LAB_CLIENT4 dev eth0" ]]
	mirror 0 stop
	[[ $(route) == "$remote via $LAB_CLIENT4 dev eth0" ]]
}

@test "a default route by another NIC does not lead there" {
	on host ip route add default via "$LAB_CLIENT4" dev eth0
	start --tunnel-remote-address=$remote --gtw-address=$gateway
	[[ $(route) == "$made" ]]
}

@test "no gateway given: that of a route of the NIC, else the first address of its network, with a warning" {
	start --tunnel-remote-address=$remote
	[[ $output == *"warning: no route through eth1 and no --gtw-address"* ]]
	[[ $(route) == "$remote via 198.51.100.1 dev eth1 proto 109" ]]
	mirror 0 stop
	on host ip route add default via "$LAB_CLIENT4" dev eth0
	on host ip route add default via $gateway dev eth1 metric 900
	start --tunnel-remote-address=$remote
	[[ $output != *warning* ]]
	[[ $(route) == "$made" ]]
}

@test "ingress and egress share the route until the last of them stops" {
	start --tunnel-remote-address=$remote --gtw-address=$gateway
	direction=egress
	start --tunnel-remote-address=$remote --gtw-address=$gateway
	mirror 0 stop
	[[ $(route) == "$made" ]]
	direction=ingress
	mirror 0 stop
	[[ ! $(route) ]]
}

@test "update to another collector moves the route, rollback moves it back" {
	start --tunnel-remote-address=$remote --gtw-address=$gateway
	mirror 0 update --tunnel-remote-address=203.0.113.51
	[[ ! $(route) && $(route 203.0.113.51) == 203.0.113.51* ]]
	mirror 0 rollback
	[[ $(route) == "$made" && ! $(route 203.0.113.51) ]]
}

@test "update to another gateway changes the route that is ours" {
	start --tunnel-remote-address=$remote --gtw-address=$gateway
	mirror 0 update --gtw-address=198.51.100.7
	[[ $(route) == "$remote via 198.51.100.7 dev eth1 proto 109" ]]
	# one that does not work is refused, and what was stays
	mirror 1 update --gtw-address=192.0.2.99
	[[ $(route) == "$remote via 198.51.100.7 dev eth1 proto 109" ]]
	mirror 0 rollback
	[[ $(route) == "$made" ]]
	mirror 0 stop
	[[ ! $(route) ]]
}

@test "a start that fails leaves no route behind" {
	status=1
	start --tunnel-remote-address=$remote --gtw-address=$gateway --rules="mirror to nosuch"
	[[ ! $(route) ]]
	start --tunnel-remote-address=$remote --gtw-address=192.0.2.99
	[[ $output == *"cannot add the route to $remote through eth1: "* ]]
	[[ ! $(route) ]]
}

@test "a refused update, and a rollback that cannot be, leave the routes as they are" {
	start --tunnel-remote-address=$remote --gtw-address=$gateway
	mirror 0 update --tunnel-remote-address=203.0.113.51 --rules=mirror
	on host ip route >"$LAB/before"
	local before
	before=$(small_maps)
	echo "mirror src $(prefixes 65537 0)" >"$LAB/too-many"
	mirror 1 update --tunnel-remote-address=$remote --gtw-address=198.51.100.7 --rules-file="$LAB/too-many"
	[[ $output == *"65537 different IPv4 src prefixes"* ]]
	mirror 1 update --tunnel-remote-address=$remote,2001:db8:77::1
	[[ $output == *"--gtw-address is not of the address family of 2001:db8:77::1" ]]
	diff "$LAB/before" <(on host ip route)
	mirror 1 update --tunnel-remote-address=$remote --rules="mirror to gue:[2001:db8:77::1]"
	[[ $output == *"no route to collector"* ]]
	diff "$LAB/before" <(on host ip route)
	on host ip addr del "$LAB_UPLINK4/24" dev eth1
	mirror 1 rollback
	[[ $output == *"cannot add the route to $remote through eth1: "* ]]
	[[ $(small_maps) == "$before" && ! $(route) ]]
}

@test "stop leaves a route to a start of another interface that has found it" {
	on host ip link add first up type veth peer name second
	on host tc_root start --iface first --quiet
	delivery=(--tunnel-remote-address="$remote" --redirect-to=eth1 --gtw-address="$gateway" --rules=mirror)
	start
	# the other start waits between its look at the routes and its commit
	spawn host holder flock /sys/fs/bpf/mirroring-3 sleep 60
	local holder=$pid jobs
	wait_until 5 on host bash -c "! flock --nonblock /sys/fs/bpf/mirroring-3 true"
	on host mirroring start --iface=first --direction=ingress "${delivery[@]}" \
		--map-name=/sys/fs/bpf/tc/globals/first/tc_ingress_root_array &>"$LAB/start" 3>&- &
	jobs=($!)
	wait_until 5 on host test -e /sys/fs/bpf/progs/first/_ingress_redirect_tc
	on host mirroring stop --iface=eth0 --direction=ingress &>"$LAB/stop" 3>&- &
	jobs+=($!)
	# until it waits for the lock or, where there is none, is through with the routes
	wait_until 5 on host bash -c '! flock --nonblock /sys/fs/bpf/tc/globals true ||
		! test -e /sys/fs/bpf/progs/eth0/_ingress_redirect_tc'
	kill "$holder" "$(pgrep -P "$holder")"
	wait "${jobs[0]}" && wait "${jobs[1]}" || { cat "$LAB/start" "$LAB/stop"; return 1; }
	[[ $(route) == "$made" ]]
}

@test "a reader of the messages that goes away does not end start half-way" {
	expect 0 on host /usr/bin/python3 -c '
import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
sys.exit(subprocess.run(sys.argv[1:], stderr=writer, restore_signals=True).returncode)' \
		mirroring start --iface=eth0 --direction=ingress "${delivery[@]}" --rules=mirror \
		--tunnel-remote-address=$remote --gtw-address=$gateway
	[[ $(route) == "$made" && $(report '.filters | length') == 1 ]]
	mirror 0 stop
	[[ ! $(route) ]]
}
