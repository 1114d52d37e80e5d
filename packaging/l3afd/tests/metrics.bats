#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# What l3afd shows of ours: counters with monitor_maps, and whether we run by cmd_status.

load l3afd

setup() {
	l3afd_lab
	l3afd_start
}

# A value of l3afd's /metrics by a regular expression of its labels.
metric() {
	on host curl --silent --fail http://localhost:8898/metrics | sed -n "s/^l3afd_$1{.*$2.*} //p"
}

# A counter as the shared map has it: what is pending per CPU comes up to 64 packets later.
mapped() {
	on host bpftool -j map lookup pinned "$(report "$1" .pins)/mirroring_$1_counters" key "$2" 0 0 0 | jq .formatted.value
}

equals() {
	[[ $("${@:2}") == "$1" ]]
}

@test "monitor_maps: the counters under l3afd's metrics have the values of the map" {
	local direction counter=8 # OUT_DEVICE
	deploy monitor-maps.json
	pings 300
	for direction in ingress egress; do
		(($(copied $direction) == 300))
		(($(mapped $direction $counter) > 300 - 64 * $(nproc) && $(mapped $direction $counter) <= 300))
		wait_until 5 equals "$(mapped $direction $counter)" metric BPFMonitorMap \
			"map_name=\"mirroring_${direction}_counters_${counter}_scalar\""
	done
	pings 300
	(($(mapped ingress $counter) > 600 - 64 * $(nproc)))
	wait_until 5 equals "$(mapped ingress $counter)" metric BPFMonitorMap 'map_name="mirroring_ingress_counters_8_scalar"'
}

@test "cmd_status: RUNNING, and l3afd loads nothing anew" {
	local program
	deploy device.json
	program=$(report ingress .program_id)
	wait_until 10 equals 1 metric BPFRunning 'direction="ingress".*ebpf_program="traffic-mirroring"'
	wait_until 10 equals 1 metric BPFRunning 'direction="egress".*ebpf_program="traffic-mirroring"'
	sleep 3
	[[ $(report ingress .program_id) == "$program" ]]
	[[ $(metric BPFStartCount 'direction="ingress".*ebpf_program="traffic-mirroring"') == 1 ]]
	! grep 'not running' "$LAB/l3afd.log"
}
