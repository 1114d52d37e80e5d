#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The options of the upstream package, as payloads in use today give them.

load ../../tests/mirroring

setup() {
	mirroring_lab
	# the devices and addresses of the payload; gue1 is a stand-in that shows what it is given
	on host ip link set eth1 down
	on host ip link set eth1 name enp0s8
	on host ip link set enp0s8 up
	on host ip addr add 192.168.10.1/24 dev enp0s8
	on host ip link add gue1 type veth peer name gue1-end
	on host ip link set gue1 up
	on host ip link set gue1-end up
}

start_args=(tunnel-interface-name=gue1 tunnel-local-port=6080 tunnel-remote-port=6080
	tunnel-remote-address=192.168.10.50 redirect-to=enp0s8 "protocol=tcp,icmp")
ingress_args=("${start_args[@]}" src-address=0.0.0.0 src-port=0 dst-port=8080)
egress_args=("${start_args[@]}" dst-address=0.0.0.0 src-port=8080 dst-port=0)

# l3afd_start ARG…: the words as l3afd gives them, in random order.
l3afd_start() {
	local words
	mapfile -t words < <(printf -- "--%s\n" iface=eth0 direction="$direction" "$@" | shuf)
	expect 0 on host mirroring "${words[@]}"
}

syn() {
	on client bash -c "echo >/dev/tcp/$LAB_HOST4/$1" 2>/dev/null || true
}

traffic() {
	capture copies host gue1-end
	pings 3
	syn 8080
	syn 80
	capture_end copies
}

@test "the payload in use, three times in random order" {
	load_like_l3afd
	direction=egress load_like_l3afd
	local i
	for i in 1 2 3; do
		l3afd_start "${ingress_args[@]}"
		shows "mirror proto tcp dst-port 8080" "mirror proto icmp"
		direction=egress l3afd_start "${egress_args[@]}"
		direction=egress shows "mirror proto tcp src-port 8080" "mirror proto icmp"
	done
	traffic
	[[ $(captured copies 'tcp[tcpflags] == tcp-syn and dst port 8080') == 1 ]]
	[[ $(captured copies 'tcp[tcpflags] & tcp-rst != 0 and src port 8080') == 1 ]]
	[[ $(captured copies 'icmp[icmptype] == icmp-echo') == 3 ]]
	[[ $(captured copies 'icmp[icmptype] == icmp-echoreply') == 3 ]]
	[[ $(captured copies ip) == 8 ]]
	[[ $(report '.delivery | "\(.["redirect-to"]) \(.["tunnel-local-port"]) \(.["tunnel-remote-port"])"') == "enp0s8 6080 6080" ]]
}

@test "as l3afd gives status and stop: key and value in one word with a blank" {
	stub
	load_like_l3afd
	local words
	mapfile -t words < <(printf -- "--%s\n" iface=eth0 direction=ingress cmd=start "${ingress_args[@]/=/ =}" | shuf)
	expect 0 on host mirroring "${words[@]}"
	shows "mirror proto tcp dst-port 8080" "mirror proto icmp"
	expect 0 on host mirroring --iface=eth0 --direction=ingress '--cmd =stop'
	shows
}

@test "redirect-to alone: copies leave by that NIC" {
	load_like_l3afd
	l3afd_start redirect-to=enp0s8 protocol=icmp
	capture copies collector eth0 icmp
	pings 3
	capture_end copies
	[[ $(captured copies) == 3 ]]
}

# options | rules
meanings="
	--protocol=tcp --dst-port=80,443,8000-8100 | mirror proto tcp dst-port 80,443,8000-8100
	--protocol=udp --src-port=53               | mirror proto udp src-port 53
	--protocol=tcp --src-port=0 --dst-port=0   | mirror proto tcp
	--dst-port=80,0                            | mirror
	--protocol=icmp --dst-port=80              | mirror proto icmp
	--protocol=tcp,udp,icmp --dst-port=80      | mirror proto tcp,udp dst-port 80;mirror proto icmp
	--src-address=192.0.2.1,198.51.100.0/24    | mirror src 192.0.2.1,198.51.100.0/24
	--dst-address=2001:db8::1                  | mirror dst 2001:db8::1
	--src-address=0.0.0.0 --dst-address=::/0   | mirror
	--src-address=0.0.0.0/0,192.0.2.1          | mirror
"

@test "what each filter option means" {
	stub
	load_like_l3afd
	mirror 0 start --tunnel-interface-name=gue1
	local options rules words
	while IFS='|' read -r options rules; do
		[[ $rules ]] || continue
		read -ra words <<<"$options"
		mirror 0 update "${words[@]}"
		mirror 0 show
		diff <(echo "$output") <(tr ';' '\n' <<<"${rules# }")
	done <<<"$meanings"
}

@test "a rules file where l3afd writes it" {
	stub
	load_like_l3afd
	mkdir -p "$LAB/l3af_traffic_mirroring/ingress"
	echo "mirror proto icmp" >"$LAB/l3af_traffic_mirroring/ingress/rules.txt"
	l3afd_start tunnel-interface-name=gue1 log-dir="$LAB" rules-file="$LAB/l3af_traffic_mirroring/ingress/rules.txt"
	shows "mirror proto icmp"
}

@test "every option of the upstream package is there" {
	expect 0 mirroring --help
	local name
	for name in iface direction version log-dir rules-file src-address dst-address src-port dst-port protocol \
		tunnel-interface-name tunnel-local-port tunnel-remote-port tunnel-remote-address redirect-to gtw-address \
		map-name quiet help; do
		grep -qE "^  (-.,|   ) --$name(=| |$)" <<<"$output"
	done
}
