# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# shellcheck shell=bash
#
# What the labs of the command `mirroring` share. Their host mirrors eth0, and has a VXLAN tunnel to the collector.
#
#   mirroring_lab           First, the setup of tests without one of their own: the three hosts, the tunnel,
#                           root programs on host's eth0.
#   mirror STATUS COMMAND [OPTION…]   `expect STATUS` of the command at host, for eth0 and $direction (ingress).
#   mirror_start [OPTION…]  start: loads our program behind the root, copies go to vxlan0.
#   stub                    From now on stubs of our programs are loaded: nothing is copied or counted, and a start takes a
#                           tenth of the time. For tests of the command alone.
#   mirror_uplink [OPTION…] start of both directions of eth1, whose root programs are there: mirrors all that it sends and receives.
#   forget_outers           Empties eth1's tables of tunnels, so that our copies are known by their mark alone.
#   shows RULE…             Fails unless `show` prints just these lines.
#   report FILTER           A part of `status --json` of eth0 and $direction, by a jq filter.
#   load_like_l3afd [PACKAGE VERSION]  Loads, pins and chains our program as l3afd does, in either layout.
#   load_flow_log NAME      Loads a flow log; its program is pinned as NAME, its maps in $flow_logs/NAME.
#   set_next MAP PROGRAM    Puts a pinned program behind a pinned chain map.
#   chain                   The names of the chain of $direction.
#   small_maps, all_maps    What the maps in $pins hold, in one text: those that are read fast, or all of them, but not
#                           the counters and what is per CPU.
#   prefixes COUNT FIRST    Comma-separated IPv4 prefixes of 32 bits, none beside another.
#   pings COUNT [ADDRESS]   Echo requests from the client.

source "${BASH_SOURCE[0]%/*}/../../ci/lab.bash"

mirroring_build=$(readlink -f "${BASH_SOURCE[0]%/*}/../../build")
export PATH=$mirroring_build/tc-root:$mirroring_build/traffic-mirroring:$PATH
pins=/sys/fs/bpf/tc/globals/eth0
flow_logs=/sys/fs/bpf/flow_logs
direction=ingress

mirroring_lab() {
	requires_root
	requires_command bpftool jq
	requires_device vxlan id 1 dstport 4789
	lab_begin && lab_three_hosts && lab_vxlan && on host tc_root start --iface eth0 --quiet
}

setup() {
	mirroring_lab
}

mirror() {
	expect "$1" on host mirroring "$2" --iface=eth0 --direction=$direction "${@:3}"
}

mirror_start() {
	mirror 0 start --map-name="$pins/tc_${direction}_root_array" --tunnel-interface-name=vxlan0 "$@"
}

stub() {
	stubs=$LAB/stub
	mkdir "$stubs"
	cp "$mirroring_build"/traffic-mirroring/{mirroring,mirror-sender,select/tests/mirroring_{in,e}gress.bpf.o} "$stubs"
	PATH=$stubs:$PATH
}

mirror_uplink() {
	local direction
	for direction in ingress egress; do
		expect 0 on host mirroring start --iface=eth1 --direction=$direction --rules=mirror \
			--map-name=/sys/fs/bpf/tc/globals/eth1/tc_${direction}_root_array "$@" || return
	done
}

forget_outers() {
	local direction
	for direction in ingress egress; do
		on host bash -c "bpftool -j map dump pinned /sys/fs/bpf/tc/globals/eth1/mirroring_${direction}_outers |
			jq -r '.[].key | join(\" \")' | while read -r key; do
				bpftool map delete pinned /sys/fs/bpf/tc/globals/eth1/mirroring_${direction}_outers key \$key
			done" || return
	done
}

shows() {
	mirror 0 show
	[[ $output == "$(printf '%s\n' "$@")" ]]
}

report() {
	on host mirroring status --iface=eth0 --direction=$direction --json | jq -r ".[0] | $1"
}

set_next() {
	on host bpftool map update pinned "$1" key 0 0 0 0 value pinned "$2"
}

# l3afd pins a program under its function's name and `_tc`. bpftool pins maps at the top.
load_like_l3afd() {
	local layout=eth0${1:+/$1/${2//./_}}
	# shellcheck disable=SC2016
	on host bash -euc '
		mkdir -p "/sys/fs/bpf/tc/globals/$3" "/sys/fs/bpf/progs/$3"
		bpftool prog loadall "$1" /sys/fs/bpf/loaded
		mv /sys/fs/bpf/mirroring_* "/sys/fs/bpf/tc/globals/$3/"
		mv "/sys/fs/bpf/loaded/_$2_redirect" "/sys/fs/bpf/progs/$3/_$2_redirect_tc"
		rm -r /sys/fs/bpf/loaded
	' load "${stubs:-$mirroring_build/traffic-mirroring}/mirroring_$direction.bpf.o" $direction "$layout" &&
		set_next "$pins/tc_${direction}_root_array" "/sys/fs/bpf/progs/$layout/_${direction}_redirect_tc"
}

load_flow_log() {
	on host mkdir -p "$flow_logs/$1" &&
		on host bpftool prog load "$mirroring_build/traffic-mirroring/tests/flow_log_$direction.bpf.o" "$flow_logs/$1/program" &&
		on host bash -c "mv /sys/fs/bpf/flow_log_${direction}_* $flow_logs/$1/"
}

chain() {
	on host tc_root status --iface eth0 | sed -n "s/^eth0 $direction: //p" | sed 's/ ([^)]*)//g'
}

dump_maps() {
	local name
	for name; do
		echo "map dump pinned $pins/mirroring_${direction}_$name"
	done | on host bpftool -j batch file -
}

small_maps() {
	local names
	mapfile -t names < <(on host ls "$pins" | sed -n "s/^mirroring_${direction}_//p" | grep -vxE \
		'dst_port|src_port|port|vlan|fragments|cpus|counters|filter_.*|near|rings|state|exits|jmp_table|chained_behind')
	dump_maps "${names[@]}"
}

# bpftool would make megabytes of the large ones.
all_maps() {
	small_maps && on host cat "$pins/mirroring_${direction}"_{dst_port,src_port,port,vlan}
}

prefixes() {
	awk -v n="$1" -v first="$2" 'BEGIN {
		for (i = first; i < first + n; i++)
			printf "%s%d.%d.%d.%d", (i > first ? "," : ""), 10 + i / 4194304, i / 16384 % 256, i / 64 % 256, i % 64 * 4
	}'
}

pings() {
	on client ping -q -i 0.01 -c "$1" "${2:-$LAB_HOST4}"
}
