package png

const adlerMod = 65521

// adler continues the Adler-32 sum of a text with b; 1 is that of no text.
func adler(sum uint32, b []byte) uint32 {
	const block = 5536 // bytes, after which no sum is beyond 32 bits
	sums := [2]uint32{sum & 0xffff, sum >> 16}
	quick := fast()
	for len(b) > 0 {
		n := min(block, len(b))
		part := b[:n]
		b = b[n:]
		if quick && n >= 32 {
			adlerAVX2(&part[0], n&^31, &sums)
			part = part[n&^31:]
		}
		low, high := sums[0], sums[1]
		for ; len(part) >= 4; part = part[4:] {
			// Four bytes at a time: high gets low four times, and each byte as often as it is in there.
			p, q, r, s := uint32(part[0]), uint32(part[1]), uint32(part[2]), uint32(part[3])
			high += 4*low + 4*p + 3*q + 2*r + s
			low += p + q + r + s
		}
		for _, v := range part {
			low += uint32(v)
			high += low
		}
		sums = [2]uint32{low % adlerMod, high % adlerMod}
	}
	return sums[1]<<16 | sums[0]
}

// adlerJoin returns the Adler-32 of a text whose parts have the sums a and b, the second being n bytes long.
func adlerJoin(a, b uint32, n int64) uint32 {
	a1, a2, b1, b2 := int64(a&0xffff), int64(a>>16), int64(b&0xffff), int64(b>>16)
	low := (a1 + b1 - 1 + adlerMod) % adlerMod
	// Every byte of the second part adds the first part's low sum, of which its own sum counts 1, to the high one.
	high := (a2 + b2 + n%adlerMod*(a1-1+adlerMod)) % adlerMod
	return uint32(high<<16 | low)
}
