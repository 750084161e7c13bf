package ranks

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"halorun/kernels"
	"halorun/ranks/raster"
	"halorun/ranks/raster/scratch"
)

// What a process's memory goes to, as Job.Memory bounds it:
//
//	program │ messages │ by lane: windows of rows, rows that come │ tiles │ decoder, rows decoded ahead │ decisions
//
// A picture that is decoded gets a quarter of it all, and an eighth for rows ahead; of what is left beside the first ones, tiles get half at
// most, and decisions the rest.
const (
	// ProgramBytes is about what the program itself takes.
	ProgramBytes = 32 << 20
	// messageBytes is what small messages of one peer may take.
	messageBytes = 1 << 20
	// tilesOfLane is how many tiles a lane has in hand: one that is computed, one that is handed over, and one that is on its way.
	tilesOfLane = 3
	// aheadBytes is how much of INPUT may be decoded ahead where there is memory.
	aheadBytes = 64 << 20
	// leastDecision is what a decision over a large picture has in memory at least, so that it is not too busy with its file.
	leastDecision = 4 << 20
	// leastAhead is how much that is even if lanes have no use for it.
	leastAhead = 8 << 20
)

// decoding returns the share of memory for a decoder, and for the rows that it is ahead.
func (j Job) decoding() (decoder, ahead int64) {
	if j.Memory == 0 {
		return hostMemory() / 2, aheadBytes
	}
	return j.Memory / 4, min(j.Memory/8, aheadBytes)
}

// working returns what computing a stage takes with tiles of the given number of rows, in a world of the given size.
func (j Job) working(s kernels.Stage, encodes bool, size, tileRows int) int64 {
	lane := s.Memory() + 3*max(chunkBytes, int64(s.In.RowBytes())) // as supply.fetch and those who lend have them
	return ProgramBytes + int64(size)*messageBytes + int64(j.lanes())*lane + int64(tileRows)*j.tileRowBytes(s, encodes, size)
}

// tileRowBytes returns how much a process takes for each row of a tile.
func (j Job) tileRowBytes(s kernels.Stage, encodes bool, size int) int64 {
	tiles := int64(j.lanes() * tilesOfLane)
	if encodes {
		tiles += int64(2 * j.lanes()) // that are becoming segments
	}
	return (tiles + int64(size)) * int64(s.Out.RowBytes()) // the head holds one from each of the others
}

// available returns what of Job.Memory is neither a decoder's nor in the hands of the garbage collector.
func (j Job) available(p *Picture) int64 {
	n := j.Memory
	if !p.direct {
		decoder, ahead := j.decoding()
		n -= decoder + ahead
	}
	return n * 9 / 10
}

// MinMemory returns the least Job.Memory with which a world of the given size can do the job.
func (j Job) MinMemory(p *Picture, size int) int64 {
	encoder := p.Output.Encoder()
	var most, decisions int64
	for i, s := range p.stages {
		rows := max(1, j.TileRows)
		encodes := encoder != nil && i == len(p.stages)-1
		if encoder != nil && i >= len(p.stages)-2 {
			n := encoder.SegmentRows()
			rows = max(1, rows/n) * n
		}
		most = max(most, j.working(s, encodes, size, min(rows, s.Out.Height)))
		if s.Global() != nil {
			decisions += min(s.Global().DecisionBytes(s.Out), leastDecision)
		}
	}
	most = (most + decisions) * 10 / 9
	if !p.direct {
		most = most * 8 / 5
	}
	return most + 1<<10 // what rounding takes away
}

// CheckMemory returns an error if Job.Memory is too little for a world of the given size.
func (j Job) CheckMemory(p *Picture, size int) error {
	least := j.MinMemory(p, size)
	if j.Memory == 0 || j.Memory >= least {
		return nil
	}
	mib := (least + 1<<20 - 1) >> 20
	return fmt.Errorf("--memory: a process of this job needs %d MiB at least, not %d (%d threads, rows of %d bytes); give --memory %dMiB or fewer threads a rank",
		mib, j.Memory>>20, j.lanes(), p.stages[0].In.RowBytes(), mib)
}

// mostTileRows returns the greatest height of a stage's tiles that memory allows.
func (j Job) mostTileRows(p *Picture, s kernels.Stage, encodes bool, size int) int {
	if j.Memory == 0 {
		return s.Out.Height
	}
	// The other half is for decisions.
	spare := (j.available(p) - j.working(s, encodes, size, 0)) / 2
	return int(max(1, spare/j.tileRowBytes(s, encodes, size)))
}

// room returns what a stage's decision may take, beside a number of bytes that the one before it still has.
func (r *Rank) room(stage int, before int64) kernels.Room {
	bytes, stages := r.memory(), int64(0)
	for i, s := range r.picture.stages {
		if r.job.Memory > 0 {
			encodes := r.encoder != nil && i == len(r.picture.stages)-1
			left := r.job.available(r.picture) - r.job.working(s, encodes, r.world.Size(), r.plan.Stages[i].TileRows)
			bytes = min(bytes, left)
		}
		if s.Global() != nil {
			stages++
		}
	}
	share := max(0, bytes/max(1, stages)-before) >> min(r.job.Shrink, 30)
	return kernels.Room{Bytes: share, Scratch: func() (kernels.Scratch, error) { return scratch.New(r.job.scratch) }}
}

// memory returns what this process may take: Job.Memory, or else its part of half of what its host has.
func (r *Rank) memory() int64 {
	if r.job.Memory > 0 {
		return r.job.Memory
	}
	here, host := int64(0), r.world.Host(r.world.Rank())
	for m := range r.world.Size() {
		if r.world.Host(m) == host {
			here++
		}
	}
	return hostMemory() / 2 / here
}

// readOptions returns how INPUT is read.
func (j Job) readOptions() raster.Options {
	o := j.Read
	o.Memory, _ = j.decoding()
	o.Scratch = j.scratch
	return o
}

// hostMemory returns how many bytes processes of this host may still take.
func hostMemory() int64 {
	n := int64(1) << 30
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) == nil {
		n = int64(s.Totalram) * int64(s.Unit)
	}
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "MemAvailable:" {
				if kib, err := strconv.ParseInt(f[1], 10, 64); err == nil {
					n = min(n, kib<<10)
				}
			}
		}
	}
	// Containers have a limit of their own, at the root of what they see of the control groups.
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := os.ReadFile(path); err == nil {
			if limit, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil {
				n = min(n, limit)
			}
		}
	}
	return n
}
