package kernels

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"
)

const (
	maxKernelSide = 255
	maxKernelFile = 4 << 20 // bytes; the largest kernel's normalised text is less than half as long
)

// namedKernels are kernels of 3×3 that users know by name.
var namedKernels = map[string]*mat.Dense{
	"identity":  mat.NewDense(3, 3, []float64{0, 0, 0, 0, 1, 0, 0, 0, 0}),
	"emboss":    mat.NewDense(3, 3, []float64{-2, -1, 0, -1, 1, 1, 0, 1, 2}),
	"sharpen":   mat.NewDense(3, 3, []float64{-1, -1, -1, -1, 9, -1, -1, -1, -1}),
	"outline":   mat.NewDense(3, 3, []float64{-1, -1, -1, -1, 8, -1, -1, -1, -1}),
	"edge":      mat.NewDense(3, 3, []float64{0, -1, 0, -1, 4, -1, 0, -1, 0}),
	"laplacian": mat.NewDense(3, 3, []float64{0, 1, 0, 1, -4, 1, 0, 1, 0}),
	"sobel-x":   mat.NewDense(3, 3, []float64{-1, 0, 1, -2, 0, 2, -1, 0, 1}),
	"sobel-y":   mat.NewDense(3, 3, []float64{-1, -2, -1, 0, 0, 0, 1, 2, 1}),
	"scharr-x":  mat.NewDense(3, 3, []float64{-3, 0, 3, -10, 0, 10, -3, 0, 3}),
	"scharr-y":  mat.NewDense(3, 3, []float64{-3, -10, -3, 0, 0, 0, 3, 10, 3}),
	"prewitt-x": mat.NewDense(3, 3, []float64{-1, 0, 1, -1, 0, 1, -1, 0, 1}),
	"prewitt-y": mat.NewDense(3, 3, []float64{-1, -1, -1, 0, 0, 0, 1, 1, 1}),
}

var kernelNames = strings.Join(slices.Sorted(maps.Keys(namedKernels)), ", ")

// normaliseKernel returns the entries of the kernel that text names, with commas between them and semicolons between rows.
func normaliseKernel(text string) (string, error) {
	kernel, err := parseKernel(text)
	if err != nil {
		return "", err
	}
	return formatKernel(kernel), nil
}

func formatKernel(kernel *mat.Dense) string {
	r, c := kernel.Dims()
	var b []byte
	for i := range r {
		for j := range c {
			if j > 0 {
				b = append(b, ',')
			} else if i > 0 {
				b = append(b, ';')
			}
			b = strconv.AppendFloat(b, kernel.At(i, j), 'g', -1, 64)
		}
	}
	return string(b)
}

// parseKernel reads a kernel that is given as rows with semicolons between them, by its name, or as @ and the name of a file.
func parseKernel(text string) (*mat.Dense, error) {
	if name, ok := strings.CutPrefix(text, "@"); ok {
		b, err := readKernelFile(name)
		if err != nil {
			return nil, err
		}
		return parseKernelFile(b)
	}
	if k := namedKernels[strings.ToLower(text)]; k != nil {
		return k, nil
	}
	if text == "" {
		return nil, fmt.Errorf("no kernel; give @FILE.csv, rows like 1 2 1;2 4 2;1 2 1, or one of %s", kernelNames)
	}
	if !strings.ContainsAny(text, "0123456789") {
		return nil, fmt.Errorf("no such kernel; give @FILE.csv, rows like 1 2 1;2 4 2;1 2 1, or one of %s", kernelNames)
	}
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("it has more than one line; between rows there are semicolons")
	}
	var k kernelRows
	for i, row := range strings.Split(text, ";") {
		separator := ""
		if strings.Contains(row, ",") {
			separator = ","
		}
		if err := k.add(fmt.Sprintf("row %d", i+1), row, separator); err != nil {
			return nil, err
		}
	}
	return k.kernel()
}

// readKernelFile reads a regular file: others may have no end, or never begin.
func readKernelFile(name string) ([]byte, error) {
	if name == "" {
		return nil, errors.New("the name of a file must follow the @")
	}
	st, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, bare(err)
	case st.IsDir():
		return nil, errors.New("it is a directory; give a CSV file")
	case !st.Mode().IsRegular():
		return nil, errors.New("it is not a regular file; give a CSV file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKernelFile+1))
	switch {
	case err != nil:
		return nil, bare(err)
	case len(b) > maxKernelFile:
		return nil, fmt.Errorf("it is longer than %d MiB; a kernel has at most %d×%d entries", maxKernelFile>>20, maxKernelSide, maxKernelSide)
	}
	return b, nil
}

// bare returns the error without the operation and the path, which the argument shows.
func bare(err error) error {
	if p := new(fs.PathError); errors.As(err, &p) {
		return p.Err
	}
	return err
}

// parseKernelFile reads a row from each line that is not blank. Semicolons stand between its entries if it has any, else commas, else
// white space. A # begins a comment.
func parseKernelFile(b []byte) (*mat.Dense, error) {
	lines := strings.Split(string(bytes.TrimPrefix(b, []byte("\ufeff"))), "\n")
	if len(lines) == 1 {
		lines = strings.Split(lines[0], "\r") // as old Macs wrote them
	}
	var k kernelRows
	for i, line := range lines {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		separator := ""
		if strings.Contains(line, ";") {
			separator = ";"
		} else if strings.Contains(line, ",") {
			separator = ","
		}
		if err := k.add(fmt.Sprintf("line %d", i+1), line, separator); err != nil {
			return nil, err
		}
	}
	if k.count == 0 {
		return nil, errors.New("it holds no numbers")
	}
	return k.kernel()
}

// kernelRows collects a kernel's entries row by row.
type kernelRows struct {
	entries []float64
	count   int    // of rows
	length  int    // of each row
	first   string // what the first row is called
}

// add takes the entries of the row, which messages call by the label, with the separator, or any white space, between them.
func (k *kernelRows) add(label, row, separator string) error {
	var entries []string
	if separator != "" {
		entries = strings.Split(row, separator)
	} else {
		entries = strings.Fields(row)
	}
	switch {
	case len(entries) == 0:
		return fmt.Errorf("%s is empty", label)
	case len(entries) > maxKernelSide:
		return fmt.Errorf("%s has %d entries; a kernel's sides go up to %d", label, len(entries), maxKernelSide)
	case k.count == maxKernelSide:
		return fmt.Errorf("it has more than %d rows; a kernel's sides go up to %d", maxKernelSide, maxKernelSide)
	case k.count > 0 && len(entries) != k.length:
		return fmt.Errorf("%s has %s, but %s has %d; a kernel is a rectangle", label, plural(len(entries), "entry", "entries"), k.first, k.length)
	}
	for j, e := range entries {
		v, err := strconv.ParseFloat(strings.TrimSpace(e), 64)
		at := fmt.Sprintf("%s, entry %d", label, j+1)
		switch {
		case strings.TrimSpace(e) == "":
			return fmt.Errorf("%s is missing", at)
		case errors.Is(err, strconv.ErrRange):
			return fmt.Errorf("%s is %s, which is too large", at, Brief(strings.TrimSpace(e)))
		case err != nil:
			return fmt.Errorf("%s is %q, which is not a number", at, Brief(strings.TrimSpace(e)))
		case math.IsNaN(v) || math.IsInf(v, 0):
			return fmt.Errorf("%s is %v; entries must be finite", at, v)
		}
		if v == 0 {
			v = 0 // which has no sign
		}
		k.entries = append(k.entries, v)
	}
	if k.count == 0 {
		k.first, k.length = label, len(entries)
	}
	k.count++
	return nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// kernel returns the kernel, which must have a middle.
func (k *kernelRows) kernel() (*mat.Dense, error) {
	if k.count%2 == 0 || k.length%2 == 0 {
		return nil, fmt.Errorf("a kernel of %d×%d (rows × columns) has no middle; its sides must be odd: add zeros", k.count, k.length)
	}
	return mat.NewDense(k.count, k.length, k.entries), nil
}
