package metadata

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestPHYs(t *testing.T) {
	// Every whole number of pixels per inch comes back as it was, and every chunk gives itself.
	for dpi := 1.0; dpi <= 20000; dpi++ {
		x, y, unit, ok := Resolution{dpi, 2 * dpi, Inch}.PHYs()
		if r := FromPHYs(x, y, unit); !ok || unit != 1 || *r != (Resolution{dpi, 2 * dpi, Inch}) {
			t.Fatalf("%v dpi: %d, %d, %d, %v", dpi, x, y, unit, r)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Uint32Range(1, math.MaxInt32).Draw(t, "x"), rapid.Uint32Range(1, math.MaxInt32).Draw(t, "y")
		unit := rapid.ByteRange(0, 1).Draw(t, "unit")
		if x2, y2, unit2, ok := FromPHYs(x, y, unit).PHYs(); !ok || x != x2 || y != y2 || unit != unit2 {
			t.Errorf("%d, %d, %d becomes %d, %d, %d", x, y, unit, x2, y2, unit2)
		}
	})
	if FromPHYs(0, 1, 1) != nil || FromPHYs(1, 0, 0) != nil {
		t.Error("no pixels per metre are a resolution")
	}
	if x, y, unit, ok := (Resolution{118.11, 118.11, Centimetre}).PHYs(); x != 11811 || y != 11811 || unit != 1 || !ok {
		t.Error(x, y, unit, ok)
	}
}

func TestJFIF(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Uint16Range(1, math.MaxUint16).Draw(t, "x"), rapid.Uint16Range(1, math.MaxUint16).Draw(t, "y")
		unit := rapid.ByteRange(0, 2).Draw(t, "unit")
		if unit2, x2, y2, ok := FromJFIF(unit, x, y).JFIF(); !ok || x != x2 || y != y2 || unit != unit2 {
			t.Errorf("%d, %d, %d becomes %d, %d, %d", unit, x, y, unit2, x2, y2)
		}
	})
	for _, test := range []struct {
		r    Resolution
		unit byte
		x, y uint16
		ok   bool
	}{
		{Resolution{72, 72, Inch}, 1, 72, 72, true},
		{Resolution{300 / 2.54, 300 / 2.54, Centimetre}, 1, 300, 300, true},
		{Resolution{254, 254, Inch}, 1, 254, 254, true},
		{Resolution{100.5, 100.5, Centimetre}, 1, 255, 255, true},
		{Resolution{100, 101, Centimetre}, 2, 100, 101, true},
		{Resolution{0.25, 0.5, NoUnit}, 0, 1, 2, true},
		{Resolution{1e6, 2e6, NoUnit}, 0, 1, 2, true},
		{Resolution{100000, 100000, Inch}, 2, 39370, 39370, true},
		{Resolution{1e6, 1e6, Inch}, 0, 0, 0, false},
		{Resolution{math.NaN(), 1, Inch}, 0, 0, 0, false},
	} {
		if unit, x, y, ok := test.r.JFIF(); unit != test.unit || x != test.x || y != test.y || ok != test.ok {
			t.Errorf("%v: %d, %d, %d, %t", test.r, unit, x, y, ok)
		}
	}
}

func TestRationals(t *testing.T) {
	for v, want := range map[float64][2]uint32{72: {72, 1}, 0.5: {1, 2}, 300.25: {1201, 4}, 28.346: {14173, 500}, 1.0 / 3: {1, 3},
		math.MaxUint32: {math.MaxUint32, 1}, 1e-30: {1, math.MaxUint32}, 118.11: {11811, 100}} {
		x, y, unit, ok := Resolution{v, v, Centimetre}.Rationals()
		if x != want || y != want || unit != 3 || !ok {
			t.Errorf("%v: %v, %v, %d, %t", v, x, y, unit, ok)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		v := math.Exp(rapid.Float64Range(-15, 22).Draw(t, "log"))
		x, y, unit, ok := Resolution{v, 2, Inch}.Rationals()
		r := FromRationals(x, y, unit)
		if !ok || r == nil || math.Abs(r.X-v) > 1e-9*v+1e-9 || r.Y != 2 || r.Unit != Inch {
			t.Errorf("%v: %v of %v", v, r, x)
		}
	})
	for _, bad := range [][3]uint32{{1, 0, 2}, {0, 1, 2}, {1, 1, 0}, {1, 1, 4}} {
		if r := FromRationals([2]uint32{bad[0], bad[1]}, [2]uint32{1, 1}, uint16(bad[2])); r != nil {
			t.Errorf("%v is %v", bad, r)
		}
	}
}

func TestIn(t *testing.T) {
	if got := (Resolution{254, 508, Inch}).In(Centimetre); math.Abs(got.X-100) > 1e-9 || math.Abs(got.Y-200) > 1e-9 || got.Unit != Centimetre {
		t.Error(got)
	}
	if got := (Resolution{1, 2, NoUnit}).In(Inch); got != (Resolution{1, 2, NoUnit}) {
		t.Error(got)
	}
}
