# The claims of the notes, judged by what all stages measured.
MEASURED = [path for path in ARTIFACTS if Path(path).name != "probe.json"]
JUDGED = [
    path
    for path in MEASURED
    if path.startswith(f"{EVIDENCE}/")
    or (path.startswith("results/timing/") and path.endswith(".csv"))
    or (path.endswith(".json") and Path(path).parts[1] in ["face_model", "faces", "hashing", "likelihood", "ordering"])
    or (path.endswith(".json") and Path(path).parts[1] in ["ranking", "rnn", "text", "text_vae", "vae"])
    or path == MEASURES_SUMMARY
    or Path(path).name == "confusion.csv"
]
ARTIFACTS += ["results/claims.json", "results/claims.html"]


rule claims:
    input:
        files=JUDGED,
    output:
        claims="results/claims.json",
        page=report("results/claims.html", caption="../report/claims.rst", category="Claims"),
    log:
        "logs/claims/claims.log",
    params:
        tracked=tracked("claims", "face_model.main", "ordering.sets.rnn_units.run"),
    shell:
        "python -m latents.stages.claims judge {input.files} --claims {output.claims} --page {output.page} --log {log}"
