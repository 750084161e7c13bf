package comm

import (
	"context"
	"encoding/binary"
	"fmt"
)

// collective is a kind of collective call. Kind and number of a call make its
// tag, so that what a failed call has left behind, or a call that another rank
// does not make, is never taken for something else.
type collective uint32

const (
	collectiveTag Tag = 1 << 31

	barrier collective = iota
	bcast
	scatter
	gather
	allgather
	allreduce
)

func (c collective) String() string {
	names := [...]string{
		barrier: "barrier", bcast: "bcast", scatter: "scatter", gather: "gather",
		allgather: "allgather", allreduce: "allreduce",
	}
	if int(c) >= len(names) || names[c] == "" {
		return fmt.Sprintf("collective %d", uint32(c))
	}
	return names[c]
}

// collect runs one collective call under a fresh tag and the default deadline.
func (w *World) collect(ctx context.Context, c collective, call func(context.Context, Tag) error) error {
	ctx, cancel := w.bounded(ctx)
	defer cancel()
	number := w.collectives.Add(1)
	err := call(ctx, collectiveTag|Tag(c)<<24|Tag(number&0xffffff))
	if err != nil {
		return fmt.Errorf("%v: %w", c, err)
	}
	return nil
}

// checkRoot panics for a root that is no rank: a bug of the caller.
func (w *World) checkRoot(root int) {
	if root < 0 || root >= w.Size() {
		panic(fmt.Sprintf("comm: root %d in a world of size %d", root, w.Size()))
	}
}

// checkParts panics unless there is one part for every rank.
func (w *World) checkParts(parts [][]byte) {
	if len(parts) != w.Size() {
		panic(fmt.Sprintf("comm: %d parts for %d ranks", len(parts), w.Size()))
	}
}

// Barrier returns when every rank has called it. It is the dissemination barrier
// of Hensgen, Finkel and Manber (1988): in round k each rank signals the rank
// 2^k further on, so that ⌈log₂ n⌉ rounds suffice.
func (w *World) Barrier(ctx context.Context) error {
	return w.collect(ctx, barrier, func(ctx context.Context, tag Tag) error {
		n := w.Size()
		for d := 1; d < n; d *= 2 {
			_, err := w.sendrecv(ctx, (w.Rank()+d)%n, tag, nil, (w.Rank()-d+n)%n, tag, nil)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Bcast copies root's buf to every rank's buf, which all have the same length,
// along a binomial tree.
func (w *World) Bcast(ctx context.Context, root int, buf []byte) error {
	w.checkRoot(root)
	return w.collect(ctx, bcast, func(ctx context.Context, tag Tag) error {
		return w.tree(root,
			func(from int) error { return w.recvWhole(ctx, from, tag, [][]byte{buf}) },
			func(to int) error { return w.send(ctx, to, tag, [][]byte{buf}) })
	})
}

// BcastBytes gives every rank root's buf, whose length, up to limit bytes, only
// root needs to know. The others' buf is not used.
func (w *World) BcastBytes(ctx context.Context, root int, buf []byte, limit int) ([]byte, error) {
	w.checkRoot(root)
	err := w.collect(ctx, bcast, func(ctx context.Context, tag Tag) error {
		return w.tree(root,
			func(from int) (err error) { buf, err = w.recvBytes(ctx, from, tag, limit); return },
			func(to int) error { return w.send(ctx, to, tag, [][]byte{buf}) })
	})
	if err != nil {
		return nil, err
	}
	return buf, nil
}

// tree walks this rank's place in the binomial tree under root: one receive from
// its parent, then sends to its children, the one with the largest subtree first.
func (w *World) tree(root int, recv, send func(peer int) error) error {
	n := w.Size()
	place := (w.Rank() - root + n) % n
	d := 1
	for ; d < n; d *= 2 {
		if place&d != 0 {
			if err := recv((place - d + root) % n); err != nil {
				return err
			}
			break
		}
	}
	for d /= 2; d > 0; d /= 2 {
		if place+d < n {
			if err := send((place + d + root) % n); err != nil {
				return err
			}
		}
	}
	return nil
}

// Scatterv copies root's parts[i] to rank i's mine, which has its length. The
// others' parts are not used.
func (w *World) Scatterv(ctx context.Context, root int, parts [][]byte, mine []byte) error {
	w.checkRoot(root)
	return w.collect(ctx, scatter, func(ctx context.Context, tag Tag) error {
		if w.Rank() != root {
			return w.recvWhole(ctx, root, tag, [][]byte{mine})
		}
		w.checkParts(parts)
		if err := copyWhole(mine, parts[root]); err != nil {
			return err
		}
		return w.others(func(peer int) error { return w.send(ctx, peer, tag, [][]byte{parts[peer]}) })
	})
}

// Gatherv copies rank i's mine to root's parts[i], which has its length. The
// others' parts are not used.
func (w *World) Gatherv(ctx context.Context, root int, mine []byte, parts [][]byte) error {
	w.checkRoot(root)
	return w.collect(ctx, gather, func(ctx context.Context, tag Tag) error {
		if w.Rank() != root {
			return w.send(ctx, root, tag, [][]byte{mine})
		}
		w.checkParts(parts)
		if err := copyWhole(parts[root], mine); err != nil {
			return err
		}
		return w.others(func(peer int) error { return w.recvWhole(ctx, peer, tag, [][]byte{parts[peer]}) })
	})
}

// GatherBytes returns, at root, every rank's mine, by rank; lengths may differ,
// up to limit bytes each. The other ranks get nil.
func (w *World) GatherBytes(ctx context.Context, root int, mine []byte, limit int) ([][]byte, error) {
	w.checkRoot(root)
	var parts [][]byte
	err := w.collect(ctx, gather, func(ctx context.Context, tag Tag) error {
		if w.Rank() != root {
			return w.send(ctx, root, tag, [][]byte{mine})
		}
		parts = make([][]byte, w.Size())
		parts[root] = append([]byte{}, mine...)
		return w.others(func(peer int) (err error) {
			parts[peer], err = w.recvBytes(ctx, peer, tag, limit)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return parts, nil
}

// maxGather bounds one rank's part of an Allgather, in bytes.
const maxGather = 1 << 30

// Allgather returns every rank's mine, by rank. Lengths may differ, up to 1 GiB
// each.
func (w *World) Allgather(ctx context.Context, mine []byte) ([][]byte, error) {
	n := w.Size()
	parts := make([][]byte, n)
	err := w.collect(ctx, allgather, func(ctx context.Context, tag Tag) error {
		lengths := split(make([]byte, 8*n), n, 8)
		binary.LittleEndian.PutUint64(lengths[w.Rank()], uint64(len(mine)))
		if err := w.spread(ctx, tag, lengths); err != nil {
			return err
		}
		for i, b := range lengths {
			size := binary.LittleEndian.Uint64(b)
			if size > maxGather {
				return fmt.Errorf("rank %d gives %d bytes; at most %d are possible", i, size, maxGather)
			}
			parts[i] = make([]byte, size)
		}
		copy(parts[w.Rank()], mine)
		return w.spread(ctx, tag, parts)
	})
	if err != nil {
		return nil, err
	}
	return parts, nil
}

// spread copies parts[i] of rank i to everyone's parts[i]; all know all lengths.
// It is the algorithm of Bruck et al. (1997): in each of ⌈log₂ n⌉ rounds a rank
// passes on all parts it has, which are those of its own and the next ranks.
func (w *World) spread(ctx context.Context, tag Tag, parts [][]byte) error {
	n, rank := w.Size(), w.Rank()
	for have := 1; have < n; {
		k := min(have, n-have)
		want := wrapped(parts, rank+have, k)
		got, err := w.sendrecv(ctx, (rank-have+n)%n, tag, wrapped(parts, rank, k), (rank+have)%n, tag, want)
		if err != nil {
			return err
		}
		if err := whole(got, int(total(want))); err != nil {
			return err
		}
		have += k
	}
	return nil
}

// wrapped returns k parts from the i-th on, going round at the end.
func wrapped(parts [][]byte, i, k int) [][]byte {
	out := make([][]byte, k)
	for j := range out {
		out[j] = parts[(i+j)%len(parts)]
	}
	return out
}

// split cuts b into n pieces of size bytes.
func split(b []byte, n, size int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = b[i*size : (i+1)*size : (i+1)*size]
	}
	return out
}

// others calls f for every other rank, beginning after this one.
func (w *World) others(f func(peer int) error) error {
	for i := 1; i < w.Size(); i++ {
		if err := f((w.Rank() + i) % w.Size()); err != nil {
			return err
		}
	}
	return nil
}

// recvWhole receives a message that has exactly the length of bufs.
func (w *World) recvWhole(ctx context.Context, from int, tag Tag, bufs [][]byte) error {
	n, err := w.recv(ctx, from, tag, bufs)
	if err != nil {
		return err
	}
	return w.wrap(opRecv, from, tag, whole(n, int(total(bufs))))
}

func copyWhole(dst, src []byte) error {
	copy(dst, src)
	return whole(len(src), len(dst))
}

// whole is an error if a message has not the length agreed on.
func whole(got, want int) error {
	if got != want {
		return fmt.Errorf("message of %d bytes where %d were expected", got, want)
	}
	return nil
}
