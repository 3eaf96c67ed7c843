"""Published numbers beside ours: each stands in its row, with its source, and ours come from the
files alone."""

import re

from relatent.files.tables import write_csv, write_json
from relatent.published import tables as comparison
from relatent.published.numbers import BITS, BOUNDS, HASHING, MEMORY, PERPLEXITY, READ, SOURCES
from relatent.stages.published import NAMES, write

OURS = [
    {"source": "ours", "protocol": protocol, "method": method, "bits": str(bits), "precision@100": str(value)}
    for protocol, method, bits, value in (
        ("random", "vdsh", 8, 0.25), ("random", "vdsh", 32, 0.44), ("bydate", "vdsh", 8, 0.1),
        ("random", "itq", 24, 0.5), ("random", "tfidf", 0, 0.471), ("random", "new_one", 8, 0.3),
    )
]  # fmt: skip
PUBLISHED = {"source": "published, from memory", "protocol": "as published", "method": "VDSH", "bits": "8"}
MODELS = {
    "unigram": {"perplexity_documents": 1258.6, "perplexity_words": 1358.7},
    "mlp": {"perplexity_documents": 795.0, "perplexity_words": 752.6, "bound_documents": 704.3},
}
SUMMARY = {
    name: {"bound": bound, "elbo": bound - 5, "bound_samples": 5000, "binarise": "dynamic"}
    for name, bound in (("mlp_2d", -130.5), ("iwae_50d", -85.94))
}


def test_ours_stand_below_their_published_counterpart_and_others_at_the_end():
    """Every published method once, in its order; a method that nobody published is not lost;
    lengths are joined."""
    table = comparison.hashing_table([*OURS, PUBLISHED | {"precision@100": "0.9"}], NAMES)
    names = [(row[0], row[1]) for row in table.rows]
    start = names.index(("VDSH", "published"))
    assert names[start : start + 3] == [("VDSH", "published"), ("VDSH", "ours, random"), ("VDSH", "ours, bydate")]
    assert [name for name, whose in names if whose == "published"] == list(HASHING)
    assert {"ITQ", "tf-idf cosine", "new_one"} <= {name for name, _ in names[names.index(("AMMI", "published")) :]}
    assert table.columns[3:-1] == tuple(str(bits) for bits in sorted({*BITS, 24}))
    row = dict(zip(table.columns, table.rows[start + 1], strict=True))
    assert (row["8"], row["32"], row["24"], row["labels seen"]) == ("0.250", "0.440", "", "no")
    assert any("0.471" in row[-1] for row in table.rows if row[0] == "tf-idf cosine")


def test_every_published_number_has_a_source_that_says_how_it_was_had():
    """Read at the source, or from memory."""
    assert set(SOURCES) == {*HASHING, *PERPLEXITY}
    for source in [*SOURCES.values(), *(source for *_, source in BOUNDS)]:
        assert source.endswith((READ, MEMORY))
    assert set(comparison.COUNTERPARTS.values()) <= {*HASHING, ""}


def test_perplexities_and_bounds_are_those_of_the_files():
    """Both averages; the tighter bound where there is one; the best bound first."""
    rows = {row[0]: row for row in comparison.perplexity_table(MODELS, NAMES).rows}
    assert rows["unigram"][1:6] == ("ours", "", "1259", "1359", "")
    assert rows["VAE, MLP"][1:6] == ("ours", "", "795", "753", "704")
    assert rows["NVDM"][1:3] == ("published", "836")
    ours = [row for row in comparison.bound_table(SUMMARY).rows if row[1] == "ours"]
    assert [row[0] for row in ours] == ["iwae_50d", "mlp_2d"]
    assert ours[0][2:5] == ("dynamic, 5,000 draws", "-85.94", "-90.94")


def test_the_page_holds_every_number_fetches_nothing_and_repeats(tmp_path):
    """Through the stage's command; text is escaped."""
    run = tmp_path / "mlp" / "metrics.json"
    write_json(run, MODELS["mlp"])
    write_json(tmp_path / "peers.json", {"unigram": MODELS["unigram"], "tfidf": {"knn": 0.6}})
    write_json(tmp_path / "summary.json", SUMMARY)
    write_csv(tmp_path / "hashing.csv", [row | {"method": row["method"].replace("new_one", "<b>")} for row in OURS])
    for name in ("a.html", "b.html"):
        write([run], tmp_path / "peers.json", tmp_path / "hashing.csv", tmp_path / "summary.json", tmp_path / name)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert text == (tmp_path / "b.html").read_text(encoding="utf-8")
    numbers = [f"{value:.3f}" for by_bits in HASHING.values() for value in by_bits.values()]
    for cell in [*numbers, "795", "-85.94", "-89.78", "&lt;b&gt;"]:
        assert f"<td>{cell}</td>" in text
    assert not re.search(r"<b>|https?:|src=|href=", text)
    assert text.count("<table>") == text.count("</table>") == 3


def test_markdown_marks_the_best_of_each_kind():
    """Supervised methods do not compete with the others; equal ones are both marked."""
    table = comparison.markdown(
        {
            "lsh": {"precision@100_8": 0.1, "precision@100_16": 0.2},
            "itq": {"precision@100_8": 0.1, "precision@100_16": 0.1, "map_8": 0.9},
            "vdsh_s": {"precision@100_8": 0.8, "precision@100_16": 0.9},
            "tfidf": {"precision@100_0": 0.4711},
        },
        NAMES,
    )
    assert table.splitlines()[2:] == [
        "| LSH | no | **.100** | **.200** |",
        "| ITQ | no | **.100** | .100 |",
        "| VDSH-S | yes | **.800** | **.900** |",
        "| tf-idf cosine (no code: .471) | no |  |  |",
    ]
