package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"halorun/ranks/raster"
)

const (
	maxSyntheticSide   = 1 << 24
	maxSyntheticPixels = 1 << 36 // as many as run takes without being asked
)

// Size is that of a picture to be painted.
type Size struct{ Width, Height int }

// ParseSynthetic reads an INPUT such as synthetic:40000x30000, which stands for a picture like Photo's of that size. ok tells whether s is
// meant to be one; any other s names a file.
func ParseSynthetic(s string) (size Size, ok bool, err error) {
	text, ok := strings.CutPrefix(s, "synthetic:")
	if !ok {
		return Size{}, false, nil
	}
	w, h, _ := strings.Cut(text, "x")
	width, errW := strconv.Atoi(w)
	height, errH := strconv.Atoi(h)
	if errW != nil || errH != nil || !digits(w) || !digits(h) || width < 1 || height < 1 {
		return Size{}, true, fmt.Errorf("%.40q is not synthetic:WIDTHxHEIGHT, such as synthetic:40000x30000", s)
	}
	if width > maxSyntheticSide || height > maxSyntheticSide || width > maxSyntheticPixels/height {
		return Size{}, true, fmt.Errorf("%.40s is beyond the limits: 2^24 pixels a side, 2^36 in all", s)
	}
	return Size{width, height}, true, nil
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func (s Size) header() string { return fmt.Sprintf("P6\n%d %d\n255\n", s.Width, s.Height) }

func (s Size) bytes() int64 {
	return int64(len(s.header())) + 3*int64(s.Width)*int64(s.Height)
}

// Outline writes a PPM of the size that has no pixels yet, and takes no room, which tells whether a job would take it.
func (s Size) Outline(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteString(s.header()); err != nil {
		return err
	}
	return f.Truncate(s.bytes())
}

// paintBytes is about how much is painted at a time.
const paintBytes = 4 << 20

// Paint fills the outline with the picture, by several rows at a time.
func (s Size) Paint(ctx context.Context, name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := raster.Reserve(f, s.bytes()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p := newPainter(s.Width)
	rowBytes, head := 3*s.Width, int64(len(s.header()))
	rows := max(1, paintBytes/rowBytes)
	g, painting := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for y := 0; y < s.Height && painting.Err() == nil; y += rows {
		g.Go(func() error {
			n := min(rows, s.Height-y)
			b := make([]byte, n*rowBytes)
			for i := range n {
				if painting.Err() != nil {
					return painting.Err()
				}
				p.row(y+i, b[i*rowBytes:][:rowBytes])
			}
			_, err := f.WriteAt(b, head+int64(y)*int64(rowBytes))
			return err
		})
	}
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return context.Cause(ctx)
}

// synthetic hands the picture to write, some rows at a time that lie side by side in memory.
func synthetic(ctx context.Context, size Size, write func(y int, rows [][]byte) error) error {
	rows := rowBlock(3*size.Width, size.Height)
	p := newPainter(size.Width)
	for y := 0; y < size.Height; y += len(rows) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rows = rows[:min(len(rows), size.Height-y)]
		for i, row := range rows {
			p.row(y+i, row)
		}
		if err := write(y, rows); err != nil {
			return err
		}
	}
	return nil
}

// rowBlock returns about a mebibyte of rows that lie side by side, at least one and at most n.
func rowBlock(rowBytes, n int) [][]byte {
	n = min(max(1, 1<<20/rowBytes), n)
	all := make([]byte, n*rowBytes)
	rows := make([][]byte, n)
	for i := range rows {
		rows[i] = all[i*rowBytes : (i+1)*rowBytes]
	}
	return rows
}
