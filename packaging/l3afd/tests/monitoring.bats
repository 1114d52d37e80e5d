#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The rules of packaging/monitoring where l3afd deploys: alerts fire and clear.

load l3afd
load ../../monitoring/tests/monitoring

setup() {
	l3afd_lab
	monitoring_requires
	l3afd_start
}

@test "copies, their failures, and a program that is gone" {
	deploy device.json
	traffic
	textfile_start
	prometheus_start node=9100
	local direction
	for direction in ingress egress; do
		wait_until 10 has "mirroring:active{iface=\"eth0\", direction=\"$direction\"} == 1"
		wait_until 10 has "mirroring:packets:rate5m{iface=\"eth0\", direction=\"$direction\", outcome=\"device\"} > 10"
	done
	quiet

	on host ip link set vxlan0 down
	fires MirroringCopiesFailing 'iface="eth0", direction="egress", outcome=~"device_.*"'
	on host ip link set vxlan0 up
	clears MirroringCopiesFailing

	remove traffic-mirroring
	fires MirroringStopped 'iface="eth0", direction="ingress"'
	deploy device.json
	quiet
	rules_are_healthy
	traffic_end
}
