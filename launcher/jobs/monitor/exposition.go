package monitor

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"halorun/launcher"
	"halorun/launcher/jobs/progress"
	"halorun/launcher/jobs/watch"
)

// The metrics are written by hand, in Prometheus' text format, version 0.0.4: its library costs each process of each job as much time to start as
// all the rest of this program together takes to begin. A test holds them to that library's own parser and linter.

// family is a metric with all that is known of it.
type family struct {
	name, kind, help string
	samples          []sample
}

type sample struct {
	labels []string // names and values in turn
	value  float64
}

// Kinds of metrics.
const (
	gauge   = "gauge"
	counter = "counter"
)

// writeMetrics writes how a job is.
func writeMetrics(w io.Writer, s *watch.Status, st *progress.Standing) error {
	for _, f := range append(jobFamilies(s, st), rankFamilies(s, st)...) {
		if len(f.samples) == 0 {
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
		for _, x := range f.samples {
			b.WriteString(f.name)
			var labels []string
			for i := 0; i+1 < len(x.labels); i += 2 {
				labels = append(labels, x.labels[i]+`="`+escape(x.labels[i+1])+`"`)
			}
			if len(labels) > 0 {
				b.WriteString("{" + strings.Join(labels, ",") + "}")
			}
			b.WriteString(" " + strconv.FormatFloat(x.value, 'g', -1, 64) + "\n")
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// escape makes any text the value of a label.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

func jobFamilies(s *watch.Status, st *progress.Standing) []family {
	one := func(x float64, labels ...string) []sample { return []sample{{labels, x}} }
	state := family{"halorun_job_state", gauge, "1 for the state the job is in, 0 for all others.", nil}
	for _, name := range watch.States() {
		x := 0.0
		if name == s.State {
			x = 1
		}
		state.samples = append(state.samples, sample{[]string{"state", name}, x})
	}
	all := []family{
		{"halorun_job_info", gauge, "What the job is; always 1.", one(1, "job", s.ID, "run", s.Run, "version", s.Version, "input", s.Input, "output", s.Output, "ops", strings.Join(s.Ops, " "))},
		state,
		{"halorun_job_start_time_seconds", gauge, "When the job was begun, in seconds since 1970.", one(seconds(s.Began))},
		{"halorun_job_ranks", gauge, "Ranks that the job has.", one(float64(s.Size))},
		{"halorun_job_events_total", counter, "Losses of ranks and whatever else has befallen the job.", one(float64(s.Events))},
		{"halorun_job_input_pixels", gauge, "Pixels of INPUT; 0 for many pictures.", one(float64(s.Picture.Width) * float64(s.Picture.Height))},
	}
	if st.Fraction >= 0 {
		all = append(all, family{"halorun_job_progress_ratio", gauge, "How much of the job is done, from 0 to 1.", one(st.Fraction)})
	}
	if p := s.Pictures; p != nil {
		all = append(all,
			family{"halorun_pictures_total", counter, "Pictures that have ended: done, failed, or resumed, which an earlier attempt had done.", []sample{
				{[]string{"outcome", "done"}, float64(p.Done)}, {[]string{"outcome", "failed"}, float64(p.Failed)}, {[]string{"outcome", "resumed"}, float64(p.Resumed)},
			}},
			family{"halorun_pictures_listed", gauge, "Pictures that there are, as far as is known.", one(float64(p.All))})
	}
	epoch := uint32(0)
	for _, r := range st.Ranks {
		epoch = max(epoch, r.Epoch)
	}
	return append(all, family{"halorun_job_epoch", gauge, "How often the ranks have met; it rises when one is lost.", one(float64(epoch))})
}

// steps are those of a rank's seconds.
func steps() []string {
	return []string{"start", "read", "scatter", "halo", "compute", "checkpoint", "gather", "write"}
}

// rankFamilies returns what ranks tell. Counters are sums over all members that were the rank, so that they never fall.
func rankFamilies(s *watch.Status, st *progress.Standing) []family {
	sums := make(map[int]watch.Part)
	restarts := make(map[int]int)
	add := func(rank int, p watch.Part) {
		sum := sums[rank]
		sum.Tiles += p.Tiles
		sum.TilesRestored += p.TilesRestored
		sum.Computed += p.Computed
		sum.Pictures += p.Pictures
		sum.BytesSent += p.BytesSent
		sum.BytesReceived += p.BytesReceived
		sum.CPUSeconds += p.CPUSeconds
		if sum.Seconds == nil {
			sum.Seconds = make(map[string]float64)
		}
		for step, x := range p.Seconds {
			sum.Seconds[step] += x
		}
		sums[rank] = sum
	}
	for i := range s.Lost {
		add(s.Lost[i].Rank, s.Lost[i].Part())
		restarts[s.Lost[i].Rank]++
	}
	for _, r := range st.Ranks {
		add(r.Rank.Rank, r.Part)
	}
	f := []family{
		{"halorun_rank_tiles_total", counter, "Tiles that the rank has computed.", nil},
		{"halorun_rank_tiles_restored_total", counter, "Tiles that the rank has taken from the ledger instead.", nil},
		{"halorun_rank_rows_total", counter, "Rows of all stages that the rank has computed.", nil},
		{"halorun_rank_pictures_total", counter, "Of many pictures, those that the rank has done.", nil},
		{"halorun_rank_sent_bytes_total", counter, "Bytes that the rank has sent to others.", nil},
		{"halorun_rank_received_bytes_total", counter, "Bytes that the rank has received from others.", nil},
		{"halorun_rank_cpu_seconds_total", counter, "Processor time that the rank has taken.", nil},
		{"halorun_rank_restarts_total", counter, "How often another process has taken the rank's place.", nil},
		{"halorun_rank_resident_memory_bytes", gauge, "Memory that the rank has resident.", nil},
		{"halorun_rank_silent_seconds", gauge, "Time since the rank was heard.", nil},
		{"halorun_rank_step_seconds_total", counter, "Time that the rank was busy with, or blocked in, each step, summed over its threads.", nil},
	}
	for _, r := range st.Ranks {
		if r.Gone {
			continue
		}
		sum := sums[r.Rank.Rank]
		labels := []string{"rank", launcher.RankName(r.Rank.Rank), "host", r.Host}
		for i, x := range []float64{
			float64(sum.Tiles), float64(sum.TilesRestored), float64(sum.Computed), float64(sum.Pictures), float64(sum.BytesSent), float64(sum.BytesReceived),
			sum.CPUSeconds, float64(restarts[r.Rank.Rank]), float64(r.ResidentBytes), r.Silent.Seconds(),
		} {
			f[i].samples = append(f[i].samples, sample{labels, x})
		}
		last := &f[len(f)-1]
		for _, step := range steps() {
			last.samples = append(last.samples, sample{append([]string{"step", step}, labels...), sum.Seconds[step]})
		}
	}
	return f
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
