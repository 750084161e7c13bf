package raster

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestParseGeometry(t *testing.T) {
	for s, want := range map[string]Geometry{"640x480x3": {640, 480, 3, 0}, "1x2147483647x65535:4611686018427387903": {1, 1<<31 - 1, 65535, 1<<62 - 1}, "7x5x1:0": {7, 5, 1, 0}} {
		if g, err := ParseGeometry(s); err != nil || *g != want {
			t.Errorf("%s: %v, %v", s, g, err)
		}
	}
	for s, want := range map[string]string{"": "it is WIDTHxHEIGHTxCHANNELS[:OFFSET]", "640x480": "it is WIDTH", "640x480x3:": "it is WIDTH", "640X480X3": "it is WIDTH",
		"-1x2x3": "it is WIDTH", "0x2x3": "0 is not from 1 to 2147483647", "2147483648x1x1": "is not from 1", "1x99999999999999999999x1": "is not from 1",
		"1x1x65536": "65536 is not from 1 to 65535", "1x1x1:-1": "it is WIDTH", "1x1x1:4611686018427387904": "it is WIDTH", "1x1x1x1": "it is WIDTH"} {
		if g, err := ParseGeometry(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", s, g, err)
		}
	}
}

func TestParseBands(t *testing.T) {
	for s, want := range map[string][]int{"1": {1}, "3,2,1": {3, 2, 1}, "5,5,65535": {5, 5, 65535}} {
		if b, err := ParseBands(s); err != nil || !reflect.DeepEqual(b, want) {
			t.Errorf("%s: %v, %v", s, b, err)
		}
	}
	for _, s := range []string{"", "0", "1,2", "1,2,3,4", "a", "1,,2", "-1", "65536", "1 2 3"} {
		if b, err := ParseBands(s); err == nil || !strings.Contains(err.Error(), "--bands") {
			t.Errorf("%s: %v, %v", s, b, err)
		}
	}
}

func TestParseScale(t *testing.T) {
	for s, want := range map[string]Scale{"0,4095": {0, 4095}, "-1.5,1e9": {-1.5, 1e9}} {
		if got, err := ParseScale(s); err != nil || *got != want {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "1", "1,", ",1", "2,1", "1,1", "nan,1", "0,nan", "0,inf", "-inf,0", "0,1,2", "-1e308,1e308", "0,1e999"} {
		if got, err := ParseScale(s); err == nil || !strings.Contains(err.Error(), "--scale") {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
}

// Every 8-bit value stays as it is if it is scaled by itself, and 16 bits are rounded to the nearest.
func TestScale(t *testing.T) {
	bytes, words := Scale{0, 255}, Scale{0, 65535}
	for v := range 65536 {
		if v < 256 && bytes.apply(float64(v)) != byte(v) {
			t.Errorf("%d becomes %d", v, bytes.apply(float64(v)))
		}
		if want := byte(math.Floor(float64(v)/257 + 0.5)); words.apply(float64(v)) != want {
			t.Errorf("%d becomes %d, not %d", v, words.apply(float64(v)), want)
		}
	}
}

func TestHalf(t *testing.T) {
	for b, want := range map[uint16]float64{0: 0, 1: math.Ldexp(1, -24), 0x3ff: math.Ldexp(1023, -24), 0x400: math.Ldexp(1, -14), 0x3c00: 1, 0xc000: -2,
		0x7bff: 65504, 0x7c00: math.Inf(1), 0xfc00: math.Inf(-1), 0x3555: 0.333251953125} {
		if got := half(b); got != want {
			t.Errorf("%#x is %v, not %v", b, got, want)
		}
	}
	if !math.IsNaN(half(0x7e00)) {
		t.Error("a number that is none")
	}
}
