"""Makes by_hand/: images that say how the camera was held in every way there is, and interlaced PNGs, byte by byte
because no library writes them; and by_hand/pillow.txt. Needs numpy and Pillow 13; run in this folder."""
import glob
import io
import struct
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps

SHORT, LONG, BYTE, RATIONAL, FLOAT = 3, 4, 1, 5, 11
picture = Image.open("../truck.jpg").convert("RGB").resize((9, 5))


def tiff(kind, value, count=1, order="<"):
    """An EXIF block whose only entry is the orientation, of this type."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "LHHHL", 8, 1, 0x112, kind, count)
    if len(value) <= 4:
        return head + value.ljust(4, b"\0") + bytes(4)
    return head + struct.pack(order + "LL", len(head) + 8, 0) + value


def number(letter, value, order="<"):
    return struct.pack(order + letter, value)


def xmp(orientation, as_element=False):
    text = f"<tiff:Orientation>{orientation}</tiff:Orientation>" if as_element else f'<a tiff:Orientation="{orientation}"/>'
    return b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + text.encode() + b"</x:xmpmeta>"


def segment(content):
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def jpeg(name, *segments):
    whole = io.BytesIO()
    picture.save(whole, "JPEG", quality=90)
    whole = whole.getvalue()
    end = 4 + struct.unpack(">H", whole[4:6])[0]  # of the JFIF segment
    with open(f"by_hand/{name}.jpg", "wb") as file:
        file.write(whole[:end] + b"".join(segment(content) for content in segments) + whole[end:])


def chunk(kind, content):
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def png(name, *before, after=()):
    whole = io.BytesIO()
    picture.save(whole, "PNG")
    whole = whole.getvalue()
    pixels, end = whole.index(b"IDAT") - 4, whole.index(b"IEND") - 4
    with open(f"by_hand/{name}.png", "wb") as file:
        file.write(whole[:pixels] + b"".join(before) + whole[pixels:end] + b"".join(after) + whole[end:])


def interlaced(width, height):
    values = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    rows = b""
    for x, y, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        part = values[y::dy, x::dx]
        if part.size > 0:
            rows += b"".join(b"\0" + row.tobytes() for row in part)
    with open(f"by_hand/interlaced_{width}x{height}.png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 1)) +
                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


EXIF, XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
PROFILE, XMP_KEY = b"Raw profile type exif\0", b"XML:com.adobe.xmp\0"
short6 = tiff(SHORT, number("H", 6))
no_orientation = b"II*\0" + struct.pack("<LHHHLLL", 8, 1, 0x110, LONG, 1, 6, 0)
profile = lambda block: b"\nexif\n%8d\n%s\n" % (len(block), block.hex().encode())

jpeg("long", EXIF + tiff(LONG, number("L", 6)))
jpeg("long_big_end_first", EXIF + tiff(LONG, number("L", 6, ">"), order=">"))
jpeg("count_2", EXIF + tiff(SHORT, number("H", 6) + number("H", 3), count=2))
jpeg("rational", EXIF + tiff(RATIONAL, number("L", 16) + number("L", 2)))
jpeg("float", EXIF + tiff(FLOAT, number("f", 5)))
jpeg("byte_is_no_number", EXIF + tiff(BYTE, number("B", 6)), XMP + xmp(3))
jpeg("zero_hides_xmp", EXIF + tiff(SHORT, number("H", 0)), XMP + xmp(6))
jpeg("exif_before_xmp", XMP + xmp(3), EXIF + short6)
jpeg("exif_without_orientation", EXIF + no_orientation, XMP + xmp(7))
jpeg("exif_in_two_segments", EXIF + short6[:20], EXIF + short6[20:])
jpeg("exif_twice_begun", EXIF + EXIF + short6)
jpeg("xmp_attribute", XMP + xmp(6))
jpeg("xmp_element", XMP + xmp(8, as_element=True))
jpeg("xmp_last_counts", XMP + xmp(6), XMP + xmp(2))
png("exif_begun", chunk(b"eXIf", EXIF + short6))
png("exif_after_pixels", after=[chunk(b"eXIf", short6)])
png("exif_before_profile", chunk(b"tEXt", PROFILE + profile(EXIF + tiff(SHORT, number("H", 3)))), chunk(b"eXIf", short6))
png("profile", chunk(b"tEXt", PROFILE + profile(EXIF + short6)))
png("profile_compressed", chunk(b"zTXt", PROFILE + b"\0" + zlib.compress(profile(EXIF + short6))))
png("profile_before_xmp", chunk(b"iTXt", XMP_KEY + b"\0\0\0\0" + xmp(3)), chunk(b"zTXt", PROFILE + b"\0" + zlib.compress(profile(short6))))
png("xmp", chunk(b"iTXt", XMP_KEY + b"\0\0\0\0" + xmp(5)))
png("xmp_compressed", chunk(b"iTXt", XMP_KEY + b"\1\0en\0XMP\0" + zlib.compress(xmp(6, as_element=True))))
png("xmp_in_ztxt", after=[chunk(b"zTXt", XMP_KEY + b"\0" + zlib.compress(xmp(8)))])
for size in [(1, 1), (3, 3), (13, 8), (8, 13)]:
    interlaced(*size)

warnings.simplefilter("ignore")
with open("by_hand/pillow.txt", "w") as listing:
    for name in sorted(glob.glob("by_hand/*.jpg") + glob.glob("by_hand/*.png")):
        pixels = np.array(ImageOps.exif_transpose(Image.open(name)).convert("RGB"))
        listing.write(f"{name} {pixels.shape[1]} {pixels.shape[0]} {zlib.crc32(pixels.tobytes()):08x}\n")
