package comm

import (
	"context"
	"unsafe"
)

// Number is what Allreduce works on. The ranks of a world run the same binary on
// little-endian machines, so values travel as they lie in memory.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 |
		~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 |
		~float32 | ~float64
}

// Sum is an operation for Allreduce.
func Sum[T Number](a, b T) T { return a + b }

// Min is an operation for Allreduce.
func Min[T Number](a, b T) T { return min(a, b) }

// Max is an operation for Allreduce.
func Max[T Number](a, b T) T { return max(a, b) }

// smallReduce is up to how many bytes of all ranks together Allreduce sends
// everything to everyone, in the fewest rounds.
const smallReduce = 64 << 10

// Allreduce replaces v, of the same length on every rank, with
//
//	op(… op(op(v of rank 0, v of rank 1), v of rank 2) …)
//
// element by element and always in this order, so that even a floating-point sum
// is the same on every rank and in every run.
func Allreduce[T Number](ctx context.Context, w *World, v []T, op func(a, b T) T) error {
	return w.collect(ctx, allreduce, func(ctx context.Context, tag Tag) error {
		size := len(v) * int(unsafe.Sizeof(*new(T)))
		if size*w.Size() <= smallReduce {
			return reduceAll(ctx, w, tag, v, op)
		}
		return reduceShares(ctx, w, tag, v, op)
	})
}

// reduceAll gets all values of all ranks and folds them here.
func reduceAll[T Number](ctx context.Context, w *World, tag Tag, v []T, op func(a, b T) T) error {
	n := w.Size()
	all := make([]T, len(v)*n)
	values, parts := make([][]T, n), make([][]byte, n)
	for i := range values {
		values[i] = all[i*len(v) : (i+1)*len(v)]
		parts[i] = asBytes(values[i])
	}
	copy(values[w.Rank()], v)
	if err := w.spread(ctx, tag, parts); err != nil {
		return err
	}
	copy(v, fold(values, op))
	return nil
}

// reduceShares makes each rank fold its share of the elements and spread the
// result: every rank sends and receives about 2 × v in all, for any n.
func reduceShares[T Number](ctx context.Context, w *World, tag Tag, v []T, op func(a, b T) T) error {
	n, rank := w.Size(), w.Rank()
	shares, parts := make([][]T, n), make([][]byte, n)
	for i := range shares {
		shares[i] = v[len(v)*i/n : len(v)*(i+1)/n]
		parts[i] = asBytes(shares[i])
	}
	mine := shares[rank]
	others := make([]T, len(mine)*(n-1))
	values := make([][]T, n)
	for d := 1; d < n; d++ {
		to, from := (rank+d)%n, (rank-d+n)%n
		values[from] = others[(d-1)*len(mine) : d*len(mine)]
		into := asBytes(values[from])
		got, err := w.sendrecv(ctx, to, tag, parts[to:to+1], from, tag, [][]byte{into})
		if err == nil {
			err = w.wrap(opRecv, from, tag, whole(got, len(into)))
		}
		if err != nil {
			return err
		}
	}
	values[rank] = mine
	copy(mine, fold(values, op))
	return w.spread(ctx, tag, parts)
}

// fold combines the values of all ranks in rank order, in the memory of the first.
func fold[T Number](values [][]T, op func(a, b T) T) []T {
	out := values[0]
	for _, v := range values[1:] {
		for i, x := range v {
			out[i] = op(out[i], x)
		}
	}
	return out
}

// asBytes returns the memory of v.
func asBytes[T Number](v []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(*new(T))))
}
