#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# make package: the repository in dist/, made twice: of what is built here, and of what another folder's build makes.

load ../../ci/lab

setup_file() {
	local source=$BATS_TEST_DIRNAME/../..
	mkdir -p "$BATS_FILE_TMPDIR"/{one,another/folder}
	tar -C "$source" --exclude=./.git --exclude=./build/{obj/tested,coverage,kernels} --exclude=./dist -c . | tar -C "$BATS_FILE_TMPDIR/one" -x
	tar -C "$source" --exclude=./.git --exclude=./build --exclude=./dist -c . | tar -C "$BATS_FILE_TMPDIR/another/folder" -x
	make_package one 022
	make_package another/folder 077
}

# In an environment as it may be elsewhere, not in that of the make that runs the tests.
make_package() (
	unset MAKEFLAGS MAKELEVEL MFLAGS
	umask "$2"
	LC_ALL=C make -j2 -C "$BATS_FILE_TMPDIR/$1" package >"$BATS_FILE_TMPDIR/log" 2>&1 ||
		{ tail -n 20 "$BATS_FILE_TMPDIR/log"; return 1; }
)

setup() {
	cd "$BATS_FILE_TMPDIR/one/dist" || return
}

manifest() {
	jq -r "$@" manifest.json
}

platforms_of() {
	manifest --arg name "$1" '.packages[] | select(.name == $name).platforms[]'
}

@test "the same bytes from two folders" {
	expect 0 diff -r . "$BATS_FILE_TMPDIR/another/folder/dist"
}

@test "SHA256SUMS holds every file" {
	expect 0 sha256sum --check --quiet --strict SHA256SUMS
	[[ $(find . -type f ! -name SHA256SUMS | wc -l) == $(wc -l <SHA256SUMS) ]]
}

@test "an artifact for each package, version and platform, with the manifest's sha256" {
	local package artifact sum path platform
	while read -r package artifact sum; do
		for path in "$(manifest .version)" latest; do
			for platform in $(platforms_of "$package"); do
				[[ $(sha256sum <"$package/$path/$platform/$artifact") == "$sum  -" ]]
			done
		done
	done < <(manifest '.packages[] | "\(.name) \(.artifact) \(.sha256)"')
	[[ $(find . -name '*.tar.gz' | wc -l) == $(($(manifest '[.packages[].platforms | length] | add') * 2)) ]]
}

@test "traffic-mirroring holds what l3afd expects, owned by root" {
	expect 0 tar -tzf traffic-mirroring/latest/bookworm/l3af_traffic_mirroring.tar.gz
	[[ $output == "$(printf 'l3af_traffic_mirroring/%s\n' '' LICENSE LICENSE.BSD-2-Clause LICENSE.GPL-2.0 egress/ ingress/ \
		mirror-sender mirroring mirroring_egress.bpf.o mirroring_ingress.bpf.o)" ]]
	expect 0 tar -tvzf traffic-mirroring/latest/bookworm/l3af_traffic_mirroring.tar.gz --numeric-owner
	[[ $(grep -c ' 0/0 ' <<<"$output") == 10 ]]
}

@test "tc-root holds what l3afd expects" {
	expect 0 tar -tzf tc-root/latest/bookworm/l3af_tc_root.tar.gz
	[[ $output == "$(printf 'l3af_tc_root/%s\n' '' LICENSE LICENSE.BSD-2-Clause LICENSE.GPL-2.0 egress/ ingress/ \
		tc_root tc_root_egress.bpf.o tc_root_ingress.bpf.o)" ]]
}

@test "mirror-collector holds the command" {
	local platform
	platform=$(platforms_of mirror-collector | head -n 1)
	expect 0 tar -tzf "mirror-collector/latest/$platform/l3af_mirror_collector.tar.gz"
	[[ $output == "$(printf 'l3af_mirror_collector/%s\n' '' LICENSE LICENSE.BSD-2-Clause LICENSE.GPL-2.0 mirror-collector)" ]]
}

@test "the commands run where there is no library at all" {
	local package command
	for package in tc-root/l3af_tc_root/tc_root traffic-mirroring/l3af_traffic_mirroring/mirroring; do
		command=${package##*/}
		tar -C "$BATS_TEST_TMPDIR" -xzf "${package%%/*}"/latest/bookworm/*.tar.gz
		expect 0 chroot "$BATS_TEST_TMPDIR/$(cut -d/ -f2 <<<"$package")" "/$command" --help
	done
}

# named PACKAGE COMMAND: the platforms in the manifest are those whose glibc has every version that the command asks for.
named() {
	local needed platform has expected=()
	needed=$(objdump -p ../build/*/"$2" | grep -o 'GLIBC_[0-9.]*' | sort -V | tail -n 1)
	while read -r platform has; do
		[[ $(printf '%s\n' "$needed" "GLIBC_$has" | sort -V | tail -n 1) != "GLIBC_$has" ]] || expected+=("$platform")
	done < <(manifest '.glibc as $glibc | .platforms[] | "\(.) \($glibc[.])"')
	echo "$2 needs ${needed:-no glibc}: ${expected[*]}"
	[[ $(platforms_of "$1" | xargs) == "${expected[*]}" ]]
}

@test "a package names the platforms on which its commands start" {
	named mirror-collector mirror-collector
	named tc-root tc_root
	[[ $(platforms_of tc-root) == "$(manifest '.platforms[]')" ]]
	named traffic-mirroring mirroring
	named traffic-mirroring mirror-sender
}

@test "a bad object stops make package" {
	local folder=$BATS_FILE_TMPDIR/another/folder
	sed -i 's/"_ingress_redirect"/"_ingress_redirected"/' "$folder/manifest.json"
	expect 1 "$folder/packaging/build"
	[[ $output == *"entry function _ingress_redirected is missing"* ]]
}
