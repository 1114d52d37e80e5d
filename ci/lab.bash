# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# shellcheck shell=bash
#
# Labs: hosts on this machine, each with its own network and mount namespaces, hence its own devices,
# /sys/fs/bpf (an empty bpffs), /sys and /run. For bats tests and bash scripts.
#
# Hosts
#   lab_begin               First. Call it in setup or setup_file, never in a subshell: hosts end with the shell
#                           that created them, even if it is killed.
#   lab_end                 Last: ends every process inside the hosts, and with them the hosts. The teardown of every
#                           bats test that has none of its own.
#   lab_host NAME…          New hosts with only lo.
#   lab_wire A DEV B DEV    A veth pair between hosts A and B, up at both ends.
#   lab_three_hosts         client (eth0) --- (eth0) host (eth1) --- (eth0) collector, see the LAB_ addresses below.
#                           The wire to the collector has an MTU of 1600, so that full-size copies fit with a tunnel's headers.
#   lab_vxlan [4|6]         vxlan0 at host and collector (id 42, port 4789), over IPv4 (the default) or IPv6; packets
#                           sent into host's vxlan0 come out of the collector's. The devices are silent by themselves.
#   lab_no_offload HOST DEV…  Packets of the wire's size only (no GSO, no GRO), so that they can be counted.
#   lab_mac HOST DEV        The Ethernet address of a device.
#   lab_neighbour A DEV B DEV ADDRESS…  Permanent neighbour entries at A for B's addresses, so that A sends no ARP or ND.
#
# Commands. All but spawn time out after LAB_TIMEOUT seconds (10), with status 124.
#   on HOST COMMAND…        Runs a command there, in this directory.
#   spawn HOST NAME COMMAND…  The same in the background, until lab_end. Its process is $pid, its output $LAB/NAME.log.
#   expect STATUS COMMAND…  Prints a command, runs it, prints and keeps its output in $output (stdout and stderr), and fails
#                           if it ends with another status. `!` stands for any failure (1 to 123: no time-out, no signal).
#                           COMMAND may be a function such as on.
#   wait_until SECONDS COMMAND…  Repeats a command, up to five times a second, until it succeeds; on a slow machine
#                           LAB_PATIENCE times as long.
#
# Packets
#   capture NAME HOST DEV [FILTER]  Starts tcpdump and waits until it listens. Packets go to $LAB/NAME.pcap.
#   capture_end NAME        Ends it when no more packets come; fails if the kernel dropped any.
#   captured NAME [FILTER]  How many packets in the file match.
#
# Many packets a second: `busybox ping -i 0.002`. Below 10 ms, the ping of iputils spins between two of them.
#
# Guards. If something is missing, a test is skipped and a script ends, with that reason.
#   requires_root
#   requires_command NAME…
#   requires_device KIND [ARGUMENT…]   As for `ip link add`: vxlan id 1 dstport 4789

# Before each command bats records where it stands, which costs more than the command: let it do so in the test
# alone. A failure in a function is shown at the line of its call.
if [[ ${BATS_TEST_NAME:-} ]] && declare -F bats_error_trap >/dev/null; then
	set +T
	eval "$BATS_TEST_NAME() { :; }" # the attribute stays when the test is defined
	declare -ft "$BATS_TEST_NAME" bats_error_trap bats_check_status_from_trap
fi

LAB_CLIENT4=192.0.2.1 LAB_HOST4=192.0.2.2
LAB_CLIENT6=2001:db8:1::1 LAB_HOST6=2001:db8:1::2
LAB_UPLINK4=198.51.100.2 LAB_COLLECTOR4=198.51.100.9
LAB_UPLINK6=2001:db8:2::2 LAB_COLLECTOR6=2001:db8:2::9
: "${LAB_TIMEOUT:=10}" "${LAB_PATIENCE:=1}"

lab_begin() {
	LAB=$(mktemp -d) || return
	declare -gA LAB_HOLDER=() LAB_CAPTURE=()
	declare -ga LAB_SPAWNED=()
}

lab_host() {
	local name
	for name; do
		# setpriv: a lab does not outlive its shell. The file marks the host as ready.
		# shellcheck disable=SC2016
		setpriv --pdeathsig KILL unshare --net --mount sh -c '
			mount -t sysfs sysfs /sys && mount -t bpf bpf /sys/fs/bpf && mount -t debugfs debugfs /sys/kernel/debug &&
			mount -t tmpfs tmpfs /run && ip link set lo up && : >"$0" && exec sleep infinity
		' "$LAB/$name.ready" >"$LAB/$name.log" 2>&1 3>&- &
		LAB_HOLDER[$name]=$!
	done
	for name; do
		wait_until 5 test -e "$LAB/$name.ready" || { cat "$LAB/$name.log"; return 1; }
	done
}

# Every process in these network namespaces.
lab_processes() {
	local namespace process
	find /proc/[0-9]*/ns/net -printf '%l %p\n' 2>/dev/null | while read -r namespace process; do
		process=${process#/proc/}
		[[ " $* " != *" $namespace "* ]] || echo "${process%%/*}"
	done
}

lab_end() {
	[[ ${LAB:-} ]] || return 0
	local holder namespace namespaces=() processes
	for holder in "${LAB_HOLDER[@]}"; do
		! namespace=$(readlink "/proc/$holder/ns/net") || namespaces+=("$namespace")
	done
	# again, for processes started meanwhile
	while mapfile -t processes < <(lab_processes "${namespaces[@]}") && ((${#processes[@]} > 0)); do
		kill -KILL "${processes[@]}" 2>/dev/null || true # some may have ended
		wait "${LAB_HOLDER[@]}" "${LAB_SPAWNED[@]}" 2>/dev/null || true # killed
	done
	rm -rf "$LAB"
	unset LAB LAB_HOLDER LAB_CAPTURE LAB_SPAWNED
}

teardown() {
	lab_end
}

lab_wire() {
	local a=$1 a_dev=$2 b=$3 b_dev=$4
	on "$a" ip link add "$a_dev" up type veth peer name "$b_dev" netns "${LAB_HOLDER[$b]}" &&
		on "$b" ip link set "$b_dev" up
}

# lab_addresses HOST DEV IPV4 IPV6 [MTU]: a /24 and a /64, ready at once.
lab_addresses() {
	local host=$1 dev=$2 v4=$3 v6=$4
	on "$host" ip -batch - <<-END
		${5:+link set $dev mtu $5}
		addr add $v4/24 dev $dev
		addr add $v6/64 dev $dev nodad
	END
}

# A batch of ip for each host: setting up is most of the work of a short test.
lab_three_hosts() {
	lab_host client host collector &&
		on host ip -batch - <<-END &&
			link add eth0 up type veth peer name eth0 netns ${LAB_HOLDER[client]}
			link add eth1 mtu 1600 up type veth peer name eth0 mtu 1600 netns ${LAB_HOLDER[collector]}
			addr add $LAB_HOST4/24 dev eth0
			addr add $LAB_HOST6/64 dev eth0 nodad
			addr add $LAB_UPLINK4/24 dev eth1
			addr add $LAB_UPLINK6/64 dev eth1 nodad
		END
		on client ip -batch - <<-END &&
			link set eth0 up
			addr add $LAB_CLIENT4/24 dev eth0
			addr add $LAB_CLIENT6/64 dev eth0 nodad
		END
		on collector ip -batch - <<-END
			link set eth0 up
			addr add $LAB_COLLECTOR4/24 dev eth0
			addr add $LAB_COLLECTOR6/64 dev eth0 nodad
		END
}

# lab_vxlan_end HOST DEV LOCAL [REMOTE]. Without an IPv6 address, a device sends no packets by itself.
lab_vxlan_end() {
	on "$1" ip -batch - <<-END
		link add vxlan0 type vxlan id 42 dstport 4789 dev $2 local $3 ${4:+remote $4}
		link set vxlan0 addrgenmode none
		link set vxlan0 up
	END
}

lab_vxlan() {
	local local_end=$LAB_UPLINK4 remote_end=$LAB_COLLECTOR4
	[[ ${1:-4} == 4 ]] || local_end=$LAB_UPLINK6 remote_end=$LAB_COLLECTOR6
	lab_vxlan_end host eth1 $local_end $remote_end && lab_vxlan_end collector eth0 $remote_end
}

lab_mac() {
	on "$1" cat "/sys/class/net/$2/address"
}

lab_neighbour() {
	local mac address
	mac=$(lab_mac "$3" "$4") || return
	for address in "${@:5}"; do
		on "$1" ip neigh replace "$address" lladdr "$mac" dev "$2" || return
	done
}

lab_no_offload() {
	local dev
	for dev in "${@:2}"; do
		on "$1" ethtool -K "$dev" tso off gso off gro off || return
	done
}

# Sets $enter, the prefix that runs a command on a host: not its output, which would cost a process.
lab_enter() {
	enter=(nsenter --target "${LAB_HOLDER[$1]:?no host $1}" --net --mount --wdns="$PWD")
}

on() {
	local enter
	lab_enter "$1"
	timeout --kill-after=2 "$LAB_TIMEOUT" "${enter[@]}" "${@:2}"
}

spawn() {
	local enter name=$2
	lab_enter "$1"
	"${enter[@]}" "${@:3}" </dev/null >"$LAB/$name.log" 2>&1 3>&- &
	pid=$!
	LAB_SPAWNED+=("$pid")
}

expect() {
	local want=$1 status=0
	shift
	echo "\$ $*"
	output=$("$@" 2>&1) || status=$?
	[[ ! $output ]] || printf '%s\n' "$output"
	if [[ $want == '!' ]]; then
		((status > 0 && status < 124)) || { echo "ended with status $status, expected a failure"; return 1; }
	else
		((status == want)) || { echo "ended with status $status, expected $want"; return 1; }
	fi
}

wait_until() {
	local deadline=$((SECONDS + $1 * LAB_PATIENCE)) pauses=(0.02 0.05 0.1 0.2) n=0
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS <= deadline)) || { echo "still not after its time: $*"; return 1; }
		sleep "${pauses[n]}"
		((n == 3)) || ((++n))
	done
}

capture() {
	local name=$1 host=$2 dev=$3
	rm -f "$LAB/$name.log" # an earlier one of that name says "listening" too
	spawn "$host" "$name" tcpdump -Z root -n -U --immediate-mode -B 16384 -i "$dev" -w "$LAB/$name.pcap" "${@:4}"
	LAB_CAPTURE[$name]=$pid
	wait_until 5 grep -q 'listening on' "$LAB/$name.log" || { cat "$LAB/$name.log"; return 1; }
}

capture_end() {
	local file=$LAB/$1.pcap size=-1
	until [[ $size == "$(stat -c %s "$file")" ]]; do
		size=$(stat -c %s "$file")
		sleep 0.3
	done
	kill -INT "${LAB_CAPTURE[$1]}" && wait "${LAB_CAPTURE[$1]}"
	grep -q '^0 packets dropped by kernel' "$LAB/$1.log" || { cat "$LAB/$1.log"; return 1; }
}

captured() {
	tcpdump -n -r "$LAB/$1.pcap" "${@:2}" 2>/dev/null | wc -l
}

# Ends the test or the script because this machine lacks something.
lab_missing() {
	[[ ! ${BATS_TEST_FILENAME:-} ]] || skip "$1"
	echo "$1" >&2
	exit 1
}

requires_root() {
	((EUID == 0)) || lab_missing "needs root"
}

requires_command() {
	local name
	for name; do
		command -v "$name" >/dev/null || lab_missing "needs the command $name"
	done
}

requires_device() {
	unshare --net ip link add probe type "$@" 2>/dev/null || lab_missing "this kernel has no $1 devices"
}
