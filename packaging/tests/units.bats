#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The units of systemd, as make install places them. There is no systemd that runs here: its own tool reads
# them, and the collector runs with the user, capabilities and system calls that its unit has.

load ../../ci/lab

PATH=$BATS_TEST_DIRNAME/../../build/traffic-mirroring:$PATH
units=$BATS_TEST_DIRNAME/..

@test "make install places commands, units and options, and keeps options that are there" {
	requires_command systemd-analyze
	unset MAKEFLAGS MAKELEVEL MFLAGS
	local root=$BATS_TEST_TMPDIR/root unit
	expect 0 make -s -C "$units/.." install DESTDIR="$root" PREFIX=/usr
	for unit in "$units"/*.service; do
		sed -i "s|/usr/sbin/|$root&|" "$root/usr/lib/systemd/system/${unit##*/}"
		expect 0 systemd-analyze verify --man=no "$root/usr/lib/systemd/system/${unit##*/}"
		[[ $output != *"${unit##*/}"* ]] # others may have faults
	done
	echo OPTIONS=--listen=gue >"$root/etc/default/mirror-collector"
	expect 0 make -s -C "$units/.." install DESTDIR="$root" PREFIX=/usr
	[[ $(<"$root/etc/default/mirror-collector") == OPTIONS=--listen=gue ]]
}

@test "the units are confined" {
	requires_command systemd-analyze
	local unit
	for unit in "$units"/*.service; do
		expect 0 systemd-analyze security --offline=yes --threshold=40 "$unit"
	done
}

# setting NAME: its words in the collector's unit.
setting() {
	sed -n "s/^$1=//p" "$units/mirror-collector.service"
}

# system_calls NAME…: the system calls of these groups and names, and those that are always allowed.
system_calls() {
	systemd-analyze syscall-filter | /usr/bin/python3 -c 'import sys
groups = {}
for line in sys.stdin:
    word = line.split("#")[0].strip()
    if line.startswith("@"):
        group = groups.setdefault(word, [])
    elif word:
        group.append(word)
def expand(word):
    return [call for member in groups[word] for call in expand(member)] if word in groups else [word]
print(*(call for word in ["@default", *sys.argv[1:]] for call in expand(word)), sep="\n")' "$@"
}

@test "the collector runs as its unit says" {
	requires_root
	requires_command setpriv strace systemd-analyze
	local capabilities user=61234 OPTIONS
	source "$units/mirror-collector.default"
	capabilities=-all$(setting AmbientCapabilities | tr A-Z a-z | sed 's/\<cap_/,+/g; s/ //g')
	lab_begin && lab_host collector && chmod 755 "$LAB" && mkdir "$LAB/state" && chown $user "$LAB/state"
	# as udev has it, with mode 0666
	on collector sh -c 'mknod -m 666 /run/tun c 10 200 && mount --bind /run/tun /dev/net/tun'
	# shellcheck disable=SC2086
	spawn collector collect env --chdir="$LAB/state" strace -f -qq -o "$LAB/calls" \
		setpriv --reuid $user --regid $user --clear-groups --no-new-privs --bounding-set "$capabilities" \
		--inh-caps "$capabilities" --ambient-caps "$capabilities" \
		mirror-collector $OPTIONS --listen gue:700 --tap ids0 --workers 2 --tap-queues 2 --serve-pcap 9102 --metrics 9108 \
		--health 99 --replay 80=http://127.0.0.1:8080
	wait_until 10 on collector bash -c 'ss -Huln | grep -q :700 && ss -Htln | grep -q :9102'
	kill -TERM "$(pgrep -P "$pid")"
	wait "$pid"
	sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$LAB/calls" | sort -u >"$LAB/used"
	grep -x bpf "$LAB/used"
	# shellcheck disable=SC2046
	[[ ! $(comm -23 "$LAB/used" <(system_calls $(setting SystemCallFilter) | sort)) ]]
}
