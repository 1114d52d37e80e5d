#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# What all four programs have in common: help, version, exit status of a wrong command line, man page, completion.

load ../../ci/lab

root=$(readlink -f "$BATS_TEST_DIRNAME/../..")
export PATH=$root/build/tc-root:$root/build/traffic-mirroring:$PATH
programs=(tc_root mirroring mirror-sender mirror-collector)

@test "--help and -h print the same: usage, commands, options with their help, each in 110 columns" {
	local program help
	for program in "${programs[@]}"; do
		expect 0 "$program" --help
		help=$output
		[[ $help == "usage: $program "* ]]
		[[ $(awk 'length > 110' <<<"$help") == "" ]]
		expect 0 "$program" -h
		[[ $output == "$help" ]]
	done
	# none begins with its value, nor ends in a period
	for program in "${programs[@]}"; do
		[[ $("$program" --help | grep -E '^ .*[.:]$') == "" ]]
	done
}

@test "the version is that of manifest.json" {
	local version
	version=$(jq -r .version "$root/manifest.json")
	expect 0 mirroring version
	[[ $output == "mirroring $version" ]]
	expect 0 tc_root version
	[[ $output == "tc_root $version" ]]
	local program word
	for program in mirror-sender mirror-collector; do
		for word in --version -V; do
			expect 0 "$program" "$word"
			[[ $output == "$program $version" ]]
		done
	done
}

@test "a wrong command line exits 2, with one line, whatever the host looks like" {
	local program line
	for program in "${programs[@]}"; do
		for line in --nothing -x --help=yes "--help extra word more"; do
			# shellcheck disable=SC2086
			expect 2 "$program" $line
			[[ $output == "$program: "* && $(wc -l <<<"$output") == 1 ]]
		done
	done
	while read -r line; do
		# shellcheck disable=SC2086
		expect 2 $line
		[[ $(wc -l <<<"$output") == 1 ]]
	done <<-'END'
		tc_root
		tc_root restart --iface=eth0
		tc_root start
		tc_root start --iface=eth0 --version=../x
		mirroring begin
		mirroring check
		mirroring update --iface=lo
		mirroring update --iface=lo --direction=inwards
		mirroring status --ttl=0
		mirroring status --version=../x
		mirroring update --iface=none --direction=ingress --rules=mirrors
		mirroring start --iface=none --direction=ingress --src-port=http --dst-port=80
		mirroring start --iface=none --direction=ingress --rules=mirror --protocol=tcp
		mirroring start stop --iface=lo --direction=ingress
		mirror-sender start
		mirror-sender --log-dir
		mirror-collector
		mirror-collector --listen=vxlan:0
		mirror-collector --listen=vxlan --filter=nonsense
		mirror-collector --listen=vxlan --rotate-size=1M
	END
}

@test "--help and the man page have the same commands and options" {
	requires_command mandoc
	local program command
	for program in "${programs[@]}"; do
		mandoc -Tascii "$root/docs/man/$program.8" | sed 's/.\x08//g' >"$BATS_TEST_TMPDIR/man"
		# the page also names options of the other programs
		diff <("$program" --help | grep -oE '^  (-., |    )--[a-z-]*' | grep -o -- '--.*' | sort) \
			<(sed -n '/^OPTIONS/,/^[A-NP-Z]/p' "$BATS_TEST_TMPDIR/man" | grep -oE '^     (-., )?--[a-z-]*' | grep -o -- '--.*' | sort)
		for command in $("$program" --help | sed -n 's/^  \([a-z]\+\) .*/\1/p'); do
			grep -qE "^     $command( |$)" "$BATS_TEST_TMPDIR/man"
		done
		for option in $(grep -o -- '--[a-z-]*' "$BATS_TEST_TMPDIR/man" | sort -u); do
			for command in "${programs[@]}"; do
				"$command" --help
			done | grep -q -- "$option\>" || [[ $option == --- ]]
		done
	done
}

# bash's own works only while bash completes.
compopt() {
	nospace=" without a space"
}

# completes WORD…: sets reply to what the last word is completed to.
completes() {
	local COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=() function nospace=
	# shellcheck disable=SC1090
	source "$root/build/completion/$1"
	function=$(complete -p "$1")
	function=${function#*-F }
	"${function% *}"
	reply=${COMPREPLY[*]}$nospace
	echo "$* -> $reply"
}

@test "completion: commands, options, choices, files and interfaces" {
	completes mirroring st
	[[ $reply == "start stop status" ]]
	completes mirroring ""
	[[ $reply == "start update stop show rollback check explain status metrics version --iface= "*" --help" ]]
	completes mirroring start --tunnel-r
	[[ $reply == "--tunnel-remote-address= --tunnel-remote-port= without a space" ]]
	completes mirroring --direction = in
	[[ $reply == ingress ]]
	completes mirroring --direction =
	[[ $reply == "ingress egress" ]]
	completes mirroring --tunnel-type g
	[[ $reply == "gue geneve gre" ]]
	completes mirroring --iface = l
	[[ " $reply " == *" lo "* ]]
	completes mirroring --snaplen = 1
	[[ ! $reply ]]
	completes mirroring --cmd = ro
	[[ $reply == rollback ]]
	completes mirroring --quiet --js
	[[ $reply == --json ]]
	touch "$BATS_TEST_TMPDIR/a file"
	completes mirroring check "$BATS_TEST_TMPDIR/a"
	[[ $reply == "$BATS_TEST_TMPDIR/a file" ]]
	completes mirroring --log-dir = "$BATS_TEST_TMPDIR/a"
	[[ ! $reply ]]
	completes tc_root s
	[[ $reply == "start stop status" ]]
	completes mirror-sender --ver
	[[ $reply == "--verbose --version" ]]
	completes mirror-collector --format p
	[[ $reply == "pcap pcapng" ]]
	completes mirror-collector -w "$BATS_TEST_TMPDIR/a"
	[[ $reply == "$BATS_TEST_TMPDIR/a file" ]]
}
