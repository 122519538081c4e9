"""Makes the pictures here (after make_jpegs.c) and pillow.txt. Needs numpy, Pillow 13 and OpenCV; run in this folder."""
import glob
import zlib

import cv2
import numpy as np
from PIL import Image, ImageOps

rng = np.random.default_rng(0)
truck = Image.open("../truck.jpg").convert("RGB").resize((61, 47))
noise = Image.fromarray(rng.integers(0, 256, (47, 61), dtype=np.uint8))

truck.save("yuv420.jpg", quality=85)
truck.save("yuv422.jpg", subsampling="4:2:2")
truck.save("yuv444.jpg", subsampling="4:4:4")
truck.save("progressive.jpg", progressive=True, quality=70)
truck.save("restart_markers.jpg", restart_marker_blocks=2)
truck.convert("L").save("grey.jpg")
truck.convert("CMYK").save("cmyk.jpg", quality=90)
truck.resize((1, 1)).save("one_pixel.jpg")
exif = Image.Exif()
for orientation in range(2, 9):
    exif[0x112] = orientation
    truck.resize((9, 5)).save(f"orientation{orientation}.jpg", exif=exif, quality=90)

exif[0x112] = 6
truck.save("orientation6.png", exif=exif)
truck.save("rgb8.png")
truck.convert("L").save("grey8.png")
truck.convert("1").save("grey1.png")
truck.quantize(17).save("palette8.png")
truck.quantize(7).save("palette4.png", bits=4)
truck.quantize(17).save("palette_transparent.png", transparency=3)
truck.resize((1, 1)).save("one_pixel.png")
Image.merge("RGBA", (*truck.split(), noise)).save("rgba8.png")
Image.merge("LA", (truck.convert("L"), noise)).save("grey_alpha8.png")
Image.fromarray(np.array(truck.convert("L")).astype(np.uint16) * 257).save("grey16.png")
bgr = np.array(truck)[:, :, ::-1].astype(np.uint16) * 256
cv2.imwrite("rgb16.png", bgr + rng.integers(0, 256, bgr.shape).astype(np.uint16))
cv2.imwrite("rgba16.png", rng.integers(0, 65536, (20, 30, 4)).astype(np.uint16))

with open("pillow.txt", "w") as listing:
    for name in sorted(glob.glob("*.jpg") + glob.glob("*.png") + ["../truck.jpg", "../groceries.jpg"]):
        picture = ImageOps.exif_transpose(Image.open(name))
        if picture.mode == "I;16":  # Pillow's convert("RGB") clips these to white; samc keeps the high byte
            picture = Image.fromarray((np.array(picture) >> 8).astype(np.uint8))
        pixels = np.array(picture.convert("RGB"))
        listing.write(f"{name} {pixels.shape[1]} {pixels.shape[0]} {zlib.crc32(pixels.tobytes()):08x}\n")
