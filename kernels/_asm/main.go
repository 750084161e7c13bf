// Command _asm writes the assembly of package kernels, one family of routines at a time. Run it by 'go generate ./kernels'; its
// output is committed, so that users need neither it nor avo.
package main

import (
	"flag"
	"fmt"
	"os"

	. "github.com/mmcloughlin/avo/build"
)

// families are the files of assembly, each with what generates it.
var families = map[string]func(){
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
}

func main() {
	family := flag.String("family", "", "which routines to write")
	flag.Parse()
	generate := families[*family]
	if generate == nil {
		fmt.Fprintf(os.Stderr, "no family %q\n", *family)
		os.Exit(2)
	}
	ConstraintExpr("!purego")
	generate()
	Generate()
}
