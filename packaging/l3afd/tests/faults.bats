#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# What l3afd itself does wrong: what is left in the kernel, what our status says about it, and what repairs it.

load l3afd

setup() {
	l3afd_lab
	l3afd_start
}

# Deletes all there is and deploys anew; the chain and the copies are right again.
repaired() {
	remove traffic-mirroring
	! on host test -e "$(root_pins)/tc_ingress_root_array" || remove flow-log
	# l3afd that polls while it deploys takes what it has not started yet for ended, and starts it twice: 500
	deploy device.json "$1" || { remove traffic-mirroring && deploy device.json "$1"; }
	local ingress
	ingress=$(copied ingress)
	pings 3
	[[ $(copied ingress) == $((ingress + 3)) ]]
	[[ $(report ingress '.problems | length') == 0 && $(report ingress .chained) == true ]]
}

problem() {
	expect 0 on host mirroring status --iface=eth0 --direction=ingress
	[[ $output == *"PROBLEM    $1"* ]]
}

@test "a greater seq_id of the last program cuts the chain; gaps make that unnecessary" {
	deploy device.json 'flow_log(10; "flow-log")'
	deploy device.json 'mirrors.seq_id = 30 | flow_log(10; "flow-log")'
	chains_are "tc_DIRECTION_root -> end"
	problem "the chain is broken after tc_ingress_root ("
	[[ $(report ingress .chained) == false ]]
	pings 3
	[[ $(copied ingress) == 0 ]]
	repaired 'mirrors.seq_id = 30 | flow_log(10; "flow-log")'
}

@test "a lower seq_id of the last program makes the chain a loop" {
	deploy device.json 'flow_log(10; "flow-log")'
	deploy device.json 'mirrors.seq_id = 5 | flow_log(10; "flow-log")'
	chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> flow_log_DIRECTION_entry -> LOOP"
	problem "the chain is a loop: flow_log_ingress_entry ("
	pings 3
	copied_more_than ingress 3
	repaired 'mirrors.seq_id = 5 | flow_log(10; "flow-log")'
}

@test "a changed version leaves the new one without filters where it is answered with 500" {
	local version
	version=$(jq -r .version "$l3afd_root/manifest.json") # of latest, too
	deploy device.json
	if ! versioned; then
		deploy device.json "mirrors.version = \"$version\""
		chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> end"
		pings 3
		[[ $(copied ingress) == 3 ]]
		return
	fi
	payload device.json "mirrors.version = \"$version\"" | post update 500
	problem "no filters. l3afd does not run cmd_update"
	pings 3
	[[ $(copied ingress) == 0 ]]
	repaired "mirrors.version = \"$version\""
	[[ $(report ingress .pins) == *"/${version//./_}" ]]
}

@test "a program that an update leaves out stays where l3afd pins with versions" {
	deploy device.json 'flow_log(10; "flow-log")'
	deploy device.json
	if versioned; then
		chains_are "tc_DIRECTION_root -> flow_log_DIRECTION_entry -> _DIRECTION_redirect -> end"
		remove flow-log
	fi
	chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> end"
}

@test "changed rules alone do nothing, with changed start_args they do" {
	local rule='program("ingress"; "traffic-mirroring").rules = "mirror proto udp\n"'
	deploy rules-file.json
	deploy rules-file.json "$rule"
	[[ $(report ingress '.filters[0].rule') == "mirror proto tcp dst-port 80,443" ]]
	deploy rules-file.json "$rule | mirrors.start_args.quiet = \"\""
	[[ $(report ingress '.filters[0].rule') == "mirror proto udp" ]]
}

@test "a wrong rule: an update answers 200 and the filters stay, a first deployment answers 500" {
	deploy device.json
	deploy device.json 'mirrors.update_args.rules = "mirror proto nonsense"'
	[[ $(report ingress '.filters[0].rule') == "mirror proto tcp dst-port 80,443" ]]
	remove traffic-mirroring
	payload device.json 'mirrors.update_args.rules = "mirror proto nonsense"' | post update 500
}

@test "rules that are too long for a command line are answered with 200 and ignored, empty ones remove all filters" {
	deploy device.json
	deploy device.json 'mirrors.update_args.rules = "mirror #" + "x" * 131072'
	[[ $(report ingress '.filters | length') == 2 ]]
	deploy device.json 'mirrors.update_args.rules = ""'
	[[ $(report ingress '.filters | length') == 0 ]]
}

@test "an interface with a dot in its name is refused, and l3afd goes on" {
	l3afd_stop
	on host ip link add eth0.7 up type veth
	l3afd_start
	# with 500, or where it pins without versions, with no answer after a panic in its handler
	if payload device.json '.[].iface = "eth0.7"' | post update; then return 1; fi
	deploy device.json
	chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> end"
}

@test "with user_program_daemon, each start leaves a zombie" {
	deploy collectors.json
	wait_until 5 zombies 2
	deploy collectors.json 'mirrors.start_args["tunnel-id"] = "43"'
	wait_until 5 zombies 4
}

zombies() {
	[[ $(ps --ppid "$l3afd" -o stat=,comm= | grep -c '^Z.* mirroring') == "$1" ]]
}

@test "a process called like cmd_start is killed, mirror-sender is not" {
	local other
	cp "$(command -v sleep)" "$LAB/other-mirroring"
	spawn host other "$LAB/other-mirroring" 100
	other=$pid
	deploy collectors.json 'del(.[0].bpf_programs.tc_egress)'
	wait_until 5 ended "$other"
	wait_until 10 pgrep --exact mirror-sender
	other=$(pgrep --exact mirror-sender)
	deploy collectors.json
	kill -0 "$other"
}

ended() {
	! kill -0 "$1"
}

@test "loaded by our updater without a daemon: a delete answers 200 and leaves its pins" {
	deploy updater-loads.json 'mirrors.user_program_daemon = false'
	remove traffic-mirroring
	chains_are "no root program is attached"
	[[ $(on host find /sys/fs/bpf -name '_*_redirect_tc' | wc -l) == 2 ]]
}

@test "loaded by our updater, it cannot be ahead of others" {
	payload updater-loads.json 'flow_log(30; "flow-log")' | post update 500
}

@test "an interface that was created again has no root: it is not noticed, and can be repaired" {
	deploy device.json
	on host ip link del eth0
	lab_wire client eth0 host eth0
	lab_addresses client eth0 $LAB_CLIENT4 $LAB_CLIENT6 && lab_addresses host eth0 $LAB_HOST4 $LAB_HOST6
	deploy device.json
	problem "no root program is attached to eth0 ingress"
	if ! versioned; then
		on host tc_root start --iface eth0
		pings 3
		[[ $(copied ingress) == 3 ]]
	fi
	remove traffic-mirroring
	deploy device.json
	pings 3
	[[ $(copied ingress) == 3 && $(report ingress '.problems | length') == 0 ]]
}

@test "l3afd that pins without versions, killed and started again, leaves a second root" {
	deploy device.json
	! versioned || skip "not with this l3afd"
	l3afd_kill
	l3afd_start
	wait_until 5 problem "2 root programs are attached to eth0 ingress"
	pings 3
	[[ $(copied ingress) == 0 && $(copied egress) == 3 ]]
	l3afd_kill
	expect 0 on host tc_root stop --iface eth0
	l3afd_start
	# the start that failed has emptied the store
	chains_are "no root program is attached"
	deploy device.json
	chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> end"
	[[ $(report ingress '.problems | length') == 0 ]]
	pings 3
	[[ $(copied ingress) == 3 ]]
}
