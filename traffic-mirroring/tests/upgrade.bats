#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# From the package of 6076bbd (layout 1) to this one and back, under traffic, as l3afd does it.

load ring

old_commit=6076bbd

setup_file() {
	old_build=$("$mirroring_build/../ci/old-package" $old_commit)
	[[ $old_build ]] || skip "commit $old_commit is not in this history"
	export old_build
}

setup() {
	ring_lab
	spawn client traffic busybox ping -i 0.005 $LAB_HOST4
	traffic=$pid
}

# old COMMAND…: with the old package.
old() {
	local mirroring_build=$old_build
	PATH=$mirroring_build/traffic-mirroring:$PATH "$@"
}

# start [--version=VERSION]: as l3afd does after it has loaded the program.
start() {
	mirror 0 start --rules=mirror --tunnel-remote-address=$LAB_COLLECTOR4 "$@"
}

# unload [PACKAGE VERSION]: as l3afd does after cmd_stop.
unload() {
	local layout=eth0${1:+/$1/${2//./_}}
	# shellcheck disable=SC2016
	on host bash -euc '
		bpftool map delete pinned "$1/tc_$2_root_array" key 0 0 0 0
		rm "/sys/fs/bpf/tc/globals/$3/mirroring_$2_"* "/sys/fs/bpf/progs/$3/_$2_redirect_tc"
	' unload "$pins" $direction "$layout"
}

# Copies of the requests (ingress) or of the replies (egress) come to the collector.
copies_come() {
	local type=8
	[[ $direction == ingress ]] || type=0
	expect 0 on collector timeout 8 tcpdump -n -c 3 -i eth0 "udp port 6080 and udp[32] == $type"
}

# The programs of the senders that run on the host.
senders() {
	on host bash -c 'for p in /proc/[0-9]*; do
		[[ $(<$p/comm) != mirror-sender || ! $p/ns/net -ef /proc/self/ns/net ]] || readlink $p/exe; done 2>/dev/null' | sort -u
}

# Every request since the beginning has been answered.
nothing_lost() {
	kill -INT "$traffic"
	wait "$traffic" || true
	grep -q ' 0% packet loss' "$LAB/traffic.log"
	! grep DUP "$LAB/traffic.log"
}

# upgrade_and_back [PACKAGE OLD_VERSION NEW_VERSION]
upgrade_and_back() {
	local before=(${1:+$1 $2}) after=(${1:+$1 $3}) direction
	local was=${2:+--version=$2} is=${3:+--version=$3}
	for direction in ingress egress; do
		old load_like_l3afd "${before[@]}"
		old start $was
		copies_come
	done
	[[ $(senders) == */upgrade/*/mirror-sender ]]
	for direction in ingress egress; do
		old mirror 0 stop $was
		unload "${before[@]}"
		load_like_l3afd "${after[@]}"
		start $is
		copies_come
		[[ $(on host mirroring --cmd=status --iface=eth0 --direction=$direction) == RUNNING ]]
		# the other direction
		direction=egress copies_come
	done
	# nothing of the old version is left
	[[ $(senders) == "$mirroring_build/traffic-mirroring/mirror-sender" ]]
	on host test ! -e /sys/fs/bpf/mirroring
	for direction in ingress egress; do
		mirror 0 stop $is
		unload "${after[@]}"
		old load_like_l3afd "${before[@]}"
		old start $was
		copies_come
		direction=egress copies_come
	done
	[[ $(senders) == */upgrade/*/mirror-sender ]]
	on host test ! -e /sys/fs/bpf/mirroring-3
	nothing_lost
}

@test "upgrade and back, flat pins" {
	upgrade_and_back
}

@test "upgrade and back, pins with versions" {
	upgrade_and_back traffic-mirroring 1.0.0 3.0.0
}

@test "upgrade without cmd_stop: start ends what the old version left" {
	old load_like_l3afd
	old start
	copies_come
	unload
	load_like_l3afd
	start
	[[ $output == *"/sys/fs/bpf/mirroring: removed, with its sender: no program of that version is left"* ]]
	copies_come
	[[ $(senders) == "$mirroring_build/traffic-mirroring/mirror-sender" ]]
	on host test ! -e /sys/fs/bpf/mirroring
	nothing_lost
}

@test "commands that meet maps of the other version refuse and change nothing; stop unloads" {
	local command map=--map-name=$pins/tc_ingress_root_array
	old start "$map"
	for command in start update show rollback; do
		mirror 1 $command
		[[ $output == "mirroring: $pins: expected ingress maps of layout 3, got another layout: use the version of mirroring that loaded them" ]]
	done
	copies_come
	mirror 0 stop
	expect 0 on host find /sys/fs/bpf -name '*mirroring*'
	[[ ! $output && ! $(senders) ]]
	start "$map"
	for command in start update show rollback; do
		old mirror 1 $command
		[[ $output == *"belongs to another version of traffic-mirroring"* ]]
	done
	copies_come
	nothing_lost
}

@test "a sender that is not the program beside mirroring is replaced" {
	local map=--map-name=$pins/tc_ingress_root_array other=$LAB/other
	mkdir "$other"
	cp "$mirroring_build"/traffic-mirroring/{mirroring,mirror-sender,*.bpf.o} "$other"
	PATH=$other:$PATH start "$map"
	[[ $(senders) == "$other/mirror-sender" ]]
	start "$map"
	[[ $(senders) == "$mirroring_build/traffic-mirroring/mirror-sender" ]]
	copies_come
}
