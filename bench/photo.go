package bench

import (
	"bufio"
	"fmt"
	"io"
	"math"
)

// photo makes the rows of a picture that is like a photograph for an operation: soft gradients, things with edges, and noise. It is always
// the same for the same size.
type photo struct {
	width int
	y     int // the next row
	wave  []int
	noise uint32
}

func newPhoto(width int) *photo {
	p := &photo{width: width, wave: make([]int, 4096), noise: 1} // 4096 steps of a turn
	for i := range p.wave {
		p.wave[i] = int(math.Round(40 * math.Sin(float64(i)*2*math.Pi/float64(len(p.wave)))))
	}
	return p
}

// next writes the next row, red, green and blue of each pixel.
func (p *photo) next(row []byte) {
	at := func(i int) int { return p.wave[i&(len(p.wave)-1)] }
	y, noise := p.y, p.noise
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
			noise = noise*1664525 + 1013904223
			v := base + at(x+y/2+1024*c)/2 + int(noise>>28) - 8
			row[3*x+c] = byte(min(max(v, 0), 255))
		}
	}
	p.y, p.noise = y+1, noise
}

// Photo makes a picture of the given size that is like a photograph for an operation.
func Photo(width, height int) ([][]byte, error) {
	picture, _, err := rows(3*width, height)
	if err != nil {
		return nil, err
	}
	p := newPhoto(width)
	for _, row := range picture {
		p.next(row)
	}
	return picture, nil
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
