#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# l3afd ends, well or badly, and starts again, under traffic.

load l3afd

setup() {
	l3afd_lab
	traffic
	l3afd_start
	deploy device.json 'flow_log(10; "flow-log")'
}

full_chain="tc_DIRECTION_root -> flow_log_DIRECTION_entry -> _DIRECTION_redirect -> end"

@test "a graceful stop takes everything out, a start brings it back from the store" {
	l3afd_stop
	chains_are "no root program is attached"
	l3afd_start
	wait_until 10 chains_are "$full_chain"
	wait_until 5 copied_more_than ingress 10
	traffic_end
}

@test "after SIGKILL l3afd that pins with versions takes over filters and counters" {
	versioned || skip "not with this l3afd: see the next test"
	local program filters copies
	wait_until 5 copied_more_than ingress 100
	program=$(report ingress .program_id) filters=$(report ingress '[.filters[].rule]')
	l3afd_kill
	copies=$(copied ingress)
	wait_until 5 copied_more_than ingress $((copies + 100))
	copies=$(copied ingress)
	l3afd_start
	wait_until 10 chains_are "$full_chain"
	[[ $(report ingress .program_id) != "$program" ]]
	[[ $(report ingress '[.filters[].rule]') == "$filters" ]]
	(($(copied ingress) >= copies))
	copies=$(copied ingress)
	wait_until 5 copied_more_than ingress $((copies + 100))
	traffic_end
	l3afd_stop
	chains_are "no root program is attached"
}

@test "after SIGKILL l3afd that pins without versions needs tc_root stop" {
	versioned && skip "not with this l3afd: see the previous test"
	l3afd_kill
	expect 0 on host tc_root stop --iface eth0
	[[ ! $(on host find /sys/fs/bpf -name '*_root*') ]]
	l3afd_start
	cat $LAB/l3afd.log
	wait_until 10 chains_are "$full_chain"
	traffic_end
}
