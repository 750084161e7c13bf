package comm_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"halorun/comm"
	"halorun/comm/commtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sizes returns message lengths to try with n ranks: awkward ones, and with few
// ranks also such as go in several frames.
func sizes(n int) []int {
	s := []int{0, 1, 8, 47, 1021, 65537}
	if n <= 3 {
		s = append(s, 1<<18, 1<<18+1, 1<<20+3)
	}
	return s
}

// pattern is what rank sends in a place: n bytes that nobody else has.
func pattern(rank, place, n int) []byte {
	b := make([]byte, n)
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(rank)<<32|uint64(place))
	rand.NewChaCha8(seed).Read(b)
	return b
}

func same(what string, got, want []byte) error {
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s: %d bytes differ from the %d expected", what, len(got), len(want))
	}
	return nil
}

// lengths gives every rank a length of its own, some of them 0.
func lengths(n, size int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = size * ((i + 2) % 3)
	}
	return out
}

// everyCollective compares each collective with its plain definition.
func everyCollective(ctx context.Context, w *comm.World, size int) error {
	n, rank := w.Size(), w.Rank()
	if err := w.Barrier(ctx); err != nil {
		return err
	}
	for _, root := range slices.Compact([]int{0, n / 2, n - 1}) {
		want := pattern(root, size, size)
		buf := make([]byte, size)
		if rank == root {
			copy(buf, want)
		}
		if err := w.Bcast(ctx, root, buf); err != nil {
			return err
		}
		if err := same("bcast", buf, want); err != nil {
			return err
		}
		var in []byte
		if rank == root {
			in = want
		}
		out, err := w.BcastBytes(ctx, root, in, size)
		if err != nil {
			return err
		}
		if err := same("bcast bytes", out, want); err != nil {
			return err
		}

		ls := lengths(n, size)
		all := make([][]byte, n)
		for i := range all {
			all[i] = pattern(i, root, ls[i])
		}
		var parts [][]byte
		if rank == root {
			parts = all
		}
		mine := make([]byte, ls[rank])
		if err := w.Scatterv(ctx, root, parts, mine); err != nil {
			return err
		}
		if err := same("scatter", mine, all[rank]); err != nil {
			return err
		}
		back := make([][]byte, n)
		for i := range back {
			back[i] = make([]byte, ls[i])
		}
		if err := w.Gatherv(ctx, root, mine, back); err != nil {
			return err
		}
		loose, err := w.GatherBytes(ctx, root, mine, 2*size)
		if err != nil {
			return err
		}
		if rank == root {
			for i := range all {
				if err := errors.Join(same("gather", back[i], all[i]), same("gather bytes", loose[i], all[i])); err != nil {
					return err
				}
			}
		} else if loose != nil {
			return errors.New("gather bytes gives something to a rank that is not root")
		}
		every, err := w.Allgather(ctx, mine)
		if err != nil {
			return err
		}
		for i := range all {
			if err := same("allgather", every[i], all[i]); err != nil {
				return err
			}
		}
	}
	return reductions(ctx, w, size/8)
}

// reductions sums floats whose sum depends on the order, and more.
func reductions(ctx context.Context, w *comm.World, count int) error {
	values := func(rank int) []float64 {
		r := rand.New(rand.NewPCG(7, uint64(rank)))
		v := make([]float64, count)
		for i := range v {
			v[i] = r.NormFloat64() * float64(uint64(1)<<r.IntN(60))
		}
		return v
	}
	want := values(0)
	for i := 1; i < w.Size(); i++ {
		for j, x := range values(i) {
			want[j] += x
		}
	}
	got := values(w.Rank())
	if err := comm.Allreduce(ctx, w, got, comm.Sum); err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return errors.New("allreduce: the sums are not those in rank order")
	}
	small := []int8{int8(w.Rank()), -int8(w.Rank())}
	if err := comm.Allreduce(ctx, w, small[:1], comm.Max); err != nil {
		return err
	}
	if err := comm.Allreduce(ctx, w, small[1:], comm.Min); err != nil {
		return err
	}
	if last := int8(w.Size() - 1); small[0] != last || small[1] != -last {
		return fmt.Errorf("allreduce: max and min %v", small)
	}
	return nil
}

func TestCollectives(t *testing.T) {
	for _, memory := range []bool{false, true} {
		for n := 1; n <= 9; n++ {
			if memory && n%3 != 2 {
				continue
			}
			t.Run(fmt.Sprintf("memory=%t/n=%d", memory, n), func(t *testing.T) {
				commtest.Run(t, n, commtest.Options{Memory: memory}, func(ctx context.Context, w *comm.World) error {
					for _, size := range sizes(n) {
						if err := everyCollective(ctx, w, size); err != nil {
							return fmt.Errorf("%d bytes: %w", size, err)
						}
					}
					return nil
				})
			})
		}
	}
}

// No collective may rely on a message being held for its receiver.
func TestCollectivesWithoutBuffering(t *testing.T) {
	for n := 2; n <= 9; n++ {
		o := commtest.Options{Config: func(c *comm.Config) { c.EagerLimit = -1 }}
		commtest.Run(t, n, o, func(ctx context.Context, w *comm.World) error {
			return errors.Join(everyCollective(ctx, w, 0), everyCollective(ctx, w, 1021))
		})
	}
}

func TestCollectivesUnderDelay(t *testing.T) {
	for seed := range uint64(3) {
		o := commtest.Options{
			Faults: &commtest.Faults{Seed: seed, Delay: 200 * time.Microsecond},
			Config: func(c *comm.Config) { c.EagerLimit, c.Window = 512, 2048 },
		}
		commtest.Run(t, 5, o, func(ctx context.Context, w *comm.World) error {
			for _, size := range []int{0, 511, 20011} {
				if err := everyCollective(ctx, w, size); err != nil {
					return err
				}
			}
			return nil
		})
	}
}
