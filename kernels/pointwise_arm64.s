//go:build !purego

#include "textflag.h"

// NEXT ends a loop over blocks of n bytes, of which R2 counts those that are left: it goes on, and at last to the block that ends with the
// last byte, of which some have been done.
#define NEXT(n) \
	SUB n, R2 \
	CMP n, R2 \
	BGE block \
	CBZ R2, done \
	SUB n, R2 \
	ADD R2, R0 \
	ADD R2, R1 \
	MOVD n, R2 \
	B block

// func invertNEON(dst, src *byte, n int)
TEXT ·invertNEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	VCMEQ V31.B16, V31.B16, V31.B16
block:
	VLD1.P 16(R1), [V0.B16]
	VEOR V31.B16, V0.B16, V0.B16
	VST1.P [V0.B16], 16(R0)
	NEXT($16)
done:
	RET

// func keepNEON(dst, src *byte, n int, mask *byte)
TEXT ·keepNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD mask+24(FP), R3
	VLD1 (R3), [V29.B16, V30.B16, V31.B16]
block:
	VLD1.P 48(R1), [V0.B16, V1.B16, V2.B16]
	VAND V29.B16, V0.B16, V0.B16
	VAND V30.B16, V1.B16, V1.B16
	VAND V31.B16, V2.B16, V2.B16
	VST1.P [V0.B16, V1.B16, V2.B16], 48(R0)
	NEXT($48)
done:
	RET

// LOAD loads the 256 bytes at p.
#define LOAD(p) \
	MOVD p, R6 \
	VLD1.P 64(R6), [V16.B16, V17.B16, V18.B16, V19.B16] \
	VLD1.P 64(R6), [V20.B16, V21.B16, V22.B16, V23.B16] \
	VLD1.P 64(R6), [V24.B16, V25.B16, V26.B16, V27.B16] \
	VLD1 (R6), [V28.B16, V29.B16, V30.B16, V31.B16]

// LOOKUP writes the entries for the bytes of x. A lookup takes 64 entries: VTBL makes 0 of what is beyond them, VTBX leaves it. V9 is
// 64 in each byte.
#define LOOKUP(x, to) \
	VTBL x, [V16.B16, V17.B16, V18.B16, V19.B16], to \
	VSUB V9.B16, x, V8.B16 \
	VTBX V8.B16, [V20.B16, V21.B16, V22.B16, V23.B16], to \
	VSUB V9.B16, V8.B16, V8.B16 \
	VTBX V8.B16, [V24.B16, V25.B16, V26.B16, V27.B16], to \
	VSUB V9.B16, V8.B16, V8.B16 \
	VTBX V8.B16, [V28.B16, V29.B16, V30.B16, V31.B16], to

// func lookUpNEON(dst, src *byte, n int, table *[256]byte)
TEXT ·lookUpNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD table+24(FP), R3
	VMOVI $64, V9.B16
	LOAD(R3)
block:
	VLD1.P 16(R1), [V0.B16]
	LOOKUP(V0.B16, V1.B16)
	VST1.P [V1.B16], 16(R0)
	NEXT($16)
done:
	RET

// func coloursNEON(dst, src *byte, n int, tables *[768]byte)
TEXT ·coloursNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD tables+24(FP), R3
	ADD $256, R3, R4
	ADD $512, R3, R5
	VMOVI $64, V9.B16
block:
	VLD1.P 32(R1), [V0.B16, V1.B16]
	LOAD(R3)
	LOOKUP(V0.B16, V2.B16)
	LOOKUP(V1.B16, V5.B16)
	LOAD(R4)
	LOOKUP(V0.B16, V3.B16)
	LOOKUP(V1.B16, V6.B16)
	LOAD(R5)
	LOOKUP(V0.B16, V4.B16)
	LOOKUP(V1.B16, V7.B16)
	VST3.P [V2.B16, V3.B16, V4.B16], 48(R0)
	VST3.P [V5.B16, V6.B16, V7.B16], 48(R0)
	SUB $32, R2
	CMP $32, R2
	BGE block
	CBZ R2, done
	SUB $32, R2
	ADD R2, R1
	ADD R2, R0
	ADD R2<<1, R0
	MOVD $32, R2
	B block
done:
	RET
