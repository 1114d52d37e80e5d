// The library as l3afd's main has it. ebpf-v0.16.mod: as l3afd v2.1.0 has it.
module loader

go 1.25.0

require github.com/cilium/ebpf v0.22.0

require golang.org/x/sys v0.43.0 // indirect
