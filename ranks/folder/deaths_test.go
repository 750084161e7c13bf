package folder_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"halorun/ranks"
	"halorun/ranks/folder"
)

// TestDeathsDoNotMatter is the law of epochs and of the journal: whoever dies, whenever, and however often, also if the whole job is given up
// and resumed by others, every picture is done, once, and its bytes are the same.
func TestDeathsDoNotMatter(t *testing.T) {
	t.Parallel()
	cases := 40
	if os.Getenv("HALORUN_TEST_LONG") != "" {
		cases = 2000
	}
	p := newPhotos(t, "blur:size=3", "edges:low=20,high=60")
	for seed := range cases {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(seed), 78))
			out, log := t.TempDir(), journalFile(t)
			private := rng.IntN(3) == 0
			for try := range 3 {
				size := 1 + rng.IntN(4)
				s := setup{
					size: size, head: rng.IntN(size + 1), threads: 1 + rng.IntN(2), hosts: 1 + rng.IntN(3), nothing: private,
					large: []int64{folder.DefaultLarge, 3000, 1000}[rng.IntN(3)],
				}
				a := p.begin(t, s, out, log, func(j *folder.Job) {
					switch seed % 16 {
					case 0:
						j.Mode = ranks.CheckpointAll
					case 1:
						j.Every = time.Millisecond
					case 2:
						j.Memory = 5 << 20 // for one picture at a time
					case 3:
						j.Memory = 1 // all are large
					}
				})
				done := false
				for epoch := 0; !done && (epoch < 4 || try == 2); epoch++ {
					steps := make(map[int]int64)
					if epoch < 4 {
						for range 1 + rng.IntN(2) {
							steps[rng.IntN(len(a.members))] = 1 + rng.Int64N(1<<rng.IntN(7))
						}
					}
					var err error
					if done, err = a.run(steps); err != nil {
						t.Fatal(err)
					}
				}
				a.close()
				if done {
					break
				}
			}
			p.check(t, out, log)
		})
	}
}

// TestPoison is the law of blame: a picture that ends its rank fails, with that as the reason, and takes no other with it.
func TestPoison(t *testing.T) {
	t.Parallel()
	p := newPhotos(t, "blur:size=3")
	poisons := []map[string]int64{{"a.ppm": 67 * 90}, {"a.ppm": 67 * 90, "sub/deep er/f.ppm": 300 * 200}, {"sub/b.ppm": 64 * 5, "sub/deep er/f.ppm": 300 * 200}}
	for n := 1; n <= 3; n++ {
		for _, s := range []setup{
			{size: n, head: 0, threads: 3, large: folder.DefaultLarge}, {size: n, head: n, threads: 1, large: 3000, hosts: 2, nothing: true},
			{size: n, head: n - 1, threads: 2, large: 3000},
		} {
			for i, poison := range poisons {
				t.Run(fmt.Sprintf("%+v %d", s, i), func(t *testing.T) {
					t.Parallel()
					p := p.poisoned(poison)
					out, log := t.TempDir(), journalFile(t)
					a := p.begin(t, s, out, log, func(j *folder.Job) { j.Patience = folder.DefaultPatience })
					done, err := false, error(nil)
					for range 12 {
						if done, err = a.run(nil); done || err != nil {
							break
						}
					}
					if !done || err != nil {
						t.Fatalf("done: %t, %v", done, err)
					}
					a.close()
					p.check(t, out, log)
				})
			}
		}
	}
}
