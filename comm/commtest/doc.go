// Package commtest runs the ranks of a comm.World as goroutines of one process,
// over loopback TCP or links in memory, with faults that a seed decides:
//
//	commtest.Run(t, 4, commtest.Options{}, func(ctx context.Context, w *comm.World) error {
//		return w.Barrier(ctx)
//	})
package commtest
