package jpeg

func idctPair(dst []byte, stride int, blocks []int16, two bool, q *[64]int16) {
	idctPairGo(dst, stride, blocks, two, q)
}

func upsampleWider(dst, samples []byte, at, n int) { upsampleWiderGo(dst, samples, at, n) }

func upsampleTaller(dst, near, far []byte, n, bias int) { upsampleTallerGo(dst, near, far, n, bias) }

func upsampleBoth(dst, samples []byte, near, far, n int) { upsampleBothGo(dst, samples, near, far, n) }

func convert(dst, ys, cbs, crs []byte) { convertGo(dst, ys, cbs, crs) }
