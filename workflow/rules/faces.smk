# Priority 2: the longest chain of jobs begins here and goes on to the RBMs of faces.
FACES = "results/faces/lfw"
FACE_FILES = ["landmarks.h5", "dropped.csv", "shape.h5", "faces.h5", "metrics.json", "examples.h5"]
ARTIFACTS += [f"{FACES}/{file}" for file in FACE_FILES]
ARTIFACTS += ["results/figures/faces/grid.png", "results/figures/faces/contact.png"]


rule faces_landmarks:
    input:
        archive="data/raw/lfw/lfw-deepfunneled.tar",
    output:
        points=f"{FACES}/landmarks.h5",
        dropped=f"{FACES}/dropped.csv",
    priority: 2
    threads: 1  # starts when one core is free, then uses all cores, for half a minute
    params:
        tracked=tracked("faces.detection"),
    shell:
        "python -m relatent.stages.faces landmarks --archive {input.archive}"
        " --points {output.points} --dropped {output.dropped} --log {log}"


rule faces_shape:
    input:
        points=f"{FACES}/landmarks.h5",
        people="data/raw/lfw/people.txt",
    output:
        head=f"{FACES}/shape.h5",
    priority: 2
    params:
        tracked=tracked("faces.training_folds", "faces.frame"),
    shell:
        "python -m relatent.stages.faces shape --points {input.points} --people {input.people}"
        " --head {output.head} --log {log}"


rule faces_frontalize:
    input:
        archive="data/raw/lfw/lfw-deepfunneled.tar",
        points=f"{FACES}/landmarks.h5",
        head=f"{FACES}/shape.h5",
    output:
        faces=f"{FACES}/faces.h5",
    priority: 2
    threads: 1  # starts when one core is free, then uses all cores, for half a minute
    params:
        tracked=tracked("faces.symmetry", "faces.std"),
    shell:
        "python -m relatent.stages.faces frontalize --archive {input.archive} --points {input.points}"
        " --head {input.head} --faces {output.faces} --log {log}"


rule faces_verify:
    input:
        archive="data/raw/lfw/lfw-deepfunneled.tar",
        people="data/raw/lfw/people.txt",
        pairs="data/raw/lfw/pairs.txt",
        points=f"{FACES}/landmarks.h5",
        head=f"{FACES}/shape.h5",
    output:
        metrics=f"{FACES}/metrics.json",
        examples=f"{FACES}/examples.h5",
    priority: 2  # all measures of models of faces wait for its examples
    threads: 1  # as above
    params:
        tracked=tracked("faces"),
    shell:
        "python -m relatent.stages.faces verify --archive {input.archive} --people {input.people} --pairs {input.pairs}"
        " --points {input.points} --head {input.head} --metrics {output.metrics} --examples {output.examples} --log {log}"


rule figures_faces:
    input:
        examples=f"{FACES}/examples.h5",
    output:
        figure=report(
            "results/figures/faces/grid.png",
            caption="../report/faces.rst",
            category="Faces",
        ),
    shell:
        "python -m relatent.stages.figures.faces grid --pictures {input.examples} --name at_random"
        " --figure {output.figure} --log {log}"


rule figures_contact:
    input:
        examples=f"{FACES}/examples.h5",
    output:
        figure=report(
            "results/figures/faces/contact.png",
            caption="../report/contact.rst",
            category="Faces",
        ),
    shell:
        "python -m relatent.stages.figures.faces contact --examples {input.examples}"
        " --figure {output.figure} --log {log}"
