package comm_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"halorun/comm"
	"halorun/comm/commtest"
)

// When a rank is told that another is lost, its calls with anybody end, those that wait already and those to come; and nobody else's
// link says so before.
func TestLose(t *testing.T) {
	for _, memory := range []bool{true, false} {
		why := errors.New("its host is gone")
		errs := commtest.Each(4, commtest.Options{Memory: memory, Timeout: 1 * time.Second}, func(ctx context.Context, w *comm.World) error {
			if w.Rank() == 3 { // which does nothing at all, as one that hangs
				<-ctx.Done()
				w.Abandon()
				return nil
			}
			others := []int{(w.Rank() + 1) % 3, 3}
			results := make(chan error, 4*len(others))
			calls := func() {
				for _, peer := range others {
					go func() { _, err := w.Recv(ctx, peer, 1, make([]byte, 1)); results <- err }()
					go func() { results <- w.Send(ctx, peer, 2, make([]byte, 1<<20)) }()
				}
			}
			calls()
			// That a call waits cannot be seen from outside. In this time nearly all come to it, so that both are tried out: calls that wait
			// when the rank is lost, and calls that begin after it. Whichever they are, each must end, so that no result hangs on the time.
			time.Sleep(10 * time.Millisecond)
			w.Lose(3, why)
			calls()
			for range cap(results) {
				err := <-results
				var lost *comm.RankError
				if !errors.As(err, &lost) || ctx.Err() != nil {
					return fmt.Errorf("a call ended with %v", err)
				}
			}
			// Another rank may have heard of it first, and have ended the link.
			if err := w.Barrier(ctx); !errors.Is(err, why) && !errors.Is(err, comm.ErrLost) {
				return fmt.Errorf("a barrier after the loss: %v", err)
			}
			w.Abandon()
			return nil
		})
		for rank, err := range errs {
			if rank < 3 && err != nil && !errors.Is(err, comm.ErrClosed) {
				t.Errorf("memory %t: rank %d: %v", memory, rank, err)
			}
		}
	}
}
