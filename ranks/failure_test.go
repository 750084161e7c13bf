package ranks_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halorun/comm"
	"halorun/comm/commtest"
	"halorun/ranks"
	"halorun/ranks/raster"
)

// heads are ways to give a world of three members a head: as by default, another rank, and no rank.
var heads = []ranks.Job{{}, {Ranks: 3, Head: 1}, {Ranks: 2, Head: 2}}

// fails runs a job in a world of three and returns what each member returned.
func fails(t *testing.T, job ranks.Job) []error {
	t.Helper()
	job.Read.MaxPixels = 1 << 30
	return commtest.Each(3, commtest.Options{Memory: true}, func(ctx context.Context, w *comm.World) error {
		_, err := ranks.Run(ctx, w, []byte("a key for all ranks of the test."), job, time.Now())
		w.Close()
		return err
	})
}

// checkBlame: the head's error is of the kind that makes the exit status, the others' are mere consequences.
func checkBlame(t *testing.T, errs []error, head int, is func(error) bool) {
	t.Helper()
	for rank, err := range errs {
		var lost *comm.RankError
		switch {
		case rank == head && !is(err):
			t.Errorf("rank %d, the head: %v", rank, err)
		case rank != head && !errors.As(err, &lost):
			t.Errorf("rank %d: %v, want a *comm.RankError", rank, err)
		}
	}
}

func TestDamagedInputEndsAllRanks(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile("../testdata/golden/inputs/chelsea-223x149.png")
	if err != nil {
		t.Fatal(err)
	}
	in, out := filepath.Join(dir, "in.png"), filepath.Join(dir, "out.ppm")
	for _, f := range []struct {
		path    string
		content []byte
	}{{in, whole[:len(whole)/2]}, {out, nil}} {
		if err := os.WriteFile(f.path, f.content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, ops := range [][]string{{"invert"}, {"edges"}, {"edges", "blur"}} {
		for _, job := range heads {
			job.Input, job.Output = ranks.File{Name: "in.png", Path: in}, ranks.File{Name: "out.ppm", Path: out}
			job.Format, job.Ops = "ppm", ops
			checkBlame(t, fails(t, job), job.Head, func(err error) bool {
				var input *raster.InputError
				return errors.As(err, &input)
			})
		}
	}
}

func TestFullDeviceEndsAllRanks(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"ppm", "png", "jpeg", "tiff"} {
		for i, ops := range [][]string{{"invert"}, {"blur:size=3", "edges"}} {
			// Each run closes its descriptor.
			fd, err := unix.Dup(int(full.Fd()))
			if err != nil {
				t.Fatal(err)
			}
			in := "../testdata/golden/inputs/chelsea-223x149.png"
			job := heads[i+len(format)%2]
			job.Input, job.Output = ranks.File{Name: in, Path: in}, ranks.File{Name: "full", FD: fd}
			job.Format, job.Quality, job.Ops = format, 90, ops
			var output *ranks.OutputError
			if err := fails(t, job)[job.Head]; !errors.As(err, &output) {
				t.Errorf("%s: rank %d: %v", format, job.Head, err)
			}
		}
	}
	if err := full.Close(); err != nil {
		t.Fatal(err)
	}
}
