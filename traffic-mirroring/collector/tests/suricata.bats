#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# An IDS on the collector's TAP device raises its alert about a request that passed on the host.

load collector

setup() {
	requires_root
	requires_command bpftool curl nginx
	command -v suricata >/dev/null || timeout 300 "$BATS_TEST_DIRNAME/../../../ci/backports" suricata >&2 || {
		# in CI (the variable is set there) this is a failure
		[[ ! ${CI:-} ]]
		skip "no Suricata, neither in this release nor in its backports"
	}
	lab_begin && lab_three_hosts && on host tc_root start --iface eth0 --quiet && server origin host 80
}

alerts() {
	cat "$LAB/ids/fast.log" 2>/dev/null
}

@test "Suricata on the TAP device, a thread per queue" {
	local direction
	mkdir "$LAB/ids"
	echo 'alert http any any -> any any (msg:"marked request"; flow:established,to_server; http.uri; content:"/marked"; sid:1; rev:1;)' \
		>"$LAB/ids/rules"
	collect --listen vxlan --tap tap0 --workers 2 --tap-queues 2
	local queues=(--set af-packet.0.interface=tap0 --set af-packet.0.threads=2 --set af-packet.0.cluster-id=7
		--set af-packet.0.cluster-type=cluster_qm)
	spawn collector ids suricata --af-packet=tap0 "${queues[@]}" -S "$LAB/ids/rules" -l "$LAB/ids" -k all --set unix-command.enabled=no
	wait_until 60 grep -q 'Engine started' "$LAB/ids/suricata.log"
	for direction in ingress egress; do
		expect 0 on host mirroring start --iface=eth0 --direction=$direction \
			--map-name=/sys/fs/bpf/tc/globals/eth0/tc_${direction}_root_array --rules="mirror proto tcp port 80" \
			--tunnel-type=vxlan --tunnel-remote-address=$LAB_COLLECTOR4
	done
	expect 0 on client curl --silent --fail http://$LAB_HOST4/ordinary
	expect 0 on client curl --silent --fail http://$LAB_HOST4/marked
	wait_until 20 grep -q 'marked request' "$LAB/ids/fast.log"
	alerts
	[[ $(alerts | wc -l) == 1 ]]
	[[ $(alerts) == *"{TCP} $LAB_CLIENT4:"*" -> $LAB_HOST4:80" ]]
	collect_end
	counters feed_errors=0
}
