package launcher

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"halorun/launcher/control"
)

// epochs runs a job of two ranks, which may be replaced three times each, with an agent that says what is given, and returns the Starts that it was
// sent, the others' kinds in order, and how the job ended.
func epochs(t *testing.T, script []said) (starts []*control.Start, gone int, j *job, err error) {
	t.Helper()
	j, a := newTestJob(2)
	j.config.MaxRestarts = 3
	j.reporter = newReporter()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go j.hearAll(ctx, a, script)
	err = j.follow(ctx)
	j.reporter.close(ctx, ctx)
	j.sum()
	if err == nil && !j.released {
		t.Error("it ended well before all had finished")
	}
	a.out.close()
	for m := range a.out.queue {
		switch m := m.(type) {
		case *control.Start:
			starts = append(starts, m)
		case *control.Gone:
			gone++
		}
	}
	return starts, gone, j, err
}

func TestEpochs(t *testing.T) {
	attached := func(id uint32) said { return said{0, &control.Attached{Member: id}} }
	done := func(id, epoch uint32) said { return said{0, &control.Finished{Member: id, Epoch: epoch}} }
	died := func(id uint32) said { return said{time.Second, &control.Exited{Member: id, Signal: 9}} }
	exited := func(id uint32) said { return said{0, &control.Exited{Member: id}} }
	for name, c := range map[string]struct {
		script   []said
		epochs   int
		restarts [2]int
		failed   bool
	}{
		"undisturbed": {[]said{attached(0), attached(1), done(0, 1), done(1, 1), exited(0), exited(1)}, 1, [2]int{}, false},
		"one dies":    {[]said{attached(0), attached(1), died(1), attached(2), done(0, 2), done(2, 2), exited(0), exited(2)}, 2, [2]int{0, 1}, false},
		// What was finished in an earlier epoch counts for nothing in the next.
		"one has finished, one dies": {
			[]said{attached(0), attached(1), done(0, 1), died(1), attached(2), done(2, 2), done(0, 1), {time.Second, &control.Joined{Member: 0, Epoch: 2}}, done(0, 2), exited(0), exited(2)},
			2, [2]int{0, 1}, false,
		},
		"both die":       {[]said{attached(0), attached(1), died(1), died(0), attached(2), attached(3), done(2, 3), done(3, 3), exited(2), exited(3)}, 3, [2]int{1, 1}, false},
		"once too often": {[]said{attached(0), attached(1), died(1), attached(2), died(2), attached(3), died(3), attached(4), died(4)}, 4, [2]int{0, 3}, true},
		// Its host is the only one, and somebody else may have killed them.
		"replacements die before they attach": {
			[]said{attached(0), attached(1), died(1), died(2), died(3), attached(4), done(0, 4), done(4, 4), exited(0), exited(4)},
			4, [2]int{0, 3}, false,
		},
		"one dies when it has done": {[]said{attached(0), attached(1), done(1, 1), died(1), done(0, 1), exited(0)}, 1, [2]int{}, false},
		// Who has done and is gone knows nothing any more, so it is replaced with the other.
		"one has gone, one dies": {
			[]said{attached(0), attached(1), done(1, 1), exited(1), died(0), attached(2), attached(3), done(2, 2), done(3, 2), exited(2), exited(3)},
			2, [2]int{1, 0}, false,
		},
		// The end of the wait for the cause may not end the next epoch.
		"a consequence, and then its cause": {
			[]said{
				attached(0), attached(1), {0, &control.Finished{Member: 0, Epoch: 1, Status: 1, Consequence: true}}, {causeTime / 2, died(1).m},
				attached(2), {time.Second, done(0, 2).m}, done(2, 2), exited(0), exited(2),
			},
			2, [2]int{0, 1}, false,
		},
		"words of the dead": {[]said{attached(0), attached(1), died(1), attached(2), done(1, 1), done(1, 2), {0, &control.Fence{Member: 1, Epoch: 2}}, done(0, 2), {time.Second, done(2, 2).m}, exited(0), exited(2)}, 2, [2]int{0, 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				starts, gone, j, err := epochs(t, c.script)
				if (err != nil) != c.failed {
					t.Errorf("it ended with %v", err)
				}
				if len(starts) != c.epochs || gone != c.epochs-1 {
					t.Fatalf("%d epochs, %d losses told; want %d", len(starts), gone, c.epochs)
				}
				keys, seen := make(map[string]bool), uint32(0)
				for i, s := range starts {
					keys[string(s.Key)] = true
					if s.Epoch != uint32(i+1) || len(s.Ranks) != 2 || s.Ranks[0].Rank != 0 || s.Ranks[1].Rank != 1 || s.Size != 2 {
						t.Errorf("epoch %d begins with %+v", i+1, s)
					}
					for _, r := range s.Ranks {
						seen = max(seen, r.Member)
					}
				}
				if len(keys) != c.epochs {
					t.Error("a key was used again")
				}
				if got := [2]int{j.result.Ranks[0].Restarts, j.result.Ranks[1].Restarts}; got != c.restarts {
					t.Errorf("restarts %v; want %v", got, c.restarts)
				}
			})
		})
	}
}

// However many ranks are lost with an agent, the others are told once: that is all that there is room for.
func TestManyAreLostAtOnce(t *testing.T) {
	j, a := newTestJob(100)
	j.config.MaxRestarts = 3
	j.reporter = newReporter()
	j.starting = time.NewTimer(time.Hour)
	j.begin(t.Context())
	for _, m := range j.roles {
		j.lose(t.Context(), m, &RankDied{Rank: m.seat.Rank, Host: "h", How: "was lost"})
	}
	j.reporter.close(t.Context(), t.Context())
	a.out.close()
	gone := 0
	for m := range a.out.queue {
		if _, ok := m.(*control.Gone); ok {
			gone++
		}
	}
	if gone != 1 {
		t.Errorf("they are told %d times", gone)
	}
}
