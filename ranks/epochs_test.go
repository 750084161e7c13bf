package ranks_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"halorun/comm"
	"halorun/comm/commtest"
	"halorun/ranks"
)

// disaster is a job whose members die.
type disaster struct {
	setup
	job     ranks.Job
	members []*ranks.Rank
	fates   []*commtest.Fate
	nextID  uint32
	epoch   uint32
}

// fresh makes the member of a number a new one.
func (d *disaster) fresh(number int) {
	f := commtest.NewFate()
	d.fates[number] = f
	d.members[number] = ranks.New(time.Now().Add(-time.Hour), ranks.Probe{At: func(string, int) { f.Step() }})
}

var errDead = errors.New("this member is dead")

// attempt runs one epoch, in which the members of the given numbers die after some steps, and returns whether all others were done.
func (d *disaster) attempt(t *testing.T, steps map[int]int64) bool {
	t.Helper()
	d.epoch++
	n := len(d.members)
	var hosts []string
	for m := range n {
		host := m
		if d.hosts > 0 {
			host %= d.hosts
		}
		hosts = append(hosts, fmt.Sprint(host))
	}
	var mu sync.Mutex
	worlds := make(map[int]*comm.World)
	dead := make(map[int]bool)
	lose := func(lost int) {
		mu.Lock()
		defer mu.Unlock()
		dead[lost] = true
		for m, w := range worlds {
			if m != lost {
				w.Lose(lost, errDead)
			}
		}
	}
	options := commtest.Options{Memory: true, Config: func(c *comm.Config) {
		c.Host, c.Hosts, c.Epoch, c.Member = hosts[c.Rank], hosts, d.epoch, d.nextID+uint32(c.Rank)
	}}
	var all sync.WaitGroup // so that nobody leaves a world that others are still in
	all.Add(n)
	errs := commtest.Each(n, options, func(ctx context.Context, w *comm.World) error {
		self := w.Rank()
		mu.Lock()
		worlds[self] = w
		for lost := range dead {
			w.Lose(lost, errDead)
		}
		mu.Unlock()
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		die := func() {
			cancel(errDead)
			lose(self)
			w.Abandon()
		}
		d.fates[self].By(die)
		if k, ok := steps[self]; ok {
			d.fates[self].After(k)
		}
		job := d.job
		if d.private && self != d.head {
			job.Input.Path, job.Output.Path = "/nowhere", "/nowhere"
		}
		job.Checkpoint.Dir = filepath.Join(job.Checkpoint.Dir, hosts[self])
		err := d.members[self].Run(ctx, w, []byte("a key for all ranks of the test."), job)
		all.Done()
		all.Wait()
		w.Abandon()
		return err
	})
	done := true
	for m, err := range errs {
		var lost *comm.RankError
		switch {
		case dead[m]:
			d.members[m].Close()
			d.nextID += uint32(n)
			d.fresh(m)
			done = false
		case errors.Is(err, comm.ErrClosed) && !errors.As(err, &lost):
		case err != nil && len(dead) > 0 && errors.As(err, &lost):
			done = false
		case err != nil && len(dead) > 0 && errors.Is(err, errDead):
			done = false
		case err != nil:
			t.Fatalf("epoch %d: member %d: %v", d.epoch, m, err)
		}
	}
	d.nextID += uint32(n)
	return done
}

// mustAddUp holds what the members say of how far they are against each other: in the latest epoch, all of them know the same of what was left
// when it began, nobody computes more than that, and at the end it is all.
func (d *disaster) mustAddUp(t *testing.T, done bool) {
	t.Helper()
	var all []*ranks.Result
	epoch := uint32(0)
	for _, m := range d.members {
		all = append(all, m.Result())
		epoch = max(epoch, all[len(all)-1].Epoch)
	}
	var latest *ranks.Result
	since := int64(0)
	for _, r := range all {
		if r.Epoch != epoch || epoch == 0 {
			continue
		}
		if latest == nil {
			latest = r
		}
		if r.Left != latest.Left || r.All != latest.All || r.Left > r.All || r.Since < 0 || r.Since > r.Computed {
			t.Errorf("in epoch %d one says %+v, another %+v", epoch, r, latest)
		}
		since += r.Since
	}
	if latest != nil && (since > latest.Left || done && since != latest.Left) {
		t.Errorf("in epoch %d, %d rows were left and %d are computed; done: %v", epoch, latest.Left, since, done)
	}
}

// TestDeathsDoNotMatter is the law of the ledger and of epochs: whoever dies, whenever, and however often, the bytes are those of one
// rank. In the end the job may even be given up, and resumed by others.
func TestDeathsDoNotMatter(t *testing.T) {
	t.Parallel()
	cases := 60
	if os.Getenv("HALORUN_TEST_LONG") != "" {
		cases = 3000
	}
	in := filepath.Join(t.TempDir(), "in.ppm")
	picture(t, in, 67, 90, 3, 4)
	gray := filepath.Join(t.TempDir(), "in.pgm")
	picture(t, gray, 50, 80, 1, 4)
	var mu sync.Mutex
	wants := make(map[string][]byte)
	for seed := range cases {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(seed), 77))
			path := []string{in, gray}[rng.IntN(2)]
			job := ranks.Job{
				Input: ranks.File{Name: path, Path: path}, Ops: chains[rng.IntN(len(chains))],
				Format: []string{"png", "jpeg", "tiff", "ppm"}[rng.IntN(4)],
			}
			key := fmt.Sprint(path, job.Ops, job.Format)
			mu.Lock()
			want := wants[key]
			mu.Unlock()
			if want == nil {
				want = run(t, job, setup{size: 1})
				mu.Lock()
				wants[key] = want
				mu.Unlock()
			}
			out := filepath.Join(t.TempDir(), "out")
			if err := os.WriteFile(out, nil, 0o666); err != nil {
				t.Fatal(err)
			}
			job.Output = ranks.File{Name: out, Path: out}
			job.Read.MaxPixels, job.Quality = 1<<30, 90
			job.Checkpoint = ranks.Checkpoint{
				Mode: []string{ranks.CheckpointOff, ranks.CheckpointEvery, ranks.CheckpointAuto}[rng.IntN(3)], Every: time.Millisecond,
				Dir: t.TempDir(), Name: "first",
			}
			for attempt := range 3 {
				size := 1 + rng.IntN(5)
				job.Ranks, job.Head = size, rng.IntN(size+1)
				job.Memory = []int64{0, 1}[rng.IntN(2)]
				job.TileRows, job.Threads = []int{0, 1, 2, 7, 30}[rng.IntN(5)], 1+rng.IntN(3)
				d := &disaster{setup: setup{size: size, head: job.Head, hosts: 1 + rng.IntN(3), private: rng.IntN(3) == 0}, job: job}
				d.members, d.fates = make([]*ranks.Rank, d.setup.members()), make([]*commtest.Fate, d.setup.members())
				for m := range d.members {
					d.fresh(m)
				}
				done := false
				for epoch := 0; !done && (epoch < 4 || attempt == 2); epoch++ {
					steps := make(map[int]int64)
					if epoch < 4 {
						for range 1 + rng.IntN(2) {
							steps[rng.IntN(len(d.members))] = 1 + rng.Int64N(1<<rng.IntN(9))
						}
					}
					done = d.attempt(t, steps)
					d.mustAddUp(t, done)
				}
				for _, m := range d.members {
					m.Close()
				}
				if done {
					break
				}
				job.Checkpoint.Resume, job.Checkpoint.Name = job.Checkpoint.Mode != ranks.CheckpointOff, fmt.Sprint("attempt", attempt)
			}
			got, err := os.ReadFile(out)
			if err != nil || !bytes.Equal(got, want) {
				at := 0
				for at < min(len(got), len(want)) && got[at] == want[at] {
					at++
				}
				t.Errorf("%s of %s to %s, %+v: the file differs from that of one rank from byte %d of %d on (it has %d), %v", job.Ops, path, job.Format, job, at, len(want), len(got), err)
			}
		})
	}
}
