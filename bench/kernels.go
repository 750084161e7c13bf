package bench

import (
	"time"

	"halorun/kernels"
)

// Kernel is the speed of a chain of operations on a picture in memory.
type Kernel struct {
	Op         string  `json:"op"` // operations, separated by spaces
	Width      int     `json:"width"`
	Height     int     `json:"height"`
	Threads    int     `json:"threads"`
	MedianMS   float64 `json:"median_ms"`
	MPixelPerS float64 `json:"mpixel_per_s"` // of the picture, at the median
	Path       string  `json:"path"`         // the instruction set that ran

	RunsMS  []float64 `json:"runs_ms,omitempty"` // all runs, in their order
	Machine *Machine  `json:"machine,omitempty"`
}

// Subject is a chain to be measured.
type Subject struct {
	Name  string // what the result calls it
	Chain kernels.Chain
}

// Kernels measures each of the chains on the picture src, rows of interleaved RGB: the median of a number of runs after one that warms
// up. A run goes tile by tile, as a rank's does, from src into rows that exist already.
func Kernels(subjects []Subject, src [][]byte, threads, runs int) ([]Kernel, error) {
	in := kernels.Shape{Width: len(src[0]) / 3, Height: len(src), Channels: 3}
	results := []Kernel{}
	machine := ThisMachine()
	for _, s := range subjects {
		r, err := s.Chain.NewRunner(in, threads)
		if err != nil {
			return nil, err
		}
		dst, free, err := rows(r.Out().RowBytes(), in.Height)
		if err != nil {
			return nil, err
		}
		runsMS := make([]float64, 0, runs)
		for run := range runs + 1 {
			began := time.Now()
			if err := r.Run(dst, src); err != nil {
				return nil, err
			}
			if run > 0 {
				runsMS = append(runsMS, float64(time.Since(began).Nanoseconds())/1e6)
			}
		}
		median := Median(runsMS)
		results = append(results, Kernel{
			Op: s.Name, Width: in.Width, Height: in.Height, Threads: threads,
			MedianMS: median, MPixelPerS: float64(in.Width) * float64(in.Height) / 1e3 / median, Path: kernels.Path(),
			RunsMS: runsMS, Machine: &machine,
		})
		free()
	}
	return results, nil
}

// Operations returns all operations with their defaults.
func Operations() (subjects []Subject, err error) {
	for _, d := range kernels.Definitions() {
		chain, err := kernels.Parse([]string{d.Name})
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, Subject{d.Name, chain})
	}
	return subjects, nil
}
