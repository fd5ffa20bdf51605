"""Imports a data set into FiftyOne, whose database is in memory."""
import logging
import sys

import fiftyone.core.odm.database as db
import mongoengine.connection
import mongomock

logging.disable(logging.INFO)
client = mongomock.MongoClient()


def connect(config):
    db._client = mongoengine.connection._connections["default"] = client
    mongoengine.connection._connection_settings["default"] = dict.fromkeys(
        ("username", "password", "authentication_source", "authmechanismproperties")) | {"name": "fiftyone"}
    mongoengine.connection._dbs["default"] = client["fiftyone"]


db.establish_db_conn = connect
db._delete_non_persistent_datasets_if_allowed = lambda: None
import fiftyone as fo  # noqa: E402

dataset = fo.Dataset.from_dir(sys.argv[1], dataset_type=fo.types.FiftyOneDataset)
print(dataset.media_type, len(dataset), len(dataset.match_tags("error")))
sample = dataset.first()
print(sample.ground_truth.label, sample.predictions.label, round(sample.predictions.confidence, 3), sample.tags,
      sample.superclass)
print(sample.predictions.logits.shape, sample.map_pred.map.shape, type(sample.map_true).__name__)
