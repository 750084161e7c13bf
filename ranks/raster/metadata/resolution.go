package metadata

import "math"

const (
	metresPerInch    = 0.0254
	centimetresPerIn = 2.54
)

// Valid tells whether the resolution is two numbers that files can hold.
func (r *Resolution) Valid() bool {
	ok := func(v float64) bool { return v > 0 && v <= math.MaxUint32 } // not NaN
	return r != nil && ok(r.X) && ok(r.Y) && r.Unit >= NoUnit && r.Unit <= Centimetre
}

// In returns the resolution per another unit. One without a unit stays as it is.
func (r Resolution) In(unit Unit) Resolution {
	switch {
	case r.Unit == Inch && unit == Centimetre:
		return Resolution{r.X / centimetresPerIn, r.Y / centimetresPerIn, unit}
	case r.Unit == Centimetre && unit == Inch:
		return Resolution{r.X * centimetresPerIn, r.Y * centimetresPerIn, unit}
	}
	return r
}

// FromPHYs returns the resolution that a PNG's pHYs chunk tells; unit is 1 for pixels per metre, 0 for none. Whole numbers of pixels
// per inch, which the chunk cannot hold exactly, come out whole.
func FromPHYs(x, y uint32, unit byte) *Resolution {
	if x == 0 || y == 0 {
		return nil
	}
	if unit != 1 {
		return &Resolution{float64(x), float64(y), NoUnit}
	}
	dpiX, wholeX := wholeInch(x)
	dpiY, wholeY := wholeInch(y)
	if wholeX && wholeY {
		return &Resolution{dpiX, dpiY, Inch}
	}
	return &Resolution{float64(x) / 100, float64(y) / 100, Centimetre}
}

// wholeInch returns the whole number of pixels per inch that becomes so many per metre, if there is one.
func wholeInch(perMetre uint32) (float64, bool) {
	dpi := math.Round(float64(perMetre) * metresPerInch)
	return dpi, dpi > 0 && math.Round(dpi/metresPerInch) == float64(perMetre)
}

// PHYs returns the values of a PNG's pHYs chunk; ok is false if it cannot hold the resolution.
func (r Resolution) PHYs() (x, y uint32, unit byte, ok bool) {
	if !r.Valid() {
		return 0, 0, 0, false
	}
	var fx, fy float64
	switch r.Unit {
	case Inch:
		fx, fy, unit = r.X/metresPerInch, r.Y/metresPerInch, 1
	case Centimetre:
		fx, fy, unit = r.X*100, r.Y*100, 1
	default:
		fx, fy = whole(r.X, r.Y, math.MaxInt32)
	}
	fx, fy = math.Round(fx), math.Round(fy)
	if fx < 1 || fy < 1 || max(fx, fy) > math.MaxInt32 {
		return 0, 0, 0, false
	}
	return uint32(fx), uint32(fy), unit, true
}

// FromJFIF returns the resolution that a JPEG's JFIF segment tells; unit is 1 for inches, 2 for centimetres, 0 for none.
func FromJFIF(unit byte, x, y uint16) *Resolution {
	if x == 0 || y == 0 || unit > 2 {
		return nil
	}
	return &Resolution{float64(x), float64(y), Unit(unit)}
}

// JFIF returns the values of a JPEG's JFIF segment, which are whole numbers: of the unit in which less is lost; ok is false if it
// cannot hold the resolution.
func (r Resolution) JFIF() (unit byte, x, y uint16, ok bool) {
	if !r.Valid() {
		return 0, 0, 0, false
	}
	best := r
	if r.Unit == NoUnit {
		best.X, best.Y = whole(r.X, r.Y, math.MaxUint16)
	} else if other := r.In(Inch + Centimetre - r.Unit); loss(other) < loss(r) {
		best = other
	}
	fx, fy := math.Round(best.X), math.Round(best.Y)
	if fx < 1 || fy < 1 || max(fx, fy) > math.MaxUint16 {
		return 0, 0, 0, false
	}
	return byte(best.Unit), uint16(fx), uint16(fy), true
}

// loss returns which part of a resolution's numbers is lost if they become whole ones of 16 bits.
func loss(r Resolution) float64 {
	if max(r.X, r.Y) > math.MaxUint16 {
		return 1
	}
	const noise = 1e-9 // of a conversion there and back
	part := func(v float64) float64 {
		if d := math.Abs(v-math.Round(v)) / v; d > noise {
			return d
		}
		return 0
	}
	return max(part(r.X), part(r.Y))
}

// whole returns two whole numbers, at most limit, whose proportion is about that of x and y.
func whole(x, y float64, limit float64) (float64, float64) {
	if x == math.Trunc(x) && y == math.Trunc(y) && max(x, y) <= limit {
		return x, y
	}
	if x == y {
		return 1, 1
	}
	n, d := rational(x/y, uint64(limit))
	return float64(n), float64(d)
}

// FromRationals returns the resolution that a TIFF's XResolution and YResolution tell; unit is ResolutionUnit: 1 for none, 2 for
// inches, 3 for centimetres.
func FromRationals(x, y [2]uint32, unit uint16) *Resolution {
	if x[1] == 0 || y[1] == 0 || unit < 1 || unit > 3 {
		return nil
	}
	r := &Resolution{float64(x[0]) / float64(x[1]), float64(y[0]) / float64(y[1]), Unit(unit - 1)}
	if !r.Valid() {
		return nil
	}
	return r
}

// Rationals returns the values of a TIFF's XResolution, YResolution and ResolutionUnit; ok is false if they cannot hold the resolution.
func (r Resolution) Rationals() (x, y [2]uint32, unit uint16, ok bool) {
	if !r.Valid() {
		return x, y, 0, false
	}
	part := func(v float64) [2]uint32 {
		n, d := rational(v, math.MaxUint32)
		return [2]uint32{uint32(n), uint32(d)}
	}
	return part(r.X), part(r.Y), uint16(r.Unit) + 1, true
}

// rational returns the fraction with parts of at most limit that is nearest to v > 0, or next to that: the last convergent of its
// continued fraction that fits.
func rational(v float64, limit uint64) (n, d uint64) {
	n0, d0, n1, d1 := uint64(0), uint64(1), uint64(1), uint64(0)
	for x := v; ; {
		whole := math.Floor(x)
		if whole > float64(limit) {
			break
		}
		a := uint64(whole)
		n2, d2 := a*n1+n0, a*d1+d0 // below 2^64, for a is at most 2^32 and so are the others
		if n2 > limit || d2 > limit {
			break
		}
		n0, d0, n1, d1 = n1, d1, n2, d2
		if rest := x - whole; rest > 0 && math.Abs(float64(n1)/float64(d1)-v) > 1e-12*v {
			x = 1 / rest
			continue
		}
		break
	}
	if n1 == 0 { // too small for a fraction
		return 1, limit
	}
	if d1 == 0 {
		return limit, 1
	}
	return n1, d1
}
