"""Published numbers and their sources: precision of hash codes, perplexity of documents, bounds on
digits.

Each source says whether its numbers were read there or quoted from memory. Papers preprocess their
data in different ways, and we in another: these numbers are targets, not quotations.
"""

from __future__ import annotations

READ, MEMORY = "read at the source", "from memory"
VDSH = f"Chaidaroon & Fang, SIGIR 2017; {MEMORY}"
NASH = f"Shen et al., ACL 2018; {MEMORY}"
PYTHAE = f"reproducibility table of pythae (benchmark_VAE); {READ}"

# method or model: its source
SOURCES: dict[str, str] = {
    "LSH": VDSH,
    "STH": VDSH,
    "VDSH": VDSH,
    "VDSH-S": VDSH,
    "VDSH-SP": VDSH,
    "NASH-DN": NASH,
    "NASH-DN-S": NASH,
    "AMMI": f"beside the commands of the authors' code (Stratos & Wiseman, ICML 2020); {READ}",
    "LDA": f"Salakhutdinov & Hinton, NIPS 2009; {MEMORY}",
    "NVDM": f"Miao, Yu & Blunsom, ICML 2016; {MEMORY}",
    "ProdLDA": f"Srivastava & Sutton, ICLR 2017; {MEMORY}",
}

BITS = (8, 16, 32, 64, 128)  # code lengths of the published numbers

# 20 Newsgroups, precision@100 by Hamming distance: method -> {bits: precision}
HASHING: dict[str, dict[int, float]] = {
    name: dict(zip(BITS[-len(values) :], values, strict=True))
    for name, values in {
        "LSH": (0.058, 0.060, 0.067, 0.077, 0.095),
        "STH": (0.366, 0.524, 0.586, 0.581, 0.544),
        "VDSH": (0.364, 0.390, 0.433, 0.173, 0.052),
        "VDSH-S": (0.659, 0.679, 0.756, 0.685, 0.692),
        "VDSH-SP": (0.661, 0.655, 0.713, 0.705, 0.712),
        "NASH-DN": (0.404, 0.531, 0.623, 0.538, 0.495),
        "NASH-DN-S": (0.625, 0.697, 0.807, 0.821, 0.784),
        "AMMI": (0.552, 0.596, 0.640, 0.662),
    }.items()
}

# 20 Newsgroups, 2,000 words, 50 topics: model -> perplexity per word; that of LDA is from the paper
# on the replicated
# softmax
PERPLEXITY: dict[str, float] = {"LDA": 1091, "NVDM": 836, "ProdLDA": 1172}

# binary MNIST, test log likelihood by importance sampling, nats per digit:
# (model, how the digits were binarised and the number measured, value, source)
BOUNDS: tuple[tuple[str, str, float, str], ...] = (
    ("VAE", "fixed, 200 draws", -89.78, PYTHAE),
    ("VAE, as Rezende & Mohamed print it", "fixed", -89.9, PYTHAE),
    ("IWAE, 5 draws", "fixed, 5,000 draws", -87.85, f"pythae's page of the model; {READ}"),
    ("IWAE, 50 draws", "fixed, 5,000 draws", -86.82, PYTHAE),
    ("IWAE, 50 draws, as Burda et al. print it", "fixed", -87.1, PYTHAE),
    ("CIWAE, beta 0.05", "dynamic, 5,000 draws", -84.74, PYTHAE),
    ("MIWAE, 8 x 8 draws", "dynamic, 5,000 draws", -85.09, PYTHAE),
)
