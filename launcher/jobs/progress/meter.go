package progress

import (
	"time"

	"halorun/launcher/jobs/watch"
)

// Standing is how far a job is.
type Standing struct {
	Time     time.Time
	State    string
	Elapsed  time.Duration
	Fraction float64       // 0 to 1, which it is only when the job is done; below 0 if it is not known
	Left     time.Duration // until the end, if all goes on as it does; below 0 if it is not known
	// Of one picture: its size, and how much of that the job does in a second, all stages counted alike.
	Megapixels, MegapixelsPerSecond float64
	// Of many: how they stand. Those that earlier attempts have done do not count for the rate.
	Pictures          *watch.Pictures
	PicturesPerSecond float64
	Ranks             []Rank // by rank
	Hosts             []Host // in the order of ranks, the head's first
}

// Rank is how a rank is.
type Rank struct {
	*watch.Rank
	watch.Part
	Silent time.Duration // since it was heard last, until OUTPUT is put in place
	Gone   bool          // others are in a later epoch, and it was not heard since
	Rates
}

// Rates are what is done, or taken, in a second.
type Rates struct {
	Megapixels, Pictures float64
	CPU                  float64 // processors
	Sent, Received       float64 // bytes
}

// Host is how the ranks of a host are, all together.
type Host struct {
	Name     string
	Ranks    int
	Resident int64 // bytes
	Silent   time.Duration
	Rates
}

const (
	// window is over how long a time rates are averaged: long enough for a number that can be read, short enough to follow what happens.
	window = 15 * time.Second
	// spacing is how far apart what is remembered of ranks is, and remembered how often that is.
	spacing    = time.Second
	remembered = 4
	// almost is what a job shows whose ranks have computed all: it is not done before OUTPUT is in place.
	almost = 0.999
)

// Meter follows a job.
type Meter struct {
	shown   float64
	epoch   uint32
	moments []moment // of the window
	details []detail
	gap     time.Duration // the shortest between two moments
}

// moment is how far the job was.
type moment struct {
	at       time.Time
	rows     float64 // done, of all stages
	pictures float64
}

// detail is what each member had done.
type detail struct {
	at time.Time
	of map[uint32]watch.Part
}

// Take returns how far the job is. It is to be called with one status after the other.
func (m *Meter) Take(s *watch.Status) Standing {
	st := Standing{
		Time: s.Time, State: s.State, Elapsed: max(0, s.Time.Sub(s.Began)), Fraction: -1, Left: -1, Pictures: s.Pictures,
		Megapixels: float64(s.Picture.Width) * float64(s.Picture.Height) / 1e6,
	}
	if s.End != nil {
		st.Elapsed = max(0, s.End.Time.Sub(s.Began))
	}
	st.Ranks = ranksOf(s)
	now, all := moment{at: s.Time}, 0.0
	if p := s.Pictures; p != nil {
		now.pictures = float64(p.Done + p.Failed)
		if p.Listed {
			all = float64(p.All)
			st.Fraction = 1
			if p.All > 0 {
				st.Fraction = (now.pictures + float64(p.Resumed)) / all
			}
		}
	} else if rows, done, epoch, ok := rowsOf(s, st.Ranks); ok {
		all, now.rows = rows, done
		st.Fraction = done / rows
		if epoch != m.epoch {
			m.moments = nil // what was lost is no progress backwards
			m.epoch = epoch
		}
	}
	m.remember(now)
	m.rate(&st, now, all)
	m.share(&st, s, all)
	switch {
	case s.State == watch.Done:
		st.Fraction, st.Left = 1, 0
	case st.Fraction >= 0:
		m.shown = max(m.shown, min(st.Fraction, almost))
		st.Fraction = m.shown
	}
	if s.End != nil && s.State != watch.Done {
		st.Left = -1
	}
	return st
}

// ranksOf takes what ranks have said apart.
func ranksOf(s *watch.Status) []Rank {
	var all []Rank
	latest := uint32(0)
	until := s.Time
	if s.Committing != nil {
		until = *s.Committing
	}
	for i := range s.Ranks {
		r := Rank{Rank: &s.Ranks[i], Part: s.Ranks[i].Part()}
		r.Silent = max(0, until.Sub(r.Heard))
		latest = max(latest, r.Epoch)
		all = append(all, r)
	}
	for i := range all {
		all[i].Gone = all[i].Epoch < latest && s.Time.Sub(all[i].Heard) > spacing
	}
	return all
}

// rowsOf returns how many rows of all stages there are, and how many of them need no computing any more, as of the latest epoch.
func rowsOf(s *watch.Status, ranks []Rank) (all, done float64, epoch uint32, ok bool) {
	parts := make([]watch.Part, 0, len(ranks)+len(s.Lost))
	for _, r := range ranks {
		parts = append(parts, r.Part)
	}
	for i := range s.Lost {
		parts = append(parts, s.Lost[i].Part())
	}
	for _, p := range parts {
		if p.All > 0 {
			epoch = max(epoch, p.Epoch)
		}
	}
	var since int64
	for _, p := range parts {
		if p.All > 0 && p.Epoch == epoch {
			all, done = float64(p.All), float64(p.All-p.Left)
			since += p.Since
		}
	}
	return all, min(all, max(0, done+float64(since))), epoch, all > 0
}

// remember adds to the moments and forgets those that are too old.
func (m *Meter) remember(now moment) {
	if n := len(m.moments); n > 0 {
		gap := now.at.Sub(m.moments[n-1].at)
		if m.gap > 0 && gap > 4*m.gap+2*time.Second {
			m.moments, m.details = nil, nil // nobody looked, or all stood still
		}
		if m.gap == 0 || gap > 0 && gap < m.gap {
			m.gap = gap
		}
	}
	m.moments = append(m.moments, now)
	for len(m.moments) > 2 && now.at.Sub(m.moments[1].at) >= window {
		m.moments = m.moments[1:]
	}
}

// rate adds how fast the job is, and how long it will take.
func (m *Meter) rate(st *Standing, now moment, all float64) {
	first := m.moments[0]
	took := now.at.Sub(first.at).Seconds()
	rows, pictures := now.rows-first.rows, now.pictures-first.pictures
	if took < spacing.Seconds()/2 && now.pictures > 0 {
		took, pictures = st.Elapsed.Seconds(), now.pictures // since the beginning
	}
	if took <= 0 {
		return
	}
	left, speed := -1.0, 0.0
	if st.Pictures != nil {
		st.PicturesPerSecond = max(0, pictures/took)
		left, speed = all-now.pictures-float64(st.Pictures.Resumed), st.PicturesPerSecond
	} else if all > 0 {
		speed = max(0, rows/took)
		st.MegapixelsPerSecond = speed / all * st.Megapixels
		left = all - now.rows
	}
	if all > 0 && left >= 0 && speed > 0 {
		if seconds := left / speed; seconds < 1e9 {
			st.Left = time.Duration(seconds * float64(time.Second))
		}
	}
}

// share adds who does how much of it.
func (m *Meter) share(st *Standing, s *watch.Status, all float64) {
	if n := len(m.details); n == 0 || s.Time.Sub(m.details[n-1].at) >= spacing {
		d := detail{s.Time, make(map[uint32]watch.Part, len(st.Ranks))}
		for _, r := range st.Ranks {
			d.of[r.Member] = r.Part
		}
		m.details = append(m.details, d)
		if len(m.details) > remembered {
			m.details = m.details[1:]
		}
	}
	before := m.details[0]
	took := s.Time.Sub(before.at).Seconds()
	perRow := 0.0
	if all > 0 && s.Pictures == nil {
		perRow = st.Megapixels / all
	}
	hosts := make(map[string]int)
	for i := range st.Ranks {
		r := &st.Ranks[i]
		if was, ok := before.of[r.Member]; ok && took > 0 {
			r.Rates = Rates{
				Megapixels: max(0, float64(r.Computed-was.Computed)) * perRow / took, Pictures: max(0, float64(r.Part.Pictures-was.Pictures)) / took,
				CPU: max(0, r.CPUSeconds-was.CPUSeconds) / took, Sent: max(0, float64(r.BytesSent-was.BytesSent)) / took,
				Received: max(0, float64(r.BytesReceived-was.BytesReceived)) / took,
			}
		}
		n, ok := hosts[r.Host]
		if !ok {
			n = len(st.Hosts)
			hosts[r.Host] = n
			st.Hosts = append(st.Hosts, Host{Name: r.Host})
		}
		if r.Gone {
			continue
		}
		h := &st.Hosts[n]
		if r.Rank.Rank >= 0 {
			h.Ranks++
		}
		h.Resident += r.ResidentBytes
		h.Silent = max(h.Silent, r.Silent)
		h.Add(r.Rates)
	}
}

// Add adds those of another.
func (r *Rates) Add(o Rates) {
	r.Megapixels += o.Megapixels
	r.Pictures += o.Pictures
	r.CPU += o.CPU
	r.Sent += o.Sent
	r.Received += o.Received
}
