package ranks

import (
	"fmt"

	"halorun/kernels"
	"halorun/ranks/raster"
	"halorun/ranks/raster/scratch"
)

// What a process's memory goes to, as Job.Memory bounds it:
//
//	program │ messages │ by lane: windows of rows, rows that come │ tiles │ decoder, rows decoded ahead │ decisions
//
// A decoder gets a quarter of it all, or what it needs at least, and an eighth is for rows ahead; of what is left beside the first ones, tiles
// get half at most, and decisions the rest.
const (
	// ProgramBytes is about what the program itself takes.
	ProgramBytes = 32 << 20
	// messageBytes is what small messages of one peer may take.
	messageBytes = 1 << 20
	// tilesOfLane is how many tiles a lane has in hand: one that is computed, one that is handed over, and one that is on its way.
	tilesOfLane = 3
	// metadataCopies is how many copies of a picture's metadata a process has when it tells others of it.
	metadataCopies = 6
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
		_, available := HostMemory()
		return available / 2, aheadBytes
	}
	return max(j.Memory/4, j.Decoder), min(j.Memory/8, aheadBytes)
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
	n := j.Memory - metadataCopies*p.Input.Meta.Bytes()
	decoder, ahead := j.decoding()
	if p.Least > 0 {
		n -= decoder
	}
	if !p.Direct {
		n -= ahead
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
	n := (most+decisions)*10/9 + metadataCopies*p.Input.Meta.Bytes()
	ahead := int64(0) // eighths
	if !p.Direct {
		ahead = 1
	}
	switch byShare := n * 8 / (6 - ahead); {
	case p.Least == 0:
		n = n * 8 / (8 - ahead)
	case byShare/4 < p.Least:
		n = (n + p.Least) * 8 / (8 - ahead)
	default:
		n = byShare
	}
	return n + 1<<10 // what rounding takes away
}

// FitMemory shares Job.Memory out for a world of the given size, or returns an error if it is too little.
func (j *Job) FitMemory(p *Picture, size int) error {
	j.Decoder = p.Least
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
	_, available := HostMemory()
	return available / 2 / here
}

// readOptions returns how INPUT is read.
func (j Job) readOptions() raster.Options {
	o := j.Read
	o.Memory, _ = j.decoding()
	o.Scratch = j.scratch
	return o
}
