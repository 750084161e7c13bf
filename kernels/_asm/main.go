// Command _asm writes the assembly of package kernels and of the codecs, one family of routines at a time. Run it by 'go generate'; its
// output is committed, so that users need neither it nor avo.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"

	. "github.com/mmcloughlin/avo/build"
)

// families are the files of assembly, by the folder of their package, each with what generates it.
var families = map[string]map[string]func(){
	"kernels": {
		"bilateral": bilateral,
		"binomial":  binomial,
		"box":       box,
		"canny":     canny,
		"colour":    colour,
		"conv":      conv,
		"gauss":     gauss,
		"levels":    levels,
		"matrix":    matrix,
		"median":    median,
		"minmax":    minmax,
		"pointwise": pointwise,
		"taps":      taps,
		"unsharp":   unsharp,
		"weigh":     weigh,
	},
	"ranks/raster/png": {
		"adler":    pngAdler,
		"filter":   pngFilter,
		"unfilter": pngUnfilter,
	},
	"ranks/raster/jpeg": {
		"colour":   jpegColour,
		"fdct":     jpegFDCT,
		"idct":     jpegIDCT,
		"upsample": jpegUpsample,
	},
}

func main() {
	folder := flag.String("package", "kernels", "the folder of the package that they are for")
	family := flag.String("family", "", "which routines to write; without it the package's families are listed")
	flag.Parse()
	if *family == "" {
		for _, f := range slices.Sorted(maps.Keys(families[*folder])) {
			fmt.Println(f)
		}
		return
	}
	generate := families[*folder][*family]
	if generate == nil {
		fmt.Fprintf(os.Stderr, "no family %q for %s\n", *family, *folder)
		os.Exit(2)
	}
	ConstraintExpr("!purego")
	generate()
	Generate()
}
