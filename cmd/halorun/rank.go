package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"halorun/comm"
	"halorun/launcher"
	"halorun/launcher/jobs"
	"halorun/ranks"
	"halorun/ranks/folder"
	"halorun/ranks/raster"
)

const (
	agentName = "agent"
	rankName  = "rank"
)

const (
	// joinTime is how long ranks that have all come may take to connect to each other, and 50 ms more for each.
	joinTime = 30 * time.Second
	// connectTime is how long one connection may take: that of a packet that has to be sent again.
	connectTime = 3 * time.Second
	// callTime bounds a wait for another rank. One that has no rows of a stage waits for all who have; a rank that died is
	// noticed at once, by its links and by the launcher.
	callTime = 24 * time.Hour
)

// memberMain returns what a process of a job does besides its launcher, or nil if the arguments are a user's. There are many such
// processes, and they need no flags nor help: they start faster without.
func memberMain(args []string) func(context.Context) error {
	if len(args) != 2 {
		return nil
	}
	switch args[1] {
	case agentName:
		return func(ctx context.Context) error { return launcher.Agent(ctx, version) }
	case rankName:
		return func(ctx context.Context) error { return rankMain(ctx, time.Now()) }
	case probeName:
		return probeMain
	}
	return nil
}

// rankSpec is what ranks are told of the job.
type rankSpec struct {
	Job     ranks.Job   `json:"job"`
	Folder  *folder.Job `json:"folder,omitempty"` // instead, of many pictures
	Network networkSpec `json:"network"`
	Inject  []injection `json:"inject"`
}

// networkSpec says how ranks reach each other.
type networkSpec struct {
	Ports     string        `json:"ports"`
	Interface string        `json:"interface"`
	NoEncrypt bool          `json:"no_encrypt"`
	Heartbeat time.Duration `json:"heartbeat"` // after how long a silence a peer counts as lost
}

func (n networkSpec) ports() (comm.PortRange, error) {
	if n.Ports == "" {
		return comm.PortRange{}, nil
	}
	r, err := comm.ParsePortRange(n.Ports)
	if err != nil {
		return r, fmt.Errorf("--port-range: %w", err)
	}
	return r, nil
}

// config returns the configuration of this member's world in an epoch.
func (n networkSpec) config(self *launcher.Rank, e *launcher.Membership) (comm.Config, error) {
	ports, err := n.ports()
	transport := comm.TCP{Ports: ports, Interface: n.Interface, UserTimeout: n.Heartbeat}
	// The address by which ssh reached this host is likely to be one by which others do, too.
	if words := strings.Fields(os.Getenv("SSH_CONNECTION")); len(words) == 4 {
		transport.Preferred = []string{words[2]}
	}
	return comm.Config{
		Rank: e.Rank, Size: e.Size, Member: self.Member, Epoch: e.Epoch, Host: e.Host, Hosts: e.Hosts,
		Key: e.Key, Bootstrap: e, Transport: transport, CallTimeout: callTime, NoEncrypt: n.NoEncrypt,
		// A host that stands still for less than a heartbeat's time is not lost.
		ConnectTimeout: max(connectTime, 2*n.Heartbeat),
		JoinTimeout:    max(joinTime, 3*n.Heartbeat) + time.Duration(e.Size)*50*time.Millisecond,
	}, err
}

// attach tells a process who it is and what it is to do.
func attach(ctx context.Context) (*launcher.Rank, rankSpec, error) {
	var spec rankSpec
	self, err := launcher.Attach(ctx)
	if err == nil {
		err = json.Unmarshal(self.Spec, &spec)
	}
	return self, spec, err
}

// rankMain is a rank process: it joins the world, does its part and tells the launcher how that went. If a rank is lost, it joins the next
// epoch's world and goes on.
func rankMain(ctx context.Context, began time.Time) error {
	self, spec, err := attach(ctx)
	if err != nil {
		return err
	}
	spec.Job.Checkpoint = localCheckpoint(spec.Job.Checkpoint)
	if c := spec.Job.Checkpoint; c.Mode != ranks.CheckpointOff && self.Host != self.Hosts[self.Head] && slices.Index(self.Hosts, self.Host) == self.Rank {
		go jobs.Prune(filepath.Dir(c.Dir), filepath.Base(c.Dir), began) // no launcher does it on this host
	}
	inject := newInjector(spec.Inject, self)
	r := newProgram(began, spec, inject.probe())
	defer r.Close()
	inject.tell = func() { tellProgress(self, r) }
	go reportProgress(self, r)
	for epoch := self.Membership; ; {
		inject.enter(epoch)
		world, err := member(self, epoch, spec, r)
		result, _ := json.Marshal(r.result())
		var lost *comm.RankError
		switch {
		case err == nil:
			err = epoch.Done(result)
		case epoch.Context().Err() != nil && self.Context().Err() == nil:
			// The launcher knows that the epoch is over.
		case errors.As(err, &lost):
			status := exitRanks
			if lost.Op == "join with" {
				status = exitStart
			}
			err = epoch.Stuck(lost.Rank, errors.Is(lost, comm.ErrLost), status, lost.Error())
		case errors.Is(err, ranks.ErrNotRestored):
			return err // another process takes this one's place
		default:
			return epoch.Fail(exitStatus(err), cause(err).Error(), result, isConsequence(err))
		}
		if err != nil && epoch.Context().Err() == nil {
			return err
		}
		// Until then the links stay: others may still have to read what was sent, and a broken link would make them blame this rank.
		next, err := epoch.Next(self)
		if errors.Is(err, launcher.ErrReleased) && spec.Job.Checkpoint.Mode != ranks.CheckpointOff {
			r.Close()
			_ = jobs.Sweep(spec.Job.Checkpoint.Dir) // what is left goes with time
			return nil
		}
		if err != nil {
			return nil // which is as it should be
		}
		if world != nil {
			world.Abandon()
		}
		epoch = next
	}
}

// progressTime is how often a rank tells how far it is, and progressEach how much less often for each rank, so that the launcher has time.
const (
	progressTime = 200 * time.Millisecond
	progressEach = time.Millisecond
)

// reportProgress tells the launcher again and again how far this rank is, should it be lost.
func reportProgress(self *launcher.Rank, r *program) {
	tick := time.NewTicker(progressTime + time.Duration(self.Size)*progressEach)
	defer tick.Stop()
	for {
		select {
		case <-self.Context().Done():
			return
		case <-tick.C:
			tellProgress(self, r)
		}
	}
}

func tellProgress(self *launcher.Rank, r *program) {
	result, _ := json.Marshal(r.result())
	_ = self.Progress(result) // if that fails, the agent is gone
}

// startFailed is an error for which a job has the exit status of one that could not be started.
type startFailed struct{ error }

func (e startFailed) Unwrap() error { return e.error }

// member does a rank's part in an epoch. The world, which may be nil, is for the caller to leave.
func member(self *launcher.Rank, epoch *launcher.Membership, spec rankSpec, r *program) (*comm.World, error) {
	config, err := spec.Network.config(self, epoch)
	if err != nil {
		return nil, err
	}
	ctx := epoch.Context()
	world, err := comm.Join(ctx, config)
	if err != nil {
		return nil, startFailed{err}
	}
	// What waits for another rank ends as soon as it is known that one is lost.
	context.AfterFunc(ctx, func() {
		var gone *launcher.Gone
		if errors.As(context.Cause(ctx), &gone) {
			world.Lose(max(gone.Rank, 0), gone)
		}
	})
	self.OnPause(world.Suspend)
	if err := epoch.Joined(); err != nil {
		return world, err
	}
	return world, r.run(ctx, self, epoch, world, config)
}

// isConsequence tells whether the error only reflects another rank's failure.
func isConsequence(err error) bool {
	var rankError *comm.RankError
	return errors.As(err, &rankError) || errors.Is(err, context.Canceled)
}

// cause strips an error of INPUT or OUTPUT of what the rank was doing with it.
func cause(err error) error {
	var input *raster.InputError
	var output *ranks.OutputError
	switch {
	case errors.As(err, &input):
		return input
	case errors.As(err, &output):
		return output
	}
	return err
}
