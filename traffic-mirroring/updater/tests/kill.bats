#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# An updater that is killed at whatever system call leaves the old configuration in force or the new one, never a
# mixture, and the next one works as if nothing had been.

load ../../tests/mirroring

setup() {
	requires_command strace
	mirroring_lab
}

# They differ in everything: number of filters, tables, prefixes of both families, actions.
old=("skip src 192.0.2.77" "mirror proto icmp dst 192.0.2.0/24,2001:db8:1::/64")
new=("mirror proto udp src 192.0.0.0/16,2001:db8::/32 port 53,1000-2000" "skip tcp-flags syn/syn,ack vlan 7" "mirror proto icmp src 192.0.2.0/25 icmp-type 8")

rules_of() {
	local -n rules=$1
	printf '%s\n' "${rules[@]}"
}

# Which of the two is in force; none of them is a mixture.
in_force() {
	mirror 0 show
	case $output in
	"$(rules_of old)") force=old ;;
	"$(rules_of new)") force=new ;;
	*) return 1 ;;
	esac
}

# traced CALL NUMBER COMMAND…: kills it at that call of this name; all 0: only lists its calls. Its status in $status.
traced() {
	local kill=(-e trace="$1" -e inject="$1:signal=KILL:when=$2")
	(($2)) || kill=()
	status=0
	on host strace -f -qq -o "$LAB/trace" "${kill[@]}" mirroring "${@:3}" --iface=eth0 \
		--direction="$direction" --quiet 2>"$LAB/errors" || status=$?
}

# update CALL NUMBER: to the set that is not in force.
update() {
	local to=new
	[[ $force == old ]] || to=old
	traced "$@" update --rules="$(rules_of $to)"
}

# Every system call of the update that was traced last, as "how many name".
calls() {
	sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' "$LAB/trace" | sort | uniq -c
}

# kill_updates STEP: an update that was started before, at every STEPth system call of a kind.
kill_updates() {
	local count call n killed=0 switched=0 before
	in_force
	update all 0
	((status == 0))
	in_force
	calls >"$LAB/calls"
	while read -r count call; do
		# these two are not made, they end or begin the process
		[[ $call != execve && $call != exit_group ]] || continue
		for ((n = 1; n <= count; n += $1)); do
			before=$force
			update "$call" "$n"
			((status == 137 || status == 0)) || { echo "$call $n: $status"; cat "$LAB/errors"; return 1; }
			in_force || { echo "killed at $call $n"; return 1; }
			((status == 0)) || ((++killed))
			((status == 0)) || [[ $force == "$before" ]] || ((++switched))
		done
	done <"$LAB/calls" >"$LAB/shown" || { tail -20 "$LAB/shown"; return 1; }
	echo "# killed $killed times, $switched times after the switch" >&3
	((killed > 50))
	# and it still works
	update all 0
	((status == 0))
	in_force
}

@test "an update killed at any system call leaves old or new" {
	mirror_start --rules="$(rules_of old)"
	kill_updates 1
	pings 3
	[[ $(chain) == "tc_ingress_root -> _ingress_redirect -> end" ]]
}

@test "an update of names killed at a system call leaves old or new" {
	local old=("${old[@]}" "mirror proto tcp domain example.com,*.example.com first 10K")
	local new=("${new[@]}" "skip domain ads.example.com" "mirror domain *.example,*.example.com")
	mirror 0 start --tunnel-remote-address="$LAB_COLLECTOR4" --map-name="$pins/tc_${direction}_root_array" --rules="$(rules_of old)"
	kill_updates 13
}

# start CALL NUMBER: loads our program behind the root.
start() {
	traced "$@" start --map-name="$pins/tc_${direction}_root_array" --tunnel-interface-name=vxlan0 --rules="$(rules_of old)"
}

@test "a start killed at a system call is followed by one that works" {
	local count call n killed=0
	stub # each of them loads it twice
	start all 0
	((status == 0))
	calls >"$LAB/calls"
	mirror 0 stop
	# each kind of call, and of the many every eleventh
	while read -r count call; do
		[[ $call != execve && $call != exit_group ]] || continue
		for ((n = 1; n <= count; n += 11)); do
			start "$call" "$n"
			((status == 0)) || ((++killed))
			[[ $(chain) == "tc_ingress_root -> "@(end|"_ingress_redirect -> end") ]] || { chain; return 1; }
			echo "after $call $n"
			mirror_start --quiet --rules="$(rules_of old)"
			shows "${old[@]}"
			[[ $(chain) == "tc_ingress_root -> _ingress_redirect -> end" ]]
			mirror 0 stop
			[[ $(chain) == "tc_ingress_root -> end" ]]
		done
	done <"$LAB/calls"
	echo "# killed $killed times" >&3
	((killed > 50))
}
