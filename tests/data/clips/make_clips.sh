#!/usr/bin/env bash
# make_clips.sh: makes the clips of this folder. Needs the programs ffmpeg (5.1) and python3; the clips are committed, so that
# tests need neither. Bytes differ with the version of libx264; what video_test.cpp expects of the pixels does not.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# 12 frames of WIDTH x HEIGHT, rgb24: a red, a green, a blue and a grey quarter; and in the middle row a white square of 8
# pixels that begins at column 4 x frame.
frames() {
  python3 - "$1" "$2" <<'PYTHON'
import sys
width, height = int(sys.argv[1]), int(sys.argv[2])
quarters = [[(200, 30, 30), (30, 160, 60)], [(40, 60, 190), (128, 128, 128)]]
for frame in range(12):
    for y in range(height):
        row = bytearray()
        for x in range(width):
            square = 4 * frame <= x < 4 * frame + 8 and abs(2 * y + 1 - height) <= 8
            row += bytes((255, 255, 255) if square else quarters[2 * y >= height][2 * x >= width])
        sys.stdout.buffer.write(row)
PYTHON
}
# encode FILE SIZE OPTIONS...
encode() {
  local file=$1 size=$2
  shift 2
  ffmpeg -hide_banner -loglevel error -y -f rawvideo -pix_fmt rgb24 -s "$size" -r 10 -i "$work/$size.rgb" "$@" -fflags +bitexact \
    -flags:v +bitexact "$file"
}
frames 64 48 >"$work/64x48.rgb"
frames 63 47 >"$work/63x47.rgb"
x264=(-c:v libx264 -g 6 -bf 2 -crf 12)
to709=(-vf scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd -pix_fmt yuv420p -colorspace bt709 -color_range tv)

encode h264.mp4 64x48 "${to709[@]}" "${x264[@]}" -movflags +faststart
encode full_range.mp4 64x48 -vf scale=out_color_matrix=bt601:out_range=pc:flags=accurate_rnd -pix_fmt yuv420p \
  -colorspace smpte170m -color_range pc "${x264[@]}"
encode untagged.mp4 64x48 -vf scale=out_color_matrix=bt601:out_range=tv:flags=accurate_rnd -pix_fmt yuv420p "${x264[@]}"
encode ten_bits.mkv 64x48 "${to709[@]}" -pix_fmt yuv420p10le "${x264[@]}"
# The values of the frames taken for PQ's, so grey is 0.502 of its range: 93 nits.
encode pq.mkv 64x48 -vf scale=out_color_matrix=bt2020:out_range=tv:flags=accurate_rnd -pix_fmt yuv420p10le -colorspace bt2020nc \
  -color_primaries bt2020 -color_trc smpte2084 -color_range tv "${x264[@]}"
encode odd.webm 63x47 "${to709[@]}" -c:v libvpx-vp9 -b:v 0 -crf 15
encode frames.gif 64x48 -vf 'split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none'
encode irregular.mp4 64x48 -vf "scale=out_color_matrix=bt601:out_range=tv:flags=accurate_rnd,settb=1/1000,setpts=N*(N+9)*10" -pix_fmt yuv420p \
  -vsync passthrough "${x264[@]}"
encode mpeg4.mov 64x48 -vf scale=out_color_matrix=bt601:out_range=tv:flags=accurate_rnd -pix_fmt yuv420p -c:v mpeg4 -q:v 2 -g 6
# As ffmpeg itself shows them: rotate=90 is a quarter to the left.
for turn in left=90 right=270; do
  ffmpeg -hide_banner -loglevel error -y -i h264.mp4 -c copy -metadata:s:v "rotate=${turn#*=}" -fflags +bitexact \
    "turned_${turn%=*}.mp4"
done
ffmpeg -hide_banner -loglevel error -y -i h264.mp4 -c copy -fflags +bitexact -f matroska - >no_duration.mkv
ffmpeg -hide_banner -loglevel error -y -f lavfi -i sine=duration=0.2 -c:a aac -b:a 16k -fflags +bitexact no_video.mp4
# 12 frames of 64 x 48, then 12 of 63 x 47 shrunk to 32 x 24, in one stream.
encode "$work/large.h264" 64x48 -pix_fmt yuv420p "${x264[@]}" -bf 0
encode "$work/small.h264" 63x47 -vf scale=32:24 -pix_fmt yuv420p "${x264[@]}" -bf 0
cat "$work/large.h264" "$work/small.h264" >"$work/both.h264"
ffmpeg -hide_banner -loglevel error -y -f h264 -r 10 -i "$work/both.h264" -c copy -bsf:v setts=ts=N*100:time_base=1/1000 -fflags +bitexact two_sizes.mkv
