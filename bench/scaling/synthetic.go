package scaling

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"

	"halorun/bench"
	"halorun/ranks/raster"
)

// Size is that of a picture to be painted.
type Size struct{ Width, Height int }

// ParseSynthetic reads synthetic:40000x30000. ok tells whether s begins like it.
func ParseSynthetic(s string) (size Size, ok bool, err error) {
	size.Width, size.Height, ok, err = bench.ParseSynthetic(s)
	return size, ok, err
}

func (s Size) header() string { return fmt.Sprintf("P6\n%d %d\n255\n", s.Width, s.Height) }

func (s Size) bytes() int64 {
	return int64(len(s.header())) + 3*int64(s.Width)*int64(s.Height)
}

// outline writes a PPM of the size that has no pixels yet, and takes no room, which tells whether a job would take it.
func (s Size) outline(name string) error {
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

// paint fills the outline. The picture is the same each time, whoever paints it.
func (s Size) paint(ctx context.Context, name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := raster.Reserve(f, s.bytes()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	painter := bench.NewPainter(s.Width)
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
				painter.Row(y+i, b[i*rowBytes:][:rowBytes])
			}
			_, err := f.WriteAt(b, head+int64(y)*int64(rowBytes))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}
