package ranks_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"halorun/comm"
	"halorun/comm/commtest"
	"halorun/ranks"
)

// picture writes a PPM or PGM of random blobs and noise: smooth parts, sharp edges, and edges that wind.
func picture(t testing.TB, path string, width, height, channels int, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	pix := make([]byte, width*height*channels)
	for i := range pix {
		x, y := i/channels%width, i/channels/width
		v := (x*x/7 + y*y/5 + (x^y)*3) % 256
		if (x/9+y/13)%3 == 0 {
			v = 40 * (i % channels)
		}
		pix[i] = byte(min(255, v/2+rng.IntN(40)))
	}
	header := fmt.Sprintf("P%d\n%d %d\n255\n", map[int]int{1: 5, 3: 6}[channels], width, height)
	if err := os.WriteFile(path, append([]byte(header), pix...), 0o666); err != nil {
		t.Fatal(err)
	}
}

// setup is one way to run a job, which must not matter.
type setup struct {
	size, threads, tileRows int
	head                    int  // size: the head is no rank
	private                 bool // only the head can open the files
	hosts                   int  // that the members are dealt out to; 0: as many as members
	tight                   bool // what can go to the disk does
}

// member is how one member of a world differs from the others.
type member struct {
	host  string
	job   func(ranks.Job) ranks.Job // as this member gets it
	probe ranks.Probe
}

// run does the job on ranks that are goroutines and returns OUTPUT's bytes.
func run(t testing.TB, job ranks.Job, s setup) []byte {
	t.Helper()
	return runWorld(t, job, s, func(m int) member {
		host := m
		if s.hosts > 0 {
			host %= s.hosts
		}
		return member{host: fmt.Sprint(host), job: func(job ranks.Job) ranks.Job {
			if s.private && m != s.head {
				job.Input.Path, job.Output.Path = "/nowhere", "/nowhere"
			}
			return job
		}}
	})
}

// members returns how many members the setup's world has.
func (s setup) members() int { return max(s.size, s.head+1) }

func runWorld(t testing.TB, job ranks.Job, s setup, of func(m int) member) []byte {
	t.Helper()
	job.TileRows, job.Threads, job.Read.MaxPixels, job.Quality = s.tileRows, s.threads, 1<<30, 90
	if s.tight {
		job.Memory = 1
	}
	out := filepath.Join(t.TempDir(), "out."+job.Format)
	job.Output = ranks.File{Name: out, Path: out}
	if err := os.WriteFile(out, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	job.Ranks, job.Head = s.size, s.head
	key := []byte("a key for all ranks of the test.")
	var all []member
	var hosts []string
	for m := range s.members() {
		all = append(all, of(m))
		hosts = append(hosts, all[m].host)
	}
	options := commtest.Options{Memory: true, Config: func(c *comm.Config) { c.Host, c.Hosts = hosts[c.Rank], hosts }}
	commtest.Run(t, len(all), options, func(ctx context.Context, w *comm.World) error {
		self := all[w.Rank()]
		_, err := ranks.RunProbed(ctx, w, key, self.job(job), time.Now(), self.probe)
		return err
	})
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var chains = [][]string{
	{"edges"},
	{"blur:size=5", "edges"},
	{"blur:size=101"},
	{"invert"},
	{"edges:low=20,high=60", "blur:size=9", "heatmap"}, // a halo between stages
	{"sharpen", "sketch", "heatmap"},
	{"edges", "edges:low=1,high=2"}, // two decisions
	{"gray"},
	{"red", "hsv"},
	{"brightness-contrast", "blur:size=7,sigma=1.5", "gray"},
}

// TestSameBytes is the law that Halorun stands on: the bytes of OUTPUT depend on the picture and the chain alone.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	pictures := []struct{ width, height, channels int }{{67, 90, 3}, {64, 5, 3}, {1, 130, 1}, {131, 1, 3}, {40, 71, 1}}
	sizes := []int{1, 2, 3, 4, 5, 7, 8}
	tiles := []int{1, 2, 7, 64, 0}
	long := os.Getenv("HALORUN_TEST_LONG") != ""
	for i, p := range pictures {
		in := filepath.Join(t.TempDir(), "in.ppm")
		picture(t, in, p.width, p.height, p.channels, uint64(i))
		for _, format := range []string{"png", "jpeg", "tiff", "ppm"} {
			for j, ops := range chains {
				t.Run(fmt.Sprintf("%dx%dx%d/%s/%s", p.width, p.height, p.channels, format, ops), func(t *testing.T) {
					t.Parallel()
					job := ranks.Job{Input: ranks.File{Name: in, Path: in}, Ops: ops, Format: format}
					want := run(t, job, setup{size: 1})
					// Every size and every tile height, in turn, so that all pairs come up over the chains; every pair in a long run.
					for k, n := range sizes {
						for l, tileRows := range tiles {
							if !long && l != (k+j+i)%len(tiles) {
								continue
							}
							s := setup{
								size: n, tileRows: tileRows, threads: 1 + (k+j+l)%3, head: (i + 3*j + k) % (n + 1),
								private: (k+j+l)%2 == 0, tight: (k+i)%3 == 0, hosts: 1 + (i+j+k)%5/4, // on two a file is synced, which takes its time
							}
							if got := run(t, job, s); !bytes.Equal(got, want) {
								t.Errorf("%+v: the file differs from that of one rank", s)
							}
						}
					}
				})
			}
		}
	}
}

// TestAnyHead is the same law over where INPUT and OUTPUT are: with any of the ranks, or with none.
func TestAnyHead(t *testing.T) {
	t.Parallel()
	in := filepath.Join(t.TempDir(), "in.ppm")
	picture(t, in, 33, 41, 3, 5)
	for _, format := range []string{"png", "jpeg", "tiff", "ppm"} {
		for _, ops := range [][]string{{"blur:size=5"}, {"edges:low=20,high=60", "blur:size=3"}} {
			t.Run(fmt.Sprintf("%s/%s", format, ops), func(t *testing.T) {
				t.Parallel()
				job := ranks.Job{Input: ranks.File{Name: in, Path: in}, Ops: ops, Format: format}
				want := run(t, job, setup{size: 1})
				for n := 1; n <= 5; n++ {
					for head := range n + 1 {
						s := setup{size: n, head: head, threads: 1 + (n+head)%2, tileRows: head % 4 * 3, private: head%2 == 0}
						if got := run(t, job, s); !bytes.Equal(got, want) {
							t.Errorf("%+v: the file differs from that of one rank", s)
						}
					}
				}
			})
		}
	}
}

// A job that does not fit its world is a mistake of whoever started it, and says so.
func TestJobOfAnotherWorld(t *testing.T) {
	for _, job := range []ranks.Job{{Ranks: 1}, {Ranks: 4}, {Ranks: 3, Head: 3}, {Ranks: 3, Head: -1}, {Ranks: 2, Head: 1}, {Head: 1}, {Ranks: -1}} {
		for rank, err := range fails(t, job) {
			if err == nil || !strings.Contains(err.Error(), "world of 3 members") {
				t.Errorf("%d ranks, head %d: rank %d: %v", job.Ranks, job.Head, rank, err)
			}
		}
	}
}

// TestInputsGiveTheSameBytes reads the same pixels directly, and from a file that one rank has to decode.
func TestInputsGiveTheSameBytes(t *testing.T) {
	dir := t.TempDir()
	ppm := filepath.Join(dir, "in.ppm")
	picture(t, ppm, 67, 90, 3, 9)
	plain := ranks.Job{Input: ranks.File{Name: ppm, Path: ppm}, Ops: []string{"blur:size=1"}}
	ops := []string{"blur:size=9", "edges", "blur:size=5"}
	want := run(t, ranks.Job{Input: plain.Input, Ops: ops, Format: "ppm"}, setup{size: 1})
	for _, format := range []string{"png", "tiff"} {
		plain.Format = format
		in := filepath.Join(dir, "in."+format)
		if err := os.WriteFile(in, run(t, plain, setup{size: 1}), 0o666); err != nil {
			t.Fatal(err)
		}
		job := ranks.Job{Input: ranks.File{Name: in, Path: in}, Ops: ops, Format: "ppm"}
		for _, s := range []setup{{size: 1}, {size: 3, tight: true}, {size: 4, tileRows: 1, private: true}, {size: 2, threads: 3, tileRows: 7}} {
			if !bytes.Equal(run(t, job, s), want) {
				t.Errorf("%s, %+v: the file differs", format, s)
			}
		}
	}
}

// TestScratchIsClosed: what went to scratch files is gone with the ranks.
func TestScratchIsClosed(t *testing.T) {
	dir := t.TempDir()
	in, scratch := filepath.Join(dir, "in.ppm"), filepath.Join(dir, "scratch")
	picture(t, in, 300, 200, 3, 7)
	png := run(t, ranks.Job{Input: ranks.File{Name: in, Path: in}, Ops: []string{"invert"}, Format: "png"}, setup{size: 1})
	if err := errors.Join(os.WriteFile(in, png, 0o666), os.Mkdir(scratch, 0o777)); err != nil {
		t.Fatal(err)
	}
	made := func() (open int) {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(to, scratch) { // else it is closed by now
				open++
			}
		}
		return open
	}
	job := ranks.Job{Input: ranks.File{Name: in, Path: in}, Ops: []string{"edges", "equalize", "blur:size=5"}, Format: "ppm", Scratch: scratch}
	var saw atomic.Bool
	s := setup{size: 3, tight: true}
	runWorld(t, job, s, func(m int) member {
		return member{host: fmt.Sprint(m), job: func(job ranks.Job) ranks.Job { return job }, probe: ranks.Probe{At: func(string, int) {
			if m == 0 && !saw.Load() && made() > 0 {
				saw.Store(true)
			}
		}}}
	})
	if !saw.Load() {
		t.Error("there was none")
	}
	if left := made(); left > 0 {
		t.Errorf("%d are open", left)
	}
}

// TestApart: a JPEG gives the same bytes if each rank decodes what it needs, in bands or in turn.
func TestApart(t *testing.T) {
	dir := t.TempDir()
	ppm, in := filepath.Join(dir, "in.ppm"), filepath.Join(dir, "in.jpg")
	picture(t, ppm, 67, 190, 3, 9)
	jpeg := run(t, ranks.Job{Input: ranks.File{Name: ppm, Path: ppm}, Ops: []string{"blur:size=1"}, Format: "jpeg"}, setup{size: 1})
	// Without the restart interval (DRI) no row can be reached from anywhere but the top.
	jpegtran := exec.Command("jpegtran", "-optimize", "-outfile", in)
	jpegtran.Stdin = bytes.NewReader(jpeg)
	if out, err := jpegtran.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, format := range []string{"ppm", "jpeg"} {
		job := ranks.Job{Input: ranks.File{Name: in, Path: in}, Ops: []string{"blur:size=9", "edges", "blur:size=5"}, Format: format}
		want := run(t, job, setup{size: 1})
		job.Read.Apart = true
		for _, s := range []setup{{size: 1}, {size: 3, tileRows: 7}, {size: 4, tileRows: 1, private: true}, {size: 2, threads: 4, tileRows: 16}} {
			if !bytes.Equal(run(t, job, s), want) {
				t.Errorf("%s, %+v: the file differs", format, s)
			}
		}
	}
}
