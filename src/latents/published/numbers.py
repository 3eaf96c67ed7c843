"""Published numbers to be set beside ours. They are quoted from memory, and their preprocessing differs among papers
and from ours: targets, not quotations.
"""

from __future__ import annotations

BITS = (8, 16, 32, 64, 128)

# 20 Newsgroups, precision@100 by Hamming distance, by bits. LSH to VDSH-SP: Chaidaroon & Fang, SIGIR 2017;
# NASH: Shen et al., ACL 2018; AMMI: Stratos & Wiseman, ICML 2020 (its own commands).
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

# 20 Newsgroups, 2,000 words, 50 topics, perplexity a word. LDA, replicated softmax: Salakhutdinov & Hinton 2009;
# NVDM: Miao et al. 2016; ProdLDA: Srivastava & Sutton 2017.
PERPLEXITY: dict[str, float] = {"LDA": 1091, "NVDM": 836, "ProdLDA": 1172}
