package raster

import (
	"errors"
	"os"
)

// ReadBack reads rows from y on of a picture that a direct writer has written to f, as they were given to WriteRows.
func (o Output) ReadBack(f *os.File, y int, dst [][]byte) error {
	l := o.layout()
	place := placed{rowBytes: l.rowBytes, offset: func(y int) int64 { return int64(len(l.header)) + int64(y)*int64(l.rowBytes) }}
	if !o.tripled() {
		return place.read(f, y, dst)
	}
	wide := make([]byte, len(dst)*l.rowBytes)
	rows := make([][]byte, len(dst))
	for i := range rows {
		rows[i] = wide[i*l.rowBytes : (i+1)*l.rowBytes]
	}
	if err := place.read(f, y, rows); err != nil {
		return err
	}
	for i, row := range rows {
		for x := range dst[i] {
			if row[3*x] != row[3*x+1] || row[3*x] != row[3*x+2] {
				return errors.New("a grey sample is stored as three different ones")
			}
			dst[i][x] = row[3*x]
		}
	}
	return nil
}

// tripled tells whether a sample of a row is written three times.
func (o Output) tripled() bool { return o.Channels == 1 && (o.Format == "ppm" || o.Format == "rgb") }
