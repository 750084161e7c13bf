package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"halorun/comm"
	"halorun/launcher"
	"halorun/ranks"
	"halorun/ranks/raster"
)

const (
	agentName = "agent"
	rankName  = "rank"
)

const (
	// joinTime is how long ranks that have all started may take to find each other, and 50 ms more for each.
	joinTime = 30 * time.Second
	// callTime bounds a wait for another rank. One that has no rows of a stage waits for all who have; a rank that died is
	// noticed at once, by its links and by the launcher.
	callTime = 24 * time.Hour
)

func rankCommand() *cli.Command {
	return &cli.Command{
		Name: rankName, Usage: "be a rank; started by an agent", Hidden: true,
		Action: func(c *cli.Context) error { return rankMain(c.Context, time.Now()) },
	}
}

func agentCommand() *cli.Command {
	return &cli.Command{
		Name: agentName, Usage: "start and watch the ranks of this host; started by the launcher", Hidden: true,
		Action: func(c *cli.Context) error { return launcher.Agent(c.Context, version) },
	}
}

// rankSpec is what ranks are told of the job.
type rankSpec struct {
	Job     ranks.Job   `json:"job"`
	Network networkSpec `json:"network"`
}

// networkSpec says how ranks reach each other.
type networkSpec struct {
	Ports     string `json:"ports"`
	Interface string `json:"interface"`
	NoEncrypt bool   `json:"no_encrypt"`
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

// config returns the configuration of this member's world.
func (n networkSpec) config(self *launcher.Rank) (comm.Config, error) {
	ports, err := n.ports()
	transport := comm.TCP{Ports: ports, Interface: n.Interface}
	// The address by which ssh reached this host is likely to be one by which others do, too.
	if words := strings.Fields(os.Getenv("SSH_CONNECTION")); len(words) == 4 {
		transport.Preferred = []string{words[2]}
	}
	return comm.Config{
		Rank: self.Rank, Size: self.Size, Member: self.Member, Epoch: self.Epoch, Host: self.Host, Hosts: self.Hosts,
		Key: self.Key, Bootstrap: self, Transport: transport, CallTimeout: callTime, NoEncrypt: n.NoEncrypt,
	}, err
}

// attach tells a process who it is, what it is to do and how it meets the others.
func attach(ctx context.Context) (*launcher.Rank, rankSpec, comm.Config, error) {
	var spec rankSpec
	self, err := launcher.Attach(ctx)
	if err == nil {
		err = json.Unmarshal(self.Spec, &spec)
	}
	if err != nil {
		return nil, spec, comm.Config{}, err
	}
	config, err := spec.Network.config(self)
	return self, spec, config, err
}

// rankMain is a rank process: it joins the world, does its part and tells the launcher how that went.
func rankMain(ctx context.Context, began time.Time) error {
	self, spec, config, err := attach(ctx)
	if err != nil {
		return err
	}
	ctx = self.Context()
	job := spec.Job
	job.Head, job.Ranks = self.Head, self.Ranks
	if self.Files == 0 {
		job = job.Elsewhere()
	}
	joining, cancel := context.WithTimeout(ctx, joinTime+time.Duration(self.Size)*50*time.Millisecond)
	defer cancel()
	world, err := comm.Join(joining, config)
	if err != nil {
		return self.Fail(exitStart, err.Error(), nil, isConsequence(err))
	}
	if err := self.Joined(world.Suspend); err != nil {
		return err
	}
	report, err := ranks.Run(ctx, world, self.Key, job, began)
	result, _ := json.Marshal(report)
	if err != nil {
		world.Close()
		return self.Fail(exitStatus(err), cause(err).Error(), result, isConsequence(err))
	}
	if err := world.Close(); err != nil {
		return self.Fail(exitFailed, err.Error(), result, isConsequence(err))
	}
	return self.Done(result)
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
