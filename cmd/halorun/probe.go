package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"halorun/comm"
	"halorun/ranks"
)

// facts are what a process on a host finds out about it.
type facts struct {
	Cores           int    `json:"cores"`
	MemoryBytes     uint64 `json:"memory_bytes"`
	MemoryAvailable uint64 `json:"memory_available_bytes"`
	Folder          string `json:"folder"` // the work folder
	DiskFreeBytes   uint64 `json:"disk_free_bytes"`
	FolderError     string `json:"folder_error"`
}

// probed is what the process on a host reports.
type probed struct {
	Facts facts      `json:"facts"`
	Ways  []comm.Way `json:"ways"`
}

const probeName = "probe"

// probeMain is the process of a host in a check.
func probeMain(ctx context.Context) error {
	self, spec, err := attach(ctx)
	if err != nil {
		return err
	}
	config, err := spec.Network.config(self, self.Membership)
	if err != nil {
		return err
	}
	p := probed{Facts: findFacts()}
	p.Ways, err = comm.Probe(self.Context(), config)
	result, _ := json.Marshal(p)
	if err != nil {
		return self.Fail(exitStart, err.Error(), result, isConsequence(err))
	}
	return self.Done(result)
}

// findFacts finds out about this host.
func findFacts() facts {
	f := facts{Cores: cores()}
	all, available := ranks.HostMemory()
	f.MemoryBytes, f.MemoryAvailable = uint64(all), uint64(available)
	dir, err := os.Getwd()
	var fs unix.Statfs_t
	if err == nil {
		f.Folder = dir
		err = unix.Statfs(dir, &fs)
		f.DiskFreeBytes = fs.Bavail * uint64(fs.Bsize)
	}
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(dir, ".halorun-probe-"); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
	}
	if err != nil {
		f.FolderError = fmt.Sprintf("the work folder %s: %v", filepath.Clean(dir), err)
	}
	return f
}
