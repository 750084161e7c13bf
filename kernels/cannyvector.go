package kernels

import (
	"encoding/binary"
	"unsafe"
)

// cannyChunk is how many blocks of a row one call of assembly takes: it cannot be interrupted.
const cannyChunk = 1 << 14

// The parts of a block's gradients, in bytes.
const (
	partEvenX = 0
	partOddX  = blockPixels
	partEvenY = 2 * blockPixels
	partOddY  = 3 * blockPixels
)

// differentiateBlocks computes the gradients of count blocks from the given one on. The pointers are to the samples left of the first
// block, good for a sample beyond the last.
func (c *cannySetup) differentiateBlocks(g *gradients, block, count int, above, here, below *byte) {
	compute := cannyGradientsAVX512
	switch {
	case path >= isaAVX512 && c.l2:
		compute = cannyGradientsL2AVX512
	case path >= isaAVX512:
	case path >= isaAVX2 && c.l2:
		compute = cannyGradientsL2AVX2
	case path >= isaAVX2:
		compute = cannyGradientsAVX2
	default:
		c.differentiateWords(g, block, count, above, here, below)
		return
	}
	for done := 0; done < count; done += cannyChunk {
		n := min(cannyChunk, count-done)
		first := done * blockPixels
		compute(c.place(g.even, block+done), c.place(g.odd, block+done), at(g.parts, (block+done)*partBytes, n*partBytes),
			at(g.active, block+done, n), add(above, first), add(here, first), add(below, first), int(c.low), n)
	}
}

// place returns where a plane has the magnitudes of a block.
func (c *cannySetup) place(plane []byte, block int) *byte {
	n := blockPixels / 2 * c.size
	return at(plane, planePad+block*n, n)
}

// add returns p + n.
func add(p *byte, n int) *byte { return (*byte)(unsafe.Add(unsafe.Pointer(p), n)) }

const signs = 0x8000 * ones // of the lanes

// differentiateWords is differentiateBlocks in Go, eight pixels at a time.
func (c *cannySetup) differentiateWords(g *gradients, block, count int, above, here, below *byte) {
	unreached := (0x7fff - uint64(c.low)) * ones // what makes a lane's highest bit tell whether a magnitude exceeds low
	for i := range count {
		parts := at(g.parts, (block+i)*partBytes, partBytes)
		even, odd := c.place(g.even, block+i), c.place(g.odd, block+i)
		active := byte(0)
		for j := 0; j < blockPixels; j += wordsz {
			x := i*blockPixels + j
			// From the samples left of the even pixels to those right of the odd pixels beside them.
			left, right := load(above, x), load(above, x+2)
			a0, a1, a2, a3 := left&lanes, left>>8&lanes, right&lanes, right>>8&lanes
			left, right = load(below, x), load(below, x+2)
			b0, b1, b2, b3 := left&lanes, left>>8&lanes, right&lanes, right>>8&lanes
			evenY := (b0 + 2*b1 + b2 | signs) - (a0 + 2*a1 + a2)
			oddY := (b1 + 2*b2 + b3 | signs) - (a1 + 2*a2 + a3)
			left, right = load(here, x), load(here, x+2)
			evenX := (a2 + 2*(right&lanes) + b2 | signs) - (a0 + 2*(left&lanes) + b0)
			oddX := (a3 + 2*(right>>8&lanes) + b3 | signs) - (a1 + 2*(left>>8&lanes) + b1)
			var over bool
			if c.l2 {
				overEven := squares(add(even, 2*j), evenX^signs, evenY^signs, c.low)
				over = squares(add(odd, 2*j), oddX^signs, oddY^signs, c.low) || overEven
			} else {
				evenMag, oddMag := absolute(evenX)+absolute(evenY), absolute(oddX)+absolute(oddY)
				store(even, j, evenMag)
				store(odd, j, oddMag)
				over = ((evenMag+unreached)|(oddMag+unreached))&signs != 0
			}
			if over {
				active = 1
				store(parts, partEvenX+j, evenX^signs)
				store(parts, partOddX+j, oddX^signs)
				store(parts, partEvenY+j, evenY^signs)
				store(parts, partOddY+j, oddY^signs)
			}
		}
		g.active[block+i] = active
	}
}

// absolute returns the absolute value of each lane, whose highest bit is set if it is not negative.
func absolute(biased uint64) uint64 {
	negative := ^biased & signs >> 15
	return (biased ^ signs ^ negative*0xffff) + negative
}

// squares stores the lanes' sums of squares and tells whether one of them exceeds low.
func squares(p *byte, dx, dy uint64, low int32) bool {
	m0, m1 := square(dx, dy), square(dx>>16, dy>>16)
	m2, m3 := square(dx>>32, dy>>32), square(dx>>48, dy>>48)
	store(p, 0, uint64(m0)|uint64(m1)<<32)
	store(p, wordsz, uint64(m2)|uint64(m3)<<32)
	return (low-m0)|(low-m1)|(low-m2)|(low-m3) < 0
}

// square returns dx²+dy² for the lowest lane.
func square(dx, dy uint64) int32 {
	x, y := int32(int16(dx)), int32(int16(dy))
	return x*x + y*y
}

// labelBlocks labels count blocks of a row from the given one on into dst.
func (c *cannySetup) labelBlocks(dst *byte, above, here, below *gradients, block, count int) {
	compute := cannyLabelsAVX512
	switch {
	case path >= isaAVX512 && c.l2:
		compute = cannyLabelsL2AVX512
	case path >= isaAVX512:
	case path >= isaAVX2 && c.l2:
		compute = cannyLabelsL2AVX2
	case path >= isaAVX2:
		compute = cannyLabelsAVX2
	default:
		c.labelWords(dst, above, here, below, block, count)
		return
	}
	for done := 0; done < count; done += cannyChunk {
		n, b := min(cannyChunk, count-done), block+done
		compute(add(dst, done*blockPixels), c.place(here.even, b), c.place(here.odd, b),
			c.place(above.even, b), c.place(above.odd, b), c.place(below.even, b), c.place(below.odd, b),
			at(here.parts, b*partBytes, n*partBytes), at(here.active, b, n), int(c.low), int(c.high), n)
	}
}

// labelWords is labelBlocks in Go, eight pixels at a time; with squares, which do not fit 16 bits, one pixel after the other.
func (c *cannySetup) labelWords(dst *byte, above, here, below *gradients, block, count int) {
	low, high := uint64(c.low)*ones, uint64(c.high)*ones
	for i := range count {
		out := add(dst, i*blockPixels)
		if here.active[block+i] == 0 {
			clear(unsafe.Slice(out, blockPixels))
			continue
		}
		n := neighbourhood{parts: at(here.parts, (block+i)*partBytes, partBytes)}
		for j, g := range []*gradients{above, here, below} {
			n.planes[j] = [2]*byte{c.place(g.even, block+i), c.place(g.odd, block+i)}
		}
		for j := 0; j < blockPixels; j += wordsz {
			labels := uint64(0)
			if c.l2 {
				for x := range wordsz {
					labels |= c.labelOne(&n, j+x) << (8 * x)
				}
			} else if even, odd := load(n.planes[1][0], j), load(n.planes[1][1], j); (exceeds(even, low)|exceeds(odd, low))&signs != 0 {
				labels = interleave(n.labelLanes(j, 0, low, high), n.labelLanes(j, 1, low, high))
			}
			store(out, j, labels)
		}
	}
}

// neighbourhood is where the gradients of a block and those around stand.
type neighbourhood struct {
	planes [3][2]*byte // of the row above, the block's and the row below: even, odd
	parts  *byte
}

// exceeds sets the highest bit of the lanes where a > b; both are less than 2^15. The other bits mean nothing.
func exceeds(a, b uint64) uint64 { return (a | signs) - b - ones }

// labelLanes returns in 16-bit lanes the labels of the four pixels of a parity among the eight from pixel x of a block on. Its
// masks are the lanes' highest bits.
func (n *neighbourhood) labelLanes(x, parity int, low, high uint64) uint64 {
	other, left, right := 1-parity, x-2+2*parity, x+2*parity
	m := load(n.planes[1][parity], x)
	part := add(n.parts, x+parity*(partOddX-partEvenX))
	dx, dy := load(part, 0), load(part, partEvenY)
	ax, ay := absolute(dx^signs), absolute(dy^signs)
	// ⌊|dx|·tan 22.5°⌋; the products take two lanes.
	const half = 0x0000ffff0000ffff
	q := ax & half * tan225 >> 15 & half
	q |= ax >> 16 & half * tan225 >> 15 & half << 16
	// |dy|·2^15 < |dx|·tan225 if |dy| ≤ q, and likewise for steep gradients: tan225 is odd, so that only dx = 0 makes the product a
	// multiple of 2^15, and without a gradient at all there is no peak.
	sloping, steep, falling := exceeds(ay, q), exceeds(ay, q+2*ax), dx^dy
	across := exceeds(m, load(n.planes[1][other], left)) & exceeds(m+ones, load(n.planes[1][other], right))
	upright := exceeds(m, load(n.planes[0][parity], x)) & exceeds(m+ones, load(n.planes[2][parity], x))
	down := exceeds(m, load(n.planes[0][other], right)) & exceeds(m, load(n.planes[2][other], left))
	up := exceeds(m, load(n.planes[0][other], left)) & exceeds(m, load(n.planes[2][other], right))
	peak := across&^sloping | upright&steep | (down&falling|up&^falling)&sloping&^steep
	peak &= exceeds(m, low) & signs
	strong := exceeds(m, high)
	return peak&^strong>>15*labelCandidate | peak&strong>>15*labelStrong
}

// labelOne returns the label of pixel x of a block.
func (c *cannySetup) labelOne(n *neighbourhood, x int) uint64 {
	i, parity := x/2, x&1
	m := c.magnitude(n.planes[1][parity], i)
	if m <= c.low {
		return labelNone
	}
	// The pixels beside stand in the other plane, the left one of an even pixel a place before it.
	other, left, right := 1-parity, i-1+parity, i+parity
	part := add(n.parts, 2*i+parity*(partOddX-partEvenX))
	dx, dy := int32(int16(load16(part, 0))), int32(int16(load16(part, partEvenY)))
	flat := max(dx, -dx) * tan225
	steep := flat + max(dx, -dx)<<16
	rise := max(dy, -dy) << 15
	var before, after int32
	equal := int32(0) // 1 where the second neighbour may be as large
	switch {
	case rise < flat:
		before, after, equal = c.magnitude(n.planes[1][other], left), c.magnitude(n.planes[1][other], right), 1
	case rise > steep:
		before, after, equal = c.magnitude(n.planes[0][parity], i), c.magnitude(n.planes[2][parity], i), 1
	case dx^dy < 0:
		before, after = c.magnitude(n.planes[0][other], right), c.magnitude(n.planes[2][other], left)
	default:
		before, after = c.magnitude(n.planes[0][other], left), c.magnitude(n.planes[2][other], right)
	}
	switch {
	case m <= before || m+equal <= after:
		return labelNone
	case m > c.high:
		return labelStrong
	default:
		return labelCandidate
	}
}

// magnitude returns the i-th magnitude after p.
func (c *cannySetup) magnitude(p *byte, i int) int32 {
	if c.l2 {
		return int32(binary.LittleEndian.Uint32((*[4]byte)(unsafe.Pointer(add(p, 4*i)))[:]))
	}
	return int32(load16(p, 2*i))
}

// load16 is load for 16 bits.
func load16(p *byte, i int) uint16 {
	return binary.LittleEndian.Uint16((*[2]byte)(unsafe.Pointer(add(p, i)))[:])
}
