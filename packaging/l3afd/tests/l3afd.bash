# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# shellcheck shell=bash
#
# What the tests with a real l3afd share. The binary is named by L3AFD; it runs at the lab's host, unmodified, with
# packaging/l3afd/l3afd.cfg in folders of its own, and a package repository.
#
#   l3afd_repository        First, in setup_file: a repository of dist/ and of the flow log, in $repository.
#   l3afd_package NAME VERSION FILE…  Adds a package to it.
#   l3afd_lab               First, in setup: the three hosts, a VXLAN tunnel from host to collector.
#   l3afd_start [URL]       Starts l3afd and waits for its API. Its log goes on in $LAB/l3afd.log. URL: of the repository.
#   l3afd_stop              Ends it as systemd does, and waits for it.
#   l3afd_kill              Ends it with SIGKILL.
#   payload FILE [FILTER]   A payload of packaging/l3afd for this host, edited by a jq filter (see payload.jq).
#   post PATH [HTTP-STATUS] Posts the payload on standard input; fails if the answer has another status (200).
#   deploy FILE [FILTER]    payload | post update
#   remove NAME             Has l3afd delete the program of this name in both directions.
#   versioned               Succeeds if this l3afd pins with package and version, as after v2.1.0.
#   root_pins               The directory of tc-root's map pins.
#   chain DIRECTION         The names of the programs in the kernel's chain, without numbers.
#   chains_are NAMES        Prints both chains; succeeds if they are these; DIRECTION stands for each one's.
#   report DIRECTION FILTER A part of our `status --json`, by a jq filter.
#   copied DIRECTION        Copies so far, by our counters.
#   copied_more_than DIRECTION COUNT
#   pings COUNT             Echo requests from the client, every one of which has to be answered.
#   ensure_clsact           eth0 has the qdisc clsact.
#   traffic, traffic_end    Echo requests all the time; the end fails if one was not answered, or not once and in order.

source "${BASH_SOURCE[0]%/*}/../../../ci/lab.bash"

l3afd_root=$(readlink -f "${BASH_SOURCE[0]%/*}/../../..")
l3afd_payloads=$l3afd_root/packaging/l3afd
export PATH=$l3afd_root/build/tc-root:$l3afd_root/build/traffic-mirroring:$PATH
pins=/sys/fs/bpf/tc/globals/eth0

# Packages are taken for this platform, whatever the machine's distribution.
platform=bookworm

l3afd_repository() {
	[[ ${L3AFD:-} ]] || return 0
	repository=$BATS_FILE_TMPDIR/repository
	cp -r "$l3afd_root/dist" "$repository"
	l3afd_package flow-log latest "$l3afd_root"/build/traffic-mirroring/tests/flow_log_*.bpf.o
	export repository
}

l3afd_package() {
	local folder=l3af_${1//-/_} place=$repository/$1/$2/$platform
	mkdir -p "$BATS_FILE_TMPDIR/$folder" "$place"
	cp "${@:3}" "$BATS_FILE_TMPDIR/$folder/"
	tar -C "$BATS_FILE_TMPDIR" -czf "$place/$folder.tar.gz" "$folder"
}

setup_file() {
	l3afd_repository
}

l3afd_lab() {
	[[ ${L3AFD:-} ]] || skip "no l3afd is named: L3AFD=/path/to/l3afd make test-l3afd"
	requires_root
	requires_command bpftool curl jq ping python3 ss tc
	requires_device vxlan id 1 dstport 4789
	# l3afd ends every process it sees whose name is like cmd_start: it must not see those of others
	grep -qaF "${BATS_TEST_FILENAME##*/}" /proc/1/cmdline ||
		{ echo "needs a PID namespace of its own: run it by make test-l3afd"; return 1; }
	lab_begin && lab_three_hosts && lab_vxlan && mkdir "$LAB/run" "$LAB/bin" || return
	printf '#!/bin/sh\necho %s\n' $platform >"$LAB/bin/lsb_release"
	chmod +x "$LAB/bin/lsb_release"
}

setup() {
	l3afd_lab
}

l3afd_start() {
	sed "s|: /run/l3afd|: $LAB/run/l3afd|; s|/var/lib/l3afd|$LAB/run|; s|/var/log/l3afd||; s|10s|1s|; s|file:///.*|${1:-file://$repository}|" \
		"$l3afd_payloads/l3afd.cfg" >"$LAB/l3afd.cfg"
	spawn host l3afd env "PATH=$LAB/bin:$PATH" "$L3AFD" --config "$LAB/l3afd.cfg"
	l3afd=$pid
	wait_until 20 on host curl --silent --fail http://localhost:7080/l3af/configs/v1
}

l3afd_stop() {
	kill -TERM "$l3afd" && wait_until 30 l3afd_ended
}

l3afd_kill() {
	kill -KILL "$l3afd" && wait_until 5 l3afd_ended
}

l3afd_ended() {
	! kill -0 "$l3afd" 2>/dev/null
}

payload() {
	jq -L "$l3afd_payloads/tests" --arg host "$(hostname)" \
		"include \"payload\"; .[].host_name = \$host | ${2:-.}" "$l3afd_payloads/$1"
}

post() {
	cat >"$LAB/payload.json"
	LAB_TIMEOUT=60 expect 0 on host curl --silent --show-error --output "$LAB/answer" --write-out '%{http_code}' \
		--json "@$LAB/payload.json" "http://localhost:7080/l3af/configs/v1/$1"
	[[ $output == "${2:-200}" ]] || { cat "$LAB/answer" "$LAB/l3afd.log"; return 1; }
}

deploy() {
	payload "$@" | post update
}

remove() {
	jq -n --arg host "$(hostname)" --arg name "$1" \
		'[{host_name: $host, iface: "eth0", bpf_programs: {tc_ingress: [$name], tc_egress: [$name]}}]' | post delete
}

versioned() {
	on host test -d "$pins/tc-root"
}

root_pins() {
	versioned && echo "$pins/tc-root/latest" || echo "$pins"
}

chain() {
	on host tc_root status --iface eth0 | sed -n "s/^eth0 $1: //p" | sed 's/ ([^)]*)//g'
}

chains_are() {
	local direction
	for direction in ingress egress; do
		chain $direction
		[[ $(chain $direction) == "${1//DIRECTION/$direction}" ]] || return
	done
}

report() {
	on host mirroring status --iface=eth0 --direction="$1" --json | jq -r ".[0] | $2"
}

copied() {
	report "$1" '.counters | .device + .ring'
}

copied_more_than() {
	(($(copied "$1") > $2))
}

pings() {
	expect 0 on client ping -q -i 0.01 -c "$1" -W 1 "${2:-$LAB_HOST4}" && [[ $output == *" 0% packet loss"* ]]
}

ensure_clsact() {
	on host tc qdisc add dev eth0 clsact 2>"$LAB/clsact" || grep -q 'Exclusivity flag' "$LAB/clsact"
}

# Added before: while l3afd adds it, the kernel drops what eth0 sends.
traffic() {
	ensure_clsact
	spawn client traffic ping -i 0.005 -W 1 "$LAB_HOST4"
	traffic=$pid
}

# The last request may be on its way when ping ends.
traffic_end() {
	kill -INT "$traffic"
	wait_until 5 grep 'packet loss' "$LAB/traffic.log"
	tail -n 3 "$LAB/traffic.log"
	sed -n 's/.*icmp_seq=\([0-9]*\) ttl.*/\1/p' "$LAB/traffic.log" >"$LAB/answered"
	diff "$LAB/answered" <(seq "$(wc -l <"$LAB/answered")")
}
