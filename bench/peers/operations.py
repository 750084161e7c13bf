"""Halorun's operations in OpenCV's words: what a user of Python would write."""
import cv2, numpy as np

def gray(x): return x if x.ndim == 2 else cv2.cvtColor(x, cv2.COLOR_BGR2GRAY)
def colour(x): return x if x.ndim == 3 else cv2.cvtColor(x, cv2.COLOR_GRAY2BGR)

def keep(channel):
    def f(x):
        x = colour(x)
        y = np.zeros_like(x)
        y[:, :, channel] = x[:, :, channel]
        return y
    return f

def matrix(rgb):
    m = np.array(rgb)[::-1, ::-1].copy()
    return lambda x: cv2.transform(colour(x), m)

def table(f):
    lut = np.array([int(f(v) + 0.5) for v in range(256)], np.uint8)
    return lambda x: cv2.LUT(x, lut)

def kernel(a):
    k = np.array([[float(v) for v in row.split(",")] for row in a["kernel"].split(";")])
    if a["normalize"] and k.sum() != 0:
        k /= k.sum()
    k *= a["scale"]
    return lambda x: cv2.filter2D(x, -1, k, delta=a["delta"])

def unsharp(a):
    def f(x):
        blurred = cv2.GaussianBlur(x, (a["size"],) * 2, a["sigma"])
        mixed = cv2.addWeighted(x, 1 + a["amount"], blurred, -a["amount"], 0)
        return np.where(cv2.absdiff(x, blurred) > a["threshold"], mixed, x) if a["threshold"] else mixed
    return f

def morphology(kind):
    def of(a):
        element = np.ones((a["height"] or a["size"], a["width"] or a["size"]), np.uint8)
        return lambda x: cv2.morphologyEx(x, kind, element)
    return of

def threshold(a, more=0):
    kind = getattr(cv2, "THRESH_" + a["type"].upper().replace("-", "_")) | more
    return lambda x: cv2.threshold(gray(x), a.get("value", 0), a["max"], kind)[1]

def derivative(f): return lambda x: cv2.convertScaleAbs(f(gray(x)))
def axis(a): return int(a["axis"] == "x"), int(a["axis"] == "y")
def levels(a): return a["levels"] - 1

SHARPEN = np.array([[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]], np.float64)
EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float64)

OPERATIONS = {
    "gray": lambda a: gray,
    "edges": lambda a: lambda x: cv2.Canny(gray(x), a["low"], a["high"], L2gradient=a["l2"]),
    "sharpen": lambda a: lambda x: cv2.filter2D(cv2.GaussianBlur(x, (5, 5), 0), -1, SHARPEN),
    "blur": lambda a: lambda x: cv2.GaussianBlur(x, (a["size"],) * 2, a["sigma"]),
    "sketch": lambda a: derivative(lambda g: cv2.Laplacian(g, cv2.CV_16S)),
    "invert": lambda a: cv2.bitwise_not,
    "brightness-contrast": lambda a: lambda x: cv2.convertScaleAbs(x, alpha=a["alpha"], beta=a["beta"]),
    "red": lambda a: keep(2), "green": lambda a: keep(1), "blue": lambda a: keep(0),
    "hsv": lambda a: lambda x: cv2.cvtColor(colour(x), cv2.COLOR_BGR2HSV),
    "heatmap": lambda a: lambda x: cv2.applyColorMap(gray(x), cv2.COLORMAP_JET),
    "conv": kernel,
    "box": lambda a: lambda x: cv2.blur(x, (a["size"],) * 2),
    "median": lambda a: lambda x: cv2.medianBlur(x, a["size"]),
    "bilateral": lambda a: lambda x: cv2.bilateralFilter(x, a["d"], a["color"], a["space"]),
    "unsharp": unsharp,
    "emboss": lambda a: lambda x: cv2.filter2D(x, -1, EMBOSS),
    "erode": morphology(cv2.MORPH_ERODE), "dilate": morphology(cv2.MORPH_DILATE), "open": morphology(cv2.MORPH_OPEN),
    "close": morphology(cv2.MORPH_CLOSE), "gradient": morphology(cv2.MORPH_GRADIENT), "tophat": morphology(cv2.MORPH_TOPHAT),
    "blackhat": morphology(cv2.MORPH_BLACKHAT),
    "equalize": lambda a: lambda x: cv2.equalizeHist(gray(x)),
    "threshold": threshold, "otsu": lambda a: threshold(a, cv2.THRESH_OTSU),
    "autocontrast": lambda a: lambda x: cv2.normalize(x, None, 0, 255, cv2.NORM_MINMAX),
    "gamma": lambda a: table(lambda v: 255 * (v / 255) ** (1 / a["value"])),
    "posterize": lambda a: table(lambda v: 255 * int(v * levels(a) / 255 + 0.5) / levels(a)),
    "sepia": lambda a: matrix([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]]),
    "saturation": lambda a: matrix(a["factor"] * np.eye(3) + (1 - a["factor"]) * np.array([[0.299, 0.587, 0.114]] * 3)),
    "colormap": lambda a: lambda x: cv2.applyColorMap(gray(x), getattr(cv2, "COLORMAP_" + a["name"].upper().replace("-", "_"))),
    "sobel": lambda a: derivative(lambda g: cv2.Sobel(g, cv2.CV_16S, *axis(a), ksize=a["size"])),
    "scharr": lambda a: derivative(lambda g: cv2.Scharr(g, cv2.CV_16S, *axis(a))),
    "laplacian": lambda a: derivative(lambda g: cv2.Laplacian(g, cv2.CV_16S, ksize=a["size"])),
}

def chain(job):
    """Returns the functions to be called one after the other."""
    return [OPERATIONS[op["name"]](op["args"]) for op in job["ops"]]

def read(name, job):
    img = cv2.imread(name, cv2.IMREAD_GRAYSCALE if job["channels"] == 1 else cv2.IMREAD_COLOR)
    if img is None:
        raise SystemExit(f"OpenCV cannot read {name}")
    return img

def write(name, img, job):
    options = []
    if name.endswith(".jpg"):
        options = [cv2.IMWRITE_JPEG_QUALITY, job["quality"]]
    elif name.endswith(".png"):
        options = [cv2.IMWRITE_PNG_COMPRESSION, job["compression"]]
    elif name.endswith(".tif"):
        options = [cv2.IMWRITE_TIFF_COMPRESSION, 1]
    if not cv2.imwrite(name, img, options):
        raise SystemExit(f"OpenCV cannot write {name}")
