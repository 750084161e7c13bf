package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"halorun/launcher"
	"halorun/ranks"
)

// injection is a failure that a test asks for.
type injection struct {
	What  string `json:"what"`
	Rank  int    `json:"rank"` // anyRank is whoever comes there first on its host
	Epoch int    `json:"epoch"`
	At    string `json:"at"`
	Stage int    `json:"stage"` // anyStage is all
	Tile  int    `json:"tile"`  // how often the rank has been there before, in this epoch
}

// anyEpoch is all.
const anyEpoch = 0

const (
	anyRank  = -1
	anyStage = -1
)

// Where a failure can be injected.
var injectSteps = []string{"join", "read", "scatter", "halo", "compute", "checkpoint", "gather", "write", "finish", "rename"}

// diskErrors are what writes fail with from then on.
var diskErrors = map[string]syscall.Errno{"diskfull": syscall.ENOSPC, "eio": syscall.EIO}

// parseInjections reads the values of --inject: what:key=value,key=value.
func parseInjections(texts []string) ([]injection, error) {
	var all []injection
	for _, text := range texts {
		in := injection{Rank: anyRank, Epoch: 1, Stage: anyStage}
		what, rest, _ := strings.Cut(text, ":")
		in.What = what
		if !slices.Contains([]string{"kill", "stop", "cut", "diskfull", "eio", "corrupt"}, what) {
			return nil, usage("--inject %q: there are kill, stop, cut, diskfull, eio and corrupt", text)
		}
		if diskErrors[what] != 0 {
			in.At = "checkpoint"
		}
		for _, pair := range strings.Split(rest, ",") {
			if pair == "" {
				continue
			}
			key, value, _ := strings.Cut(pair, "=")
			number, err := strconv.Atoi(value)
			switch key {
			case "at":
				in.At, err = value, nil
			case "picture": // of many: whoever computes it, each time
				in.At, in.Epoch, err = "picture "+value, anyEpoch, nil
			case "rank":
				in.Rank = number
			case "epoch":
				in.Epoch = number
			case "stage":
				in.Stage = number
			case "tile":
				in.Tile = number
			default:
				err = fmt.Errorf("no such key")
			}
			if err != nil {
				return nil, usage("--inject %q: %q: %v", text, pair, err)
			}
		}
		if in.What == "corrupt" {
			in.At = "record"
		} else if !slices.Contains(injectSteps, in.At) && !strings.HasPrefix(in.At, "picture ") {
			return nil, usage("--inject %q: at is one of %s", text, strings.Join(injectSteps, ", "))
		}
		all = append(all, in)
	}
	return all, nil
}

// injector makes the failures happen in a rank process.
type injector struct {
	todo []injection
	self *launcher.Rank
	tell func() // the launcher how far this rank is

	mu    sync.Mutex
	epoch *launcher.Membership
	seen  map[string]int           // by step and stage
	disk  map[string]syscall.Errno // by step: what writes fail with
}

func newInjector(todo []injection, self *launcher.Rank) *injector {
	return &injector{todo: todo, self: self, disk: make(map[string]syscall.Errno)}
}

// probe returns what the rank asks at its steps.
func (i *injector) probe() ranks.Probe {
	if len(i.todo) == 0 {
		return ranks.Probe{}
	}
	return ranks.Probe{At: i.at, Fault: i.fault, Corrupt: i.corrupt}
}

// enter begins an epoch.
func (i *injector) enter(epoch *launcher.Membership) {
	i.mu.Lock()
	i.epoch, i.seen = epoch, make(map[string]int)
	i.mu.Unlock()
	i.at("join", 0)
}

// at is called at a step of a stage.
func (i *injector) at(step string, stage int) {
	for _, in := range i.due(step, stage) {
		switch in.What {
		case "kill":
			i.tell()
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		case "stop":
			i.tell()
			stopHere()
		case "cut":
			i.tell()
			cutOff()
		case "diskfull", "eio":
			i.mu.Lock()
			i.disk[step] = diskErrors[in.What]
			i.mu.Unlock()
		}
	}
}

// stopHere stops this process, and not a moment later: a signal to the process might stop this thread last.
func stopHere() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGSTOP)
}

// due returns what is to happen now.
func (i *injector) due(step string, stage int) []injection {
	if len(i.todo) == 0 {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	var due []injection
	for _, s := range []int{stage, anyStage} {
		key := fmt.Sprint(step, s)
		count := i.seen[key]
		i.seen[key]++
		for _, in := range i.todo {
			if in.At == step && in.Stage == s && in.Tile == count && (in.Epoch == int(i.epoch.Epoch) || in.Epoch == anyEpoch) && (in.Rank == anyRank || in.Rank == i.epoch.Rank) {
				due = append(due, in)
			}
		}
	}
	return due
}

// fault returns the error of a write at a step.
func (i *injector) fault(step string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := i.disk[step]; err != 0 {
		return err
	}
	return nil
}

// corrupt tells whether the record that is about to be written is to be damaged.
func (i *injector) corrupt(stage int) bool {
	return slices.ContainsFunc(i.due("record", stage), func(in injection) bool { return in.What == "corrupt" })
}

// cutOff takes this host off the network, without a sound. It is for hosts that are made for a test, and say so.
func cutOff() {
	if os.Getenv("HALORUN_TEST_HOST") == "" {
		return
	}
	all, _ := net.Interfaces()
	for _, n := range all {
		if n.Flags&net.FlagLoopback == 0 {
			_ = exec.Command("ip", "link", "set", n.Name, "down").Run()
		}
	}
}
