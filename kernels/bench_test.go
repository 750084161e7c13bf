package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkStage runs a chain's first stage as a rank does: 64 rows at a time, from rows in memory.
func BenchmarkStage(b *testing.B) {
	ops := []string{"blur:size=5", "blur:size=101"}
	for _, d := range Definitions() {
		ops = append(ops, d.Name)
	}
	for _, op := range ops {
		for _, width := range []int{4096, 16384} {
			b.Run(fmt.Sprintf("%s/%d", op, width), func(b *testing.B) {
				const height = 256
				shape := Shape{width, 1 << 30, 3}
				rng := rand.New(rand.NewPCG(1, 2))
				rows := make([][]byte, height)
				for y := range rows {
					rows[y] = make([]byte, shape.RowBytes())
					for x := range rows[y] {
						rows[y][x] = byte(128 + 80*((x/90+y/40)%2) - 40 + rng.IntN(17))
					}
				}
				stages := stagesOf(b, []string{op}, shape)
				p := NewPipeline(stages[0], func(y int, dst [][]byte) error {
					for i := range dst {
						copy(dst[i], rows[(y+i)%height])
					}
					return nil
				})
				const tile = 64
				out := makeRows(Shape{width, tile, stages[0].Out.Channels})
				b.SetBytes(int64(tile * shape.RowBytes()))
				y := 1 << 10
				for b.Loop() {
					if err := p.Run(Rows{y, y + tile}, out); err != nil {
						b.Fatal(err)
					}
					y += tile
				}
				b.ReportMetric(float64(b.N)*tile*float64(width)/1e6/b.Elapsed().Seconds(), "Mpx/s")
			})
		}
	}
}
