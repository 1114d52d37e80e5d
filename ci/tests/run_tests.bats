#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# run-tests: its last line and its status, for what test programs can do.

load ../lab

# program NAME: a test program from the shell text on standard input.
program() {
	{ echo "#!/bin/sh"; cat; } >"$BATS_TEST_TMPDIR/$1"
	chmod +x "$BATS_TEST_TMPDIR/$1"
}

# sum STATUS LINE FILE…
sum() {
	expect "$1" "$BATS_TEST_DIRNAME/../run-tests" "${@:3}"
	[[ ${output##*$'\n'} == "$2" ]]
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	program good <<<'printf "1..2\nok 1 - a\n# seed 42\nok 2 - b\n"'
}

@test "all passed; remarks are shown" {
	sum 0 "2 passed, 0 failed" "$PWD/good"
	[[ $output == *"# seed 42"* ]]
}

@test "a failure, and the files after it" {
	program bad <<<'printf "1..2\nok 1 - a\nnot ok 2 - b\nwhat was wrong\n"; exit 1'
	sum 1 "3 passed, 1 failed" "$PWD/bad" "$PWD/good"
	[[ $output == *"what was wrong"* ]]
}

@test "skips, as cmocka and as bats report them" {
	program cmocka <<<'printf "1..2\nok 1 - a\nnot ok 2 # SKIP b\n"'
	program bats <<<'printf "1..1\nok 1 b # skip no such kernel\n"'
	sum 0 "1 passed, 0 failed, 2 skipped" "$PWD/cmocka" "$PWD/bats"
	[[ $output == *"no such kernel"* ]]
}

@test "a program that dies halfway" {
	program dies <<<'printf "1..3\nok 1 - a\n"; kill -SEGV $$'
	sum 1 "1 passed, 2 failed" "$PWD/dies"
}

@test "a program that reports nothing" {
	program silent <<<'exit 1'
	sum 1 "0 passed, 2 failed" "$PWD/silent" "$PWD/missing"
}

@test "a process that a test leaves behind ends with it" {
	program leaves <<<'sleep 54321 & printf "1..1\nok 1 - a\n"'
	sum 0 "1 passed, 0 failed" "$PWD/leaves"
	expect 1 pgrep -f "^sleep 54321"
}

@test "the longest begin first, and of more than ten files the ten slowest are shown" {
	local n
	for n in {01..11} replay.bats; do
		program "$n" <<<'printf "1..1\nok 1 - a\n"'
	done
	program 07 <<<'sleep 0.3; printf "1..1\nok 1 - a\n"'
	printf '@test "slow" { :; }\n@test "slower" { :; }\n' >replay.bats
	TEST_JOBS=1 sum 0 "13 passed, 0 failed" "$PWD"/{01..11} "$PWD/replay.bats"
	[[ $output == *"ok     $PWD/replay.bats"*"ok     $PWD/01"* ]]
	[[ $output == *$'\n'"The ten slowest:"$'\n'* ]]
	local slowest=${output#*slowest:$'\n'}
	(($(wc -l <<<"$slowest") == 11))
	[[ $(head -n 2 <<<"$slowest") == *" $PWD/07"* ]]
	TEST_NAME='slower$' sum 0 "1 passed, 0 failed" "$PWD/replay.bats"
}

@test "no file at all is a mistake" {
	expect 2 "$BATS_TEST_DIRNAME/../run-tests"
}
