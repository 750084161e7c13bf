package monitor

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"halorun/launcher"
	"halorun/launcher/jobs/progress"
	"halorun/launcher/jobs/watch"
)

// Lines returns the snapshot as text of at most so many columns and rows: one job in full, or a list of several.
func (s *Snapshot) Lines(columns, rows int) []string {
	var lines []string
	switch len(s.Jobs) {
	case 0:
		lines = []string{"no job is running"}
	case 1:
		lines = s.Jobs[0].lines(columns, rows)
	default:
		lines = s.list()
	}
	lines = lines[:min(len(lines), max(rows, 0))]
	for i, line := range lines {
		lines[i] = runewidth.Truncate(plain(line), columns, "")
	}
	return lines
}

// plain makes a text harmless to a terminal, whatever names are in it.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// list returns a line for each job.
func (s *Snapshot) list() []string {
	t := table{{"JOB", "STATE", "DONE", "FOR", "LEFT", "RANKS", "INPUT", "OPERATIONS", "LAST EVENT"}}
	for _, j := range s.Jobs {
		st := &j.standing
		done, left, last := "", "", ""
		if st.Fraction >= 0 {
			done = fmt.Sprintf("%d %%", progress.Percent(st.Fraction))
		}
		if st.Left >= 0 {
			left = progress.Duration(st.Left)
		}
		if j.Last != nil {
			last = told(j.Last)
		}
		t = append(t, []string{j.ID, j.State, done, progress.Duration(st.Elapsed), left, fmt.Sprint(j.Size), filepath.Base(j.Input), strings.Join(j.Ops, " "), last})
	}
	return t.lines(30)
}

// told returns an event in words, and when it was.
func told(e *launcher.Event) string {
	return e.Time.Local().Format(time.TimeOnly) + " " + e.String()
}

func (j *Job) lines(columns, rows int) []string {
	st := &j.standing
	lines := []string{
		fmt.Sprintf("job %s  %s for %s  %s  halorun %s", j.ID, j.State, progress.Duration(st.Elapsed), count(j.Size, "rank"), j.Version),
		fmt.Sprintf("%s -> %s  %s", j.Input, j.Output, strings.Join(j.Ops, " ")),
		st.Bar(columns),
	}
	epoch := uint32(0)
	for _, r := range st.Ranks {
		epoch = max(epoch, r.Epoch)
	}
	event := fmt.Sprintf("epoch %d  %s", epoch, count(j.Events, "event"))
	if j.Last != nil {
		event += "; last: " + told(j.Last)
	}
	lines = append(lines, event, "")
	return append(lines, ranksTable(st).fit(rows-len(lines))...)
}

// count is so many of something.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// ranksTable returns a row for each rank, and the sums.
func ranksTable(st *progress.Standing) table {
	work, rate := "TILES", "MEGAPIXELS/S"
	if st.Pictures != nil {
		work, rate = "PICTURES", "PICTURES/S"
	}
	t := table{{"RANK", "HOST", "STATE", work, rate, "CPU", "MEMORY", "SENT/S", "RECEIVED/S"}}
	var sum progress.Rates
	var all, resident int64
	for i := range st.Ranks {
		r := &st.Ranks[i]
		n, done := r.Rates.Megapixels, r.Tiles
		if st.Pictures != nil {
			n, done = r.Rates.Pictures, r.Part.Pictures
		}
		t = append(t, row(launcher.RankName(r.Rank.Rank), r.Host, state(r), done, n, &r.Rates, r.ResidentBytes))
		sum.Add(r.Rates)
		all += done
		resident += r.ResidentBytes
	}
	if len(st.Ranks) > 1 {
		n := sum.Megapixels
		if st.Pictures != nil {
			n = sum.Pictures
		}
		t = append(t, row("all", count(len(st.Hosts), "host"), "", all, n, &sum, resident))
	}
	return t
}

func row(rank, host, state string, done int64, rate float64, r *progress.Rates, resident int64) []string {
	return []string{
		rank, host, state, fmt.Sprint(done), progress.Number(rate), fmt.Sprintf("%.0f %%", 100*r.CPU), progress.Bytes(float64(resident)),
		progress.Bytes(r.Sent), progress.Bytes(r.Received),
	}
}

// state says how a rank is.
func state(r *progress.Rank) string {
	switch {
	case r.Gone:
		return "lost"
	case r.Silent > 2*time.Second:
		return "silent " + progress.Duration(r.Silent)
	}
	return watch.Running
}

// table is rows of cells, the first being the heads.
type table [][]string

// lines returns the table with columns in line. The last one may be as long as it likes, others are cut.
func (t table) lines(most int) []string {
	var widths []int
	for _, row := range t {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], min(most, runewidth.StringWidth(cell)))
		}
	}
	var lines []string
	for _, row := range t {
		var b strings.Builder
		for i, cell := range row {
			if i == len(row)-1 {
				b.WriteString(cell)
				break
			}
			b.WriteString(runewidth.FillRight(runewidth.Truncate(cell, widths[i], "~"), widths[i]) + "  ")
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

// fit returns the table's lines, of which those in the middle are left out if there are more than so many.
func (t table) fit(rows int) []string {
	lines := t.lines(24)
	if len(lines) <= rows || rows < 4 {
		return lines
	}
	cut := len(lines) - rows + 1
	kept := append([]string{}, lines[:rows-2]...)
	return append(kept, fmt.Sprintf("      and %d more", cut), lines[len(lines)-1])
}
