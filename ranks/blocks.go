package ranks

import (
	"halorun/kernels"
	"halorun/ranks/raster"
)

// blockBytes is what network file systems cache and write at most in one piece. Two hosts that write to one piece may undo
// each other's bytes.
const blockBytes = 1 << 20

// shared returns the blocks of OUTPUT that hold bytes of more than one member, so that the head alone writes them; none if
// all who write are on one host. mark is the row at which the head has marked the file, if it has, and host names the host of a member.
//
//	block    0               1               2               3
//	part of │ head ╎ rank 0      ╎ rank 1                  ╎ rank 2 │
//	writes  │ head          │ head          │ rank 1        │ head   │
func (p Plan) shared(out raster.Output, head, mark int, host func(int) string, block int64) raster.Extents {
	abroad := false
	for m, writes := range p.Writers {
		abroad = abroad || writes && host(m) != host(head)
	}
	if !abroad {
		return nil
	}
	header, rowBytes := out.Layout()
	var s raster.Extents
	add := func(from, to int64) {
		from, to = from/block*block, (to+block-1)/block*block
		if n := len(s); n > 0 && from <= s[n-1].To {
			s[n-1].To = max(s[n-1].To, to)
			return
		}
		s = append(s, raster.Extent{From: from, To: to})
	}
	border := func(row int) {
		if at := header + int64(row)*rowBytes; at%block != 0 {
			add(at, at+1)
		}
	}
	add(0, header) // the head has written there
	marked := raster.Extent{From: header + int64(mark)*rowBytes, To: header + int64(mark)*rowBytes + raster.MarkBytes}
	if mark == 0 {
		add(marked.From, marked.To)
	}
	above, next := head, 0
	for _, run := range p.Stages[len(p.Stages)-1].rising(p.Lanes) {
		part := run.rank
		if run.stock || !p.Writers[part] {
			part = head
		}
		if run.tile.Lo > next && next > 0 {
			border(next) // what is there already may not have come to all hosts yet
			above = -1
		}
		if part != above {
			border(run.tile.Lo)
		}
		if mark > 0 && run.tile.Lo <= mark && mark < run.tile.Hi {
			add(marked.From, marked.To)
		}
		above, next = part, run.tile.Hi
	}
	if 0 < next && next < out.Height {
		border(next) // so it is with what is there below
	}
	return s
}

// touched returns the rows of OUTPUT that have bytes in the extents: runs that rise and do not overlap.
func touched(s raster.Extents, out raster.Output) []kernels.Rows {
	header, rowBytes := out.Layout()
	var runs []kernels.Rows
	for _, e := range s {
		if e.To <= header {
			continue
		}
		rows := kernels.Rows{
			Lo: int(max(0, e.From-header) / rowBytes),
			Hi: int((e.To - header + rowBytes - 1) / rowBytes),
		}.Clamp(out.Height)
		if n := len(runs); n > 0 && rows.Lo <= runs[n-1].Hi {
			runs[n-1].Hi = max(runs[n-1].Hi, rows.Hi)
		} else if rows.Len() > 0 {
			runs = append(runs, rows)
		}
	}
	return runs
}

// keepToBlocks makes this member write the bytes of OUTPUT that the plan leaves to it.
func (r *Rank) keepToBlocks() {
	shared := r.plan.Shared
	if r.sink == nil || !r.writes || !r.sink.Direct() {
		return
	}
	all := r.sink.all
	r.sink.Writer = all
	if len(shared) == 0 && r.probe.Wrote == nil {
		return
	}
	if r.isHead() {
		r.sink.Writer = raster.Clipped(all, r.probe.watch(func(x raster.Extent) raster.Extents { return raster.Extents{x} }))
		r.sink.shared = raster.Clipped(all, r.probe.watch(shared.Inside))
	} else {
		r.sink.Writer = raster.Clipped(all, r.probe.watch(shared.Outside))
	}
}
