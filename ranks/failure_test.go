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

// fails runs a job on three ranks and returns what each returned.
func fails(t *testing.T, job ranks.Job) []error {
	t.Helper()
	job.MaxPixels = 1 << 30
	return commtest.Each(3, commtest.Options{Memory: true}, func(ctx context.Context, w *comm.World) error {
		_, err := ranks.Run(ctx, w, []byte("a key for all ranks of the test."), job, time.Now())
		w.Close()
		return err
	})
}

// checkBlame: rank 0's error is of the kind that makes the exit status, the others' are mere consequences.
func checkBlame(t *testing.T, errs []error, is func(error) bool) {
	t.Helper()
	for rank, err := range errs {
		var lost *comm.RankError
		switch {
		case rank == 0 && !is(err):
			t.Errorf("rank 0: %v", err)
		case rank > 0 && !errors.As(err, &lost):
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
		errs := fails(t, ranks.Job{
			Input: ranks.File{Name: "in.png", Path: in}, Output: ranks.File{Name: "out.ppm", Path: out}, Format: "ppm", Ops: ops,
		})
		checkBlame(t, errs, func(err error) bool {
			var input *raster.InputError
			return errors.As(err, &input)
		})
	}
}

func TestFullDeviceEndsAllRanks(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"ppm", "png", "jpeg", "tiff"} {
		for _, ops := range [][]string{{"invert"}, {"blur:size=3", "edges"}} {
			// Each run closes its descriptor.
			fd, err := unix.Dup(int(full.Fd()))
			if err != nil {
				t.Fatal(err)
			}
			in := "../testdata/golden/inputs/chelsea-223x149.png"
			errs := fails(t, ranks.Job{
				Input: ranks.File{Name: in, Path: in}, Output: ranks.File{Name: "full", FD: fd}, Format: format, Quality: 90, Ops: ops,
			})
			var output *ranks.OutputError
			if !errors.As(errs[0], &output) {
				t.Errorf("%s: rank 0: %v", format, errs[0])
			}
		}
	}
	if err := full.Close(); err != nil {
		t.Fatal(err)
	}
}
