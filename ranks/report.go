package ranks

import (
	"sync/atomic"
	"time"

	"halorun/kernels"
)

// activity is what a rank's time goes to.
type activity int

const (
	start activity = iota
	read
	scatter
	halo
	compute
	checkpoint
	gather
	write
	activities
)

// Report is what one rank tells of its part of a job.
type Report struct {
	KernelPath    string  `json:"kernel_path"`
	Transport     string  `json:"transport"`
	Tiles         int64   `json:"tiles"`
	BytesSent     int64   `json:"bytes_sent"`
	BytesReceived int64   `json:"bytes_received"`
	Seconds       Seconds `json:"seconds"`
}

// Seconds says for how long a rank was busy with, or blocked in, each step, summed over its lanes.
type Seconds struct {
	Start      float64 `json:"start"`
	Read       float64 `json:"read"`
	Scatter    float64 `json:"scatter"`
	Halo       float64 `json:"halo"`
	Compute    float64 `json:"compute"`
	Checkpoint float64 `json:"checkpoint"`
	Gather     float64 `json:"gather"`
	Write      float64 `json:"write"`
}

// meter adds up times. Many goroutines may use it.
type meter struct {
	spent [activities]atomic.Int64
	tiles atomic.Int64
}

func (m *meter) add(a activity, d time.Duration) { m.spent[a].Add(int64(d)) }

// time adds the time until the returned function is called.
func (m *meter) time(a activity) (stop func()) {
	began := time.Now()
	return func() { m.add(a, time.Since(began)) }
}

func (r *rank) report() *Report {
	sec := func(a activity) float64 { return time.Duration(r.meter.spent[a].Load()).Seconds() }
	stats := r.world.Stats()
	return &Report{
		KernelPath: kernels.Path(), Transport: r.world.Transport(), Tiles: r.meter.tiles.Load(),
		BytesSent: stats.Sent, BytesReceived: stats.Received,
		Seconds: Seconds{
			Start: sec(start), Read: sec(read), Scatter: sec(scatter), Halo: sec(halo), Compute: sec(compute),
			Checkpoint: sec(checkpoint), Gather: sec(gather), Write: sec(write),
		},
	}
}
