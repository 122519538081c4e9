"""Segments a folder or Parquet of images on a Ray cluster: ray_segment.py IMAGES OUTPUT [--workers N] [--model MODEL].

A pool of actors, each with the model and one core. Ray reads and writes with cores of the cluster too, so it needs at least one
more than there are workers. RAY_ADDRESS says where the cluster is; without it, one begins here.
"""

import os

# Ray reads the footers of Parquet with 32 processes unless told otherwise, and they wait for the cores that workers have.
FOOTERS = {"RAY_DATA_PARQUET_FOOTER_NUM_ACTORS": os.environ.setdefault("RAY_DATA_PARQUET_FOOTER_NUM_ACTORS", "1")}

import ray
from segmenter import Segmenter, arguments, images_in


def main():
    given = arguments(__doc__.splitlines()[0])
    # Workers on other machines get this folder.
    ray.init(runtime_env={"working_dir": os.path.dirname(os.path.abspath(__file__)), "env_vars": FOOTERS})
    if given.is_parquet:
        # Workers read it themselves, a row group each: more steps would need more cores, and Ray waits for them forever.
        images = ray.data.read_parquet(given.images)
    else:
        # Paths alone: workers read the files, so that one that cannot be read is a row with an error.
        images = ray.data.from_items(images_in(given.images), override_num_blocks=4 * given.workers)
    images.map(
        Segmenter,
        fn_constructor_args=(given.model, given.point, given.embeddings),
        compute=ray.data.ActorPoolStrategy(size=given.workers),
        num_cpus=1,
        scheduling_strategy="SPREAD",
    ).write_parquet(given.output)


if __name__ == "__main__":
    main()
