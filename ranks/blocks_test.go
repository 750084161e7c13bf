package ranks_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"halorun/ranks"
	"halorun/ranks/raster"
)

// layout is where the members of a world are and what they can open.
type layout struct {
	setup
	block int64    // of the file system; 0 for the real size
	hosts []string // by member
	lacks []bool   // by member: finds none of the files
}

// write is what one member wrote.
type write struct {
	member int
	raster.Extent
}

// runLayout does the job and returns OUTPUT's bytes, all that was written of its rows, and the plan.
func runLayout(t testing.TB, job ranks.Job, l layout) (out []byte, writes []write, plan ranks.Plan) {
	t.Helper()
	var mu sync.Mutex
	out = runWorld(t, job, l.setup, func(m int) member {
		self := member{host: l.hosts[m], job: func(job ranks.Job) ranks.Job { return job }}
		if m != l.head && l.lacks[m] {
			self.job = func(job ranks.Job) ranks.Job {
				job.Input.Path, job.Output.Path = "/nowhere", "/nowhere"
				return job
			}
		}
		self.probe.Block = l.block
		self.probe.Wrote = func(e raster.Extent) {
			mu.Lock()
			defer mu.Unlock()
			writes = append(writes, write{m, e})
		}
		self.probe.Plan = func(p ranks.Plan) {
			if m == l.head {
				plan = p
			}
		}
		return self
	})
	return out, writes, plan
}

// checkWrites: each byte is written once, and on several hosts each block by one member.
func checkWrites(job ranks.Job, l layout, size int, writes []write, plan ranks.Plan) error {
	f, err := os.Open(job.Input.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	job.Read.MaxPixels, job.Quality = 1<<30, 90
	p, err := job.Inspect(f)
	if err != nil {
		return err
	}
	header, _ := p.Output.Layout()
	several := false
	for m, writes := range plan.Writers {
		several = several || writes && l.hosts[m] != l.hosts[l.head]
	}
	if !several && len(plan.Shared) > 0 {
		return fmt.Errorf("%v is shared, on one host", plan.Shared)
	}
	slices.SortFunc(writes, func(a, b write) int { return cmp.Compare(a.From, b.From) })
	end := header
	for _, w := range writes {
		if w.From != end {
			return fmt.Errorf("up to byte %d all is written, then member %d writes bytes %d to %d", end, w.member, w.From, w.To)
		}
		end = w.To
	}
	if end != int64(size) {
		return fmt.Errorf("%d of %d bytes are written", end, size)
	}
	block := l.block
	if block == 0 {
		block = 1 << 20
	}
	writer := make(map[int64]int) // of a block
	for _, w := range append(writes, write{l.head, raster.Extent{To: min(header+raster.MarkBytes, int64(size))}}) {
		for b := w.From / block; b*block < w.To; b++ {
			if other, ok := writer[b]; ok && other != w.member && several {
				return fmt.Errorf("members %d and %d both write to block %d", w.member, other, b)
			}
			writer[b] = w.member
		}
	}
	return nil
}

// TestOneWriterABlock is the law of file systems that are on several hosts: no two members write to one block.
func TestOneWriterABlock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		in := filepath.Join(dir, "in.ppm")
		picture(t, in, rapid.IntRange(1, 70).Draw(rt, "width"), rapid.IntRange(1, 60).Draw(rt, "height"),
			rapid.SampledFrom([]int{1, 3}).Draw(rt, "channels"), rapid.Uint64().Draw(rt, "seed"))
		job := ranks.Job{
			Input: ranks.File{Name: in, Path: in}, Format: rapid.SampledFrom([]string{"ppm", "tiff", "pnm"}).Draw(rt, "format"),
			Ops: rapid.SampledFrom([][]string{{"invert"}, {"blur:size=3", "gray"}, {"edges:low=20,high=60"}}).Draw(rt, "ops"),
		}
		size := rapid.IntRange(1, 6).Draw(rt, "size")
		l := layout{
			setup: setup{
				size: size, head: rapid.IntRange(0, size).Draw(rt, "head"),
				threads: rapid.IntRange(1, 3).Draw(rt, "threads"), tileRows: rapid.SampledFrom([]int{0, 1, 2, 7}).Draw(rt, "tileRows"),
			},
			block: rapid.SampledFrom([]int64{1, 10, 64, 256, 1000, 4096, 0}).Draw(rt, "block"),
		}
		for range l.members() {
			l.hosts = append(l.hosts, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "host"))
			l.lacks = append(l.lacks, rapid.IntRange(0, 3).Draw(rt, "lacks") == 0)
		}
		want := run(t, job, setup{size: 1})
		got, writes, plan := runLayout(t, job, l)
		if !bytes.Equal(got, want) {
			rt.Fatalf("%+v: the file differs from that of one rank", l)
		}
		if err := checkWrites(job, l, len(want), writes, plan); err != nil {
			rt.Fatalf("%+v: %v", l, err)
		}
	})
}

// Blocks of the real size, which most ranks' parts are larger than.
func TestOneWriterARealBlock(t *testing.T) {
	t.Parallel()
	in := filepath.Join(t.TempDir(), "in.ppm")
	picture(t, in, 1501, 1107, 3, 1)
	for _, format := range []string{"ppm", "tiff"} {
		job := ranks.Job{Input: ranks.File{Name: in, Path: in}, Ops: []string{"invert"}, Format: format}
		want := run(t, job, setup{size: 1})
		for _, l := range []layout{
			{setup: setup{size: 3, tileRows: 100}, hosts: []string{"a", "b", "a"}, lacks: make([]bool, 3)},
			{setup: setup{size: 3, threads: 2, head: 3}, hosts: []string{"b", "b", "c", "a"}, lacks: []bool{false, true, false, false}},
			{setup: setup{size: 3, head: 1}, hosts: []string{"a", "a", "b"}, lacks: []bool{false, false, true}},
		} {
			got, writes, plan := runLayout(t, job, l)
			if !bytes.Equal(got, want) {
				t.Errorf("%s, %+v: the file differs from that of one rank", format, l)
			}
			if err := checkWrites(job, l, len(want), writes, plan); err != nil {
				t.Errorf("%s, %+v: %v", format, l, err)
			}
			// Ranks that can write do.
			var theirs int64
			for _, w := range writes {
				if w.member != l.head {
					theirs += w.To - w.From
				}
			}
			if l.hosts[0] != l.hosts[l.head] && theirs < int64(len(want))/8 {
				t.Errorf("%s, %+v: the ranks write %d of %d bytes", format, l, theirs, len(want))
			}
		}
	}
}
