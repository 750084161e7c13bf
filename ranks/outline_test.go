package ranks_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"halorun/ranks"
)

func inspect(t *testing.T, job ranks.Job) *ranks.Picture {
	t.Helper()
	f, err := os.Open(job.Input.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := job.Inspect(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// An outline tells what then happens: the same rows to the same ranks, whoever reads and writes.
func TestOutline(t *testing.T) {
	t.Parallel()
	in := filepath.Join(t.TempDir(), "in.ppm")
	picture(t, in, 45, 70, 3, 3)
	for _, format := range []string{"ppm", "png"} {
		for _, ops := range append(chains, []string{"gray", "gray", "edges", "gray", "invert"}) {
			job := ranks.Job{
				Input: ranks.File{Name: in, Path: in}, Ops: ops, Format: format, MaxPixels: 1 << 30, Quality: 90,
				Ranks: 3, Threads: 2, TileRows: 4,
			}
			p := inspect(t, job)
			o := p.Outline(job)
			var plan ranks.Plan
			runWorld(t, job, setup{size: 3, threads: 2, tileRows: 4, head: 3}, func(m int) member {
				return member{
					host: "host", job: func(job ranks.Job) ranks.Job { return job },
					probe: ranks.Probe{Plan: func(p ranks.Plan) {
						if m == 3 {
							plan = p
						}
					}},
				}
			})
			if o.Lanes != plan.Lanes || len(o.Stages) != len(plan.Stages) {
				t.Fatalf("%s, %s: %+v for %+v", format, ops, o, plan)
			}
			var all []string
			for i, s := range o.Stages {
				all = append(all, s.Ops...)
				rows := 0
				for rank, share := range s.Ranks {
					want := ranks.Share{Lo: 70}
					for _, runs := range plan.Stages[i].Runs[rank*2 : rank*2+2] {
						for _, run := range runs {
							want.Lo, want.Hi = min(want.Lo, run.Lo), max(want.Hi, run.Hi)
							want.Rows += run.Len()
							want.Tiles += (run.Len() + s.TileRows - 1) / s.TileRows
						}
					}
					if want.Rows == 0 {
						want = ranks.Share{}
					}
					if share != want {
						t.Errorf("%s, %s: stage %d, rank %d: %+v, not %+v", format, ops, i, rank, share, want)
					}
					rows += share.Rows
				}
				if rows != 70 || len(s.Ranks) != 3 || format == "ppm" && s.TileRows != 4 {
					t.Errorf("%s, %s: stage %d: %+v", format, ops, i, s)
				}
			}
			if !slices.Equal(all, p.Ops) {
				t.Errorf("%s, %s: the stages' operations are %s", format, ops, all)
			}
		}
	}
}

func TestOutlineStages(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in.pgm")
	picture(t, in, 4, 7, 1, 3)
	job := ranks.Job{Input: ranks.File{Name: in, Path: in}, Format: "pgm", MaxPixels: 100, Ranks: 9}
	for _, c := range []struct {
		ops  []string
		want [][]string
	}{
		{[]string{"invert", "gray"}, [][]string{{"invert", "gray"}}},
		{[]string{"invert", "edges:low=1,high=2"}, [][]string{{"invert", "edges:low=1,high=2,l2=false"}, {}}},
		{[]string{"edges:low=1,high=2", "invert", "edges:low=3,high=4", "invert"}, [][]string{
			{"edges:low=1,high=2,l2=false"}, {"invert", "edges:low=3,high=4,l2=false"}, {"invert"},
		}},
	} {
		job.Ops = c.ops
		o := inspect(t, job).Outline(job)
		var got [][]string
		for _, s := range o.Stages {
			got = append(got, s.Ops)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q", c.ops, got)
		}
	}
	job.Ops = []string{"gray"}
	o := inspect(t, job).Outline(job)
	o.Stages[0].Ranks = o.Stages[0].Ranks[:2]
	b, err := json.Marshal(o)
	const want = `{"lanes":1,"stages":[{"ops":["gray"],"tile_rows":1,"ranks":[{"lo":0,"hi":0,"rows":0,"tiles":0},{"lo":0,"hi":1,"rows":1,"tiles":1}]}]}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
	job.Ranks, job.Output.FD = 2, 5
	if s := inspect(t, job).Outline(job).Stages[0]; s.Ranks[1].Hi != 7 || s.TileRows != 4 {
		t.Errorf("to a stream: %+v", s)
	}
}
