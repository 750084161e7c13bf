package raster

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Options say how INPUT is read. All of them but MaxPixels, Memory, Scratch and Apart can change the samples.
type Options struct {
	MaxPixels int64 `json:"max_pixels"`
	Memory    int64 `json:"memory,omitempty"` // bytes that decoding may take; 0: as many as it does
	// Scratch makes an empty file, for reading and writing, that is gone when it is closed: what decoding keeps beyond Memory goes
	// there. Without it, what does not fit is refused.
	Scratch func() (*os.File, error) `json:"-"`

	// Apart makes a picture whose rows are quickly passed over one whose rows can be read in any order: each process that reads it does so
	// from its top, which costs less than to be sent rows. A process has at most four goroutines that read, each downwards.
	Apart bool `json:"apart,omitempty"`

	Geometry *Geometry `json:"geometry,omitempty"` // of a raw picture; nil for what tells it itself
	Page     int       `json:"page,omitempty"`     // from 1; 0 for the only one
	Bands    []int     `json:"bands,omitempty"`    // the samples of a pixel that are read, from 1; none: all, save alpha
	Scale    *Scale    `json:"scale,omitempty"`    // of the samples
	Strip    bool      `json:"strip,omitempty"`    // no metadata are carried over
}

// Geometry says how a raw picture lies in a file: Height rows of Width pixels of Channels bytes each, from Offset on.
type Geometry struct {
	Width    int   `json:"width"`
	Height   int   `json:"height"`
	Channels int   `json:"channels"`
	Offset   int64 `json:"offset,omitempty"`
}

// Scale makes 8 bits of a sample: Min and what is below becomes 0, Max and what is above 255. Not a number becomes 0.
type Scale struct {
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

const (
	maxSide    = math.MaxInt32
	maxSamples = math.MaxUint16 // of a pixel
)

// Samples returns the options that can change what is read; the others only refuse some files.
func (o Options) Samples() Options {
	o.MaxPixels, o.Memory, o.Scratch, o.Apart = 0, 0, nil, false
	return o
}

// ParseGeometry reads WxHxC[:OFFSET].
func ParseGeometry(s string) (*Geometry, error) {
	wrong := fmt.Errorf("--geometry %q: it is WIDTHxHEIGHTxCHANNELS[:OFFSET], such as 640x480x3:54", s)
	size, offset, behind := strings.Cut(s, ":")
	parts := strings.Split(size, "x")
	if len(parts) != 3 {
		return nil, wrong
	}
	g := new(Geometry)
	for i, to := range []*int{&g.Width, &g.Height, &g.Channels} {
		limit := uint64(maxSide)
		if to == &g.Channels {
			limit = maxSamples
		}
		n, err := strconv.ParseUint(parts[i], 10, 63)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, wrong
		}
		if err != nil || n < 1 || n > limit {
			return nil, fmt.Errorf("--geometry %q: %s is not from 1 to %d", s, parts[i], limit)
		}
		*to = int(n)
	}
	if behind {
		n, err := strconv.ParseUint(offset, 10, 62)
		if err != nil {
			return nil, wrong
		}
		g.Offset = int64(n)
	}
	return g, nil
}

// ParseBands reads one or three numbers, from 1.
func ParseBands(s string) ([]int, error) {
	var bands []int
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > maxSamples {
			return nil, fmt.Errorf("--bands %q: %q is not the number of a band; they count from 1", s, part)
		}
		bands = append(bands, n)
	}
	if len(bands) != 1 && len(bands) != 3 {
		return nil, fmt.Errorf("--bands %q: give one band, for grey, or three, for red, green and blue", s)
	}
	return bands, nil
}

// ParseScale reads MIN,MAX.
func ParseScale(s string) (*Scale, error) {
	low, high, ok := strings.Cut(s, ",")
	scale := new(Scale)
	for i, text := range []string{low, high} {
		v, err := strconv.ParseFloat(text, 64)
		ok = ok && err == nil && !math.IsInf(v, 0)
		*[]*float64{&scale.Min, &scale.Max}[i] = v
	}
	if !ok || !(scale.Min < scale.Max) || math.IsInf(scale.Max-scale.Min, 0) {
		return nil, fmt.Errorf("--scale %q: it is MIN,MAX, two numbers of which the first is less, such as 0,4095", s)
	}
	return scale, nil
}

// check holds the options to what a format that decides its samples itself, and has one page, can do.
func (o Options) check(format string) error {
	switch {
	case len(o.Bands) > 0:
		return fmt.Errorf("--bands is for .npy, PAM, PGM, PPM and raw pictures, and this is a %s", format)
	case o.Scale != nil:
		return fmt.Errorf("--scale is for .npy, PAM, PGM, PPM and raw pictures, and this is a %s", format)
	}
	return nil
}

// onePage returns an error if another page is wanted than the one that there is.
func (o Options) onePage() error {
	if o.Page > 1 {
		return fmt.Errorf("--page %d: it has one page", o.Page)
	}
	return nil
}

// bands returns the samples to read of a pixel, from 0: those that were asked for, or else all, if that makes a picture.
func (o Options) bands(samples int) ([]int, error) {
	if len(o.Bands) == 0 {
		if samples != 1 && samples != 3 {
			return nil, fmt.Errorf("it has %d bands; say with --bands which one or three are to be read, such as --bands 1", samples)
		}
		return upTo(samples), nil
	}
	pick := slices.Clone(o.Bands)
	for i, b := range pick {
		if b < 1 || b > samples {
			return nil, fmt.Errorf("--bands: there is no band %d among its %d", b, samples)
		}
		pick[i]--
	}
	if len(pick) != 1 && len(pick) != 3 {
		return nil, fmt.Errorf("--bands: there are %d bands, and a picture is read from one or three", len(pick))
	}
	return pick, nil
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// apply returns what becomes of a sample.
func (s *Scale) apply(v float64) byte {
	// Without the conversion a processor might multiply and add in one step, which rounds otherwise.
	scaled := float64((v-s.Min)*255/(s.Max-s.Min)) + 0.5
	switch {
	case !(scaled >= 1): // nor is it a number
		return 0
	case scaled >= 255:
		return 255
	}
	return byte(scaled)
}
