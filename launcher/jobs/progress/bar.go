package progress

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

const (
	// widest is how wide a block is at most: a line that is longer is hard to follow, and wraps when the terminal gets narrower.
	widest = 100
	// A bar has at least so many columns, or there is none.
	leastBar = 12
	// So large a terminal has room for hosts: at most mostHosts, and no more than a third of its rows.
	hostColumns, hostRows, mostHosts = 60, 10, 12
)

// overall draws the line of the whole job: as much of it as there is room for.
func overall(w io.Writer, bar mpb.BarFiller, st *Standing, columns int) error {
	columns = min(columns, widest)
	percent := ""
	if st.Fraction >= 0 {
		percent = fmt.Sprintf("%d %%", Percent(st.Fraction))
	}
	pace, left := st.pace(), st.left()
	for _, parts := range [][]string{
		{st.amount(true), pace, left}, {st.amount(true), pace}, {st.amount(false), pace, left}, {st.amount(false), left}, {left}, {},
	} {
		parts = nonempty(append([]string{percent}, parts...))
		text := strings.Join(parts, "  ")
		room := columns - runewidth.StringWidth(text) - 1
		if st.Fraction < 0 {
			if room >= -1 {
				_, err := io.WriteString(w, text)
				return err
			}
			continue
		}
		if room < leastBar {
			continue
		}
		if err := bar.Fill(w, decor.Statistics{AvailableWidth: room, Total: 1000, Current: int64(st.Fraction * 1000), Completed: st.Fraction == 1}); err != nil {
			return err
		}
		_, err := io.WriteString(w, " "+text)
		return err
	}
	_, err := io.WriteString(w, runewidth.Truncate(percent, columns, ""))
	return err
}

func nonempty(texts []string) []string {
	var some []string
	for _, t := range texts {
		if t != "" {
			some = append(some, t)
		}
	}
	return some
}

// hostLines returns a line for each host, as far as there is room for them.
func (st *Standing) hostLines(columns, rows int) []string {
	if columns < hostColumns || rows < hostRows || len(st.Hosts) == 0 {
		return nil
	}
	shown := min(len(st.Hosts), mostHosts, rows/3)
	name := 0
	for _, h := range st.Hosts[:shown] {
		name = max(name, runewidth.StringWidth(h.Name))
	}
	name = min(name, 24)
	var lines []string
	for _, h := range st.Hosts[:shown] {
		lines = append(lines, runewidth.Truncate(st.hostLine(h, name), min(columns, widest), ""))
	}
	if more := len(st.Hosts) - shown; more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more hosts", more))
	}
	return lines
}

func (st *Standing) hostLine(h Host, name int) string {
	rate, unit := h.Megapixels, "megapixels/s"
	if st.Pictures != nil {
		rate, unit = h.Pictures, "pictures/s"
	}
	ranks := fmt.Sprintf("%d ranks", h.Ranks)
	if h.Ranks == 1 {
		ranks = "1 rank"
	}
	line := fmt.Sprintf("  %s  %-9s %7s %s %5.0f %% CPU  %9s", runewidth.FillRight(runewidth.Truncate(h.Name, name, "~"), name), ranks, Number(rate), unit, 100*h.CPU, Bytes(float64(h.Resident)))
	if h.Silent >= silence {
		line += "  silent for " + Duration(h.Silent)
	}
	return line
}

// Bar returns how far the job is as one line with a bar, for so many columns.
func (st *Standing) Bar(columns int) string {
	var b strings.Builder
	_ = overall(&b, mpb.BarStyle().Build(), st, columns) // to a builder nothing fails
	return b.String()
}
