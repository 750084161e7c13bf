package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"halorun/comm"
	"halorun/launcher"
	"halorun/ranks"
	"halorun/ranks/folder"
)

// program is what a rank does: its part of one picture, or of many.
type program struct {
	spec rankSpec
	one  *ranks.Rank
	many *folder.Member
}

func newProgram(began time.Time, spec rankSpec, probe ranks.Probe) *program {
	p := &program{spec: spec}
	if spec.Folder == nil {
		limitMemory(spec.Job.Memory)
		p.one = ranks.New(began, probe)
		return p
	}
	// Pictures come and go; what has gone is to be collected before the process grows beyond its share.
	limitMemory(spec.Folder.Memory + ranks.ProgramBytes)
	// Little of it lives long, and below that limit there is room.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	p.many = folder.New(began, probe)
	return p
}

// result is what is told to the launcher.
func (p *program) result() any {
	if p.many != nil {
		return p.many.Result()
	}
	return p.one.Result()
}

// Close closes the files.
func (p *program) Close() {
	if p.many != nil {
		p.many.Close()
	} else {
		p.one.Close()
	}
}

// run does the program's part in an epoch.
func (p *program) run(ctx context.Context, self *launcher.Rank, epoch *launcher.Membership, world *comm.World, config comm.Config) error {
	if p.many == nil {
		job := p.spec.Job
		job.Head, job.Ranks, job.Shrink = epoch.Head, epoch.Ranks, epoch.Shrink
		if self.Files == 0 {
			job = job.Elsewhere()
		}
		return p.one.Run(ctx, world, epoch.Key, job)
	}
	job := *p.spec.Folder
	job.Head, job.Ranks, job.Shrink = epoch.Head, epoch.Ranks, epoch.Shrink
	if self.Files == 0 {
		job = job.Elsewhere()
	}
	return p.many.Run(ctx, world, epoch.Key, job, func(ctx context.Context) (*comm.World, error) {
		w, err := comm.Join(ctx, config)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { w.Lose(world.Rank(), context.Cause(ctx)) })
		return w, nil
	})
}
