package bench

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxSyntheticSide   = 1 << 24
	maxSyntheticPixels = 1 << 36 // as many as run takes without being asked
)

// ParseSynthetic reads an INPUT such as synthetic:40000x30000, which stands for a picture like Photo's of that size. ok tells whether s is
// meant to be one; any other s names a file.
func ParseSynthetic(s string) (width, height int, ok bool, err error) {
	size, ok := strings.CutPrefix(s, "synthetic:")
	if !ok {
		return 0, 0, false, nil
	}
	w, h, _ := strings.Cut(size, "x")
	width, errW := strconv.Atoi(w)
	height, errH := strconv.Atoi(h)
	if errW != nil || errH != nil || !digits(w) || !digits(h) || width < 1 || height < 1 {
		return 0, 0, true, fmt.Errorf("%.40q is not synthetic:WIDTHxHEIGHT, such as synthetic:40000x30000", s)
	}
	if width > maxSyntheticSide || height > maxSyntheticSide || width > maxSyntheticPixels/height {
		return 0, 0, true, fmt.Errorf("%.40s is beyond the limits: 2^24 pixels a side, 2^36 in all", s)
	}
	return width, height, true, nil
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// WriteSynthetic writes the picture of that size as PPM. It holds few rows at a time, however large the picture is.
func WriteSynthetic(ctx context.Context, w io.Writer, width, height int) error {
	if _, err := fmt.Fprintf(w, "P6\n%d %d\n255\n", width, height); err != nil {
		return err
	}
	return synthetic(ctx, width, height, func(_ int, rows [][]byte) error {
		_, err := w.Write(rows[0][:len(rows)*3*width])
		return err
	})
}

// synthetic hands the picture to write, some rows at a time that lie side by side in memory.
func synthetic(ctx context.Context, width, height int, write func(y int, rows [][]byte) error) error {
	rows := rowBlock(3*width, height)
	p := NewPainter(width)
	for y := 0; y < height; y += len(rows) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rows = rows[:min(len(rows), height-y)]
		for i, row := range rows {
			p.Row(y+i, row)
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
