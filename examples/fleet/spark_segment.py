"""Segments a folder or Parquet of images with Spark: spark_segment.py IMAGES OUTPUT [--workers N] [--model MODEL].

mapInPandas, one core a task. spark-submit, or the variable SPARK_MASTER, says where the cluster is.
"""

import os

import pandas
from pyspark.sql import SparkSession

from segmenter import arguments, images_in, of_this_process

SCHEMA = ("path string, width long, height long, area long, predicted_iou double, mask binary, error string, "
          "seconds double, done double, worker string")


def main():
    given = arguments(__doc__.splitlines()[0])
    builder = SparkSession.builder.appName("samc")
    if "SPARK_MASTER" in os.environ:
        builder = builder.master(os.environ["SPARK_MASTER"])
    # Java hands rows on and no more: what it would spend on compiling that well is better spent on images.
    builder = builder.config("spark.executor.extraJavaOptions", "-XX:TieredStopAtLevel=1")
    # Arrow's batches hold the images of a Parquet: few at a time.
    spark = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", 16).getOrCreate()
    # Workers on other machines get this file.
    spark.sparkContext.addPyFile(os.path.join(os.path.dirname(os.path.abspath(__file__)), "segmenter.py"))
    if given.is_parquet:
        images = spark.read.parquet(given.images)
    else:
        # Paths alone: workers read the files, so that one that cannot be read is a row with an error.
        images = spark.createDataFrame(images_in(given.images), "path string")
    model, point, embeddings = given.model, given.point, given.embeddings

    def segment(batches):
        segmenter = of_this_process(model, point, embeddings)
        for batch in batches:
            yield pandas.DataFrame([segmenter(row) for row in batch.to_dict("records")])

    images.repartition(2 * given.workers).mapInPandas(segment, SCHEMA).write.mode("overwrite").parquet(given.output)


if __name__ == "__main__":
    main()
