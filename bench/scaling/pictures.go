package scaling

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"halorun/bench"
	"halorun/ranks/raster"
)

// mostSide keeps sizes from overflowing, whatever they are multiplied with.
const mostSide = 1 << 30

// same is an operation that changes nothing.
const same = "brightness-contrast:alpha=1,beta=0"

// input is the picture of a point.
type input struct {
	name string
	own  bool // of the workshop, and so without the flags that tell how to read INPUT
}

// pictures makes the picture for each place, by index, and finds out whether jobs would take it before it takes time and room.
func (p *Plan) pictures(ctx context.Context, w *workshop) (all []input, err error) {
	if p.Synthetic == nil {
		if all, err = p.given(ctx, w); err != nil || !p.Weak {
			return all, err
		}
		return all, p.stack(ctx, w, all)
	}
	sizes := make(map[string]bench.Size)
	for i, place := range p.Places {
		size, name := *p.Synthetic, "input.ppm"
		if p.Weak {
			if place.Ranks > mostSide/size.Height {
				return nil, &JobError{place.Ranks, 2, fmt.Sprintf("a picture %d times as high as %s is beyond the limits", place.Ranks, p.Input)}
			}
			size.Height *= place.Ranks
			name = fmt.Sprintf("input-%d.ppm", place.Ranks)
		}
		in := input{w.file(name), true}
		if err := size.Outline(in.name); err != nil {
			return nil, err
		}
		if err := p.check(ctx, w, i, nil, in.name); err != nil {
			return nil, err
		}
		all, sizes[in.name] = append(all, in), size
	}
	for i, in := range all {
		if i > 0 && in == all[0] {
			break // there is only one
		}
		p.say("painting a picture of %d × %d", sizes[in.name].Width, sizes[in.name].Height)
		if err := sizes[in.name].Paint(ctx, in.name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// check finds mistakes in a job for the place i before the work begins. The first place's are those of all.
func (p *Plan) check(ctx context.Context, w *workshop, i int, flags []string, in string) error {
	err := p.Jobs.dryRun(ctx, p.Places[i].Ranks, flags, in, p.output(w))
	var job *JobError
	if i == 0 && errors.As(err, &job) {
		job.Ranks = 0
	}
	return err
}

// given checks INPUT as it is.
func (p *Plan) given(ctx context.Context, w *workshop) (all []input, err error) {
	for i := range p.Places {
		if err := p.check(ctx, w, i, p.Jobs.Read, p.Input); err != nil {
			return nil, err
		}
		all = append(all, input{p.Input, false})
	}
	return all, nil
}

// output is where jobs write to.
func (p *Plan) output(w *workshop) string { return w.file("output." + p.Format) }

// stack puts, for each place, as many copies of INPUT under each other as there are ranks. The program itself brings them into a form that is
// easily stacked, and back.
func (p *Plan) stack(ctx context.Context, w *workshop, all []input) error {
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(p.Input), "."))
	switch format, err := raster.FormatOf(p.Input); {
	case err != nil, format == "ppm", format == "pgm", format == "raw", format == "rgb", format == "gray":
		ext = "pnm"
	}
	one := w.file("one.pnm")
	convert := Runner{Program: p.Jobs.Program, Flags: []string{"--quiet", "--checkpoint", "off"}, Suspend: p.Jobs.Suspend}
	if _, err := convert.job(ctx, 1, p.Jobs.Read, p.Input, one, same); err != nil {
		return err
	}
	for i, place := range p.Places {
		p.say("stacking %s, %d times", p.Input, place.Ranks)
		tall := w.file(fmt.Sprintf("input-%d.pnm", place.Ranks))
		if err := copies(ctx, tall, one, place.Ranks); err != nil {
			return err
		}
		in := input{tall, true}
		if ext != "pnm" {
			in.name = w.file(fmt.Sprintf("input-%d.%s", place.Ranks, ext))
			if _, err := convert.job(ctx, 1, nil, tall, in.name, same); err != nil {
				return err
			}
			if err := os.Remove(tall); err != nil {
				return err
			}
		}
		if err := p.check(ctx, w, i, nil, in.name); err != nil {
			return err
		}
		all[i] = in
	}
	return os.Remove(one)
}

// copies writes a PNM with n copies of the one that was written here.
func copies(ctx context.Context, to, from string, n int) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	var kind string
	var width, height, most int
	head := bufio.NewReader(f)
	if _, err := fmt.Fscanf(head, "%s\n%d %d\n%d\n", &kind, &width, &height, &most); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if n > mostSide/height {
		return &JobError{n, 2, fmt.Sprintf("a picture of %d times %d rows is beyond the limits", n, height)}
	}
	channels := 1
	if kind == "P6" {
		channels = 3
	}
	size := int64(width) * int64(height) * int64(channels)
	st, err := f.Stat()
	if err != nil {
		return err
	}
	t, err := os.Create(to)
	if err != nil {
		return err
	}
	defer t.Close()
	header := fmt.Sprintf("%s\n%d %d\n%d\n", kind, width, height*n, most)
	if err := raster.Reserve(t, int64(len(header))+size*int64(n)); err != nil {
		return fmt.Errorf("%s: %w", to, err)
	}
	if _, err := t.WriteString(header); err != nil {
		return err
	}
	for range n {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if _, err := io.Copy(t, io.NewSectionReader(f, st.Size()-size, size)); err != nil {
			return err
		}
	}
	return nil
}
