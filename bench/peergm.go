package bench

import (
	"fmt"
	"strings"

	"halorun/kernels"
)

// forGM translates a chain into arguments of gm convert, which does all operations in one process.
func forGM(chain kernels.Chain) (args, notes []string, err error) {
	add := func(more ...string) { args = append(args, more...) }
	for _, call := range chain {
		a := call.Args
		switch name := call.Def.Name; name {
		case "gray":
			add("-colorspace", "GRAY")
		case "invert":
			add("-negate")
		case "blur":
			add("-blur", fmt.Sprintf("%dx%s", a.Int("size")/2, number(sigmaOf(call))))
		case "edges":
			add("-edge", "1")
			notes = append(notes, "gm's -edge is another, cheaper operation: one convolution")
		case "sharpen":
			add("-blur", "2x1.1", "-convolve", spread(sharpenKernel))
		case "brightness-contrast":
			if a.Float("alpha") < 0 || a.Float("beta") < 0 {
				return nil, nil, needs{"brightness-contrast with negative numbers"}
			}
			add("-operator", "All", "Multiply", number(a.Float("alpha")), "-operator", "All", "Add", number(a.Float("beta")/2.55)+"%")
		case "red", "green", "blue":
			for i, keep := range keeps(name) {
				if keep == 0 {
					add("-operator", []string{"Red", "Green", "Blue"}[i], "Assign", "0")
				}
			}
		case "median":
			add("-median", fmt.Sprint(a.Int("size")/2))
		case "box":
			n := a.Int("size")
			if n > 63 {
				return nil, nil, needs{"box of more than 63 × 63 but a convolution of that size"}
			}
			add("-convolve", strings.TrimSuffix(strings.Repeat("1,", n*n), ","))
		case "conv":
			rows, ok := kernelOf(call)
			if !ok || !unchanged(rows) {
				return nil, nil, needs{"conv but of square kernels whose sum is 0 or 1"}
			}
			var all []string
			for _, row := range rows {
				all = append(all, row...)
			}
			add("-convolve", spread(strings.Join(all, ",")))
		case "emboss":
			add("-convolve", spread(embossKernel))
		case "threshold":
			if a.Text("type") != "binary" || a.Int("max") != 255 {
				return nil, nil, needs{"threshold but of type binary and with 255"}
			}
			add("-colorspace", "GRAY", "-threshold", number(a.Float("value")/2.55)+"%")
		case "equalize":
			add("-colorspace", "GRAY", "-equalize")
		case "gamma":
			add("-gamma", number(a.Float("value")))
		case "sepia":
			add("-recolor", spread(sepiaMatrix))
		case "unsharp":
			if a.Int("threshold") != 0 {
				return nil, nil, needs{"unsharp with a threshold of the same meaning"}
			}
			add("-unsharp", fmt.Sprintf("%dx%s+%s+0", a.Int("size")/2, number(sigmaOf(call)), number(a.Float("amount"))))
		default:
			return nil, nil, lacks(call)
		}
	}
	return args, notes, nil
}

// spread returns all numbers of a matrix with commas between. The blank keeps a minus from looking like a flag's.
func spread(rows string) string { return " " + strings.ReplaceAll(rows, ";", ",") }

// unchanged tells whether gm takes a kernel as it is: it must be square, and is divided by its sum.
func unchanged(rows [][]string) bool {
	sum := 0
	for _, row := range rows {
		for _, e := range row {
			var v int
			fmt.Sscan(e, &v) // kernelOf has read it, too
			sum += v
		}
	}
	return len(rows) == len(rows[0]) && (sum == 0 || sum == 1)
}

func (j *peerJob) planGM(output string) (plan, error) {
	args, notes, err := forGM(j.chain)
	if err != nil {
		return plan{}, err
	}
	command := append([]string{"gm", "convert", j.input}, args...)
	switch j.format {
	case "jpeg":
		command = append(command, "-quality", fmt.Sprint(peerQuality), "-sampling-factor", "2x2")
	case "png":
		command = append(command, "-quality", fmt.Sprint(10*peerCompression+5)) // the tens are zlib's level, the ones the filter
	case "tiff":
		command = append(command, "-compress", "None")
	}
	return plan{commands: [][]string{append(command, output)}, notes: notes, env: []string{fmt.Sprintf("OMP_NUM_THREADS=%d", j.ranks)}}, nil
}
