package comm_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"halorun/comm"
	"halorun/comm/commtest"
)

// With a link cut at any byte every rank gets the right result or an error, and
// no rank waits for its deadline: whoever gives up closes its world, which ends
// the others' calls.
func TestCut(t *testing.T) {
	for seed := range uint64(40) {
		n := 2 + int(seed%4)
		o := commtest.Options{
			Memory: seed%2 == 0,
			Faults: &commtest.Faults{Seed: seed, Cut: true, From: n - 1, To: int(seed) % (n - 1), Within: 300_000},
			Config: func(c *comm.Config) { c.EagerLimit, c.Window = 512, 4096 },
		}
		start := time.Now()
		errs := commtest.Each(n, o, func(ctx context.Context, w *comm.World) error {
			for _, size := range []int{0, 1021, 30_011} {
				if err := everyCollective(ctx, w, size); err != nil {
					return err
				}
			}
			return storm(ctx, w, seed, 5, 50_000)
		})
		for rank, err := range errs {
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("seed %d: rank %d of %d: after %v: %v", seed, rank, n, time.Since(start), err)
			}
			for _, cause := range unwrapped(err) {
				var re *comm.RankError
				if !errors.As(cause, &re) {
					t.Errorf("seed %d: rank %d: not a RankError: %v", seed, rank, cause)
				}
			}
		}
	}
}

// unwrapped takes a joined error apart.
func unwrapped(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}

// With a link that has fallen silent every rank returns within its deadline.
func TestDrop(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const deadline = 20 * time.Second // fake
				n := 2 + int(seed%4)
				o := commtest.Options{
					Memory: true, Timeout: time.Hour,
					Faults: &commtest.Faults{Seed: seed, Drop: true, From: n - 1, To: int(seed) % (n - 1), Within: 100_000},
				}
				start := time.Now()
				errs := commtest.Each(n, o, func(ctx context.Context, w *comm.World) error {
					ctx, cancel := context.WithTimeout(ctx, deadline)
					defer cancel()
					for {
						if err := everyCollective(ctx, w, 1021); err != nil {
							return err
						}
					}
				})
				// Close waits once more for the goodbye, and Join for a handshake.
				if d := time.Since(start); d > deadline+15*time.Second {
					t.Errorf("took %v", d)
				}
				for rank, err := range errs {
					if err == nil {
						t.Errorf("rank %d of %d: no error", rank, n)
					}
				}
			})
		})
	}
}
