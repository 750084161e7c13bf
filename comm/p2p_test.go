package comm_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"halorun/comm"
	"halorun/comm/commtest"
)

// pieces cuts b into a random list of buffers, some of them empty and some with
// gaps between them in memory.
func pieces(r *rand.Rand, b []byte) [][]byte {
	var out [][]byte
	for len(b) > 0 {
		k := min(r.IntN(len(b)/2+2), len(b))
		piece := b[:k]
		if r.IntN(2) == 0 {
			piece = append([]byte(nil), piece...)
		}
		out = append(out, piece)
		b = b[k:]
	}
	return out
}

// storm lets every rank send to every other under several tags at once, while it
// receives as much, and checks order and contents.
func storm(ctx context.Context, w *comm.World, seed uint64, count, largest int) error {
	const tags = 3
	size := func(from, to, tag, i int) int {
		r := rand.New(rand.NewPCG(seed, uint64(from<<24|to<<16|tag<<12|i)))
		return r.IntN(1 + largest>>r.IntN(20))
	}
	g, ctx := errgroup.WithContext(ctx)
	for peer := range w.Size() {
		if peer == w.Rank() {
			continue
		}
		for tag := range tags {
			g.Go(func() error {
				r := rand.New(rand.NewPCG(seed, uint64(tag)))
				for i := range count {
					b := pattern(w.Rank(), peer+tag+i, size(w.Rank(), peer, tag, i))
					if err := w.Send(ctx, peer, comm.Tag(tag), pieces(r, b)...); err != nil {
						return err
					}
				}
				return nil
			})
			g.Go(func() error {
				r := rand.New(rand.NewPCG(seed, uint64(100+tag)))
				for i := range count {
					want := pattern(peer, w.Rank()+tag+i, size(peer, w.Rank(), tag, i))
					var got []byte
					var err error
					if i%3 == 0 {
						got, err = w.RecvBytes(ctx, peer, comm.Tag(tag), len(want))
					} else {
						parts := pieces(r, make([]byte, len(want)))
						_, err = w.Recv(ctx, peer, comm.Tag(tag), parts...)
						for _, p := range parts {
							got = append(got, p...)
						}
					}
					if err != nil {
						return err
					}
					if err := same(fmt.Sprintf("message %d of tag %d from rank %d", i, tag, peer), got, want); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	return g.Wait()
}

func TestStorm(t *testing.T) {
	for seed, o := range []commtest.Options{
		{},
		{Memory: true},
		{Config: func(c *comm.Config) { c.EagerLimit, c.Window = 100, 1000 }},
		{Memory: true, Config: func(c *comm.Config) { c.EagerLimit = -1 }},
		{Faults: &commtest.Faults{Seed: 1, Delay: 50 * time.Microsecond}},
	} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			count, largest := 12, 300_000
			if seed == 0 {
				largest = 5_000_000
			}
			commtest.Run(t, 3, o, func(ctx context.Context, w *comm.World) error {
				return storm(ctx, w, uint64(seed), count, largest)
			})
		})
	}
}

// Two ranks that both send much before they receive must not wait for ever for
// control frames behind each other's data.
func TestSmallMessagesBetweenLargeOnes(t *testing.T) {
	commtest.Run(t, 2, commtest.Options{}, func(ctx context.Context, w *comm.World) error {
		peer := 1 - w.Rank()
		g, ctx := errgroup.WithContext(ctx)
		big := make([]byte, 16<<20)
		g.Go(func() error { return w.Send(ctx, peer, 1, big) })
		g.Go(func() error { _, err := w.Recv(ctx, peer, 1, make([]byte, len(big))); return err })
		g.Go(func() error {
			for range 100 {
				if _, err := w.Sendrecv(ctx, peer, 2, nil, peer, 2, nil); err != nil {
					return err
				}
			}
			return nil
		})
		return g.Wait()
	})
}

func TestTruncation(t *testing.T) {
	for _, eager := range []int{0, -1} {
		for _, c := range []struct{ size, room int }{{1, 0}, {100, 99}, {5000, 1}, {200_000, 0}, {200_000, 100_001}} {
			o := commtest.Options{Config: func(cfg *comm.Config) { cfg.EagerLimit = eager }}
			commtest.Run(t, 2, o, func(ctx context.Context, w *comm.World) error {
				msg := pattern(0, 0, c.size)
				if w.Rank() == 0 {
					return errors.Join(w.Send(ctx, 1, 5, msg), w.Send(ctx, 1, 5, msg), w.Send(ctx, 1, 5, msg[:1]))
				}
				buf := make([]byte, c.room)
				n, err := w.Recv(ctx, 0, 5, buf)
				var short *comm.TruncatedError
				if !errors.As(err, &short) || short.Size != int64(c.size) || short.Room != int64(c.room) || n != c.room {
					return fmt.Errorf("%d bytes, error %v", n, err)
				}
				if err := same("what fits", buf, msg[:c.room]); err != nil {
					return err
				}
				short = nil
				b, err := w.RecvBytes(ctx, 0, 5, c.room)
				if !errors.As(err, &short) || b != nil || short.Room != int64(c.room) {
					return fmt.Errorf("%d bytes, error %v", len(b), err)
				}
				b, err = w.RecvBytes(ctx, 0, 5, 1)
				return errors.Join(err, same("the message after", b, msg[:1]))
			})
		}
	}
}

// A message sent before Close arrives, however late its receiver looks.
func TestCloseLosesNothing(t *testing.T) {
	for _, memory := range []bool{false, true} {
		left := make(chan struct{})
		commtest.Run(t, 2, commtest.Options{Memory: memory}, func(ctx context.Context, w *comm.World) error {
			msg := pattern(3, 4, 60_000)
			if w.Rank() == 0 {
				for range 10 {
					if err := w.Send(ctx, 1, 1, msg); err != nil {
						return err
					}
				}
				err := w.Close()
				close(left)
				return err
			}
			<-left
			for range 10 {
				b, err := w.RecvBytes(ctx, 0, 1, len(msg))
				if err := errors.Join(err, same("message", b, msg)); err != nil {
					return err
				}
			}
			_, err := w.RecvBytes(ctx, 0, 1, 0)
			if want := "rank 1 on host host1: recv from rank 0 on host host0 (tag 1): the peer has said goodbye"; !errors.Is(err, comm.ErrGoodbye) || err.Error() != want {
				return fmt.Errorf("recv after goodbye: %v", err)
			}
			for range 2 { // before and after it is known that the socket is gone
				if err := w.Send(ctx, 0, 1, make([]byte, 1)); !errors.Is(err, comm.ErrGoodbye) {
					return fmt.Errorf("send after goodbye: %v", err)
				}
			}
			return nil
		})
	}
}

// Close ends what is pending on both sides.
func TestCloseEndsPendingCalls(t *testing.T) {
	commtest.Run(t, 2, commtest.Options{Memory: true}, func(ctx context.Context, w *comm.World) error {
		peer := 1 - w.Rank()
		g := new(errgroup.Group)
		want := comm.ErrGoodbye
		if w.Rank() == 0 {
			want = comm.ErrClosed
		}
		for tag := range comm.Tag(3) {
			g.Go(func() error {
				if _, err := w.Recv(ctx, peer, tag, nil); !errors.Is(err, want) {
					return fmt.Errorf("recv: %v", err)
				}
				return nil
			})
			g.Go(func() error {
				if err := w.Send(ctx, peer, 10+tag, make([]byte, 1<<20)); !errors.Is(err, want) {
					return fmt.Errorf("send: %v", err)
				}
				return nil
			})
		}
		_, err := w.Sendrecv(ctx, peer, 20, nil, peer, 20, nil)
		if w.Rank() == 0 {
			err = errors.Join(err, w.Close())
		}
		return errors.Join(err, g.Wait())
	})
}

// TestDeadlines runs in fake time: nothing here waits.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := commtest.Options{Memory: true, Timeout: time.Hour, Config: func(c *comm.Config) { c.CallTimeout = time.Minute }}
		commtest.Run(t, 2, o, func(ctx context.Context, w *comm.World) error {
			if w.Rank() == 1 {
				time.Sleep(10 * time.Minute) // of synctest's clock: it takes no time
				// The second send was announced, so giving it up took the link along.
				_, err := w.Recv(ctx, 0, 2, make([]byte, 1<<20))
				if !errors.Is(err, comm.ErrLost) {
					return fmt.Errorf("recv of a message given up: %v", err)
				}
				return nil
			}
			start := time.Now()
			_, err := w.Recv(context.Background(), 1, 7, nil)
			var re *comm.RankError
			if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &re) || re.Rank != 1 || re.Host != "host1" || re.By != 0 || re.Tag != 7 {
				return fmt.Errorf("recv: %v", err)
			}
			if d := time.Since(start); d != time.Minute {
				return fmt.Errorf("recv took %v", d)
			}
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			if _, err := w.Recv(short, 1, 7, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 61*time.Second {
				return fmt.Errorf("recv: %v", err)
			}
			// A withdrawn receive leaves the link whole.
			if err := w.Send(ctx, 1, 1, make([]byte, 100)); err != nil {
				return err
			}
			if err := w.Send(context.Background(), 1, 2, make([]byte, 1<<20)); !errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("send: %v", err)
			}
			if err := w.Send(ctx, 1, 1, nil); err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "given up") {
				return fmt.Errorf("send on a link that was given up: %v", err)
			}
			return nil
		})
	})
}

func TestMisuse(t *testing.T) {
	commtest.Run(t, 2, commtest.Options{Memory: true}, func(ctx context.Context, w *comm.World) error {
		for _, to := range []int{-1, 2, w.Rank()} {
			if err := w.Send(ctx, to, 1); err == nil {
				return fmt.Errorf("send to %d is no error", to)
			}
			if _, err := w.Recv(ctx, to, 1); err == nil {
				return fmt.Errorf("recv from %d is no error", to)
			}
		}
		if !panics(func() { w.Send(ctx, 1-w.Rank(), 1<<31) }) || !panics(func() { w.Bcast(ctx, 2, nil) }) {
			return errors.New("a reserved tag or a root that is no rank passes")
		}
		done, cancel := context.WithCancel(ctx)
		cancel()
		if err := w.Send(done, 1-w.Rank(), 1); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("send: %v", err)
		}
		if err := w.Barrier(done); !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "barrier: ") {
			return fmt.Errorf("barrier: %v", err)
		}
		return nil
	})
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestStats(t *testing.T) {
	commtest.Run(t, 2, commtest.Options{}, func(ctx context.Context, w *comm.World) error {
		if w.Rank() == 0 {
			if err := w.Send(ctx, 1, 1, make([]byte, 1000)); err != nil {
				return err
			}
		} else if _, err := w.RecvBytes(ctx, 0, 1, 1000); err != nil {
			return err
		}
		s := w.Stats()
		// Until all have looked, nobody says goodbye, which would be answered. What the other one sends to the barrier may have come already.
		if err := w.Barrier(ctx); err != nil {
			return err
		}
		if w.Rank() == 0 && s.Sent != 1048 || w.Rank() == 1 && s.Received < 1048 {
			return fmt.Errorf("%+v", s)
		}
		if w.Transport() != "tcp" || w.Epoch() != 1 || w.Size() != 2 {
			return errors.New("a world that does not know itself")
		}
		return nil
	})
}
