package bench

import (
	"fmt"
	"maps"
	"strings"

	"halorun/kernels"
)

// vipsSteps is what vips is called for, one process after the other: it takes one operation at a time. {in} and {out} stand for files.
type vipsSteps struct {
	steps [][]string
	files map[string]string // matrices, by name
	notes []string
}

// forVips translates a chain. canny are further arguments of vips canny.
func forVips(chain kernels.Chain, canny ...string) (vipsSteps, error) {
	v := vipsSteps{files: map[string]string{}}
	for _, call := range chain {
		if err := v.add(call, canny); err != nil {
			return vipsSteps{}, err
		}
	}
	return v, nil
}

func (v *vipsSteps) step(args ...string) { v.steps = append(v.steps, args) }

func (v *vipsSteps) note(text string) {
	for _, n := range v.notes {
		if n == text {
			return
		}
	}
	v.notes = append(v.notes, text)
}

func (v *vipsSteps) gray() { v.step("colourspace", "{in}", "{out}", "b-w") }

// matrix writes rows, with commas within and semicolons between them, as a file that vips reads, and returns its name.
func (v *vipsSteps) matrix(rows string, scale int) string {
	lines := strings.Split(rows, ";")
	name := fmt.Sprintf("vips%d.mat", len(v.files))
	v.files[name] = fmt.Sprintf("%d %d %d 0\n%s\n", strings.Count(lines[0], ",")+1, len(lines), scale,
		strings.ReplaceAll(strings.ReplaceAll(rows, ",", " "), ";", "\n"))
	return name
}

func (v *vipsSteps) convolve(rows string) {
	v.step("conv", "{in}", "{out}", v.matrix(rows, 1), "--precision", "integer")
}

func (v *vipsSteps) rank(width, height, index int) {
	v.step("rank", "{in}", "{out}", fmt.Sprint(width), fmt.Sprint(height), fmt.Sprint(index))
}

func (v *vipsSteps) blur(sigma float64) {
	v.step("gaussblur", "{in}", "{out}", number(sigma))
	v.note("vips gaussblur takes a standard deviation alone, and a smaller window")
}

func (v *vipsSteps) add(call kernels.Call, canny []string) error {
	a := call.Args
	switch name := call.Def.Name; name {
	case "gray":
		v.gray()
		v.note("vips colourspace weighs colours in another way")
	case "invert":
		v.step("invert", "{in}", "{out}")
	case "blur":
		v.blur(sigmaOf(call))
	case "edges":
		v.step(append([]string{"canny", "{in}", "{out}"}, canny...)...)
		v.note("vips canny is another, cheaper operation: it blurs, thins what a gradient gives, and decides nothing")
	case "sharpen":
		v.blur(1.1)
		v.convolve(sharpenKernel)
	case "brightness-contrast":
		v.step("linear", "{in}", "{out}", number(a.Float("alpha")), number(a.Float("beta")), "--uchar")
	case "red", "green", "blue":
		k := keeps(name)
		v.step("linear", "{in}", "{out}", fmt.Sprintf("%d %d %d", k[0], k[1], k[2]), "0 0 0", "--uchar")
	case "emboss":
		v.convolve(embossKernel)
	case "conv":
		rows, ok := kernelOf(call)
		if !ok {
			return needs{"conv but of kernels of whole numbers, unscaled, with 8-bit results"}
		}
		lines := make([]string, len(rows))
		for i, row := range rows {
			lines[i] = strings.Join(row, ",")
		}
		v.convolve(strings.Join(lines, ";"))
	case "box":
		n := a.Int("size")
		v.step("convsep", "{in}", "{out}", v.matrix(strings.TrimSuffix(strings.Repeat("1,", n), ","), n), "--precision", "integer")
	case "median":
		n := a.Int("size")
		v.rank(n, n, n*n/2)
	case "erode", "dilate", "open", "close":
		width, height := rectangle(call)
		least, greatest := 0, width*height-1
		for _, index := range map[string][]int{"erode": {least}, "dilate": {greatest}, "open": {least, greatest}, "close": {greatest, least}}[name] {
			v.rank(width, height, index)
		}
	case "threshold":
		if a.Text("type") != "binary" || a.Int("max") != 255 {
			return needs{"threshold but of type binary and with 255"}
		}
		v.gray()
		v.step("relational_const", "{in}", "{out}", "more", number(a.Float("value")))
	case "equalize":
		v.gray()
		v.step("hist_equal", "{in}", "{out}")
	case "autocontrast":
		if a.Float("cutoff") != 0 {
			return needs{"autocontrast with a cutoff"}
		}
		v.step("scale", "{in}", "{out}")
	case "gamma":
		v.step("gamma", "{in}", "{out}", "--exponent", number(a.Float("value")))
	case "sepia":
		v.step("recomb", "{in}", "{out}", v.matrix(sepiaMatrix, 1))
		v.step("cast", "{in}", "{out}", "uchar")
	default:
		return lacks(call)
	}
	return nil
}

// plan returns the commands for a job: vips writes what is between two operations to files of its own format.
func (v vipsSteps) plan(j *peerJob, output string) plan {
	p := plan{files: maps.Clone(v.files), notes: v.notes, env: []string{fmt.Sprintf("VIPS_CONCURRENCY=%d", j.ranks)}}
	in := j.input
	for i, step := range v.steps {
		out := fmt.Sprintf("vips%d.v", i)
		if i == len(v.steps)-1 {
			out = output + j.vipsOptions()
		}
		args := []string{"vips"}
		for _, arg := range step {
			switch arg {
			case "{in}":
				arg = in
			case "{out}":
				arg = out
			}
			args = append(args, arg)
		}
		p.commands = append(p.commands, args)
		in = out
	}
	return p
}

func (j *peerJob) vipsOptions() string {
	switch {
	case j.format == "jpeg":
		return fmt.Sprintf("[Q=%d,subsample_mode=on]", peerQuality)
	case j.format == "png":
		return fmt.Sprintf("[compression=%d]", peerCompression)
	case j.format == "tiff" && 3*j.outputPixels > 4e9:
		return "[bigtiff]"
	}
	return ""
}
