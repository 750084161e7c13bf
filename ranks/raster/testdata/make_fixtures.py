#!/usr/bin/env python3
"""Regenerates the small pictures in this folder and what OpenCV 4.6 reads from them.

Needs Debian's python3-opencv, libtiff-tools, libjpeg-turbo-progs and libvips-tools. Usage: make_fixtures.py PHOTO
pictures/ gets one file per kind of picture; expected/ gets, as PNG, each distinct cv2.imread(file, IMREAD_COLOR);
manifest.json says which belongs to which.
"""
import hashlib, json, os, struct, subprocess, sys, tempfile, zlib
import cv2
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "pictures")
W, H = 23, 17  # primes: no row ends where a block, a byte or a vector does
made = {}  # name -> None, in order


def put(name, data):
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)
    made[name] = None


def tool(*args):
    subprocess.run(args, check=True)


photo = cv2.resize(cv2.imread(sys.argv[1]), (W, H), interpolation=cv2.INTER_AREA)[:, :, ::-1].copy()
photo[0, :4] = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
GREY = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
ALPHA = (np.arange(H * W).reshape(H, W) * 7 % 256).astype(np.uint8)
ALPHA[3] = 0
WIDE = photo.astype(np.uint16) * 257 - (np.arange(W * 3).reshape(W, 3) * 3 % 200).astype(np.uint16) * (photo > 0)
WIDEGREY = GREY.astype(np.uint16) * 250 + (np.arange(W) % 131).astype(np.uint16)
WIDEALPHA = ALPHA.astype(np.uint16) * 257

# ---------------------------------------------------------------- PNG


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(a, depth):
    """Rows of samples (h × n) as bytes."""
    if depth == 16:
        return [r.astype(">u2").tobytes() for r in a]
    if depth == 8:
        return [r.astype(np.uint8).tobytes() for r in a]
    bits = [((a >> (depth - 1 - i)) & 1) for i in range(depth)]
    return [np.packbits(r).tobytes() for r in np.stack(bits, 2).astype(np.uint8).reshape(a.shape[0], -1)]


def filtered(rows, bpp):
    """Each row by another of PNG's five filters."""
    out, prior = b"", bytes(len(rows[0])) if rows else b""
    for y, row in enumerate(rows):
        kind = (y + 1) % 5
        line = bytearray()
        for i, v in enumerate(row):
            a = row[i - bpp] if i >= bpp else 0
            b = prior[i]
            c = prior[i - bpp] if i >= bpp else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line.append((v - (0, a, b, (a + b) // 2, paeth)[kind]) & 255)
        out += bytes([kind]) + bytes(line)
        prior = row
    return out


def png(name, a, colour, depth, interlaced=False, before=b""):
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    a = np.asarray(a).reshape(H, W, samples)
    bpp = max(1, samples * depth // 8)
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    data = b""
    for x0, y0, dx, dy in passes:
        part = a[y0::dy, x0::dx]
        data += filtered(packed(part.reshape(part.shape[0], -1), depth), bpp)
    z = zlib.compress(data, 9)
    half = len(z) // 2
    put(name, b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, depth, colour, 0, 0, interlaced))
        + before + chunk(b"IDAT", z[:half]) + chunk(b"IDAT", z[half:]) + chunk(b"IEND", b""))


def exif(orientation, order="<"):
    mark = b"II" if order == "<" else b"MM"
    entry = struct.pack(order + "HHIHH", 0x112, 3, 1, orientation, 0)
    make = struct.pack(order + "HHI4s", 0x10F, 2, 4, b"Abc\0")
    return mark + struct.pack(order + "HIH", 42, 8, 2) + make + entry + struct.pack(order + "I", 0)


rgba = np.dstack([photo, ALPHA])
wide_rgba = np.dstack([WIDE, WIDEALPHA])
ga = np.dstack([GREY, ALPHA])
for d in 1, 2, 4:
    png(f"gray{d}.png", GREY >> (8 - d), 0, d)
png("gray8.png", GREY, 0, 8)
png("gray16.png", WIDEGREY, 0, 16)
png("gray-alpha8.png", ga, 4, 8)
png("gray-alpha16.png", np.dstack([WIDEGREY, WIDEALPHA]), 4, 16)
png("rgb8.png", photo, 2, 8)
png("rgb16.png", WIDE, 2, 16)
png("rgba8.png", rgba, 6, 8)
png("rgba16.png", wide_rgba, 6, 16)
for d in 1, 2, 4, 8:
    index = GREY >> (8 - d) if d < 8 else GREY // 3
    colours = np.array([[(i * 37 + 11) % 256, (i * 91 + 5) % 256, 255 - i * 2] for i in range(min(1 << d, 128))], np.uint8)
    plte = chunk(b"PLTE", colours.tobytes())
    png(f"palette{d}.png", index, 3, d, before=plte)
    if d == 4:
        png("palette4-interlaced.png", index, 3, d, True, plte)
        png("palette4-transparent.png", index, 3, d, before=plte + chunk(b"tRNS", bytes(range(0, 80, 10))))
    if d == 8:
        png("palette8-transparent.png", index, 3, d, True, before=plte + chunk(b"tRNS", bytes(80)))
greys = chunk(b"PLTE", bytes(v for i in range(16) for v in (i * 17,) * 3))
png("palette4-greys.png", GREY >> 4, 3, 4, before=greys)
png("gray1-interlaced.png", GREY >> 7, 0, 1, True)
png("gray8-interlaced.png", GREY, 0, 8, True)
png("rgb8-interlaced.png", photo, 2, 8, True)
png("rgba16-interlaced.png", wide_rgba, 6, 16, True)
png("gray2-transparent.png", GREY >> 6, 0, 2, before=chunk(b"tRNS", b"\0\2"))
png("gray8-transparent.png", GREY, 0, 8, before=chunk(b"tRNS", struct.pack(">H", GREY[5, 5])))
png("gray16-transparent.png", WIDEGREY, 0, 16, before=chunk(b"tRNS", struct.pack(">H", WIDEGREY[5, 5])))
png("rgb8-transparent.png", photo, 2, 8, before=chunk(b"tRNS", struct.pack(">HHH", *photo[5, 5])))
png("rgb16-transparent.png", WIDE, 2, 16, before=chunk(b"tRNS", struct.pack(">HHH", *WIDE[5, 5])))
png("rgb8-gamma.png", photo, 2, 8, before=chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"bKGD", bytes(6)))
for o in range(1, 9):
    png(f"orientation{o}.png", photo, 2, 8, before=chunk(b"eXIf", exif(o, "<>"[o % 2])))
png("gray-orientation6.png", GREY, 0, 8, before=chunk(b"eXIf", exif(6)))
png("orientation9.png", photo, 2, 8, before=chunk(b"eXIf", exif(9)))

# ---------------------------------------------------------------- PNM


def ascii_rows(a):
    return "\n".join(" ".join(str(v) for v in r.ravel()) for r in a).encode() + b"\n"


size = b"%d %d\n" % (W, H)
bits = GREY < 100
put("p1.pbm", b"P1\n# a comment\n" + size + ascii_rows(bits.astype(int)))
put("p1-dense.pbm", b"P1 " + size + b"\n".join(b"".join(b"%d" % v for v in r) for r in bits.astype(int)) + b"\n")
put("p4.pbm", b"P4\n" + size + np.packbits(bits, axis=1).tobytes())
for name, a in ("p2.pgm", GREY), ("p3.ppm", photo):
    kind = b"P" + name[1:2].encode() + b"\n"
    put(name, kind + size + b"255\n" + ascii_rows(a))
    put(name[:2] + "-100" + name[2:], kind + size + b"100\n" + ascii_rows(a.astype(int) * 100 // 255))
    put(name[:2] + "-1" + name[2:], kind + size + b"1\n" + ascii_rows(a.astype(int) // 128))
    put(name[:2] + "-1000" + name[2:], kind + size + b"1000\n" + ascii_rows(a.astype(int) * 1000 // 255))
    put(name[:2] + "-65535" + name[2:], kind + size + b"65535\n" + ascii_rows(a.astype(int) * 257))
for name, a, wide in ("p5.pgm", GREY, WIDEGREY), ("p6.ppm", photo, WIDE):
    kind = b"P" + name[1:2].encode()
    put(name, kind + b"\n" + size + b"255\n" + a.tobytes())
    put(name[:2] + "-comments" + name[2:], kind + b"\n# 7 8 9\n%d # wide\n#\n%d\n#x\n255\n" % (W, H) + a.tobytes())
    put(name[:2] + "-garbage" + name[2:], kind + b"\t%d\r\n%d 255 " % (W, H) + a.tobytes() + b"behind")
    put(name[:2] + "-100" + name[2:], kind + b"\n" + size + b"100\n" + (a.astype(int) * 100 // 255).astype(np.uint8).tobytes())
    put(name[:2] + "-1000" + name[2:], kind + b"\n" + size + b"1000\n" + (a.astype(int) * 1000 // 255).astype(">u2").tobytes())
    put(name[:2] + "-65535" + name[2:], kind + b"\n" + size + b"65535\n" + wide.astype(">u2").tobytes())

# ---------------------------------------------------------------- TIFF


def tiff(name, a, photometric, depth=8, order="<", rows=H, tile=None, compression=1, orientation=None, extra=None,
         predictor=None, palette=None):
    a = np.asarray(a)
    a = a.reshape(a.shape[0], a.shape[1], -1)
    samples = a.shape[2]

    def block(part):
        if predictor == 2:
            part = part.copy()
            part[:, 1:] -= part[:, :-1].copy()
        part = part.reshape(part.shape[0], -1)
        data = b"".join(r.astype(order + "u2").tobytes() for r in part) if depth == 16 else b"".join(packed(part, depth))
        return zlib.compress(data) if compression in (8, 32946) else data

    if tile:
        th, tw = tile
        full = np.zeros(((H + th - 1) // th * th, (W + tw - 1) // tw * tw, samples), a.dtype)
        full[:H, :W] = a
        full[H:] = 77  # padding, which nobody may see
        full[:, W:] = 99
        blocks = [block(full[y:y + th, x:x + tw]) for y in range(0, full.shape[0], th) for x in range(0, full.shape[1], tw)]
    else:
        blocks = [block(a[y:y + rows]) for y in range(0, H, rows)]
    tags = {256: (3, [W]), 257: (3, [H]), 258: (3, [depth] * samples), 259: (3, [compression]), 262: (3, [photometric]),
            277: (3, [samples]), 284: (3, [1])}
    offsets, counts = (324, 325) if tile else (273, 279)
    tags[offsets], tags[counts] = (4, [0] * len(blocks)), (4, [len(b) for b in blocks])
    if tile:
        tags[322], tags[323] = (3, [tile[1]]), (3, [tile[0]])
    else:
        tags[278] = (3, [rows])
    for tag, v in (274, orientation), (338, extra), (317, predictor):
        if v is not None:
            tags[tag] = (3, [v])
    if palette is not None:
        tags[320] = (3, [int(v) for v in palette.T.ravel()])

    def build(at):
        entries, tail = b"", b""
        base = 8 + 2 + 12 * len(tags) + 4
        for tag in sorted(tags):
            kind, vs = tags[tag]
            if tag == offsets:
                vs = [at + sum(len(b) for b in blocks[:i]) for i in range(len(blocks))]
            data = struct.pack(order + {3: "H", 4: "I"}[kind] * len(vs), *vs)
            if len(data) <= 4:
                field = data.ljust(4, b"\0")
            else:
                field = struct.pack(order + "I", base + len(tail))
                tail += data + b"\0" * (len(data) % 2)
            entries += struct.pack(order + "HHI", tag, kind, len(vs)) + field
        head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
        return head + struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0) + tail

    put(name, build(len(build(0))) + b"".join(blocks))


path = lambda name: os.path.join(OUT, name)
tiff("rgb-strips.tif", photo, 2, rows=5)
tiff("rgb-one-strip-be.tif", photo, 2, order=">")
tiff("gray-strips.tif", GREY, 1, rows=1)
tiff("gray-inverted.tif", 255 - GREY, 0, rows=7)
tiff("rgba.tif", rgba, 2, rows=4, extra=2)
tiff("rgba-associated.tif", rgba, 2, rows=4, extra=1)
tiff("rgbx.tif", rgba, 2, rows=4, extra=0)
tiff("rgba-unsaid.tif", rgba, 2, rows=4)
tiff("rgb16.tif", WIDE, 2, 16, rows=4)
tiff("rgb16-be-deflate-predictor.tif", WIDE, 2, 16, ">", rows=4, compression=8, predictor=2)
tiff("rgba16.tif", wide_rgba, 2, 16, rows=4, extra=2)
tiff("gray16.tif", WIDEGREY, 1, 16, rows=4)
tiff("gray16-inverted.tif", WIDEGREY, 0, 16, rows=4)
tiff("bits.tif", GREY >> 7, 1, 1, rows=4)
tiff("bits-inverted.tif", GREY >> 7, 0, 1, rows=4)
colours = np.array([[(i * 37 + 11) % 256 * 257, (i * 91 + 5) % 256 * 256, 65535 - i * 200] for i in range(256)], int)
tiff("palette.tif", GREY, 3, palette=colours)
tiff("palette-8bit-map.tif", GREY, 3, palette=colours // 256)
tiff("palette-deflate-tiles.tif", GREY, 3, palette=colours, compression=8, tile=(16, 16))
tiff("palette1.tif", GREY >> 7, 3, 1, palette=colours[:2])
tiff("rgb-tiles.tif", photo, 2, tile=(16, 32))
tiff("rgb-deflate-tiles-predictor.tif", photo, 2, tile=(16, 16), compression=8, predictor=2)
tiff("rgba-deflate-predictor.tif", rgba, 2, rows=6, compression=32946, predictor=2, extra=2)
tiff("gray-deflate.tif", GREY, 1, rows=6, compression=8)
tiff("gray16-be-tiles.tif", WIDEGREY, 1, 16, ">", tile=(16, 16))
for o in range(1, 9):
    tiff(f"orientation{o}.tif", photo, 2, rows=5, orientation=o)
tiff("orientation9.tif", photo, 2, rows=5, orientation=9)
tiff("gray-orientation6.tif", GREY, 1, rows=5, orientation=6)
tiff("tiles-orientation3.tif", photo, 2, tile=(16, 16), orientation=3)
tiff("palette-orientation8.tif", GREY, 3, palette=colours, orientation=8)
for name, args in {
    "rgb-lzw.tif": ["-c", "lzw", "-r", "7"], "rgb-lzw-predictor.tif": ["-c", "lzw:2", "-r", "7"],
    "rgb-packbits.tif": ["-c", "packbits", "-r", "7"], "rgb-lzw-tiles.tif": ["-c", "lzw", "-t", "-w", "16", "-l", "16"],
    "rgb-packbits-tiles-be.tif": ["-B", "-c", "packbits", "-t", "-w", "16", "-l", "16"],
}.items():
    tool("tiffcp", *args, path("rgb-strips.tif"), path(name))
    made[name] = None
for name, source, how in (("bits-packbits.tif", "bits.tif", "packbits"), ("gray-lzw.tif", "gray-strips.tif", "lzw"),
                          ("rgb16-lzw-predictor.tif", "rgb16.tif", "lzw:2"), ("bits-lzw.tif", "bits-inverted.tif", "lzw")):
    tool("tiffcp", "-c", how, "-r", "7", path(source), path(name))
    made[name] = None

# ---------------------------------------------------------------- JPEG

with tempfile.TemporaryDirectory() as tmp:
    ppm, pgm = os.path.join(tmp, "a.ppm"), os.path.join(tmp, "a.pgm")
    big = cv2.resize(photo, (2 * W + 1, 2 * H + 1), interpolation=cv2.INTER_LINEAR)[:, :, ::-1]
    cv2.imwrite(ppm, big)
    cv2.imwrite(pgm, cv2.cvtColor(big, cv2.COLOR_BGR2GRAY))
    for name, args in {
        "420.jpg": ["-sample", "2x2"], "422.jpg": ["-sample", "2x1"], "444.jpg": ["-sample", "1x1"],
        "440.jpg": ["-sample", "1x2"], "411.jpg": ["-sample", "4x1"], "410.jpg": ["-sample", "4x2"],
        "progressive.jpg": ["-progressive"], "progressive-444.jpg": ["-progressive", "-sample", "1x1"],
        "restarts.jpg": ["-restart", "1", "-sample", "1x1"], "rgb.jpg": ["-rgb"],
        "gray.jpg": ["-grayscale"], "gray-progressive.jpg": ["-grayscale", "-progressive"],
        "rgb-progressive.jpg": ["-rgb", "-progressive"],
    }.items():
        tool("cjpeg", "-quality", "92", *args, "-outfile", path(name), ppm)
        made[name] = None
    tool("cjpeg", "-quality", "92", "-grayscale", "-sample", "2x2", "-outfile", path("gray-2x2.jpg"), pgm)
    made["gray-2x2.jpg"] = None
    cmyk = os.path.join(tmp, "cmyk.tif")
    c = 255 - np.dstack([big[:, :, ::-1], np.maximum(big.max(2), 40)])

    def raw_cmyk(name):
        raw = os.path.join(tmp, "raw")
        c.astype(np.uint8).tofile(raw)
        v = os.path.join(tmp, "x.v")
        tool("vips", "rawload", raw, v, str(c.shape[1]), str(c.shape[0]), "4")
        tool("vips", "copy", v, os.path.join(tmp, "y.v"), "--interpretation", "cmyk")
        tool("vips", "jpegsave", os.path.join(tmp, "y.v"), path(name), "--Q", "92", "--subsample-mode", "off")
        return open(path(name), "rb").read()

    data = raw_cmyk("cmyk.jpg")  # with Adobe's marker: stored inverted
    made["cmyk.jpg"] = None
    at = data.index(b"Adobe")
    end = at - 2 + struct.unpack(">H", data[at - 2:at])[0]
    put("ycck.jpg", data[:end - 1] + b"\2" + data[end:])  # the same samples, said to be YCCK
    put("cmyk-plain.jpg", data[:at - 4] + data[end:])
    base = open(path("444.jpg"), "rb").read()
    for o in range(1, 9):
        body = b"Exif\0\0" + exif(o, "<>"[o % 2])
        put(f"orientation{o}.jpg", base[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + base[2:])
    body = b"Exif\0\0" + exif(6)
    app1 = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    put("orientation6-late.jpg", base[:20] + b"\xff\xe1\0\x08http:/" + app1 + base[20:])
    grey = open(path("gray.jpg"), "rb").read()
    put("gray-orientation8.jpg", grey[:2] + app1.replace(b"\x06\0\0\0\0", b"\x08\0\0\0\0") + grey[2:])
    two = app1.replace(b"\x06\0\0\0\0", b"\x03\0\0\0\0")
    put("orientation-twice.jpg", base[:2] + app1 + two + base[2:])
    put("orientation9.jpg", base[:2] + app1.replace(b"\x06\0\0\0\0", b"\x09\0\0\0\0") + base[2:])

# ---------------------------------------------------------------- what OpenCV makes of them

# libtiff 4.5 scrambles these; they show the same as those beside them.
SAME = {"gray16-be-tiles.tif": "gray16.tif", "tiles-orientation3.tif": "orientation3.tif"}
expected, manifest = {}, []
for name in made:
    img = cv2.imread(path(SAME.get(name, name)), cv2.IMREAD_COLOR)
    if img is None:
        print("OpenCV does not read", name)
        continue
    key = hashlib.sha256(repr(img.shape).encode() + img.tobytes()).hexdigest()
    if key not in expected:
        expected[key] = name.replace(".", "-") + ".png"
        cv2.imwrite(os.path.join(HERE, "expected", expected[key]), img, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    manifest.append({"picture": name, "expected": expected[key]})
with open(os.path.join(HERE, "manifest.json"), "w") as f:
    f.write("[\n" + ",\n".join(" " + json.dumps(m) for m in manifest) + "\n]\n")
