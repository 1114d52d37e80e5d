# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# shellcheck shell=bash
#
# For ci/bench: its lab, and the ways to mirror that it compares.
#
#   client (eth0) --- (eth0) host (eth1) --- (eth0) collector
#                            host (bare0) --- (bare0) collector    for what is not in a tunnel
#   client (base0) --- (eth0) base (eth1) --- (base0) collector    an older commit, if BASE names its folder
#
# Functions that mirror do so on the host $at: host, or base within on_base FUNCTION ARGUMENT….
#
# Ways ("bench_rules" has those of ours that are one rule)
#   none            the chain is empty
#   empty           an empty program
#   bare            a program with only bpf_clone_redirect() to a veth
#   reserve         a program that only puts 64 bytes and the time into a ring buffer
#   device          ours, to that veth             device-vxlan    ours, to the kernel's VXLAN device
#   ring            ours, 128 bytes to GUE         ring-whole      ours, whole packets to GUE
#   ring-legs       ours, to GUE and to VXLAN      ring-whole-legs likewise
#   ring-whole-threads  ours, whole packets to GUE, by two threads of the sender
#   ring-dev        ours, whole packets to the kernel's VXLAN device
#   auto            likewise, and large packets by clone
#   ring-first      ours, whole packets of the first 1 MiB of each flow and direction
#   mirred-vxlan    tc u32, action mirred          dup-vxlan       nft dup
#   capture         tcpdump, 128 bytes             capture-whole   tcpdump, whole packets
#   64-…            64 filters: ours to the veth of bare, ours to the ring, nft with 64 rules, nft with a set,
#                   tc u32. The last filter accepts $last_filter, the others a port each.

bench_tools=$PWD/build/traffic-mirroring/bench
bench_pins=/sys/fs/bpf/tc/globals/eth0
bench_programs=/sys/fs/bpf/bench
BENCH_BASE_UPLINK4=203.0.113.2 BENCH_BASE_COLLECTOR4=203.0.113.9
directions=(ingress egress)
at=host
last_filter="" # a port or nothing, which is all UDP
takers=1 # CPUs of the receiver of copies
threads=auto # of the sender
tcpdump="" # a process
declare -A sender=() # processes
declare -A bench_commands=(
	[host]=$PWD/build/tc-root:$PWD/build/traffic-mirroring
	[base]=${BASE:-}/build/tc-root:${BASE:-}/build/traffic-mirroring
)
declare -A bench_collector=([host]=$LAB_COLLECTOR4 [base]=$BENCH_BASE_COLLECTOR4)
bench_legs="to gue:$LAB_COLLECTOR4 + vxlan:$LAB_COLLECTOR4/1"
# Mirrored from lo, where no traffic is: it keeps the rings and the sender, with what each way needs.
declare -A bench_keep=(
	[host]="mirror proto udp $bench_legs; mirror proto icmp to dev:vxlan0; mirror first 1M"
	[base]=mirror
)
declare -A bench_rules=(
	[device]="mirror to bare0"
	[device-vxlan]="mirror to vxlan0"
	[ring]="mirror snaplen 128"
	[ring-whole]="mirror"
	[ring-dev]="mirror to dev:vxlan0"
	[ring-first]="mirror first 1M"
	[ring-legs]="mirror snaplen 128 $bench_legs"
	[ring-whole-legs]="mirror $bench_legs"
	[ring-whole-threads]="mirror"
)

has_base() {
	[[ ${BASE:-} ]]
}

on_base() {
	local at=base
	"$@"
}

# A command of the packages, of the commit that this host has.
run() {
	PATH=${bench_commands[$at]}:$PATH on "$at" "$@"
}

bench_lab() {
	lab_begin
	trap lab_end EXIT
	lab_three_hosts
	lab_vxlan 4
	lab_wire host bare0 collector bare0
	! has_base || base_host
	local name dev
	for name in host collector client; do
		load $name
	done
	for name in host collector; do
		on $name sysctl -qw net.ipv6.conf.all.disable_ipv6=1 # a wire is silent unless copies are on it
	done
	set_map host device 0 "$(on host cat /sys/class/net/bare0/ifindex)"
	lab_neighbour host eth1 collector eth0 $LAB_COLLECTOR4
	for dev in $(on collector ls /sys/class/net); do
		[[ $dev == lo || $dev == vxlan0 ]] || count_with bench_sink collector "$dev" ingress
	done
	count_with bench_count client eth0 "${directions[@]}"
	begin
	! has_base || on_base begin
}

base_host() {
	lab_host base
	lab_wire client base0 base eth0
	lab_wire base eth1 collector base0
	on base ip link set eth1 mtu 1600
	on collector ip link set base0 mtu 1600
	on base ip addr add $BENCH_BASE_UPLINK4/24 dev eth1
	on base sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	lab_neighbour base eth1 collector base0 $BENCH_BASE_COLLECTOR4
	load base
}

load() {
	on "$1" bpftool prog loadall "$bench_tools/bench.bpf.o" $bench_programs pinmaps $bench_programs/maps
}

# set_map HOST MAP KEY VALUE, both of 32 bits.
set_map() {
	# shellcheck disable=SC2046
	on "$1" bpftool map update pinned "$bench_programs/maps/bench_$2" key $(bytes "$3") value $(bytes "$4")
}

bytes() {
	echo $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255))
}

# count_with PROGRAM HOST DEVICE DIRECTION…
count_with() {
	local direction
	on "$2" tc qdisc add dev "$3" clsact
	for direction in "${@:4}"; do
		on "$2" tc filter add dev "$3" "$direction" bpf direct-action object-pinned "$bench_programs/$1"
	done
}

# Starts mirroring with new rings and a new sender; the chains of eth0 are empty.
begin() {
	local direction
	start lo ingress "${bench_keep[$at]}"
	for direction in "${directions[@]}"; do
		start eth0 "$direction" mirror
		chain "$direction"
	done
	[[ $at != host || $threads == auto ]] || set_threads # an older commit has no threads
	find_sender
}

find_sender() {
	sender[$at]=$(run mirror-sender --status | sed -n 's/^sender .*process \([0-9]*\).*/\1/p')
	sender_on $takers
}

# sender_threads NUMBER|auto: another sender, with new rings.
sender_threads() {
	threads=$1
	set_threads
	find_sender
}

set_threads() {
	run mirroring update --iface=lo --direction=ingress --sender-threads="$threads" --quiet
}

# start DEVICE DIRECTION RULES
start() {
	run tc_root start --iface "$1" --quiet
	run mirroring start --iface="$1" --direction="$2" --map-name="${bench_pins/eth0/$1}/tc_$2_root_array" \
		--tunnel-remote-address="${bench_collector[$at]}" --rules="$3" --quiet
}

# sender_on CPUS
sender_on() {
	taskset -acp "$1" "${sender[$at]}" >/dev/null
}

# After an overload flows return only gradually; the next measurement must begin without shedding.
forget_overload() {
	local direction
	! run mirror-sender --status | grep -q '^overload 0\.0 %' || return 0
	run mirroring stop --iface=lo --direction=ingress --quiet
	for direction in "${directions[@]}"; do
		run mirroring stop --iface=eth0 --direction="$direction" --quiet
	done
	begin
}

# chain DIRECTION [PROGRAM]: sets the program that tc-root calls; none without PROGRAM.
chain() {
	local map=$bench_pins/tc_$1_root_array
	if [[ ${2:-} ]]; then
		on $at bpftool map update pinned "$map" key 0 0 0 0 value pinned "$2"
	else
		on $at bpftool map delete pinned "$map" key 0 0 0 0 2>/dev/null || true # it was empty
	fi
}

# ours DIRECTION: the pin of our program.
ours() {
	echo "/sys/fs/bpf/progs/eth0/_$1_redirect_tc"
}

# chain_ours DIRECTION RULES [OPTION…]: puts our program into the chain.
chain_ours() {
	run mirroring update --iface=eth0 --direction="$1" --rules="$2" --quiet "${@:3}"
	chain "$1" "$(ours "$1")"
}

# wire super|cut: whether the wire to the collector takes super-packets in tunnels, and UDP_SEGMENT. One that
# does not is a cloud's NIC: the kernel segments in software. The veth of bare clones has no tunnels.
wire() {
	local state=on feature
	[[ $1 == super ]] || state=off
	for feature in tx-udp_tnl-segmentation tx-udp_tnl-csum-segmentation tx-gre-segmentation tx-gre-csum-segmentation \
		tx-udp-segmentation; do
		on host ethtool -K eth1 $feature $state
	done
}

# filters FORMAT OPTIONS LAST: 64 filters, a line each. FORMAT makes one of a port.
filters() {
	local port
	for port in {1000..1062}; do
		# shellcheck disable=SC2059
		printf "$1 $2\n" "$port"
	done
	echo "$3 $2"
}

filters_of_ours() {
	filters 'mirror proto udp dst-port %s' "$1" "mirror proto udp ${last_filter:+dst-port $last_filter}"
}

nft_dup() {
	on $at nft "table netdev bench_$1 { chain copies { type filter hook $1 device eth0 priority 0;
		$2
	}; }"
}

# mirror WAY DIRECTION…: starts mirroring; mirror_no_more ends it.
mirror() {
	local way=$1 direction last_of_nft="meta l4proto udp" udp
	shift
	[[ ! $last_filter ]] || last_of_nft="udp dport $last_filter"
	[[ $way != *ring* && $way != auto ]] || forget_overload
	for direction; do
		case $way in
		none | capture*) ;;
		bare) chain "$direction" $bench_programs/bench_clone ;;
		mirred-vxlan)
			on $at tc filter add dev eth0 "$direction" pref 100 protocol all u32 match u32 0 0 \
				action mirred egress mirror dev vxlan0
			;;
		dup-vxlan) nft_dup "$direction" "dup to vxlan0" ;;
		auto) chain_ours "$direction" "${bench_rules[ring-dev]}" --clone-above=4096 ;;
		64-device) chain_ours "$direction" "$(filters_of_ours "to bare0")" ;;
		64-ring) chain_ours "$direction" "$(filters_of_ours "snaplen 128")" ;;
		64-nft) nft_dup "$direction" "$(filters 'udp dport %s' "dup to bare0" "$last_of_nft")" ;;
		64-nft-set)
			nft_dup "$direction" "udp dport { $(seq -s, 1000 1062) } dup to bare0
				$last_of_nft dup to bare0"
			;;
		64-u32)
			udp="filter add dev eth0 $direction pref 100 protocol ip u32 match ip protocol 17 0xff"
			filters "$udp match ip dport %s 0xffff" "action mirred egress mirror dev bare0" \
				"$udp ${last_filter:+match ip dport $last_filter 0xffff}" | on $at tc -batch -
			;;
		*) chain_ours "$direction" "${bench_rules[$way]}" ;;
		esac
	done
	case $way in
	capture) tcpdump_start 128 ;;
	capture-whole) tcpdump_start 0 ;;
	esac
}

tcpdump_start() {
	spawn $at tcpdump taskset -c $takers tcpdump -Z root -n -p -B 65536 -i eth0 -s "$1" -w /dev/null
	wait_until 5 grep -q 'listening on' "$LAB/tcpdump.log"
	tcpdump=$pid
}

mirror_no_more() {
	local way=$1 direction
	shift
	[[ $way != capture* ]] || { kill -INT "$tcpdump" && wait "$tcpdump"; }
	for direction; do
		case $way in
		mirred-vxlan | 64-u32) on $at tc filter del dev eth0 "$direction" pref 100 ;;
		dup-vxlan | 64-nft*) on $at nft delete table netdev "bench_$direction" ;;
		auto)
			chain "$direction"
			run mirroring update --iface=eth0 --direction="$direction" --clone-above=0 --quiet
			;;
		*) chain "$direction" ;;
		esac
	done
}

# traffic HOST: the packets and bytes that it has counted. The client counts all that it sends and receives,
# the collector all copies. A GSO packet counts as what the wire has of it.
traffic() {
	on "$1" bpftool -j map dump pinned $bench_programs/maps/bench_traffic |
		jq -r '[.[0].formatted.values[].value] | "\(map(.packets) | add) \(map(.bytes) | add)"'
}

# Sets $packets and $bytes to what the client sent and received in the meantime, $copies and $copied to what
# the collector received.
declare -i packets=0 bytes=0 copies=0 copied=0
counters_begin() {
	read -r packets bytes < <(traffic client)
	read -r copies copied < <(traffic collector)
}

counters_end() {
	local -i n m
	settle
	read -r n m < <(traffic client)
	packets=n-packets bytes=m-bytes
	read -r n m < <(traffic collector)
	copies=n-copies copied=m-copied
}

# Waits until no more copies arrive.
settle() {
	local before="" now
	now=$(traffic collector)
	until [[ $now == "$before" ]]; do
		sleep 0.2
		before=$now
		now=$(traffic collector)
	done
}

# CPU time of a process's threads, including softirqs charged to them: a line each.
cpu_ns() {
	awk '{ print FILENAME, $1 }' "/proc/$1/task"/*/schedstat
}

# busiest BEFORE AFTER: what the thread that had most of it had in the meantime.
busiest() {
	awk 'NR == FNR { before[$1] = $2; next } { used = $2 - before[$1]; if (used > most) most = used }
		END { print most + 0 }' <(echo "$1") <(echo "$2")
}

# CPU time of the whole machine, in seconds, without what other guests took.
host_cpu() {
	awk -v hz="$(getconf CLK_TCK)" '/^cpu / { print ($2 + $3 + $4 + $7 + $8) / hz; exit }' /proc/stat
}

tcpdump_says() {
	sed -n "s/^\([0-9]*\) packets $1.*/\1/p" "$LAB/tcpdump.log"
}

quotient() {
	jq -n "($1) / ($2)"
}

listens() {
	[[ $(on host ss --no-header --listening --tcp "sport = :$1") ]]
}
