package jpeg

import "halorun/kernels/simd"

// vectors tells whether the routines for AVX2 are used. All paths give the same bytes.
var vectors = func() bool {
	path, _ := simd.Chosen() // that it asks for what there is not the commands say
	return path >= simd.AVX2
}()

func idctPair(dst []byte, stride int, blocks []int16, two bool, q *[64]int16) {
	if !vectors {
		idctPairGo(dst, stride, blocks, two, q)
		return
	}
	_, _ = dst[7*stride+15], blocks[127]
	idctPairAVX2(&dst[0], stride, &blocks[0], &q[0])
}

// upsampleWider writes, with vectors, up to 30 bytes more.
func upsampleWider(dst, samples []byte, at, n int) {
	if !vectors {
		upsampleWiderGo(dst, samples, at, n)
		return
	}
	blocks := ceil(n, 16)
	_, _, _ = dst[32*blocks-1], samples[at-1], samples[at+16*blocks]
	upsampleWiderAVX2(&dst[0], &samples[at], blocks)
}

func upsampleTaller(dst, near, far []byte, n, bias int) { upsampleTallerGo(dst, near, far, n, bias) }

// upsampleBoth writes, with vectors, up to 30 bytes more.
func upsampleBoth(dst, samples []byte, near, far, n int) {
	if !vectors {
		upsampleBothGo(dst, samples, near, far, n)
		return
	}
	blocks := ceil(n, 16)
	_, _, _ = dst[32*blocks-1], samples[min(near, far)-1], samples[max(near, far)+16*blocks]
	upsampleBothAVX2(&dst[0], &samples[near], &samples[far], blocks)
}

func convert(dst, ys, cbs, crs []byte) {
	n := len(dst) / 3
	if !vectors || n < 32 {
		convertGo(dst, ys, cbs, crs)
		return
	}
	_, _, _ = ys[n-1], cbs[n-1], crs[n-1]
	convertAVX2(&dst[0], &ys[0], &cbs[0], &crs[0], n)
}

func split(ys, cbs, crs, src []byte) {
	n := len(src) / 3
	if !vectors || n < 32 {
		splitGo(ys, cbs, crs, src)
		return
	}
	_, _, _ = ys[n-1], cbs[n-1], crs[n-1]
	splitAVX2(&ys[0], &cbs[0], &crs[0], &src[0], n)
}

// shrink makes n means. With vectors it writes up to 15 more, and reads as far.
func shrink(dst, upper, lower []byte, n int) {
	if !vectors {
		shrinkGo(dst, upper, lower, n)
		return
	}
	blocks := ceil(n, 16)
	_, _, _ = dst[16*blocks-1], upper[32*blocks-1], lower[32*blocks-1]
	shrinkAVX2(&dst[0], &upper[0], &lower[0], blocks)
}

func fdctPair(blocks []int16, src []byte, stride int, two bool, d *divisors) (a, b uint64) {
	if !vectors {
		return fdctPairGo(blocks, src, stride, two, d)
	}
	_, _ = blocks[127], src[7*stride+15]
	var zeros [4]uint32
	fdctPairAVX2(&blocks[0], &zeros, &src[0], stride, (*[3][64]uint16)(d))
	for i, z := range zeros {
		a |= uint64(uint16(^z)) << (16 * i)
		b |= uint64(^z>>16) << (16 * i)
	}
	return a, b
}
