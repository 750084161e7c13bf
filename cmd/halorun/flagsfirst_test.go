package main

import (
	"slices"
	"strings"
	"testing"
)

func TestFlagsFirst(t *testing.T) {
	for in, want := range map[string]string{
		"halorun":                                   "halorun",
		"halorun run":                               "halorun run",
		"halorun run a b op":                        "halorun run -- a b op",
		"halorun run a b op -n 4":                   "halorun run -n 4 -- a b op",
		"halorun run -n4 a b op":                    "halorun run -n 4 -- a b op",
		"halorun run a --np=3 b --quiet op":         "halorun run --np=3 --quiet -- a b op",
		"halorun run - - op --format png":           "halorun run --format png -- - - op",
		"halorun run a -- -b op --quiet":            "halorun run -- a -b op --quiet",
		"halorun run a b op --tile-rows":            "halorun run --tile-rows",
		"halorun run a b bc:beta=-30 -v":            "halorun run -v -- a b bc:beta=-30",
		"halorun ops --json":                        "halorun ops --json --",
		"halorun unknown a --flag":                  "halorun unknown a --flag",
		"halorun help run":                          "halorun run --help",
		"halorun run a b op --help":                 "halorun run --help",
		"halorun run a b op --timeout -5s":          "halorun run --timeout -5s -- a b op",
		"halorun run a b op -n -1":                  "halorun run -n -1 -- a b op",
		"halorun run --unknown a b op":              "halorun run --unknown -- a b op",
		"halorun run --report r.json a b op --np 2": "halorun run --report r.json --np 2 -- a b op",
	} {
		if got := flagsFirst(strings.Fields(in)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: %v, want %s", in, got, want)
		}
	}
}
