package tiff

import (
	"errors"
	"fmt"
	"math"
)

// Options say what of a file is read, and how.
type Options struct {
	// Page is the number of the page, from 1 on; 0 if the file is to have one only.
	Page int
	// Bands are one or three samples of a pixel, numbered from 1, that become grey, or red, green and blue.
	Bands []int
	// Scale brings samples to 8 bits. Floating point, signed numbers and more than 16 bits need it.
	Scale *Scale
	// Cache is how many bytes of decoded strips and tiles ReadRows may keep for calls that touch them again; 0 for 32 MiB.
	Cache int64
}

// Scale maps samples linearly: Min and what is below to 0, Max and what is above to 255, (v - Min)·255 / (Max - Min) between them, rounded
// to the nearest, halves up. What is not a number becomes 0. The arithmetic is that of float64.
type Scale struct{ Min, Max float64 }

func (o Options) check() error {
	switch {
	case o.Page < 0:
		return fmt.Errorf("a page %d there cannot be; they count from 1", o.Page)
	case o.Bands != nil && len(o.Bands) != 1 && len(o.Bands) != 3:
		return fmt.Errorf("--bands names one band or three, not %d", len(o.Bands))
	case o.Scale != nil && !(o.Scale.Min < o.Scale.Max && !math.IsInf(o.Scale.Max-o.Scale.Min, 0)):
		return errors.New("--scale needs two numbers, the lower one first")
	}
	for _, b := range o.Bands {
		if b < 1 {
			return fmt.Errorf("a band %d there cannot be; they count from 1", b)
		}
	}
	return nil
}
