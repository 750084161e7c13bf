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
