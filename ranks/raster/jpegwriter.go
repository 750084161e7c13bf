package raster

import (
	"bufio"
	"image"
	"image/jpeg"
	"io"
)

// jpegWriter holds the whole picture until Finish.
type jpegWriter struct {
	w     io.Writer
	out   Output
	order inOrder
	gray  *image.Gray
	rgba  *image.RGBA
}

func (w *jpegWriter) Direct() bool { return false }
func (w *jpegWriter) Abort()       {}

func (w *jpegWriter) Begin() error {
	bounds := image.Rect(0, 0, w.out.Width, w.out.Height)
	if w.out.Channels == 1 {
		w.gray = image.NewGray(bounds)
	} else {
		w.rgba = image.NewRGBA(bounds)
	}
	return nil
}

func (w *jpegWriter) WriteRows(y int, rows [][]byte) error {
	if err := w.order.take(y, len(rows)); err != nil {
		return err
	}
	for i, row := range rows {
		if w.gray != nil {
			copy(w.gray.Pix[(y+i)*w.gray.Stride:], row)
			continue
		}
		dst := w.rgba.Pix[(y+i)*w.rgba.Stride:]
		for x := range w.out.Width {
			d, s := dst[4*x:4*x+4], row[3*x:3*x+3]
			d[0], d[1], d[2], d[3] = s[0], s[1], s[2], 255
		}
	}
	return nil
}

func (w *jpegWriter) Finish() error {
	if err := w.order.complete(); err != nil {
		return err
	}
	var img image.Image = w.rgba
	if w.gray != nil {
		img = w.gray
	}
	b := bufio.NewWriterSize(w.w, 1<<20)
	if err := jpeg.Encode(b, img, &jpeg.Options{Quality: w.out.Quality}); err != nil {
		return err
	}
	return b.Flush()
}
