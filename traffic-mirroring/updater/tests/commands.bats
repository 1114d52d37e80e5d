#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The commands of `mirroring`: what each changes, what it says, and what the packets then do.

load ../../tests/mirroring

# One of everything that a rule can say, as show prints it.
every_keyword=(
	"skip src 192.0.2.7"
	"mirror proto tcp dst 10.0.0.0/8,2001:db8::/32 src-port 1024-65535 dst-port 80,443,8000-8100"
	"mirror proto tcp tcp-flags syn/syn,ack name syns sample 1/100"
	"mirror proto udp port 53 to vxlan0"
	"mirror proto icmp,icmpv6 icmp-type 8,128 vlan 5,7-9"
)

rules() {
	printf '%s\n' "$@"
}

@test "start: what a filter wants is copied, what none wants is not" {
	mirror_start --rules="skip icmp-type 0-255 src $LAB_CLIENT6; mirror proto icmp,icmpv6"
	capture copies collector vxlan0
	pings 6
	pings 4 "$LAB_HOST6"
	capture_end copies
	[[ $(captured copies icmp) == 6 ]]
	[[ $(captured copies icmp6 and src "$LAB_CLIENT6") == 0 ]]
}

@test "start of both directions: requests and answers are copied" {
	mirror_start --rules="mirror proto icmp"
	direction=egress
	mirror_start --rules="mirror proto icmp"
	capture copies collector vxlan0
	pings 5
	capture_end copies
	[[ $(captured copies 'icmp[icmptype] == icmp-echo') == 5 ]]
	[[ $(captured copies 'icmp[icmptype] == icmp-echoreply') == 5 ]]
}

@test "start without filters mirrors nothing" {
	mirror_start
	pings 3
	shows
	[[ $(report .counters.device) == 0 ]]
}

@test "explain: each filter decides about the packets of a capture that it decided about when they passed" {
	mirror_start --rules="skip icmp-type 128; mirror icmp-type 8; mirror proto udp dst-port 9 sample 1/2"
	capture wire host eth0 -Q in -s 60
	pings 3
	pings 2 "$LAB_HOST6"
	on client bash -c "for flow in {1..8}; do echo >/dev/udp/$LAB_HOST4/9; done"
	capture_end wire
	local pins_before counted
	pins_before=$(on host find /sys/fs/bpf)
	counted=$(report '[.filters[] | [.packets, .bytes]]')
	mirror 0 explain --pcap="$LAB/wire.pcap" --json
	[[ $(jq -r '[.filters[] | [.packets, .bytes]]' <<<"$output") == "$counted" ]]
	[[ $(jq .outcomes.copied.packets <<<"$output") == $(report .counters.device) ]]
	[[ $(on host find /sys/fs/bpf) == "$pins_before" ]]
	mirror 0 explain --pcap="$LAB/wire.pcap" --rules="mirror proto icmp"
	[[ $output == *"icmp $LAB_CLIENT4 > $LAB_HOST4 "*" 1  copied ("*" bytes captured)"* ]]
	grep -E "^ +1 +3 +294 +294  mirror proto icmp$" <<<"$output"
}

@test "explain: packets that wait for the name of their flow get the filter that decides in the end" {
	traffic-mirroring/updater/tests/named_flows.py www.example.org api.example.net http:www.example.com >"$LAB/named.pcap"
	local rules="skip domain api.example.net; mirror domain *.example.org; mirror domain www.example.com first 1p; mirror src-port 1"
	expect 0 on host mirroring explain --pcap="$LAB/named.pcap" --rules="$rules" --json
	[[ $(jq -c '[.filters[].packets]' <<<"$output") == "[6,6,6,0]" ]]
	# the third rule: the SYN of both ends, and their first packets after it
	[[ $(jq -c '.outcomes | map_values(.packets)' <<<"$output") == '{"skipped":6,"copied":10,"beyond_first":2}' ]]
	# of the packets that waited, too
	expect 0 on host mirroring explain --pcap="$LAB/named.pcap" --rules="mirror domain *.example.org snaplen headers+1" --json
	[[ $(jq '.filters[0].copied_bytes' <<<"$output") == $((6 * 54 + 3)) ]]
	expect 0 on host mirroring explain --pcap="$LAB/named.pcap" --rules="mirror domain *.example.org snaplen headers+zero" --json
	[[ $(jq '.filters[0] | .copied_bytes == .bytes' <<<"$output") == true ]]
	head -c 400 "$LAB/named.pcap" >"$LAB/syns.pcap" # five packets, and a part of the next
	expect 1 on host mirroring explain --pcap="$LAB/syns.pcap" --rules="$rules"
	[[ $(grep -c ' undecided$' <<<"$output") == 5 && $output == *"packet 6 is damaged or cut off"* ]]
}

@test "start twice: what the second names is changed, the rest stays" {
	stub
	mirror_start --rules="mirror proto icmp"
	mirror 0 start --tunnel-interface-name=eth1
	shows "mirror proto icmp"
	[[ $(report '.delivery["tunnel-interface-name"]') == eth1 ]]
	mirror 0 start --rules="mirror proto udp"
	shows "mirror proto udp"
	[[ $(report '.delivery["tunnel-interface-name"]') == eth1 ]]
	[[ $(chain) == "tc_ingress_root -> _ingress_redirect -> end" ]]
}

@test "update of the filters leaves the delivery, update of the delivery the filters" {
	mirror_start --rules="mirror proto icmp; mirror proto udp to vxlan0"
	mirror 0 update --tunnel-interface-name=eth1
	shows "mirror proto icmp" "mirror proto udp to vxlan0"
	capture wire collector eth0 icmp
	capture copies collector vxlan0
	pings 3
	on client bash -c "echo >/dev/udp/$LAB_HOST4/9"
	capture_end wire
	capture_end copies
	[[ $(captured wire) == 3 ]]
	[[ $(captured copies udp) == 1 ]]
	[[ $(captured copies icmp) == 0 ]]

	mirror 0 update --rules="mirror proto tcp"
	shows "mirror proto tcp"
	[[ $(report '.delivery["tunnel-interface-name"]') == eth1 ]]
}

@test "an empty text of rules removes all filters" {
	stub
	mirror_start --rules="mirror"
	mirror 0 update --rules=
	shows
	[[ $(report .generation) == 2 ]]
}

@test "rules from a file, and from standard input" {
	stub
	rules "${every_keyword[@]}" >"$LAB/rules"
	mirror_start --rules-file="$LAB/rules"
	shows "${every_keyword[@]}"
	on host mirroring update --iface=eth0 --direction=ingress --rules-file=- <<<"mirror proto tcp # a comment"
	shows "mirror proto tcp"
}

@test "what show prints, fed back, gives the same maps" {
	stub
	# both banks hold the rules, then both hold what show printed of them
	mirror_start --rules="$(rules "${every_keyword[@]}")"
	mirror 0 start --rules="$(rules "${every_keyword[@]}")"
	all_maps | sed 's/"generation":[0-9]*//' >"$LAB/written"
	mirror 0 show
	[[ $output == "$(rules "${every_keyword[@]}")" ]]
	local shown=$output
	mirror 0 start --rules="$shown"
	mirror 0 start --rules="$shown"
	all_maps | sed 's/"generation":[0-9]*//' >"$LAB/again"
	# all that differs is one byte: the generation, in the value of config
	expect 1 cmp --verbose "$LAB/written" "$LAB/again"
	[[ $(wc -l <<<"$output") == 1 ]]
}

@test "stop takes out of the kernel what start put there" {
	on host bash -c 'find /sys/fs/bpf | sort' >"$LAB/before"
	mirror_start --rules=mirror
	mirror 0 stop
	[[ $output == "mirroring: eth0 ingress: stopped" ]]
	on host bash -c 'find /sys/fs/bpf | sort' | diff "$LAB/before" -
	[[ $(chain) == "tc_ingress_root -> end" ]]
	capture copies collector vxlan0
	pings 3
	capture_end copies
	[[ $(captured copies icmp) == 0 ]]
	mirror 0 stop
	[[ $output == "mirroring: eth0 ingress: nothing to stop" ]]
	mirror_start --rules="mirror proto udp"
	shows "mirror proto udp"
}

@test "stop of what l3afd loaded: it stays in the chain, and copies nothing" {
	load_like_l3afd
	mirror 0 start --tunnel-interface-name=vxlan0
	mirror 0 update --rules="mirror proto icmp"
	mirror 0 stop
	shows
	[[ $(chain) == "tc_ingress_root -> _ingress_redirect -> end" ]]
	pings 3
	[[ $(report '"\(.counters.device) \(.delivery)"') == "0 {}" ]]
	# what update gave is forgotten with the rest
	mirror 0 start --tunnel-interface-name=vxlan0 --rules="mirror proto icmp"
	shows "mirror proto icmp"
}

@test "check: file, line and column of every fault; no kernel, no privilege" {
	rules "mirror proto tcp" "  mirror port 70000 color red" "mirror src 192.0.2.1/33" >"$BATS_TEST_TMPDIR/bad"
	rules "${every_keyword[@]}" "mirror snaplen 128" >"$BATS_TEST_TMPDIR/good"
	chmod -R a+rX "$BATS_TEST_TMPDIR"
	local nobody=(unshare --net setpriv --reuid 65534 --clear-groups --bounding-set -all "$(command -v mirroring)")
	cd "$BATS_TEST_TMPDIR" || return

	cp "$(command -v mirroring)" mirroring
	nobody[-1]=./mirroring
	expect 1 "${nobody[@]}" check bad
	[[ $output == *"bad:2:15: "*70000*"bad:2:21: "*color*"bad:3:12: "*192.0.2.1/33* ]]
	expect 0 "${nobody[@]}" check good
	[[ $output == "mirroring: good: 6 filters" ]]
	expect 0 "${nobody[@]}" check - <good
	expect 1 "${nobody[@]}" check none
	[[ $output == "mirroring: check: none: No such file or directory" ]]
	yes '# one of many lines' | head -1048575 | cat - good >many
	expect 0 prlimit --as=$((96 << 20)) "${nobody[@]}" check many
}

@test "rollback: the previous filters and delivery, and back again" {
	mirror_start --rules="mirror proto icmp"
	mirror 1 rollback
	[[ $output == "mirroring: eth0 ingress: there is no previous configuration" ]]
	mirror 0 update --rules="mirror proto udp" --tunnel-interface-name=eth1
	mirror 0 rollback
	shows "mirror proto icmp"
	[[ $(report '.delivery["tunnel-interface-name"]') == vxlan0 ]]
	pings 3
	[[ $(report .counters.device) == 3 ]]
	mirror 0 rollback
	shows "mirror proto udp"
	[[ $(report '.delivery["tunnel-interface-name"]') == eth1 ]]
}

@test "--for: mirroring ends by itself, and status says when" {
	mirror_start --rules="mirror proto icmp" --for=10m
	[[ $(report '.ends_in_seconds > 590 and .ends_in_seconds <= 600') == true ]]
	mirror 0 status
	[[ $output =~ ends\ +in\ (600|59[0-9])\ s ]]
	# an update that does not name it keeps it, one that does begins anew
	mirror 0 update --rules="mirror proto icmp; mirror proto udp"
	[[ $(report '.ends_in_seconds < 600') == true ]]
	mirror 0 update --for=1s
	wait_until 5 on host bash -c "mirroring status --iface=eth0 --direction=ingress | grep -q 'ended .* s ago, as --for says'"
	pings 3
	[[ $(report '"\(.ends_in_seconds) \(.counters.device)"') == "0 0" ]]
	(($(report .counters.disabled) >= 3))
	expect 0 on host mirroring metrics
	[[ $output == *'mirroring_on{iface="eth0",direction="ingress"} 0'* ]]
	[[ $output == *'mirroring_ended{iface="eth0",direction="ingress"} 1'* ]]
	# its program stays in place
	[[ $(on host mirroring --cmd=status --iface=eth0 --direction=ingress 2>&1) == RUNNING ]]
	# what start gives does not override update
	mirror 0 start --for=1h
	[[ $(report .ends_in_seconds) == 0 ]]
	mirror 0 rollback
	[[ $(report .ends_in_seconds) == 0 ]]
	mirror 0 update --for=off
	[[ $(report .ends_in_seconds) == null ]]
	pings 2
	[[ $(report .counters.device) == 2 ]]
	mirror 2 update --for=0s
	[[ $output == *"--for: expected"*"got \"0s\""* ]]
}

@test "status for people: chain, delivery, filters with counts, counters" {
	mirror_start --rules="mirror proto icmp; skip proto udp"
	pings 70
	mirror 0 status
	[[ $output == *"eth0 ingress: on, commit 1"* ]]
	[[ $output =~ chain\ +tc_ingress_root\ \([0-9]+\)\ -\>\ _ingress_redirect\ \([0-9]+\)\ -\>\ end ]]
	[[ $output == *"tunnel-interface-name vxlan0 (start)"* ]]
	[[ $output =~ \ 1\ +70\ +6860\ +mirror\ proto\ icmp ]]
	[[ $output =~ \ 2\ +0\ +0\ +skip\ proto\ udp ]]
	[[ $output =~ device\ +70 ]]
	[[ $output != *PROBLEM* ]]
	# all instances, where none is named
	expect 0 on host mirroring status
	[[ $output == *"eth0 ingress: on"* ]]
}

@test "status names what is wrong: a broken chain, a device that is gone, recreated, or down" {
	on host ip link add lost type veth peer name other
	on host ip link set lost up
	mirror_start --rules="mirror proto icmp to lost"
	on host ip link set lost down
	mirror 0 status
	[[ $output == *"PROBLEM    filter 1: device lost is not up"* ]]
	on host ip link del lost
	mirror 0 status
	[[ $output == *"PROBLEM    filter 1: device lost is gone"* ]]
	on host ip link add lost type veth peer name other
	mirror 0 status
	[[ $output == *"PROBLEM    filter 1: device lost was recreated"* ]]
	# the poll heals it once the device is up
	on host sh -c 'ip link set other up && ip link set lost up'
	expect 0 on host mirroring --cmd=status --iface=eth0 --direction=ingress
	[[ $output == RUNNING ]]
	mirror 0 status
	[[ $output != *PROBLEM* ]]
	pings 3
	[[ $(report .counters.device) == 3 ]]
	# as l3afd does when a seq_id changes
	on host bpftool map delete pinned "$pins/tc_ingress_root_array" key 0 0 0 0
	mirror 0 status
	[[ $output =~ chain\ +tc_ingress_root\ \([0-9]+\)\ -\>\ BROKEN ]]
	[[ $output == *"PROBLEM    the chain is broken after tc_ingress_root"*seq_id* ]]
	[[ $(report .chained) == false ]]
}

@test "status names what is wrong: a chain that is a loop, a second root, no filters" {
	stub
	mirror_start
	mirror 0 status
	[[ $output == *"PROBLEM    no filters"* ]]
	set_next "$pins/mirroring_ingress_jmp_table" /sys/fs/bpf/progs/eth0/_ingress_redirect_tc
	mirror 0 status
	[[ $output =~ chain\ +tc_ingress_root\ \([0-9]+\)\ -\>\ _ingress_redirect\ \([0-9]+\)\ -\>\ LOOP ]]
	[[ $output == *"PROBLEM    the chain is a loop: _ingress_redirect ("*seq_id* ]]
	[[ $(chain) == "tc_ingress_root -> _ingress_redirect -> LOOP" ]]
	on host bpftool map delete pinned "$pins/mirroring_ingress_jmp_table" key 0 0 0 0
	# before ours, as after a kill of l3afd: it leads nowhere, and the packet goes on to ours
	on host bpftool prog load "$mirroring_build/tc-root/tc_root_ingress.bpf.o" /sys/fs/bpf/second
	on host tc filter add dev eth0 ingress prio 1 bpf direct-action object-pinned /sys/fs/bpf/second
	mirror 0 status
	[[ $output == *"PROBLEM    2 root programs are attached to eth0 ingress"*"tc_root stop --iface=eth0"* ]]
	[[ $(report .chained) == true ]]
}

@test "status --json says the same, for programs" {
	mirror_start --rules="mirror proto icmp"
	pings 5
	[[ $(report '"\(.iface) \(.direction) \(.off) \(.generation) \(.chained)"') == "eth0 ingress false 1 true" ]]
	[[ $(report '[.chain[].name] | join(" ")') == "tc_ingress_root _ingress_redirect" ]]
	[[ $(report '.filters[0] | "\(.rule) \(.packets) \(.bytes)"') == "mirror proto icmp 5 490" ]]
	[[ $(report '"\(.counters.device) \(.delivery["tunnel-interface-name"]) \(.problems | length)"') == "5 vxlan0 0" ]]
	mirror 0 update --rules="count proto icmp name try"
	pings 5
	[[ $(report '.filters[0] | "\(.name) \(.packets) \(.bytes)"') == "try 5 490" ]]
	[[ $(report '.filters[0].estimate | .packets_per_second > 0 and (.bits_per_second / .packets_per_second | round) == 98 * 8') == true ]]
	[[ $(report '"\(.counters.counted) \(.counters.device)"') == "5 5" ]]
	mirror 0 status
	[[ $output =~ as\ mirror:\ at\ most\ [0-9]+\ packets/s\ and\ [0-9.]+\ Mbit/s ]]
	direction=egress
	[[ $(report .) == null ]]
}

@test "status as l3afd asks: RUNNING, not a byte more" {
	stub
	mirror_start
	[[ $(on host mirroring --cmd=status --iface=eth0 --direction=ingress 2>&1 | od -An -c | tr -d ' ') == RUNNING ]]
	[[ $(on host mirroring '--cmd =status' '--iface =eth0' '--direction =ingress' 2>&1 | od -An -c | tr -d ' ') == RUNNING ]]
	[[ $(on host mirroring --cmd=status 2>&1 | od -An -c | tr -d ' ') == RUNNING ]]
	expect 1 on host mirroring --cmd=status --iface=eth0 --direction=egress
	[[ $output == "mirroring: no traffic-mirroring is running on eth0 egress" ]]
}

@test "metrics: Prometheus' text format, exact, for all instances" {
	mirror_start --rules="mirror proto icmp"
	direction=egress mirror_start --rules="mirror proto udp; skip name rest"
	pings 77
	expect 0 on host mirroring metrics
	metrics_grammar <<<"$output"
	[[ $output == *'mirroring_packets_total{iface="eth0",direction="ingress",outcome="device"} 77'* ]]
	[[ $output == *'mirroring_filter_packets_total{iface="eth0",direction="ingress",filter="1"} 77'* ]]
	[[ $output == *'mirroring_filter_bytes_total{iface="eth0",direction="ingress",filter="1"} 7546'* ]]
	[[ $output == *'mirroring_filter_packets_total{iface="eth0",direction="egress",filter="2",name="rest"} '[1-9]* ]]
	[[ $output == *'mirroring_filters{iface="eth0",direction="egress"} 2'* ]]
	[[ $output == *'mirroring_chained{iface="eth0",direction="egress"} 1'* ]]
	[[ $output =~ 'direction="egress",outcome="skipped"} '[1-9] ]]
}

# Each metric: HELP, TYPE, then its samples, in one piece; no sample twice; counters, and no others, end in _total.
metrics_grammar() {
	awk '
		function bad(why) { print "line " NR ": " why ": " $0; failed = 1 }
		/^# HELP [a-z_]+ [^ ].*\.$/ { if (seen[$3]++) bad("metric again"); name = $3; typed = 0; next }
		/^# TYPE [a-z_]+ (counter|gauge)$/ {
			if ($3 != name || typed++) bad("type without help")
			if (($4 == "counter") != ($3 ~ /_total$/)) bad("wrong ending")
			next
		}
		/^[a-z_]+\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\} [0-9]+$/ {
			if (substr($0, 1, index($0, "{") - 1) != name || !typed) bad("sample outside its metric")
			if (samples[$1]++) bad("sample twice")
			next
		}
		{ bad("no line of the format") }
		END { exit failed || !NR }'
}

@test "metrics and status where nothing runs" {
	expect 0 on host mirroring metrics
	metrics_grammar <<<"$output"
	[[ $output != *"{"* ]]
	expect 0 on host mirroring status --json
	[[ $(jq length <<<"$output") == 0 ]]
	expect 1 on host mirroring status
	[[ $output == "mirroring: no traffic-mirroring is running" ]]
}

@test "an empty value takes an option of delivery back" {
	local options=(--redirect-to=eth1 --tunnel-remote-address="$LAB_COLLECTOR4" --tunnel-id=5 --tunnel-local-port=9
		--tunnel-local-address="$LAB_UPLINK4" --tunnel-remote-port=7 --tunnel-metadata=on --gtw-address=192.0.2.9
		--snaplen=64 --oversize=drop --ttl=9 --dscp=1 --allow-same-device=on --tunnel-type=geneve)
	mirror 0 start "${options[@]}" --rules="mirror proto icmp"
	mirror 0 update "${options[@]/%=*/=}" --tunnel-interface-name=vxlan0
	[[ $(report '.delivery | keys | join(" ")') == tunnel-interface-name ]]
	mirror 0 start "${options[@]}" # those of update lie over them
	[[ $(report '.delivery | keys | join(" ")') == tunnel-interface-name ]]
	pings 3
	[[ $(report .counters.device) == 3 ]]
	mirror '!' update --tunnel-interface-name=
	[[ $output == *"filter 1 has no destination: "* ]]
}

@test "--quiet leaves errors only, --log-dir keeps a log" {
	stub
	mkdir "$LAB/log"
	mirror_start --quiet --log-dir="$LAB/log"
	[[ ! $output ]]
	mirror 0 update --rules=mirror --log-dir="$LAB/log"
	grep -q 'eth0 ingress: 1 filter in force' "$LAB/log/mirroring.log"
	mirror 2 update --quiet --rules=mirrors
	[[ $output == *mirrors* ]]
}

# The same to a collector by address, as rules with names need.
collector_start() {
	mirror 0 start --map-name="$pins/tc_${direction}_root_array" --tunnel-remote-address="$LAB_COLLECTOR4" "$@"
}

@test "domain and first: shown, rolled back, of two directions at once, and forgotten by stop" {
	stub
	local web="mirror proto tcp domain example.com,*.example.com first 20K" rest="skip domain *.net"
	local ads="mirror domain *.org,ads.example.com first 10p"
	collector_start --rules="$web; $rest; mirror"
	shows "$web" "$rest" mirror
	direction=egress
	collector_start --domain=ads.example.com,*.Org --first=10p
	shows "mirror domain *.org,ads.example.com"
	direction=ingress
	shows "$web" "$rest" mirror
	mirror 0 update --rules="$ads"
	shows "$ads"
	mirror 0 rollback
	shows "$web" "$rest" mirror
	mirror 0 rollback
	shows "$ads"
	mirror 0 update --rules="mirror proto udp" --flow-memory=1M
	shows "mirror proto udp"
	mirror 0 rollback
	shows "$ads"
	[[ $(on host mirroring status) == *"flows    "*"of 65536 entries"* ]]
	direction=egress
	shows "mirror domain *.org,ads.example.com"
	mirror 0 stop
	direction=ingress
	mirror 0 stop
	on host test ! -e /sys/fs/bpf/mirroring-3
}

@test "first alone, to a kernel device: there is a flow table, and no sender" {
	mirror_start --rules="mirror proto icmp first 4p"
	capture copies collector vxlan0
	pings 6
	capture_end copies
	[[ $(captured copies icmp) == 4 ]]
	[[ $(report .counters.beyond_first) == 2 ]]
	expect 0 on host mirroring status
	[[ $output == *"flows    1 of 262144 entries used"* && $output != *PROBLEM* ]]
	expect 0 on host mirroring metrics
	[[ $output == *$'\nmirroring_flow_table_used 1\n'* ]]
	mirror 0 stop
	on host test ! -e /sys/fs/bpf/mirroring-3
}
