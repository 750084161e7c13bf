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
