package comm_test

import (
	"context"
	"fmt"
	"testing"

	"halorun/comm"
	"halorun/comm/commtest"
)

// together runs f as n ranks over loopback TCP; f repeats an operation b.N times.
func together(b *testing.B, n int, f func(ctx context.Context, w *comm.World) error) {
	b.ReportAllocs()
	commtest.Run(b, n, commtest.Options{}, func(ctx context.Context, w *comm.World) error {
		if err := w.Barrier(ctx); err != nil {
			return err
		}
		if w.Rank() == 0 {
			b.ResetTimer()
		}
		err := f(ctx, w)
		if w.Rank() == 0 {
			b.StopTimer()
		}
		return err
	})
}

// BenchmarkPingPong reports the time of one direction, as Open MPI's tools do.
func BenchmarkPingPong(b *testing.B) {
	for _, size := range []int{8, 64 << 10, 1 << 20, 16 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			together(b, 2, func(ctx context.Context, w *comm.World) error {
				buf := make([]byte, size)
				for i := range b.N {
					var err error
					if i%2 == w.Rank() {
						err = w.Send(ctx, 1-w.Rank(), 1, buf)
					} else {
						_, err = w.Recv(ctx, 1-w.Rank(), 1, buf)
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}

func BenchmarkHalo(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			together(b, 2, func(ctx context.Context, w *comm.World) error {
				out, in := [][]byte{make([]byte, size)}, [][]byte{make([]byte, size)}
				peer := 1 - w.Rank()
				for range b.N {
					if _, err := w.Sendrecv(ctx, peer, 1, out, peer, 1, in); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}

func BenchmarkBarrier(b *testing.B) {
	for _, n := range []int{2, 4, 8} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			together(b, n, func(ctx context.Context, w *comm.World) error {
				for range b.N {
					if err := w.Barrier(ctx); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}

func BenchmarkAllreduce(b *testing.B) {
	for _, size := range []int{8, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			together(b, 2, func(ctx context.Context, w *comm.World) error {
				v := make([]float64, size/8)
				for range b.N {
					if err := comm.Allreduce(ctx, w, v, comm.Sum); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}
