#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# l3afd deploys our packages: who loads, where filters come from, when they change.

load l3afd

# Three echo requests and their answers are copied, to the collector too.
copies_pings() {
	local ingress egress
	ingress=$(copied ingress) egress=$(copied egress)
	capture copies collector vxlan0
	pings 3
	capture_end copies
	[[ $(captured copies 'icmp[icmptype] == icmp-echo') == 3 && $(captured copies 'icmp[icmptype] == icmp-echoreply') == 3 ]]
	[[ $(copied ingress) == $((ingress + 3)) && $(copied egress) == $((egress + 3)) ]]
}

@test "behind a flow log, loaded by l3afd" {
	l3afd_start
	deploy device.json 'flow_log(10; "flow-log")'
	chains_are "tc_DIRECTION_root -> flow_log_DIRECTION_entry -> _DIRECTION_redirect -> end"
	copies_pings
}

@test "behind a flow log, loaded by our updater" {
	l3afd_start
	deploy updater-loads.json 'flow_log(10; "flow-log")'
	chains_are "tc_DIRECTION_root -> flow_log_DIRECTION_entry -> _DIRECTION_redirect -> end"
	copies_pings
	remove traffic-mirroring
	chains_are "tc_DIRECTION_root -> flow_log_DIRECTION_entry -> end"
	expect 0 on host find /sys/fs/bpf -name '*mirroring*'
	[[ ! $output ]]
}

@test "from a web server" {
	spawn host web /usr/bin/python3 -m http.server --bind 127.0.0.1 --directory "$repository" 8000
	wait_until 10 on host curl --silent --fail http://localhost:8000/SHA256SUMS
	l3afd_start http://localhost:8000
	if ! deploy device.json >"$LAB/deployed" && grep -q 'http:/localhost' "$LAB/l3afd.log"; then
		skip "this l3afd asks for http:/localhost instead of http://localhost"
	fi
	cat "$LAB/deployed"
	chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> end"
	copies_pings
}

# The devices of the payload; gue1 is the lab's VXLAN device under that name.
upstream_devices() {
	on host ip link set vxlan0 down && on host ip link set vxlan0 name gue1 && on host ip link set gue1 up
}

@test "a payload of the upstream package, unchanged but for host, interfaces and addresses" {
	upstream_devices
	l3afd_start
	deploy tests/upstream-payload.json ".[].iface = \"eth0\" | mirrors.start_args |=
		(.[\"redirect-to\"] = \"eth1\" | .[\"tunnel-remote-address\"] = \"$LAB_COLLECTOR4\")"
	chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> end"
	expect 0 on host mirroring show --iface=eth0 --direction=ingress
	[[ $output == $'mirror proto tcp dst-port 8080\nmirror proto icmp' ]]
	copies_pings
	capture syn collector vxlan0 tcp
	on client bash -c "echo >/dev/tcp/$LAB_HOST4/8080" 2>"$LAB/refused" || true
	on client bash -c "echo >/dev/tcp/$LAB_HOST4/8081" 2>"$LAB/refused" || true
	capture_end syn
	[[ $(captured syn dst port 8080) == 1 && $(captured syn src port 8080) == 1 && $(captured syn port 8081) == 0 ]]
}

# A connection to port 8080 that is open and busy until the lab ends.
open_flow() {
	spawn host server busybox nc -l -p 8080 -e sleep 100
	wait_until 5 flow_is listening
	# shellcheck disable=SC2016
	spawn client flow bash -c 'exec 3<>"/dev/tcp/$0/8080"; while echo >&3; do sleep 0.02; done' "$LAB_HOST4"
	wait_until 5 flow_is established
}

flow_is() {
	[[ $(on host ss -Htn state "$1" 'sport = :8080') ]]
}

@test "a rules file, for a flow that is open already" {
	open_flow
	l3afd_start
	deploy rules-file.json 'program("ingress"; "traffic-mirroring").rules = "# the flow\nmirror proto tcp dst-port 8080\n"'
	expect 0 on host mirroring show --iface=eth0 --direction=ingress
	[[ $output == "mirror proto tcp dst-port 8080" ]]
	wait_until 5 copied_more_than ingress 10
	[[ $(copied egress) == 0 ]]
	expect 0 on host mirroring show --iface=eth0 --direction=egress
	[[ $output == $'mirror proto tcp src-port 80,443\nmirror proto icmp' ]]
}

@test "changed update_args change the filters in place, for a flow that is open already" {
	open_flow
	l3afd_start
	deploy device.json
	local program
	program=$(report ingress .program_id)
	pings 3
	[[ $(copied ingress) == 3 ]]
	deploy device.json 'program("ingress"; "traffic-mirroring").update_args.rules = "mirror proto tcp dst-port 8080"'
	wait_until 5 copied_more_than ingress 20
	[[ $(report ingress .program_id) == "$program" ]]
	deploy device.json
	local before
	before=$(copied ingress)
	sleep 0.2
	[[ $(copied ingress) == "$before" ]]
	copies_pings
}

@test "start and update at the same moment, six times: as start, then update" {
	l3afd_start
	local i
	for i in 1 2 3 4 5 6; do
		deploy device.json 'mirrors |= (.user_program_daemon = true | .cmd_stop = "mirroring" | .stop_args = {cmd: "stop"} |
			.start_args.rules = "mirror proto udp")'
		wait_until 5 shows ingress "mirror proto tcp dst-port 80,443"
		wait_until 5 shows egress "mirror proto tcp src-port 80,443"
		[[ $(report ingress '.delivery["tunnel-interface-name"]') == vxlan0 ]]
		((i == 1)) && copies_pings
		remove traffic-mirroring
		chains_are "no root program is attached"
	done
}

# shows DIRECTION RULE: the first filter in force.
shows() {
	[[ $(on host mirroring show --iface=eth0 --direction="$1" | head -n 1) == "$2" ]]
}

@test "a typo in start_args: the deployment fails, and status says why" {
	l3afd_start
	payload device.json '(mirrors.start_args) = {"tunel-interface-name": "vxlan0"}' | post update 500
	on host mirroring status --iface=eth0 --direction=ingress | grep "PROBLEM    start has not run, or it failed"
}
