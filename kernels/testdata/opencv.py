#!/usr/bin/env python3
"""Prints what OpenCV 4.6 (Debian: python3-opencv) makes of the golden input pictures: opencv.py > opencv.txt

A line holds the CRC-32 of the results for all pictures one after the other, in red, green, blue, and the operation. As for the golden
vectors, pictures are read in colour, and grey results are made colour again.
"""
import glob
import os
import zlib

import cv2
import numpy as np


def gray(x):
    return cv2.cvtColor(x, cv2.COLOR_BGR2GRAY)


def matrix(rgb):
    m = np.array(rgb)[::-1, ::-1].copy()
    return lambda x: cv2.transform(x, m)


def derivative(f, axis, *size):
    return lambda x: cv2.convertScaleAbs(f(gray(x), cv2.CV_16S, int(axis == "x"), int(axis == "y"), *size))


def unsharp(size, sigma, amount, threshold):
    def f(x):
        blurred = cv2.GaussianBlur(x, (size, size), sigma)
        mixed = cv2.addWeighted(x, 1 + amount, blurred, -amount, 0)
        return np.where(cv2.absdiff(x, blurred) > threshold, mixed, x)
    return f


OPS = {
    "equalize": lambda x: cv2.equalizeHist(gray(x)),
    "autocontrast": lambda x: cv2.normalize(x, None, 0, 255, cv2.NORM_MINMAX),
    "sepia": matrix([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]]),
    "emboss": lambda x: cv2.filter2D(x, -1, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float64)),
}
for name in ["binary", "binary-inv", "trunc", "tozero", "tozero-inv"]:
    t = getattr(cv2, "THRESH_" + name.upper().replace("-", "_"))
    OPS[f"threshold:value=100,max=200,type={name}"] = lambda x, t=t: cv2.threshold(gray(x), 100, 200, t)[1]
    OPS[f"otsu:max=200,type={name}"] = lambda x, t=t: cv2.threshold(gray(x), 0, 200, t | cv2.THRESH_OTSU)[1]
for f in [0, 0.5, 1.5, 10]:
    OPS[f"saturation:factor={f}"] = matrix(f * np.eye(3) + (1 - f) * np.array([[0.299, 0.587, 0.114]] * 3))
for name in sorted(n for n in dir(cv2) if n.startswith("COLORMAP_")):
    which = getattr(cv2, name)
    OPS["colormap:name=" + name[9:].lower().replace("_", "-")] = lambda x, m=which: cv2.applyColorMap(gray(x), m)
for axis in "xy":
    for size in [3, 5, 7]:
        OPS[f"sobel:axis={axis},size={size}"] = derivative(lambda g, d, dx, dy, n: cv2.Sobel(g, d, dx, dy, ksize=n), axis, size)
    OPS[f"scharr:axis={axis}"] = derivative(cv2.Scharr, axis)
for size in [1, 3, 5, 7]:
    OPS[f"laplacian:size={size}"] = lambda x, n=size: cv2.convertScaleAbs(cv2.Laplacian(gray(x), cv2.CV_16S, ksize=n))
for size, sigma, amount, threshold in [(5, 0, 1, 0), (31, 0, 0.5, 0), (9, 2.5, 0.1, 0), (7, 1.3, 2.7, 3)]:
    OPS[f"unsharp:size={size},sigma={sigma},amount={amount},threshold={threshold}"] = unsharp(size, sigma, amount, threshold)

here = os.path.dirname(os.path.abspath(__file__))
pictures = [cv2.imread(name) for name in sorted(glob.glob(here + "/../../testdata/golden/inputs/*.png"))]
for op, f in OPS.items():
    crc = 0
    for picture in pictures:
        result = f(picture)
        if result.ndim == 2:
            result = cv2.cvtColor(result, cv2.COLOR_GRAY2BGR)
        crc = zlib.crc32(np.ascontiguousarray(result[:, :, ::-1]).tobytes(), crc)
    print(f"{crc:08x} {op}")
