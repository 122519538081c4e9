"""Segments a folder or Parquet of images on a Ray cluster: ray_segment.py IMAGES OUTPUT [--workers N] [--model MODEL].

A pool of actors, each with the model and one core. RAY_ADDRESS says where the cluster is; without it, one begins here.
"""

import os
import pickle
import sys

import pyarrow.dataset
import ray
from segmenter import Segmenter, arguments, images_in, row_of_error


class PartSegmenter(Segmenter):
    """Reads a row group of a Parquet, few images at a time, and segments them."""

    def __call__(self, item):
        part = pickle.loads(item["part"])
        try:
            for batch in part.to_batches(batch_size=16, batch_readahead=1, use_threads=False):
                yield from map(super().__call__, batch.to_pylist())
        except Exception as error:  # what cannot be read any further is a row too
            yield row_of_error(f"{part.path}, row groups {part.row_groups}", error)


def row_groups_of(path, workers):
    # Ray's own reader needs a core beside those of the workers, and with as many workers as cores waits for it forever. What
    # workers read themselves needs none.
    files = pyarrow.dataset.dataset(path, format="parquet").get_fragments()
    parts = [{"part": pickle.dumps(part)} for file in files for part in file.split_by_row_group()]
    if len(parts) < workers:
        print(f"{path}: {len(parts)} of {workers} workers have work, one a row group; write it with row_group_size=64", file=sys.stderr)
    return parts


def main():
    given = arguments(__doc__.splitlines()[0])
    # Workers on other machines get this folder.
    ray.init(runtime_env={"working_dir": os.path.dirname(os.path.abspath(__file__))})
    pool = {"fn_constructor_args": (given.model, given.point, given.embeddings), "num_cpus": 1,
            "compute": ray.data.ActorPoolStrategy(size=given.workers)}
    if given.is_parquet:
        parts = row_groups_of(given.images, given.workers)
        rows = ray.data.from_items(parts, override_num_blocks=len(parts)).flat_map(PartSegmenter, **pool)
    else:
        # Paths alone: workers read the files, so that one that cannot be read is a row with an error.
        rows = ray.data.from_items(images_in(given.images), override_num_blocks=4 * given.workers).map(Segmenter, **pool)
    # Writing is little work and asks for no core, so that there may be as many workers as cores. Few at a time: each write that
    # runs beside others is a process more, which takes a second of a core to start.
    rows.write_parquet(given.output, ray_remote_args={"num_cpus": 0}, concurrency=max(1, given.workers // 16),
                       min_rows_per_file=1024)


if __name__ == "__main__":
    main()
