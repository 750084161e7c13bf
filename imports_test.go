// Package halorun_test holds the rule of which package may import which.
package halorun_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport lists, for each of our packages, the others that it may import. What is not listed is a package that
// nobody has thought about yet: add it, with as few imports as it needs.
var mayImport = map[string][]string{
	"halorun/cmd/halorun":                      {"*"},
	"halorun/hostfiles":                        {},
	"halorun/launcher":                         {"halorun/hostfiles", "halorun/launcher/control", "halorun/launcher/jobs"},
	"halorun/launcher/control":                 {},
	"halorun/launcher/jobs":                    {},
	"halorun/launcher/jobs/messages":           {"halorun/launcher/jobs/watch"},
	"halorun/launcher/jobs/monitor":            {"halorun/launcher", "halorun/launcher/jobs", "halorun/launcher/jobs/progress", "halorun/launcher/jobs/watch"},
	"halorun/launcher/jobs/progress":           {"halorun/launcher", "halorun/launcher/jobs/watch"},
	"halorun/launcher/jobs/watch":              {"halorun/launcher"},
	"halorun/launcher/jobs/history":            {"halorun/launcher", "halorun/launcher/jobs", "halorun/launcher/jobs/messages", "halorun/launcher/jobs/watch"},
	"halorun/launcher/testcluster":             {},
	"halorun/cmdline":                          {},
	"halorun/jobfile":                          {"halorun/cmdline", "halorun/kernels"},
	"halorun/comm":                             {},
	"halorun/comm/commtest":                    {"halorun/comm"},
	"halorun/kernels":                          {"halorun/kernels/simd"},
	"halorun/kernels/simd/simdtest":            {},
	"halorun/kernels/simd":                     {},
	"halorun/bench":                            {"halorun/kernels", "halorun/ranks/raster"},
	"halorun/bench/plots":                      {},
	"halorun/bench/scaling":                    {"halorun/bench", "halorun/bench/plots", "halorun/comm", "halorun/kernels", "halorun/ranks", "halorun/ranks/raster"},
	"halorun/ranks":                            {"halorun/comm", "halorun/kernels", "halorun/ranks/ledger", "halorun/ranks/raster", "halorun/ranks/raster/scratch"},
	"halorun/ranks/folder":                     {"halorun/comm", "halorun/kernels", "halorun/ranks", "halorun/ranks/journal", "halorun/ranks/raster"},
	"halorun/ranks/journal":                    {},
	"halorun/ranks/ledger":                     {},
	"halorun/ranks/raster":                     {"halorun/ranks/raster/jpeg", "halorun/ranks/raster/metadata", "halorun/ranks/raster/png", "halorun/ranks/raster/scratch", "halorun/ranks/raster/tiff"},
	"halorun/ranks/raster/jpeg":                {"halorun/kernels/simd", "halorun/ranks/raster/metadata", "halorun/ranks/raster/scratch"},
	"halorun/ranks/raster/metadata":            {},
	"halorun/ranks/raster/png":                 {"halorun/kernels/simd", "halorun/ranks/raster/metadata", "halorun/ranks/raster/scratch"},
	"halorun/ranks/raster/tiff":                {"halorun/ranks/raster/jpeg", "halorun/ranks/raster/metadata"},
	"halorun/ranks/raster/scratch":             {},
	"halorun/ranks/raster/scratch/scratchtest": {},
	"halorun": {},

	"halorun/launcher/jobs/progress/terminaltest": {},
}

// forTests lists what the tests of a package may import besides.
var forTests = map[string][]string{
	"halorun/kernels":              {"halorun/kernels/simd/simdtest"},
	"halorun/ranks/raster":         {"halorun/ranks/raster/scratch/scratchtest"},
	"halorun/ranks/raster/jpeg":    {"halorun/kernels/simd/simdtest", "halorun/ranks/raster/scratch/scratchtest"},
	"halorun/ranks/raster/png":     {"halorun/kernels/simd/simdtest", "halorun/ranks/raster/scratch/scratchtest"},
	"halorun/ranks/raster/scratch": {"halorun/ranks/raster/scratch/scratchtest"},
	"halorun/comm":                 {"halorun/comm/commtest"},
	"halorun/ranks":                {"halorun/comm/commtest"},

	"halorun/ranks/folder": {"halorun/comm/commtest"},

	"halorun/launcher/jobs/watch": {"halorun/ranks", "halorun/ranks/folder"},

	"halorun/launcher/jobs/monitor":  {"halorun/launcher/jobs/progress/terminaltest"},
	"halorun/launcher/jobs/progress": {"halorun/launcher/jobs/progress/terminaltest"},
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		allowed, ok := mayImport[p.ImportPath]
		if !ok {
			t.Errorf("%s is not in the table of imports", p.ImportPath)
		}
		check := func(imports, allowed []string) {
			for _, i := range imports {
				ours := i == "halorun" || strings.HasPrefix(i, "halorun/")
				if ours && i != p.ImportPath && !slices.Contains(allowed, i) && !slices.Contains(allowed, "*") {
					t.Errorf("%s may not import %s", p.ImportPath, i)
				}
			}
		}
		check(p.Imports, allowed)
		check(append(p.TestImports, p.XTestImports...), append(slices.Clone(allowed), forTests[p.ImportPath]...))
	}
	if seen != len(mayImport) {
		t.Errorf("go list found %d packages, the table has %d", seen, len(mayImport))
	}
}
