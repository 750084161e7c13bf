package jpeg

// method is how a plane is made as large as the picture (libjpeg's jdsample.c, "fancy upsampling"): between two samples lie weighted
// means, of 3 parts of the nearer and 1 of the further one, if a picture has twice as many; else samples are repeated.
type method int

const (
	whole  method = iota
	wider         // h2v1
	taller        // h1v2
	both          // h2v2
	repeated
)

// methodOf chooses as libjpeg does.
func methodOf(c *component, f *frame) method {
	switch h, v := f.h/c.h, f.v/c.v; {
	case h == 1 && v == 1:
		return whole
	case h == 2 && v == 1 && c.width > 2:
		return wider
	case h == 1 && v == 2:
		return taller
	case h == 2 && v == 2 && c.width > 2:
		return both
	}
	return repeated
}

// vertical tells whether rows above and below are wanted, too.
func (m method) vertical() bool { return m == taller || m == both }

// upsampleWiderGo writes 2·n samples of the n at a place, beside which there are copies of the first and the last.
func upsampleWiderGo(dst, samples []byte, at, n int) {
	s := samples[at-1:][:n+2]
	dst = dst[:2*n]
	before, here := int(s[0]), int(s[1])
	for i, v := range s[2:] {
		after := int(v)
		d := dst[2*i : 2*i+2]
		d[0] = byte((3*here + before + 1) >> 2)
		d[1] = byte((3*here + after + 2) >> 2)
		before, here = here, after
	}
}

// upsampleTallerGo writes n samples. It adds 1 for a row whose further one is above, 2 for the others.
func upsampleTallerGo(dst, near, far []byte, n, bias int) {
	near, far, dst = near[:n], far[:n], dst[:n]
	for i := range dst {
		dst[i] = byte((3*int(near[i]) + int(far[i]) + bias) >> 2)
	}
}

// upsampleBothGo writes 2·n samples of n at two places, like upsampleWiderGo.
func upsampleBothGo(dst, samples []byte, nearAt, farAt, n int) {
	near, far := samples[nearAt-1:][:n+2], samples[farAt-1:][:n+2]
	dst = dst[:2*n]
	before, here := 3*int(near[0])+int(far[0]), 3*int(near[1])+int(far[1])
	far = far[2:]
	for i, v := range near[2:] {
		after := 3*int(v) + int(far[i])
		d := dst[2*i : 2*i+2]
		d[0] = byte((3*here + before + 8) >> 4)
		d[1] = byte((3*here + after + 7) >> 4)
		before, here = here, after
	}
}

// repeat writes each sample h times.
func repeat(dst, src []byte, h int) {
	if h == 2 {
		for i, v := range src[:len(dst)/2] {
			d := dst[2*i : 2*i+2]
			d[0], d[1] = v, v
		}
		dst, src = dst[len(dst)&^1:], src[len(dst)/2:]
	}
	for i := range dst {
		dst[i] = src[i/h]
	}
}
