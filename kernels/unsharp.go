package kernels

import "math"

var _ = register(Definition{
	Name: "unsharp", Order: 24, Border: BorderReflect101,
	Doc: "unsharp mask: v + amount·(v − blurred) for every sample v (GaussianBlur, addWeighted)",
	Params: []Param{
		{Name: "size", Kind: KindInt, Default: 5, Min: 1, Max: 1023, Odd: true, Doc: "width and height of the blur's kernel"},
		{Name: "sigma", Kind: KindFloat, Default: 0, Min: 0, Max: 1e4, Doc: "the blur's standard deviation in pixels; 0 derives it from the size"},
		{Name: "amount", Kind: KindFloat, Default: 1, Min: 0, Max: 100, Doc: "how much of the difference is added"},
		{Name: "threshold", Kind: KindInt, Default: 0, Min: 0, Max: 255, Doc: "differences up to it are left as they are"},
	},
	Build: func(a Args, _ int) ([]Op, error) {
		blur, err := gaussian(a.Int("size"), a.Float("sigma"))
		return []Op{newUnsharp(blur, a.Float("amount"), a.Int("threshold"))}, err
	},
})

// unsharp adds to a picture what a blur takes away.
type unsharp struct {
	*Convolution            // the blur
	weights      [2]float32 // of a sample and of the blurred one
	threshold    int
}

func newUnsharp(blur *Convolution, amount float64, threshold int) unsharp {
	return unsharp{blur, [2]float32{float32(1 + amount), float32(-amount)}, threshold}
}

// mix returns the result for a sample v that is blurred to b. It is computed as OpenCV does on processors with a fused multiply-add: in
// float32, where b's product is rounded and v's is not.
func (u unsharp) mix(v, b float64) float64 {
	if math.Abs(v-b) <= float64(u.threshold) {
		return v
	}
	product := float32(float64(u.weights[1]) * b)
	sum := float32(math.FMA(float64(u.weights[0]), v, float64(product)))
	return min(max(math.RoundToEven(float64(sum)), 0), 255)
}

// Reference blurs, then mixes.
func (u unsharp) Reference(in Planes) Planes {
	out := u.Convolution.Reference(in)
	for c, plane := range out {
		plane.Apply(func(y, x int, b float64) float64 { return u.mix(in[c].At(y, x), b) }, plane)
	}
	return out
}

// Bind returns the blur's fast path with what mixes in place.
func (u unsharp) Bind(in Shape) Applier {
	return &unsharpApplier{
		unsharp: u, blur: u.Convolution.Bind(in), reach: u.InRows(Rows{0, 1}).Len() / 2, mixed: u.table(),
	}
}

// table holds all results of mix, by the blurred sample and the sample.
func (u unsharp) table() *[256][256]byte {
	var mixed [256][256]byte
	for b := range mixed {
		for v := range mixed[b] {
			mixed[b][v] = byte(u.mix(float64(v), float64(b)))
		}
	}
	return &mixed
}

type unsharpApplier struct {
	unsharp
	blur  Applier
	reach int // rows above a row of the result
	mixed *[256][256]byte
}

// Apply implements Applier.
func (a *unsharpApplier) Apply(dst, src [][]byte, out Rows) {
	a.blur.Apply(dst, src, out)
	for y, row := range dst {
		a.mixRow(row, src[y+a.reach])
	}
}

// mixRow mixes the blurred samples with a row's own.
func (a *unsharpApplier) mixRow(blurred, own []byte) {
	const block = 32
	done := 0
	switch {
	case path >= isaAVX512 && len(blurred) > 0:
		unsharpAVX512(&blurred[0], &own[0], &a.weights, a.threshold, len(blurred))
		return
	case path >= isaAVX2 && len(blurred) >= block:
		done = len(blurred) / block * block
		unsharpAVX2(&blurred[0], &own[0], &a.weights, a.threshold, done)
	}
	a.mixSamples(blurred[done:], own[done:])
}

// mixSamples is mixRow in Go.
func (a *unsharpApplier) mixSamples(blurred, own []byte) {
	own = own[:len(blurred)]
	for i, b := range blurred {
		blurred[i] = a.mixed[b][own[i]]
	}
}
