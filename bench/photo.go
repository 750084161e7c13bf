package bench

import (
	"bufio"
	"fmt"
	"io"
	"math"
)

// Photo makes a picture of the given size that is like a photograph for an operation: soft gradients, things with edges, and noise. It
// is always the same for the same size.
func Photo(width, height int) ([][]byte, error) {
	picture, _, err := rows(3*width, height)
	if err != nil {
		return nil, err
	}
	p := newPainter(width)
	for y, row := range picture {
		p.row(y, row)
	}
	return picture, nil
}

// painter paints the rows of Photo's pictures, in any order. Several goroutines may use it at once.
type painter struct {
	width int
	wave  []int
}

// newPainter returns a painter for pictures of a width.
func newPainter(width int) *painter {
	p := &painter{width: width, wave: make([]int, 4096)} // 4096 steps of a turn
	for i := range p.wave {
		p.wave[i] = int(math.Round(40 * math.Sin(float64(i)*2*math.Pi/float64(len(p.wave)))))
	}
	return p
}

// row paints row y, three samples a pixel.
func (p *painter) row(y int, row []byte) {
	at := func(i int) int { return p.wave[i&(len(p.wave)-1)] }
	noise := noiseAfter(3 * uint64(p.width) * uint64(y))
	for x := range p.width {
		// Discs in squares of 512 pixels, each of its own size and brightness.
		cx, cy := x&511-256, y&511-256
		of := uint32(x>>9)*2654435761 ^ uint32(y>>9)*40503
		thing := 0
		if r := int(of>>8&127) + 60; cx*cx+cy*cy < r*r {
			thing = int(of>>16&127) - 64
		}
		base := 118 + at(x*2+y) + at(y*3-x/2)/2 + thing
		for c := range 3 {
			noise = noise*noiseFactor + noiseStep
			v := base + at(x+y/2+1024*c)/2 + int(noise>>28) - 8
			row[3*x+c] = byte(min(max(v, 0), 255))
		}
	}
}

// The noise is one sequence of a linear congruential generator through the whole picture.
const noiseFactor, noiseStep = 1664525, 1013904223

// noiseAfter returns the generator's state after n steps from 1, in about log n of them: two steps are one of another generator.
func noiseAfter(n uint64) uint32 {
	state, factor, step := uint32(1), uint32(noiseFactor), uint32(noiseStep)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			state = state*factor + step
		}
		step *= factor + 1
		factor *= factor
	}
	return state
}

// WritePPM writes a picture of three channels.
func WritePPM(w io.Writer, picture [][]byte) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "P6\n%d %d\n255\n", len(picture[0])/3, len(picture))
	for _, row := range picture {
		_, _ = b.Write(row) // Flush tells
	}
	return b.Flush()
}
