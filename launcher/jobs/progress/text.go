package progress

import (
	"fmt"
	"math"
	"time"

	"halorun/launcher/jobs/watch"
)

// Number returns a number as people read it: three digits, unless it has more before the point.
func Number(x float64) string {
	switch a := math.Abs(x); {
	case a >= 99.95:
		return fmt.Sprintf("%.0f", x)
	case a >= 9.995:
		return fmt.Sprintf("%.1f", x)
	case a == 0:
		return "0"
	}
	return fmt.Sprintf("%.2f", x)
}

// Bytes returns a number of bytes as people read it.
func Bytes(x float64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if x < 1000 {
			if unit == "B" {
				return fmt.Sprintf("%.0f B", x)
			}
			return Number(x) + " " + unit
		}
		x /= 1024
	}
	return Number(x) + " TiB"
}

// Duration returns a time as people read it: its two largest parts.
func Duration(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// Percent returns a fraction as a whole percentage that is 100 only for 1.
func Percent(fraction float64) int {
	return int(math.Floor(min(max(fraction, 0), 1)*100 + 1e-9))
}

// amount returns how much of the job is done, at more or less length; "" for one picture at less, of which the percentage says it.
func (st *Standing) amount(long bool) string {
	p := st.Pictures
	switch {
	case p == nil && st.Fraction < 0:
		return "starting"
	case p == nil && long:
		return fmt.Sprintf("%s of %s megapixels", Number(st.Fraction*st.Megapixels), Number(st.Megapixels))
	case p == nil:
		return ""
	}
	text := fmt.Sprint(p.Done + p.Resumed)
	if p.Listed {
		text += fmt.Sprintf(" of %d", p.All)
	}
	if long {
		text += " pictures"
	}
	if p.Failed > 0 {
		text += fmt.Sprintf(", %d failed", p.Failed)
	}
	return text
}

// pace returns how fast the job is.
func (st *Standing) pace() string {
	switch {
	case st.Pictures != nil && st.PicturesPerSecond > 0:
		return Number(st.PicturesPerSecond) + " pictures/s"
	case st.MegapixelsPerSecond > 0:
		return Number(st.MegapixelsPerSecond) + " megapixels/s"
	}
	return ""
}

// left returns when the job will end.
func (st *Standing) left() string {
	if st.Left < 0 || st.State == watch.Done {
		return ""
	}
	return Duration(st.Left) + " left"
}

// Sentence returns how far the job is, in plain words.
func (st *Standing) Sentence() string {
	var text string
	switch p := st.Pictures; {
	case p != nil:
		of := ""
		if p.Listed {
			of = fmt.Sprintf(" of %d", p.All)
		}
		text = fmt.Sprintf("%d%s pictures are done, %d failed", p.Done+p.Resumed, of, p.Failed)
	case st.Fraction < 0:
		return "starting for " + Duration(st.Elapsed)
	default:
		text = fmt.Sprintf("%d %% of %s megapixels are done", Percent(st.Fraction), Number(st.Megapixels))
	}
	if pace := st.pace(); pace != "" {
		text += "; " + pace
	}
	if left := st.left(); left != "" {
		text += ", about " + left
	}
	return text
}
