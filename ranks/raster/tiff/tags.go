package tiff

import "halorun/ranks/raster/metadata"

// Tags of TIFF 6.0 and later that are read or written.
const (
	tagNewSubfileType  = 254
	tagWidth           = 256
	tagHeight          = 257
	tagBits            = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagFillOrder       = 266
	tagDocumentName    = 269
	tagDescription     = 270
	tagMake            = 271
	tagModel           = 272
	tagStripOffsets    = 273
	tagOrientation     = 274
	tagSamples         = 277
	tagRowsPerStrip    = 278
	tagStripByteCounts = 279
	tagXResolution     = 282
	tagYResolution     = 283
	tagPlanar          = 284
	tagResolutionUnit  = 296
	tagSoftware        = 305
	tagDateTime        = 306
	tagArtist          = 315
	tagHostComputer    = 316
	tagPredictor       = 317
	tagColorMap        = 320
	tagTileWidth       = 322
	tagTileHeight      = 323
	tagTileOffsets     = 324
	tagTileByteCounts  = 325
	tagInkSet          = 332
	tagExtraSamples    = 338
	tagSampleFormat    = 339
	tagJPEGTables      = 347
	tagXMP             = 700
	tagCopyright       = 33432
	tagPixelScale      = 33550 // GeoTIFF's
	tagTiepoint        = 33922
	tagTransformation  = 34264
	tagEXIF            = 34665
	tagICC             = 34675
	tagGeoKeys         = 34735
	tagGeoDoubles      = 34736
	tagGeoASCII        = 34737
	tagGPS             = 34853
	tagInterop         = 40965 // in EXIF's directory
	tagGDALMetadata    = 42112
	tagGDALNoData      = 42113
)

// Types of values.
const (
	typeByte     = 1
	typeASCII    = 2
	typeShort    = 3
	typeLong     = 4
	typeRational = 5
	typeOpaque   = 7
	typeIFD      = 13
	typeLong8    = 16
	typeIFD8     = 18
)

// sizeOfType returns the bytes of a value, 0 of what is no type.
func sizeOfType(kind uint16) int { return int(metadata.TypeSize(kind)) }

// partOfType is the size of the numbers that a value consists of: a rational is of two.
func partOfType(kind uint16) int {
	if kind == typeRational || kind == 10 {
		return 4
	}
	return sizeOfType(kind)
}

// isWhole tells whether a type's values are whole numbers without a sign.
func isWhole(kind uint16) bool {
	switch kind {
	case typeByte, typeShort, typeLong, typeIFD, typeLong8, typeIFD8:
		return true
	}
	return false
}

// Compression schemes.
const (
	compressNone       = 1
	compressLZW        = 5
	compressOldJPEG    = 6
	compressJPEG       = 7
	compressDeflate    = 8
	compressPackBits   = 32773
	compressOldDeflate = 32946 // before it had a number
	compressZstd       = 50000
)

// expansions are the compressions that are read, with how many bytes a byte can at most stand for.
var expansions = map[uint64]int64{
	compressNone:       1,
	compressLZW:        4096,
	compressJPEG:       512 * 4, // a bit for a block of 64 samples, of up to four components that each may be halved
	compressDeflate:    1032,
	compressOldDeflate: 1032,
	compressPackBits:   64,
	compressZstd:       32768, // a block of 128 KiB of one byte takes 4
}

// Photometric interpretations.
const (
	whiteIsZero  = 0
	blackIsZero  = 1
	colourRGB    = 2
	colourMap    = 3
	colourInks   = 5
	colourYCbCr  = 6
	colourCIELab = 8
)

// Sample formats.
const (
	sampleUnsigned = 1
	sampleSigned   = 2
	sampleFloat    = 3
	sampleUnsaid   = 4
)

// Bits of NewSubfileType.
const (
	subfileReduced = 1
	subfileMask    = 4
)
