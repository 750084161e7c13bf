package kernels

import "math"

var _ = register(Definition{
	Name: "equalize", Order: 40, Border: BorderNone, Global: true,
	Doc:   "to grey, then spread the levels so that each is as frequent as any other (equalizeHist)",
	Build: func(_ Args, channels int) ([]Op, error) { return []Op{grayLevelled(channels, equalizing)}, nil },
})

// equalizing returns OpenCV's table: the levels below v, of the pixels that are above the lowest level, in float32.
func equalizing(h *histogram) *[256]byte {
	var table [256]byte
	total, lowest := h.total(), 0
	for h[lowest] == 0 {
		lowest++
	}
	if h[lowest] == total {
		return newTable(func(float64) float64 { return float64(lowest) })
	}
	scale := 255 / float32(total-h[lowest])
	sum := int64(0)
	for v := lowest + 1; v < len(h); v++ {
		sum += h[v]
		table[v] = byte(min(255, math.RoundToEven(float64(float32(sum)*scale))))
	}
	return &table
}
