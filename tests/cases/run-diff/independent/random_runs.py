"""Writes the tables of two random runs on the same images: classes, images, file, file."""
import random
import sys

classes, images = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(classes)
truth = [rng.randrange(classes) for _ in range(images)]
for path in sys.argv[3:]:
    with open(path, "w") as f:
        print("id", "true", "pred", "conf", "loss", "true_group", "pred_group", sep="\t", file=f)
        for i in rng.sample(range(images), images):
            pred = truth[i] if rng.random() < 0.7 else rng.randrange(classes)
            conf = rng.choice([1.0, rng.random(), 1 / 3, 2 / 15])
            print(i, truth[i], pred, "%.9g" % conf, "%.9g" % rng.expovariate(1), truth[i] % 2, pred % 2,
                  sep="\t", file=f)
