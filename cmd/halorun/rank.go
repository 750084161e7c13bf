package main

import (
	"context"
	"encoding/json"
	"errors"
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
		Action: func(c *cli.Context) error { return launcher.Agent(c.Context) },
	}
}

// rankMain is a rank process: it joins the world, does its part and tells the launcher how that went.
func rankMain(ctx context.Context, began time.Time) error {
	self, err := launcher.Attach(ctx)
	if err != nil {
		return err
	}
	ctx = self.Context()
	var job ranks.Job
	if err := json.Unmarshal(self.Spec, &job); err != nil {
		return err
	}
	joining, cancel := context.WithTimeout(ctx, joinTime+time.Duration(self.Size)*50*time.Millisecond)
	defer cancel()
	world, err := comm.Join(joining, comm.Config{
		Rank: self.Rank, Size: self.Size, Member: self.Member, Epoch: self.Epoch, Host: self.Host, Hosts: self.Hosts,
		Key: self.Key, Bootstrap: self, CallTimeout: callTime,
	})
	if err != nil {
		return self.Fail(exitStart, err.Error(), nil, isConsequence(err))
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
