#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# What can be wrong with the host has an error of its own; what is large works.

load ../../tests/mirroring

setup() {
	mirroring_lab && stub
}

@test "a lock that somebody holds: every writer gives up, and names the process" {
	mirror_start --rules="mirror proto icmp"
	spawn host holder flock "$pins" sleep 60
	local command job jobs=()
	wait_until 5 on host bash -c "! flock --nonblock '$pins' true"
	for command in start update stop show rollback; do
		LAB_TIMEOUT=20 on host mirroring $command --iface=eth0 --direction=ingress &>"$LAB/$command.said" 3>&- &
		jobs+=($!)
	done
	LAB_TIMEOUT=20 on host unshare --pid --fork --mount-proc mirroring update --iface=eth0 --direction=ingress \
		&>"$LAB/container.said" 3>&- &
	jobs+=($!)
	spawn host top flock /sys/fs/bpf sleep 60
	wait_until 5 on host sh -c '! flock --nonblock /sys/fs/bpf true'
	LAB_TIMEOUT=20 on host tc_root start --iface eth0 &>"$LAB/tc_root.said" 3>&- &
	jobs+=($!)
	# those that change nothing need no lock
	mirror 0 status
	[[ $(on host mirroring --cmd=status) == RUNNING ]]
	expect 0 on host mirroring metrics
	for job in "${jobs[@]}"; do
		! wait "$job" || { echo "one of them succeeded"; return 1; }
	done
	for command in start update stop show rollback; do
		cat "$LAB/$command.said"
		[[ $(<"$LAB/$command.said") =~ ^"mirroring: cannot lock $pins: process "([0-9]+)" has held it for over 10 seconds"$ ]]
		# flock's file descriptor is also its child's; both are ours
		[[ $(</proc/"${BASH_REMATCH[1]}"/comm) == @(flock|sleep) ]]
	done
	grep -qx "mirroring: cannot lock $pins: a process outside this PID namespace has held it for over 10 seconds" \
		"$LAB/container.said"
	grep -qxE 'tc_root: cannot lock /sys/fs/bpf: process [0-9]+ has held it for over 10 seconds' "$LAB/tc_root.said"
}

@test "a directory that others can change: no command reads or writes pins in it" {
	local command stranger=(setpriv --reuid 12345 --clear-groups)
	# the top of a plainly mounted bpffs has mode 1777
	on host "${stranger[@]}" mkdir /sys/fs/bpf/mirroring-3
	mirror 1 start --map-name="$pins/tc_ingress_root_array" --rules=mirror --tunnel-remote-address=$LAB_COLLECTOR4
	grep -qx "mirroring: open failed: /sys/fs/bpf/mirroring-3: expected a directory that only root can write, got owner 12345, mode .*" \
		<<<"$output"
	[[ ! $(on host ls /sys/fs/bpf/mirroring-3) ]]
	expect 1 on host mirror-sender
	expect 1 on host mirror-sender --status
	on host rmdir /sys/fs/bpf/mirroring-3
	mirror_start --rules=mirror
	on host chmod 0777 "$pins"
	for command in start update show status stop; do
		expect 1 on host mirroring $command --iface=eth0 --direction=ingress
		[[ $output == *"open failed: $pins: expected a directory that only root can write, got owner 0, mode 777"* ]]
	done
	on host chmod 0700 "$pins"
	mirror 0 stop
}

@test "a start that fails makes no folder; those of one that succeeds are for root alone" {
	local fault start=(start --map-name="$pins/tc_ingress_root_array")
	folders() {
		on host find /sys/fs/bpf -mindepth 1 -type d -printf '%m %p\n' | sort
	}
	local before
	before=$(folders)
	for fault in "--rules=mirror --redirect-to=none" "--rules=mirror --tunnel-remote-address=203.0.113.9" \
		"--rules=mirror --redirect-to=eth0" "--rules=nonsense" "--rules=mirror"; do
		# shellcheck disable=SC2086
		mirror '!' "${start[@]}" $fault
		[[ $(folders) == "$before" ]]
	done
	mirror 0 "${start[@]}" --rules=mirror --tunnel-remote-address=$LAB_COLLECTOR4
	! folders | grep -v '^700 '
}

@test "a pin that is missing is named" {
	mirror_start --rules="mirror proto icmp"
	on host rm "$pins/mirroring_ingress_vlan"
	local command
	for command in start update show rollback; do
		mirror 1 $command
		[[ $output == "mirroring: $pins/mirroring_ingress_vlan: No such file or directory" ]]
	done
	# what start loaded can be stopped all the same
	mirror 0 stop
	expect 0 on host find /sys/fs/bpf -name '*mirroring*'
	[[ ! $output ]]
}

# other_map PIN TYPE KEY VALUE ENTRIES FLAGS: pins such a map in place of another, which is kept as PIN.kept.
other_map() {
	on host mkdir -p /sys/fs/bpf/kept
	on host mv "$1" /sys/fs/bpf/kept/
	on host bpftool map create "$1" type "$2" key "$3" value "$4" entries "$5" name other flags "$6"
}

own_map() {
	on host rm "$1"
	on host mv "/sys/fs/bpf/kept/${1##*/}" "$1"
}

@test "maps that this version did not make are refused: type, key, value, entries and flags" {
	mirror_start --rules="mirror proto icmp"
	local name shape expected
	while IFS='|' read -r name shape expected; do
		# shellcheck disable=SC2086
		other_map "$pins/mirroring_ingress_$name" $shape
		mirror 1 update --rules=mirror
		[[ $output == "mirroring: $pins/mirroring_ingress_$name: expected $expected: another version made this map" ]]
		own_map "$pins/mirroring_ingress_$name"
	done <<-'END'
		filters|array 4 280 64 1024|array (key 4, value 280, entries 128, flags 0x400), got array (key 4, value 280, entries 64, flags 0x400)
		dst_port|array 4 16 1024 1024|array (key 4, value 16, entries 65536, flags 0x400), got array (key 4, value 16, entries 1024, flags 0x400)
		config|array 4 8 1 0|array (key 4, value 8, entries 1, flags 0x400), got array (key 4, value 8, entries 1, flags 0)
		src4|hash 8 16 131073 1|lpm_trie (key 8, value 16, entries 131073, flags 0x1), got hash (key 8, value 16, entries 131073, flags 0x1)
		outers|hash 24 16 256 0|hash (key 20, value 16, entries 256, flags 0), got hash (key 24, value 16, entries 256, flags 0)
	END
	shows "mirror proto icmp"
	# what a loader left behind, too
	mirror 0 stop
	on host bpftool map create "$pins/mirroring_ingress_fragments" type lru_hash key 40 value 40 entries 4096 name other
	mirror 1 start --map-name="$pins/tc_ingress_root_array" --tunnel-interface-name=vxlan0
	[[ $output == "mirroring: $pins/mirroring_ingress_fragments: expected lru_hash (key 40, value 80, "* && $output != *$'\n'* ]]
}

@test "the host's maps that this version did not make are refused" {
	mirror_start --rules="mirror proto icmp to gue:$LAB_COLLECTOR4"
	local command
	other_map /sys/fs/bpf/mirroring-3/groups array 4 4096 256 1024
	for command in "show --iface=eth0 --direction=ingress" status metrics; do
		# shellcheck disable=SC2086
		expect 1 on host mirroring $command
		[[ $output == *"mirroring: /sys/fs/bpf/mirroring-3/groups: expected array (key 4, value 768, entries 256, flags 0x400), got array (key 4, value 4096, "* ]]
	done
	own_map /sys/fs/bpf/mirroring-3/groups
	other_map /sys/fs/bpf/mirroring-3/spill_0 array 4 8 64 0
	expect 1 on host mirror-sender --status
	[[ $output == *"/sys/fs/bpf/mirroring-3/spill_0: expected ringbuf ("*"got array ("* ]]
	own_map /sys/fs/bpf/mirroring-3/spill_0
	expect 0 on host mirror-sender --status
}

@test "an entry that cannot be read is an error, not the end of its table: nothing changes" {
	requires_command strace
	mirror_start --rules="mirror src 10.0.0.0/8,10.1.0.0/16,2001:db8::/32 dst 192.0.2.0/24 to gue:$LAB_COLLECTOR4"
	mirror 0 show
	local rules=$output update="mirroring update --iface=eth0 --direction=ingress --snaplen=" calls call said
	# shellcheck disable=SC2086
	expect 0 on host strace -e trace=bpf -o "$LAB/calls" ${update}100
	mapfile -t calls < <(grep -nE 'BPF_MAP_(GET_NEXT_KEY|LOOKUP_ELEM)' "$LAB/calls" | cut -d: -f1)
	((${#calls[@]} > 20))
	small_maps >"$LAB/before"
	for call in "${calls[@]}"; do
		# shellcheck disable=SC2086
		if said=$(on host strace -e trace=bpf -e inject=bpf:error=ENOMEM:when="$call" -o "$LAB/call" ${update}$((call + 100)) 2>&1); then
			small_maps >"$LAB/before"
		else
			echo "call $call: $said"
			[[ $said == "mirroring: "*"Cannot allocate memory"* ]]
			small_maps | cmp - "$LAB/before"
		fi
		shows "$rules"
	done
}

# poison PIN KEY OFFSET COUNT BYTE: puts COUNT times BYTE into an entry of a pinned array.
poison() {
	local value i
	mapfile -t value < <(on host bpftool -j map lookup pinned "$1" key "$2" 0 0 0 | jq -r '.value[]')
	for ((i = $3; i < $3 + $4; i++)); do
		value[i]=$5
	done
	on host bpftool map update pinned "$1" key "$2" 0 0 0 value "${value[@]}"
}

@test "no reader trusts a map: what is out of bounds is cut, or taken for lost" {
	mirror_start --rules="mirror proto icmp to gue:$LAB_COLLECTOR4; mirror proto udp to vxlan0"
	local size
	size=$(on host bpftool -j map show pinned "$pins/mirroring_ingress_options" | jq .bytes_value)
	poison "$pins/mirroring_ingress_options" 1 $((size - 1040)) 1040 65 # all of the text of the last option
	poison "$pins/mirroring_ingress_options" 1 0 15 255
	poison "$pins/mirroring_ingress_filters" 65 2 1 255
	mirror 0 show
	[[ $output == "mirror proto icmp to gue:$LAB_COLLECTOR4"$'\n'*"mirror proto udp to vxlan0"* ]]
	mirror 0 status
	[[ $output == *" $(printf 'A%.0s' {1..1023}) ()"* ]]
	poison /sys/fs/bpf/mirroring-3/groups 7 0 768 255
	poison /sys/fs/bpf/mirroring-3/groups 0 4 1 255 # the collectors of filter 1
	mirror 0 show
	[[ $output == "mirror proto icmp"$'\n'*"mirror proto udp"* ]]
	mirror 0 status
	expect 0 on host mirroring metrics
	[[ $output == *"mirroring_sender_up 1"* && $output != *'collector="gue'* ]]
	# a sender that starts with them
	on host bash -c "kill -KILL \$(mirror-sender --status | sed -n 's/.*process //p' | tr -dc 0-9)"
	wait_until 5 on host bash -c "! mirror-sender --status"
	[[ $(on host mirroring --cmd=status) == RUNNING ]]
	expect 0 on host mirror-sender --status
}

@test "update without start gives up after a while; stop has nothing to do" {
	mirror 1 update --rules=mirror
	[[ $output == "mirroring: no traffic-mirroring is pinned for eth0 ingress: load it with l3afd, or run \`mirroring start\`" ]]
	mirror 0 stop
}

@test "no target at all" {
	mirror 1 start --map-name="$pins/tc_ingress_root_array" --rules="skip proto tcp; mirror"
	[[ $output == "mirroring: filter 2 has no destination: "* ]]
}

@test "a mirrored interface that is not up is a warning" {
	on host ip link set eth0 down
	mirror_start --rules=mirror
	[[ $output == *"warning: interface eth0 is not up"* ]]
}

@test "an interface with a dot in its name: the dot is named" {
	on host ip link add eth0.7 up type veth
	expect 1 on host mirroring start --iface=eth0.7 --direction=ingress --map-name="$pins/tc_ingress_root_array" --tunnel-interface-name=vxlan0
	[[ $output == "mirroring: eth0.7: nothing can be pinned for it, because a name on bpffs has no dot" ]]
}

@test "no bpffs" {
	on host umount /sys/fs/bpf
	mirror 1 start --map-name="$pins/tc_ingress_root_array" --tunnel-interface-name=vxlan0
	[[ $output == *"is a bpffs mounted at /sys/fs/bpf?" ]]
}

@test "a full address table: refused as a whole, and named" {
	echo "mirror src $(prefixes 65537 0)" >"$LAB/too-many"
	echo "mirror src $(prefixes 65536 0)" >"$LAB/many"
	echo "mirror src $(prefixes 65536 100000)" >"$LAB/others"
	mirror_start --rules-file="$LAB/many"
	mirror 1 update --rules-file="$LAB/too-many"
	[[ $output == "mirroring: 65537 different IPv4 src prefixes, but a table takes 65536" ]]
	mirror 0 show
	[[ $(md5sum <<<"$output") == "$(md5sum <"$LAB/many")" ]]
	[[ $(report .generation) == 1 ]]
	# as many others: both banks have their room
	mirror 0 update --rules-file="$LAB/others"
	mirror 0 show
	[[ $(md5sum <<<"$output") == "$(md5sum <"$LAB/others")" ]]
}

# update_within CALLS OPTION…: an update that makes at most CALLS system calls, none of which waits. The time by the
# clock would depend on what else this machine does.
update_within() {
	expect 0 on host strace -f -c -o "$LAB/calls" mirroring update --iface=eth0 --direction=$direction "${@:2}"
	cat "$LAB/calls"
	local calls
	calls=$(awk '$NF == "total" { print $4 }' "$LAB/calls")
	echo "# $calls system calls, at most $1" >&3
	((calls <= $1))
	! grep -E ' (clock_nanosleep|nanosleep|pause|p?poll|p?select6?|epoll_.*|wait4|waitid)$' "$LAB/calls"
}

@test "64 filters with 20,000 prefixes are in force after few system calls per prefix" {
	requires_command strace
	PATH=$mirroring_build/traffic-mirroring:$PATH # it counts packets
	local i
	for ((i = 0; i < 63; i++)); do
		echo "mirror proto udp src $(prefixes 317 $((i * 317)))"
	done >"$LAB/rules"
	echo "mirror proto icmp src $(prefixes 28 20000),$LAB_CLIENT4 dst 0.0.0.0/0" >>"$LAB/rules"
	[[ $(tr -cd / <"$LAB/rules" | wc -c) == 1 ]]
	mirror_start
	update_within 25000 --rules-file="$LAB/rules"
	pings 3
	[[ $(report '"\(.filters | length) \(.filters[63].packets)"') == "64 3" ]]
	mirror 0 show
	[[ $(wc -c <<<"$output") -gt 200000 ]]
	# the same over itself: five times as many system calls, too many for strace, within two seconds of CPU time
	printf '%s\n' "$output" >"$LAB/shown"
	expect 0 on host prlimit --cpu=$((2 * LAB_PATIENCE)) \
		mirroring update --iface=eth0 --direction=$direction --rules-file="$LAB/shown"
}

@test "a handful of filters is in force after 700 system calls at most" {
	requires_command strace
	mirror_start
	update_within 700 --rules="mirror proto tcp port 80; mirror proto icmp; mirror src 192.0.2.0/24"
}

# What a command may change: the configuration, the host's settings and sender, routes and pins.
everything() {
	on host bash -c 'mirroring status --json --iface=eth0 --direction=ingress 2>&1 |
			jq -c "[.[]? | .filters[].rule, .delivery, .problems, [.chain[].name]]"
		bpftool -j map dump pinned /sys/fs/bpf/mirroring-3/settings 2>&1 | jq -c ".[].formatted.value?"
		mirror-sender --status 2>&1 | grep -c "^sender   running"; ip route; find /sys/fs/bpf | sort' || true
}

# with_faults COMMAND BACK: lets system calls of a command fail, one at a time: one late call of each kind that it makes, all
# of them with FAULTS=all. BACK, a command, leads back to where it began.
with_faults() {
	local call when status said before after tried=0 wrong=0
	before=$(everything)
	on host strace -o "$LAB/trace" bash -c "exec $1" >"$LAB/said" 2>&1
	after=$(everything)
	[[ $after != "$before" ]]
	on host bash -c "$2" >"$LAB/back" 2>&1
	while read -r call when; do
		status=0
		said=$(on host strace -o /dev/null -e "inject=$call:error=ENOMEM:when=$when" bash -c "exec $1" 2>&1) || status=$?
		now=$(everything)
		((tried += 1))
		if ((status)) && [[ $said && $now == "$before" ]]; then
			continue
		elif ! ((status)) && [[ $now == "$after" || $said == *warning:* ]]; then
			on host bash -c "$2" >"$LAB/back" 2>&1
			continue
		fi
		((wrong += 1))
		printf '%s %s: status %s\n%s\n%s\n' "$call" "$when" $status "$said" "$now"
		[[ $now == "$before" ]] || on host bash -c "$2" >"$LAB/back" 2>&1
	done < <(awk -F'(' '/^(bpf|openat|flock|readlink|sendmsg|recvmsg|clone|kill|newfstatat)\(/ { print $1 }' \
		"$LAB/trace" | awk -v all="${FAULTS:-}" '{ n[$1]++ } END { for (call in n) for (i = 1; i <= n[call]; i++)
			if (all || i == int((n[call] * 2 + 2) / 3)) print call, i }')
	echo "# $tried system calls failed" >&3
	((!wrong))
}

@test "a system call that fails: said in a line and nothing changed, or done all the same" {
	requires_command strace
	local of="--iface=eth0 --direction=ingress"
	local before="--ttl=9 --max-rate=off --sender-nice=5 --ring-memory=64M --tunnel-remote-address=203.0.113.50"
	local after="--ttl=5 --max-rate=1kpps --sender-nice=3 --ring-memory=32M --tunnel-remote-address=203.0.113.51"
	local begin="mirroring start $of --map-name=$pins/tc_ingress_root_array --redirect-to=eth1 --gtw-address=198.51.100.9 $before"
	with_faults "$begin --rules=mirror" "mirroring stop $of"
	on host bash -c "$begin --rules=mirror"
	with_faults "mirroring update $of $after --rules=skip" "mirroring update $of $before --rules=mirror"
}

# without CAPABILITY STATUS COMMAND…
without() {
	expect "$2" on host setpriv --bounding-set="-$1" "${@:3}"
}

# user CAPABILITIES STATUS COMMAND…: as a user who has only these.
user() {
	local only="-all${1:+,+${1//,/,+}}"
	expect "$2" on host setpriv --reuid=12345 --regid=12345 --clear-groups --inh-caps="$only" --ambient-caps="$only" \
		--bounding-set="$only" "${@:3}"
}

# needs CAPABILITIES COMMAND…: refused without any of them, which the refusal names; with all, it works.
needs() {
	local capability others
	for capability in ${1//,/ }; do
		others=$(tr , '\n' <<<"$1" | grep -vx "$capability" | paste -sd ,)
		user "$others" 1 "${@:2}"
		[[ $output == *" without "*"CAP_${capability^^}"* ]]
	done
	user "$1" 0 "${@:2}"
}

@test "each command does with a few capabilities, none with CAP_SYS_ADMIN, and names the one that is missing" {
	local us=(--iface=eth0 --direction=ingress) PATH=${PATH#"$stubs:"} command
	on host tc_root stop --iface eth0 --quiet
	needs bpf,net_admin tc_root start --iface=eth0
	[[ $(on host find /sys/fs/bpf/tc -printf '%u %m\n' | sort -u) == $'12345 600\n12345 700' ]]
	needs net_admin tc_root status --iface=eth0
	needs bpf,net_admin,perfmon mirroring start "${us[@]}" --rules="mirror proto icmp to vxlan:$LAB_COLLECTOR4"
	needs bpf,net_admin,net_raw mirroring start "${us[@]}" --rules="mirror to gre:$LAB_COLLECTOR4"
	needs bpf mirroring update "${us[@]}" --rules="mirror proto icmp to gre:$LAB_COLLECTOR4"
	user bpf 0 mirroring rollback "${us[@]}"
	user bpf 0 mirroring show "${us[@]}"
	[[ $output == "mirror to gre:$LAB_COLLECTOR4" ]]
	for command in status "status --json" metrics; do
		# shellcheck disable=SC2086
		needs net_admin mirroring $command
	done
	user bpf 0 mirror-sender --status
	[[ $output == "sender   running"* ]]
	user bpf,net_admin 0 tc_root status --iface=eth0
	[[ $output == *"tc_ingress_root (clsact, program "*") -> _ingress_redirect (program "*") -> end"* ]]
	needs net_admin mirroring stop "${us[@]}"
	needs net_admin,sys_ptrace,dac_read_search tc_root stop --iface=eth0
	[[ ! $(on host ls /sys/fs/bpf/tc /sys/fs/bpf/progs) ]]
}

@test "what has no pin and cannot be read is not taken for absent, and nothing changes" {
	mirror_start --rules="mirror proto icmp"
	local us=(--iface=eth0 --direction=ingress)
	on host rm /sys/fs/bpf/progs/eth0/tc_ingress_root_tc
	without sys_admin 1 mirroring stop "${us[@]}"
	[[ $output == "mirroring: cannot take eth0 ingress out of the chain: Operation not permitted without CAP_SYS_ADMIN" ]]
	without sys_admin 1 mirroring start "${us[@]}"
	[[ $output == *": Operation not permitted without CAP_SYS_ADMIN" ]]
	without sys_admin 1 mirroring status
	[[ $output == *" unknown"* && $output == *"PROBLEM    the chain cannot be read: Operation not permitted without CAP_SYS_ADMIN"* ]]
	without sys_admin 1 mirroring status --json
	[[ $output == *'"chained":null'* ]]
	without sys_admin 1 mirroring metrics
	[[ $output == *'mirroring_on{iface="eth0",direction="ingress"} 1'* && $output != *"mirroring_chained{"* ]]
	[[ $(chain) == "tc_ingress_root -> _ingress_redirect -> end" ]]
	shows "mirror proto icmp"
	mirror 0 stop
	[[ $(chain) == "tc_ingress_root -> end" ]]
}

@test "a directory that may not be read: an error, not an absence" {
	mirror_start --rules="mirror to vxlan:$LAB_COLLECTOR4"
	local refusal="Permission denied without CAP_DAC_OVERRIDE" us=(--iface=eth0 --direction=ingress) command
	on host chmod 0 /sys/fs/bpf/tc /sys/fs/bpf/mirroring-3
	for command in status metrics "status --json"; do
		# shellcheck disable=SC2086
		without dac_override,-dac_read_search 1 mirroring $command
		[[ $output == *"mirroring: /sys/fs/bpf/tc/globals: $refusal"* ]]
	done
	for command in stop update show; do
		without dac_override,-dac_read_search 1 mirroring $command "${us[@]}"
		[[ $output == "mirroring: looking for the pins of eth0: $refusal" ]]
	done
	without dac_override,-dac_read_search 1 mirror-sender --status
	[[ $output == "mirror-sender: cannot tell whether a sender runs: /sys/fs/bpf/mirroring-3/sender: $refusal" ]]
	mirror 0 stop
}
