MEASURED = [path for path in ARTIFACTS if Path(path).name != "probe.json"]
JUDGED_STAGES = ["bptt", "face_model", "faces", "hashing", "ordering", "ranking", "rbm_likelihood", "rnn", "text"]
JUDGED_STAGES += ["text_vae", "vae"]
JUDGED = [
    path
    for path in MEASURED
    if (path.startswith("results/timing/") and path.endswith(".csv"))
    or (path.endswith(".json") and Path(path).parts[1] in JUDGED_STAGES)
    or path in [MEASURES_SUMMARY, "results/vae_measures/mnist/neighbours.json", RBM_UNITS]
    or Path(path).name == "confusion.csv"
]
ARTIFACTS += ["results/claims.json", "results/claims.html"]


rule claims:
    input:
        files=JUDGED,
    output:
        claims="results/claims.json",
        page=report("results/claims.html", caption="../report/claims.rst", category="Claims"),
    params:
        tracked=tracked("claims", "face_model.main", "ordering.sets.rnn_units.run"),
    shell:
        "python -m relatent.stages.claims judge {input.files} --claims {output.claims} --page {output.page} --log {log}"
