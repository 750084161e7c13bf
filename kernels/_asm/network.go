package main

import "slices"

// networkExchange puts the lesser of two wires' values on lo and the greater on hi.
type networkExchange struct{ lo, hi int }

// smallSorters are sorting networks with the fewest exchanges (Knuth, The Art of Computer Programming, 5.3.4).
var smallSorters = map[int][]networkExchange{
	3: {{0, 2}, {0, 1}, {1, 2}},
	5: {{0, 3}, {1, 4}, {0, 2}, {1, 3}, {0, 1}, {2, 4}, {1, 2}, {3, 4}, {2, 3}},
	7: {{0, 6}, {2, 3}, {4, 5}, {0, 2}, {1, 4}, {3, 6}, {0, 1}, {2, 5}, {3, 4}, {1, 2}, {4, 6}, {2, 3}, {4, 5}, {1, 2}, {3, 4}, {5, 6}},
}

// oddEvenMerge is Batcher's sorting network for n wires.
func oddEvenMerge(n int) (es []networkExchange) {
	for p := 1; p < n; p *= 2 {
		for k := p; k >= 1; k /= 2 {
			for j := k % p; j <= n-1-k; j += 2 * k {
				for i := range min(k, n-j-k) {
					if (i+j)/(2*p) == (i+j+k)/(2*p) {
						es = append(es, networkExchange{i + j, i + j + k})
					}
				}
			}
		}
	}
	return es
}

// medianNetwork returns a network that finds the median of size × size values whose columns are sorted already, and the wire
// where it comes out. Wire rank·size + column holds a column's value of the rank. It sorts those of each rank, so that what
// cannot be the median is known by its place; sorts the rest; and leaves out every exchange that does not matter. That is found
// out by the 0-1 principle: a network of exchanges is right if it is for all inputs of zeros and ones, which are (size+1)^size
// where columns are sorted.
func medianNetwork(size int) ([]networkExchange, int) {
	var es []networkExchange
	for rank := range size {
		for _, e := range smallSorters[size] {
			es = append(es, networkExchange{rank*size + e.lo, rank*size + e.hi})
		}
	}
	// In a table whose rows and columns are sorted, the value at (i, j) is not less than (i+1)(j+1) of them.
	var left []int
	half := size*size/2 + 1
	for sum := range 2*size - 1 {
		for i := range size {
			if j := sum - i; j >= 0 && j < size && (i+1)*(j+1) <= half && (size-i)*(size-j) <= half {
				left = append(left, i*size+j)
			}
		}
	}
	for _, e := range oddEvenMerge(len(left)) {
		es = append(es, networkExchange{left[e.lo], left[e.hi]})
	}
	median := left[len(left)/2]
	inputs, want := sortedColumns(size)
	for i := len(es) - 1; i >= 0; i-- {
		if without := slices.Delete(slices.Clone(es), i, i+1); slices.Equal(evaluate(without, inputs, median), want) {
			es = without
		}
	}
	return es, median
}

// sortedColumns returns what stands on each wire in all inputs of zeros and ones with sorted columns, a bit for each, and the
// medians.
func sortedColumns(size int) (wires [][]uint64, median []uint64) {
	cases := 1
	for range size {
		cases *= size + 1
	}
	wires = make([][]uint64, size*size)
	for i := range wires {
		wires[i] = make([]uint64, (cases+63)/64)
	}
	median = make([]uint64, (cases+63)/64)
	for n := range cases {
		total := 0
		for column, rest := 0, n; column < size; column, rest = column+1, rest/(size+1) {
			ones := rest % (size + 1)
			total += ones
			for rank := size - ones; rank < size; rank++ {
				wires[rank*size+column][n/64] |= 1 << (n % 64)
			}
		}
		if total > size*size/2 {
			median[n/64] |= 1 << (n % 64)
		}
	}
	return wires, median
}

// evaluate returns what the network makes of the inputs on one wire.
func evaluate(es []networkExchange, inputs [][]uint64, wire int) []uint64 {
	needed := map[int]bool{wire: true}
	var used []networkExchange // from the last to the first
	for _, e := range slices.Backward(es) {
		if needed[e.lo] || needed[e.hi] {
			needed[e.lo], needed[e.hi] = true, true
			used = append(used, e)
		}
	}
	wires := make([][]uint64, len(inputs))
	for w := range needed {
		wires[w] = slices.Clone(inputs[w])
	}
	for _, e := range slices.Backward(used) {
		a, b := wires[e.lo], wires[e.hi]
		for i := range a {
			a[i], b[i] = a[i]&b[i], a[i]|b[i]
		}
	}
	return wires[wire]
}

// networkStep is one half of an exchange: value out is the lesser or the greater of values a and b.
type networkStep struct {
	greater   bool
	a, b, out int
}

// networkSteps returns the halves of exchanges that the wanted wires depend on. Values below inputs are what the wires begin with;
// results are the values on the wanted wires at the end.
func networkSteps(es []networkExchange, inputs int, wanted []int) (ss []networkStep, results []int) {
	wires := make([]int, inputs)
	for i := range wires {
		wires[i] = i
	}
	next := inputs
	for _, e := range es {
		a, b := wires[e.lo], wires[e.hi]
		ss = append(ss, networkStep{false, a, b, next}, networkStep{true, a, b, next + 1})
		wires[e.lo], wires[e.hi] = next, next+1
		next += 2
	}
	needed := make([]bool, next)
	for _, w := range wanted {
		results = append(results, wires[w])
		needed[wires[w]] = true
	}
	var used []networkStep
	for _, s := range slices.Backward(ss) {
		if needed[s.out] {
			needed[s.a], needed[s.b] = true, true
			used = append(used, s)
		}
	}
	slices.Reverse(used)
	return used, results
}
