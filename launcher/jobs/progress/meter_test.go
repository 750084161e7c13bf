package progress

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"halorun/launcher/jobs/watch"
)

// told is what a rank says of one picture.
func told(epoch uint32, all, left, since int64) []byte {
	b, err := json.Marshal(watch.Part{Epoch: epoch, All: all, Left: left, Since: since, Computed: since})
	if err != nil {
		panic(err)
	}
	return b
}

// Whatever befalls a job, what is shown of it never falls, is never beyond what is done, and is all only when the job is done; the time that is
// left is never negative nor endless.
func TestMonotone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(1, 4).Draw(rt, "ranks")
		all := rapid.Int64Range(1, 1000).Draw(rt, "rows")
		left := rapid.Int64Range(0, all).Draw(rt, "not restored")
		b := watch.NewBoard(watch.Job{Began: time.Unix(1000, 0)})
		b.Describe("j", watch.Picture{Width: 10, Height: 10, Channels: 1}, nil)
		epoch, next := uint32(1), uint32(size)
		members, since := make([]uint32, size), make([]int64, size)
		for i := range members {
			members[i] = uint32(i)
		}
		var m Meter
		at, last := time.Unix(1000, 0), 0.0
		best := 0.0 // what was ever done
		look := func() {
			at = at.Add(time.Duration(rapid.Int64Range(0, 3000).Draw(rt, "ms")) * time.Millisecond)
			s := b.Snapshot()
			s.Time = at
			st := m.Take(&s)
			if st.Fraction >= 0 {
				if st.Fraction < last || st.Fraction > 1 || st.Fraction == 1 && s.State != watch.Done {
					rt.Fatalf("%v after %v in state %s", st.Fraction, last, s.State)
				}
				last = st.Fraction
				if s.State != watch.Done && st.Fraction > best+1e-9 {
					rt.Fatalf("%v is shown, and no more than %v was ever done", st.Fraction, best)
				}
			}
			if st.Left < -1 || st.Left > 1e9*time.Second || st.MegapixelsPerSecond < 0 || math.IsNaN(st.MegapixelsPerSecond) || math.IsInf(st.MegapixelsPerSecond, 0) {
				rt.Fatalf("%+v", st)
			}
			if p := Percent(st.Fraction); p == 100 && s.State != watch.Done {
				rt.Fatalf("100 %% in state %s", s.State)
			}
			_ = st.Sentence()
		}
		look()
		for range rapid.IntRange(0, 30).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0: // a rank is lost, with some of what it has done; all meet again
				epoch++
				lost := rapid.IntRange(0, size-1).Draw(rt, "who")
				done := int64(0)
				for _, n := range since {
					done += n
				}
				left = min(all, left-done+rapid.Int64Range(0, since[lost]).Draw(rt, "lost"))
				clear(since)
				members[lost] = next
				next++
			default:
				i := rapid.IntRange(0, size-1).Draw(rt, "who")
				done := int64(0)
				for _, n := range since {
					done += n
				}
				since[i] += rapid.Int64Range(0, left-done).Draw(rt, "rows")
			}
			i := rapid.IntRange(0, size-1).Draw(rt, "says")
			b.Progress(i, members[i], fmt.Sprint("h", i%2), told(epoch, all, left, since[i]))
			done := all - left
			for _, n := range since {
				done += n
			}
			best = max(best, float64(done)/float64(all))
			look()
		}
		b.Finish(watch.End{Time: at, State: watch.Done})
		look()
		if last != 1 {
			rt.Fatalf("a job that is done is shown as %v", last)
		}
	})
}

// A steady job's rate and remaining time are right, and a suspended one's are not those of the suspension.
func TestRate(t *testing.T) {
	b := watch.NewBoard(watch.Job{Began: time.Unix(1000, 0)})
	b.Describe("j", watch.Picture{Width: 1000, Height: 1000}, nil)
	var m Meter
	take := func(at float64, rows int64) Standing {
		b.Progress(0, 0, "h", told(1, 2000, 2000, rows))
		s := b.Snapshot()
		s.Time = time.Unix(1000, 0).Add(time.Duration(at * float64(time.Second)))
		return m.Take(&s)
	}
	var st Standing
	for i := range 41 { // 40 rows a second of 2000
		st = take(float64(i)/4, int64(i)*10)
	}
	if math.Abs(st.MegapixelsPerSecond-0.02) > 1e-9 || st.Left != 40*time.Second || math.Abs(st.Fraction-0.2) > 1e-9 {
		t.Errorf("%v megapixels/s, %v left, %v done", st.MegapixelsPerSecond, st.Left, st.Fraction)
	}
	if h := st.Hosts; len(h) != 1 || h[0].Name != "h" || h[0].Ranks != 1 || math.Abs(h[0].Megapixels-0.02) > 1e-9 {
		t.Errorf("%+v", h)
	}
	take(3610, 400)
	for i := range 9 {
		st = take(3610.25+float64(i)/4, 410+int64(i)*10)
	}
	if math.Abs(st.MegapixelsPerSecond-0.02) > 1e-9 {
		t.Errorf("after an hour's pause: %v megapixels/s", st.MegapixelsPerSecond)
	}
}

// Of many pictures all that have ended count, and the rate is without those that earlier attempts have done.
func TestPictures(t *testing.T) {
	b := watch.NewBoard(watch.Job{Began: time.Unix(1000, 0)})
	var m Meter
	take := func(at int64, p watch.Pictures) Standing {
		b.CountPictures(p)
		s := b.Snapshot()
		s.Time = time.Unix(1000+at, 0)
		return m.Take(&s)
	}
	if st := take(1, watch.Pictures{Done: 1, Resumed: 50, All: 60}); st.Fraction >= 0 || st.Left >= 0 {
		t.Errorf("%+v: who knows how many there are?", st)
	}
	take(5, watch.Pictures{Done: 3, Failed: 1, Resumed: 50, All: 100, Listed: true})
	st := take(11, watch.Pictures{Done: 18, Failed: 3, Resumed: 50, All: 100, Listed: true})
	if st.Fraction != 0.71 || st.PicturesPerSecond != 2 || st.Left != 14500*time.Millisecond {
		t.Errorf("%v done, %v pictures/s, %v left", st.Fraction, st.PicturesPerSecond, st.Left)
	}
	if got, want := st.Sentence(), "68 of 100 pictures are done, 3 failed; 2.00 pictures/s, about 14 s left"; got != want && got != strings.Replace(want, "14 s", "15 s", 1) {
		t.Errorf("%q", got)
	}
}

func TestText(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.004: "0.00", 1.234: "1.23", 9.994: "9.99", 9.996: "10.0", 99.94: "99.9", 99.96: "100", 12345: "12345"} {
		if got := Number(x); got != want {
			t.Errorf("%v is %q, want %q", x, got, want)
		}
	}
	for x, want := range map[float64]string{0: "0 B", 999: "999 B", 1000: "0.98 KiB", 1 << 20: "1.00 MiB", 3 << 50: "3072 TiB"} {
		if got := Bytes(x); got != want {
			t.Errorf("%v is %q, want %q", x, got, want)
		}
	}
	for x, want := range map[time.Duration]string{0: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min 01 s", 3 * time.Hour: "3 h 00 min", 100 * time.Hour: "4 days"} {
		if got := Duration(x); got != want {
			t.Errorf("%v is %q, want %q", x, got, want)
		}
	}
	for x, want := range map[float64]int{0: 0, 0.29: 29, 0.999: 99, 1: 100} {
		if got := Percent(x); got != want {
			t.Errorf("%v is %d %%, want %d", x, got, want)
		}
	}
}
