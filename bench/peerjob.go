package bench

import (
	"fmt"
	"strconv"
	"strings"

	"halorun/kernels"
)

// peerJob is what all programs do alike. Its files have simple names in the folder in which the programs run.
type peerJob struct {
	chain        kernels.Chain
	shape        kernels.Shape // of INPUT
	out          kernels.Shape // of the result
	input        string
	format       string // of all outputs: png, jpeg, tiff or pnm
	ranks        int
	halos        []int // rows above and below that each operation reads
	outputPixels int64
}

func newPeerJob(chain kernels.Chain, shape kernels.Shape) (*peerJob, error) {
	stages, err := chain.Stages(shape)
	if err != nil {
		return nil, err
	}
	j := &peerJob{chain: chain, shape: shape, out: stages[len(stages)-1].Out}
	j.outputPixels = int64(j.out.Width) * int64(j.out.Height)
	channels := shape.Channels
	for _, call := range chain {
		ops, err := call.Def.Build(call.Args, channels)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", call.Def.Name, err)
		}
		halo := 0
		for _, op := range ops {
			in := op.InRows(kernels.Rows{Lo: 0, Hi: 1})
			halo += max(-in.Lo, in.Hi-1, 0)
			channels = op.OutShape(kernels.Shape{Width: 1, Height: 1, Channels: channels}).Channels
		}
		j.halos = append(j.halos, halo)
	}
	return j, nil
}

// extension is that of the outputs: a PNM's tells grey from colour, as programs other than Halorun need it.
func (j *peerJob) extension() string {
	if j.format == "pnm" && j.out.Channels == 1 {
		return "pgm"
	}
	return extension(j.format)
}

// extension is that of files of a format.
func extension(format string) string {
	switch format {
	case "jpeg":
		return "jpg"
	case "tiff":
		return "tif"
	case "pnm":
		return "ppm"
	}
	return format
}

// needs is why a program cannot take part.
type needs struct{ operation string }

func (e needs) Error() string { return "has no " + e.operation }

// lacks says that a program has nothing that is like the call's operation.
func lacks(call kernels.Call) error { return needs{call.Def.Name} }

// sigmaOf returns the standard deviation that a call asks for, which its size decides if it is 0, as with OpenCV.
func sigmaOf(call kernels.Call) float64 {
	if s := call.Args.Float("sigma"); s > 0 {
		return s
	}
	return 0.3*(float64(call.Args.Int("size")-1)/2-1) + 0.8
}

// rectangle returns the sides that a morphological operation's call asks for.
func rectangle(call kernels.Call) (width, height int) {
	width, height = call.Args.Int("width"), call.Args.Int("height")
	if width == 0 {
		width = call.Args.Int("size")
	}
	if height == 0 {
		height = call.Args.Int("size")
	}
	return width, height
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// keeps returns 1 for the channel that the operation keeps, and 0 for the others.
func keeps(name string) [3]int {
	switch name {
	case "red":
		return [3]int{1, 0, 0}
	case "green":
		return [3]int{0, 1, 0}
	}
	return [3]int{0, 0, 1}
}

// kernelOf returns the rows of a convolution's kernel, if its entries are whole numbers and nothing else is asked for.
func kernelOf(call kernels.Call) (rows [][]string, ok bool) {
	if call.Args.Float("scale") != 1 || call.Args.Float("delta") != 0 || call.Args.Bool("normalize") {
		return nil, false
	}
	for row := range strings.SplitSeq(call.Args.Text("kernel"), ";") {
		entries := strings.Split(row, ",")
		for _, e := range entries {
			if _, err := strconv.Atoi(e); err != nil {
				return nil, false
			}
		}
		rows = append(rows, entries)
	}
	return rows, true
}

const embossKernel, sharpenKernel = "-2,-1,0;-1,1,1;0,1,2", "-1,-1,-1;-1,9,-1;-1,-1,-1"

// sepiaMatrix is that of sepia, row by row.
const sepiaMatrix = "0.393,0.769,0.189;0.349,0.686,0.168;0.272,0.534,0.131"
