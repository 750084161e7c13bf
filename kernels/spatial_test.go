package kernels

import (
	"bytes"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"halorun/kernels/simd/simdtest"
)

// awkwardLengths are around the sizes of registers and of loops' blocks.
var awkwardLengths = []int{
	1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 127, 128, 129, 160, 191, 255, 256, 257, 319, 320, 321, 511, 513, 640, 777,
}

// TestExtremeRows: the least and greatest of many bytes at a time are those of one after the other, also where the first row is
// changed in place.
func TestExtremeRows(t *testing.T) {
	for name, f := range map[string]func(dst *byte, rows []*byte, n int, greatest bool){
		path.String(): extremeRows, "words": extremeRowsWords,
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 1))
			for _, n := range awkwardLengths {
				for count := 1; count < 7; count++ {
					for kind := range 4 {
						greatest, inPlace := kind%2 == 1, kind/2 == 1
						rows, pointers := make([][]byte, count), make([]*byte, count)
						for i := range rows {
							rows[i], _ = guarded(rng, n)
							pointers[i] = &rows[i][0]
						}
						want := slices.Clone(rows[0])
						for _, row := range rows[1:] {
							for i, v := range row {
								if greatest {
									want[i] = max(want[i], v)
								} else {
									want[i] = min(want[i], v)
								}
							}
						}
						dst, intact := guarded(rng, n)
						if inPlace {
							copy(dst, rows[0])
							pointers[0] = &dst[0]
						}
						f(&dst[0], pointers, n, greatest)
						if !bytes.Equal(dst, want) || !intact() {
							t.Fatalf("%d rows of %d, greatest %t, in place %t: %v, want %v", count, n, greatest, inPlace, dst, want)
						}
					}
				}
			}
		})
	}
}

// TestSquares: the extremes of squares in one go are those of their samples; nothing beyond the rows is read.
func TestSquares(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	for _, size := range []int{3, 5, 7} {
		for _, greatest := range []bool{false, true} {
			squares := squaresOf(size, greatest)
			if squares == nil {
				continue
			}
			memory := make([][]byte, size)
			for i := range memory {
				memory[i] = simdtest.Fenced(t, 800, false)
			}
			for _, n := range awkwardLengths {
				for _, channels := range []int{1, 3} {
					if n < squaresLeast {
						continue
					}
					rows, first := make([][]byte, size), make([]*byte, size)
					for i := range rows {
						rows[i] = memory[i][800-n-(size-1)*channels:]
						first[i] = &rows[i][0]
						for x := range rows[i] {
							rows[i][x] = byte(rng.IntN(256))
						}
					}
					dst, intact := guarded(rng, n)
					squares(&dst[0], &first[0], channels, n)
					for x, got := range dst {
						want := rows[0][x]
						for _, row := range rows {
							for j := range size {
								if v := row[x+j*channels]; (v > want) == greatest {
									want = v
								}
							}
						}
						if got != want || !intact() {
							t.Fatalf("size %d, %d channels, sample %d of %d, greatest %t: %d, want %d", size, channels, x, n, greatest, got, want)
						}
					}
				}
			}
		}
	}
}

// TestWindowPasses: every sample of a window is in it after the passes, and no other.
func TestWindowPasses(t *testing.T) {
	for size := 1; size < 256; size++ {
		covered := map[int]bool{0: true}
		for _, pass := range windowPasses(size, 3) {
			next := map[int]bool{}
			for _, d := range pass {
				for at := range covered {
					next[at+d] = true
				}
			}
			covered = next
		}
		if len(covered) != size {
			t.Errorf("size %d: %d samples", size, len(covered))
		}
		for i := range size {
			if !covered[3*i] {
				t.Errorf("size %d lacks sample %d", size, i)
			}
		}
	}
}

// TestBoxSums: sums of many columns and along rows are those of one after the other, up to the largest.
func TestBoxSums(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, n := range append(awkwardLengths, boxChunk-1, boxChunk+49) {
		plus, _ := guarded(rng, n)
		minus, _ := guarded(rng, n)
		sums, want := make([]uint32, n+1), make([]uint32, n+1)
		for i := range sums {
			sums[i] = 255 + uint32(rng.IntN(1023*255))
			want[i] = sums[i]
			if i < n {
				want[i] += uint32(plus[i]) - uint32(minus[i])
			}
		}
		boxColumns(sums[:n], plus, minus)
		if !slices.Equal(sums, want) {
			t.Fatalf("%d columns: %v, want %v", n, sums, want)
		}
	}
	for name, f := range map[string]func(dst []byte, front, back []uint32, carry *boxCarry, scale float32, channels int){
		path.String(): boxRow, "words": boxRowWords,
	} {
		for _, channels := range []int{1, 3} {
			for _, n := range []int{0, 8, 16, 24, 32, 40, 128, 136, boxChunk + 24} {
				// Samples of up to 255 make sums up to 255·1023².
				const size = 1023
				columns := make([]uint32, n+size*channels)
				for i := range columns {
					columns[i] = uint32(rng.IntN(size*255 + 1))
					if rng.IntN(2) == 0 {
						columns[i] = size * 255
					}
				}
				carry, sums := &boxCarry{}, make([]uint32, channels)
				for i, v := range columns[:size*channels] {
					sums[i%channels] += v
				}
				for i := range carry {
					carry[i] = sums[i%channels]
				}
				front, back := columns[size*channels:], columns[:n]
				scale := float32(1.0 / (size * size))
				dst, intact := guarded(rng, n)
				f(dst, front, back, carry, scale, channels)
				for i, got := range dst {
					sums[i%channels] += front[i] - back[i]
					if want := byte(math.RoundToEven(float64(float32(sums[i%channels]) * scale))); got != want {
						t.Fatalf("%s, %d channels, sample %d of %d: %d, want %d", name, channels, i, n, got, want)
					}
				}
				if !intact() {
					t.Fatalf("%s, %d channels, %d samples: it writes more", name, channels, n)
				}
				for i := range 8 {
					if want := sums[(n+i)%channels]; carry[i] != want {
						t.Fatalf("%s, %d channels, %d samples: carry %d is %d, want %d", name, channels, n, i, carry[i], want)
					}
				}
			}
		}
	}
}

// TestMedianNetworks: sorted columns are sorted, and the medians are those of all samples.
func TestMedianNetworks(t *testing.T) { eachVectorPath(t, medianNetworks) }

func medianNetworks(t *testing.T, by isa) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, size := range []int{3, 5, 7} {
		m := newMedianNetwork(size, Shape{1000, 9, 3}, by)
		for _, n := range awkwardLengths {
			if n < medianLeast {
				continue
			}
			for _, channels := range []int{1, 3} {
				width := n + (size-1)*channels
				rows := make([][]byte, size)
				for i := range rows {
					rows[i], _ = guarded(rng, width)
					m.rows[i] = &rows[i][0]
				}
				m.sort(&m.ranks[0], unsafe.SliceData(m.rows), width)
				column, square := make([]byte, size), []byte{}
				for x := range width {
					for i, row := range rows {
						column[i] = row[x]
					}
					slices.Sort(column)
					for rank, want := range column {
						if got := m.ranks[rank*rankStride+x]; got != want {
							t.Fatalf("size %d, sample %d of %d, rank %d: %d, want %d", size, x, width, rank, got, want)
						}
					}
				}
				dst, intact := guarded(rng, n)
				m.merge(&dst[0], &m.ranks[0], channels, n)
				for x, got := range dst {
					square = square[:0]
					for _, row := range rows {
						for j := range size {
							square = append(square, row[x+j*channels])
						}
					}
					slices.Sort(square)
					if want := square[len(square)/2]; got != want {
						t.Fatalf("size %d, %d channels, sample %d of %d: %d, want %d", size, channels, x, n, got, want)
					}
				}
				if !intact() {
					t.Fatalf("size %d, %d samples: it writes more", size, n)
				}
			}
		}
	}
}

// TestMedianHistograms: histograms slide, and medians come out of them, as they do in Go.
func TestMedianHistograms(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, size := range []int{3, 9, 41, 255} {
		for _, pixels := range []int{1, 2, 31, 100} {
			m := newMedianHistograms(size, Shape{pixels, 9, 1})
			columns := pixels + size - 1
			a, b := newColumnHistograms(columns), newColumnHistograms(columns)
			a.countZeros(size)
			b.countZeros(size)
			samples, zeros := make([][]byte, size), make([]byte, columns)
			spread := 1 + rng.IntN(256)
			for i := range samples {
				samples[i] = make([]byte, columns)
				for j := range samples[i] {
					samples[i][j] = byte(255 - rng.IntN(spread))
				}
				a.slide(samples[i], zeros)
				b.slideWords(samples[i], zeros)
			}
			for _, old := range samples {
				next := make([]byte, columns)
				for j := range next {
					next[j] = byte(rng.IntN(256))
				}
				a.slide(next, old)
				b.slideWords(next, old)
				if !bytes.Equal(a.planes, b.planes) {
					t.Fatalf("size %d, %d pixels: histograms differ", size, pixels)
				}
				got, want := make([]byte, 3*pixels+1), make([]byte, 3*pixels+1)
				m.in.Channels = 3
				m.row(got, &a, pixels)
				m.rowWords(want, &b, pixels)
				if !bytes.Equal(got, want) {
					t.Fatalf("size %d, %d pixels: %v, want %v", size, pixels, got, want)
				}
			}
		}
	}
}

// TestBilateralRow: pixels at a time are filtered as one after the other.
func TestBilateralRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, c := range []int{1, 3} {
		for _, radius := range []int{1, 4, 31} {
			for _, width := range []int{1, 7, 8, 9, 15, 16, 17, 33, 512} {
				for _, sigma := range []float64{0.1, 3, 75, 1e4} {
					a := newBilateral(radius, sigma, 2*sigma, c).Bind(Shape{width, 99, c}).(*bilateralApplier)
					for i := range a.planes {
						a.planes[i] = byte(rng.IntN(256))
					}
					got, intact := guarded(rng, width*c)
					want := make([]byte, width*c)
					a.row(got, a.rowStride)
					a.rowWords(want, a.rowStride)
					if !bytes.Equal(got, want) || !intact() {
						t.Fatalf("%d channels, radius %d, width %d, sigma %v: %v, want %v", c, radius, width, sigma, got, want)
					}
				}
			}
		}
	}
}

// TestMultiplyAdd: there is one rounding, also where that of float64 falls in the middle between two float32.
func TestMultiplyAdd(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	middles := 0
	for range 200000 {
		v, w := float32(rng.IntN(256)), math.Ldexp(1+rng.Float64(), -rng.IntN(110))
		sum := math.Ldexp(1+rng.Float64(), rng.IntN(20)-rng.IntN(110))
		if rng.IntN(2) == 0 { // the product is half of the sum's last bit, and a little
			v = 1
			sum = 1 + math.Ldexp(float64(rng.IntN(1<<23)), -23)
			w = math.Ldexp(1+math.Ldexp(float64(rng.IntN(3)-1), -23), -24)
			if rng.IntN(2) == 0 {
				v, w = 255, math.Ldexp(1, -24-rng.IntN(30))
			}
		}
		w32, sum32 := float32(w), float32(sum)
		exact := new(big.Float).SetPrec(500).SetFloat64(float64(v))
		exact.Mul(exact, big.NewFloat(float64(w32)))
		exact.Add(exact, big.NewFloat(float64(sum32)))
		want, _ := exact.Float32()
		if isMiddle(float64(v)*float64(w32) + float64(sum32)) {
			middles++
		}
		if got := multiplyAdd(v, w32, sum32); got != want {
			t.Fatalf("%v·%v + %v: %v, want %v", v, w32, sum32, got, want)
		}
	}
	if middles < 100 {
		t.Errorf("only %d middles", middles)
	}
}

// TestLargestSizes: windows may be much larger than the picture.
func TestLargestSizes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, op := range []string{
		"box:size=255", "box:size=1023", "median:size=255", "erode:size=255", "dilate:size=255", "open:size=255", "close:size=101",
		"gradient:size=255", "tophat:size=255", "blackhat:size=101", "bilateral:d=63",
	} {
		for _, s := range []Shape{{1, 1, 1}, {1, 1, 3}, {13, 1, 3}, {1, 7, 1}, {2, 2, 3}, {11, 3, 3}} {
			rows := noisy(rng, s)
			got, _ := runChain(t, []string{op}, rows, s)
			if diff := difference(got, reference(t, []string{op}, rows, s)); diff != "" {
				t.Errorf("%s on %v: %s", op, s, diff)
			}
		}
	}
}

// TestRowsInAnyOrder: what is kept from one call to the next is of use only if the next rows are asked for.
func TestRowsInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	s := Shape{600, 60, 3}
	rows := noisy(rng, s)
	forgetful := newMedianHistograms(9, s)
	forgetful.kept, forgetful.strips = false, forgetful.strips[:1]
	for _, c := range []struct {
		name string
		op   Op
		a    Applier
	}{
		{"box", boxFilter{9}, boxFilter{9}.Bind(s)},
		{"median of 5", medianFilter{5}, medianFilter{5}.Bind(s)},
		{"median", medianFilter{9}, medianFilter{9}.Bind(s)},
		{"median that forgets", medianFilter{9}, forgetful},
		{"tophat", morphologicalDifference{rectangle{9, 9}, nil, []bool{erosion, dilation}}, nil},
		{"bilateral", newBilateral(3, 75, 75, 3), nil},
	} {
		if c.a == nil {
			c.a = c.op.Bind(s)
		}
		apply := func(a Applier, out Rows) [][]byte {
			var src [][]byte
			in := c.op.InRows(out)
			for y := in.Lo; y < in.Hi; y++ {
				src = append(src, rows[c.op.Border().At(y, s.Height)])
			}
			dst := makeRows(Shape{s.Width, out.Len(), s.Channels})
			a.Apply(dst, src, out)
			return dst
		}
		whole := apply(c.op.Bind(s), Rows{0, s.Height})
		for _, out := range []Rows{{0, 1}, {1, 9}, {9, 50}, {3, 4}, {4, 5}, {50, 60}, {0, 60}, {59, 60}} {
			if diff := difference(apply(c.a, out), whole[out.Lo:out.Hi]); diff != "" {
				t.Errorf("%s, rows %v: %s", c.name, out, diff)
			}
		}
	}
}

// BenchmarkSpatial runs the operations on a picture in memory.
func BenchmarkSpatial(b *testing.B) {
	s := Shape{4096, 512, 3}
	rng := rand.New(rand.NewPCG(9, 9))
	src, dst := makeRows(s), makeRows(s)
	for y, row := range src {
		for i := range row {
			row[i] = byte(88 + 80*((i/270+y/40)%2) + rng.IntN(17))
			dst[y][i] = 1
		}
	}
	for _, op := range []string{
		"box:size=5", "box:size=255", "median:size=3", "median:size=5", "median:size=7", "median:size=9", "median:size=31", "median:size=101",
		"erode:size=3", "erode:size=5", "erode:size=31", "open:size=5", "gradient:size=5", "tophat:size=5", "bilateral",
	} {
		b.Run(op, func(b *testing.B) {
			chain, err := Parse([]string{op})
			if err != nil {
				b.Fatal(err)
			}
			r, err := chain.NewRunner(s, 1)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(s.Height * s.RowBytes()))
			for b.Loop() {
				if err := r.Run(dst, src); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(s.Width*s.Height)/1e6/b.Elapsed().Seconds(), "Mpx/s")
		})
	}
}
