package jpeg

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// Blocks come back as they went, whatever is in them: no coefficient or all, the largest ones, the longest runs of zeros.
func TestBlocks(t *testing.T) {
	for i, specs := range [][2]*huffmanSpec{{&standardDCLuma, &standardACLuma}, {&standardDCChroma, &standardACChroma}} {
		dcCodes, acCodes := codesOf(specs[0]), codesOf(specs[1])
		var dc, ac huffman
		if err := dc.build(specs[0], dcTable); err != nil {
			t.Fatal(err)
		}
		if err := ac.build(specs[1], acTable); err != nil {
			t.Fatal(err)
		}
		value := rapid.OneOf(rapid.IntRange(-1, 1), rapid.IntRange(-9, 9), rapid.IntRange(-1023, 1023), rapid.SampledFrom([]int{-1023, -512, 511, 1023}))
		rapid.Check(t, func(r *rapid.T) {
			blocks := make([][64]int16, rapid.IntRange(1, 200).Draw(r, "blocks"))
			density := rapid.SampledFrom([]int{0, 1, 2, 5, 20, 63}).Draw(r, "density")
			for i := range blocks {
				blocks[i][0] = int16(rapid.IntRange(-1024, 1023).Draw(r, "DC"))
				for range rapid.IntRange(0, density).Draw(r, "coefficients") {
					blocks[i][rapid.IntRange(1, 63).Draw(r, "at")] = int16(value.Draw(r, "AC"))
				}
			}
			var w bitWriter
			var dst []byte
			prior := int32(0)
			for i := range blocks {
				mask := uint64(0)
				for at, v := range blocks[i] {
					if v != 0 {
						mask |= 1 << at
					}
				}
				dst = w.flush(dst, 1)
				w.block(&blocks[i], mask, &prior, &dcCodes, &acCodes)
			}
			dst = w.finish(dst)
			if len(dst) > len(blocks)*worstBlock {
				r.Fatalf("%d blocks take %d bytes", len(blocks), len(dst))
			}
			s := newSource(bytes.NewReader(dst), int64(len(dst)))
			s.begin(0)
			prior = 0
			for i := range blocks {
				if err := s.ready(); err != nil {
					r.Fatal(err)
				}
				var got [64]int16
				only, ok := s.block(&got, &dc, &ac, &prior)
				if !ok || got != blocks[i] || s.ahead() {
					r.Fatalf("block %d is %d (%v), not %d", i, got, ok, blocks[i])
				}
				if only != (got == [64]int16{got[0]}) {
					r.Fatalf("block %d: %d has only a DC coefficient: %v", i, got, only)
				}
			}
		})
		if t.Failed() {
			t.Fatalf("the codes of table %d", i)
		}
	}
}
