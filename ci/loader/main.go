// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)

// loader loads an object as l3afd does, with the Go library that l3afd uses, and stays until it is killed:
// a collection with a pin path, every map pinned, the entry function pinned, and put behind the previous
// program's chain map or attached to an interface.
//
// When all is done it prints "loaded".
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

var (
	object   = flag.String("object", "", "BPF object")
	entry    = flag.String("entry", "", "entry function")
	mapDir   = flag.String("maps", "", "directory for the pins of the maps")
	progPin  = flag.String("pin", "", "pin of the entry function")
	previous = flag.String("behind", "", "pin of the chain map of the previous program")
	tcx      = flag.String("tcx", "", "interface to attach to, by a TCX link")
	egress   = flag.Bool("egress", false, "attach to egress instead of ingress")
	linkPin  = flag.String("link", "", "pin of the TCX link")
)

func load() (*ebpf.Program, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, err
	}
	for _, dir := range []string{*mapDir, filepath.Dir(*progPin)} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, err
		}
	}
	spec, err := ebpf.LoadCollectionSpec(*object)
	if err != nil {
		return nil, err
	}
	collection, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		Maps: ebpf.MapOptions{PinPath: *mapDir},
	})
	if err != nil {
		return nil, err
	}
	for name, m := range collection.Maps {
		path := filepath.Join(*mapDir, name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := m.Pin(path); err != nil {
			return nil, fmt.Errorf("map %s: %w", name, err)
		}
	}
	program := collection.Programs[*entry]
	if program == nil {
		return nil, fmt.Errorf("no function %s", *entry)
	}
	// a loader that was killed leaves its pin
	if err := os.Remove(*progPin); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return program, program.Pin(*progPin)
}

func chain(program *ebpf.Program) error {
	m, err := ebpf.LoadPinnedMap(*previous, nil)
	if err != nil {
		return err
	}
	defer m.Close()
	return m.Update(uint32(0), uint32(program.FD()), ebpf.UpdateAny)
}

func attach(program *ebpf.Program) error {
	device, err := net.InterfaceByName(*tcx)
	if err != nil {
		return err
	}
	// that detaches what a killed loader has attached
	if err := os.Remove(*linkPin); err != nil && !os.IsNotExist(err) {
		return err
	}
	where := ebpf.AttachTCXIngress
	if *egress {
		where = ebpf.AttachTCXEgress
	}
	l, err := link.AttachTCX(link.TCXOptions{Program: program, Interface: device.Index, Attach: where})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*linkPin), 0o750); err != nil {
		return err
	}
	return l.Pin(*linkPin)
}

func main() {
	flag.Parse()
	program, err := load()
	if err == nil && *previous != "" {
		err = chain(program)
	}
	if err == nil && *tcx != "" {
		err = attach(program)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("loaded")
	select {}
}
